//! A request as the simulator treats it: method, path, headers and bytes. Knows no connection.

use axum::http::HeaderMap;
use bytes::Bytes;

/// A request, or an item of a batch.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Scheme and authority under which the caller reached us.
    pub(super) origin: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
