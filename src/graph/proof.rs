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

/// Something to show.
#[derive(Debug)]
pub(super) struct Showing {
    pub(super) shown: Shown,
    /// The certificate's, for operators; empty without one.
    pub(super) name: String,
    /// Until when what it was made with is good, as far as that is known.
    pub(super) expires: Option<Timestamp>,
}

/// Why none of several certificates can be used.
#[derive(Debug)]
pub(super) struct Unusable {
    /// When the last that can be read expires, or did.
    pub(super) expires: Option<Timestamp>,
    /// A text for the operator.
    pub(super) problem: String,
}

/// Certificates that hold now, the best first, and what is wrong with the others.
#[derive(Default)]
struct Sorted<'a> {
    usable: Vec<(&'a Certificate, keys::Key)>,
    problems: Vec<String>,
    /// When the last of those that do not hold now expires, or did.
    last: Option<Timestamp>,
}

/// Reads what a credential may show, the best first; nothing for one that is known by where it runs.
///
/// # Errors
/// A text for the operator: files that cannot be read, or hold something else, or certificates whose time is over.
pub(super) fn show(proof: &Proof, client_id: &str, audience: &Url, now: Timestamp) -> Result<Vec<Showing>, String> {
    let alone = |shown| vec![Showing { shown, name: String::new(), expires: None }];
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

/// When each certificate that holds now expires, in the order that they are shown in; nothing where there are none.
///
/// # Errors
/// If there are certificates and none holds.
pub(super) fn expiries(proof: &Proof, now: Timestamp) -> Result<Vec<Timestamp>, Unusable> {
    let Proof::Certificates(certificates) = proof else { return Ok(Vec::new()) };
    let Sorted { usable, problems, last } = sort(certificates, now);
    if usable.is_empty() {
        return Err(Unusable { expires: last, problem: problems.join("; ") });
    }
    Ok(usable.iter().map(|(_, key)| key.not_after).collect())
}

/// An assertion for each certificate that holds now: while they are changed, Entra may know either. One unreadable file
/// does not spoil the others.
fn by_certificate(
    certificates: &[Certificate],
    client_id: &str,
    audience: &Url,
    now: Timestamp,
) -> Result<Vec<Showing>, String> {
    let Sorted { usable, problems, .. } = sort(certificates, now);
    if usable.is_empty() {
        return Err(problems.join("; "));
    }
    for problem in &problems {
        tracing::warn!(client_id, problem, "a certificate of this credential cannot be used");
    }
    let sign = |(certificate, key): &(&Certificate, keys::Key)| {
        let shown = assertion::sign(key, client_id, audience, now).map(Shown::Assertion)?;
        Ok(Showing { shown, name: name(certificate).to_string(), expires: Some(key.not_after) })
    };
    usable.iter().map(sign).collect()
}

/// The newest first, whatever its life: whoever puts one beside another wants it to be used. Of those made at
/// once the one that holds longest.
fn sort(certificates: &[Certificate], now: Timestamp) -> Sorted<'_> {
    let mut sorted = Sorted::default();
    for certificate in certificates {
        match keys::load(certificate) {
            Ok(key) if key.not_before <= now && now < key.not_after => sorted.usable.push((certificate, key)),
            Ok(key) => {
                let (from, to) = (key.not_before, key.not_after);
                sorted.problems.push(format!("{}: holds from {from} to {to}", name(certificate)));
                sorted.last = sorted.last.max(Some(to));
            }
            Err(problem) => sorted.problems.push(format!("{}: {problem}", name(certificate))),
        }
    }
    sorted.usable.sort_by_key(|(_, key)| std::cmp::Reverse((key.not_before, key.not_after)));
    sorted
}

fn name(certificate: &Certificate) -> std::path::Display<'_> {
    match certificate {
        Certificate::Pem { certificate, .. } => certificate.display(),
        Certificate::Pkcs12 { path, .. } => path.display(),
    }
}

#[cfg(test)]
mod tests;
