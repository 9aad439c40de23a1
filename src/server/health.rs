//! `/health-check`: whether the process serves. Names no tenant, since anybody may ask.

use axum::response::Response;
use http::StatusCode;

use super::ews::text;
use super::shared::SharedState;

/// The process serves.
pub(super) async fn alive() -> &'static str {
    "success"
}

/// A load balancer may send requests here. A replica whose Graph is away stays in, since it can
/// give older answers; one that was never ready, or is about to end, does not.
pub(super) async fn ready(state: SharedState) -> Response {
    if state.is_leaving() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if !state.services.graphs.ready() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "not ready yet\n");
    }
    text(StatusCode::OK, "success")
}
