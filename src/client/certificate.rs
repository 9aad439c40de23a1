//! Certificates by which clients are known.
//!
//! Owns which entry of the configuration names which certificate. Must not know TLS, nor how a certificate is read or
//! verified.

use std::fmt;

use jiff::Timestamp;

/// A certificate that a caller has shown, and whose key and chain were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its DNS names (subject alternative names), in lower case.
    pub names: Vec<String>,
    /// Its subject's common names, in lower case, if it has no alternative names at all: else they are no names of its
    /// bearer's (RFC 9525 §2).
    pub common_names: Vec<String>,
    /// SHA-256 of its DER form.
    pub fingerprint: [u8; 32],
    /// The last moment at which it is valid.
    pub not_after: Timestamp,
}

/// What a client lists: a name that its certificate bears, or the one certificate itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// A DNS name, in lower case; no pattern.
    Name(String),
    /// A common name, in lower case; no pattern.
    CommonName(String),
    /// SHA-256 of the certificate's DER form.
    Fingerprint([u8; 32]),
}

impl CertificateName {
    /// Reads an entry: `sha256:` and 64 hexadecimal digits, with colons between them or not; `cn:` and a common name;
    /// else a DNS name. `None` for what is none of them, and for patterns.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        if let Some(digits) = text.strip_prefix(SHA256) {
            return digest(digits).map(Self::Fingerprint);
        }
        if let Some(name) = text.strip_prefix(COMMON_NAME) {
            let name = name.trim_start();
            return (!name.is_empty() && !name.contains('*')).then(|| Self::CommonName(name.to_owned()));
        }
        let is_dns = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        is_dns.then_some(Self::Name(text))
    }

    /// Whether it names this certificate.
    #[must_use]
    pub fn fits(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => certificate.names.contains(name),
            Self::CommonName(name) => certificate.common_names.contains(name),
            Self::Fingerprint(fingerprint) => certificate.fingerprint == *fingerprint,
        }
    }
}

/// As [`CertificateName::parse`] reads it.
impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::CommonName(name) => write!(f, "{COMMON_NAME}{name}"),
            Self::Fingerprint(fingerprint) => {
                f.write_str(SHA256)?;
                fingerprint.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}

const SHA256: &str = "sha256:";
const COMMON_NAME: &str = "cn:";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_and_fingerprints_are_read_and_fit_what_they_name() {
        let mut fingerprint = [0xAB; 32];
        let shown = Certificate {
            names: vec!["interop.google.example".to_owned()],
            common_names: vec!["interop service".to_owned(), "common.example".to_owned()],
            fingerprint,
            not_after: Timestamp::MAX,
        };
        let fits = |text: &str| CertificateName::parse(text).is_some_and(|name| name.fits(&shown));
        let colons = vec!["AB"; 32].join(":");
        for right in [
            "interop.google.example",
            " Interop.GOOGLE.example",
            "cn:Interop Service",
            "CN: common.example",
            &format!("sha256:{colons}"),
            &format!("SHA256:{}", "ab".repeat(32)),
        ] {
            assert!(fits(right), "{right}");
            let name = CertificateName::parse(right).unwrap();
            assert_eq!(CertificateName::parse(&name.to_string()), Some(name));
        }
        for wrong in [
            "google.example",
            "interop.google.example.evil",
            "interop",
            "common.example",
            "cn:interop",
            "cn:interop.google.example",
        ] {
            assert!(CertificateName::parse(wrong).is_some() && !fits(wrong), "{wrong}");
        }
        fingerprint[31] = 0;
        assert!(!CertificateName::Fingerprint(fingerprint).fits(&shown));
        for unreadable in [
            "",
            " ",
            "*",
            "*.google.example",
            "interop service",
            "cn:",
            "cn:*",
            "sha256:",
            "sha256:ab",
            &format!("sha256:{}a", "ab".repeat(31)),
            &format!("sha256:{}gg", "ab".repeat(31)),
            &format!("sha256:{}", "ab".repeat(33)),
        ] {
            assert_eq!(CertificateName::parse(unreadable), None, "{unreadable}");
        }
    }
}
