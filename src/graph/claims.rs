//! What an access token says of itself. Microsoft asks nobody to depend on it: it is taken for a hint, never for a proof,
//! and a token that cannot be read is as good as any other.
//! <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
//!
//! Owns the claims' names. Must not know what they are compared with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

/// A token's claims, as far as they are of use; none of them is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    /// Application permissions; none when the token has no such claim.
    pub(super) roles: Vec<String>,
    /// The application.
    pub(super) application: Option<String>,
    /// The tenant.
    pub(super) tenant: Option<String>,
    /// Whom it is for: an origin or an application's id.
    pub(super) audience: Option<String>,
    /// How the application proved who it is: `1` a secret, `2` an assertion.
    pub(super) proof: Option<String>,
    /// When it ends.
    pub(super) expires: Option<Timestamp>,
}

impl Claims {
    /// Reads a token; `None` for one that is opaque, or whose roles are no list of names.
    pub(super) fn read(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        let claims = claims.as_object()?;
        let roles = match claims.get("roles") {
            None => Vec::new(),
            Some(roles) => {
                roles.as_array()?.iter().map(|role| Some(role.as_str()?.to_owned())).collect::<Option<_>>()?
            }
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            roles,
            application: text("appid").or_else(|| text("azp")),
            tenant: text("tid"),
            audience: text("aud"),
            proof: text("appidacr").or_else(|| text("azpacr")),
            expires: claims.get("exp").and_then(Value::as_i64).and_then(|second| Timestamp::from_second(second).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn token(payload: &str) -> String {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn what_is_there_is_read_and_what_is_not_is_left_out() {
        let text = r#"{"roles":["A","B"],"appid":"c","tid":"t","aud":"https://graph.example","appidacr":"2","exp":60}"#;
        let claims = Claims::read(&token(text)).unwrap();
        assert_eq!((claims.roles, claims.application), (vec!["A".to_owned(), "B".to_owned()], Some("c".to_owned())));
        assert_eq!((claims.proof.as_deref(), claims.expires), (Some("2"), Timestamp::from_second(60).ok()));
        let bare = Claims::read(&token(r#"{"exp":"soon"}"#)).unwrap();
        assert!(bare.roles.is_empty() && bare.application.is_none() && bare.expires.is_none());
    }

    #[test]
    fn a_token_that_cannot_be_read_says_nothing() {
        let odd = [r#"{"roles":"A"}"#, r#"{"roles":[1]}"#, "[]", "no json"].map(token);
        for token in odd.iter().map(String::as_str).chain(["opaque", "", "a.b", "a.%%.c"]) {
            assert_eq!(Claims::read(token), None, "{token}");
        }
    }
}
