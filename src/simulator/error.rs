//! Refusals in the shape of Graph's error body, and the answers that carry them.
//! Knows no call: each call says what it refuses, this file says how that looks.
//! <https://learn.microsoft.com/graph/errors>

use jiff::Timestamp;
use serde_json::{Value, json};

/// Why a Graph call was not served.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// Seconds.
    pub(super) retry_after: Option<u32>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), retry_after: None }
    }

    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn no_such_item() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    /// A mailbox that is not in Exchange Online, or without settings.
    pub(super) fn no_rest() -> Self {
        Self::new(404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox.")
    }

    pub(super) fn access_denied() -> Self {
        Self::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    }

    pub(super) fn unknown_zone(name: &str) -> Self {
        let message = format!("The following TimeZone value is not supported: {name}.");
        Self::bad("TimeZoneNotSupportedException", message)
    }

    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(super) fn answer(&self, now: Timestamp, request_id: &str, client_request_id: &str) -> Answer {
        let body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        }});
        let mut answer = Answer::json(self.status, body);
        if let Some(seconds) = self.retry_after {
            answer.headers.push(("retry-after", seconds.to_string()));
        }
        if self.status == 401 {
            answer.headers.push(("www-authenticate", CHALLENGE.to_owned()));
        }
        answer
    }
}

const CHALLENGE: &str = "Bearer realm=\"\", \
    authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
    client_id=\"00000003-0000-0000-c000-000000000000\"";

/// What a call answers, before it becomes bytes.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    /// Send broken JSON instead of the body.
    pub(super) garbage: bool,
    /// Send half of the body, then close the connection.
    pub(super) half: bool,
    /// Close the connection instead of answering.
    pub(super) cut: bool,
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body), garbage: false, half: false, cut: false }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None, garbage: false, half: false, cut: false }
    }

    /// The answer as nobody may keep it.
    pub(super) fn uncached(mut self) -> Self {
        self.headers.push(("cache-control", "no-store, no-cache".to_owned()));
        self.headers.push(("pragma", "no-cache".to_owned()));
        self
    }
}
