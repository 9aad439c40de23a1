//! Details from calendarView, groups, rooms, pages.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::Capability::{CalendarRead, Directory, FreeBusy};
use crate::calendar::Mailbox;
use crate::client::{Ceiling, Client, Policy};
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass, permitted, wednesday};
use crate::graph::{Detail, Settings};
use crate::journal::Journal;
use crate::metrics::Metrics;

fn event(subject: &str) -> Value {
    json!({
        "subject": subject, "showAs": "busy", "type": "singleInstance", "sensitivity": "normal",
        "start": {"dateTime": "2026-11-18T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-11-18T10:00:00.0000000", "timeZone": "UTC"},
    })
}

/// Answers each part of a batch by its URL.
fn batch(seen: &Seen, part: impl Fn(&str) -> Value) -> Option<Reply> {
    if !seen.path.ends_with("/$batch") {
        return None;
    }
    let answer = |request: &Value| {
        let mut answer = part(request["url"].as_str().unwrap());
        answer["id"] = request["id"].clone();
        answer
    };
    // In any order.
    let responses: Vec<_> = seen.body["requests"].as_array().unwrap().iter().rev().map(answer).collect();
    Some(Reply::json(200, &json!({"responses": responses})))
}

#[tokio::test]
async fn details_come_from_the_view_and_hours_from_the_schedule() {
    let stub = Stub::start(|seen| {
        batch(seen, |url| {
            assert!(url.starts_with("/users/"), "{url}");
            json!({"status": 200, "body": {"value": [event("Budget")]}})
        })
    })
    .await;
    let graphs =
        stub.graphs(vec![credential(&[FreeBusy]), credential(&[CalendarRead, Directory])], Settings::default());
    let asked = permitted(&["a@example.com", "b@example.com"]);
    for _ in 0..2 {
        let answer = graphs.free_busy(&asked, wednesday(), Detail::Full, &journal()).await;
        for told in &answer {
            let told = told.as_ref().unwrap();
            assert!(told.is_detailed());
            let (_, details) = told.items().next().unwrap();
            assert_eq!(details.unwrap().subject.as_deref(), Some("Budget"));
            assert_eq!(told.working_hours().unwrap().start_minute, 480);
        }
    }
    assert_eq!(stub.calls().len(), 2, "one batch, one schedule, then the cache");

    let times = journal();
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &times).await;
    assert!(!answer[0].as_ref().unwrap().is_detailed(), "what the other credential saw is not shown");
    assert_eq!(times.hits.get(), 2);
}

#[tokio::test]
async fn a_calendar_that_may_not_be_read_still_shows_its_times() {
    let stub = Stub::start(|seen| {
        batch(seen, |url| {
            if url.contains("secret@") || url.contains("secret%40") {
                return json!({"status": 403, "body": {"error": {"code": "ErrorAccessDenied", "message": ""}}});
            }
            json!({"status": 200, "body": {"value": [event("Budget")]}})
        })
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy]), credential(&[CalendarRead])], Settings::default());
    let asked = permitted(&["secret@example.com", "a@example.com"]);
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Full, &journal()).await;
    let detailed: Vec<_> = answer.iter().map(|told| told.as_ref().unwrap().is_detailed()).collect();
    assert_eq!(detailed, [false, true]);
}

#[tokio::test]
async fn pages_are_followed_but_not_to_another_origin() {
    for own in [true, false] {
        let stub = Stub::start(|_| None).await;
        let origin = if own { stub.origin.clone() } else { "https://graph.example.net".to_owned() };
        let next = format!("{origin}/v1.0/users/a%40example.com/calendarView?$skip=1");
        stub.script(move |seen| {
            batch(seen, |url| {
                if url.contains("$skip=1") {
                    return json!({"status": 200, "body": {"value": [event("Two")]}});
                }
                json!({"status": 200, "body": {"value": [event("One")], "@odata.nextLink": next}})
            })
        });
        let graphs = stub.graphs(vec![credential(&[CalendarRead])], Settings::default());
        let answer = graphs.free_busy(&permitted(&["a@example.com"]), wednesday(), Detail::Full, &journal()).await;
        match own {
            true => assert_eq!(answer[0].as_ref().unwrap().items().count(), 2),
            false => assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::Internal),
        }
        assert_eq!(stub.calls().len(), if own { 2 } else { 1 });
    }
}

/// Throttles those who are called `slow`, with that `Retry-After`.
fn throttle(wait: u32) -> impl Fn(&Seen) -> Option<Reply> {
    move |seen| {
        batch(seen, |url| {
            if url.contains("slow") {
                let error = json!({"error": {"code": "ApplicationThrottled", "message": ""}});
                return json!({"status": 429, "headers": {"Retry-After": wait.to_string()}, "body": error});
            }
            json!({"status": 200, "body": {"value": [event("Budget")]}})
        })
    }
}

fn sizes(stub: &Stub) -> Vec<usize> {
    stub.calls().iter().map(|call| call.body["requests"].as_array().unwrap().len()).collect()
}

#[tokio::test]
async fn a_throttled_part_is_asked_again_and_holds_nobody_back() {
    let stub = Stub::start(throttle(20)).await;
    let graphs = stub.graphs(vec![credential(&[CalendarRead])], Settings::default());
    let asked = permitted(&["a@example.com", "slow@example.com"]);
    let notes = journal();
    let both = graphs.free_busy(&asked, wednesday(), Detail::Full, &notes);
    let meanwhile = async {
        stub.arrived(1).await;
        let hasty = Journal::new(Uuid::nil(), notes.now, Instant::now() + Duration::from_secs(5));
        assert!(graphs.free_busy(&asked[..1], wednesday(), Detail::Full, &hasty).await[0].is_ok());
        stub.script(|seen| batch(seen, |_| json!({"status": 200, "body": {"value": [event("Budget")]}})));
        pass(Duration::from_secs(22)).await;
    };
    let (answer, ()) = futures::join!(both, meanwhile);
    assert!(answer.iter().all(Result::is_ok));
    assert_eq!(sizes(&stub), [2, 1]);
}

#[tokio::test]
async fn a_throttled_part_is_not_asked_for_ever_and_a_closed_lane_fails_nobody_else() {
    let stub = Stub::start(throttle(0)).await;
    let metrics = Arc::new(Metrics::new());
    let graphs = stub.graphs_with(vec![credential(&[CalendarRead])], Settings::default(), Arc::clone(&metrics));
    let asked = permitted(&["a@example.com", "slow@example.com", "b@example.com"]);
    let busy = |answer: &Result<_, Failure>| matches!(answer, Err(Failure::Busy { .. }));
    let answer = graphs.free_busy(&asked[..2], wednesday(), Detail::Full, &journal()).await;
    assert!(answer[0].is_ok() && busy(&answer[1]));
    assert_eq!(sizes(&stub), [2, 1, 1, 1]);
    let counted = metrics.render();
    for line in [
        "graph_calls_total{call=\"batch\",status=\"200\"} 4",
        "graph_calls_total{call=\"calendar_view\",status=\"200\"} 1",
        "graph_calls_total{call=\"calendar_view\",status=\"429\"} 4",
        "graph_throttled_total{tenant=\"test\"} 4",
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }

    stub.script(throttle(3000));
    pass(Duration::from_secs(10)).await;
    assert!(busy(&graphs.free_busy(&asked[1..2], wednesday(), Detail::Full, &journal()).await[0]));
    let answer = graphs.free_busy(&asked[1..], wednesday(), Detail::Full, &journal()).await;
    assert!(busy(&answer[0]) && answer[1].is_ok());
    assert_eq!(sizes(&stub), [2, 1, 1, 1, 1, 1], "it is left alone");
}

#[tokio::test]
async fn groups_and_rooms() {
    let members: Value = serde_json::from_str(include_str!("../../../fixtures/graph/groups/members.json")).unwrap();
    let rooms: Value = serde_json::from_str(include_str!("../../../fixtures/graph/places/rooms.json")).unwrap();
    let stub = Stub::start(move |seen| match seen.path.as_str() {
        "/v1.0/groups" => Some(match seen.query["$filter"].as_str() {
            "mail eq 'o''team@example.com'" => Reply::json(200, &json!({"value": [{"id": "g1"}]})),
            "mail eq 'big@example.com'" => Reply::json(200, &json!({"value": [{"id": "g2"}]})),
            _ => Reply::json(200, &json!({"value": []})),
        }),
        "/v1.0/groups/g1/transitiveMembers" => Some(Reply::json(200, &members)),
        "/v1.0/groups/g2/transitiveMembers" => {
            let crowd: Vec<_> = (0..101).map(|number| json!({"mail": format!("m{number}@example.com")})).collect();
            Some(Reply::json(200, &json!({"value": crowd})))
        }
        "/v1.0/places/microsoft.graph.roomList" => {
            let lists = [json!({"displayName": "Helsinki", "emailAddress": "helsinki@example.com"})];
            Some(Reply::json(200, &json!({"value": lists})))
        }
        "/v1.0/places/helsinki@example.com/microsoft.graph.roomList/rooms" => Some(Reply::json(200, &rooms)),
        _ => None,
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[Directory])], Settings::default());
    let [team, big, none, list] = ["o'team@example.com", "big@example.com", "none@example.com", "helsinki@example.com"]
        .map(|address| permitted(&[address]).remove(0));
    let members = graphs.members(&team, &journal()).await.unwrap();
    assert_eq!(members, ["anna@example.com", "bea@example.com"].map(|address| Mailbox::parse(address).unwrap()));
    assert_eq!(graphs.members(&big, &journal()).await, Err(Failure::GroupTooLarge));
    let nobody = Err(Failure::NoSuchMailbox { address: "none@example.com".into() });
    assert_eq!(graphs.members(&none, &journal()).await, nobody);
    let rooms = graphs.rooms(&list, &journal()).await.unwrap();
    assert_eq!((rooms.len(), rooms[0].name.as_str(), rooms[0].mailbox.as_str()), (1, "Room 7", "room7@example.com"));
    let nobody = Err(Failure::NoSuchMailbox { address: "none@example.com".into() });
    assert_eq!(graphs.rooms(&none, &journal()).await, nobody);

    let client = Client::without_login("test", Policy::unlimited(&[Directory], &[], Ceiling::Time));
    let lists = graphs.room_lists(&client.entitle(Directory).unwrap(), &journal()).await.unwrap();
    assert_eq!(lists[0].mailbox.as_str(), "helsinki@example.com");

    let asked = stub.calls().len();
    assert_eq!(graphs.members(&team, &journal()).await.unwrap().len(), 2);
    assert!(graphs.members(&none, &journal()).await.is_err());
    assert_eq!(graphs.rooms(&list, &journal()).await.unwrap().len(), 1);
    assert_eq!(stub.calls().len(), asked, "remembered");
}

#[tokio::test]
async fn who_asks_for_the_same_group_shares_a_call() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| {
        let reply = match seen.path.as_str() {
            "/v1.0/groups" => Reply::json(200, &json!({"value": [{"id": "g1"}]})).behind(&held),
            _ => Reply::json(200, &json!({"value": [{"mail": "anna@example.com"}]})),
        };
        seen.path.starts_with("/v1.0/groups").then_some(reply)
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[Directory])], Settings::default());
    let team = permitted(&["team@example.com"]).remove(0);
    let notes = [journal(), journal(), journal()];
    let hasty = Journal::new(Uuid::nil(), notes[0].now, Instant::now());
    assert_eq!(graphs.members(&team, &hasty).await, Err(Failure::TimedOut));
    let open = async {
        stub.arrived(1).await;
        gate.add_permits(1);
    };
    let all = futures::future::join_all(notes.iter().map(|journal| graphs.members(&team, journal)));
    let (told, ()) = futures::join!(all, open);
    assert!(told.iter().all(|told| told.as_ref().is_ok_and(|members| members.len() == 1)), "{told:?}");
    assert_eq!((stub.calls().len(), notes[2].graph_calls.get()), (2, 2), "that of one who left, too");
}
