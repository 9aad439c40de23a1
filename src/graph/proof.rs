//! What Microsoft Entra is shown instead of a password: a secret, a signed assertion, or somebody else's token.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
//!
//! Owns files that hold secrets and keys, read anew each time. Must not know how a token is asked for.

mod assertion;
mod files;
mod keys;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use files::{read, read_file};

use crate::tenant::{Certificate, Proof};

/// One way to be believed.
#[derive(Debug)]
pub(super) enum Shown {
    /// `client_secret`.
    Secret(SecretString),
    /// `client_assertion`: a JWT.
    Assertion(SecretString),
}

/// Something to show, and until when what it was made with is good, as far as that is known.
#[derive(Debug)]
pub(super) struct Showing {
    pub(super) shown: Shown,
    pub(super) expires: Option<Timestamp>,
}

/// Reads what a credential may show, the best first; nothing for one that is known by where it runs.
///
/// # Errors
/// A text for the operator: files that cannot be read, or hold something else, or certificates whose time is over.
pub(super) fn show(proof: &Proof, client_id: &str, audience: &Url, now: Timestamp) -> Result<Vec<Showing>, String> {
    let alone = |shown| vec![Showing { shown, expires: None }];
    match proof {
        Proof::Secret(secret) => Ok(alone(Shown::Secret(read(secret)?))),
        Proof::Certificates(certificates) => by_certificate(certificates, client_id, audience, now),
        Proof::FederatedToken(path) => Ok(alone(Shown::Assertion(read_file(path)?))),
        Proof::ManagedIdentity { .. } => Ok(Vec::new()),
    }
}

/// A certificate's name, and from when until when it holds.
///
/// # Errors
/// A text for the operator, in the place of the times.
pub(super) fn validity(certificate: &Certificate) -> (String, Result<(Timestamp, Timestamp), String>) {
    let key = keys::load(certificate);
    (name(certificate).to_string(), key.map(|key| (key.not_before, key.not_after)))
}

/// An assertion for each certificate that holds now, the one that holds longest first: while they are changed, Entra
/// may know either. One unreadable file does not spoil the others.
fn by_certificate(
    certificates: &[Certificate],
    client_id: &str,
    audience: &Url,
    now: Timestamp,
) -> Result<Vec<Showing>, String> {
    let mut problems = Vec::new();
    let mut usable = Vec::new();
    for certificate in certificates {
        match keys::load(certificate) {
            Ok(key) if key.not_before <= now && now < key.not_after => usable.push(key),
            Ok(key) => {
                problems.push(format!("{}: holds from {} to {}", name(certificate), key.not_before, key.not_after))
            }
            Err(problem) => problems.push(format!("{}: {problem}", name(certificate))),
        }
    }
    usable.sort_by_key(|key| std::cmp::Reverse(key.not_after));
    if usable.is_empty() {
        return Err(problems.join("; "));
    }
    for problem in &problems {
        tracing::warn!(client_id, problem, "a certificate of this credential cannot be used");
    }
    let sign = |key: &keys::Key| {
        let shown = assertion::sign(key, client_id, audience, now).map(Shown::Assertion)?;
        Ok(Showing { shown, expires: Some(key.not_after) })
    };
    usable.iter().map(sign).collect()
}

fn name(certificate: &Certificate) -> std::path::Display<'_> {
    match certificate {
        Certificate::Pem { certificate, .. } => certificate.display(),
        Certificate::Pkcs12 { path, .. } => path.display(),
    }
}

#[cfg(test)]
mod tests;
