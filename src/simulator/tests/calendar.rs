//! Events and views: create, read, page, change, delete, invite.

use serde_json::{Value, json};

use super::{small, start, weekly};

const ANNA: &str = "/v1.0/users/anna@t.example/events";

fn id(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

fn starts(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["start"]["dateTime"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_view_pages_through_occurrences_with_ids_of_their_own() {
    let running = start(&small()).await;
    let series = running
        .add(
            "anna@t.example",
            "Daily",
            "2026-11-02T09:00:00",
            "2026-11-02T09:15:00",
            weekly("2026-11-02", &["monday", "tuesday", "wednesday", "thursday", "friday"]),
        )
        .await;
    assert_eq!(series["type"], "seriesMaster");
    let mut next = Some(
        "/v1.0/users/anna@t.example/calendar/calendarView?startDateTime=2026-11-02T00:00:00Z\
        &endDateTime=2026-12-01T00:00:00%2B00:00&$select=subject,start,seriesMasterId,type&$orderby=start/dateTime"
            .to_owned(),
    );
    let mut pages = Vec::new();
    while let Some(link) = next {
        let page = running.get(&link).await.expect(200);
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
        pages.push(page["value"].as_array().unwrap().clone());
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 1]);
    let all: Vec<Value> = pages.concat();
    let mut ids: Vec<&str> = all.iter().map(id).collect();
    assert!(starts(&all).is_sorted());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 21);
    assert!(all.iter().all(|one| one["seriesMasterId"] == series["id"] && one["type"] == "occurrence"));
    assert!(all[0].get("body").is_none() && all[0].get("@odata.etag").is_some());
    let list = running.get(ANNA).await.expect(200);
    assert_eq!(list["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn queries_are_checked() {
    let running = start(&small()).await;
    let view = |query: &str| format!("/v1.0/users/anna@t.example/calendarView?{query}");
    let window = "startDateTime=2026-11-02T00:00:00Z&endDateTime=2026-12-01T00:00:00Z";
    for wrong in [
        "",
        "startDateTime=2026-11-02",
        "startDateTime=x&endDateTime=y",
        "startDateTime=2020-01-01T00:00:00Z&endDateTime=2026-01-01T00:00:00Z",
    ] {
        assert_eq!(running.get(&view(wrong)).await.status, 400, "{wrong}");
    }
    for wrong in ["$top=0", "$top=1001", "$filter=x", "$select=color", "$orderby=color", "top=3"] {
        assert_eq!(running.get(&view(&format!("{window}&{wrong}"))).await.status, 400, "{wrong}");
    }
    let zone = [("prefer", "outlook.timezone=\"Nowhere\"")];
    let reply = running.send("GET", &view(window), &zone, None).await;
    assert_eq!(reply.refusal(), (400, "TimeZoneNotSupportedException"));
}

#[tokio::test]
async fn all_day_events_float_and_match_days_of_utc() {
    let running = start(&small()).await;
    let all_day = json!({ "isAllDay": true });
    running.add("anna@t.example", "Day", "2026-11-24T00:00:00", "2026-11-25T00:00:00", all_day).await;
    // In Tokyo the day begins at 15:00Z of the day before, but Graph matches days of UTC.
    assert!(running.view("anna@t.example", "2026-11-23T15:00:00Z", "2026-11-24T00:00:00Z").await.is_empty());
    let zone = [("prefer", "outlook.timezone=\"Tokyo Standard Time\"")];
    let path =
        "/v1.0/users/anna@t.example/calendarView?startDateTime=2026-11-24T23:00:00Z&endDateTime=2026-11-26T00:00:00Z";
    let found = running.send("GET", path, &zone, None).await.expect(200);
    assert_eq!(
        found["value"][0]["start"],
        json!({ "dateTime": "2026-11-24T00:00:00.0000000", "timeZone": "Tokyo Standard Time" })
    );
    let wrong = json!({ "isAllDay": true, "start": { "dateTime": "2026-11-24T00:00:00", "timeZone": "UTC" },
        "end": { "dateTime": "2026-11-24T12:00:00", "timeZone": "UTC" } });
    assert_eq!(running.post(ANNA, &wrong).await.refusal(), (400, "ErrorPropertyValidationFailure"));
}

#[tokio::test]
async fn a_transaction_id_creates_once() {
    let running = start(&small()).await;
    let body = |subject: &str| {
        json!({ "subject": subject, "transactionId": "t1",
        "start": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } })
    };
    let first = running.post(ANNA, &body("A")).await.expect(201);
    let again = running.post(ANNA, &body("A")).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(running.post(ANNA, &body("B")).await.refusal(), (409, "ErrorDuplicateTransactionId"));
}

#[tokio::test]
async fn changes_need_the_current_etag_when_one_is_given() {
    let running = start(&small()).await;
    let event = running.add("anna@t.example", "A", "2026-11-24T10:00:00", "2026-11-24T11:00:00", json!({})).await;
    let path = format!("{ANNA}/{}", id(&event));
    let old = [("if-match", event["@odata.etag"].as_str().unwrap())];
    let changed = running.send("PATCH", &path, &old, Some(&json!({ "subject": "B" }))).await.expect(200);
    assert_eq!(changed["subject"], "B");
    assert_ne!(changed["@odata.etag"], event["@odata.etag"]);
    assert_eq!(changed["@odata.etag"], format!("W/\"{}\"", changed["changeKey"].as_str().unwrap()));
    let reply = running.send("PATCH", &path, &old, Some(&json!({ "subject": "C" }))).await;
    assert_eq!(reply.refusal(), (412, "ErrorIrresolvableConflict"));
    assert_eq!(running.send("DELETE", &path, &old, None).await.status, 412);
    assert_eq!(running.send("DELETE", &path, &[], None).await.status, 204);
    assert_eq!(running.send("DELETE", &path, &[], None).await.refusal(), (404, "ErrorItemNotFound"));
}

#[tokio::test]
async fn an_id_is_good_in_its_mailbox_only() {
    let running = start(&small()).await;
    let event = running.add("anna@t.example", "A", "2026-11-24T10:00:00", "2026-11-24T11:00:00", json!({})).await;
    let elsewhere = format!("/v1.0/users/bob@t.example/events/{}", id(&event));
    assert_eq!(running.get(&elsewhere).await.refusal(), (404, "ErrorItemNotFound"));
    let (head, tail) = id(&event).split_at(110);
    let swapped = tail
        .chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect::<String>();
    let reply = running.get(&format!("{ANNA}/{head}{swapped}")).await;
    assert!(
        [(400, "ErrorInvalidIdMalformed"), (404, "ErrorItemNotFound")].contains(&reply.refusal()),
        "{}",
        reply.body
    );
    assert_eq!(running.get(&format!("{ANNA}/x")).await.refusal(), (400, "ErrorInvalidIdMalformed"));
}

#[tokio::test]
async fn occurrences_can_be_moved_and_removed() {
    let running = start(&small()).await;
    let series = running
        .add(
            "anna@t.example",
            "Weekly",
            "2026-11-02T09:00:00",
            "2026-11-02T10:00:00",
            weekly("2026-11-02", &["monday"]),
        )
        .await;
    let window = ("2026-11-02T00:00:00Z", "2026-11-24T00:00:00Z");
    let before = running.view("anna@t.example", window.0, window.1).await;
    assert_eq!(before.len(), 4);
    let moved = json!({ "subject": "Moved", "start": { "dateTime": "2026-11-11T15:00:00", "timeZone": "UTC" },
        "end": { "dateTime": "2026-11-11T16:00:00", "timeZone": "UTC" } });
    let exception = running.send("PATCH", &format!("{ANNA}/{}", id(&before[1])), &[], Some(&moved)).await.expect(200);
    assert_eq!((&exception["type"], &exception["seriesMasterId"]), (&json!("exception"), &series["id"]));
    assert_eq!(exception["originalStart"], "2026-11-09T09:00:00.0000000Z");
    let across = json!({ "start": { "dateTime": "2026-11-24T15:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-11-24T16:00:00", "timeZone": "UTC" } });
    let reply = running.send("PATCH", &format!("{ANNA}/{}", id(&before[1])), &[], Some(&across)).await;
    assert_eq!(reply.refusal(), (400, "ErrorOccurrenceCrossingBoundary"));
    let third = format!("{ANNA}/{}", id(&before[2]));
    assert_eq!(running.send("DELETE", &third, &[], None).await.status, 204);
    assert_eq!(running.get(&third).await.status, 404);
    let after = running.view("anna@t.example", window.0, window.1).await;
    assert_eq!(
        starts(&after),
        ["2026-11-02T09:00:00.0000000", "2026-11-11T15:00:00.0000000", "2026-11-23T09:00:00.0000000"]
    );
    assert_eq!((after[1]["subject"].as_str(), after[2]["subject"].as_str()), (Some("Moved"), Some("Weekly")));
    let master = running.get(&format!("{ANNA}/{}?$select=cancelledOccurrences", id(&series))).await.expect(200);
    assert_eq!(master["cancelledOccurrences"].as_array().unwrap().len(), 1);
    let instances = format!("{ANNA}/{}/instances?startDateTime={}&endDateTime={}", id(&series), window.0, window.1);
    assert_eq!(running.get(&instances).await.expect(200)["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn invitations_are_tentative_until_answered_and_rooms_accept() {
    let running = start(&small()).await;
    let invited = json!({ "attendees": [
        { "emailAddress": { "address": "bob@t.example" }, "type": "Required" },
        { "emailAddress": { "address": "room1@t.example" }, "type": "resource" },
        { "emailAddress": { "address": "x@elsewhere.example" } },
    ]});
    let event = running.add("anna@t.example", "Meet", "2026-11-24T10:00:00", "2026-11-24T11:00:00", invited).await;
    assert_eq!(event["attendees"][1]["status"]["response"], "accepted");
    let day = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    assert_eq!((&bobs[0]["showAs"], &bobs[0]["isOrganizer"]), (&json!("tentative"), &json!(false)));
    assert_eq!(
        (&bobs[0]["responseStatus"]["response"], &bobs[0]["iCalUId"]),
        (&json!("notResponded"), &event["iCalUId"])
    );
    assert_eq!(running.view("room1@t.example", day.0, day.1).await[0]["showAs"], "busy");
    let accept = format!("/v1.0/users/bob@t.example/events/{}/accept", id(&bobs[0]));
    assert_eq!(running.post(&accept, &json!({ "comment": "ok", "sendResponse": true })).await.status, 202);
    assert_eq!(running.view("bob@t.example", day.0, day.1).await[0]["showAs"], "busy");
    let path = format!("{ANNA}/{}", id(&event));
    let later = json!({ "subject": "Meet later" });
    running.send("PATCH", &path, &[], Some(&later)).await.expect(200);
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    assert_eq!((&bobs[0]["subject"], &bobs[0]["showAs"]), (&json!("Meet later"), &json!("busy")));
    assert_eq!(running.get(&path).await.expect(200)["attendees"][0]["status"]["response"], "accepted");
    assert_eq!(running.post(&format!("{path}/accept"), &json!({})).await.refusal(), (400, "ErrorInvalidRequest"));
    assert_eq!(running.send("DELETE", &path, &[], None).await.status, 204);
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    assert_eq!((&bobs[0]["isCancelled"], &bobs[0]["showAs"]), (&json!(true), &json!("free")));
    assert!(running.view("room1@t.example", day.0, day.1).await.is_empty());
}

#[tokio::test]
async fn what_is_written_is_checked() {
    let running = start(&small()).await;
    let body = |more: Value| {
        let mut body = json!({ "start": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for wrong in [
        json!({ "colour": 1 }),
        json!({ "isAllDay": "no" }),
        json!({ "end": { "dateTime": "2026-11-24T09:00:00", "timeZone": "UTC" } }),
        json!({ "start": { "dateTime": "2026-11-24T10:00:00", "timeZone": "Moon" } }),
    ] {
        assert_eq!(running.post(ANNA, &body(wrong.clone())).await.status, 400, "{wrong}");
    }
    assert_eq!(running.post(ANNA, &json!({ "subject": "no time" })).await.status, 400);
    assert_eq!(running.post(&format!("{ANNA}?$top=1"), &body(json!({}))).await.status, 400);
    let text = json!({ "body": { "contentType": "HTML", "content": "<p>Hello <b>you</b></p>" } });
    let event = running.post(ANNA, &body(text)).await.expect(201);
    assert_eq!(event["bodyPreview"], "Hello you");
    let plain = [("prefer", "outlook.body-content-type=\"text\"")];
    let shown = running.send("GET", &format!("{ANNA}/{}", id(&event)), &plain, None).await.expect(200);
    assert_eq!(shown["body"], json!({ "contentType": "text", "content": "Hello you" }));
}

#[tokio::test]
async fn moving_a_meeting_asks_everybody_again() {
    let running = start(&small()).await;
    let invited = json!({ "attendees": [{ "emailAddress": { "address": "bob@t.example" } }] });
    let event = running.add("anna@t.example", "Meet", "2026-11-24T10:00:00", "2026-11-24T11:00:00", invited).await;
    let day = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    let decline = format!("/v1.0/users/bob@t.example/events/{}/decline", id(&bobs[0]));
    assert_eq!(running.post(&decline, &json!({})).await.status, 202);
    let path = format!("{ANNA}/{}", id(&event));
    running.send("PATCH", &path, &[], Some(&json!({ "subject": "Please" }))).await.expect(200);
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    assert_eq!((&bobs[0]["responseStatus"]["response"], &bobs[0]["showAs"]), (&json!("declined"), &json!("free")));
    assert_eq!(bobs[0]["subject"], "Please", "a declined meeting goes on being told of");
    let moved = json!({ "end": { "dateTime": "2026-11-24T12:00:00", "timeZone": "UTC" } });
    running.send("PATCH", &path, &[], Some(&moved)).await.expect(200);
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    assert_eq!(
        (&bobs[0]["showAs"], &bobs[0]["end"]["dateTime"]),
        (&json!("tentative"), &json!("2026-11-24T12:00:00.0000000"))
    );
}
