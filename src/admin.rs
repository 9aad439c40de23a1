//! The operators' listener: metrics and health, on an address of its own.
//!
//! Owns read-only views. Must not change anything, nor call Graph.

mod health;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderName, HeaderValue, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use views::Views;

/// Serves until `end`.
pub async fn serve(listener: TcpListener, views: Views, end: CancellationToken) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(health::health))
        .layer(map_response(guard))
        .with_state(Arc::new(views));
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { end.cancelled().await });
    if let Err(error) = served.await {
        tracing::error!(%error, "the admin listener failed");
    }
}

async fn metrics(State(views): State<Arc<Views>>) -> ([(header::HeaderName, &'static str); 1], String) {
    // Brings the cache's figures up to date.
    let _ = views.graphs.status();
    ([(header::CONTENT_TYPE, OPEN_METRICS)], views.metrics.render())
}

/// Keeps browsers and caches from making anything of an answer.
async fn guard(mut response: Response) -> Response {
    response.headers_mut().extend(HEADERS);
    response
}

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/#overall-structure>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
