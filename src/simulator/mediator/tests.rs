//! The mediator over HTTP, with a tiny monitor that notes what it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::post;
use serde_json::{Value, json};

use super::*;

struct Running {
    mediator: Mediator,
    http: reqwest::Client,
    heard: Arc<Mutex<Vec<Value>>>,
}

async fn start(users: &[&str]) -> Running {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    let monitor = Router::new().route(
        "/base/monitor",
        post(move |body: String| async move {
            lock(&notes).push(serde_json::from_str(&body).unwrap());
            "Noted."
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, monitor).await });
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        monitor: Some(format!("http://{address}/base/").parse().unwrap()),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        clock: || "2026-11-23T08:00:00Z".parse().unwrap(),
    };
    let mediator = Mediator::start(options).await.unwrap();
    Running { mediator, http: courier::client("").unwrap(), heard }
}

impl Running {
    async fn send(&self, method: &str, path: &str, body: &str) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}{path}", self.mediator.base_url());
        let response = self.http.request(method.parse().unwrap(), url).body(body.to_owned()).send().await?;
        let (status, text) = (response.status().as_u16(), response.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, &body.to_string()).await.unwrap()
    }

    async fn received(&self) -> Vec<Value> {
        let (_, body) = self.send("GET", "/control/received", "").await.unwrap();
        body["received"].as_array().unwrap().clone()
    }
}

fn status(message: &str) -> Value {
    json!({ "email": "anna", "status": "True", "message": message })
}

#[tokio::test]
async fn users_are_posted_before_setup_is_answered() {
    let running = start(&["anna", "bob@t.example"]).await;
    assert_eq!(running.send("GET", "/", "").await.unwrap().0, 200);
    assert_eq!(running.post("/api/setup", &json!({})).await, (200, json!({ "result": "True" })));
    let told = [json!({"email": "anna", "status": "True"}), json!({"email": "bob@t.example", "status": "True"})];
    assert_eq!(*lock(&running.heard), told);
    running.post("/control/users", &json!({ "users": ["carol"] })).await;
    running.post("/api/setup", &json!({})).await;
    assert_eq!(lock(&running.heard)[2..], [json!({"email": "carol", "status": "True"})]);
    let answer = running.post("/control/watch", &json!({ "email": "dora", "status": "False" })).await;
    assert_eq!(answer, (200, json!({ "status": 200, "text": "Noted." })));
    assert_eq!(lock(&running.heard)[3..], [json!({"email": "dora", "status": "False"})]);
    running.mediator.set_monitor("http://127.0.0.1:1/".parse().unwrap());
    assert_eq!(running.post("/control/watch", &json!({ "email": "dora", "status": "False" })).await.0, 502);
    running.mediator.stop().await;
}

#[tokio::test]
async fn what_the_real_one_crashes_by_crashes_this_one() {
    let running = start(&[]).await;
    assert_eq!(running.post("/api/setstatus", &status("")).await, (200, json!({ "result": "True" })));
    for missing in ["email", "status", "message"] {
        let mut body = status("Away");
        body.as_object_mut().unwrap().remove(missing);
        let (answered, page) = running.post("/api/setstatus", &body).await;
        assert!(answered == 500 && page.is_string(), "{missing}: {answered} {page}");
    }
    let wrong = json!({ "email": "anna", "status": "true", "message": "" });
    assert_eq!(running.post("/api/setstatus", &wrong).await.0, 400);
    assert_eq!(running.send("POST", "/api/setstatus", "{").await.unwrap(), (400, json!({ "result": "Not JSON" })));
    let answered: Vec<Value> = running.received().await.iter().map(|one| one["answered"].clone()).collect();
    assert_eq!(answered, [200, 500, 500, 500, 400, 400]);
}

#[tokio::test]
async fn what_arrives_is_recorded_as_it_was_sent() {
    let running = start(&[]).await;
    let url = format!("{}/hook", running.mediator.base_url());
    let sent = running.http.post(url).header("webhook-id", "msg_1").header("webhook-signature", "v1,abc=");
    assert_eq!(sent.body("{ \"a\" : 1}").send().await.unwrap().status(), 204);
    running.post("/api/setstatus", &status("Näkemiin")).await;
    let received = running.received().await;
    let [hook, told] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!((&hook["path"], &hook["body"], &hook["number"]), (&json!("/hook"), &json!("{ \"a\" : 1}"), &json!(1)));
    assert_eq!(
        (&hook["headers"]["webhook-id"], &hook["headers"]["webhook-signature"]),
        (&json!("msg_1"), &json!("v1,abc="))
    );
    assert_eq!((&told["at"], &told["failure"]), (&json!("2026-11-23T08:00:00Z"), &Value::Null));
    assert_eq!(
        (&told["email"], &told["status"], &told["message"]),
        (&json!("anna"), &json!("True"), &json!("Näkemiin"))
    );
    assert_eq!(running.send("DELETE", "/control/received", "").await.unwrap().0, 204);
    assert!(running.received().await.is_empty());
}

#[tokio::test]
async fn failures_come_in_the_given_order() {
    let running = start(&[]).await;
    let next = json!({ "next": ["404", null, "garbage", "cut", "302"] });
    assert_eq!(running.post("/control/failures", &next).await.0, 204);
    assert_eq!(running.send("GET", "/", "").await.unwrap().0, 200, "told only");
    assert_eq!(running.post("/api/setstatus", &status("1")).await, (404, json!({ "result": "False" })));
    assert_eq!(running.post("/api/setstatus", &status("2")).await.0, 200);
    let (answered, garbage) = running.post("/hook", &status("3")).await;
    assert!(answered == 200 && garbage.is_string(), "{garbage}");
    assert!(running.send("POST", "/hook", "4").await.is_err());
    assert_eq!(running.post("/api/setstatus", &status("5")).await.0, 302);
    assert_eq!(running.post("/api/setstatus", &status("6")).await.0, 200);
    let received = running.received().await;
    let failures: Vec<&Value> = received.iter().map(|one| &one["failure"]).skip(1).collect();
    assert_eq!(json!(failures), json!(["404", null, "garbage", "cut", "302", null]));
    assert_eq!((&received[4]["answered"], &received[5]["answered"]), (&Value::Null, &json!(302)));
}

#[tokio::test]
async fn down_is_down_and_hanging_ends_with_the_mediator() {
    let running = start(&["anna"]).await;
    running.post("/control/failures", &json!({ "down": true })).await;
    for (method, path) in [("GET", "/"), ("POST", "/api/setup"), ("POST", "/api/setstatus"), ("POST", "/hook")] {
        assert!(running.send(method, path, "{}").await.is_err(), "{path}");
    }
    assert!(lock(&running.heard).is_empty());
    running.post("/control/failures", &json!({ "next": ["hang"] })).await;
    let hanging = running.http.post(format!("{}/hook", running.mediator.base_url())).send();
    let hanging = tokio::spawn(hanging);
    while running.received().await.len() < 5 {
        tokio::task::yield_now().await;
    }
    assert!(!hanging.is_finished());
    running.mediator.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn nonsense_is_refused() {
    let running = start(&[]).await;
    for wrong in [json!({ "share": 1.5 }), json!({ "next": ["200"] }), json!({ "kinds": ["boom"] }), json!({ "x": 1 })]
    {
        let (answered, body) = running.post("/control/failures", &wrong).await;
        assert!(answered == 400 && body["problem"].is_string(), "{wrong}");
    }
}
