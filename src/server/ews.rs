//! `POST /` and `POST /EWS/Exchange.asmx`: HTTP to SOAP and back, nothing else.
//!
//! Owns content types, statuses and challenges. Must not know any EWS element.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::time::Instant;
use uuid::Uuid;

use super::account::Account;
use super::authenticate::{BEARER, authenticate, schemes};
use super::body::{self, Packed};
use super::connection::Connection;
use super::limits::{A_MOMENT, Beyond, Caller};
use super::observe::Seen;
use super::refusal::{Leg, Refusal};
use super::shared::{Shared, SharedState};
use super::streaming::Streamed;
use crate::client::Client;
use crate::ews::fault::Family;
use crate::ews::{self, Answer, Reply};
use crate::failure::Failure;
use crate::journal::Journal;

/// The connection that a request came over.
pub(super) type Over = Extension<Arc<Connection>>;

/// A SOAP request.
pub(super) async fn soap(state: SharedState, caller: Caller, over: Over, request: Request) -> Response {
    let shared = &*state;
    let (parts, payload) = request.into_parts();
    let client = authenticate(shared, &parts.headers, caller, &over).await;
    let client = match admit(shared, client, caller) {
        Ok(client) => client,
        Err(response) => {
            // Read to its end, so that the connection can go on; nobody unknown has it kept.
            body::discard(payload, shared.limits.body_bytes, shared.limits.body_timeout).await;
            return *response;
        }
    };
    let body = body::read(payload, shared.limits.body_bytes, shared.limits.body_timeout).await;
    let (request_id, headers) = (request_id(&parts.extensions), &parts.headers);
    let body = match body.and_then(|body| check(body, headers, shared.limits.body_bytes)) {
        Ok(body) => body,
        Err(status) => {
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                shared.metrics.limited(&client.id, "body");
            }
            return text(status, reason(status)).seen(Seen::route("soap", "unreadable").by(&client));
        }
    };
    let place = match shared.gates.enter(&client) {
        Ok(place) => place,
        Err(Beyond { limit, retry_after }) => {
            shared.metrics.limited(&client.id, limit);
            let failure = Failure::Busy { retry_after };
            return answer(shared, Reply::fault("-", Family::PerItem, failure), Seen::by_client(&client));
        }
    };
    if shared.is_draining() {
        let failure = Failure::Busy { retry_after: WHILE_DRAINING };
        return answer(shared, Reply::fault("-", Family::PerItem, failure), Seen::by_client(&client));
    }
    let deadline = Instant::now() + shared.limits.deadline;
    let journal = Journal::new(request_id, (shared.clock)(), deadline);
    let account = match Account::open(&state, &client, caller, journal).await {
        Ok(account) => account,
        Err(failure) => return answer(shared, Reply::fault("-", Family::PerItem, failure), Seen::by_client(&client)),
    };
    let journal = Arc::clone(account.journal());
    let reply = reply(shared, &body, &client, &journal).await;
    drop(place);
    let reply = account.close(reply);
    answer(shared, reply, Seen::by_client(&client).with(journal))
}

/// `GET` on the same addresses: Outlook and others look there before they send credentials, and
/// must be challenged.
pub(super) async fn probe(state: SharedState, caller: Caller, over: Over, request: Request) -> Response {
    let client = authenticate(&state, request.headers(), caller, &over).await;
    match admit(&state, client, caller) {
        Ok(client) => text(StatusCode::OK, "This is an Exchange Web Services address. Send SOAP requests with POST.\n")
            .seen(Seen::route("probe", "ok").by(&client)),
        Err(response) => *response,
    }
}

/// `GET /EWS/Services.wsdl` and its like, which the gateway does not hand out.
pub(super) async fn no_such_file() -> Response {
    text(
        StatusCode::NOT_FOUND,
        "The gateway hands out no WSDL or schema files: give your SOAP library the ones that came with it or with your Exchange server.\n",
    )
    .seen(Seen::route("file", "not_found"))
}

/// The client, if it may call from here; else the refusal.
fn admit(shared: &Shared, client: Result<Arc<Client>, Refusal>, caller: Caller) -> Result<Arc<Client>, Box<Response>> {
    match client {
        Ok(client) if client.policy.networks.admit(caller.address) => Ok(client),
        Ok(client) => {
            tracing::warn!(client = client.id, address = %caller.address, "the client's networks do not admit this address");
            shared.metrics.denied(&client.id, "network");
            let response = text(StatusCode::FORBIDDEN, "Not from this network.\n");
            Err(Box::new(response.seen(Seen::route("soap", "network").by(&client))))
        }
        Err(Refusal::Missing) => Err(Box::new(challenge(shared, "missing"))),
        Err(Refusal::Challenged(leg)) => Err(Box::new(next_leg(*leg))),
        Err(Refusal::Outdated) => Err(Box::new(challenge(shared, "outdated"))),
        Err(Refusal::Wrong) => {
            tracing::warn!(address = %caller.address, "wrong credentials");
            Err(Box::new(challenge(shared, "wrong")))
        }
        Err(refusal @ (Refusal::TooOften | Refusal::Busy)) => {
            tracing::warn!(address = %caller.address, "too many log-ins");
            shared.metrics.limited("-", "authentication");
            let retry_after = if refusal == Refusal::Busy { A_MOMENT } else { AFTER_FAILURES };
            let reply = Reply::fault("-", Family::PerItem, Failure::Busy { retry_after });
            Err(Box::new(answer(shared, reply, Seen::route("soap", "limited"))))
        }
    }
}

/// The request as text, if it is some.
fn check(body: Bytes, headers: &HeaderMap, limit: usize) -> Result<Bytes, StatusCode> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("text/xml");
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(media_type.as_str(), "text/xml" | "application/xml" | "text/plain") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    body::unpack(body, encoding, limit).map_err(|packed| match packed {
        Packed::Broken => StatusCode::BAD_REQUEST,
        Packed::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        Packed::Unknown => StatusCode::UNSUPPORTED_MEDIA_TYPE,
    })
}

/// The reply in time, whatever happens.
async fn reply(shared: &Shared, body: &[u8], client: &Arc<Client>, journal: &Journal) -> Reply {
    let Ok(document) = std::str::from_utf8(body) else {
        return Reply::fault("-", Family::PerItem, Failure::Malformed);
    };
    let dispatch = AssertUnwindSafe(ews::dispatch(document, client, &shared.services, journal)).catch_unwind();
    match tokio::time::timeout_at(journal.deadline + GRACE, dispatch).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => Reply::fault("-", Family::PerItem, Failure::Internal),
        Err(_) => Reply::fault("-", Family::PerItem, Failure::TimedOut),
    }
}

/// A reply as an HTTP response: faults go out as 500, which SOAP 1.1 §6.2 wants and clients need.
fn answer(shared: &Shared, reply: Reply, seen: Seen) -> Response {
    let status = if reply.failure.is_some() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    let outcome = reply.failure.as_ref().map_or("ok", Failure::label);
    let headers = [(header::CONTENT_TYPE, XML), (header::CACHE_CONTROL, PRIVATE)];
    let mut response = match reply.answer {
        Answer::Whole(envelope) => (status, headers, envelope).into_response(),
        Answer::Stream(pieces) => {
            let body = Body::from_stream(pieces.map(|piece| Ok::<_, Infallible>(piece.envelope)));
            (status, headers, [(NO_BUFFERING, ONE)], Extension(Streamed), body).into_response()
        }
    };
    if shared.is_draining() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.seen(seen.operation(reply.operation, outcome))
}

/// 401, with every scheme by which somebody could log in, each in a line of its own.
fn challenge(shared: &Shared, outcome: &'static str) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    let headers = response.headers_mut();
    for scheme in schemes(shared) {
        if scheme == BEARER {
            // exchangelib understands Bearer only by this header.
            headers.insert(DIAGNOSTICS, HeaderValue::from_static("Modern Auth"));
        }
        headers.append(header::WWW_AUTHENTICATE, scheme);
    }
    response.seen(Seen::route("challenge", outcome))
}

/// 401 with the gateway's own message, on which the client goes on.
fn next_leg(leg: Leg) -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    let lines = [(header::WWW_AUTHENTICATE, Some(leg.challenge)), (header::SET_COOKIE, leg.cookie)];
    for (name, line) in lines {
        response.headers_mut().extend(line.and_then(|line| HeaderValue::try_from(line).ok()).map(|line| (name, line)));
    }
    response.seen(Seen::route("challenge", "next_leg"))
}

/// A short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text).into_response()
}

fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "The request is too long.\n",
        StatusCode::REQUEST_TIMEOUT => "The request took too long to arrive.\n",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Send text/xml, plain or packed with gzip.\n",
        _ => "The request's body cannot be read.\n",
    }
}

pub(super) fn request_id(extensions: &http::Extensions) -> Uuid {
    extensions.get::<Uuid>().copied().unwrap_or_else(Uuid::new_v4)
}

/// Leaves a note for the access line.
trait Noted {
    fn seen(self, seen: Seen) -> Self;
}

impl Noted for Response {
    fn seen(mut self, seen: Seen) -> Self {
        self.extensions_mut().insert(seen);
        self
    }
}

const XML: HeaderValue = HeaderValue::from_static("text/xml; charset=utf-8");
const PRIVATE: HeaderValue = HeaderValue::from_static("private");
/// Exchange says so to the proxies before it.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-nobuffering");
const ONE: HeaderValue = HeaderValue::from_static("1");
const DIAGNOSTICS: HeaderName = HeaderName::from_static("ms-diagnostics-public");
/// Operations watch the deadline themselves; this is for one that does not.
const GRACE: Duration = Duration::from_millis(500);
/// Another replica, or the next process, should be there by then.
const WHILE_DRAINING: Duration = Duration::from_secs(5);
/// The failures that an address may have are counted by the minute.
const AFTER_FAILURES: Duration = Duration::from_secs(60);
