//! The monitor's own listener: what the VMO³ mediator calls, and a JSON API for everybody else.
//!
//! Owns the routes and the order of the layers. Connections are `listen`'s, as everywhere. Must not know what an
//! automatic reply is: `out_of_office` does.

mod access;
mod answer;
mod front;
mod gate;
mod mediator;
#[cfg(test)]
mod tests;
mod watches;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use http::StatusCode;

use super::{headers, observe};
use answer::{OPENAPI, OTHER};
use gate::Gate;

pub use access::Access;
pub use front::Front;

/// The routes, which `openapi.json` describes.
pub fn router(front: Front) -> Router {
    let front = Arc::new(front);
    Router::new()
        .route("/", get(mediator::begin))
        .route("/monitor", post(mediator::order))
        .route("/watches", get(watches::list))
        .route("/watches/{address}", get(watches::show).put(watches::add).delete(watches::remove))
        .route("/openapi.json", get(async || answer::json(OPENAPI, StatusCode::OK, DESCRIPTION.to_owned())))
        .fallback(async || answer::refused(OTHER, StatusCode::NOT_FOUND, "There is nothing here"))
        .method_not_allowed_fallback(async || {
            answer::refused(OTHER, StatusCode::METHOD_NOT_ALLOWED, "Not with this method")
        })
        .layer(from_fn_with_state(Arc::new(Gate::new(Arc::clone(&front))), gate::gate))
        .layer(map_response(headers::guard))
        .layer(from_fn_with_state(Arc::clone(&front.metrics), observe::observe))
        .with_state(front)
}

/// OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.1.html>).
const DESCRIPTION: &str = include_str!("monitor/openapi.json");
