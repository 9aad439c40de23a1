//! Streams: their form, their events and their ends.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::harness::{CLIENT, SECRET};

#[tokio::test]
async fn two_rooms_are_listened_to_as_respa_does() {
    let gateway = setup().start().await;
    let (one, two) = (subscribe(&gateway, ROOM).await, subscribe(&gateway, OTHER_ROOM).await);
    let mut listener = Listener::open(&gateway, &[&one, &two]).await;
    let event = gateway.meet(ROOM, meeting("One")).await;
    let item = exchange_id(&event);
    assert_eq!(listener.events(&gateway).await, [(one.clone(), "CreatedEvent".into(), item.clone())]);
    let path = format!("/users/{ROOM}/events/{}", event["id"].as_str().unwrap());
    graph(&gateway.simulator, Method::PATCH, &path, &json!({ "subject": "Two" })).await;
    assert_eq!(listener.events(&gateway).await, [(one.clone(), "ModifiedEvent".into(), item.clone())]);
    graph(&gateway.simulator, Method::DELETE, &path, &Value::Null).await;
    assert_eq!(listener.events(&gateway).await, [(one.clone(), "DeletedEvent".into(), item)]);
    let other = exchange_id(&gateway.meet(OTHER_ROOM, meeting("Other")).await);
    assert_eq!(listener.events(&gateway).await, [(two.clone(), "CreatedEvent".into(), other)]);

    // The listener ends: what it was told of is not told again, and what comes then is.
    drop(listener);
    while gateway.figure("calendar_relay_streams ").await > 0 {}
    let late = exchange_id(&gateway.meet(ROOM, meeting("Late")).await);
    let mut listener = Listener::open(&gateway, &[&one, &two]).await;
    assert_eq!(listener.events(&gateway).await, [(one.clone(), "CreatedEvent".into(), late)]);

    let payload = gateway.ask(&unsubscribe_request(&one)).await;
    assert_eq!(payload.at("ResponseMessages/UnsubscribeResponseMessage/ResponseCode"), "NoError");
    let end = listener.next(&gateway).await;
    assert_eq!((end.attribute("ResponseClass"), end.at("ResponseCode")), ("Error", "ErrorSubscriptionNotFound"));
    assert!(!end.at("MessageText").is_empty());
    assert_eq!((end.at("ErrorSubscriptionIds/SubscriptionId"), end.at("ConnectionStatus")), (&*one, "Closed"));
    assert!(listener.heard(&gateway).await.is_none(), "nothing comes after the end");
    gateway.done().await;
}

#[tokio::test]
async fn the_audit_log_says_who_was_told_about_whom() {
    let Setup { more, .. } = setup();
    let gateway = Setup { more: format!("{more}[audit]\nfile = \"audit.jsonl\"\n"), ..Setup::new() }.start().await;
    let id = subscribe(&gateway, ROOM).await;
    let mut listener = Listener::open(&gateway, &[&id]).await;
    gateway.meet(ROOM, meeting("One")).await;
    assert_eq!(listener.events(&gateway).await.len(), 1);
    drop(listener);
    let path = gateway.path("audit.jsonl");
    gateway.app.stop().await;
    let text = std::fs::read_to_string(path).unwrap();
    gateway.simulator.stop().await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_told =
        |line: &&Value| (&line["operation"], &line["outcome"]) == (&json!("GetStreamingEvents"), &json!("told"));
    let told: Vec<_> = lines.iter().filter(is_told).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    let asked = json!([{ "mailbox": ROOM, "capability": "calendar_read", "view": "id", "tenant": "contoso", "credential": "app-calendar-read" }]);
    assert_eq!(told[0]["mailboxes"], asked);
    let opened = lines.iter().find(|line| line["operation"] == "GetStreamingEvents").unwrap();
    assert_eq!((&opened["outcome"], &opened["request_id"]), (&json!("ok"), &told[0]["request_id"]));
}

#[tokio::test]
async fn a_series_is_one_event() {
    let gateway = setup().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let mut listener = Listener::open(&gateway, &[&id]).await;
    let mut series = meeting("Weekly");
    let day = series["start"]["dateTime"].as_str().unwrap()[..10].to_owned();
    series["recurrence"] = json!({
        "pattern": { "type": "daily", "interval": 1 },
        "range": { "type": "numbered", "numberOfOccurrences": 30, "startDate": day },
    });
    let master = gateway.meet(ROOM, series).await;
    assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), exchange_id(&master))]);
    let path = format!("/users/{ROOM}/events/{}", master["id"].as_str().unwrap());
    graph(&gateway.simulator, Method::DELETE, &path, &Value::Null).await;
    assert_eq!(listener.events(&gateway).await, [(id, "DeletedEvent".into(), exchange_id(&master))]);
    drop(listener);
    gateway.done().await;
}

#[tokio::test]
async fn each_envelope_is_one_piece_and_leaves_at_once() {
    let more = "[changes]\ninterval = \"200ms\"\nheartbeat = \"1s\"\n".to_owned();
    let gateway = Setup { more, tls: false, ..Setup::new() }.start().await;
    let id = subscribe(&gateway, ROOM).await;
    let request = stream_request(&[&id], "20");
    let credentials = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{CLIENT}:{SECRET}"));
    let mut socket = tokio::net::TcpStream::connect(gateway.app.address()).await.unwrap();
    let head = format!(
        "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, deflate\r\nAccept: text/xml\r\n\
         Content-type: text/xml; charset=UTF-8\r\nAuthorization: Basic {credentials}\r\nContent-Length: {}\r\n\r\n{request}",
        request.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut reader = tokio::io::BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(reader.read_u8().await.unwrap()));
    }
    let head = head.to_lowercase();
    for line in ["http/1.1 200", "transfer-encoding: chunked", "x-nobuffering: 1", "cache-control: private"] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(head.contains("content-type: text/xml; charset=utf-8") && !head.contains("content-encoding"), "{head}");
    let first = chunk(&mut reader).await;
    assert!(first.contains("<m:ConnectionStatus>OK</m:ConnectionStatus>"), "{first}");
    // A sign of life, and no event: it would have clients look at everything.
    let alive = chunk(&mut reader).await;
    assert_eq!(alive, first);
    for number in 0..60 {
        gateway.meet(ROOM, meeting(&format!("Number {number}"))).await;
    }
    let mut events = 0;
    while events < 60 {
        let text = chunk(&mut reader).await;
        gateway.keep(&text);
        let envelope = Element::parse(&text);
        let notifications = envelope.all("Notification");
        assert!(notifications.len() < 2);
        let told = notifications.iter().flat_map(|notification| told(notification)).count();
        assert!(told <= 50);
        events += told;
    }
    assert_eq!(events, 60);
    drop(reader);
    while gateway.figure("calendar_relay_streams ").await > 0 {}
    gateway.done().await;
}

/// One piece of the body, which must be one whole envelope.
async fn chunk(reader: &mut tokio::io::BufReader<tokio::net::TcpStream>) -> String {
    let mut size = String::new();
    while !size.ends_with("\r\n") {
        size.push(char::from(reader.read_u8().await.unwrap()));
    }
    let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
    reader.read_exact(&mut chunk).await.unwrap();
    let text = String::from_utf8(chunk).unwrap().trim_end().to_owned();
    assert!(text.starts_with("<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\">"), "{text}");
    assert!(text.ends_with("</Envelope>") && text.matches("<Envelope").count() == 1, "{text}");
    text
}

#[tokio::test]
async fn the_newest_connection_wins() {
    let gateway = setup().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let mut old = Listener::open(&gateway, &[&id]).await;
    let mut new = Listener::open(&gateway, &[&id]).await;
    assert_eq!(old.next(&gateway).await.at("ConnectionStatus"), "Closed");
    assert!(old.heard(&gateway).await.is_none());
    let item = exchange_id(&gateway.meet(ROOM, meeting("New")).await);
    assert_eq!(new.events(&gateway).await, [(id, "CreatedEvent".into(), item)]);
    drop(new);
    gateway.done().await;
}

#[tokio::test]
async fn the_end_of_the_process_closes_streams() {
    let gateway = setup().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let response = gateway.post(stream_request(&[&id], "20")).send().await.unwrap();
    let begun = std::time::Instant::now();
    gateway.app.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "streams hold nothing up");
    let text = response.text().await.unwrap();
    assert!(
        text.ends_with("</Envelope>") && text.contains("<m:ConnectionStatus>Closed</m:ConnectionStatus>"),
        "{text}"
    );
    gateway.simulator.stop().await;
}

#[tokio::test]
async fn streams_take_no_place_of_requests_and_have_a_limit_of_their_own() {
    let mut setup = setup();
    setup.clients.push_str("\nconcurrency = 1\n");
    setup.more.push_str("streams_per_client = 2\n");
    let gateway = setup.start().await;
    let ids = [subscribe(&gateway, ROOM).await, subscribe(&gateway, OTHER_ROOM).await];
    let third = subscribe(&gateway, "vault@contoso.example").await;
    let first = Listener::open(&gateway, &[&ids[0]]).await;
    let second = Listener::open(&gateway, &[&ids[1]]).await;
    let answer = gateway.soap(&stream_request(&[&third], "1")).await;
    let message = Element::parse(&answer.body);
    assert_eq!(message.all("ResponseCode")[0].text, "ErrorExceededConnectionCount");
    assert!(message.all("ErrorSubscriptionIds").is_empty());
    assert_eq!(gateway.figure("calendar_relay_streams ").await, 2);
    drop(first);
    while gateway.figure("calendar_relay_streams ").await > 1 {}
    drop(Listener::open(&gateway, &[&third]).await);
    drop(second);
    gateway.done().await;
}

#[tokio::test]
async fn nothing_is_lost_when_graph_forgets_where_we_were() {
    let gateway = setup().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let gone = gateway.meet(ROOM, meeting("Gone")).await;
    let mut listener = Listener::open(&gateway, &[&id]).await;
    assert_eq!(listener.events(&gateway).await.len(), 1);
    // All at once, as far as the gateway can tell.
    control(&gateway, Method::POST, "faults", json!({ "call": "calendarViewDelta", "status": 503, "times": 8 })).await;
    let path = format!("/users/{ROOM}/events/{}", gone["id"].as_str().unwrap());
    graph(&gateway.simulator, Method::DELETE, &path, &Value::Null).await;
    let new = exchange_id(&gateway.meet(ROOM, meeting("New")).await);
    control(&gateway, Method::POST, "expire-delta-tokens", Value::Null).await;
    control(&gateway, Method::DELETE, "faults", Value::Null).await;
    let mut events = Vec::new();
    while events.len() < 2 {
        events.extend(listener.events(&gateway).await);
    }
    events.sort();
    let created = (id.clone(), "CreatedEvent".to_owned(), new);
    assert_eq!(events, [created, (id, "DeletedEvent".to_owned(), exchange_id(&gone))]);
    assert!(gateway.figure("calendar_relay_watch_rounds_total{outcome=\"forgotten\"} ").await >= 1);
    drop(listener);
    gateway.done().await;
}

#[tokio::test]
async fn many_streams_at_once_are_told() {
    let mut setup = setup();
    setup.more.push_str("streams_per_client = 50\n");
    let gateway = Arc::new(setup.start().await);
    let mut listeners = Vec::new();
    for _ in 0..20 {
        let id = subscribe(&gateway, ROOM).await;
        listeners.push((Listener::open(&gateway, &[&id]).await, id));
    }
    let item = exchange_id(&gateway.meet(ROOM, meeting("For all")).await);
    for (listener, id) in &mut listeners {
        assert_eq!(listener.events(&gateway).await, [(id.clone(), "CreatedEvent".into(), item.clone())]);
    }
    drop(listeners);
    assert_eq!(gateway.figure("calendar_relay_watchers ").await, 1, "one for the calendar");
    Arc::into_inner(gateway).unwrap().done().await;
}
