//! Who calls: Bearer or Basic to a client.
//!
//! Owns the verification of secrets: in constant time, at the same cost for unknown users, and no
//! more of it at once than the machine can bear. Must not know what a client may do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::Shared;
use super::limits::{Caller, Gates};
use crate::client::{Client, Clients};

/// Why a request has no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credentials.
    Missing,
    /// Wrong ones.
    Wrong,
}

/// The client of a request.
pub(super) async fn authenticate(shared: &Shared, headers: &HeaderMap, caller: Caller) -> Result<Arc<Client>, Refusal> {
    if let Some(token) = bearer(headers) {
        let id = shared.tokens.verify(token, (shared.clock)()).ok_or(Refusal::Wrong)?;
        // A client that was removed has no tokens any more.
        return shared.clients.named(&id).filter(|client| client.id == id).cloned().ok_or(Refusal::Wrong);
    }
    let (name, secret) = basic(headers).ok_or(Refusal::Missing)?;
    shared.logins.verify(&shared.clients, &name, &secret, caller.address).await.ok_or(Refusal::Wrong)
}

/// The user name and password of an `Authorization: Basic` header (RFC 7617).
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, SecretString)> {
    let decoded = STANDARD.decode(scheme(headers, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, secret) = text.split_once(':')?;
    // Google and Outlook may put the domain first, as Windows does.
    let name = name.rsplit_once('\\').map_or(name, |(_, name)| name);
    Some((name.to_owned(), SecretString::from(secret)))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    scheme(headers, "bearer")
}

fn scheme<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

/// Verifies names and secrets.
pub struct Logins {
    /// Passwords being verified.
    checks: Semaphore,
    /// Passwords that were right, under a key that dies with the process.
    remembered: Cache<[u8; 32], ()>,
    key: [u8; 32],
    /// What a password is verified against when there is none; nothing if no client has one.
    decoy: Option<String>,
    gates: Arc<Gates>,
}

impl Logins {
    /// `checks` passwords may be verified at once.
    #[must_use]
    pub fn new(clients: &Clients, checks: usize, gates: Arc<Gates>) -> Self {
        let has_passwords = clients.iter().any(|client| !client.passwords.is_empty());
        let decoy = || Argon2::default().hash_password(&rand::random::<[u8; 16]>()).ok().map(|hash| hash.to_string());
        Self {
            checks: Semaphore::new(checks),
            remembered: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build(),
            key: rand::random(),
            decoy: has_passwords.then(decoy).flatten(),
            gates,
        }
    }

    /// The client with this name and secret.
    pub(super) async fn verify(
        &self,
        clients: &Clients,
        name: &str,
        secret: &SecretString,
        address: IpAddr,
    ) -> Option<Arc<Client>> {
        let client = clients.named(name).cloned();
        let digest: [u8; 32] = Sha256::digest(secret.expose_secret().as_bytes()).into();
        let nobody: &[[u8; 32]] = &[[0; 32]];
        let stored = client.as_ref().map_or(nobody, |client| &client.secrets);
        // No early end: the time must not tell which of several secrets came close.
        let generated = stored.iter().fold(subtle::Choice::from(0), |found, stored| found | stored.ct_eq(&digest));
        if bool::from(generated) && client.is_some() {
            return client;
        }
        let memory = self.memory(client.as_deref(), secret)?;
        if self.remembered.contains_key(&memory) {
            return client;
        }
        let passwords = client.as_ref().map_or(&[] as &[String], |client| &client.passwords);
        let hashes = if passwords.is_empty() { self.decoy.iter().cloned().collect() } else { passwords.to_vec() };
        if hashes.is_empty() || self.gates.has_failed_too_often(address) {
            return None;
        }
        let right = self.check(hashes, secret.clone()).await && !passwords.is_empty();
        if !right {
            return None;
        }
        self.remembered.insert(memory, ());
        client
    }

    async fn check(&self, hashes: Vec<String>, secret: SecretString) -> bool {
        let Ok(_permit) = self.checks.acquire().await else { return false };
        let verify = move || {
            hashes.iter().fold(false, |found, hash| {
                let right = PasswordHash::new(hash).is_ok_and(|hash| {
                    Argon2::default().verify_password(secret.expose_secret().as_bytes(), &hash).is_ok()
                });
                found | right
            })
        };
        tokio::task::spawn_blocking(verify).await.unwrap_or(false)
    }

    fn memory(&self, client: Option<&Client>, secret: &SecretString) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(client.map_or("", |client| &client.id).as_bytes());
        mac.update(&[0]);
        mac.update(secret.expose_secret().as_bytes());
        Some(mac.finalize().into_bytes().into())
    }
}

/// How many right passwords are remembered, and for how long.
const REMEMBERED: u64 = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn basic_credentials_may_hold_colons_and_a_domain() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, format!("BASIC {}", STANDARD.encode(text)).parse().unwrap());
            basic(&headers).map(|(name, secret)| (name, secret.expose_secret().to_owned()))
        };
        assert_eq!(with("u@x:p:q"), Some(("u@x".to_owned(), "p:q".to_owned())));
        assert_eq!(with("DOMAIN\\u:é"), Some(("u".to_owned(), "é".to_owned())));
        assert_eq!(with("nothing"), None);
    }
}
