//! Subscriptions: what clients are told of changes, and when.

mod lists;
mod pull;
mod refused;
mod restart;
mod stream;
mod webhook;

use std::time::Duration;

use calendar_relay::simulator::Simulator;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::answer::Element;
use crate::harness::requests::{envelope, envelope_with};
use crate::harness::{Gateway, Setup, TENANT};

pub(crate) const ROOM: &str = "room-1@contoso.example";
pub(crate) const OTHER_ROOM: &str = "room-2@contoso.example";

/// A gateway that looks often.
fn setup() -> Setup {
    Setup { more: "[changes]\ninterval = \"200ms\"\n".to_owned(), ..Setup::new() }
}

/// A gateway whose subscriptions survive it.
fn lasting() -> Setup {
    let more = "[changes]\ninterval = \"200ms\"\n[store]\npath = \"store\"\n".to_owned();
    Setup { more, ..Setup::new() }
}

fn calendar(mailbox: &str) -> String {
    format!(
        "<t:FolderIds><t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress>\
         </t:Mailbox></t:DistinguishedFolderId></t:FolderIds>"
    )
}

/// All kinds of events, as Respa and exchangelib want them.
const ALL: &str = "<t:EventTypes><t:EventType>NewMailEvent</t:EventType><t:EventType>CreatedEvent</t:EventType>\
    <t:EventType>DeletedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType><t:EventType>MovedEvent</t:EventType>\
    <t:EventType>CopiedEvent</t:EventType><t:EventType>FreeBusyChangedEvent</t:EventType></t:EventTypes>";

/// Subscribes as Respa does, and gives the id.
async fn subscribe(gateway: &Gateway, mailbox: &str) -> String {
    let header = format!(
        "<t:RequestServerVersion Version=\"Exchange2013\"/><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>\
         {mailbox}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
    );
    let body = format!(
        "<m:Subscribe><m:StreamingSubscriptionRequest>{}{ALL}</m:StreamingSubscriptionRequest></m:Subscribe>",
        calendar(mailbox)
    );
    let payload = gateway.ask(&envelope_with(&header, &body)).await;
    let message = payload.child("ResponseMessages").child("SubscribeResponseMessage");
    assert_eq!((message.attribute("ResponseClass"), message.at("ResponseCode")), ("Success", "NoError"));
    assert!(message.get("Watermark").is_none());
    message.at("SubscriptionId").to_owned()
}

fn stream_request(ids: &[&str], minutes: &str) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>")).collect();
    envelope(&format!(
        "<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds>\
         <m:ConnectionTimeout>{minutes}</m:ConnectionTimeout></m:GetStreamingEvents>"
    ))
}

fn unsubscribe_request(id: &str) -> String {
    envelope(&format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>"))
}

/// An open stream.
struct Listener(reqwest::Response);

impl Listener {
    async fn open(gateway: &Gateway, ids: &[&str]) -> Self {
        let response = gateway.post(stream_request(ids, "20")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut listener = Self(response);
        let first = listener.next(gateway).await;
        assert_eq!((first.attribute("ResponseClass"), first.at("ConnectionStatus")), ("Success", "OK"));
        listener
    }

    /// The next message, which must come soon; `None` at the end.
    async fn heard(&mut self, gateway: &Gateway) -> Option<Element> {
        // HTTP/2 may end a body with an empty piece.
        let chunk = loop {
            let chunk = timeout(Duration::from_secs(15), self.0.chunk()).await.expect("nothing is heard").unwrap()?;
            if !chunk.is_empty() {
                break chunk;
            }
        };
        let text = std::str::from_utf8(&chunk).unwrap();
        assert!(text.starts_with("<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\">"), "{text}");
        gateway.keep(text);
        let body = Element::parse(text).child("Body").children[0].clone();
        Some(body.child("ResponseMessages").child("GetStreamingEventsResponseMessage").clone())
    }

    async fn next(&mut self, gateway: &Gateway) -> Element {
        self.heard(gateway).await.expect("the stream has ended")
    }

    /// The next events, as `subscription kind item`; signs of life are passed over.
    async fn events(&mut self, gateway: &Gateway) -> Vec<(String, String, String)> {
        loop {
            let message = self.next(gateway).await;
            if let Some(notifications) = message.get("Notifications") {
                assert!(message.get("ConnectionStatus").is_none());
                return notifications.children.iter().flat_map(told).collect();
            }
            assert_eq!(message.at("ConnectionStatus"), "OK", "{message:?}");
        }
    }
}

/// A notification's events, as `subscription kind item`.
fn told(notification: &Element) -> Vec<(String, String, String)> {
    assert_eq!(notification.namespace, "http://schemas.microsoft.com/exchange/services/2006/messages");
    let id = notification.at("SubscriptionId").to_owned();
    let events = notification.children.iter().filter(|child| child.name.ends_with("Event"));
    events
        .map(|event| {
            assert!(event.at("TimeStamp").ends_with('Z'));
            assert!(!event.child("ParentFolderId").attribute("Id").is_empty());
            (id.clone(), event.name.clone(), event.child("ItemId").attribute("Id").to_owned())
        })
        .collect()
}

/// An id of Graph's in Exchange's form.
fn exchange_id(event: &Value) -> String {
    event["id"].as_str().unwrap().replace('-', "/").replace('_', "+")
}

fn meeting(subject: &str) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let time = |second: i64| {
        let at = jiff::Timestamp::from_second(now + second).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        json!({ "dateTime": at.strftime("%Y-%m-%dT%H:00:00").to_string(), "timeZone": "UTC" })
    };
    json!({ "subject": subject, "start": time(86_400), "end": time(90_000) })
}

/// Calls the simulator's Graph as a program that may do everything.
async fn graph(simulator: &Simulator, method: reqwest::Method, path: &str, body: &Value) -> Value {
    let (http, base) = (reqwest::Client::builder().no_proxy().build().unwrap(), simulator.base_url());
    let form = "grant_type=client_credentials&client_id=app-everything\
         &client_secret=simulated-secret-of-everything&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let request = http.post(format!("{base}/{TENANT}/oauth2/v2.0/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let token: Value = request.send().await.unwrap().json().await.unwrap();
    let request =
        http.request(method, format!("{base}/v1.0{path}")).bearer_auth(token["access_token"].as_str().unwrap());
    let response = if body.is_null() { request.send() } else { request.json(body).send() }.await.unwrap();
    assert!(response.status().is_success(), "{path}: {}", response.text().await.unwrap());
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default()
}

/// Asks the simulator's control endpoint.
async fn control(gateway: &Gateway, method: reqwest::Method, what: &str, body: Value) -> Value {
    let url = format!("{}/control/{what}", gateway.simulator.base_url());
    let answer = gateway.http.request(method, url).body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{what}");
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
}
