//! The end: what is under way is finished, what comes then is sent elsewhere.

use serde_json::json;

use super::NINA;
use crate::harness::answer::Element;
use crate::harness::{CLIENT, SECRET, Setup};

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let gateway = Setup::new().start().await;
    gateway.control(json!({ "call": "getSchedule", "delay_ms": 1000, "times": 1 })).await;
    let request = gateway.post(NINA.xml());
    let asked = tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() });
    gateway.until_under_way().await;
    let (address, http) = (gateway.app.address(), gateway.http.clone());
    gateway.app.stop().await;
    // When the server has stopped, the answer is there.
    let answer = Element::parse(&asked.await.unwrap());
    assert_eq!(answer.all("CalendarEvent").len(), 6);
    assert!(http.get(format!("https://{address}/health-check")).send().await.is_err(), "nobody listens any more");
    gateway.simulator.stop().await;
}

#[tokio::test]
async fn while_draining_open_connections_are_told_to_come_back() {
    let gateway = Setup::new().start().await;
    gateway.control(json!({ "call": "getSchedule", "delay_ms": 1500, "times": 1 })).await;
    // Over one connection with HTTP/2: one request is under way, others follow.
    let request = gateway.post(NINA.xml());
    let asked = tokio::spawn(async move { request.send().await.unwrap().text().await.unwrap() });
    gateway.until_under_way().await;
    let (url, http) = (gateway.url(""), gateway.http.clone());
    let stopping = tokio::spawn(gateway.app.stop());
    // A stopping server refuses new streams; what it does answer is not ready, and a fault.
    let ready = http.get(format!("{url}/health-check/ready")).send().await;
    if let Ok(ready) = ready {
        assert_eq!(ready.status(), 503);
    }
    let soap = http.post(format!("{url}/")).basic_auth(CLIENT, Some(SECRET)).body(NINA.xml()).send().await;
    if let Ok(soap) = soap {
        assert_eq!(soap.status(), 500);
        assert!(soap.text().await.unwrap().contains("ErrorServerBusy"));
    }
    assert_eq!(Element::parse(&asked.await.unwrap()).all("CalendarEvent").len(), 6);
    stopping.await.unwrap();
    gateway.simulator.stop().await;
}

#[tokio::test]
async fn load_balancers_are_told_before_the_end_and_requests_are_served_meanwhile() {
    let gateway = Setup { limits: "drain_delay = \"2s\"".to_owned(), ..Setup::new() }.start().await;
    assert_eq!(gateway.soap(&NINA.xml()).await.status, 200);
    let (url, http, simulator) = (gateway.url(""), gateway.http.clone(), gateway.simulator);
    let stopping = tokio::spawn(gateway.app.stop());
    tokio::task::yield_now().await;
    assert_eq!(http.get(format!("{url}/health-check/ready")).send().await.unwrap().status(), 503);
    assert_eq!(http.get(format!("{url}/health-check")).send().await.unwrap().status(), 200);
    let soap = http.post(format!("{url}/")).basic_auth(CLIENT, Some(SECRET)).body(NINA.xml()).send().await;
    assert_eq!(soap.unwrap().status(), 200);
    stopping.await.unwrap();
    assert!(http.get(format!("{url}/health-check")).send().await.is_err(), "nobody listens any more");
    simulator.stop().await;
}
