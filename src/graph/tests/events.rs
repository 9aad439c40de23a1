//! Events at a Graph that is busy, slow, or says what it should not.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::calendar::Capability::{self, CalendarRead, CalendarWrite, Directory};
use crate::calendar::Mailbox;
use crate::calendar::event::{EventChange, EventId};
use crate::calendar::person::Query;
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::failure::Failure;
use crate::graph::NotMade;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, wednesday};
use crate::graph::{EventParts, ReplyKind, Settings};

fn client() -> Client {
    Client::without_login("c", Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full))
}

fn permit(capability: Capability) -> Permitted {
    client().permit(&Mailbox::parse("o'hara@example.com").unwrap(), capability, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

fn event(id: &str) -> Value {
    let time = |clock: &str| json!({"dateTime": format!("2026-11-18T{clock}:00.0000000"), "timeZone": "UTC"});
    json!({"id": id, "changeKey": "k", "start": time("09:00"), "end": time("10:00"), "subject": "S"})
}

fn id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

#[tokio::test]
async fn a_view_is_asked_for_wider_and_to_its_end() {
    let stub = Stub::start(|seen| {
        let next = format!("http://{}{}?page=2", seen.headers["host"].to_str().unwrap(), seen.path);
        match seen.query.get("page") {
            None if seen.path.ends_with("/calendarView") => {
                Some(Reply::json(200, &json!({"value": [event("A")], "@odata.nextLink": next})))
            }
            Some(_) => Some(Reply::error(400, "ErrorInvalidRequest")),
            None => None,
        }
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[CalendarRead])], Settings::default());
    let told = graphs.view(&permit(CalendarRead), wednesday(), &EventParts::default(), &journal()).await;
    assert_eq!(told, Err(Failure::BadValue), "one page is not the whole");
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].path, "/v1.0/users/o'hara@example.com/calendarView");
    assert_eq!(calls[0].query["startDateTime"], "2026-11-17T10:00:00Z");
    assert_eq!(calls[0].query["endDateTime"], "2026-11-19T14:00:01Z");
    assert_eq!((calls[0].query["$top"].as_str(), calls[0].query["$orderby"].as_str()), ("1000", "start/dateTime"));
    assert!(!calls[0].query["$select"].contains("body"));
}

#[tokio::test]
async fn more_events_than_an_answer_may_hold_are_a_failure() {
    let stub = Stub::start(|seen| {
        let next = format!("http://{}{}?page=2", seen.headers["host"].to_str().unwrap(), seen.path);
        let page: Vec<_> = (0..1000).map(|number| event(&format!("A{number}"))).collect();
        seen.path.contains("/users/").then(|| Reply::json(200, &json!({"value": page, "@odata.nextLink": next})))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[CalendarRead])], Settings::default());
    let told = graphs.events(&permit(CalendarRead), &EventParts::default(), &journal()).await;
    assert_eq!(told, Err(Failure::TooManyFound));
    assert_eq!(stub.calls().len(), 21, "and no more is read than that");
}

#[tokio::test]
async fn the_pages_of_a_collection_have_a_size_together() {
    let stub = Stub::start(|seen| {
        let next = format!("http://{}{}?page=2", seen.headers["host"].to_str().unwrap(), seen.path);
        let next = if seen.query.contains_key("page") { Value::Null } else { json!(next) };
        let page = json!({"value": [event("A")], "@odata.nextLink": next, "padding": " ".repeat(5_000)});
        seen.path.contains("/users/").then(|| Reply::json(200, &page))
    })
    .await;
    for (collection_bytes, expected) in [(20_000, Ok(2)), (9_000, Err(Failure::TooManyFound))] {
        let settings = Settings { collection_bytes, ..Settings::default() };
        let graphs = stub.graphs(vec![credential(&[CalendarRead])], settings);
        let told = graphs.events(&permit(CalendarRead), &EventParts::default(), &journal()).await;
        assert_eq!(told.map(|events| events.len()), expected);
    }
}

#[tokio::test]
async fn of_many_events_each_has_its_own_outcome_and_those_put_off_are_asked_again() {
    let throttled = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| {
        let answer = |request: &Value| {
            let url = request["url"].as_str().unwrap();
            let name = url.split(['/', '?']).nth(4).unwrap();
            let (status, body) = match name {
                "A7" => (404, json!({"error": {"code": "ErrorItemNotFound", "message": "?"}})),
                "A8" if throttled.fetch_add(1, Relaxed) == 0 => (429, json!({"error": {"code": "x", "message": "?"}})),
                name => (200, event(name)),
            };
            json!({"id": request["id"], "status": status, "body": body})
        };
        let responses: Vec<_> = seen.body["requests"].as_array()?.iter().rev().map(answer).collect();
        Some(Reply::json(200, &json!({"responses": responses})))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[CalendarRead])], Settings::default());
    let ids: Vec<_> = (0..45).map(|number| id(&format!("A{number}"))).collect();
    let notes = journal();
    let told = graphs.events_by_id(&permit(CalendarRead), &ids, &EventParts::default(), &notes).await;
    for (id, told) in ids.iter().zip(&told) {
        match id.as_str() {
            "A7" => assert_eq!(told, &Err(Failure::NoSuchItem)),
            _ => assert_eq!(&told.as_ref().unwrap().id, id),
        }
    }
    let sizes: Vec<_> = stub.calls().iter().map(|call| call.body["requests"].as_array().unwrap().len()).collect();
    assert_eq!((sizes, notes.graph_calls.get()), (vec![20, 20, 6], 3));

    stub.script(|seen| seen.path.ends_with("/$batch").then(|| Reply::error(403, "ErrorAccessDenied")));
    let told = graphs.events_by_id(&permit(CalendarRead), &ids, &EventParts::default(), &journal()).await;
    assert!(told.iter().all(|told| told == &Err(Failure::Denied)));
}

#[tokio::test]
async fn writes_are_refused_without_a_credential_and_before_anything_is_sent() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[CalendarRead])], Settings::default());
    let (writer, notes) = (permit(CalendarWrite), journal());
    let made = graphs.create_event(&writer, &EventChange::default(), Uuid::nil(), &notes).await;
    assert_eq!(made, Err(NotMade { failure: Failure::Denied, is_certain: true }));
    for capability in [CalendarRead, Directory] {
        let deleted = graphs.delete_event(&permit(capability), &id("A"), None, &notes).await;
        assert_eq!(deleted, Err(Failure::Denied));
    }
    let proof = client().entitle(CalendarRead).unwrap();
    let query = Query::Beginning("a".into());
    assert_eq!(graphs.people(&proof, &query, &notes).await, Err(Failure::Denied));
    let proof = client().entitle(Directory).unwrap();
    assert_eq!(graphs.people(&proof, &query, &notes).await, Err(Failure::Denied), "no credential");
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_change_key_that_is_not_ours_is_a_conflict_also_after_a_doubtful_attempt() {
    let patched = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| match seen.method.as_str() {
        // The first attempt may have been carried out; the event says that it was not.
        "PATCH" if patched.fetch_add(1, Relaxed) == 0 => Some(Reply::error(504, "x").header("retry-after", 0)),
        "PATCH" => Some(Reply::error(412, "ErrorIrresolvableConflict")),
        "GET" => Some(Reply::json(200, &event("A"))),
        _ => None,
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[CalendarWrite])], Settings::default());
    let change = EventChange { subject: Some("Mine".into()), ..EventChange::default() };
    let told = graphs.update_event(&permit(CalendarWrite), &id("A"), &change, Some("k"), &journal()).await;
    assert_eq!(told, Err(Failure::Conflict));
    let calls = stub.calls();
    assert_eq!(calls[1].headers["if-match"], "W/\"k\"");
    assert_eq!(calls.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["PATCH", "PATCH", "GET"]);
}

#[tokio::test]
async fn without_a_change_key_the_later_write_wins() {
    let patched = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| match seen.method.as_str() {
        "PATCH" if patched.fetch_add(1, Relaxed) == 0 => Some(Reply::error(409, "ErrorIrresolvableConflict")),
        "PATCH" => Some(Reply::json(200, &event("A"))),
        _ => None,
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[CalendarWrite])], Settings::default());
    let change = EventChange { subject: Some("S".into()), ..EventChange::default() };
    let writer = permit(CalendarWrite);
    assert!(graphs.update_event(&writer, &id("A"), &change, None, &journal()).await.is_ok());
    let calls = stub.calls();
    assert!(calls.len() == 2 && !calls[0].headers.contains_key("if-match"));
}

#[tokio::test]
async fn without_a_change_key_a_deletion_gives_way_and_is_made_again() {
    for (expected, conflicts, outcome, calls) in
        [(None, 1, Ok(()), 2), (None, 9, Err(Failure::Conflict), 3), (Some("k"), 1, Err(Failure::Conflict), 1)]
    {
        let tried = AtomicUsize::new(0);
        let stub = Stub::start(move |seen| match seen.method.as_str() {
            "DELETE" if tried.fetch_add(1, Relaxed) < conflicts => Some(Reply::error(409, "ErrorIrresolvableConflict")),
            "DELETE" => Some(Reply::json(200, &json!({}))),
            "GET" => Some(Reply::json(200, &event("A"))),
            _ => None,
        })
        .await;
        let graphs = stub.graphs(vec![credential(&[CalendarWrite])], Settings::default());
        let told = graphs.delete_event(&permit(CalendarWrite), &id("A"), expected, &journal()).await;
        let deletions = stub.calls().iter().filter(|call| call.method == "DELETE").count();
        assert_eq!((told, deletions), (outcome, calls), "{expected:?} {conflicts}");
    }
}

#[tokio::test]
async fn a_declined_meeting_may_be_gone_and_no_other() {
    for (kind, expected) in [(ReplyKind::Decline, Ok(())), (ReplyKind::Accept, Err(Failure::NoSuchItem))] {
        let tried = AtomicUsize::new(0);
        let stub = Stub::start(move |seen: &Seen| {
            let first = || tried.fetch_add(1, Relaxed) == 0;
            let reply = || match first() {
                true => Reply::error(504, "x").header("retry-after", 0),
                false => Reply::error(404, "ErrorItemNotFound"),
            };
            (seen.method == "POST" && seen.path.contains("/events/")).then(reply)
        })
        .await;
        let graphs = stub.graphs(vec![credential(&[CalendarWrite])], Settings::default());
        let reply = crate::graph::Reply { kind, comment: String::new(), sends: false, proposed: None };
        assert_eq!(graphs.reply(&permit(CalendarWrite), &id("A"), &reply, &journal()).await, expected);
    }
}

#[tokio::test]
async fn people_are_asked_for_with_quotes_doubled_and_by_every_kind_of_address() {
    let stub = Stub::start(|seen| {
        matches!(seen.path.as_str(), "/v1.0/users" | "/v1.0/groups").then(|| Reply::json(200, &json!({"value": []})))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[Directory])], Settings::default());
    let proof = client().entitle(Directory).unwrap();
    let address = Query::Address(Mailbox::parse("o'hara@example.com").unwrap());
    for query in [address, Query::LegacyName("/o=It's/cn=x".into()), Query::Beginning("O'H".into())] {
        assert_eq!(graphs.people(&proof, &query, &journal()).await, Ok(Vec::new()));
    }
    let asked: Vec<_> = stub.calls().iter().map(|call| format!("{} {}", call.path, call.query["$filter"])).collect();
    let any = |address| format!("proxyAddresses/any(p:p eq '{address}')");
    let legacy = format!("{} or {}", any("x500:/o=It''s/cn=x"), any("X500:/o=It''s/cn=x"));
    let begins = |property| format!("startswith({property},'O''H')");
    let expected = [
        "/v1.0/users mail eq 'o''hara@example.com' or userPrincipalName eq 'o''hara@example.com'".to_owned(),
        "/v1.0/groups mail eq 'o''hara@example.com'".to_owned(),
        format!("/v1.0/users {}", any("smtp:o''hara@example.com")),
        format!("/v1.0/groups {}", any("smtp:o''hara@example.com")),
        format!("/v1.0/users {legacy}"),
        format!("/v1.0/groups {legacy}"),
        format!("/v1.0/users {}", ["displayName", "mail", "givenName", "surname"].map(begins).join(" or ")),
        format!("/v1.0/groups {}", ["displayName", "mail"].map(begins).join(" or ")),
    ];
    assert_eq!(asked, expected);
}
