//! What the VMO³ mediator calls: `GET /` and `POST /monitor`, as the service did that the monitor stands in for.
//!
//! Both answer at once. The mediator posts its users one after the other while it is being set up, and waits ten seconds
//! for each; so neither Graph nor the mediator is waited for here.

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use super::answer::{ORDER, SYNCHRONISE, failed, refused, text};
use super::front::FrontState;
use crate::failure::Failure;
use crate::out_of_office::{Asker, InStep};
use crate::server::body;

/// `GET /`: has the mediators brought into step.
pub(super) async fn begin(State(front): FrontState) -> Response {
    let what = match front.monitor.synchronise() {
        InStep::Nobody => "There is no mediator to be asked for its users.\n",
        InStep::Now => "The mediators are being asked for their users.\n",
        InStep::Soon => "The mediators are asked for their users once more, soon.\n",
    };
    text(SYNCHRONISE, what.to_owned())
}

/// `POST /monitor`: begins or ends a watch.
pub(super) async fn order(State(front): FrontState, request: Request) -> Response {
    let body = match body::read(request.into_body(), LONGEST_ORDER, front.limits.body_timeout).await {
        Ok(body) => body,
        Err(StatusCode::PAYLOAD_TOO_LARGE) => return refused(ORDER, StatusCode::PAYLOAD_TOO_LARGE, "Too long"),
        Err(status) => return refused(ORDER, status, "The body did not arrive"),
    };
    let Order { name, is_on } = match Order::read(&body) {
        Ok(order) => order,
        Err(why) => return refused(ORDER, StatusCode::BAD_REQUEST, why),
    };
    let done = match is_on {
        true => front.in_time(front.monitor.watch(&name, Asker::Mediator)).await,
        false => front.in_time(front.monitor.unwatch(&name)).await,
    };
    match done {
        Ok((mailbox, _)) => text(ORDER, format!("Monitoring of {mailbox}: {}\n", if is_on { "True" } else { "False" })),
        Err(Failure::BadAddress { .. }) => refused(ORDER, StatusCode::BAD_REQUEST, INVALID),
        Err(failure) => failed(ORDER, &failure),
    }
}

/// What the mediator wants of a mailbox.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    /// An address, or a name to which a domain belongs.
    name: String,
    /// Whether it is to be watched.
    is_on: bool,
}

impl Order {
    /// Reads `{"email": …, "status": "True" | "False"}`.
    fn read(body: &[u8]) -> Result<Self, &'static str> {
        let body: Value = serde_json::from_slice(body).map_err(|_| NOT_JSON)?;
        let name = body.get("email").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
        let is_on = body.get("status").and_then(status);
        let (name, is_on) = name.zip(is_on).ok_or(INVALID)?;
        Ok(Self { name: name.to_owned(), is_on })
    }
}

/// The mediator writes a text; others may write what it means.
fn status(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(is_on) => Some(*is_on),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

const NOT_JSON: &str = "Not JSON";
const INVALID: &str = "Invalid JSON";
/// In bytes: an address has 320 characters at most.
const LONGEST_ORDER: usize = 16 << 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn orders_are_read_as_the_mediator_and_others_write_them() {
        let read = |body: &str| Order::read(body.as_bytes()).map(|order| (order.name, order.is_on));
        let order = |is_on| Ok(("a@contoso.example".to_owned(), is_on));
        assert_eq!(read(r#"{"email": "a@contoso.example", "status": "True"}"#), order(true));
        assert_eq!(read(r#"{"email": " a@contoso.example ", "status": "FALSE", "more": 1}"#), order(false));
        assert_eq!(read(r#"{"status": true, "email": "a@contoso.example"}"#), order(true));
        assert_eq!(read(r#"{"email": "A.B", "status": "true"}"#), Ok(("A.B".to_owned(), true)));
    }

    #[test]
    fn what_is_wrong_with_an_order_is_told_in_the_mediators_words() {
        let why = |body: &[u8]| Order::read(body).unwrap_err();
        for body in [&b""[..], b"{", b"email=a&status=True", b"\xff{}", b"{} {}", &[b'['; 5000]] {
            assert_eq!(why(body), NOT_JSON, "{}", String::from_utf8_lossy(body));
        }
        for body in [
            "null",
            "[]",
            "\"True\"",
            "{}",
            r#"{"email": "a@x"}"#,
            r#"{"status": "True"}"#,
            r#"{"email": "", "status": "True"}"#,
            r#"{"email": ["a@x"], "status": "True"}"#,
            r#"{"email": 1, "status": "True"}"#,
            r#"{"email": null, "status": "True"}"#,
            r#"{"email": "a@x", "status": "yes"}"#,
            r#"{"email": "a@x", "status": 1}"#,
            r#"{"email": "a@x", "status": null}"#,
        ] {
            assert_eq!(why(body.as_bytes()), INVALID, "{body}");
        }
    }
}
