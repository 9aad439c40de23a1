//! Faults, the ledger, the limits, and the end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::World;
use super::super::lock::lock;
use super::super::request::Request;
use super::super::service::Service;
use super::super::throttle::Limits;
use super::{TENANT, clock, small, start};

const PATH: &str = "/v1.0/users/anna@t.example/events";

#[tokio::test]
async fn faults_hit_their_call_and_mailbox_so_many_times() {
    let running = start(&small()).await;
    running
        .fault(
            json!({ "call": "listEvents", "mailbox": "ANNA@t.example", "times": 2, "status": 429, "retry_after": 7 }),
        )
        .await;
    let other = "/v1.0/users/bob@t.example/events";
    assert_eq!(running.get(other).await.status, 200);
    for _ in 0..2 {
        let reply = running.get(PATH).await;
        assert_eq!(reply.refusal(), (429, "ApplicationThrottled"));
        assert_eq!(reply.headers["retry-after"], "7");
    }
    assert_eq!(running.get(PATH).await.status, 200);
}

#[tokio::test]
async fn connections_are_cut_and_json_is_broken_on_demand() {
    let running = start(&small()).await;
    running.fault(json!({ "call": "listEvents", "times": 1, "cut": true })).await;
    let url = format!("{}{PATH}", running.simulator.base_url());
    assert!(running.http.get(&url).bearer_auth(&running.token).send().await.is_err());
    running.fault(json!({ "call": "listEvents", "times": 1, "garbage": true })).await;
    let response = running.http.get(&url).bearer_auth(&running.token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.json::<serde_json::Value>().await.is_err());
    running.fault(json!({ "status": 503 })).await;
    assert_eq!(running.get(PATH).await.status, 503);
    assert_eq!(running.send("DELETE", "/control/faults", &[], None).await.status, 204);
    assert_eq!(running.get(PATH).await.status, 200);
    assert_eq!(running.post("/control/faults", &json!({ "call": "nothing", "cut": true })).await.status, 400);
}

#[tokio::test]
async fn answers_are_lost_before_and_after_the_write() {
    let running = start(&small()).await;
    let event = json!({ "subject": "A", "start": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } });
    let url = format!("{}{PATH}", running.simulator.base_url());
    let create = async || {
        let response = running.http.post(&url).bearer_auth(&running.token).json(&event).send().await?;
        response.json::<serde_json::Value>().await
    };
    let count = async || running.get(PATH).await.expect(200)["value"].as_array().unwrap().len();
    for (fault, written) in [
        (json!({ "call": "createEvent", "times": 1, "cut": true }), 0),
        (json!({ "call": "createEvent", "times": 1, "cut": true, "after_commit": true }), 1),
        (json!({ "call": "createEvent", "times": 1, "half": true }), 2),
        (json!({ "call": "createEvent", "times": 1, "garbage": true, "after_commit": true }), 3),
    ] {
        running.fault(fault.clone()).await;
        assert!(create().await.is_err(), "{fault}");
        assert_eq!(count().await, written, "{fault}");
    }
    running
        .fault(json!({ "call": "createEvent", "times": 1, "status": 504, "after_commit": true, "delay_ms": 1 }))
        .await;
    assert_eq!(running.post(PATH, &event).await.status, 504);
    assert_eq!(count().await, 4);
    let id = running.get(PATH).await.expect(200)["value"][0]["id"].as_str().unwrap().to_owned();
    running.fault(json!({ "call": "deleteEvent", "times": 1, "half": true })).await;
    let deleted = running.http.delete(format!("{url}/{id}")).bearer_auth(&running.token).send().await;
    assert!(deleted.is_err());
    assert_eq!(running.send("DELETE", &format!("{PATH}/{id}"), &[], None).await.refusal(), (404, "ErrorItemNotFound"));
}

#[tokio::test]
async fn token_faults_look_like_entras() {
    let running = start(&small()).await;
    running.fault(json!({ "call": "token", "times": 1, "status": 503, "code": "90033", "retry_after": 2 })).await;
    let reply = running.ask_token(TENANT, &[]).await;
    assert_eq!((reply.status, &reply.body["error_codes"]), (503, &json!([90033])));
    assert_eq!(reply.headers["retry-after"], "2");
}

#[tokio::test]
async fn one_schedule_can_fail_among_others() {
    let running = start(&small()).await;
    let error = json!({ "code": "5016", "message": "Proxy web request failed." });
    running.fault(json!({ "mailbox": "bob@t.example", "schedule_error": error })).await;
    let body = json!({ "schedules": ["anna@t.example", "bob@t.example"],
        "startTime": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "endTime": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } });
    let answer = running.post("/v1.0/users/anna@t.example/calendar/getSchedule", &body).await.expect(200);
    assert_eq!(answer["value"][0].get("error"), None);
    assert_eq!(answer["value"][1]["error"]["message"], "Proxy web request failed.");
}

/// Below the socket, where the five calls are surely there before the first one ends.
#[tokio::test]
async fn four_calls_at_once_and_no_more() {
    let running = start(&small()).await;
    let world = World::from_json(&small().to_string()).unwrap();
    let service = Arc::new(Service::new(world.build(clock()).unwrap(), clock, true));
    let form = "grant_type=client_credentials&client_id=app-everything&client_secret=secret&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let issued = service.serve(request("POST", &format!("/{TENANT}/oauth2/v2.0/token"), "", form)).await.body.unwrap();
    let token = issued["access_token"].as_str().unwrap();
    lock(&service.controls.faults)
        .add(serde_json::from_value(json!({ "call": "listEvents", "delay_ms": 1 })).unwrap())
        .unwrap();
    let five = async || {
        let calls = (0..5).map(|_| service.serve(request("GET", PATH, token, "")));
        let mut statuses: Vec<u16> =
            futures::future::join_all(calls).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(five().await, [200, 200, 200, 200, 429]);
    service.controls.throttle.set(Limits { on: false, ..Limits::default() });
    assert_eq!(five().await, [200; 5]);
    assert_eq!(running.post("/control/throttle", &json!({ "on": true, "per_ten_minutes": 1 })).await.status, 204);
    assert_eq!(running.get(PATH).await.status, 200);
    let refused = running.get(PATH).await;
    assert_eq!(
        (refused.refusal(), &refused.headers["retry-after"]),
        ((429, "ApplicationThrottled"), &"600".parse().unwrap())
    );
}

fn request(method: &str, path: &str, token: &str, body: &str) -> Request {
    let mut headers = axum::http::HeaderMap::new();
    if !token.is_empty() {
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers,
        body: body.to_owned().into(),
        origin: "http://localhost".to_owned(),
    }
}

#[tokio::test]
async fn the_ledger_tells_who_asked_what() {
    let running = start(&small()).await;
    assert_eq!(running.send("DELETE", "/control/ledger", &[], None).await.status, 204);
    running.ask_token(TENANT, &[]).await.expect(200);
    let body = json!({ "schedules": ["bob@t.example"],
        "startTime": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "endTime": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } });
    running.post("/v1.0/users/anna@t.example/calendar/getSchedule", &body).await.expect(200);
    running.get("/v1.0/users/nobody@t.example/events").await.expect(404);
    let ledger = running.ledger().await;
    assert_eq!(ledger["counts"], json!({ "token": 1, "getSchedule": 1, "listEvents": 1 }));
    let asked = &ledger["calls"][1];
    assert_eq!((&asked["application"], &asked["mailbox"]), (&json!("app-everything"), &json!("anna@t.example")));
    assert_eq!((&asked["schedules"], &asked["status"]), (&json!(["bob@t.example"]), &json!(200)));
    assert_eq!((&asked["body"], &asked["time"]), (&body, &json!("2026-11-23T08:00:00.0000000Z")));
    assert_eq!(ledger["calls"][2]["status"], 404);
    assert!(!ledger.to_string().contains("\"secret\""), "no secrets in the ledger");
}

#[tokio::test]
async fn a_stopped_simulator_refuses_connections() {
    let running = start(&small()).await;
    let url = format!("{}{PATH}", running.simulator.base_url());
    let stopped = tokio::time::timeout(Duration::from_secs(60), running.simulator.stop()).await;
    assert!(stopped.is_ok());
    assert!(running.http.get(url).send().await.unwrap_err().is_connect());
}
