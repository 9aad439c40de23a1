//! Tokens of clients: signed JWTs (RFC 7519).
//!
//! Owns what a token says and which keys sign it. Must not know HTTP, nor what a client may do.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::refusal::BadToken;
use crate::client::Client;

/// Issues and verifies tokens: signed JWTs (RFC 7519), HS256, bound to issuer and audience.
pub struct Tokens {
    keys: Vec<Key>,
    issuer: String,
    lifetime: Duration,
    validation: Validation,
    /// What was verified before, by the SHA-256 of the token: clients send one token many times.
    verified: Cache<[u8; 32], Arc<Claims>>,
}

struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// What a token says.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    /// The client's id.
    pub(super) sub: String,
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
        let verified = Cache::builder().max_capacity(REMEMBERED).time_to_live(lifetime).build();
        Self { keys: keys.collect(), issuer: issuer.to_owned(), lifetime, validation, verified }
    }

    /// Who issues the tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How long a token holds.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A new token for a client.
    pub(super) fn issue(&self, client: &Client, now: Timestamp) -> Option<String> {
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

    /// What a token says, if it is ours and holds at `now`.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, BadToken> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let claims = match self.verified.get(&digest) {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.claims(token).ok_or(BadToken::Forged)?);
                self.verified.insert(digest, Arc::clone(&claims));
                claims
            }
        };
        let now = now.as_second();
        let holds = claims.exp > now && claims.nbf <= now + CLOCK_SKEW;
        if holds { Ok(claims) } else { Err(BadToken::Outdated) }
    }

    /// What a token says, if it is ours.
    fn claims(&self, token: &str) -> Option<Claims> {
        let id = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        Some(jsonwebtoken::decode(token, &key.decoding, &self.validation).ok()?.claims)
    }
}

/// Tokens that are remembered.
const REMEMBERED: u64 = 10_000;
/// Replicas may share keys and yet not the exact time.
const CLOCK_SKEW: i64 = 60;

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

    fn verify(tokens: &Tokens, token: &str, now: Timestamp) -> Result<String, BadToken> {
        tokens.verify(token, now).map(|claims| claims.sub.clone())
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
        assert_eq!(verify(&rotated, &token, at(1000)), Ok("c".to_owned()));
        assert_eq!(verify(&rotated, &token, at(4599)), Ok("c".to_owned()));
        assert_eq!(verify(&rotated, &token, at(4600)), Err(BadToken::Outdated));
        assert_eq!(verify(&rotated, &token, at(900)), Err(BadToken::Outdated));
        assert_eq!(verify(&tokens(&[NEW], "https://a"), &token, at(1000)), Err(BadToken::Forged));
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
            assert_eq!(verify(&ours, &forged, at(1000)), Err(BadToken::Forged), "{forged}");
        }
        assert_eq!(verify(&tokens(&[OLD], "https://b"), &token, at(1000)), Err(BadToken::Forged));
        let stolen_id = tokens(&[("old", NEW.1)], "https://a").issue(&client(), at(1000)).unwrap();
        assert_eq!(verify(&ours, &stolen_id, at(1000)), Err(BadToken::Forged));
    }
}
