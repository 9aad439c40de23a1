//! What is sent, and what the fixtures hold, against the machine-readable schema of Graph's slice.

use std::path::PathBuf;

use jiff::civil::{Weekday, date};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calendar::Capability::{self, CalendarRead, CalendarWrite, FreeBusy, OutOfOfficeRead, OutOfOfficeWrite};
use crate::calendar::Mailbox;
use crate::calendar::event::{
    Attendee, Body, EventChange, EventId, Importance, Person, PropertyId, PropertyName, PropertyValue, Response, Role,
    Sensitivity, ZonedTime,
};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, WeekIndex, Weekdays};
use crate::client::{Ceiling, Client, Policy};
use crate::graph::stub::{Reply, Stub, credential, journal, permitted, wednesday, window};
use crate::graph::{Detail, ReplyKind, Settings};

/// The schema lies beside the project; where it does not, the test says so and proves nothing.
fn schema() -> Option<Value> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    #[allow(clippy::disallowed_methods, reason = "tests may ask where the schema lies")]
    let shared = std::env::var_os("CALENDAR_RELAY_SHARED").map_or_else(beside, PathBuf::from);
    let file = shared.join("schemas/graph/graph-calendar.strict.schema.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("SKIPPED: no schema at {}; set CALENDAR_RELAY_SHARED", file.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn problems(schema: &Value, part: &str, instance: &Value) -> Vec<String> {
    let mut schema = schema.clone();
    schema["$ref"] = json!(format!("#/$defs/{part}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[tokio::test]
async fn requests_are_what_graph_defines() {
    let Some(schema) = schema() else { return };
    let stub = Stub::start(|seen| {
        let ids = seen.body["requests"].as_array()?.iter();
        let answer = |id: &Value| json!({"id": id["id"], "status": 200, "body": {"value": []}});
        Some(Reply::json(200, &json!({"responses": ids.map(answer).collect::<Vec<_>>()})))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy]), credential(&[CalendarRead])], Settings::default());
    let asked = permitted(&["a@example.com", "b@example.com"]);
    let short = window("2026-11-18T09:00:00.5Z", "2026-11-18T09:20:00Z");
    for window in [wednesday(), short] {
        graphs.free_busy(&asked, window, Detail::Full, &journal()).await;
    }
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let part = if call.is_schedule() { "calendar.getSchedule.request" } else { "batch.request" };
        assert_eq!(problems(&schema, part, &call.body), Vec::<String>::new(), "{part}");
        assert_eq!(call.headers["authorization"], "Bearer T");
        assert_eq!(call.headers["prefer"], "outlook.timezone=\"UTC\"");
        assert!(call.headers["user-agent"].to_str().unwrap().starts_with("calendar-relay/"));
        assert!(call.headers.contains_key("client-request-id"));
    }
    let wrong = json!({"schedules": ["a@example.com"], "startTime": {}, "endTime": {}, "invented": 1});
    assert!(!problems(&schema, "calendar.getSchedule.request", &wrong).is_empty(), "the schema can refuse");
}

/// A change of everything, with a pattern of each kind in turn.
fn change_of_everything(recurrence: Recurrence) -> EventChange {
    let time = |hour| Some(ZonedTime { local: date(2026, 11, 23).at(hour, 0, 0, 5_000_000), zone: None });
    let attendee = |role| Attendee {
        person: Person { name: String::new(), address: "b@example.com".into() },
        role,
        response: Response::None,
        responded: None,
    };
    let property = |kind, name, value| (PropertyId { kind, name: PropertyName::Tag(name) }, value);
    EventChange {
        subject: Some("S".into()),
        body: Some(Body { content: "x".into(), is_html: false }),
        start: time(9),
        end: time(10),
        is_all_day: Some(false),
        show_as: Some(BusyStatus::WorkingElsewhere),
        location: Some(String::new()),
        sensitivity: Some(Sensitivity::Confidential),
        importance: Some(Importance::High),
        categories: Some(Vec::new()),
        is_reminder_on: Some(true),
        reminder_minutes: Some(5),
        attendees: Some([Role::Required, Role::Optional, Role::Resource].map(attendee).into()),
        held_back: Some(vec![attendee(Role::Required)]),
        is_response_requested: Some(false),
        allows_new_time: Some(false),
        is_online_meeting: Some(true),
        recurrence: Some(Some(recurrence)),
        uid: Some("u".into()),
        properties: vec![
            property("Integer", 7, Some(PropertyValue::One("7".into()))),
            property("StringArray", 8, Some(PropertyValue::Many(vec!["a".into()]))),
            property("String", 9, None),
            property("BinaryArray", 10, None),
        ],
    }
}

#[tokio::test]
async fn writes_are_what_graph_defines() {
    let Some(schema) = schema() else { return };
    let created: Value =
        serde_json::from_str(include_str!("../../../fixtures/graph/event_create/created.json")).unwrap();
    let stub = Stub::start(move |seen| match seen.path.as_str() {
        path if path.ends_with("/cancel") || path.ends_with("/tentativelyAccept") => Some(Reply::text(202, "")),
        path if path.contains("/events") => Some(Reply::json(200, &created)),
        _ => None,
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[CalendarWrite])], Settings::default());
    let client = Client::without_login("c", Policy::unlimited(&[CalendarWrite], &["*"], Ceiling::Full));
    let writer =
        client.permit(&Mailbox::parse("a@example.com").unwrap(), CalendarWrite, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let (id, notes) = (EventId::parse("AAMk=").unwrap(), journal());
    let days = Weekdays::WORKING;
    let patterns = [
        Pattern::Daily { interval: 1 },
        Pattern::Weekly { interval: 1, days, first_day: Weekday::Monday },
        Pattern::AbsoluteMonthly { interval: 1, day: 31 },
        Pattern::RelativeMonthly { interval: 1, days, index: WeekIndex::Last },
        Pattern::AbsoluteYearly { interval: 1, month: 2, day: 29 },
        Pattern::RelativeYearly { interval: 1, month: 2, days, index: WeekIndex::Second },
    ];
    let ends = [RangeEnd::Never, RangeEnd::On(date(2027, 1, 1)), RangeEnd::After(3)].into_iter().cycle();
    for (pattern, end) in patterns.into_iter().zip(ends) {
        let range = Range { start: date(2026, 11, 23), end };
        let change = change_of_everything(Recurrence { pattern, range, zone: Some("UTC".into()) });
        graphs.create_event(&writer, &change, Uuid::nil(), &notes).await.unwrap();
        graphs.update_event(&writer, &id, &change, Some("k"), &notes).await.unwrap();
    }
    let change = EventChange { held_back: Some(Vec::new()), recurrence: Some(None), ..EventChange::default() };
    graphs.update_event(&writer, &id, &change, None, &notes).await.unwrap();
    let slot = |hour| ZonedTime { local: date(2026, 11, 23).at(hour, 0, 0, 0), zone: Some("FLE Standard Time".into()) };
    let reply = crate::graph::Reply {
        kind: ReplyKind::Tentative,
        comment: "c".into(),
        sends: true,
        proposed: Some((slot(9), slot(10))),
    };
    graphs.reply(&writer, &id, &reply, &notes).await.unwrap();
    graphs.cancel_event(&writer, &id, "c", &notes).await.unwrap();
    let mut checked = 0;
    for call in stub.calls() {
        let part = match (call.method.as_str(), call.path.rsplit('/').next().unwrap()) {
            ("POST", "events") => "users.events.create.request",
            ("POST", "tentativelyAccept") => "users.events.tentativelyAccept.request",
            ("POST", "cancel") => "users.events.cancel.request",
            ("PATCH", _) => "users.events.update.request",
            _ => continue,
        };
        checked += 1;
        assert_eq!(problems(&schema, part, &call.body), Vec::<String>::new(), "{part} {}", call.body);
    }
    assert_eq!(checked, 15);
}

#[tokio::test]
async fn absences_are_asked_for_and_set_as_graph_defines() {
    let Some(schema) = schema() else { return };
    let stub = Stub::start(|seen| (seen.method == "PATCH").then(|| Reply::json(200, &json!({})))).await;
    let mut all = credential(&[OutOfOfficeRead, OutOfOfficeWrite]);
    all.mail_tips = true;
    let graphs = stub.graphs(vec![all], Settings::default());
    let client = Client::without_login("c", Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full));
    let permit = |name: &str, capability| {
        client.permit(&Mailbox::parse(name).unwrap(), capability, jiff::Timestamp::UNIX_EPOCH).unwrap()
    };
    let (writer, notes) = (permit("o'hara@example.com", OutOfOfficeWrite), journal());
    let audiences = [Audience::Nobody, Audience::Contacts, Audience::Everybody];
    for (status, audience) in [Status::Disabled, Status::Enabled, Status::Scheduled].into_iter().zip(audiences) {
        let window = Some(window("2026-11-19T00:00:00.25Z", "2026-11-20T00:00:00Z"));
        let (internal, external, language) = ("<p>🌴</p>".into(), String::new(), Some("fi".into()));
        let replies = AutomaticReplies { status, audience, window, internal, external, language };
        graphs.set_automatic_replies(&writer, &replies, &notes).await.unwrap();
    }
    let asked = ["a@example.com", "b@example.com"].map(|name| permit(name, OutOfOfficeRead));
    graphs.look_at_automatic_replies(&asked, &notes).await;
    graphs.mail_tips(&asked, None, &notes).await;
    let mut parts = Vec::new();
    for call in stub.calls() {
        let part = match call.path.rsplit('/').next().unwrap() {
            "mailboxSettings" => "users.mailboxSettings.update.request",
            "getMailTips" => "users.getMailTips.request",
            _ => "batch.request",
        };
        assert_eq!(problems(&schema, part, &call.body), Vec::<String>::new(), "{part} {}", call.body);
        parts.push(part);
    }
    parts.dedup();
    assert_eq!(parts.len(), 3, "{parts:?}");
}

#[test]
fn fixtures_are_what_graph_answers() {
    let Some(schema) = schema() else { return };
    let fixtures = [
        ("calendar.getSchedule.response.200", include_str!("../../../fixtures/graph/get_schedule/kinds.json")),
        ("batch.response.200", include_str!("../../../fixtures/graph/calendar_view/batch.json")),
        ("users.events.list.response.200", include_str!("../../../fixtures/graph/event_list/page.json")),
        ("users.events.get.response.200", include_str!("../../../fixtures/graph/event_get/series.json")),
        ("users.events.get.response.200", include_str!("../../../fixtures/graph/event_get/changes.json")),
        ("users.events.instances.response.200", include_str!("../../../fixtures/graph/event_instances/page.json")),
        ("users.events.create.response.201", include_str!("../../../fixtures/graph/event_create/created.json")),
        ("users.events.update.response.200", include_str!("../../../fixtures/graph/event_update/updated.json")),
        (
            "users.mailboxSettings.get.response.200",
            include_str!("../../../fixtures/graph/mailbox_settings/scheduled.json"),
        ),
        ("batch.response.200", include_str!("../../../fixtures/graph/mailbox_settings/batch.json")),
        ("users.getMailTips.response.200", include_str!("../../../fixtures/graph/mail_tips/kinds.json")),
        ("users.list.response.200", include_str!("../../../fixtures/graph/users/page.json")),
        ("users.list.response.200", include_str!("../../../fixtures/graph/addresses/kinds.json")),
        ("groups.transitiveMembers.response.200", include_str!("../../../fixtures/graph/groups/members.json")),
    ];
    for (part, text) in fixtures {
        let mut instance: Value = serde_json::from_str(text).unwrap();
        if part.starts_with("calendar.getSchedule") {
            // Graph's enums are canonical in the schema; the gateway must take them in any case.
            instance["value"][0]["scheduleItems"][0]["status"] = json!("busy");
        }
        if part.starts_with("users.mailboxSettings") {
            let setting = &mut instance["automaticRepliesSetting"];
            (setting["status"], setting["externalAudience"]) = (json!("scheduled"), json!("all"));
        }
        assert_eq!(problems(&schema, part, &instance), Vec::<String>::new(), "{part}");
    }
}
