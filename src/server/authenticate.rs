//! Who calls: Bearer or Basic to a client.
//!
//! Owns the `Authorization` header. Must not know what a client may do.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use secrecy::SecretString;

use super::limits::Caller;
use super::refusal::{BadToken, Refusal};
use super::shared::Shared;
use crate::client::Client;

/// The client of a request. Wrong credentials are counted.
pub(super) async fn authenticate(shared: &Shared, headers: &HeaderMap, caller: Caller) -> Result<Arc<Client>, Refusal> {
    if let Some(token) = bearer(headers) {
        let claims = match shared.tokens.verify(token, (shared.clock)()) {
            Ok(claims) => claims,
            // Whoever comes with an old token, perhaps with many requests at once, guesses nothing.
            Err(BadToken::Outdated) => return Err(Refusal::Outdated),
            Err(BadToken::Forged) => return Err(shared.gates.note_failure(caller.address)),
        };
        // A client that was removed has no tokens any more.
        return shared
            .clients
            .named(&claims.sub)
            .filter(|client| client.id == claims.sub)
            .cloned()
            .ok_or(Refusal::Outdated);
    }
    let (name, secret) = basic(headers).ok_or(Refusal::Missing)?;
    // Google and Outlook may put the domain first, as Windows does.
    let name = name.rsplit_once('\\').map_or(&*name, |(_, name)| name);
    shared.logins.verify(&shared.clients, &[(name, &secret)], caller.address).await
}

/// The user name and password of an `Authorization: Basic` header (RFC 7617).
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, SecretString)> {
    let decoded = STANDARD.decode(scheme(headers, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, secret) = text.split_once(':')?;
    Some((name.to_owned(), SecretString::from(secret)))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    scheme(headers, "bearer")
}

fn scheme<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn basic_credentials_may_hold_colons_and_a_domain() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, format!("BASIC {}", STANDARD.encode(text)).parse().unwrap());
            basic(&headers).map(|(name, secret)| (name, secret.expose_secret().to_owned()))
        };
        assert_eq!(with("u@x:p:q"), Some(("u@x".to_owned(), "p:q".to_owned())));
        assert_eq!(with("DOMAIN\\u:é"), Some(("DOMAIN\\u".to_owned(), "é".to_owned())));
        assert_eq!(with("nothing"), None);
    }
}
