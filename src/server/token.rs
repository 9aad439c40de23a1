//! `POST /token`: OAuth 2.0 client credentials for clients (RFC 6749 §4.4), and metadata about it.
//!
//! Owns the form and the errors. Must not know what a token says.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::account;
use super::authenticate::{basic, is_ambiguous};
use super::body;
use super::callers::Callers;
use super::ews::{Over, request_id};
use super::limits::Caller;
use super::observe::Seen;
use super::refusal::Refusal;
use super::shared::{Shared, SharedState};

/// `POST /token`.
pub(super) async fn token(state: SharedState, caller: Caller, over: Over, request: axum::extract::Request) -> Response {
    let shared = &*state;
    let now = (shared.clock)();
    let (parts, payload) = request.into_parts();
    let form = match body::read(payload, shared.limits.body_bytes.min(MOST_FORM), shared.limits.body_timeout).await {
        Ok(bytes) if !is_form(&parts.headers) && !bytes.is_empty() => {
            return refuse(
                shared,
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "send application/x-www-form-urlencoded",
            );
        }
        Ok(bytes) => Form::parse(&bytes),
        Err(status) => {
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                shared.metrics.limited("-", "body");
            }
            return refuse(shared, status, "invalid_request", "the request's body cannot be read");
        }
    };
    // RFC 6749 §2.3 and §3.2: one way to say who asks, and each parameter once. What another program before the gateway
    // may have read otherwise is not guessed at.
    let Some(form) = form else {
        return refuse(shared, StatusCode::BAD_REQUEST, "invalid_request", "a parameter is there more than once");
    };
    if is_ambiguous(&parts.headers) {
        return refuse(shared, StatusCode::UNAUTHORIZED, "invalid_client", "there are several Authorization headers");
    }
    let Some(readings) = Readings::of(basic(&parts.headers), form.credentials()) else {
        return refuse(shared, StatusCode::UNAUTHORIZED, "invalid_client", "client_id and client_secret are required");
    };
    if !readings.agree_with(&form) {
        let text = "the form and the Authorization header name different clients or secrets";
        return refuse(shared, StatusCode::BAD_REQUEST, "invalid_request", text);
    }
    if !matches!(form.grant_type.as_deref(), None | Some("" | "client_credentials")) {
        let text = "grant_type must be client_credentials";
        return refuse(shared, StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
    }
    let callers = Callers::new(&shared.clients, over.certificate((shared.clock)()));
    let known = shared.logins.verify(&callers, &readings.pairs(), caller.address).await;
    if known.is_err() {
        callers.tell(&shared.metrics, caller.address);
    }
    let known = match known {
        Ok(known) => known,
        Err(Refusal::TooOften | Refusal::Busy) => {
            tracing::warn!(address = %caller.address, "too many log-ins at /token");
            shared.metrics.limited("-", "authentication");
            return too_many();
        }
        Err(Refusal::Missing | Refusal::Challenged(_) | Refusal::Outdated | Refusal::Wrong) => {
            tracing::warn!(address = %caller.address, "wrong client id or secret at /token");
            return refuse(shared, StatusCode::UNAUTHORIZED, "invalid_client", "client id or secret is wrong");
        }
    };
    let client = &*known.client;
    if !client.policy.token_networks.admit(caller.address) {
        tracing::warn!(client = client.id, address = %caller.address, "the client's token_networks do not admit this address");
        // Nothing is given: it is refused whether that can be written or not.
        account::token(shared, client, caller, request_id(&parts.extensions), "network").await;
        return refuse(shared, StatusCode::FORBIDDEN, "unauthorized_client", "not from this network");
    }
    if let Err(beyond) = shared.gates.enter(client) {
        shared.metrics.limited(&client.id, beyond.limit);
        return too_many();
    }
    if !account::token(shared, client, caller, request_id(&parts.extensions), "ok").await {
        return too_many();
    }
    let Some(access_token) = shared.tokens.issue(&known, client.certificate_name(callers.shown()), now) else {
        return refuse(shared, StatusCode::INTERNAL_SERVER_ERROR, "server_error", "no signing key");
    };
    shared.metrics.token("issued");
    let answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": shared.tokens.lifetime().as_secs(),
    });
    let mut response = (NOT_STORED, Json(answer)).into_response();
    response.extensions_mut().insert(Seen::route("token", "ok").by(client));
    response
}

/// Authorization server metadata (RFC 8414).
pub(super) async fn metadata(state: SharedState) -> Json<serde_json::Value> {
    let issuer = state.tokens.issuer();
    Json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
    }))
}

/// The form that callers post; whatever `scope`, `resource` or `audience` it asks for is not read.
#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
}

impl Form {
    /// Reads a form; `None` where a parameter of the RFC's is there more than once. Without a value it counts as left out.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut form = Self::default();
        let mut has_scope = false;
        for (name, value) in url::form_urlencoded::parse(bytes).filter(|(_, value)| !value.is_empty()) {
            let is_again = match &*name {
                "client_id" => form.client_id.replace(value.into_owned()).is_some(),
                "client_secret" => form.client_secret.replace(SecretString::from(value.into_owned())).is_some(),
                "grant_type" => form.grant_type.replace(value.into_owned()).is_some(),
                "scope" => std::mem::replace(&mut has_scope, true),
                _ => false,
            };
            if is_again {
                return None;
            }
        }
        Some(form)
    }

    fn credentials(&self) -> Option<(String, SecretString)> {
        self.client_id.clone().zip(self.client_secret.clone())
    }
}

/// A client's id and secret, in the ways in which they may be meant.
struct Readings(Vec<(String, SecretString)>);

impl Readings {
    /// In the header they are form-encoded (RFC 6749 §2.3.1), which many clients do not know.
    fn of(header: Option<(String, SecretString)>, form: Option<(String, SecretString)>) -> Option<Self> {
        let Some((id, secret)) = header else { return form.map(|pair| Self(vec![pair])) };
        let meant = form_decoded(&id).zip(form_decoded(secret.expose_secret()));
        let meant = meant.filter(|(other_id, other)| *other_id != id || other != secret.expose_secret());
        let meant = meant.map(|(id, secret)| (id, SecretString::from(secret)));
        Some(Self(meant.into_iter().chain([(id, secret)]).collect()))
    }

    /// Whether a form says nothing else about who asks; some clients say it in both places.
    fn agree_with(&self, form: &Form) -> bool {
        self.0.iter().any(|(id, secret)| {
            let is_id = form.client_id.as_ref().is_none_or(|other| other == id);
            let other = form.client_secret.as_ref();
            is_id && other.is_none_or(|other| other.expose_secret() == secret.expose_secret())
        })
    }

    fn pairs(&self) -> Vec<(&str, &SecretString)> {
        self.0.iter().map(|(id, secret)| (id.as_str(), secret)).collect()
    }
}

/// Whether a body is said to be a form, or nothing is said.
fn is_form(headers: &HeaderMap) -> bool {
    let media_type =
        |value: &HeaderValue| value.to_str().ok().and_then(|text| text.split(';').next()).map(str::to_owned);
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        media_type(value).is_some_and(|text| text.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    })
}

fn form_decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text).decode_utf8().ok().map(Into::into)
}

/// An error as RFC 6749 §5.2 has it.
fn refuse(shared: &Shared, status: StatusCode, error: &'static str, description: &'static str) -> Response {
    shared.metrics.token(error);
    let body = Json(json!({ "error": error, "error_description": description }));
    let mut response = (status, NOT_STORED, body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(r#"Basic realm="calendar-relay", charset="UTF-8""#),
        );
        response.headers_mut().extend(headers);
    }
    response.extensions_mut().insert(Seen::route("token", error));
    response
}

fn too_many() -> Response {
    let body = Json(json!({ "error": "temporarily_unavailable", "error_description": "too many requests" }));
    let mut response = (StatusCode::TOO_MANY_REQUESTS, NOT_STORED, [(header::RETRY_AFTER, "60")], body).into_response();
    response.extensions_mut().insert(Seen::route("token", "limited"));
    response
}

const NOT_STORED: [(header::HeaderName, &str); 2] = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
/// A token request is small.
const MOST_FORM: usize = 64 << 10;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn credentials_in_the_header_are_read_decoded_first_and_then_as_they_are() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), SecretString::from(secret)));
        let read = |header, form| {
            let readings = Readings::of(header, form).unwrap();
            readings.pairs().iter().map(|(id, secret)| format!("{id}:{}", secret.expose_secret())).collect::<Vec<_>>()
        };
        assert_eq!(read(pair("a%40b", "x+y%2B"), pair("c", "d")), ["a@b:x y+", "a%40b:x+y%2B"]);
        assert_eq!(read(pair("DOMAIN\\a", "plain"), None), ["DOMAIN\\a:plain"]);
        assert_eq!(read(pair("a", "%ff"), None), ["a:%ff"]);
        assert_eq!(read(None, pair("c", "d%40")), ["c:d%40"]);
        assert!(Readings::of(None, None).is_none());
    }

    #[test]
    fn parameters_are_there_once_and_what_is_empty_is_not_there() {
        let parse = |text: &str| Form::parse(text.as_bytes());
        for twice in [
            "client_id=a&client_id=a",
            "client_secret=a&client_secret=b",
            "scope=a&scope=b",
            "grant_type=a&grant_type=a",
        ] {
            assert!(parse(twice).is_none(), "{twice}");
        }
        assert!(parse("resource=a&resource=b&client_id=&client_id=a").is_some(), "RFC 8707 §2 has several resources");
        assert!(parse("client_id=a&client_secret=").unwrap().credentials().is_none());
    }

    #[test]
    fn the_header_and_the_form_may_say_the_same() {
        let agree = |header: (&str, &str), form: &str| {
            let (id, secret) = header;
            let readings = Readings::of(Some((id.to_owned(), SecretString::from(secret))), None).unwrap();
            readings.agree_with(&Form::parse(form.as_bytes()).unwrap())
        };
        assert!(
            agree(("a", "s"), "")
                && agree(("a", "s"), "client_id=a")
                && agree(("a", "s"), "client_id=a&client_secret=s")
        );
        assert!(agree(("a%40b", "x%2B"), "client_id=a%40b&client_secret=x%2B"), "decoded in both places");
        assert!(!agree(("a", "s"), "client_id=b") && !agree(("a", "s"), "client_id=a&client_secret=t"));
        assert!(!agree(("a%40b", "x%2B"), "client_id=a%40b&client_secret=x%252B"), "one reading of each");
    }
}
