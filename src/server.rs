//! The gateway's HTTP face: the route table and the layers around it.
//!
//! Owns the order of the layers. Only here, in `admin` and in `simulator` is axum known.

mod account;
mod authenticate;
mod body;
mod callers;
mod capture;
mod certificate;
mod connection;
mod crowd;
mod ews;
mod failures;
mod fence;
mod handshake;
mod headers;
mod health;
mod limits;
pub mod listen;
mod logins;
pub mod monitor;
mod networks;
mod notifications;
pub mod ntlm;
mod observe;
mod peer;
mod quick_ack;
mod refusal;
mod shared;
mod streaming;
pub mod tls;
mod token;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

pub use capture::Capture;
pub use failures::Failures;
pub use handshake::{ChannelBinding, Handshakes};
pub use limits::Gates;
pub use logins::Logins;
pub use networks::RouteNetworks;
pub use peer::{ForwardedHeader, Proxies};
pub use shared::{Limits, Shared, Terms};
pub use tokens::Tokens;

/// The routes. Paths are lower-case here; `listen` makes them so, since clients write them in any
/// case.
pub fn router(shared: &Arc<Shared>) -> Router {
    let compress = CompressionLayer::new().compress_when(SizeAbove::new(SMALLEST_PACKED).and(streaming::may_be_packed));
    Router::new()
        .route("/", get(ews::probe).post(ews::soap))
        .route("/ews/exchange.asmx", get(ews::probe).post(ews::soap))
        .route("/ews/{file}", get(ews::no_such_file))
        .route("/token", post(token::token))
        .route("/.well-known/oauth-authorization-server", get(token::metadata))
        .route("/graph/notifications", post(notifications::notified))
        .route("/graph/lifecycle", post(notifications::notified))
        .route("/health-check", get(health::alive))
        .route("/health-check/ready", get(health::ready))
        .fallback(async || ews::text(http::StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .method_not_allowed_fallback(async || {
            ews::text(http::StatusCode::METHOD_NOT_ALLOWED, "Not with this method.\n")
        })
        .layer(from_fn_with_state(Arc::clone(shared), fence::fence))
        .layer(from_fn_with_state(shared.capture.clone(), capture::capture))
        .layer(compress)
        .layer(map_response(headers::guard_https))
        .layer(from_fn_with_state(Arc::clone(&shared.metrics), observe::observe))
        .with_state(Arc::clone(shared))
}

/// Below this, packing costs more than it saves.
const SMALLEST_PACKED: u64 = 1400;
