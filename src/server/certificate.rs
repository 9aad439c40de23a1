//! The certificate that a caller has shown, as far as it says who that is.
//!
//! Must not know whom it lets in; TLS has verified it already.

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::client::Certificate;

/// Reads a verified certificate; `None` for one that cannot be read.
pub(super) fn read(der: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let alternatives = certificate.subject_alternative_name().ok()?;
    let alternatives = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    let dns = alternatives.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let names = dns.chain(common).map(|name| name.trim().to_lowercase()).collect();
    Some(Certificate { names, fingerprint: Sha256::digest(der).into() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn dns_names_and_common_names_are_read_and_no_others() {
        let mut params = CertificateParams::new(["A.example".to_owned(), "192.0.2.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Interop Service");
        params.distinguished_name.push(DnType::OrganizationName, "Contoso");
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let certificate = read(made.der()).unwrap();
        assert_eq!(certificate.names, ["a.example", "interop service"]);
        assert_eq!(certificate.fingerprint, <[u8; 32]>::from(Sha256::digest(made.der())));
        assert_eq!(read(&CertificateDer::from_slice(b"rubbish")), None);
    }
}
