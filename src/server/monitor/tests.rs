//! What is told of a watch, and that it is what the description says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Access, DESCRIPTION, Front, watches};
use crate::calendar::out_of_office::{Audience, Away};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::graph::{Graphs, Settings as GraphSettings};
use crate::metrics::Metrics;
use crate::out_of_office::{Monitor, Settings, Standing, Watched};
use crate::server::failures::Failures;
use crate::server::shared::Limits;
use crate::store::Store;

fn description() -> Value {
    serde_json::from_str(DESCRIPTION).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn unseen() -> Watched {
    Watched {
        mailbox: Mailbox::parse("Alice@Contoso.example").unwrap(),
        alias: "Alice".to_owned(),
        since: at(0),
        looked: None,
        problem: None,
        standing: None,
    }
}

/// The watch as JSON, after making sure that the description has it so.
fn described(watched: &Watched) -> Value {
    let view: Value = serde_json::from_str(&watched.to_json()).unwrap();
    let schema = json!({ "$ref": "#/components/schemas/Watch", "components": description()["components"] });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&view).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} {view}");
    view
}

#[test]
fn a_watch_is_told_in_each_of_its_states() {
    let view = described(&unseen());
    assert_eq!((&view["mailbox"], &view["alias"]), (&json!("alice@contoso.example"), &json!("Alice")));
    assert_eq!(view["watched_since"], "1970-01-01T00:00:00Z");
    for none in ["state", "changed_at", "looked_at", "problem", "scheduled", "audience", "internal", "external"] {
        assert_eq!(view[none], Value::Null, "{none}");
    }

    let problem = Some(Failure::Denied);
    let view = described(&Watched { problem, ..unseen() });
    assert_eq!(view["problem"]["code"], "denied");

    let back = Standing { away: None, changed: at(60) };
    let view = described(&Watched { standing: Some(back), looked: Some(at(120)), ..unseen() });
    assert_eq!((&view["state"], &view["looked_at"]), (&json!("available"), &json!("1970-01-01T00:02:00Z")));
    assert_eq!((&view["audience"], &view["external"]), (&Value::Null, &Value::Null));

    for (audience, word) in
        [(Audience::Nobody, "nobody"), (Audience::Contacts, "contacts"), (Audience::Everybody, "everybody")]
    {
        let window = Window::new(at(100), at(200));
        let (internal, external) = ("<p>In &amp; out<br>\u{1f334}</p>".to_owned(), "<b>Out</b>".to_owned());
        let away = Away { audience, window, internal, external };
        let standing = Some(Standing { away: Some(away.into()), changed: at(60) });
        let view = described(&Watched { standing, ..unseen() });
        assert_eq!((&view["state"], &view["audience"]), (&json!("away"), &json!(word)));
        let scheduled = json!({ "start": "1970-01-01T00:01:40Z", "end": "1970-01-01T00:03:20Z" });
        assert_eq!(view["scheduled"], scheduled);
        assert_eq!(view["internal"]["text"], "In & out\n\u{1f334}");
        let is_told_outside = audience != Audience::Nobody;
        assert_eq!(view["external"]["html"].as_str(), is_told_outside.then_some("<b>Out</b>"));
    }
}

#[test]
fn the_description_names_every_route_and_refers_to_what_is_there() {
    let description = description();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut routes: Vec<String> = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        routes.extend(
            item.as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters")
                .map(|method| format!("{method} {path}")),
        );
    }
    routes.sort();
    let expected = [
        "delete /watches/{address}",
        "get /",
        "get /openapi.json",
        "get /watches",
        "get /watches/{address}",
        "post /monitor",
        "put /watches/{address}",
    ];
    assert_eq!(routes, expected);
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(place).is_some(), "{reference}");
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// A monitor of nobody.
async fn front() -> Front {
    let metrics = Arc::new(Metrics::new());
    let graphs =
        Graphs::new(Vec::new(), GraphSettings::default(), Arc::clone(&metrics), jiff::Timestamp::default).unwrap();
    let second = Duration::from_secs(1);
    let settings = Settings {
        mailboxes: Vec::new(),
        default_domain: None,
        interval: second,
        longest_interval: second,
        calls_per_second: 1,
        give_up: second,
        webhooks: Vec::new(),
    };
    let (store, clock) = (Store::in_memory().unwrap(), || Timestamp::UNIX_EPOCH);
    let monitor = Monitor::open(settings, Arc::new(graphs), store, Arc::clone(&metrics), clock).await.unwrap();
    let limits = Limits {
        body_bytes: 0,
        header_bytes: 0,
        connections: 0,
        connections_per_address: 0,
        header_timeout: second,
        body_timeout: second,
        idle_timeout: second,
        deadline: second,
        drain_delay: second,
        drain: second,
        failures_per_minute: 1,
        password_checks: 1,
    };
    Front::new(Arc::new(monitor), Access::default(), Arc::new(Failures::new(1)), limits, metrics)
}

#[tokio::test]
async fn those_who_are_too_many_at_the_list_are_told_to_come_again() {
    let front = Arc::new(front().await);
    let list = async || watches::list(State(Arc::clone(&front)), Uri::from_static("/watches")).await;
    let places = Arc::clone(&front.readers).try_acquire_many_owned(3).unwrap();
    assert_eq!(list().await.status(), 200);
    let last = Arc::clone(&front.readers).try_acquire_owned().unwrap();
    let refused = list().await;
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
    drop(last);
    assert_eq!(list().await.status(), 200, "a place is free again when a page has been read");
    assert_eq!(front.readers.available_permits(), 1);
    drop(places);
}
