//! The fence before all routes: whoever comes from elsewhere than a route's networks is refused.
//!
//! Owns the refusal. Must not know which networks are whose: `networks` does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use super::body;
use super::ews::text;
use super::limits::Caller;
use super::observe::Seen;
use super::shared::Shared;

/// The layer.
pub(super) async fn fence(State(shared): State<Arc<Shared>>, caller: Caller, request: Request, next: Next) -> Response {
    let Some((_, route)) = shared.networks.of(request.uri().path()).filter(|(it, _)| !it.admit(caller.address)) else {
        return next.run(request).await;
    };
    tracing::warn!(address = %caller.address, route, "server.networks does not admit this address");
    shared.metrics.denied("-", "network");
    // Read to its end, so that the connection can go on; nothing of it is kept.
    body::discard(request.into_body(), shared.limits.body_bytes, shared.limits.body_timeout).await;
    let mut response = text(StatusCode::FORBIDDEN, "Not from this network.\n");
    response.extensions_mut().insert(Seen::route(route, "network"));
    response
}
