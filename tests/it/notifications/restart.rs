//! What survives the end of the process.

use reqwest::Method;
use serde_json::Value;

use super::*;

#[tokio::test]
async fn what_happens_while_the_gateway_is_away_is_told_when_it_is_back() {
    let gateway = lasting().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let gone = gateway.meet(ROOM, meeting("Gone")).await;
    let mut listener = Listener::open(&gateway, &[&id]).await;
    assert_eq!(listener.events(&gateway).await.len(), 1);
    // Some seconds later nobody doubts that it has arrived.
    drop(listener);
    while gateway.figure("calendar_relay_streams ").await > 0 {}
    let mut new = Value::Null;
    let path = format!("/users/{ROOM}/events/{}", gone["id"].as_str().unwrap());
    let gateway = gateway
        .restart(async |simulator| {
            graph(simulator, Method::DELETE, &path, &Value::Null).await;
            new = graph(simulator, Method::POST, &format!("/users/{ROOM}/events"), &meeting("New")).await;
        })
        .await;
    let mut listener = Listener::open(&gateway, &[&id]).await;
    let mut events = listener.events(&gateway).await;
    events.sort();
    let created = (id.clone(), "CreatedEvent".to_owned(), exchange_id(&new));
    assert_eq!(events, [created, (id, "DeletedEvent".to_owned(), exchange_id(&gone))]);
    drop(listener);
    gateway.done().await;
}

#[tokio::test]
async fn without_a_store_clients_are_told_that_their_subscriptions_are_lost() {
    let gateway = setup().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let gateway = gateway.restart(async |_| {}).await;
    let answer = gateway.soap(&stream_request(&[&id], "20")).await;
    assert_eq!(Element::parse(&answer.body).all("ResponseCode")[0].text, "ErrorSubscriptionNotFound");
    gateway.done().await;
}
