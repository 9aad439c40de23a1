//! A stand-in for the mediator of a telephone system, which a monitor of out-of-office replies tells about its users,
//! and for any receiver of webhooks: it records what it is sent, and fails on demand.
//!
//! Owns its own listener, plain HTTP. Knows nothing of Graph. `fixtures/worlds/README.md` documents what it answers.

mod failures;
mod received;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use url::Url;

use super::connections::{Connections, Cut};
use super::courier;
use super::lock::lock;
use failures::{Entrance, Failure, Failures, Order};
use received::{Arrival, Received};

/// How a [`Mediator`] listens, whom it tells about its users, and what time it has.
pub struct Options {
    /// Where to listen; port 0 takes a free one. Its control is open to everybody: keep it on loopback.
    pub listen: SocketAddr,
    /// The monitor's base URL, to whose `/monitor` users are posted; may be told later.
    pub monitor: Option<Url>,
    /// The users that are watched: addresses, or names without a domain.
    pub users: Vec<String>,
    /// When things arrive.
    pub clock: fn() -> Timestamp,
}

/// A running mediator. Dropping it closes it; [`Mediator::stop`] waits for the requests that run.
pub struct Mediator {
    address: SocketAddr,
    desk: Arc<Desk>,
    tasks: TaskTracker,
    _closing: DropGuard,
}

/// How long the monitor may take for each user.
const MONITOR: Duration = Duration::from_secs(10);
/// How long a stopping mediator waits for the requests that run.
const PATIENCE: Duration = Duration::from_secs(2);

impl Mediator {
    /// Listens.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let desk = Arc::new(Desk {
            client: courier::client("").map_err(io::Error::other)?,
            clock: options.clock,
            monitor: Mutex::new(options.monitor),
            users: Mutex::new(options.users),
            failures: Mutex::default(),
            received: Mutex::default(),
            closing: closing.clone(),
        });
        let router = router(Arc::clone(&desk));
        let connections = Connections { router, closing: closing.clone(), tasks: tasks.clone() };
        tasks.spawn(connections.accept(listener, None));
        Ok(Self { address, desk, tasks, _closing: closing.drop_guard() })
    }

    /// Scheme, loopback address and port, without a slash at the end.
    pub fn base_url(&self) -> String {
        let host = if self.address.is_ipv6() { "[::1]" } else { "127.0.0.1" };
        format!("http://{host}:{}", self.address.port())
    }

    /// Tells it where the monitor is.
    pub fn set_monitor(&self, monitor: Url) {
        *lock(&self.desk.monitor) = Some(monitor);
    }

    /// Stops listening, ends what hangs, and waits, up to two seconds, for the requests that run.
    pub async fn stop(self) {
        self.desk.closing.cancel();
        self.tasks.close();
        // Requests that outlast the patience end with the runtime; nobody waits for their answers any more.
        let _ = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
    }
}

/// What all requests share.
struct Desk {
    client: reqwest::Client,
    clock: fn() -> Timestamp,
    monitor: Mutex<Option<Url>>,
    users: Mutex<Vec<String>>,
    failures: Mutex<Failures>,
    received: Mutex<Received>,
    closing: CancellationToken,
}

type Shared = State<Arc<Desk>>;

fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(root))
        .route("/api/setup", post(setup))
        .route("/api/setstatus", post(set_status))
        .route("/hook", post(hook))
        .route("/control/received", get(show_received).delete(forget_received))
        .route("/control/failures", post(set_failures))
        .route("/control/users", post(set_users))
        .route("/control/watch", post(watch))
        .with_state(desk)
}

async fn root(State(desk): Shared, headers: HeaderMap) -> Response {
    desk.answer(Entrance::Root, &headers, b"", |_| "The mediator is running.".into_response()).await
}

/// Every user is posted before the answer, as the real one does it.
async fn setup(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let answer = desk.answer(Entrance::Setup, &headers, &body, |_| result(StatusCode::OK, "True")).await;
    if answer.status() != StatusCode::OK || answer.extensions().get::<Cut>().is_some() {
        return answer;
    }
    let users = lock(&desk.users).clone();
    for user in users {
        // Only the monitor loses by what it does not hear; the mediator goes on with the next one.
        let _ = desk.tell_monitor(&json!(user), &json!("True")).await;
    }
    answer
}

async fn set_status(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    desk.answer(Entrance::SetStatus, &headers, &body, |body| {
        let Ok(fields) = serde_json::from_slice::<Value>(body) else {
            return result(StatusCode::BAD_REQUEST, "Not JSON");
        };
        let is_there = |name: &str| fields.get(name).is_some_and(Value::is_string);
        match fields.get("status").and_then(Value::as_str) {
            Some("True" | "False") if is_there("email") && is_there("message") => result(StatusCode::OK, "True"),
            // What the real one does when it looks for a key that is not there.
            Some("True" | "False") | None => crash(),
            Some(_) => result(StatusCode::BAD_REQUEST, "Invalid JSON"),
        }
    })
    .await
}

async fn hook(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    desk.answer(Entrance::Hook, &headers, &body, |_| StatusCode::NO_CONTENT.into_response()).await
}

async fn show_received(State(desk): Shared) -> Response {
    axum::Json(json!({ "received": lock(&desk.received).all() })).into_response()
}

async fn forget_received(State(desk): Shared) -> Response {
    lock(&desk.received).clear();
    StatusCode::NO_CONTENT.into_response()
}

async fn set_failures(State(desk): Shared, body: Bytes) -> Response {
    taken(&body, |order: Order| Failures::new(order).map(|failures| *lock(&desk.failures) = failures))
}

async fn set_users(State(desk): Shared, body: Bytes) -> Response {
    taken(&body, |users: Users| {
        *lock(&desk.users) = users.users;
        Ok(())
    })
}

async fn watch(State(desk): Shared, body: Bytes) -> Response {
    let watch: Watch = match serde_json::from_slice(&body) {
        Ok(watch) => watch,
        Err(problem) => return refused(&problem.to_string()),
    };
    match desk.tell_monitor(&watch.email, &watch.status).await {
        Ok((status, text)) => axum::Json(json!({ "status": status, "text": text })).into_response(),
        Err(problem) => (StatusCode::BAD_GATEWAY, axum::Json(json!({ "problem": problem }))).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    users: Vec<String>,
}

/// What to post to the monitor: words and all as they are given, so that nonsense can be tried too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    email: Value,
    status: Value,
}

impl Desk {
    /// Records what came in, and answers it unless a failure is due.
    async fn answer(
        &self,
        entrance: Entrance,
        headers: &HeaderMap,
        body: &[u8],
        answer: impl FnOnce(&[u8]) -> Response,
    ) -> Response {
        let fate = lock(&self.failures).next(entrance);
        let response = match fate.failure {
            None => answer(body),
            Some(failure) => failed(failure),
        };
        let is_cut = response.extensions().get::<Cut>().is_some();
        let answered = (!is_cut).then_some(response.status().as_u16());
        let arrival = Arrival { at: (self.clock)(), entrance, headers, body, answered, failure: fate.failure };
        lock(&self.received).take(&arrival);
        let waiting = async {
            tokio::time::sleep(fate.delay).await;
            if fate.failure == Some(Failure::Hang) {
                std::future::pending::<()>().await;
            }
        };
        // What hangs ends with the mediator, by closing the connection.
        let _ = self.closing.run_until_cancelled(waiting).await;
        response
    }

    /// Posts a user to the monitor; its answer's status and text, or what went wrong.
    async fn tell_monitor(&self, email: &Value, status: &Value) -> Result<(u16, String), String> {
        let monitor = lock(&self.monitor).clone().ok_or("no monitor is known")?;
        let address = format!("{}/monitor", monitor.as_str().trim_end_matches('/'));
        let body = json!({ "email": email, "status": status }).to_string();
        let request = self.client.post(address).header("content-type", "application/json").body(body);
        let asked = async {
            let response = request.send().await?;
            Ok((response.status().as_u16(), response.text().await?))
        };
        match tokio::time::timeout(MONITOR, asked).await {
            Ok(answered) => answered.map_err(|error: reqwest::Error| error.to_string()),
            Err(_) => Err("the monitor did not answer in time".to_owned()),
        }
    }
}

fn failed(failure: Failure) -> Response {
    match failure {
        Failure::Status(status) if status.is_redirection() => (status, [("location", "/hook")]).into_response(),
        Failure::Status(status) => result(status, "False"),
        Failure::Garbage => ([("content-type", "application/json")], "{\"result\": \"Tr").into_response(),
        Failure::Hang | Failure::Cut => {
            let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
            response.extensions_mut().insert(Cut);
            response
        }
    }
}

fn result(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "result": text }))).into_response()
}

fn crash() -> Response {
    let page = "<!doctype html><title>500 Internal Server Error</title><h1>Internal Server Error</h1>";
    (StatusCode::INTERNAL_SERVER_ERROR, axum::response::Html(page)).into_response()
}

fn taken<T: DeserializeOwned>(body: &[u8], take: impl FnOnce(T) -> Result<(), String>) -> Response {
    match serde_json::from_slice(body).map_err(|problem| problem.to_string()).and_then(take) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => refused(&problem),
    }
}

fn refused(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({ "problem": problem }))).into_response()
}
