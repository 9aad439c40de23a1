//! getSchedule: what it computes, what it refuses.

use serde_json::{Value, json};

use super::{Reply, Running, small, start, weekly};

const URL: &str = "/v1.0/users/anna@t.example/calendar/getSchedule";

fn asked(schedules: &[&str], from: &str, to: &str) -> Value {
    json!({
        "schedules": schedules,
        "startTime": { "dateTime": from, "timeZone": "UTC" },
        "endTime": { "dateTime": to, "timeZone": "UTC" },
        "availabilityViewInterval": 60,
    })
}

async fn day(running: &Running, address: &str) -> Value {
    let body = asked(&[address], "2026-11-23T08:00:00", "2026-11-23T16:00:00");
    running.post(URL, &body).await.expect(200)["value"][0].clone()
}

async fn refused(running: &Running, change: impl FnOnce(&mut Value)) -> Reply {
    let mut body = asked(&["bob@t.example"], "2026-11-23T08:00:00", "2026-11-23T16:00:00");
    change(&mut body);
    running.post(URL, &body).await
}

#[tokio::test]
async fn statuses_merge_to_the_highest_of_a_slot() {
    let running = start(&small()).await;
    for (subject, start, end, status) in [
        ("a", "2026-11-23T08:30:00", "2026-11-23T09:00:00", "tentative"),
        ("b", "2026-11-23T08:45:00", "2026-11-23T10:15:00", "busy"),
        ("c", "2026-11-23T11:00:00", "2026-11-23T12:00:00", "oof"),
        ("d", "2026-11-23T12:00:00", "2026-11-23T13:00:00", "workingElsewhere"),
        ("e", "2026-11-23T13:00:00", "2026-11-23T14:00:00", "free"),
    ] {
        running.add("anna@t.example", subject, start, end, json!({ "showAs": status })).await;
    }
    let schedule = day(&running, "anna@t.example").await;
    assert_eq!(schedule["availabilityView"], "22234000");
    let items = schedule["scheduleItems"].as_array().unwrap();
    let statuses: Vec<_> = items.iter().map(|item| item["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["tentative", "busy", "oof", "workingElsewhere", "free"]);
    assert_eq!(items[0]["start"], json!({ "dateTime": "2026-11-23T08:30:00.0000000", "timeZone": "UTC" }));
    assert!(items[0].get("subject").is_none() && items[0].get("isPrivate").is_none());
    assert_eq!(schedule["workingHours"]["timeZone"], json!({ "name": "FLE Standard Time" }));
}

#[tokio::test]
async fn details_come_from_calendars_that_share_them_and_never_of_private_items() {
    let running = start(&small()).await;
    let more = json!({ "location": { "displayName": "Attic" } });
    running.add("bob@t.example", "Open", "2026-11-23T09:00:00", "2026-11-23T10:00:00", more).await;
    let private = json!({ "sensitivity": "private" });
    running.add("bob@t.example", "Secret", "2026-11-23T10:00:00", "2026-11-23T11:00:00", private).await;
    let schedule = day(&running, "Bob@T.example").await;
    assert_eq!(schedule["scheduleId"], "Bob@T.example");
    let items = &schedule["scheduleItems"];
    assert_eq!((&items[0]["subject"], &items[0]["location"]), (&json!("Open"), &json!("Attic")));
    assert_eq!(items[1]["isPrivate"], true);
    assert!(!schedule.to_string().contains("Secret"));
    assert_eq!(schedule["workingHours"]["startTime"], "09:30:00.0000000");
    assert_eq!(schedule["workingHours"]["daysOfWeek"], json!(["monday", "friday"]));
}

#[tokio::test]
async fn a_custom_zone_carries_its_rules() {
    let running = start(&small()).await;
    let zone = day(&running, "carol@t.example").await["workingHours"]["timeZone"].clone();
    assert_eq!(zone["@odata.type"], "#microsoft.graph.customTimeZone");
    assert_eq!(zone["bias"], -600);
}

#[tokio::test]
async fn a_series_keeps_its_wall_clock_over_a_change_of_clocks() {
    let running = start(&small()).await;
    let mut event = weekly("2026-01-05", &["monday"]);
    event["start"] = json!({ "dateTime": "2026-01-05T09:00:00", "timeZone": "Eastern Standard Time" });
    event["end"] = json!({ "dateTime": "2026-01-05T10:00:00", "timeZone": "Eastern Standard Time" });
    running.post("/v1.0/users/bob@t.example/events", &event).await.expect(201);
    let body = asked(&["bob@t.example"], "2026-10-26T00:00:00", "2026-11-03T00:00:00");
    let answer = running.post(URL, &body).await.expect(200);
    let items = answer["value"][0]["scheduleItems"].as_array().unwrap();
    let starts: Vec<_> = items.iter().map(|item| item["start"]["dateTime"].as_str().unwrap()).collect();
    assert_eq!(starts, ["2026-10-26T13:00:00.0000000", "2026-11-02T14:00:00.0000000"]);
}

#[tokio::test]
async fn all_day_items_are_at_midnight_of_the_zone_asked_in() {
    let running = start(&small()).await;
    let all_day = json!({ "isAllDay": true });
    running.add("anna@t.example", "Day", "2026-11-24T00:00:00", "2026-11-25T00:00:00", all_day).await;
    let body = asked(&["anna@t.example"], "2026-11-23T00:00:00", "2026-11-27T00:00:00");
    let tokyo = [("prefer", "outlook.timezone=\"Tokyo Standard Time\"")];
    let reply = running.send("POST", URL, &tokyo, Some(&body)).await;
    assert_eq!(reply.headers["preference-applied"], "outlook.timezone=\"Tokyo Standard Time\"");
    let item = &reply.body["value"][0]["scheduleItems"][0];
    assert_eq!(item["start"], json!({ "dateTime": "2026-11-24T00:00:00.0000000", "timeZone": "Tokyo Standard Time" }));
    let mut body = body;
    body["startTime"] = json!({ "dateTime": "2026-11-23T00:00:00", "timeZone": "Eastern Standard Time" });
    let item = &running.post(URL, &body).await.expect(200)["value"][0]["scheduleItems"][0];
    assert_eq!(item["start"], json!({ "dateTime": "2026-11-24T05:00:00.0000000", "timeZone": "UTC" }));
}

#[tokio::test]
async fn limits_are_those_of_the_service() {
    let running = start(&small()).await;
    let many = vec!["bob@t.example"; 101];
    let reply = refused(&running, |body| body["schedules"] = json!(many)).await;
    assert_eq!(reply.refusal(), (400, "ErrorMailboxDataArrayTooBig"));
    assert!(reply.body["error"]["message"].as_str().unwrap().contains("the actual size = 101."));
    let end = |text: &'static str| move |body: &mut Value| body["endTime"]["dateTime"] = json!(text);
    let reply = refused(&running, end("2027-01-25T08:00:00")).await;
    assert_eq!(reply.refusal(), (400, "ErrorTimeIntervalTooBig"));
    assert_eq!(refused(&running, end("2027-01-24T08:00:00")).await.status, 200);
    let reply = refused(&running, end("2026-11-23T08:00:00")).await;
    assert_eq!(reply.refusal(), (400, "ErrorInvalidTimeInterval"));
    for wrong in [json!(4), json!(1441)] {
        let reply = refused(&running, |body| body["availabilityViewInterval"] = wrong).await;
        assert_eq!(reply.refusal(), (400, "ErrorInvalidMergedFreeBusyInterval"));
    }
    assert_eq!(refused(&running, |body| body["availabilityViewInterval"] = json!("60")).await.status, 400);
    assert_eq!(refused(&running, |body| body["availabilityViewInterval"] = Value::Null).await.status, 500);
    let reply = refused(&running, |body| body["startTime"]["timeZone"] = json!("Moon Standard Time")).await;
    assert_eq!(reply.refusal(), (400, "TimeZoneNotSupportedException"));
    let reply = refused(&running, |body| body["mailboxes"] = json!([])).await;
    assert_eq!(reply.refusal(), (400, "RequestBodyRead"));
    assert_eq!(refused(&running, |body| body["schedules"] = Value::Null).await.status, 400);
    assert_eq!(refused(&running, |body| body["schedules"] = json!([])).await.status, 400);
}

#[tokio::test]
async fn names_of_properties_have_no_case() {
    let running = start(&small()).await;
    let body = json!({
        "Schedules": ["bob@t.example"],
        "StartTime": { "dateTime": "2026-11-23T08:00:00", "timeZone": "UTC" },
        "EndTime": { "dateTime": "2026-11-23T09:00:00", "timeZone": "UTC" },
    });
    let answer = running.post(URL, &body).await.expect(200);
    assert_eq!(answer["value"][0]["availabilityView"], "00");
}

#[tokio::test]
async fn one_bad_address_fails_alone() {
    let running = start(&small()).await;
    let addresses = ["nobody@t.example", "bob@t.example", "ghost@t.example", "x@elsewhere.example", "all@t.example"];
    let answer = running.post(URL, &asked(&addresses, "2026-11-23T08:00:00", "2026-11-23T09:00:00")).await.expect(200);
    let code = |index: usize| answer["value"][index]["error"]["responseCode"].clone();
    assert_eq!(
        [code(0), code(1), code(2), code(3), code(4)],
        [json!("5009"), Value::Null, json!("5016"), json!("5016"), json!("5009")]
    );
    assert_eq!(
        answer["value"][0]["error"]["message"],
        "Unable to resolve e-mail address nobody@t.example to an Active Directory object."
    );
    assert_eq!(answer["value"][0]["scheduleItems"], Value::Null);
}

#[tokio::test]
async fn more_than_a_thousand_entries_are_too_many() {
    let mut world = small();
    let series = |at: &str| json!({ "subject": "s", "start": format!("2026-11-01T{at}"), "minutes": 5, "repeat": { "type": "daily", "interval": 1 } });
    let all: Vec<_> = (0..17).map(|hour| series(&format!("{hour:02}:00"))).collect();
    world["tenants"][0]["mailboxes"][0]["events"] = json!(all);
    world["tenants"][0]["mailboxes"][0]["zone"] = json!("UTC");
    let running = start(&world).await;
    let entries =
        async |to: &str| running.post(URL, &asked(&["anna@t.example"], "2026-11-23T00:00:00", to)).await.expect(200);
    assert_eq!(entries("2027-01-24T00:00:00").await["value"][0]["error"]["responseCode"], "5006");
    let fewer = entries("2027-01-20T00:00:00").await;
    assert_eq!(fewer["value"][0]["scheduleItems"].as_array().unwrap().len(), 17 * 58);
}

#[tokio::test]
async fn the_mailbox_in_the_url_must_be_one() {
    let running = start(&small()).await;
    let body = asked(&["bob@t.example"], "2026-11-23T08:00:00", "2026-11-23T09:00:00");
    let at = async |user: &str| running.post(&format!("/v1.0/users/{user}/calendar/getSchedule"), &body).await;
    assert_eq!(at("nobody@t.example").await.refusal(), (404, "ErrorInvalidUser"));
    assert_eq!(at("ghost@t.example").await.refusal(), (404, "MailboxNotEnabledForRESTAPI"));
    assert_eq!(at("room1@t.example").await.status, 200);
}

#[tokio::test]
async fn the_end_of_time_is_survived() {
    let running = start(&small()).await;
    let body = asked(&["bob@t.example"], "9999-12-30T00:00:00", "9999-12-31T23:59:59");
    assert!(running.post(URL, &body).await.status < 500);
}
