//! Changes to calendars, and what is remembered or under way of their busy times.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use crate::calendar::Capability::{CalendarWrite, FreeBusy};
use crate::calendar::Mailbox;
use crate::calendar::event::{EventChange, EventId};
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass, permitted, schedule, wednesday};
use crate::graph::{Detail, Graphs, NotMade, Settings};

fn writer(address: &str) -> Permitted {
    let client = Client::without_login("w", Policy::unlimited(&[CalendarWrite], &["*"], Ceiling::Full));
    client.permit(&Mailbox::parse(address).unwrap(), CalendarWrite, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

async fn times(graphs: &Graphs, address: &str) -> Result<usize, Failure> {
    let told = graphs.free_busy(&permitted(&[address]), wednesday(), Detail::Times, &journal()).await.remove(0);
    told.map(|told| told.items().count())
}

fn empty(seen: &Seen) -> Option<Reply> {
    let nothing = |address| json!({"scheduleId": address, "scheduleItems": [], "availabilityView": "000"});
    let schedules: Vec<_> = seen.is_schedule().then(|| seen.schedules())?.into_iter().map(nothing).collect();
    Some(Reply::json(200, &json!({"value": schedules})))
}

fn down(seen: &Seen) -> Option<Reply> {
    seen.is_schedule().then(|| Reply::error(500, "ErrorInternalServerError"))
}

#[tokio::test]
async fn a_change_ends_what_is_remembered_of_its_mailboxes_alone() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let all = ["a@example.com", "b@example.com"];
    for address in all {
        assert_eq!(times(&graphs, address).await, Ok(1));
    }
    stub.script(empty);
    let [changed, foreign] = ["a@example.com", "x@example.org"].map(|address| Mailbox::parse(address).unwrap());
    graphs.changed([&foreign]);
    assert_eq!(times(&graphs, "a@example.com").await, Ok(1), "nobody's");
    graphs.changed([&changed, &foreign]);
    assert_eq!((times(&graphs, "a@example.com").await, times(&graphs, "b@example.com").await), (Ok(0), Ok(1)));
    assert_eq!(times(&graphs, "a@example.com").await, Ok(0));
    assert_eq!(stub.calls().len(), 3, "what was told since is remembered");
}

#[tokio::test]
async fn nothing_older_than_a_change_stands_in_for_an_answer() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    for address in ["a@example.com", "b@example.com"] {
        assert_eq!(times(&graphs, address).await, Ok(1));
    }
    stub.script(down);
    pass(Duration::from_secs(301)).await;
    graphs.changed([&Mailbox::parse("a@example.com").unwrap()]);
    assert_eq!(times(&graphs, "a@example.com").await, Err(Failure::Unavailable));
    assert_eq!(times(&graphs, "b@example.com").await, Ok(1));
}

#[tokio::test]
async fn what_was_asked_before_a_change_is_neither_joined_nor_kept() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| {
        let schedules: Vec<_> = seen.is_schedule().then(|| seen.schedules())?.into_iter().map(schedule).collect();
        Some(Reply::json(200, &json!({"value": schedules})).behind(&held))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let change = async {
        stub.arrived(1).await;
        stub.script(empty);
        graphs.changed([&Mailbox::parse("a@example.com").unwrap()]);
        // Nobody waits longer than a moment for the call under way.
        let (after, ()) = futures::join!(times(&graphs, "a@example.com"), pass(Duration::from_millis(60)));
        gate.add_permits(1);
        after
    };
    let (before, after) = futures::join!(times(&graphs, "a@example.com"), change);
    assert_eq!((before, after), (Ok(1), Ok(0)));
    assert_eq!(times(&graphs, "a@example.com").await, Ok(0), "the older answer came later, and was not kept");
    assert_eq!(stub.calls().len(), 2);
}

#[tokio::test]
async fn writes_that_failed_are_changes_too() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy, CalendarWrite])], Settings::default());
    assert_eq!(times(&graphs, "a@example.com").await, Ok(1));
    stub.script(|seen| if seen.path.ends_with("/events") { Some(Reply::error(500, "x")) } else { empty(seen) });
    let change = EventChange::default();
    let told = graphs.create_event(&writer("a@example.com"), &change, uuid::Uuid::new_v4(), &journal()).await;
    assert_eq!(told.unwrap_err(), NotMade { failure: Failure::Unavailable, is_certain: false });
    assert_eq!(times(&graphs, "a@example.com").await, Ok(0));
}

#[tokio::test]
async fn all_who_were_invited_are_concerned() {
    let id = EventId::parse("AAMk=").unwrap();
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy, CalendarWrite])], Settings::default());
    let guests = ["b@example.com", "o@example.com"];
    for address in guests {
        assert_eq!(times(&graphs, address).await, Ok(1));
    }
    stub.script(|seen| {
        let person = |address| json!({"emailAddress": {"address": address}});
        let people = json!({"organizer": person("O@example.com"), "attendees": [person("B@example.com"), person("?")]});
        match seen.method.as_str() {
            "GET" => Some(Reply::json(200, &people)),
            "DELETE" => Some(Reply::text(204, "")),
            _ => empty(seen),
        }
    });
    graphs.delete_event(&writer("a@example.com"), &id, None, &journal()).await.unwrap();
    for address in guests {
        assert_eq!(times(&graphs, address).await, Ok(0));
    }
}
