//! A certificate and its key, from PEM files or PKCS #12.
//!
//! Owns the two formats. Only RSA keys are taken, since Entra takes no others
//! (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>).

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::files::read;
use crate::tenant::Certificate;

/// What signs, and until when it may.
pub(super) struct Key {
    pub(super) signing: EncodingKey,
    /// SHA-256 of the certificate.
    pub(super) thumbprint: [u8; 32],
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// Reads a certificate and its key.
///
/// # Errors
/// A text for the operator, without the file's name.
pub(super) fn load(certificate: &Certificate) -> Result<Key, String> {
    match certificate {
        Certificate::Pem { certificate, private_key } => {
            let chain = CertificateDer::from_pem_file(certificate).map_err(|error| error.to_string())?;
            let key = PrivateKeyDer::from_pem_file(private_key)
                .map_err(|error| format!("{}: {error}", private_key.display()))?;
            key_of(&chain, &key)
        }
        Certificate::Pkcs12 { path, password } => {
            let file = fs::read(path).map_err(|error| error.to_string())?;
            let password = read(password)?;
            let store = KeyStore::from_pkcs12(&file, password.expose_secret(), Pkcs12ImportPolicy::Strict)
                .map_err(|error| format!("is no PKCS #12 file that the password opens: {error}"))?;
            let (_, chain) = store.private_key_chain().ok_or("holds no key with a certificate")?;
            let certificate = chain.certs().first().ok_or("holds no certificate")?;
            let key = PrivateKeyDer::try_from(chain.key().as_der()).map_err(str::to_owned)?;
            key_of(&CertificateDer::from(certificate.as_der()), &key)
        }
    }
}

fn key_of(certificate: &CertificateDer<'_>, key: &PrivateKeyDer<'_>) -> Result<Key, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|error| format!("is no certificate: {error}"))?;
    let second = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
    let validity = parsed.validity();
    let signing = match key {
        PrivateKeyDer::Pkcs1(key) => EncodingKey::from_rsa_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => {
            let pem = SecretString::from(format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(key.secret_pkcs8_der())));
            EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| NO_RSA_KEY.to_owned())?
        }
        _ => return Err(NO_RSA_KEY.to_owned()),
    };
    let public = DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data);
    let signature = crypto::sign(TRIAL, &signing, Algorithm::PS256).map_err(|_| NO_RSA_KEY.to_owned())?;
    if !crypto::verify(&signature, TRIAL, &public, Algorithm::PS256).unwrap_or(false) {
        return Err("the key is not the certificate's".to_owned());
    }
    Ok(Key {
        signing,
        thumbprint: Sha256::digest(certificate).into(),
        not_before: second(validity.not_before),
        not_after: second(validity.not_after),
    })
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const NO_RSA_KEY: &str = "the key is no RSA key: Entra takes no others";
/// Signed and verified, to see whether key and certificate belong together.
const TRIAL: &[u8] = b"calendar-relay";
