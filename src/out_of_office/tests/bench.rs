//! A monitor with a bare stand-in for Graph below it, a clock that is set, and a webhook that nobody answers, so that all
//! letters stay in the outbox.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::calendar::Capability;
use crate::client::Pattern;
use crate::graph::{Graphs, Settings as GraphSettings};
use crate::metrics::{Metrics, OutcomeLabel};
use crate::out_of_office::{Form, Monitor, Settings, Webhook};
use crate::outbound;
use crate::store::Store;
use crate::tenant::{Cloud, Credential, Limits, Proof, Secret, Tenant};

/// Graph and Entra.
#[derive(Default)]
pub(super) struct Graph {
    /// What is set, by address; who is not in here is unknown.
    pub(super) set: Mutex<HashMap<String, Value>>,
    /// Whom each call was about.
    pub(super) calls: Mutex<Vec<Vec<String>>>,
    /// Calls from now on are answered with what is set when they come, after the gate has opened.
    pub(super) gate: Mutex<Option<Arc<Semaphore>>>,
    pub(super) is_down: Mutex<bool>,
}

/// All of it.
pub(super) struct Bench {
    pub(super) graph: Arc<Graph>,
    origin: Url,
    folder: TempDir,
    pub(super) metrics: Arc<Metrics>,
    pub(super) store: Store,
    pub(super) monitor: Arc<Monitor>,
    end: CancellationToken,
    running: Option<tokio::task::JoinHandle<()>>,
}

thread_local! {
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

pub(super) fn clock() -> Timestamp {
    NOW.get()
}

/// Automatic replies in Graph's words.
pub(super) fn set(status: &str, message: &str) -> Value {
    let time = |hour| json!({"dateTime": format!("2027-03-10T{hour:02}:00:00.0000000"), "timeZone": "UTC"});
    json!({
        "status": status, "externalAudience": "all", "internalReplyMessage": message, "externalReplyMessage": message,
        "scheduledStartDateTime": time(12), "scheduledEndDateTime": time(13),
    })
}

/// Waits for something that will be.
pub(super) async fn until(mut is: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3600), waiting).await.expect("it never is");
}

impl Bench {
    /// At eleven; mailboxes of example.com may be watched.
    pub(super) async fn new() -> Self {
        Self::watching(&["*@example.com"]).await
    }

    pub(super) async fn watching(mailboxes: &[&str]) -> Self {
        NOW.set("2027-03-10T11:00:00Z".parse().unwrap());
        let graph = Arc::new(Graph::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&graph));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let folder = tempfile::tempdir().unwrap();
        let (store, metrics) = (Store::open(&folder.path().join("store")).unwrap(), Arc::new(Metrics::new()));
        let monitor = monitor(&origin, &store, &metrics, mailboxes).await;
        Self { graph, origin, folder, metrics, store, monitor, end: CancellationToken::new(), running: None }
    }

    pub(super) fn run(&mut self) {
        self.running = Some(tokio::spawn(Arc::clone(&self.monitor).run(self.end.clone())));
    }

    /// Ends it, and opens what is left of it, without running it.
    pub(super) async fn restart(&mut self, mailboxes: &[&str]) {
        self.end.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
        self.end = CancellationToken::new();
        self.metrics = Arc::new(Metrics::new());
        self.monitor = monitor(&self.origin, &self.store, &self.metrics, mailboxes).await;
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(super) fn set(&self, name: &str, to: Value) {
        self.graph.set.lock().unwrap().insert(format!("{name}@example.com"), to);
    }

    /// Looks that came to something.
    pub(super) fn looks(&self, outcome: &'static str) -> u64 {
        self.metrics.away_looks.get_or_create(&OutcomeLabel { outcome }).get()
    }

    /// What is told of mailboxes, in order: the status and the message.
    pub(super) async fn letters(&self) -> Vec<(String, String)> {
        let told = self.store.letters().await.unwrap().into_iter().map(|waiting| {
            let body: Value = serde_json::from_str(&waiting.letter.body).unwrap();
            let word = |name: &str| body[name].as_str().unwrap().to_owned();
            (word("email"), format!("{} {}", word("status"), word("message")))
        });
        told.collect()
    }

    /// Lets time pass at once.
    pub(super) async fn pass(&self, seconds: u32) {
        NOW.set(NOW.get() + SignedDuration::from_secs(seconds.into()));
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds.into())).await;
        tokio::time::resume();
    }

    /// Lets it go by until the next look has come to something.
    pub(super) async fn until_looked(&self, outcome: &'static str) {
        let before = self.looks(outcome);
        self.pass(60).await;
        until(async || self.looks(outcome) > before).await;
    }
}

async fn monitor(origin: &Url, store: &Store, metrics: &Arc<Metrics>, mailboxes: &[&str]) -> Arc<Monitor> {
    let cloud = Cloud { login: origin.clone(), graph: origin.clone(), ..Cloud::named("global").unwrap() };
    let credential = Credential {
        client_id: "app".into(),
        proof: Proof::Secret(Secret::Kept("s3cret".to_owned().into())),
        secret_expires: None,
        capabilities: vec![Capability::OutOfOfficeRead],
        rbac_scoped: false,
        mail_tips: false,
        all_addresses: false,
    };
    let tenant = Tenant {
        name: "test".into(),
        id: "11111111-2222-3333-4444-555555555555".into(),
        cloud,
        domains: vec!["example.com".into()],
        is_default: false,
        limits: Limits::default(),
        credentials: vec![credential],
    };
    let graphs =
        Graphs::new(vec![tenant], GraphSettings::default(), Arc::clone(metrics), jiff::Timestamp::default).unwrap();
    let target = outbound::stub::target("http://127.0.0.1:9");
    let settings = Settings {
        mailboxes: mailboxes.iter().map(|pattern| Pattern::new(pattern)).collect(),
        default_domain: Some("example.com".into()),
        interval: Duration::from_secs(60),
        longest_interval: Duration::from_secs(60),
        calls_per_second: 1000,
        give_up: Duration::from_secs(100_000),
        webhooks: vec![Webhook { name: "phone".into(), target, form: Form::Mediator }],
    };
    let monitor = Monitor::open(settings, Arc::new(graphs), store.clone(), Arc::clone(metrics), clock).await;
    Arc::new(monitor.unwrap())
}

async fn answer(State(graph): State<Arc<Graph>>, request: Request) -> (http::StatusCode, Json<Value>) {
    let path = request.uri().path().to_owned();
    if path.ends_with("/token") {
        let token = json!({"token_type": "Bearer", "expires_in": 86_400, "access_token": "T"});
        return (http::StatusCode::OK, Json(token));
    }
    let body = axum::body::to_bytes(request.into_body(), 1024 * 1024).await.unwrap();
    if *graph.is_down.lock().unwrap() {
        return (http::StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": {"code": "Down", "message": ""}})));
    }
    let batch: Value = serde_json::from_slice(&body).unwrap();
    let mut about = Vec::new();
    let responses: Vec<Value> = batch["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            let url = percent_encoding::percent_decode_str(part["url"].as_str().unwrap()).decode_utf8_lossy();
            let address = url.split('/').find(|segment| segment.contains('@')).unwrap().to_owned();
            let (status, body) = match graph.set.lock().unwrap().get(&address) {
                Some(set) => (200, set.clone()),
                None => (404, json!({"error": {"code": "ErrorInvalidUser", "message": "?"}})),
            };
            about.push(address);
            json!({"id": part["id"], "status": status, "headers": {"Content-Type": "application/json"}, "body": body})
        })
        .collect();
    graph.calls.lock().unwrap().push(about);
    let gate = graph.gate.lock().unwrap().clone();
    if let Some(gate) = gate {
        gate.acquire().await.unwrap().forget();
    }
    (http::StatusCode::OK, Json(json!({"responses": responses})))
}
