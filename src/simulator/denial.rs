//! Refusals in the shape of Entra's error body.
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

use jiff::Timestamp;
use serde_json::json;

use super::error::Answer;

/// An error of the token endpoint.
#[derive(Debug)]
pub(super) struct Denial {
    status: u16,
    error: &'static str,
    code: u32,
    message: String,
}

impl Denial {
    pub(super) fn new(status: u16, error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self { status, error, code, message: message.into() }
    }

    /// What a fault makes of a status and an AADSTS number.
    pub(super) fn injected(status: u16, code: &str, message: &str) -> Self {
        let number = code.trim_start_matches("AADSTS").parse().unwrap_or(90033);
        let error = match status {
            401 => "invalid_client",
            400 => "invalid_request",
            _ => "temporarily_unavailable",
        };
        Self::new(status, error, number, message)
    }

    /// The application has not shown who it is.
    pub(super) fn client(code: u32, message: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, message)
    }

    pub(super) fn answer(&self, now: Timestamp) -> Answer {
        let (trace, correlation) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        let time = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let Self { error, code, message, .. } = self;
        let answer = Answer::json(
            self.status,
            json!({
                "error": error,
                "error_description": format!("AADSTS{code}: {message}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}"),
                "error_codes": [code],
                "timestamp": time,
                "trace_id": trace.to_string(),
                "correlation_id": correlation.to_string(),
                "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
            }),
        );
        answer.uncached()
    }
}
