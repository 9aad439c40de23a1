//! `POST /token`: OAuth 2.0 client credentials for clients (RFC 6749 §4.4), and the tokens
//! themselves.
//!
//! Owns what a token says and which keys sign it. Must not know what a client may do.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::authenticate::basic;
use super::body;
use super::limits::Caller;
use super::observe::Seen;
use super::refusal::{BadToken, Refusal};
use super::{Shared, SharedState};
use crate::client::Client;

/// Issues and verifies tokens: signed JWTs (RFC 7519), HS256, bound to issuer and audience.
pub struct Tokens {
    keys: Vec<Key>,
    issuer: String,
    lifetime: Duration,
    validation: Validation,
}

struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// What a token says.
#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The client's id.
    sub: String,
    client_id: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl Tokens {
    /// `keys` are ids and secrets; the first signs, all verify. `issuer` is also the audience.
    #[must_use]
    pub fn new(keys: &[(String, SecretString)], issuer: &str, lifetime: Duration) -> Self {
        let keys = keys.iter().map(|(id, secret)| {
            let secret = secret.expose_secret().as_bytes();
            let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
            Key { id: id.clone(), encoding, decoding }
        });
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[issuer]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        // Times are checked below against the time that the request came in.
        validation.validate_exp = false;
        Self { keys: keys.collect(), issuer: issuer.to_owned(), lifetime, validation }
    }

    /// A new token for a client.
    fn issue(&self, client: &Client, now: Timestamp) -> Option<String> {
        let key = self.keys.first()?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key.id.clone());
        let now = now.as_second();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: client.id.clone(),
            client_id: client.id.clone(),
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(self.lifetime.as_secs()),
            jti: Uuid::new_v4().to_string(),
        };
        jsonwebtoken::encode(&header, &claims, &key.encoding).ok()
    }

    /// The id of the client to whom a token was issued, if it is ours and holds at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<String, BadToken> {
        let claims = self.claims(token).ok_or(BadToken::Forged)?;
        let now = now.as_second();
        let holds = claims.exp > now && claims.nbf <= now + CLOCK_SKEW;
        if holds { Ok(claims.sub) } else { Err(BadToken::Outdated) }
    }

    /// What a token says, if it is ours.
    fn claims(&self, token: &str) -> Option<Claims> {
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        Some(jsonwebtoken::decode(token, &key.decoding, &self.validation).ok()?.claims)
    }
}

/// Replicas may share keys and yet not the exact time.
const CLOCK_SKEW: i64 = 60;

/// `POST /token`.
pub(super) async fn token(state: SharedState, caller: Caller, request: axum::extract::Request) -> Response {
    let shared = &*state;
    let now = (shared.clock)();
    let (parts, payload) = request.into_parts();
    let form = match body::read(payload, shared.limits.body_bytes.min(MOST_FORM), shared.limits.body_timeout).await {
        Ok(bytes) => Form::parse(&bytes),
        Err(status) => {
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                shared.metrics.limited("-", "body");
            }
            return refuse(shared, status, "invalid_request", "the request's body cannot be read");
        }
    };
    let Some(readings) = Readings::of(basic(&parts.headers), form.credentials) else {
        return refuse(shared, StatusCode::UNAUTHORIZED, "invalid_client", "client_id and client_secret are required");
    };
    if !matches!(form.grant_type.as_deref(), None | Some("" | "client_credentials")) {
        let text = "grant_type must be client_credentials";
        return refuse(shared, StatusCode::BAD_REQUEST, "unsupported_grant_type", text);
    }
    let client = match shared.logins.verify(&shared.clients, &readings.pairs(), caller.address).await {
        Ok(client) => client,
        Err(Refusal::TooOften | Refusal::Busy) => {
            tracing::warn!(address = %caller.address, "too many log-ins at /token");
            shared.metrics.limited("-", "authentication");
            return too_many();
        }
        Err(Refusal::Missing | Refusal::Outdated | Refusal::Wrong) => {
            tracing::warn!(address = %caller.address, "wrong client id or secret at /token");
            return refuse(shared, StatusCode::UNAUTHORIZED, "invalid_client", "client id or secret is wrong");
        }
    };
    if !client.policy.token_networks.admit(caller.address) {
        tracing::warn!(client = client.id, address = %caller.address, "the client's token_networks do not admit this address");
        return refuse(shared, StatusCode::FORBIDDEN, "unauthorized_client", "not from this network");
    }
    if let Err(beyond) = shared.gates.enter(&client) {
        shared.metrics.limited(&client.id, beyond.limit);
        return too_many();
    }
    let Some(access_token) = shared.tokens.issue(&client, now) else {
        return refuse(shared, StatusCode::INTERNAL_SERVER_ERROR, "server_error", "no signing key");
    };
    shared.metrics.token("issued");
    let answer = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": shared.tokens.lifetime.as_secs(),
    });
    let mut response = (NOT_STORED, Json(answer)).into_response();
    response.extensions_mut().insert(Seen::route("token", "ok").by(&client));
    response
}

/// Authorization server metadata (RFC 8414).
pub(super) async fn metadata(state: SharedState) -> Json<serde_json::Value> {
    let issuer = &state.tokens.issuer;
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
    credentials: Option<(String, SecretString)>,
}

impl Form {
    fn parse(bytes: &[u8]) -> Self {
        let (mut id, mut secret, mut grant_type) = (None, None, None);
        for (name, value) in url::form_urlencoded::parse(bytes) {
            match &*name {
                "client_id" => id = Some(value.into_owned()),
                "client_secret" => secret = Some(SecretString::from(value.into_owned())),
                "grant_type" => grant_type = Some(value.into_owned()),
                _ => {}
            }
        }
        Self { grant_type, credentials: id.zip(secret) }
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

    fn pairs(&self) -> Vec<(&str, &SecretString)> {
        self.0.iter().map(|(id, secret)| (id.as_str(), secret)).collect()
    }
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::client::{Ceiling, Policy};

    fn client() -> Client {
        Client::without_login("c", Policy::unlimited(&[], &[], Ceiling::Time))
    }

    fn tokens(keys: &[(&str, &str)], issuer: &str) -> Tokens {
        let keys: Vec<_> = keys.iter().map(|(id, secret)| ((*id).to_owned(), SecretString::from(*secret))).collect();
        Tokens::new(&keys, issuer, Duration::from_secs(3600))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const OLD: (&str, &str) = ("old", "0123456789abcdef0123456789abcdef");
    const NEW: (&str, &str) = ("new", "fedcba9876543210fedcba9876543210");

    #[test]
    fn a_token_holds_for_its_lifetime_and_over_a_rotation_of_keys() {
        let token = tokens(&[OLD], "https://a").issue(&client(), at(1000)).unwrap();
        let rotated = tokens(&[NEW, OLD], "https://a");
        assert_eq!(rotated.verify(&token, at(1000)).as_deref(), Ok("c"));
        assert_eq!(rotated.verify(&token, at(4599)).as_deref(), Ok("c"));
        assert_eq!(rotated.verify(&token, at(4600)), Err(BadToken::Outdated));
        assert_eq!(rotated.verify(&token, at(900)), Err(BadToken::Outdated));
        assert_eq!(tokens(&[NEW], "https://a").verify(&token, at(1000)), Err(BadToken::Forged));
    }

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
    fn forged_unsigned_and_foreign_tokens_are_refused() {
        let ours = tokens(&[OLD], "https://a");
        let token = ours.issue(&client(), at(1000)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"old"}"#);
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        let other = URL_SAFE_NO_PAD.encode(claims.replace(r#""sub":"c""#, r#""sub":"d""#));
        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{}.{other}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            assert_eq!(ours.verify(&forged, at(1000)), Err(BadToken::Forged), "{forged}");
        }
        assert_eq!(tokens(&[OLD], "https://b").verify(&token, at(1000)), Err(BadToken::Forged));
        let stolen_id = tokens(&[("old", NEW.1)], "https://a").issue(&client(), at(1000)).unwrap();
        assert_eq!(ours.verify(&stolen_id, at(1000)), Err(BadToken::Forged));
    }
}
