//! What an application has registered to be believed by: its certificates, and the keys of those who vouch for it.
//! Owns X.509 and PEM; knows nothing of assertions. <https://learn.microsoft.com/graph/api/resources/keycredential>

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A registered certificate. Read from PEM; a private key beside it is refused, as it belongs to nobody but its owner.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) key: DecodingKey,
    /// SHA-1 of the DER in base64url: a JWT's `x5t`.
    pub(super) sha1: String,
    /// SHA-256 of the DER in base64url: a JWT's `x5t#S256`.
    pub(super) sha256: String,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// The RSA key of somebody whose tokens Entra trusts, from a PEM public key.
#[derive(Clone, Debug)]
pub(super) struct PublicKey(pub(super) DecodingKey);

impl FromStr for Certificate {
    type Err = String;

    fn from_str(pem: &str) -> Result<Self, String> {
        if pem.contains("PRIVATE KEY") {
            return Err("a private key is not to be registered".to_owned());
        }
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| "is no certificate in PEM".to_owned())?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| "is no X.509 certificate".to_owned())?;
        let time = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp());
        let validity = parsed.validity();
        let (from, to) = (time(validity.not_before), time(validity.not_after));
        Ok(Self {
            key: DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data),
            sha1: URL_SAFE_NO_PAD.encode(Sha1::digest(&der)),
            sha256: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
            not_before: from.map_err(|error| error.to_string())?,
            not_after: to.map_err(|error| error.to_string())?,
        })
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(pem: &str) -> Result<Self, String> {
        let key = DecodingKey::from_rsa_pem(pem.as_bytes());
        key.map(Self).map_err(|error| format!("is no RSA public key in PEM: {error}"))
    }
}
