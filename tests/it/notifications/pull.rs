//! Pull subscriptions: watermarks, and what is answered when there is nothing.

use super::*;
use crate::harness::{SECRET, client};

async fn pull(gateway: &Gateway, mailbox: &str) -> (String, String) {
    let body = format!(
        "<m:Subscribe><m:PullSubscriptionRequest>{}{ALL}<t:Timeout>60</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>",
        calendar(mailbox)
    );
    let payload = gateway.ask(&envelope(&body)).await;
    let message = payload.child("ResponseMessages").child("SubscribeResponseMessage");
    (message.at("SubscriptionId").to_owned(), message.at("Watermark").to_owned())
}

fn events_request(id: &str, watermark: &str) -> String {
    envelope(&format!(
        "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{watermark}</m:Watermark></m:GetEvents>"
    ))
}

async fn events(gateway: &Gateway, id: &str, watermark: &str) -> Element {
    let payload = gateway.ask(&events_request(id, watermark)).await;
    payload.child("ResponseMessages").child("GetEventsResponseMessage").clone()
}

/// Asks until there are so many events after the watermark.
async fn until(gateway: &Gateway, id: &str, watermark: &str, count: usize) -> Element {
    loop {
        let message = events(gateway, id, watermark).await;
        if told(message.child("Notification")).len() >= count {
            return message.child("Notification").clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn told(notification: &Element) -> Vec<String> {
    let events =
        notification.children.iter().filter(|child| child.name.ends_with("Event") && child.name != "StatusEvent");
    events.map(|event| event.child("ItemId").attribute("Id").to_owned()).collect()
}

#[tokio::test]
async fn events_are_there_until_the_watermark_says_that_they_have_arrived() {
    let gateway = setup().start().await;
    let (id, start) = pull(&gateway, ROOM).await;
    let idle = events(&gateway, &id, &start).await;
    let notification = idle.child("Notification");
    assert_eq!((notification.at("PreviousWatermark"), notification.at("MoreEvents")), (&*start, "false"));
    assert_eq!(notification.at("StatusEvent/Watermark"), start);

    let one = exchange_id(&gateway.meet(ROOM, meeting("One")).await);
    let first = until(&gateway, &id, &start, 1).await;
    assert_eq!(told(&first), std::slice::from_ref(&one));
    let watermark = first.at("CreatedEvent/Watermark").to_owned();
    assert_ne!(watermark, start);
    assert_eq!(told(events(&gateway, &id, &start).await.child("Notification")), [one], "the answer may have been lost");
    let nothing = events(&gateway, &id, &watermark).await;
    assert_eq!(nothing.at("Notification/StatusEvent/Watermark"), watermark);
    let old = events(&gateway, &id, &start).await;
    assert_eq!((old.attribute("ResponseClass"), old.at("ResponseCode")), ("Error", "ErrorInvalidWatermark"));
    for foreign in ["AQAAAAAAAAAA", "x"] {
        assert_eq!(events(&gateway, &id, foreign).await.at("ResponseCode"), "ErrorInvalidWatermark");
    }
    let payload = gateway.ask(&unsubscribe_request(&id)).await;
    assert_eq!(payload.at("ResponseMessages/UnsubscribeResponseMessage/ResponseCode"), "NoError");
    assert_eq!(events(&gateway, &id, &watermark).await.at("ResponseCode"), "ErrorSubscriptionNotFound");
    gateway.done().await;
}

#[tokio::test]
async fn fifty_at_a_time() {
    let gateway = setup().start().await;
    let (id, start) = pull(&gateway, ROOM).await;
    for number in 0..51 {
        gateway.meet(ROOM, meeting(&format!("Number {number}"))).await;
    }
    let first = loop {
        let notification = until(&gateway, &id, &start, 50).await;
        if notification.at("MoreEvents") == "true" {
            break notification;
        }
    };
    assert_eq!(told(&first).len(), 50);
    let watermark = first.children.last().unwrap().at("Watermark").to_owned();
    let rest = until(&gateway, &id, &watermark, 1).await;
    assert_eq!((told(&rest).len(), rest.at("MoreEvents")), (1, "false"));
    gateway.done().await;
}

#[tokio::test]
async fn a_subscription_is_for_its_client_and_its_kind() {
    let mut setup = setup();
    let other = client("*@contoso.example", "full", "").replace("\"interop\"", "\"other\"");
    setup.clients.push_str(&other.replace("interop@contoso.example", "other@contoso.example"));
    let gateway = setup.start().await;
    let (id, start) = pull(&gateway, ROOM).await;
    let as_other = |request: String| {
        let post = gateway.http.post(gateway.url("/EWS/Exchange.asmx")).header("content-type", "text/xml");
        gateway.send(post.basic_auth("other", Some(SECRET)).body(request))
    };
    for request in [events_request(&id, &start), unsubscribe_request(&id), stream_request(&[&id], "1")] {
        let answer = as_other(request).await;
        assert_eq!(answer.status, 200);
        let found = Element::parse(&answer.body);
        assert_eq!(found.all("ResponseCode")[0].text, "ErrorSubscriptionNotFound", "{}", answer.body);
    }
    let streamed = gateway.soap(&stream_request(&[&id], "1")).await;
    assert_eq!(Element::parse(&streamed.body).all("ResponseCode")[0].text, "ErrorInvalidSubscription");
    let streaming = subscribe(&gateway, ROOM).await;
    assert_eq!(events(&gateway, &streaming, &start).await.at("ResponseCode"), "ErrorInvalidPullSubscriptionId");
    gateway.done().await;
}
