//! What the gateway's HTTPS clients share: whom they trust, and what an exchange that failed is told as.
//!
//! Must not know where they connect to, nor what for.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::fmt::rfc2822;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Trust in more authorities, as PEM, and, where TLS is needed, in the host's own: a proxy that an operator's network
/// forces on it is installed there, and it is renewed with the system.
///
/// # Errors
/// A text for the operator: no or unreadable certificates.
pub(crate) fn trust(needs_tls: bool, extra_ca: Option<&[u8]>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(extra_ca.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| format!("extra certificate authority: {error}"))?;
        roots.add(certificate).map_err(|error| format!("extra certificate authority: {error}"))?;
    }
    if extra_ca.is_some() && roots.is_empty() {
        return Err("extra certificate authority: no certificate in the PEM file".into());
    }
    if needs_tls {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this host trusts no certificate authority: install its ca-certificates package".into());
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// An error with its causes, without the URL, which may hold an address or a secret.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "timed out".to_owned()
    } else if error.is_connect() {
        "could not connect".to_owned()
    } else {
        "was cut".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

/// `Retry-After` in seconds, or as a date, measured by the answer's own `Date` (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parser = rfc2822::DateTimeParser::new();
    let until = parser.parse_timestamp(value).ok()?;
    let now = parser.parse_timestamp(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(Duration::from_secs(u64::try_from(until.as_second() - now.as_second()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |pairs: &[(&str, &str)]| {
            let parse = |(name, value): &(&str, &str)| {
                (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap())
            };
            retry_after(&pairs.iter().map(parse).collect()).map(|it| it.as_secs())
        };
        assert_eq!(read(&[("retry-after", "120")]), Some(120));
        let date = ("date", "Wed, 18 Nov 2026 08:00:00 GMT");
        assert_eq!(read(&[("retry-after", "Wed, 18 Nov 2026 08:01:30 GMT"), date]), Some(90));
        assert_eq!(read(&[("retry-after", "Wed, 18 Nov 2026 07:00:00 GMT"), date]), Some(0));
        assert_eq!(read(&[("retry-after", "Wed, 18 Nov 2026 08:01:30 GMT")]), None, "nothing to measure by");
        assert_eq!(read(&[("retry-after", "soon"), date]), None);
        assert_eq!(read(&[]), None);
    }
}
