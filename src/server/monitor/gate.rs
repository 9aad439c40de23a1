//! The gate before all routes: who may not call is told so, and the operator reads why.
//!
//! Owns statuses and log lines of refusals. Must not know who may call: `access` does.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::access::Barred;
use super::answer::{OTHER, refused};
use super::front::{Front, FrontState};
use crate::server::body;
use crate::server::limits::Caller;
use crate::server::refusal::Refusal;

/// The layer.
pub(super) async fn gate(State(front): FrontState, caller: Caller, request: Request, next: Next) -> Response {
    let Err(barred) = front.access.check(caller.address, request.uri(), request.headers()) else {
        if front.access.token.is_some() {
            front.failures.forget(NAME, caller.address);
        }
        return next.run(request).await;
    };
    let response = refuse(&front, barred, caller).await;
    // Read to its end, so that the connection can go on; nothing of it is kept.
    body::discard(request.into_body(), front.limits.body_bytes, front.limits.body_timeout).await;
    response
}

async fn refuse(front: &Front, barred: Barred, caller: Caller) -> Response {
    let address = caller.address;
    match barred {
        Barred::Network => {
            tracing::warn!(%address, "monitor.networks does not list this address");
            front.metrics.denied(NAME, "network");
            refused(OTHER, StatusCode::FORBIDDEN, "Not from this network")
        }
        Barred::Browser => {
            tracing::warn!(%address, "a browser has called the monitor for a page of another origin");
            front.metrics.denied(NAME, "browser");
            refused(OTHER, StatusCode::FORBIDDEN, "Not from a page in a browser")
        }
        Barred::Host => {
            let remedy =
                "the monitor was called by a name: on this host write 127.0.0.1 or localhost, or set monitor.token";
            tracing::warn!(%address, "{remedy}");
            front.metrics.denied(NAME, "host");
            refused(OTHER, StatusCode::FORBIDDEN, "Not by this name: write 127.0.0.1 or localhost")
        }
        Barred::NoToken => challenge("A token is needed"),
        Barred::WrongToken => {
            let refusal = front.failures.note(Some(NAME), address).held_up().await;
            tracing::warn!(%address, "a wrong token was sent to the monitor");
            if refusal == Refusal::TooOften {
                front.metrics.limited(NAME, "authentication");
                return refused(OTHER, StatusCode::TOO_MANY_REQUESTS, "Too many wrong tokens");
            }
            challenge("The token is wrong")
        }
    }
}

/// <https://www.rfc-editor.org/rfc/rfc6750#section-3>
fn challenge(why: &str) -> Response {
    let mut response = refused(OTHER, StatusCode::UNAUTHORIZED, why);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="monitor""#));
    response
}

/// How whoever calls is named in metrics and among failed log-ins, where clients have names of their own.
const NAME: &str = "(monitor)";
