//! Answers to invitations, as they look in both calendars.

use serde_json::{Value, json};

use super::{Running, small, start, weekly};

const DAYS: (&str, &str) = ("2026-11-02T00:00:00Z", "2026-11-17T00:00:00Z");

async fn meeting(running: &Running) -> Value {
    let mut more = weekly("2026-11-02", &["monday"]);
    let attendees = json!([{ "emailAddress": { "address": "bob@t.example" } }, { "emailAddress": { "address": "room1@t.example" }, "type": "resource" }]);
    more.as_object_mut().unwrap().insert("attendees".to_owned(), attendees);
    running.add("anna@t.example", "W", "2026-11-02T09:00:00", "2026-11-02T10:00:00", more).await
}

async fn bobs(running: &Running) -> Vec<Value> {
    running.view("bob@t.example", DAYS.0, DAYS.1).await
}

fn path(event: &Value, action: &str) -> String {
    format!("/v1.0/users/bob@t.example/events/{}/{action}", event["id"].as_str().unwrap())
}

fn state(event: &Value) -> (&str, &str) {
    (event["responseStatus"]["response"].as_str().unwrap(), event["showAs"].as_str().unwrap())
}

#[tokio::test]
async fn one_occurrence_can_be_answered() {
    let running = start(&small()).await;
    meeting(&running).await;
    let before = bobs(&running).await;
    assert_eq!(running.post(&path(&before[1], "decline"), &json!({ "comment": "away" })).await.status, 202);
    let after = bobs(&running).await;
    let states: Vec<_> = after.iter().map(state).collect();
    assert_eq!(states, [("notResponded", "tentative"), ("declined", "free"), ("notResponded", "tentative")]);
    assert_eq!(after[1]["responseStatus"]["time"], "2026-11-23T08:00:00.0000000Z");
    assert_eq!((&after[1]["type"], &after[1]["id"]), (&json!("exception"), &before[1]["id"]));
    let annas = running.view("anna@t.example", DAYS.0, DAYS.1).await;
    let answers: Vec<&str> =
        annas.iter().map(|one| one["attendees"][0]["status"]["response"].as_str().unwrap()).collect();
    assert_eq!(answers, ["none", "declined", "none"]);
    assert_eq!(annas[1]["attendees"][1]["status"]["response"], "accepted", "the room's answer stays");
    assert_eq!(running.post(&path(&before[0], "accept"), &json!({ "sendResponse": false })).await.status, 202);
    assert_eq!(state(&bobs(&running).await[0]), ("accepted", "busy"));
    let annas = running.view("anna@t.example", DAYS.0, DAYS.1).await;
    assert_eq!(annas[0]["attendees"][0]["status"]["response"], "none", "the answer was not sent");
}

#[tokio::test]
async fn an_organizer_can_cancel_one_occurrence() {
    let running = start(&small()).await;
    meeting(&running).await;
    let annas = running.view("anna@t.example", DAYS.0, DAYS.1).await;
    let cancel = format!("/v1.0/users/anna@t.example/events/{}/cancel", annas[1]["id"].as_str().unwrap());
    assert_eq!(running.post(&cancel, &json!({ "comment": "no" })).await.status, 202);
    for owner in ["anna@t.example", "bob@t.example", "room1@t.example"] {
        assert_eq!(running.view(owner, DAYS.0, DAYS.1).await.len(), 2, "{owner}");
    }
    let bobs = bobs(&running).await;
    assert_eq!(running.post(&path(&bobs[0], "cancel"), &json!({})).await.refusal(), (400, "ErrorInvalidRequest"));
    assert_eq!(running.post(&path(&bobs[0], "decline"), &json!({ "comment": 5 })).await.status, 400);
    let proposal = json!({ "sendResponse": false, "proposedNewTime": { "start": {}, "end": {} } });
    assert_eq!(running.post(&path(&bobs[0], "decline"), &proposal).await.refusal(), (400, "ErrorInvalidParameter"));
}

#[tokio::test]
async fn a_room_that_is_posted_into_is_the_organizer() {
    let running = start(&small()).await;
    let invited = json!({ "attendees": [{ "emailAddress": { "address": "bob@t.example", "name": "Bob" } }] });
    let event = running.add("room1@t.example", "Booked", "2026-11-03T10:00:00", "2026-11-03T11:00:00", invited).await;
    assert_eq!(
        (&event["isOrganizer"], &event["organizer"]["emailAddress"]["address"]),
        (&json!(true), &json!("room1@t.example"))
    );
    let copies = bobs(&running).await;
    assert_eq!((copies[0]["subject"].as_str(), state(&copies[0])), (Some("Booked"), ("notResponded", "tentative")));
    let own = format!("/v1.0/users/room1@t.example/events/{}", event["id"].as_str().unwrap());
    assert_eq!(running.send("DELETE", &own, &[], None).await.status, 204);
    assert_eq!(running.send("DELETE", &own, &[], None).await.refusal(), (404, "ErrorItemNotFound"));
    assert_eq!(bobs(&running).await[0]["isCancelled"], true);
}

#[tokio::test]
async fn deleting_an_invitation_declines_it() {
    let running = start(&small()).await;
    meeting(&running).await;
    let before = bobs(&running).await;
    let own = path(&before[1], "");
    assert_eq!(running.send("DELETE", own.trim_end_matches('/'), &[], None).await.status, 204);
    assert_eq!(bobs(&running).await.len(), 2);
    let annas = running.view("anna@t.example", DAYS.0, DAYS.1).await;
    assert_eq!(annas[1]["attendees"][0]["status"]["response"], "declined");
    assert_eq!(annas[0]["attendees"][0]["status"]["response"], "none");
    let series = format!("/v1.0/users/anna@t.example/events/{}", annas[0]["seriesMasterId"].as_str().unwrap());
    running.send("PATCH", &series, &[], Some(&json!({ "subject": "X" }))).await.expect(200);
    let after = bobs(&running).await;
    assert_eq!((after.len(), &after[0]["subject"]), (2, &json!("X")), "what Bob deleted does not come back");
}
