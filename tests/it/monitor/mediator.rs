//! The monitor between Graph and whom it tells: a mediator that has users watched, and a signed webhook.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calendar_relay::app;
use calendar_relay::simulator::mediator::{Mediator, Options};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{HANNA, NINA, call, monitored, order, send};
use crate::harness::{Gateway, TENANT};

/// 32 bytes of the letter A.
const KEY: &str = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

/// A mediator with these users, and a gateway that tells it; the mediator does not know it yet.
async fn mediated(users: &[&str]) -> (Gateway, Mediator) {
    let users = users.iter().map(|user| (*user).to_owned()).collect();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mediator = Mediator::start(Options { listen, monitor: None, users, clock: app::now }).await.unwrap();
    let webhook = "plain = true\nprivate_networks = [\"127.0.0.1\"]";
    let url = mediator.base_url();
    let keys = format!(
        "[[monitor.webhooks]]\nname = \"mediator\"\nkind = \"mediator\"\nurl = \"{url}\"\n{webhook}\n\
         [[monitor.webhooks]]\nname = \"signed\"\nkind = \"standard\"\nurl = \"{url}/hook\"\n{webhook}\n\
         secrets = [{{ env = \"{KEY}\" }}]"
    );
    (monitored(&keys).start().await, mediator)
}

/// Tells the mediator where the monitor is, and has the monitor ask it for its users.
async fn introduce(gateway: &Gateway, mediator: &Mediator) {
    let monitor = format!("http://{}", gateway.app.monitor_address().unwrap());
    mediator.set_monitor(monitor.parse().unwrap());
    assert_eq!(send(gateway, call(gateway, Method::GET, "/")).await.status, 200);
}

async fn control(gateway: &Gateway, mediator: &Mediator, what: &str, order: Value) -> Value {
    let request = gateway.http.post(format!("{}/control/{what}", mediator.base_url())).body(order.to_string());
    let answer = gateway.send(request).await;
    assert!([200, 204].contains(&answer.status), "{answer:?}");
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// Sets a mailbox's automatic replies through Graph, as Outlook does.
async fn set(gateway: &Gateway, mailbox: &str, replies: Value) {
    let form = "grant_type=client_credentials&client_id=app-settings&client_secret=simulated-secret-of-settings\
         &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let base = gateway.simulator.base_url();
    let request = gateway.http.post(format!("{base}/{TENANT}/oauth2/v2.0/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let token = gateway.send(request).await.json()["access_token"].as_str().unwrap().to_owned();
    let request = gateway.http.patch(format!("{base}/v1.0/users/{mailbox}/mailboxSettings")).bearer_auth(token);
    let answer = gateway.send(request.json(&json!({ "automaticRepliesSetting": replies }))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn away(message: &str) -> Value {
    json!({
        "status": "alwaysEnabled", "externalAudience": "all", "internalReplyMessage": "<p>In.</p>",
        "externalReplyMessage": message,
    })
}

/// What arrived at a path, as soon as there is so much of it.
async fn arrived(gateway: &Gateway, mediator: &Mediator, path: &str, most: usize) -> Vec<Value> {
    loop {
        let all = gateway.get(format!("{}/control/received", mediator.base_url())).await.json();
        let all = all["received"].as_array().unwrap().iter().filter(|one| one["path"] == path).cloned();
        let all: Vec<Value> = all.collect();
        if all.len() >= most {
            return all;
        }
        tokio::task::yield_now().await;
    }
}

/// Address, status and message of each.
fn told(arrived: &[Value]) -> Vec<(&str, &str, &str)> {
    let text = |one: &'_ Value, key: &str| one[key].as_str().map(str::len);
    assert!(arrived.iter().all(|one| text(one, "message").is_some()), "a message is always there");
    arrived
        .iter()
        .map(|one| (one["email"].as_str().unwrap(), one["status"].as_str().unwrap(), one["message"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_mediators_users_are_watched_and_it_is_told_what_callers_hear() {
    let (gateway, mediator) = mediated(&["Nina", "nobody@elsewhere.example"]).await;
    introduce(&gateway, &mediator).await;
    let first = arrived(&gateway, &mediator, "/api/setstatus", 1).await;
    assert_eq!(told(&first), [("Nina", "False", "")], "by the name that it uses itself");
    // Whoever watches her too does not rename her.
    let watched = send(&gateway, call(&gateway, Method::PUT, "/watches/nina@contoso.example")).await;
    assert_eq!((watched.status, &watched.json()["alias"]), (200, &json!("Nina")));
    set(&gateway, NINA, away("<p>Back on Monday.<br>R&amp;D&nbsp;helps.</p>")).await;
    arrived(&gateway, &mediator, "/api/setstatus", 2).await;
    set(&gateway, NINA, away("<p>Back on Tuesday.</p>")).await;
    arrived(&gateway, &mediator, "/api/setstatus", 3).await;
    set(&gateway, NINA, json!({ "status": "disabled" })).await;
    let all = arrived(&gateway, &mediator, "/api/setstatus", 4).await;
    let expected = [
        ("Nina", "False", ""),
        ("Nina", "True", "Back on Monday.\nR&D helps."),
        ("Nina", "True", "Back on Tuesday."),
        ("Nina", "False", ""),
    ];
    assert_eq!(told(&all), expected);
    let watch = send(&gateway, call(&gateway, Method::GET, "/watches/nina")).await.json();
    assert_eq!((&watch["state"], &watch["alias"]), (&json!("available"), &json!("Nina")));

    // It ends the watch in its own way, and nothing is told any more.
    let answer = control(&gateway, &mediator, "watch", json!({ "email": "Nina", "status": "False" })).await;
    assert_eq!(answer, json!({ "status": 200, "text": "Monitoring of nina@contoso.example: False\n" }));
    assert_eq!(send(&gateway, call(&gateway, Method::GET, "/watches")).await.json()["watches"], json!([]));
    set(&gateway, NINA, away("nobody hears of this")).await;
    // Somebody else is looked at several times meanwhile.
    assert_eq!(order(&gateway, json!({ "email": HANNA, "status": "True" }).to_string()).await.0, 200);
    for (known, message) in [(5, "one"), (6, "two"), (7, "three")] {
        arrived(&gateway, &mediator, "/api/setstatus", known).await;
        set(&gateway, HANNA, away(message)).await;
    }
    let all = arrived(&gateway, &mediator, "/api/setstatus", 8).await;
    let of_hanna =
        ["", "one", "two", "three"].map(|message| (HANNA, if message.is_empty() { "False" } else { "True" }, message));
    assert_eq!(told(&all)[4..], of_hanna);
    mediator.stop().await;
    gateway.done().await;
}

#[tokio::test]
async fn orders_are_taken_while_the_mediator_is_being_set_up() {
    let (gateway, mediator) = mediated(&["nina"]).await;
    // It never answers: whoever waited for it would not answer either.
    control(&gateway, &mediator, "failures", json!({ "share": 1, "kinds": ["hang"], "on": ["setup"] })).await;
    introduce(&gateway, &mediator).await;
    arrived(&gateway, &mediator, "/api/setup", 1).await;
    assert_eq!(send(&gateway, call(&gateway, Method::GET, "/")).await.status, 200);
    assert_eq!(order(&gateway, json!({ "email": "nina", "status": "True" }).to_string()).await.0, 200);
    let first = arrived(&gateway, &mediator, "/api/setstatus", 1).await;
    assert_eq!(told(&first), [("nina", "False", "")]);
    mediator.stop().await;
    gateway.done().await;
}

#[tokio::test]
async fn webhooks_are_told_all_that_is_known_and_can_tell_who_does() {
    let (gateway, mediator) = mediated(&["nina"]).await;
    introduce(&gateway, &mediator).await;
    arrived(&gateway, &mediator, "/hook", 1).await;
    set(&gateway, NINA, away("<p>Out &amp; about</p>")).await;
    let all = arrived(&gateway, &mediator, "/hook", 2).await;
    let letter = &all[1];
    let header = |name: &str| letter["headers"][name].as_str().unwrap();
    let text = letter["body"].as_str().unwrap();
    let signed = format!("{}.{}.{text}", header("webhook-id"), header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&[b'A'; 32]).unwrap();
    mac.update(signed.as_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    let body: Value = serde_json::from_str(text).unwrap();
    let watch = send(&gateway, call(&gateway, Method::GET, "/watches/nina")).await.json();
    assert_eq!(body["data"]["external"], json!({ "text": "Out & about", "html": "<p>Out &amp; about</p>" }));
    for (name, value) in body["data"].as_object().unwrap() {
        assert_eq!(&watch[name], value, "{name}: whoever asks is told the same");
    }
    mediator.stop().await;
    gateway.done().await;
}

#[tokio::test]
async fn a_restart_loses_nothing_and_tells_nothing_twice() {
    let (gateway, mediator) = mediated(&[]).await;
    assert_eq!(order(&gateway, json!({ "email": "nina", "status": "True" }).to_string()).await.0, 200);
    arrived(&gateway, &mediator, "/api/setstatus", 1).await;
    control(&gateway, &mediator, "failures", json!({ "down": true })).await;
    set(&gateway, NINA, away("one")).await;
    while send(&gateway, call(&gateway, Method::GET, "/watches/nina")).await.json()["state"] != "away" {}
    // The letter waits; the mailbox is set otherwise while nobody looks.
    let gateway = gateway.restart(async |_| {}).await;
    set(&gateway, NINA, away("two")).await;
    control(&gateway, &mediator, "failures", json!({})).await;
    let all = loop {
        let all = arrived(&gateway, &mediator, "/api/setstatus", 1).await;
        let taken: Vec<Value> = all.into_iter().filter(|one| one["answered"] == 200).collect();
        if told(&taken).last().unwrap().2 == "two" {
            break taken;
        }
    };
    assert_eq!(told(&all), [("nina", "False", ""), ("nina", "True", "one"), ("nina", "True", "two")]);
    mediator.stop().await;
    gateway.done().await;
}
