//! What arrived, in order, for tests and operators to look at. Knows nothing of what is done about it.

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::failures::{Entrance, Failure};

/// One request, and how it ends.
pub(super) struct Arrival<'a> {
    pub(super) at: Timestamp,
    pub(super) entrance: Entrance,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// The answer's status; absent where the connection closes without one.
    pub(super) answered: Option<u16>,
    pub(super) failure: Option<Failure>,
}

/// Everything that arrived.
#[derive(Default)]
pub(super) struct Received {
    all: Vec<Value>,
}

impl Received {
    pub(super) fn take(&mut self, arrival: &Arrival<'_>) {
        let mut headers = Map::new();
        for (name, value) in arrival.headers {
            headers.insert(name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes())));
        }
        let fields: Value = serde_json::from_slice(arrival.body).unwrap_or_default();
        self.all.push(json!({
            "number": self.all.len() + 1,
            "at": arrival.at.to_string(),
            "path": arrival.entrance.path(),
            "headers": headers,
            "body": String::from_utf8_lossy(arrival.body),
            "email": fields.get("email"),
            "status": fields.get("status"),
            "message": fields.get("message"),
            "answered": arrival.answered,
            "failure": arrival.failure.map(|failure| failure.to_string()),
        }));
    }

    pub(super) fn all(&self) -> &[Value] {
        &self.all
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }
}
