//! Subscriptions to mailboxes that a list names which is kept elsewhere.

use super::*;
use crate::harness::client;

/// A client that may use the rooms of a file, or of something else.
fn listed(mailboxes: &str) -> Setup {
    let more =
        "[changes]\ninterval = \"200ms\"\n[policies]\nrefresh = \"200ms\"\n[store]\npath = \"store\"\n".to_owned();
    // Lists are waited for by asking again and again.
    let clients = client("nobody@contoso.example", "full", "requests_per_second = 100000\nburst = 100000\n");
    let clients = clients.replace("\"nobody@contoso.example\"", mailboxes);
    let files = vec![("rooms.txt", format!("{ROOM}\n{OTHER_ROOM}\n"))];
    Setup { more, clients, files, ..Setup::new() }
}

fn write(gateway: &Gateway, rooms: &str) {
    std::fs::write(gateway.folder.path().join("rooms.txt"), rooms).unwrap();
}

/// The code of an answer about a room's calendar.
async fn code(gateway: &Gateway, room: &str) -> String {
    let body = format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape>{}</m:GetFolder>",
        calendar(room).replace("t:FolderIds", "m:FolderIds")
    );
    gateway.ask(&envelope(&body)).await.at("ResponseMessages/GetFolderResponseMessage/ResponseCode").to_owned()
}

/// Waits until the policy has heard of a change.
async fn until(gateway: &Gateway, room: &str, expected: &str) {
    let heard = async { while code(gateway, room).await != expected {} };
    timeout(Duration::from_secs(30), heard).await.expect("the list is not read again");
}

#[tokio::test]
async fn a_mailbox_that_leaves_a_list_is_not_told_of_any_more() {
    let gateway = listed("{ file = \"rooms.txt\" }").start().await;
    let (one, two) = (subscribe(&gateway, ROOM).await, subscribe(&gateway, OTHER_ROOM).await);
    let mut listener = Listener::open(&gateway, &[&one, &two]).await;
    let item = exchange_id(&gateway.meet(ROOM, meeting("Before")).await);
    assert_eq!(listener.events(&gateway).await, [(one.clone(), "CreatedEvent".into(), item)]);

    write(&gateway, OTHER_ROOM);
    until(&gateway, ROOM, "ErrorAccessDenied").await;
    gateway.meet(ROOM, meeting("Secret")).await;
    let item = exchange_id(&gateway.meet(OTHER_ROOM, meeting("Other")).await);
    assert_eq!(listener.events(&gateway).await, [(two.clone(), "CreatedEvent".into(), item)]);

    // What was not told then is not told later either, be the mailbox on the list again.
    write(&gateway, &format!("{OTHER_ROOM}\n{ROOM}\n"));
    until(&gateway, ROOM, "NoError").await;
    let item = exchange_id(&gateway.meet(ROOM, meeting("Again")).await);
    assert_eq!(listener.events(&gateway).await, [(one, "CreatedEvent".into(), item)]);
    drop(listener);
    gateway.done().await;
}

#[tokio::test]
async fn a_restart_ends_what_the_list_names_no_longer_and_keeps_the_rest() {
    let gateway = listed("{ file = \"rooms.txt\" }").start().await;
    let (one, two) = (subscribe(&gateway, ROOM).await, subscribe(&gateway, OTHER_ROOM).await);
    write(&gateway, OTHER_ROOM);
    let gateway = gateway.restart(async |_| {}).await;
    let answer = gateway.soap(&stream_request(&[&one], "20")).await;
    assert_eq!(Element::parse(&answer.body).all("ResponseCode")[0].text, "ErrorSubscriptionNotFound");
    let mut listener = Listener::open(&gateway, &[&two]).await;
    let item = exchange_id(&gateway.meet(OTHER_ROOM, meeting("Other")).await);
    assert_eq!(listener.events(&gateway).await, [(two, "CreatedEvent".into(), item)]);
    drop(listener);
    gateway.done().await;
}

#[tokio::test]
async fn after_a_restart_events_wait_until_the_list_is_read_and_none_is_lost() {
    let gateway = listed("{ room_list = \"room-list@contoso.example\" }").start().await;
    let id = subscribe(&gateway, ROOM).await;
    let mut event = Value::Null;
    let gateway = gateway
        .restart(async |simulator| {
            event = graph(simulator, reqwest::Method::POST, &format!("/users/{ROOM}/events"), &meeting("Away")).await;
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let fault = json!({ "call": "listRoomsOfList", "status": 503, "times": 1000 });
            let url = format!("{}/control/faults", simulator.base_url());
            assert!(http.post(url).body(fault.to_string()).send().await.unwrap().status().is_success());
        })
        .await;
    assert_eq!(code(&gateway, ROOM).await, "ErrorAccessDenied", "nobody knows yet");
    assert_eq!(gateway.figure("calendar_relay_rosters_unknown ").await, 1);
    let mut listener = Listener::open(&gateway, &[&id]).await;
    gateway.calm().await;
    let told = listener.events(&gateway).await;
    assert_eq!(told, [(id, "CreatedEvent".into(), exchange_id(&event))]);
    assert_eq!(gateway.figure("calendar_relay_rosters_unknown ").await, 0);
    drop(listener);
    gateway.done().await;
}
