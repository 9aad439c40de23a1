//! The gate before all routes: who may not call is told so, and the operator reads why.
//!
//! Owns statuses and log lines of refusals. Must not know who may call: `access` does.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{HeaderValue, StatusCode, header};

use super::access::Barred;
use super::answer::{OTHER, refused};
use super::front::{Front, NAME};
use crate::server::body;
use crate::server::limits::Caller;
use crate::server::refusal::Refusal;

/// What the layer needs.
pub(super) struct Gate {
    front: Arc<Front>,
    /// How often the operator is told of each kind of refusal; the access line tells of each request.
    told: DefaultKeyedRateLimiter<Barred>,
}

impl Gate {
    pub(super) fn new(front: Arc<Front>) -> Self {
        Self { front, told: RateLimiter::keyed(Quota::per_minute(NonZeroU32::MIN)) }
    }

    /// Tells the operator of a refusal, unless that was done lately.
    fn tell(&self, barred: Barred, caller: Caller, hint: &'static str) {
        let address = caller.address;
        if self.told.check_key(&barred).is_ok() {
            tracing::warn!(%address, "{hint}");
        } else {
            tracing::debug!(%address, "{hint}");
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// The layer.
pub(super) async fn gate(State(gate): State<Arc<Gate>>, caller: Caller, request: Request, next: Next) -> Response {
    let front = &gate.front;
    let Err(barred) = front.access.check(caller, request.uri(), request.headers()) else {
        if front.access.token.is_some() {
            front.failures.forget(NAME, caller.address);
        }
        return next.run(request).await;
    };
    let response = refuse(&gate, barred, caller).await;
    // Read to its end, so that the connection can go on; nothing of it is kept.
    body::discard(request.into_body(), front.limits.body_bytes, front.limits.body_timeout).await;
    response
}

async fn refuse(gate: &Gate, barred: Barred, caller: Caller) -> Response {
    let front = &gate.front;
    let denied = |reason: &'static str, hint: &'static str, why: &str| {
        gate.tell(barred, caller, hint);
        front.metrics.denied(NAME, reason);
        refused(OTHER, StatusCode::FORBIDDEN, why)
    };
    match barred {
        Barred::Network => denied("network", "monitor.networks does not list this address", "Not from this network"),
        Barred::Proxy => {
            let hint = "a proxy has passed on a request to the monitor: list the proxy in server.trusted_proxies and its \
                        callers in monitor.networks";
            denied("proxy", hint, "Not through this proxy")
        }
        Barred::Browser => {
            let hint = "a browser has called the monitor for a page of another origin";
            denied("browser", hint, "Not from a page in a browser")
        }
        Barred::Host => {
            let hint = "the monitor was called by a name that monitor.hosts does not list: add it there, call it by its \
                        address, or set monitor.token";
            denied("host", hint, "Not by this name")
        }
        Barred::NoToken => challenge("A token is needed"),
        Barred::WrongToken => {
            let refusal = front.failures.note(Some(NAME), caller.address).held_up().await;
            gate.tell(barred, caller, "a wrong token was sent to the monitor");
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
