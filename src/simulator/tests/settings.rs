//! Mailbox settings: reading, changing, refusing, and who may.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::{NOW, Running, small, start};

const SETTINGS: &str = "/v1.0/users/anna@t.example/mailboxSettings";

/// The small company with automatic replies, applications for settings, and Carol without settings.
pub(super) fn away() -> Value {
    let mut world = small();
    let tenant = &mut world["tenants"][0];
    let roles = tenant["applications"][0]["roles"].as_array_mut().unwrap();
    roles.extend([json!("MailboxSettings.ReadWrite"), json!("MailTips.ReadBasic.All")]);
    let applications = tenant["applications"].as_array_mut().unwrap();
    let application = |id: &str, roles: Value, rbac: Value| json!({ "name": id, "client_id": id, "client_secret": "secret", "roles": roles, "rbac": rbac });
    let within = |role: &str| json!([{ "role": role, "mailboxes": ["anna@t.example"] }]);
    applications.push(application("app-read", json!(["MailboxSettings.Read"]), json!([])));
    applications.push(application("app-tips", json!(["MailTips.ReadBasic.All"]), json!([])));
    applications.push(application("app-mail", json!(["Mail.Read"]), json!([])));
    applications.push(application("app-rbac", json!([]), within("Application MailboxSettings.Read")));
    applications.push(application("app-rbac-write", json!([]), within("Application MailboxSettings.ReadWrite")));
    let mailboxes = tenant["mailboxes"].as_array_mut().unwrap();
    mailboxes[0]["language"] = json!("fi-FI");
    mailboxes[1]["automatic_replies"] = json!({ "status": "scheduled", "audience": "contactsOnly", "day": 0, "at": "06:00",
        "minutes": 600, "internal": "<p>In &amp; out</p>", "external": "<p>Out</p>" });
    mailboxes[2]["has_settings"] = json!(false);
    world
}

impl Running {
    async fn set(&self, replies: Value) -> super::Reply {
        self.send("PATCH", SETTINGS, &[], Some(&json!({ "automaticRepliesSetting": replies }))).await
    }
}

fn at(time: &str, zone: &str) -> Value {
    json!({ "dateTime": time, "timeZone": zone })
}

#[tokio::test]
async fn all_settings_and_each_alone() {
    let running = start(&away()).await;
    let all = running.get(SETTINGS).await.expect(200);
    let replies = &all["automaticRepliesSetting"];
    assert_eq!((&replies["status"], &replies["externalAudience"]), (&json!("disabled"), &json!("all")));
    assert_eq!(replies["scheduledStartDateTime"], at("2026-11-23T08:00:00.0000000", "UTC"), "there though disabled");
    assert_eq!(replies["scheduledEndDateTime"], at("2026-11-24T08:00:00.0000000", "UTC"));
    assert_eq!(all["language"], json!({ "locale": "fi-FI", "displayName": "Finnish (Finland)" }));
    assert_eq!((&all["userPurpose"], &all["timeZone"]), (&json!("user"), &json!("FLE Standard Time")));
    let alone = running.get(&format!("{SETTINGS}/automaticRepliesSetting")).await.expect(200);
    assert!(alone["@odata.context"].as_str().unwrap().ends_with("/mailboxSettings/automaticRepliesSetting"));
    assert_eq!(alone["status"], "disabled");
    assert_eq!(running.get(&format!("{SETTINGS}/timeZone")).await.expect(200)["value"], "FLE Standard Time");
    assert_eq!(running.get(&format!("{SETTINGS}/language")).await.expect(200)["locale"], "fi-FI");
    assert_eq!(running.get(&format!("{SETTINGS}/workingHours")).await.expect(200)["startTime"], "08:00:00.0000000");
    let room = "/v1.0/users/room1@t.example/mailboxSettings/userPurpose";
    assert_eq!(running.get(room).await.expect(200)["value"], "room");
    let chosen = running.get(&format!("{SETTINGS}?$select=language")).await.expect(200);
    assert!(chosen.get("language").is_some() && chosen.get("timeZone").is_none());
    assert_eq!(running.get(&format!("{SETTINGS}?$select=mood")).await.status, 400);
    assert_eq!(running.get(&format!("{SETTINGS}/mood")).await.status, 400);
    assert_eq!(running.send("DELETE", SETTINGS, &[], None).await.status, 405);
    assert_eq!(running.ledger().await["counts"]["getMailboxSettings"], 8);
}

#[tokio::test]
async fn times_are_in_the_preferred_zone() {
    let running = start(&away()).await;
    let path = "/v1.0/users/bob@t.example/mailboxSettings/automaticRepliesSetting";
    let utc = running.get(path).await.expect(200);
    assert_eq!(utc["scheduledStartDateTime"], at("2026-11-23T11:00:00.0000000", "UTC"), "six in New York");
    assert_eq!((&utc["status"], &utc["externalAudience"]), (&json!("scheduled"), &json!("contactsOnly")));
    let prefer = [("prefer", "outlook.timezone=\"Tokyo Standard Time\"")];
    let tokyo = running.send("GET", path, &prefer, None).await.expect(200);
    assert_eq!(tokyo["scheduledStartDateTime"], at("2026-11-23T20:00:00.0000000", "Tokyo Standard Time"));
}

#[tokio::test]
async fn a_change_answers_with_the_changed_part_and_keeps_the_rest() {
    let running = start(&away()).await;
    let answer = running
        .set(json!({ "status": "ALWAYSENABLED", "internalReplyMessage": "<p>In</p>", "externalReplyMessage": "<p>Out 🏖️</p>" }))
        .await
        .expect(200);
    assert_eq!(answer["automaticRepliesSetting"]["status"], "alwaysEnabled");
    assert!(answer.get("timeZone").is_none() && answer.get("language").is_none(), "{answer}");
    let times = json!({ "status": "scheduled",
        "scheduledStartDateTime": at("2026-11-20T09:00:00", "FLE Standard Time"),
        "scheduledEndDateTime": at("2026-11-25T09:00:00", "Asia/Tokyo"), "externalAudience": null });
    running.set(times).await.expect(200);
    let now = running.get(SETTINGS).await.expect(200)["automaticRepliesSetting"].clone();
    assert_eq!(now["scheduledStartDateTime"], at("2026-11-20T07:00:00.0000000", "UTC"), "a start may have been");
    assert_eq!(now["scheduledEndDateTime"], at("2026-11-25T00:00:00.0000000", "UTC"));
    assert_eq!((&now["internalReplyMessage"], &now["externalAudience"]), (&json!("<p>In</p>"), &json!("all")));
    let more = json!({ "timeZone": "Asia/Kolkata", "language": { "locale": "de-DE" }, "dateFormat": "dd.MM.yyyy" });
    let answer = running.send("PATCH", SETTINGS, &[], Some(&more)).await.expect(200);
    assert_eq!((&answer["timeZone"], &answer["dateFormat"]), (&json!("Asia/Kolkata"), &json!("dd.MM.yyyy")));
    assert_eq!(answer["language"]["displayName"], "German (Germany)");
    assert!(answer.get("automaticRepliesSetting").is_none());
    assert_eq!(running.ledger().await["counts"]["updateMailboxSettings"], 3);
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let running = start(&away()).await;
    let before = running.get(SETTINGS).await.expect(200);
    let scheduled = |start: &str, end: &str| json!({ "status": "scheduled", "scheduledStartDateTime": at(start, "UTC"), "scheduledEndDateTime": at(end, "UTC") });
    for (wrong, code) in [
        (scheduled("2026-11-25T09:00:00", "2026-11-25T09:00:00"), "ErrorInvalidTimeSettings"),
        (scheduled("2026-11-25T09:00:00", "2026-11-24T09:00:00"), "ErrorInvalidTimeSettings"),
        (scheduled("2026-11-20T09:00:00", "2026-11-23T08:00:00"), "ErrorInvalidTimeSettings"),
        (json!({ "status": "away" }), "InvalidArguments"),
        (json!({ "externalAudience": "Known" }), "InvalidArguments"),
        (json!({ "scheduledEndDateTime": at("2026-11-25T09:00:00", "Moon") }), "InvalidTimeZone"),
        (json!({ "scheduledEndDateTime": "2026-11-25T09:00:00Z" }), "RequestBodyRead"),
        (json!({ "scheduledEndDateTime": at("tomorrow", "UTC") }), "RequestBodyRead"),
        (json!({ "internalReplyMessage": 1 }), "RequestBodyRead"),
        (json!({ "internalReply": "" }), "RequestBodyRead"),
        (json!([]), "RequestBodyRead"),
    ] {
        let reply = running.set(wrong.clone()).await;
        assert_eq!(reply.refusal(), (400, code), "{wrong}");
    }
    for (wrong, code) in [
        (json!({ "userPurpose": "room" }), "ErrorInvalidRequest"),
        (json!({ "timeZone": "Moon" }), "InvalidTimeZone"),
        (json!({ "mood": "good" }), "RequestBodyRead"),
        (json!({ "dateFormat": "yyyy", "automaticRepliesSetting": { "status": "away" } }), "InvalidArguments"),
    ] {
        let reply = running.send("PATCH", SETTINGS, &[], Some(&wrong)).await;
        assert_eq!(reply.refusal(), (400, code), "{wrong}");
    }
    assert_eq!(running.get(SETTINGS).await.expect(200), before);
    // A past range is only refused where it is the schedule.
    let mut past = scheduled("2026-11-20T09:00:00", "2026-11-19T09:00:00");
    past["status"] = json!("disabled");
    running.set(past).await.expect(200);
    assert_eq!(running.set(json!({ "status": "scheduled" })).await.refusal(), (400, "ErrorInvalidTimeSettings"));
}

#[tokio::test]
async fn who_has_no_settings_is_not_found() {
    let running = start(&away()).await;
    for (who, code) in [
        ("carol", "MailboxNotEnabledForRESTAPI"),
        ("ghost", "MailboxNotEnabledForRESTAPI"),
        ("nobody", "ErrorInvalidUser"),
    ] {
        let path = format!("/v1.0/users/{who}@t.example/mailboxSettings");
        assert_eq!(running.get(&path).await.refusal(), (404, code));
        let body = json!({ "automaticRepliesSetting": { "status": "disabled" } });
        assert_eq!(running.send("PATCH", &path, &[], Some(&body)).await.refusal(), (404, code));
    }
    running.get("/v1.0/users/carol@t.example/events").await.expect(200);
}

#[tokio::test]
async fn permissions_decide() {
    let mut running = start(&away()).await;
    let patch = json!({ "automaticRepliesSetting": { "status": "disabled" } });
    let bob = "/v1.0/users/bob@t.example/mailboxSettings";
    for (application, statuses) in [
        ("app-everything", [200, 200, 200]),
        ("app-read", [200, 403, 200]),
        ("app-tips", [403, 403, 403]),
        ("app-basic", [403, 403, 403]),
        ("app-rbac", [200, 403, 403]),
        ("app-rbac-write", [200, 200, 403]),
    ] {
        running.token = running.token_of(application).await;
        let replies = [
            running.get(SETTINGS).await,
            running.send("PATCH", SETTINGS, &[], Some(&patch)).await,
            running.get(bob).await,
        ];
        assert_eq!(replies.each_ref().map(|reply| reply.status), statuses, "{application}");
        for reply in replies.iter().filter(|reply| reply.status == 403) {
            assert_eq!(reply.refusal().1, "ErrorAccessDenied");
        }
    }
}

#[tokio::test]
async fn enumerations_in_capitals_where_the_world_says_so() {
    let mut world = away();
    world["enum_case"] = json!("pascal");
    let running = start(&world).await;
    // Not by the usual way, whose judge knows Microsoft's metadata only.
    let url = format!("{}/v1.0/users/bob@t.example/mailboxSettings", running.simulator.base_url());
    let reply = super::read(running.http.get(url).bearer_auth(&running.token).send().await.unwrap()).await;
    let replies = &reply.body["automaticRepliesSetting"];
    assert_eq!((&replies["status"], &replies["externalAudience"]), (&json!("Scheduled"), &json!("ContactsOnly")));
}

#[tokio::test]
async fn twenty_in_a_batch_fail_each_by_itself() {
    let mut world = away();
    world["tenants"][0]["crowd"] = json!({ "count": 20, "domain": "t.example" });
    let running = start(&world).await;
    let who = |number: usize| match number {
        3 => "nobody@t.example".to_owned(),
        4 => "carol@t.example".to_owned(),
        number => format!("person-{number}@t.example"),
    };
    let fault = |number: usize, more: Value| {
        let mut fault = json!({ "call": "getMailboxSettings", "mailbox": who(number), "times": 1 });
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fault
    };
    running.fault(fault(1, json!({ "status": 429, "retry_after": 7 }))).await;
    running.fault(fault(2, json!({ "status": 403 }))).await;
    running.fault(fault(5, json!({ "status": 503 }))).await;
    let requests: Vec<Value> = (1..=20)
        .map(|number| {
            let url = format!("/users/{}/mailboxSettings/automaticRepliesSetting", who(number));
            json!({ "id": number.to_string(), "method": "GET", "url": url })
        })
        .collect();
    let batch = json!({ "requests": requests });
    let answer = running.post("/v1.0/$batch", &batch).await.expect(200);
    let item = |answer: &Value, number: usize| {
        let (mut all, id) = (answer["responses"].as_array().unwrap().iter(), number.to_string());
        all.find(|one| one["id"] == id.as_str()).unwrap().clone()
    };
    let statuses: Vec<u64> = (1..=20).map(|number| item(&answer, number)["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses[..6], [429, 403, 404, 404, 503, 200]);
    assert!(statuses[5..].iter().all(|status| *status == 200));
    assert_eq!(item(&answer, 1)["headers"]["Retry-After"], "7");
    assert_eq!(item(&answer, 4)["body"]["error"]["code"], "MailboxNotEnabledForRESTAPI");
    assert_eq!(item(&answer, 6)["body"]["status"], "disabled");
    let counts = running.ledger().await["counts"].clone();
    assert_eq!((&counts["getMailboxSettings"], &counts["batch"]), (&json!(20), &json!(1)));
    assert_eq!(item(&running.post("/v1.0/$batch", &batch).await.expect(200), 1)["status"], 200);
}

#[tokio::test]
async fn limits_count_by_mailbox() {
    let running = start(&away()).await;
    running.post("/control/throttle", &json!({ "on": true, "per_ten_minutes": 2 })).await.expect(204);
    running.get(SETTINGS).await.expect(200);
    running.get(SETTINGS).await.expect(200);
    let refused = running.get(SETTINGS).await;
    assert_eq!(
        (refused.refusal(), &refused.headers["retry-after"]),
        ((429, "ApplicationThrottled"), &"600".parse().unwrap())
    );
    running.get("/v1.0/users/bob@t.example/mailboxSettings").await.expect(200);
    NOW.set(NOW.get() + 10.minutes());
    running.get(SETTINGS).await.expect(200);
}
