//! The operators' listener: metrics and health, on an address of its own.
//!
//! Owns read-only views. Must not change anything, nor call Graph.

mod health;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use views::Views;

/// Serves until `end`.
pub async fn serve(listener: TcpListener, views: Views, end: CancellationToken) {
    let router =
        Router::new().route("/metrics", get(metrics)).route("/health", get(health::health)).with_state(Arc::new(views));
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

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/#overall-structure>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
