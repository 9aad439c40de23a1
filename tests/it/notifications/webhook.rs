//! Graph tells of changes by itself.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::*;

async fn told_by_graph() -> Gateway {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // Asking alone would be too slow for any of these tests.
    let more = format!(
        "[changes]\ninterval = \"60s\"\nnotification_url = \"https://127.0.0.1:{port}/\"\n[store]\npath = \"store\"\n"
    );
    let gateway = Setup { more, port, ..Setup::new() }.start().await;
    let authority = std::fs::read_to_string(&gateway.made.authority).unwrap();
    control(&gateway, Method::POST, "trust", json!({ "authorities": authority })).await;
    gateway
}

/// Waits until Graph has a subscription, and gives it.
async fn arranged(gateway: &Gateway) -> Value {
    loop {
        let all = control(gateway, Method::GET, "subscriptions", Value::Null).await;
        if let Some(one) = all["subscriptions"].as_array().unwrap().first() {
            return one["subscription"].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn looks(gateway: &Gateway) -> u64 {
    gateway.calls("calendarViewDelta").await
}

/// How often Graph was asked to prolong its subscription.
async fn renewals(gateway: &Gateway) -> usize {
    let ledger = gateway.ledger().await;
    ledger["calls"].as_array().unwrap().iter().filter(|call| call["method"] == "PATCH").count()
}

/// Waits until no look is under way or due.
async fn settled(gateway: &Gateway) -> u64 {
    let mut before = looks(gateway).await;
    loop {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let now = looks(gateway).await;
        if now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn changes_are_told_at_once() {
    let gateway = told_by_graph().await;
    let id = subscribe(&gateway, ROOM).await;
    let hook = arranged(&gateway).await;
    assert_eq!(hook["resource"], format!("/users/{ROOM}/events"));
    assert_eq!(hook["changeType"], "created,updated,deleted");
    let mut listener = Listener::open(&gateway, &[&id]).await;
    settled(&gateway).await;
    let begun = Instant::now();
    let item = exchange_id(&gateway.meet(ROOM, meeting("Told")).await);
    assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), item)]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    // Lost notices are made up for when Graph says that it lost some.
    control(&gateway, Method::POST, "notifications", json!({ "drop": true })).await;
    let item = exchange_id(&gateway.meet(ROOM, meeting("Lost")).await);
    control(&gateway, Method::POST, "lifecycle", json!({ "event": "missed" })).await;
    assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), item)]);
    control(&gateway, Method::POST, "notifications", json!({ "drop": false })).await;

    // A subscription that Graph has removed is made again.
    let item = exchange_id(&gateway.meet(ROOM, meeting("Between")).await);
    assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), item)]);
    let former = arranged(&gateway).await;
    control(&gateway, Method::POST, "lifecycle", json!({ "event": "subscriptionRemoved" })).await;
    let next = arranged(&gateway).await;
    assert_ne!(former["id"], next["id"]);
    settled(&gateway).await;
    let item = exchange_id(&gateway.meet(ROOM, meeting("Again")).await);
    assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), item)]);

    // It is renewed when Graph wants that.
    control(&gateway, Method::POST, "lifecycle", json!({ "event": "reauthorizationRequired" })).await;
    settled(&gateway).await;
    assert_eq!(arranged(&gateway).await["id"], next["id"]);
    assert!(gateway.ledger().await["calls"].as_array().unwrap().iter().any(|call| call["method"] == "PATCH"));

    // Also when it says so while the calendar cannot be read.
    let before = renewals(&gateway).await;
    control(&gateway, Method::POST, "faults", json!({ "call": "calendarViewDelta", "status": 403 })).await;
    control(&gateway, Method::POST, "lifecycle", json!({ "event": "reauthorizationRequired" })).await;
    settled(&gateway).await;
    assert_eq!(renewals(&gateway).await, before);
    control(&gateway, Method::DELETE, "faults", Value::Null).await;
    let item = exchange_id(&gateway.meet(ROOM, meeting("Afterwards")).await);
    assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), item)]);
    settled(&gateway).await;
    assert_eq!(renewals(&gateway).await, before + 1);
    drop(listener);

    // And it goes on after a restart.
    let gateway = gateway.restart(async |_| {}).await;
    settled(&gateway).await;
    assert_eq!(arranged(&gateway).await["id"], next["id"]);
    let mut listener = Listener::open(&gateway, &[&id]).await;
    let item = exchange_id(&gateway.meet(ROOM, meeting("Later")).await);
    assert!(listener.events(&gateway).await.contains(&(id, "CreatedEvent".into(), item)));
    drop(listener);
    gateway.done().await;
}

#[tokio::test]
async fn whoever_else_posts_there_achieves_nothing() {
    let gateway = told_by_graph().await;
    subscribe(&gateway, ROOM).await;
    let hook = arranged(&gateway).await["id"].as_str().unwrap().to_owned();
    let before = settled(&gateway).await;
    let post = |path: &str, body: String| gateway.http.post(gateway.url(path)).body(body);
    let notice = |id: &str, state: &str, event: &str| json!({ "value": [{ "subscriptionId": id, "clientState": state, "lifecycleEvent": event, "changeType": "updated" }] });
    for (path, body, status) in [
        ("/graph/notifications", notice(&hook, "guessed", "").to_string(), 202),
        ("/graph/lifecycle", notice(&hook, "", "subscriptionRemoved").to_string(), 202),
        ("/graph/notifications", notice("unknown", "x", "").to_string(), 202),
        ("/graph/notifications", json!({ "value": [] }).to_string(), 202),
        ("/graph/notifications", "{".to_owned(), 400),
        ("/graph/notifications", "x".repeat(2 << 20), 413),
    ] {
        let answer = gateway.send(post(path, body)).await;
        assert_eq!((answer.status, &*answer.body), (status, ""), "{path}");
    }
    let token = "Validation%3A+Testing+%3Cb%3E+%C3%A4";
    let answer = gateway.send(post(&format!("/graph/notifications?validationToken={token}"), String::new())).await;
    assert_eq!((answer.status, &*answer.body), (200, "Validation: Testing <b> \u{e4}"));
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(looks(&gateway).await, before);
    assert_eq!(arranged(&gateway).await["id"], hook);
    gateway.done().await;
}

#[tokio::test]
async fn nothing_is_taken_where_nothing_was_asked_for() {
    let gateway = setup().start().await;
    let url = gateway.url("/graph/notifications?validationToken=x");
    assert_eq!(gateway.send(gateway.http.post(url)).await.status, 404);
    gateway.done().await;
}
