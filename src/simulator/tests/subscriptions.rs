//! Subscriptions against a subscriber that really listens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::schema::check_notification;
use super::{NOW, Running, small, start};

const ANNA: &str = "/v1.0/users/anna@t.example/events";

/// Answers handshakes as it is told to, and hands on what it is sent.
struct Subscriber {
    url: String,
    sent: mpsc::UnboundedReceiver<(String, Value)>,
    behaviour: Arc<Mutex<Behaviour>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    Good,
    WrongEcho,
    WrongType,
    Refuses,
    /// The next notification is answered with 503.
    FailsOnce,
}

type Shared = (mpsc::UnboundedSender<(String, Value)>, Arc<Mutex<Behaviour>>);

async fn listen() -> Subscriber {
    let (sender, sent) = mpsc::unbounded_channel();
    let behaviour = Arc::new(Mutex::new(Behaviour::Good));
    let router = Router::new().fallback(receive).with_state((sender, Arc::clone(&behaviour)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Subscriber { url, sent, behaviour }
}

async fn receive(
    State((sender, behaviour)): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    if let Some(answer) = answer(&behaviour, query.get("validationToken")) {
        return answer;
    }
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let _ = sender.send((path, serde_json::from_slice(&body).unwrap()));
    StatusCode::ACCEPTED.into_response()
}

/// `None` where a notification is taken.
fn answer(behaviour: &Mutex<Behaviour>, token: Option<&String>) -> Option<Response> {
    let mut behaviour = behaviour.lock().unwrap();
    if let Some(token) = token {
        assert!(token.contains(' '), "tokens have to be decoded");
        return Some(match *behaviour {
            Behaviour::WrongEcho => "something else".into_response(),
            Behaviour::WrongType => ([(header::CONTENT_TYPE, "text/html")], token.clone()).into_response(),
            Behaviour::Refuses => StatusCode::FORBIDDEN.into_response(),
            Behaviour::Good | Behaviour::FailsOnce => token.clone().into_response(),
        });
    }
    (*behaviour == Behaviour::FailsOnce).then(|| {
        *behaviour = Behaviour::Good;
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    })
}

impl Subscriber {
    fn body(&self) -> Value {
        json!({
            "changeType": "created,updated,deleted",
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": format!("{}/lifecycle", self.url),
            "resource": "users/anna@t.example/events",
            "expirationDateTime": "2026-11-25T08:00:00Z",
            "clientState": "a secret",
        })
    }

    async fn next(&mut self) -> (String, Value) {
        let next = tokio::time::timeout(Duration::from_secs(60), self.sent.recv()).await;
        let (path, body) = next.expect("a notification in time").unwrap();
        check_notification(&body);
        (path, body)
    }

    /// Kind of change and id of each item of the next notification.
    async fn changes(&mut self) -> Vec<(String, String)> {
        let (_, body) = self.next().await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let items = body["value"].as_array().unwrap().iter();
        items.map(|item| (text(&item["changeType"]), text(&item["resourceData"]["id"]))).collect()
    }
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

async fn add(running: &Running) -> Value {
    running.add("anna@t.example", "A", "2026-11-24T10:00:00", "2026-11-24T11:00:00", json!({})).await
}

#[tokio::test]
async fn changes_are_posted_to_whoever_subscribed() {
    let running = start(&small()).await;
    let mut subscriber = listen().await;
    let created = running.post("/v1.0/subscriptions", &subscriber.body()).await.expect(201);
    assert_eq!((&created["clientState"], &created["applicationId"]), (&json!("a secret"), &json!("app-everything")));
    let event = add(&running).await;
    let id = event["id"].as_str().unwrap().to_owned();
    let (path, body) = subscriber.next().await;
    let item = &body["value"][0];
    let anna = running.get("/v1.0/users/anna@t.example").await.expect(200)["id"].as_str().unwrap().to_owned();
    let resource = format!("Users/{anna}/Events/{id}");
    assert_eq!(path, "/hook");
    assert_eq!((&item["changeType"], &item["resource"]), (&json!("created"), &json!(resource)));
    assert_eq!((&item["subscriptionId"], &item["clientState"]), (&created["id"], &json!("a secret")));
    assert_eq!(
        item["resourceData"],
        json!({ "@odata.type": "#Microsoft.Graph.Event", "@odata.id": resource, "@odata.etag": event["@odata.etag"], "id": id })
    );
    running.send("PATCH", &format!("{ANNA}/{id}"), &[], Some(&json!({ "subject": "B" }))).await.expect(200);
    assert_eq!(subscriber.changes().await, [("updated".to_owned(), id.clone())]);
    running.send("DELETE", &format!("{ANNA}/{id}"), &[], None).await;
    assert_eq!(subscriber.changes().await, [("deleted".to_owned(), id)]);
    let path = format!("/v1.0/subscriptions/{}", created["id"].as_str().unwrap());
    assert_eq!(running.send("DELETE", &path, &[], None).await.status, 204);
    assert_eq!(running.get(&path).await.refusal(), (404, "ResourceNotFound"));
    add(&running).await;
    let again = with(subscriber.body(), "changeType", json!("deleted"));
    let immutable = [("prefer", "IdType=\"ImmutableId\"")];
    running.send("POST", "/v1.0/subscriptions", &immutable, Some(&again)).await.expect(201);
    let event = add(&running).await;
    let stable =
        running.send("GET", &format!("{ANNA}/{}", event["id"].as_str().unwrap()), &immutable, None).await.expect(200);
    running.send("DELETE", &format!("{ANNA}/{}", event["id"].as_str().unwrap()), &[], None).await;
    let expected = ("deleted".to_owned(), stable["id"].as_str().unwrap().to_owned());
    assert_eq!(subscriber.changes().await, [expected], "no created ones, and nothing of the removed subscription");
}

#[tokio::test]
async fn what_is_asked_for_is_checked_before_anybody_is_called() {
    let mut running = start(&small()).await;
    let subscriber = listen().await;
    let good = subscriber.body();
    for (name, wrong) in [
        ("notificationUrl", json!("http://example.com/hook")),
        ("notificationUrl", json!("hook")),
        ("lifecycleNotificationUrl", json!("ftp://localhost/")),
        ("changeType", json!("created,renamed")),
        ("resource", json!("users/anna@t.example/mailFolders")),
        ("resource", json!("me/events")),
        ("expirationDateTime", json!("2026-11-23T07:00:00Z")),
        ("expirationDateTime", json!("2026-11-30T08:00:01Z")),
        ("expirationDateTime", json!("tomorrow")),
        ("clientState", json!("x".repeat(129))),
        ("includeResourceData", json!(true)),
        ("colour", json!("red")),
    ] {
        assert_eq!(
            running.post("/v1.0/subscriptions", &with(good.clone(), name, wrong.clone())).await.status,
            400,
            "{wrong}"
        );
    }
    for wrong in [Behaviour::WrongEcho, Behaviour::WrongType, Behaviour::Refuses] {
        *subscriber.behaviour.lock().unwrap() = wrong;
        assert_eq!(running.post("/v1.0/subscriptions", &good).await.refusal(), (400, "ValidationError"));
    }
    let nobody = with(good.clone(), "resource", json!("users/nobody@t.example/events"));
    assert_eq!(running.post("/v1.0/subscriptions", &nobody).await.status, 404);
    assert!(running.get("/v1.0/subscriptions").await.expect(200)["value"].as_array().unwrap().is_empty());
    running.token = running.token_of("app-basic").await;
    assert_eq!(running.post("/v1.0/subscriptions", &good).await.refusal(), (403, "ErrorAccessDenied"));
    running.token = running.token_of("app-rooms").await;
    *subscriber.behaviour.lock().unwrap() = Behaviour::Good;
    assert_eq!(running.post("/v1.0/subscriptions", &good).await.status, 403);
    running
        .post("/v1.0/subscriptions", &with(good, "resource", json!("/users('room1@t.example')/events")))
        .await
        .expect(201);
}

#[tokio::test]
async fn subscriptions_are_renewed_and_expire() {
    let mut running = start(&small()).await;
    let subscriber = listen().await;
    let soon = with(subscriber.body(), "expirationDateTime", json!("2026-11-23T08:10:00Z"));
    let created = running.post("/v1.0/subscriptions", &soon).await.expect(201);
    assert_eq!(created["expirationDateTime"], "2026-11-23T08:45:00.0000000Z", "at least 45 minutes");
    assert_eq!(running.post("/v1.0/subscriptions", &subscriber.body()).await.refusal(), (409, "Conflict"));
    let path = format!("/v1.0/subscriptions/{}", created["id"].as_str().unwrap());
    let later = json!({ "expirationDateTime": "2026-11-23T10:00:00Z" });
    let renewed = running.send("PATCH", &path, &[], Some(&later)).await.expect(200);
    assert_eq!(
        (&renewed["expirationDateTime"], &renewed["clientState"]),
        (&json!("2026-11-23T10:00:00.0000000Z"), &Value::Null)
    );
    assert_eq!(running.get(&path).await.expect(200)["clientState"], Value::Null);
    assert_eq!(running.get("/v1.0/subscriptions").await.expect(200)["value"][0]["id"], created["id"]);
    assert_eq!(running.post(&format!("{path}/reauthorize"), &json!({})).await.status, 204);
    assert_eq!(running.send("PATCH", &path, &[], Some(&json!({ "resource": "x" }))).await.status, 400);
    let own = running.token.clone();
    running.token = running.token_of("app-basic").await;
    assert_eq!(running.get(&path).await.status, 404, "another application's");
    running.token = own;
    NOW.set("2026-11-23T08:50:00Z".parse().unwrap());
    assert_eq!(running.get(&path).await.status, 200);
    NOW.set("2026-11-23T10:00:00Z".parse().unwrap());
    running.token = running.token_of("app-everything").await;
    assert_eq!(running.get(&path).await.status, 404);
}

#[tokio::test]
async fn notifications_are_tried_again_lost_and_spoken_of_on_demand() {
    let running = start(&small()).await;
    let mut subscriber = listen().await;
    let created = running.post("/v1.0/subscriptions", &subscriber.body()).await.expect(201);
    *subscriber.behaviour.lock().unwrap() = Behaviour::FailsOnce;
    let first = add(&running).await["id"].as_str().unwrap().to_owned();
    assert_eq!(subscriber.changes().await, [("created".to_owned(), first)]);
    assert_eq!(running.post("/control/notifications", &json!({ "drop": true, "times": 1 })).await.status, 204);
    add(&running).await;
    let third = add(&running).await["id"].as_str().unwrap().to_owned();
    assert_eq!(subscriber.changes().await, [("created".to_owned(), third)]);
    let known = running.get("/control/subscriptions").await.expect(200);
    assert_eq!(known["subscriptions"][0]["notifications"]["dropped"], 1);
    assert_eq!(known["subscriptions"][0]["subscription"]["id"], created["id"]);
    for event in ["missed", "reauthorizationRequired", "subscriptionRemoved"] {
        let sent = running.post("/control/lifecycle", &json!({ "event": event, "subscription": created["id"] })).await;
        assert_eq!(sent.expect(200), json!({ "sent": 1 }));
        let (path, body) = subscriber.next().await;
        assert_eq!((path.as_str(), &body["value"][0]["lifecycleEvent"]), ("/hook/lifecycle", &json!(event)));
        assert_eq!(body["value"][0]["clientState"], "a secret");
    }
    assert!(running.get("/v1.0/subscriptions").await.expect(200)["value"].as_array().unwrap().is_empty());
    assert_eq!(running.post("/control/lifecycle", &json!({ "event": "nothing" })).await.status, 400);
    assert_eq!(running.send("DELETE", "/control/subscriptions", &[], None).await.status, 204);
}

#[tokio::test]
async fn certificates_of_subscribers_are_checked_against_the_authority_given() {
    let running = start(&small()).await;
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls.unwrap()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/hook", listener.local_addr().unwrap());
    let (sender, _sent) = mpsc::unbounded_channel();
    let shared: Shared = (sender, Arc::new(Mutex::new(Behaviour::Good)));
    let service = hyper_util::service::TowerToHyperService::new(Router::new().fallback(receive).with_state(shared));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let stream = hyper_util::rt::TokioIo::new(stream);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service.clone()).await;
        }
    });
    let mut body = with(listen().await.body(), "notificationUrl", json!(url));
    body.as_object_mut().unwrap().remove("lifecycleNotificationUrl");
    assert_eq!(running.post("/v1.0/subscriptions", &body).await.refusal(), (400, "ValidationError"));
    assert_eq!(running.post("/control/trust", &json!({ "authorities": made.cert.pem() })).await.status, 204);
    running.post("/v1.0/subscriptions", &body).await.expect(201);
}
