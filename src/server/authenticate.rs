//! Who calls: Bearer, Basic, NTLM, or what NTLM said before, to a client.
//!
//! Owns the `Authorization` header. Must not know what a client may do.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use secrecy::SecretString;

use super::callers::Callers;
use super::connection::Connection;
use super::handshake::{Step, Token};
use super::limits::Caller;
use super::refusal::{BadToken, Refusal};
use super::shared::Shared;
use crate::client::Client;

/// The client of a request; without credentials, that of the connection. Wrong ones are counted,
/// and any put an end to what the connection was before. A client that needs a certificate is let in
/// only where the connection has shown it.
pub(super) async fn authenticate(
    shared: &Shared,
    headers: &HeaderMap,
    caller: Caller,
    connection: &Connection,
) -> Result<Arc<Client>, Refusal> {
    let certificate = connection.certificate((shared.clock)());
    if !headers.contains_key(header::AUTHORIZATION) {
        let client = connection.client().filter(|client| client.may_show(certificate));
        return client.ok_or(Refusal::Missing);
    }
    connection.belongs_to_nobody();
    if is_ambiguous(headers) {
        return Err(Refusal::Missing);
    }
    let callers = Callers::new(&shared.clients, certificate);
    let client = identify(shared, &callers, headers, caller, connection).await;
    if client.is_err() {
        callers.tell(&shared.metrics, caller.address);
    }
    client
}

async fn identify(
    shared: &Shared,
    callers: &Callers<'_>,
    headers: &HeaderMap,
    caller: Caller,
    connection: &Connection,
) -> Result<Arc<Client>, Refusal> {
    if let Some((handshakes, token)) = shared.handshakes.as_ref().zip(Token::of(headers)) {
        let (address, now) = (caller.address, (shared.clock)());
        return handshakes.take(Step { callers, token: &token, headers, address, connection, now }).await;
    }
    if let Some(token) = bearer(headers) {
        let claims = match shared.tokens.verify(token, (shared.clock)()) {
            Ok(claims) => claims,
            // Whoever comes with an old token, perhaps with many requests at once, guesses nothing.
            Err(BadToken::Outdated) => return Err(Refusal::Outdated),
            Err(BadToken::Forged) => return Err(shared.failures.note(Some(TOKENS), caller.address).held_up().await),
        };
        // A client that was removed has no tokens any more.
        let client = callers.named(&claims.sub).ok_or(Refusal::Outdated)?;
        return claims.hold_for(client, callers).then(|| Arc::clone(client)).ok_or(Refusal::Outdated);
    }
    let (name, secret) = basic(headers).ok_or(Refusal::Missing)?;
    // Google and Outlook may put the domain first, as Windows does.
    let name = name.rsplit_once('\\').map_or(&*name, |(_, name)| name);
    Ok(shared.logins.verify(callers, &[(name, &secret)], caller.address).await?.client)
}

/// Whether there are several `Authorization` headers: programs before the gateway may have looked at another one.
pub(super) fn is_ambiguous(headers: &HeaderMap) -> bool {
    headers.get_all(header::AUTHORIZATION).iter().nth(1).is_some()
}

/// The schemes by which somebody can log in, as a 401 lists them.
pub(super) fn schemes(shared: &Shared) -> impl Iterator<Item = HeaderValue> {
    // Tokens are given for secrets and passwords too.
    let by_password = shared.clients.iter().any(|client| !client.secrets.is_empty() || !client.passwords.is_empty());
    let listed = [(BASIC, by_password), (BEARER, by_password), (NTLM, shared.handshakes.is_some())];
    listed.into_iter().filter(|(_, is_listed)| *is_listed).map(|(scheme, _)| scheme)
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

/// How forged tokens are named among failed log-ins: no word in them is believed.
const TOKENS: &str = "(tokens)";
const BASIC: HeaderValue = HeaderValue::from_static(r#"Basic realm="calendar-relay""#);
pub(super) const BEARER: HeaderValue = HeaderValue::from_static(r#"Bearer realm="calendar-relay""#);
const NTLM: HeaderValue = HeaderValue::from_static("NTLM");

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
