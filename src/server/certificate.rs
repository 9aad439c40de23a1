//! The certificate that a caller has shown, as far as it says who that is.
//!
//! Must not know whom it lets in; TLS has verified it already.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::Certificate;

/// Reads a verified certificate; `None` for one that cannot be read.
pub(super) fn read(der: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let alternatives = certificate.subject_alternative_name().ok()?;
    let common = certificate.subject().iter_common_name().filter(|_| alternatives.is_none());
    let common_names = common.filter_map(|name| name.as_str().ok()).map(plain).collect();
    let names = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(plain(name)),
        _ => None,
    });
    // What ends beyond the years that can be told does not end.
    let not_after = Timestamp::from_second(certificate.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX);
    Some(Certificate { names: names.collect(), common_names, fingerprint: Sha256::digest(der).into(), not_after })
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn dns_names_are_read_and_common_names_where_there_are_no_others() {
        let made = |alternatives: &[&str]| {
            let alternatives: Vec<String> = alternatives.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(alternatives).unwrap();
            params.distinguished_name.push(DnType::CommonName, "Interop Service");
            params.distinguished_name.push(DnType::OrganizationName, "Contoso");
            params.not_after = rcgen::date_time_ymd(2031, 2, 3);
            params.self_signed(&KeyPair::generate().unwrap()).unwrap()
        };
        let der = made(&["A.example", "192.0.2.1"]);
        let certificate = read(der.der()).unwrap();
        assert_eq!((certificate.names, certificate.common_names), (vec!["a.example".to_owned()], vec![]));
        assert_eq!(certificate.fingerprint, <[u8; 32]>::from(Sha256::digest(der.der())));
        assert_eq!(certificate.not_after.to_string(), "2031-02-03T00:00:00Z");
        let certificate = read(made(&[]).der()).unwrap();
        assert_eq!((certificate.names, certificate.common_names), (vec![], vec!["interop service".to_owned()]));
        assert_eq!(read(made(&["192.0.2.1"]).der()).unwrap().common_names, Vec::<String>::new());
        assert_eq!(read(&CertificateDer::from_slice(b"rubbish")), None);
    }
}
