//! Headers that every answer has, so that browsers and caches make nothing of it.
//!
//! Owns their values. Programs do not look at them. Must not know what is answered.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// Adds them to an answer. What a handler has said about caching stays.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Besides, says to browsers that the host is to be called by HTTPS alone (RFC 6797).
pub(super) async fn guard_https(response: Response) -> Response {
    let mut response = guard(response).await;
    response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    response
}

const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];
