//! Answers: JSON or a short text, never a page.
//!
//! Owns their form, and the names of the routes in logs and metrics. Must not know what was asked.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::failure::Failure;
use crate::server::limits::A_MOMENT;
use crate::server::observe::Seen;

/// A route's name in logs and metrics.
pub(super) type Route = &'static str;

pub(super) const SYNCHRONISE: Route = "monitor_synchronise";
pub(super) const ORDER: Route = "monitor_order";
pub(super) const WATCHES: Route = "monitor_watches";
pub(super) const WATCH: Route = "monitor_watch";
pub(super) const OPENAPI: Route = "monitor_openapi";
pub(super) const OTHER: Route = "monitor_other";

/// A short text.
pub(super) fn text(route: Route, text: String) -> Response {
    noted(route, "ok", (StatusCode::OK, [(header::CONTENT_TYPE, PLAIN)], text).into_response())
}

/// JSON, written already.
pub(super) fn json(route: Route, status: StatusCode, json: String) -> Response {
    noted(route, "ok", (status, [(header::CONTENT_TYPE, JSON)], json).into_response())
}

/// Nothing more to say.
pub(super) fn done(route: Route) -> Response {
    noted(route, "ok", StatusCode::NO_CONTENT.into_response())
}

/// Why not, in the form that the mediator knows: `{"result": …}`.
pub(super) fn refused(route: Route, status: StatusCode, why: &str) -> Response {
    let outcome = match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "network",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "limited",
        _ => "unreadable",
    };
    noted(route, outcome, result(status, why))
}

/// Not now: too many ask for the same at once.
pub(super) fn crowded(route: Route) -> Response {
    let mut response = refused(route, StatusCode::SERVICE_UNAVAILABLE, "Too many at once: try again in a moment");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(A_MOMENT.as_secs()));
    response
}

/// Why the monitor did not. Nothing is told of which tenants and mailboxes there are.
pub(super) fn failed(route: Route, failure: &Failure) -> Response {
    let (status, why) = match failure {
        Failure::BadAddress { .. } => (StatusCode::BAD_REQUEST, NO_ADDRESS),
        Failure::NoSuchMailbox { .. } | Failure::Denied => (StatusCode::NOT_FOUND, "The mailbox is unknown"),
        Failure::TooManyWatches => (StatusCode::SERVICE_UNAVAILABLE, "As many mailboxes are watched as can be"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "Not possible at the moment: try again later"),
    };
    noted(route, failure.label(), result(status, why))
}

fn result(status: StatusCode, why: &str) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], json!({ "result": why }).to_string()).into_response()
}

/// Leaves a note for the access line, and keeps browsers and caches from making anything of the answer.
fn noted(route: Route, outcome: &'static str, mut response: Response) -> Response {
    response.extensions_mut().insert(Seen::route(route, outcome));
    response.headers_mut().insert(NO_SNIFFING, HeaderValue::from_static("nosniff"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What is said of a text that is no address.
pub(super) const NO_ADDRESS: &str = "That is no address";
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_SNIFFING: HeaderName = HeaderName::from_static("x-content-type-options");
