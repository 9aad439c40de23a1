//! The assertion that an application signs with its certificate's key.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
//!
//! Owns what it says. Must not know where keys come from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header};
use secrecy::SecretString;
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::keys::Key;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Signs an assertion for the token endpoint `audience`.
///
/// # Errors
/// A text for the operator, for a key that cannot sign.
pub(super) fn sign(key: &Key, client_id: &str, audience: &Url, now: Timestamp) -> Result<SecretString, String> {
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(key.thumbprint));
    let second = now.as_second();
    let claims = Claims {
        aud: audience.as_str(),
        iss: client_id,
        sub: client_id,
        jti: Uuid::new_v4().to_string(),
        iat: second,
        // Clocks differ by some seconds.
        nbf: second - SKEW,
        exp: second + LIFE,
    };
    let signed = jsonwebtoken::encode(&header, &claims, &key.signing);
    signed.map(SecretString::from).map_err(|error| format!("the key cannot sign: {error}"))
}

/// Seconds that an assertion holds: as short as Microsoft advises, five to ten minutes.
const LIFE: i64 = 300;
const SKEW: i64 = 30;
