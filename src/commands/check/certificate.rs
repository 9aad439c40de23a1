//! A server's certificate: until when it holds, and for which names.
//!
//! Owns what is told of certificates. Must not know where they come from.

use jiff::{SignedDuration, Timestamp};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::graph::{Sheet, Verdict};

/// Notes until when a certificate holds.
pub(super) fn expiry(check: &'static str, certificate: &[u8], now: Timestamp, sheet: &mut Sheet) {
    let read = X509Certificate::from_der(certificate).ok().map(|(_, read)| read.validity().clone());
    let second = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
    let Some((from, until)) = read.map(|validity| (second(validity.not_before), second(validity.not_after))) else {
        return sheet.note(check, Verdict::Failed, "the certificate cannot be read", None);
    };
    let left = until.duration_since(now);
    let renew = Some("renew it; the gateway reads it again when the files change".to_owned());
    if now < from {
        sheet.note(check, Verdict::Failed, format!("the certificate holds from {from} on"), None);
    } else if left <= SignedDuration::ZERO {
        sheet.note(check, Verdict::Failed, format!("the certificate expired at {until}"), renew);
    } else if left < SOON {
        let text = format!("the certificate expires at {until}, in {} days", left.as_hours() / 24);
        sheet.note(check, Verdict::Warning, text, renew);
    } else {
        sheet.ok(check, format!("the certificate holds until {until}"));
    }
}

/// Whether a certificate is for a host.
///
/// # Errors
/// A text for the operator when it is not.
pub(super) fn covers(certificate: &CertificateDer<'_>, host: &str) -> Result<(), String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host).map_err(|_| format!("{host} is no name of a server"))?;
    let parsed = ParsedCertificate::try_from(certificate).map_err(|error| error.to_string())?;
    verify_server_name(&parsed, &name).map_err(|error| error.to_string())
}

/// How long before its end a certificate should be renewed: those of Let's Encrypt live for 90 days, and are renewed 30
/// days before.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
