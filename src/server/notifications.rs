//! `POST /graph/notifications` and `/graph/lifecycle`: Graph tells of changes by itself.
//! <https://learn.microsoft.com/graph/change-notifications-delivery-webhooks>
//!
//! Anybody may post here. Nothing is answered that was not sent, and nothing done but for who knows
//! a secret that Graph was given; a look at a calendar is all that it can bring about. Must not know
//! what notices mean.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::body;
use super::observe::Seen;
use super::shared::SharedState;

/// A post of Graph's, or of somebody who pretends to be Graph.
pub(super) async fn notified(state: SharedState, request: Request) -> Response {
    let shared = &*state;
    if !shared.services.changes.takes_notices() {
        return seen(StatusCode::NOT_FOUND.into_response(), "unexpected");
    }
    if let Some(token) = validation_token(&request) {
        // Graph wants to see it back before it sends anything, within ten seconds.
        let headers = [(header::CONTENT_TYPE, PLAIN), (NO_SNIFFING, HeaderValue::from_static("nosniff"))];
        return seen((StatusCode::OK, headers, token).into_response(), "validated");
    }
    match body::read(request.into_body(), MOST_BYTES, shared.limits.body_timeout).await {
        Ok(body) if shared.services.changes.notified(&body) => seen(StatusCode::ACCEPTED.into_response(), "ok"),
        Ok(_) => seen(StatusCode::BAD_REQUEST.into_response(), "unreadable"),
        Err(status) => seen(status.into_response(), "unreadable"),
    }
}

fn validation_token(request: &Request) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, token) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("validationToken"))?;
    (token.len() <= LONGEST_TOKEN).then(|| token.into_owned())
}

fn seen(mut response: Response, outcome: &'static str) -> Response {
    response.extensions_mut().insert(Seen::route("notifications", outcome));
    response
}

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_SNIFFING: HeaderName = HeaderName::from_static("x-content-type-options");
/// Graph posts many notices together, each of them below a kilobyte.
const MOST_BYTES: usize = 1 << 20;
const LONGEST_TOKEN: usize = 4096;
