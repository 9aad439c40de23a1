#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::tenant::Secret;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    jti: String,
    iat: i64,
    exp: i64,
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials").join(name)
}

fn pem(certificate: &str, key: &str) -> Certificate {
    Certificate::Pem { certificate: file(certificate), private_key: file(key) }
}

fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

fn shown(certificates: Vec<Certificate>) -> Result<Vec<Showing>, String> {
    let audience = Url::parse("https://login.example/tenant/oauth2/v2.0/token").unwrap();
    show(&Proof::Certificates(certificates), "client", &audience, now())
}

fn assertion(showing: &Showing) -> &str {
    match &showing.shown {
        Shown::Assertion(assertion) => assertion.expose_secret(),
        Shown::Secret(_) => unreachable!("a certificate makes assertions"),
    }
}

/// Verifies an assertion with a certificate's public key, as Entra does.
fn verify(assertion: &str, certificate: &str) -> Claims {
    let der = CertificateDer::from_pem_file(file(certificate)).unwrap();
    let (_, parsed) = X509Certificate::from_der(&der).unwrap();
    let header = decode_header(assertion).unwrap();
    assert_eq!(header.x5t_s256.unwrap(), URL_SAFE_NO_PAD.encode(Sha256::digest(&der)));
    assert_eq!(header.alg, Algorithm::PS256);
    let mut validation = Validation::new(Algorithm::PS256);
    validation.set_audience(&["https://login.example/tenant/oauth2/v2.0/token"]);
    validation.validate_exp = false;
    let key = DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data);
    decode::<Claims>(assertion, &key, &validation).unwrap().claims
}

#[test]
fn an_assertion_says_who_and_for_how_long() {
    let showing = shown(vec![pem("gateway.pem", "gateway.key")]).unwrap();
    let claims = verify(assertion(&showing[0]), "gateway.pem");
    assert_eq!((claims.iss.as_str(), claims.sub.as_str()), ("client", "client"));
    assert_eq!((claims.iat, claims.exp - claims.iat), (now().as_second(), 300));
    assert_eq!(claims.jti.parse::<uuid::Uuid>().unwrap().get_version_num(), 4);
    assert!(showing[0].expires.unwrap() > now());
    let again = shown(vec![pem("gateway.pem", "gateway.key")]).unwrap();
    assert_ne!(verify(assertion(&again[0]), "gateway.pem").jti, claims.jti, "each is good once");
}

#[test]
fn both_formats_of_keys_and_of_files_are_read() {
    verify(assertion(&shown(vec![pem("old.pem", "old-pkcs1.key")]).unwrap()[0]), "old.pem");
    let password = Secret::File(file("password"));
    let locked = Certificate::Pkcs12 { path: file("gateway.pfx"), password };
    verify(assertion(&shown(vec![locked]).unwrap()[0]), "gateway.pem");
    let password = Secret::Kept("wrong".into());
    let refused = shown(vec![Certificate::Pkcs12 { path: file("gateway.pfx"), password }]).unwrap_err();
    assert!(refused.contains("password") && !refused.contains("wrong"), "{refused}");
}

#[test]
fn while_certificates_change_the_newest_comes_first_however_short_its_life() {
    let showing = shown(vec![pem("old.pem", "old-pkcs1.key"), pem("gateway.pem", "gateway.key")]).unwrap();
    assert_eq!(showing.len(), 2);
    // Made a second after the other.
    verify(assertion(&showing[0]), "old.pem");
    verify(assertion(&showing[1]), "gateway.pem");
    assert!(showing[0].expires < showing[1].expires);
    let showing =
        shown(vec![pem("missing.pem", "gateway.key"), pem("over.pem", "over.key"), pem("old.pem", "old-pkcs1.key")]);
    assert_eq!(showing.unwrap().len(), 1, "what cannot be used does not spoil the others");
}

#[test]
fn what_cannot_sign_is_refused_with_the_reason() {
    for (certificate, key, reason) in [
        ("missing.pem", "gateway.key", "missing.pem"),
        ("gateway.pem", "missing.key", "missing.key"),
        ("gateway.pem", "over.key", "not the certificate's"),
        ("ec.pem", "ec.key", "no RSA key"),
        ("over.pem", "over.key", "holds from 2020"),
        ("password", "gateway.key", "password"),
    ] {
        let refused = shown(vec![pem(certificate, key)]).unwrap_err();
        assert!(refused.contains(reason), "{certificate} {key}: {refused}");
    }
}

#[test]
fn files_are_read_anew_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let audience = Url::parse("https://login.example/").unwrap();
    let told = || {
        let showing = show(&Proof::FederatedToken(path.clone()), "client", &audience, now())?;
        Ok::<_, String>(assertion(&showing[0]).to_owned())
    };
    assert!(told().unwrap_err().contains("token"));
    std::fs::write(&path, "one\n").unwrap();
    assert_eq!(told().unwrap(), "one");
    std::fs::write(&path, "two").unwrap();
    assert_eq!(told().unwrap(), "two");
    std::fs::write(&path, " \n").unwrap();
    assert!(told().unwrap_err().contains("empty"));
}
