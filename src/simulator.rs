//! A Microsoft Graph v1.0 and Entra token endpoint over a seeded world: the only fake of the project.
//!
//! It owns everything from the socket to the stored events and imports nothing of ours, so that client and
//! fake cannot be wrong together. Its truth is Microsoft's documentation; what that leaves open is written
//! down in `fixtures/worlds/README.md`. One origin serves `/{tenant}/oauth2/v2.0/token`, the managed identity's
//! `/metadata/identity/oauth2/token`, `/v1.0/…` and `/control/…` (faults, the ledger of calls, limits, deltas,
//! subscriptions, applications).

mod administration;
mod ask;
mod assertion;
mod batch;
mod calendar;
mod calls;
mod connections;
mod control;
mod courier;
mod delta;
mod delta_token;
mod denial;
mod directory;
mod draft;
mod error;
mod event;
mod event_filter;
mod events;
mod expand;
mod extended;
mod faults;
mod filter;
mod ids;
mod invitations;
mod json;
mod ledger;
mod locale;
mod lock;
mod machine;
mod mail_tips;
pub mod mediator;
mod order;
mod pattern;
mod permissions;
mod places;
mod query;
mod recurrence;
mod registered;
mod render;
mod replies;
mod request;
mod responses;
mod route;
mod schedule;
mod seed;
mod service;
mod settings;
mod shape;
mod state;
mod subscribe;
mod subscriptions;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod view;
mod world;
mod zone;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tower_http::compression::CompressionLayer;

pub use world::{Application, Tenant, World};

use connections::{Connections, Cut};
use error::Answer;
use request::Request;
use service::Service;

/// How a [`Simulator`] listens and what time it has.
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS, or plain HTTP when absent. Offer `h2` by ALPN for HTTP/2.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The simulator's time: of tokens, of "today" in a seed, of limits.
    pub clock: fn() -> jiff::Timestamp,
    /// Refuse unknown properties and query options with 400, which the real Graph often does and we always want.
    pub strict: bool,
}

/// A running simulator. Dropping it closes it; [`Simulator::stop`] waits for the calls that run.
pub struct Simulator {
    address: SocketAddr,
    is_tls: bool,
    closing: DropGuard,
    tasks: TaskTracker,
}

/// How long a stopping simulator waits for the calls that run.
const PATIENCE: Duration = Duration::from_secs(2);
/// Largest request body in bytes, as in Graph.
const LARGEST_BODY: usize = 4 << 20;

impl Simulator {
    /// Seeds the world and listens.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the world does not fit together.
    pub async fn start(world: World, options: Options) -> io::Result<Self> {
        let state = world.build((options.clock)()).map_err(io::Error::other)?;
        let service = Arc::new(Service::new(state, options.clock, options.strict));
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let is_tls = options.tls.is_some();
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let acceptor = options.tls.map(TlsAcceptor::from);
        let connections =
            Connections { router: router(service, is_tls), closing: closing.clone(), tasks: tasks.clone() };
        tasks.spawn(connections.accept(listener, acceptor));
        Ok(Self { address, is_tls, closing: closing.drop_guard(), tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, loopback address and port, without a slash at the end.
    pub fn base_url(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let host = if self.address.is_ipv6() { "[::1]" } else { "127.0.0.1" };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// Stops listening and waits, up to two seconds, for the calls that run.
    pub async fn stop(self) {
        drop(self.closing);
        self.tasks.close();
        // Calls that outlast the patience end with the runtime; nobody waits for their answers any more.
        let _ = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
    }
}

fn router(service: Arc<Service>, is_tls: bool) -> Router {
    let handler = move |request: axum::extract::Request| {
        let service = Arc::clone(&service);
        async move { handle(&service, request, is_tls).await }
    };
    Router::new().fallback(handler).layer(CompressionLayer::new())
}

async fn handle(service: &Arc<Service>, request: axum::extract::Request, is_tls: bool) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or("localhost");
    let origin = format!("{}://{host}", if is_tls { "https" } else { "http" });
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        origin,
    };
    let answer = service.serve(request).await;
    respond(answer)
}

fn respond(answer: Answer) -> Response<Body> {
    let text = answer.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let content = if answer.garbage {
        Body::from("{\"value\":[{\"sched")
    } else if answer.half {
        half(&text)
    } else {
        Body::from(text)
    };
    let mut response = Response::new(content);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if answer.cut {
        response.extensions_mut().insert(Cut);
    }
    let is_graph = answer.headers.iter().any(|(name, _)| *name == "odata-version");
    let kind = if is_graph { ODATA } else { "application/json; charset=utf-8" };
    if answer.body.is_some() {
        response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    }
    for (name, value) in &answer.headers {
        // A caller's own request id may be no header value; then it is not echoed.
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// The first half of a body, after which the connection breaks.
fn half(text: &str) -> Body {
    let begun = bytes::Bytes::copy_from_slice(text.as_bytes().get(..text.len() / 2).unwrap_or_default());
    let broken = io::Error::other("the connection is cut on demand");
    Body::from_stream(futures::stream::iter([Ok(begun), Err(broken)]))
}

const ODATA: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
