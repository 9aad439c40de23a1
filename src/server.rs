//! The gateway's HTTP face: the route table and the layers around it.
//!
//! Owns what all routes share. Only here, in `admin` and in `simulator` is axum known.

mod authenticate;
mod body;
mod capture;
mod crowd;
mod ews;
mod health;
mod limits;
pub mod listen;
mod observe;
mod peer;
mod quick_ack;
mod refusal;
pub mod tls;
mod token;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::client::Clients;
use crate::graph::Graphs;
use crate::metrics::Metrics;

pub use authenticate::Logins;
pub use capture::Capture;
pub use limits::Gates;
pub use peer::{ForwardedHeader, Proxies};
pub use token::Tokens;

/// What all requests share.
pub struct Shared {
    /// Who may call.
    pub clients: Clients,
    /// Whose calendars.
    pub graphs: Arc<Graphs>,
    /// Tokens of clients.
    pub tokens: Tokens,
    /// Names and secrets.
    pub logins: Logins,
    /// Rates and concurrency.
    pub gates: Arc<Gates>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// What a request may be and take.
    pub limits: Limits,
    /// The time.
    pub clock: fn() -> Timestamp,
    /// Capture mode.
    pub capture: Option<Arc<Capture>>,
    /// Proxies that are believed about the caller's address.
    pub proxies: Proxies,
    /// Whether the process is about to end, so that load balancers should look elsewhere.
    pub leaving: AtomicBool,
    /// Cancelled when no more requests are taken.
    pub end: CancellationToken,
}

/// What a request may be and take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A body's bytes, packed and unpacked.
    pub body_bytes: usize,
    /// A header's bytes.
    pub header_bytes: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections of one address (IPv6: a /64).
    pub connections_per_address: usize,
    /// Time for a handshake, and for the first request's header.
    pub header_timeout: Duration,
    /// Time for a body.
    pub body_timeout: Duration,
    /// Time between an answer and the end of the next request's header.
    pub idle_timeout: Duration,
    /// Time for an answer.
    pub deadline: Duration,
    /// Time for load balancers to look elsewhere before the process ends.
    pub drain_delay: Duration,
    /// Time for open requests to finish when the process or the connection ends.
    pub drain: Duration,
    /// Wrong secrets that an address may send in a minute.
    pub failures_per_minute: u32,
    /// Passwords that may be verified at once.
    pub password_checks: usize,
}

/// The routes. Paths are lower-case here; `listen` makes them so, since clients write them in any
/// case.
pub fn router(shared: &Arc<Shared>) -> Router {
    let compress = CompressionLayer::new().compress_when(SizeAbove::new(SMALLEST_PACKED));
    Router::new()
        .route("/", get(ews::probe).post(ews::soap))
        .route("/ews/exchange.asmx", get(ews::probe).post(ews::soap))
        .route("/ews/{file}", get(ews::no_such_file))
        .route("/token", post(token::token))
        .route("/.well-known/oauth-authorization-server", get(token::metadata))
        .route("/health-check", get(health::alive))
        .route("/health-check/ready", get(health::ready))
        .fallback(async || ews::text(http::StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .method_not_allowed_fallback(async || {
            ews::text(http::StatusCode::METHOD_NOT_ALLOWED, "Not with this method.\n")
        })
        .layer(from_fn_with_state(shared.capture.clone(), capture::capture))
        .layer(compress)
        .layer(from_fn_with_state(Arc::clone(shared), observe::observe))
        .with_state(Arc::clone(shared))
}

impl Shared {
    /// Whether the process is about to end; until it drains, requests are served as ever.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// Whether no more requests are taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.end.is_cancelled()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

type SharedState = State<Arc<Shared>>;

/// Below this, packing costs more than it saves.
const SMALLEST_PACKED: u64 = 1400;
