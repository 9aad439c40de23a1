//! What cannot be subscribed to, and what cannot be listened to.

use serde_json::json;

use super::*;

fn streaming(parts: &str) -> String {
    envelope(&format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest>{parts}</m:StreamingSubscriptionRequest></m:Subscribe>"
    ))
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_a_fault() {
    let gateway = Setup::client(&["room-*@contoso.example", "ghost@contoso.example"], "").start().await;
    let folder = |id: &str, mailbox: &str| calendar(mailbox).replace("\"calendar\"", &format!("\"{id}\""));
    let push = format!(
        "<m:Subscribe><m:PushSubscriptionRequest>{}{ALL}<t:StatusFrequency>1</t:StatusFrequency><t:URL>https://x/</t:URL>\
         </m:PushSubscriptionRequest></m:Subscribe>",
        calendar(ROOM)
    );
    let pull = |more: &str| {
        envelope(&format!(
            "<m:Subscribe><m:PullSubscriptionRequest>{}{ALL}{more}</m:PullSubscriptionRequest></m:Subscribe>",
            calendar(ROOM)
        ))
    };
    let kind = "<t:EventTypes><t:EventType>Anything</t:EventType></t:EventTypes>";
    for (request, code) in [
        (streaming(&format!("{}{ALL}", calendar("nina@contoso.example"))), "ErrorAccessDenied"),
        (streaming(&format!("{}{ALL}", calendar("room@elsewhere.example"))), "ErrorAccessDenied"),
        (streaming(&format!("{}{ALL}", calendar("ghost@contoso.example"))), "ErrorNonExistentMailbox"),
        (streaming(&format!("{}{ALL}", calendar("nobody"))), "ErrorInvalidSmtpAddress"),
        (streaming(&format!("{}{ALL}", folder("inbox", ROOM))), "ErrorInvalidSubscriptionRequest"),
        (streaming(ALL), "ErrorInvalidSubscriptionRequest"),
        (streaming(&calendar(ROOM)), "ErrorSchemaValidation"),
        (streaming(&format!("{}<t:EventTypes/>", calendar(ROOM))), "ErrorSchemaValidation"),
        (streaming(&format!("{}{kind}", calendar(ROOM))), "ErrorSchemaValidation"),
        (envelope("<m:Subscribe/>"), "ErrorSchemaValidation"),
        (envelope(&push), "ErrorInvalidOperation"),
        (pull("<t:Timeout>0</t:Timeout>"), "ErrorSchemaValidation"),
        (pull("<t:Timeout>1441</t:Timeout>"), "ErrorSchemaValidation"),
        (pull("<t:Watermark>AQAAAA==</t:Watermark><t:Timeout>5</t:Timeout>"), "ErrorInvalidWatermark"),
        // Everything of nobody in particular, from a client without a mailbox.
        (streaming(ALL).replace("Request>", "Request SubscribeToAllFolders=\"true\">"), "ErrorMissingEmailAddress"),
    ] {
        let request = request.replace(
            "</m:StreamingSubscriptionRequest SubscribeToAllFolders=\"true\">",
            "</m:StreamingSubscriptionRequest>",
        );
        assert_eq!(gateway.fault(&request).await.0, code, "{request}");
    }
    let (_, fault) = gateway.fault(&envelope(&push)).await;
    assert!(fault.at("faultstring").contains("PushSubscriptionRequest"), "{fault:?}");
    gateway.done().await;
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_now_is_a_fault_and_can_be_tried_again() {
    let gateway = Setup { limits: "deadline = \"2s\"".to_owned(), ..setup() }.start().await;
    let request = streaming(&format!("{}{ALL}", calendar(ROOM)));
    let busy = json!({ "call": "calendarViewDelta", "status": 429, "retry_after": 1, "times": 1 });
    gateway.control(busy).await;
    let answer = gateway.soap(&request).await;
    // The gateway waits as long as Graph wants if it may.
    assert_eq!(answer.status, 200, "{}", answer.body);
    gateway.calm().await;
    let request = streaming(&format!("{}{ALL}", calendar(OTHER_ROOM)));
    gateway
        .control(json!({ "call": "calendarViewDelta", "status": 403, "code": "ErrorAccessDenied", "times": 1 }))
        .await;
    assert_eq!(gateway.fault(&request).await.0, "ErrorAccessDenied");
    assert_eq!(gateway.soap(&request).await.status, 200, "it is tried again at once");
    gateway.done().await;
}

#[tokio::test]
async fn what_cannot_be_listened_to_is_said_in_the_form_of_a_stream() {
    let gateway = setup().start().await;
    let id = subscribe(&gateway, ROOM).await;
    let answer = gateway.soap(&stream_request(&[&id, "bm9ib2R5"], "20")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("<Envelope xmlns="), "{}", answer.body);
    let payload = Element::parse(&answer.body).child("Body").children[0].clone();
    let message = payload.child("ResponseMessages").child("GetStreamingEventsResponseMessage");
    assert_eq!(
        (message.attribute("ResponseClass"), message.at("ResponseCode")),
        ("Error", "ErrorSubscriptionNotFound")
    );
    assert!(!message.at("MessageText").is_empty());
    let ids: Vec<&str> = message.all("SubscriptionId").iter().map(|id| id.text.as_str()).collect();
    assert_eq!((ids, message.at("ConnectionStatus")), (vec!["bm9ib2R5"], "Closed"));
    let many: Vec<String> = (0..201).map(|number| format!("id{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for request in [
        stream_request(&[], "20"),
        stream_request(&many, "20"),
        stream_request(&[&id], "0"),
        stream_request(&[&id], "31"),
        stream_request(&[&id], "soon"),
        envelope("<m:GetStreamingEvents/>"),
    ] {
        assert_eq!(gateway.fault(&request).await.0, "ErrorSchemaValidation", "{request}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn what_there_is_not_cannot_be_ended_but_that_is_no_fault() {
    let gateway = setup().start().await;
    for id in ["bm9ib2R5", "", "&lt;"] {
        let payload = gateway.ask(&unsubscribe_request(id)).await;
        let message = payload.child("ResponseMessages").child("UnsubscribeResponseMessage");
        assert_eq!(message.attribute("ResponseClass"), "Error");
        assert_eq!(message.at("ResponseCode"), "ErrorSubscriptionNotFound");
    }
    gateway.done().await;
}
