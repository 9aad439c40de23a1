//! A bare stand-in for Graph and Entra, for the tests of `graph/` alone: it answers as each test
//! says, keeps what it saw, and holds answers back on demand. The simulator is the real one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Graphs, Settings};
use crate::calendar::{Capability, Mailbox, Window};
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::tenant::{Cloud, Credential, Limits, Proof, Secret, Tenant};

/// A request that came in.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: http::Method,
    pub(super) path: String,
    pub(super) query: HashMap<String, String>,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Value,
    pub(super) text: String,
    /// The connection that it came by.
    pub(super) peer: SocketAddr,
    pub(super) version: http::Version,
}

/// An answer.
#[derive(Clone)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    gate: Option<Arc<Semaphore>>,
}

type Script = dyn Fn(&Seen) -> Option<Reply> + Send + Sync;

/// The stand-in.
#[derive(Clone)]
pub(super) struct Stub {
    pub(super) origin: String,
    seen: watch::Sender<Vec<Seen>>,
    script: Arc<Mutex<Arc<Script>>>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string(), gate: None }
    }

    pub(super) fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), gate: None }
    }

    pub(super) fn error(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"error": {"code": code, "message": "as the test says"}}))
    }

    pub(super) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Held back until the gate has a permit.
    pub(super) fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }
}

impl Seen {
    pub(super) fn schedules(&self) -> Vec<&str> {
        self.body["schedules"].as_array().unwrap().iter().map(|address| address.as_str().unwrap()).collect()
    }

    pub(super) fn is_schedule(&self) -> bool {
        self.path.ends_with("/getSchedule")
    }
}

impl Stub {
    /// Listens on loopback; what the script leaves, it answers by [`usual`].
    pub(super) async fn start(script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let stub = Self { origin, seen: watch::channel(Vec::new()).0, script: Arc::new(Mutex::new(Arc::new(script))) };
        let served = stub.clone();
        let app = Router::new()
            .fallback(move |ConnectInfo(peer): ConnectInfo<_>, request: Request| served.clone().answer(peer, request))
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        stub
    }

    /// Listens with TLS; gives the certificate, which is its own authority, as PEM.
    pub(super) async fn start_secure() -> (Self, String) {
        let key = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], secret)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        let script: Arc<Script> = Arc::new(|_| None);
        let stub = Self { origin, seen: watch::channel(Vec::new()).0, script: Arc::new(Mutex::new(script)) };
        let served = stub.clone();
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let (acceptor, stub) = (acceptor.clone(), served.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                        let answer = stub.clone().answer(peer, request.map(Body::new));
                        async move { Ok::<_, Infallible>(answer.await) }
                    });
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        (stub, key.cert.pem())
    }

    /// From now on answers otherwise.
    pub(super) fn script(&self, script: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    /// Calls to Graph so far, without those for tokens.
    pub(super) fn calls(&self) -> Vec<Seen> {
        self.seen.borrow().iter().filter(|seen| seen.path.starts_with("/v1.0/")).cloned().collect()
    }

    /// Requests for tokens so far.
    pub(super) fn tokens(&self) -> Vec<Seen> {
        self.seen.borrow().iter().filter(|seen| seen.path.ends_with("/token")).cloned().collect()
    }

    /// Waits until so many calls have come in.
    pub(super) async fn arrived(&self, calls: usize) {
        let enough = |seen: &Vec<Seen>| seen.iter().filter(|seen| seen.path.starts_with("/v1.0/")).count() >= calls;
        self.seen.subscribe().wait_for(enough).await.unwrap();
    }

    pub(super) fn graphs(&self, credentials: Vec<Credential>, settings: Settings) -> Graphs {
        self.graphs_with(credentials, settings, Arc::new(Metrics::new()))
    }

    pub(super) fn graphs_with(
        &self,
        credentials: Vec<Credential>,
        settings: Settings,
        metrics: Arc<Metrics>,
    ) -> Graphs {
        self.graphs_trusting(None, credentials, settings, metrics)
    }

    pub(super) fn graphs_trusting(
        &self,
        extra_ca: Option<&str>,
        credentials: Vec<Credential>,
        settings: Settings,
        metrics: Arc<Metrics>,
    ) -> Graphs {
        let tenant = self.tenant(extra_ca, credentials);
        Graphs::new(vec![tenant], settings, metrics, jiff::Timestamp::default).unwrap()
    }

    pub(super) fn tenant(&self, extra_ca: Option<&str>, credentials: Vec<Credential>) -> Tenant {
        let origin = url::Url::parse(&self.origin).unwrap();
        let cloud = Cloud {
            login: origin.clone(),
            graph: origin,
            extra_ca: extra_ca.map(Into::into),
            ..Cloud::named("global").unwrap()
        };
        Tenant {
            name: "test".into(),
            id: "11111111-2222-3333-4444-555555555555".into(),
            cloud,
            domains: vec!["example.com".into()],
            is_default: false,
            limits: Limits::default(),
            credentials,
        }
    }

    async fn answer(self, peer: SocketAddr, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, 1024 * 1024).await.unwrap();
        let seen = Seen {
            method: parts.method,
            path: percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned(),
            query: url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            peer,
            version: parts.version,
        };
        self.seen.send_modify(|all| all.push(seen.clone()));
        let script = Arc::clone(&self.script.lock().unwrap());
        let reply = script(&seen).unwrap_or_else(|| usual(&seen));
        if let Some(gate) = &reply.gate {
            gate.acquire().await.unwrap().forget();
        }
        let mut response = Response::builder().status(reply.status).header("request-id", Uuid::nil().to_string());
        for (name, value) in reply.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(reply.body)).unwrap()
    }
}

/// What it answers when no test says otherwise: a token; one busy hour for everybody who is not
/// called `nobody`.
fn usual(seen: &Seen) -> Reply {
    if seen.path.ends_with("/token") {
        return Reply::json(200, &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "T"}));
    }
    if seen.is_schedule() {
        return Reply::json(200, &json!({"value": seen.schedules().into_iter().map(schedule).collect::<Vec<_>>()}));
    }
    Reply::error(404, "ResourceNotFound")
}

/// One busy hour, or nobody.
pub(super) fn schedule(address: &str) -> Value {
    if address.starts_with("nobody") {
        return json!({"scheduleId": address, "scheduleItems": null, "error": {"responseCode": "5009", "message": "?"}});
    }
    json!({
        "scheduleId": address,
        "scheduleItems": [{
            "status": "busy",
            "start": {"dateTime": "2026-11-18T09:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-11-18T10:00:00.0000000", "timeZone": "UTC"},
        }],
        "workingHours": {
            "daysOfWeek": ["monday"], "startTime": "08:00:00.0000000", "endTime": "16:00:00.0000000",
            "timeZone": {"name": "UTC"},
        },
    })
}

pub(super) fn credential(capabilities: &[Capability]) -> Credential {
    Credential {
        client_id: format!("app-{}", capabilities.len()),
        proof: Proof::Secret(Secret::Kept("s3cret".to_owned().into())),
        secret_expires: None,
        capabilities: capabilities.to_vec(),
        rbac_scoped: false,
        mail_tips: false,
        all_addresses: false,
    }
}

pub(super) fn permitted(addresses: &[&str]) -> Vec<Permitted> {
    let client = Client::without_login("test", Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full));
    let permit = |address: &&str| {
        client.permit(&Mailbox::parse(address).unwrap(), Capability::FreeBusy, jiff::Timestamp::UNIX_EPOCH).unwrap()
    };
    addresses.iter().map(permit).collect()
}

/// A notebook whose request must be answered within a minute.
pub(super) fn journal() -> Journal {
    Journal::new(Uuid::nil(), "2026-11-18T08:00:00Z".parse().unwrap(), Instant::now() + Duration::from_secs(60))
}

pub(super) fn window(start: &str, end: &str) -> Window {
    Window::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
}

/// Wednesday of the usual busy hour.
pub(super) fn wednesday() -> Window {
    window("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z")
}

/// Lets time pass at once.
pub(super) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
