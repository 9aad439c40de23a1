//! Items: ids of both forms, change keys, filters, and what belongs to a series.

use serde_json::{Value, json};

use super::{small, start, weekly};

const ANNA: &str = "/v1.0/users/anna@t.example/events";
const IMMUTABLE: [(&str, &str); 1] = [("prefer", "IdType=\"ImmutableId\"")];

fn id(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

#[tokio::test]
async fn both_forms_of_ids_name_the_same_event() {
    let running = start(&small()).await;
    let event = running.add("anna@t.example", "A", "2026-11-24T10:00:00", "2026-11-24T11:00:00", json!({})).await;
    assert_eq!(id(&event).len(), 152);
    let reply = running.send("GET", &format!("{ANNA}/{}", id(&event)), &IMMUTABLE, None).await;
    assert!(reply.headers["preference-applied"].to_str().unwrap().contains("ImmutableId"));
    let immutable = reply.expect(200);
    assert_ne!(id(&immutable), id(&event));
    let back = running.get(&format!("{ANNA}/{}", id(&immutable))).await.expect(200);
    assert_eq!((id(&back), &back["changeKey"]), (id(&event), &immutable["changeKey"]));
    let list = running.send("GET", ANNA, &IMMUTABLE, None).await.expect(200);
    assert_eq!(id(&list["value"][0]), id(&immutable));
    let elsewhere = format!("/v1.0/users/bob@t.example/events/{}", id(&immutable));
    assert_eq!(running.get(&elsewhere).await.refusal(), (404, "ErrorItemNotFound"));
}

#[tokio::test]
async fn a_series_and_its_regular_occurrences_share_a_change_key() {
    let running = start(&small()).await;
    let series = running
        .add("anna@t.example", "W", "2026-11-02T09:00:00", "2026-11-02T10:00:00", weekly("2026-11-02", &["monday"]))
        .await;
    let days = ("2026-11-02T00:00:00Z", "2026-11-24T00:00:00Z");
    let before = running.view("anna@t.example", days.0, days.1).await;
    assert!(before.iter().all(|one| one["changeKey"] == series["changeKey"] && id(one).len() == 168));
    let second = format!("{ANNA}/{}", id(&before[1]));
    let exception = running.send("PATCH", &second, &[], Some(&json!({ "subject": "X" }))).await.expect(200);
    let after = running.view("anna@t.example", days.0, days.1).await;
    assert_ne!(after[0]["changeKey"], series["changeKey"], "a change of an exception is one of its series");
    running.send("PATCH", &format!("{ANNA}/{}", id(&series)), &[], Some(&json!({ "subject": "Y" }))).await.expect(200);
    let last = running.view("anna@t.example", days.0, days.1).await;
    assert_ne!(last[0]["changeKey"], after[0]["changeKey"]);
    assert_eq!((&last[1]["changeKey"], &last[1]["subject"]), (&exception["changeKey"], &json!("X")));
    let current = [("if-match", exception["@odata.etag"].as_str().unwrap())];
    assert_eq!(running.send("PATCH", &second, &current, Some(&json!({ "subject": "Z" }))).await.status, 200);
    let stale = running.send("DELETE", &second, &current, None).await;
    assert_eq!(stale.refusal(), (412, "ErrorIrresolvableConflict"));
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_counted() {
    let running = start(&small()).await;
    let mut uids = Vec::new();
    for (subject, hour) in [("One", 9), ("Two and a half", 10), ("Three", 11)] {
        let (start, end) = (format!("2026-11-24T{hour:02}:00:00"), format!("2026-11-24T{hour:02}:30:00"));
        uids.push(running.add("anna@t.example", subject, &start, &end, json!({})).await["iCalUId"].clone());
    }
    let find = async |query: &str| {
        let found = running.get(&format!("{ANNA}?{}", query.replace(' ', "%20"))).await.expect(200);
        let subjects = found["value"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap().to_owned());
        (subjects.collect::<Vec<_>>().join(","), found["@odata.count"].clone())
    };
    let (found, count) =
        find("$filter=start/dateTime ge '2026-11-24T10:00:00' and end/dateTime lt '2026-11-24T11:30:00Z'&$count=true")
            .await;
    assert_eq!((found.as_str(), count), ("Two and a half", json!(1)));
    assert_eq!(find("$filter=start/dateTime le '2026-11-24T12:00:00%2B02:00'").await.0, "One,Two and a half");
    assert_eq!(find("$filter=subject eq 'two and a half'").await.0, "Two and a half");
    assert_eq!(find(&format!("$filter=iCalUId eq '{}'", uids[2].as_str().unwrap())).await.0, "Three");
    let (found, count) = find("$orderby=start/dateTime desc&$top=2&$count=true").await;
    assert_eq!((found.as_str(), count), ("Three,Two and a half", json!(3)));
    let wrong = running.get(&format!("{ANNA}?$filter=color%20eq%20'red'")).await;
    assert_eq!(wrong.refusal(), (400, "ErrorInvalidUrlQueryFilter"));
}

#[tokio::test]
async fn a_master_tells_of_its_exceptions_and_gaps_when_asked() {
    let running = start(&small()).await;
    let series = running
        .add("anna@t.example", "W", "2026-11-02T09:00:00", "2026-11-02T10:00:00", weekly("2026-11-02", &["monday"]))
        .await;
    let days = ("2026-11-02T00:00:00Z", "2026-11-24T00:00:00Z");
    let all = running.view("anna@t.example", days.0, days.1).await;
    running.send("PATCH", &format!("{ANNA}/{}", id(&all[1])), &[], Some(&json!({ "subject": "X" }))).await.expect(200);
    assert_eq!(running.send("DELETE", &format!("{ANNA}/{}", id(&all[2])), &[], None).await.status, 204);
    let path = format!("{ANNA}/{}", id(&series));
    let plain = running.get(&path).await.expect(200);
    assert!(plain.get("exceptionOccurrences").is_none() && plain.get("cancelledOccurrences").is_none());
    let shown = running.get(&format!("{path}?$select=subject,cancelledOccurrences&$expand=exceptionOccurrences")).await;
    let shown = shown.expect(200);
    assert_eq!(shown["cancelledOccurrences"], json!([format!("OID.{}.2026-11-16", id(&series))]));
    let exception = &shown["exceptionOccurrences"][0];
    assert_eq!((&exception["subject"], &exception["type"]), (&json!("X"), &json!("exception")));
    assert_eq!((id(exception), &exception["originalStart"]), (id(&all[1]), &json!("2026-11-09T09:00:00.0000000Z")));
    assert_eq!(running.get(&format!("{ANNA}?$expand=exceptionOccurrences")).await.status, 400);
    let window = format!("startDateTime={}&endDateTime={}&$select=start", days.0, days.1);
    let first = running.get(&format!("{path}/instances?{window}&$top=2")).await.expect(200);
    let second = running.get(first["@odata.nextLink"].as_str().unwrap()).await.expect(200);
    assert_eq!((first["value"].as_array().unwrap().len(), second["value"].as_array().unwrap().len()), (2, 1));
    let skipped = running.get(&format!("{path}/instances?{window}&$top=1&$skip=2")).await.expect(200);
    assert_eq!(skipped["value"][0]["start"]["dateTime"], "2026-11-23T09:00:00.0000000");
    assert_eq!(running.get(&format!("{path}/instances")).await.status, 400);
}

#[tokio::test]
async fn series_keep_the_wall_clock_of_their_zone() {
    let running = start(&small()).await;
    let mut body = json!({ "subject": "W", "start": { "dateTime": "2026-10-19T09:00:00", "timeZone": "FLE Standard Time" },
        "end": { "dateTime": "2026-10-19T10:00:00", "timeZone": "FLE Standard Time" } });
    body.as_object_mut().unwrap().extend(weekly("2026-10-19", &["monday"]).as_object().unwrap().clone());
    running.post(ANNA, &body).await.expect(201);
    let found = running.view("anna@t.example", "2026-10-19T00:00:00Z", "2026-11-03T00:00:00Z").await;
    let starts: Vec<&str> = found.iter().map(|one| one["start"]["dateTime"].as_str().unwrap()).collect();
    assert_eq!(
        starts,
        ["2026-10-19T06:00:00.0000000", "2026-10-26T07:00:00.0000000", "2026-11-02T07:00:00.0000000"],
        "Helsinki's clocks went back on 25 October"
    );
}

#[tokio::test]
async fn private_events_are_whole_for_readers_of_calendars() {
    let running = start(&small()).await;
    let more = json!({ "sensitivity": "private", "body": { "contentType": "text", "content": "diagnosis" }, "location": { "displayName": "Clinic" } });
    running.add("anna@t.example", "Doctor", "2026-11-24T10:00:00", "2026-11-24T11:00:00", more).await;
    let found = running.view("anna@t.example", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z").await;
    assert_eq!((&found[0]["subject"], &found[0]["bodyPreview"]), (&json!("Doctor"), &json!("diagnosis")));
}

#[tokio::test]
async fn times_that_are_merely_repeated_move_nothing() {
    let running = start(&small()).await;
    let invited = json!({ "attendees": [{ "emailAddress": { "address": "bob@t.example" } }] });
    let event = running.add("anna@t.example", "A", "2026-11-24T10:00:00", "2026-11-24T11:00:00", invited).await;
    let day = ("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
    let bobs = running.view("bob@t.example", day.0, day.1).await;
    let accept = format!("/v1.0/users/bob@t.example/events/{}/accept", id(&bobs[0]));
    assert_eq!(running.post(&accept, &json!({})).await.status, 202);
    let same = json!({ "start": event["start"], "end": { "dateTime": "2026-11-24T13:00:00", "timeZone": "FLE Standard Time" } });
    let changed = running.send("PATCH", &format!("{ANNA}/{}", id(&event)), &[], Some(&same)).await.expect(200);
    assert_eq!(changed["attendees"][0]["status"]["response"], "accepted");
    assert_eq!(running.view("bob@t.example", day.0, day.1).await[0]["showAs"], "busy");
}
