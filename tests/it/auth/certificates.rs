//! Clients' certificates: who needs one is nobody without it, whatever else they bring.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use reqwest::Client;
use rustls::ClientConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::lists;
use crate::harness::{CLIENT, Gateway, SECRET, Setup, client as clients, client_of, trusting};

/// An authority of clients' certificates, and where its own is written.
pub(super) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate of a client's, and its key.
struct Shown {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("clients {}", uuid::Uuid::new_v4()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let authority = Self { folder: TempDir::new().unwrap(), issuer: Issuer::new(params, key), pem };
        std::fs::write(authority.path(), &authority.pem).unwrap();
        authority
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("clients-ca.pem")
    }

    /// `[server]`'s line.
    pub(super) fn key(&self) -> String {
        format!("client_ca = {:?}", self.path())
    }

    /// A certificate with a DNS name, if there is one, and a common name.
    fn sign(&self, dns: Option<&str>, common: &str) -> Shown {
        let mut params = CertificateParams::new(dns.map(str::to_owned).into_iter().collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        Shown { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// Settings of a client that shows a certificate with this DNS name.
    pub(super) fn shows(&self, server: &Path, protocols: &[&str], name: &str) -> ClientConfig {
        self.sign(Some(name), "a client").settings(server, protocols)
    }
}

impl Shown {
    fn settings(&self, server: &Path, protocols: &[&str]) -> ClientConfig {
        let mut config = trusting(server, protocols);
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der()).into();
        let signer = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        let pair = rustls::sign::CertifiedKey::new(vec![self.certificate.der().clone()], signer);
        config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(pair));
        config
    }

    fn client(&self, gateway: &Gateway) -> Client {
        let settings = self.settings(&gateway.made.authority, &["h2", "http/1.1"]);
        client_of(&gateway.made.authority, |builder| builder.tls_backend_preconfigured(settings))
    }
}

/// The statuses of Basic and of `/token`, and the token if there is one.
async fn tried(http: &Client, gateway: &Gateway, id: &str) -> (u16, u16, Option<String>) {
    let post = |path: &str| http.post(gateway.url(path));
    let soap = post("/EWS/Exchange.asmx").header("content-type", "text/xml").basic_auth(id, Some(SECRET)).body(lists());
    let form = format!("client_id={id}&client_secret={SECRET}");
    let token = post("/token").header("content-type", "application/x-www-form-urlencoded").body(form);
    let (soap, token) = (gateway.send(soap).await, gateway.send(token).await);
    let text = (token.status == 200).then(|| token.json()["access_token"].as_str().unwrap().to_owned());
    (soap.status, token.status, text)
}

async fn bearer(http: &Client, gateway: &Gateway, token: &str) -> u16 {
    let post = http.post(gateway.url("/EWS/Exchange.asmx")).header("content-type", "text/xml");
    gateway.send(post.bearer_auth(token).body(lists())).await.status
}

/// The usual client, which needs a certificate with one of these names, and one that needs none.
fn setup(authority: &Authority, names: &str) -> Setup {
    let mut setup = Setup::client(&["*"], &format!("certificate_names = [{names}]\n"));
    setup.clients.push_str(&clients("*", "full", "").replace("interop", "free"));
    Setup { server: authority.key(), limits: "failures_per_minute = 1000".to_owned(), ..setup }
}

#[tokio::test]
async fn a_client_that_needs_a_certificate_is_unknown_without_it() {
    let authority = Authority::new();
    let by_print = authority.sign(None, "nothing else");
    let print: String = Sha256::digest(by_print.certificate.der()).iter().map(|byte| format!("{byte:02X}")).collect();
    let names = format!("\"own.example\", \"cn:Interop Service\", \"sha256:{print}\"");
    let gateway = setup(&authority, &names).start().await;
    let nobody = gateway.send(gateway.http.post(gateway.url("/")).basic_auth("nobody", Some(SECRET))).await;

    let own = [authority.sign(Some("OWN.example"), "x"), authority.sign(None, "interop service"), by_print];
    let mut tokens = Vec::new();
    for shown in &own {
        let (soap, token, text) = tried(&shown.client(&gateway), &gateway, CLIENT).await;
        assert_eq!((soap, token), (200, 200));
        tokens.push(text.unwrap());
    }
    let wildcard = authority.sign(Some("*.example"), "x");
    let others = [authority.sign(Some("other.example"), "own.example.evil"), authority.sign(None, "free"), wildcard];
    let line = format!("calendar_relay_denied_total{{client=\"{CLIENT}\",reason=\"certificate\"}}");
    assert_eq!(gateway.figure(&line).await, 0);
    let others = others.iter().map(|shown| shown.client(&gateway)).chain([gateway.http.clone()]);
    for (index, http) in others.enumerate() {
        assert_eq!(tried(&http, &gateway, CLIENT).await, (401, 401, None), "{index}");
        for token in &tokens {
            assert_eq!(bearer(&http, &gateway, token).await, 401, "{index}");
        }
        assert_eq!(gateway.figure(&line).await, 5 * (index as u64 + 1));
        let (soap, token, text) = tried(&http, &gateway, "free").await;
        assert_eq!((soap, token), (200, 200), "nobody else needs one");
        assert_eq!(bearer(&http, &gateway, &text.unwrap()).await, 200);
    }
    let refused = gateway.send(gateway.http.post(gateway.url("/")).basic_auth(CLIENT, Some(SECRET))).await;
    assert_eq!((refused.status, &refused.body), (nobody.status, &nobody.body));
    assert_eq!(refused.header("www-authenticate"), nobody.header("www-authenticate"));

    // The certificate does not stand for the secret, and a token is good with the name it was got with.
    let http = own[0].client(&gateway);
    let post = http.post(gateway.url("/")).basic_auth(CLIENT, Some("wrong"));
    assert_eq!(gateway.send(post).await.status, 401);
    assert_eq!(gateway.send(http.post(gateway.url("/"))).await.status, 401);
    assert_eq!(bearer(&http, &gateway, &tokens[0]).await, 200);
    let renewed = authority.sign(Some("own.example"), "x").client(&gateway);
    assert_eq!(bearer(&renewed, &gateway, &tokens[0]).await, 200, "a renewed certificate");
    gateway.done().await;

    // What was got with a certificate stays of no use without, though the client needs none any more.
    let gateway = setup(&authority, "").start().await;
    assert_eq!(bearer(&gateway.http, &gateway, &tokens[0]).await, 401);
    assert_eq!(bearer(&own[0].client(&gateway), &gateway, &tokens[0]).await, 200);
    gateway.done().await;
}

#[tokio::test]
async fn only_the_authorities_that_are_listed_and_only_while_they_are() {
    let (authority, other) = (Authority::new(), Authority::new());
    let gateway = setup(&authority, "\"own.example\"").start().await;
    let own = authority.sign(Some("own.example"), "x");
    let foreign = other.sign(Some("own.example"), "x");
    let reach = async |settings: &ClientConfig| {
        let settings = settings.clone();
        let http = client_of(&gateway.made.authority, |builder| builder.tls_backend_preconfigured(settings));
        let post = http.post(gateway.url("/")).header("content-type", "text/xml").basic_auth(CLIENT, Some(SECRET));
        post.body(lists()).send().await.map(|answer| answer.status().as_u16()).ok()
    };
    // One settings' sessions are one memory, which is for resuming them.
    let settings = |shown: &Shown| shown.settings(&gateway.made.authority, &["http/1.1"]);
    let (own, foreign) = (settings(&own), settings(&foreign));
    assert_eq!((reach(&own).await, reach(&foreign).await), (Some(200), None));

    std::fs::write(authority.path(), "no certificates").unwrap();
    gateway.app.reload_certificates();
    assert_eq!(reach(&own).await, Some(200), "what cannot be used changes nothing");
    std::fs::write(authority.path(), format!("{}{}", other.pem, authority.pem)).unwrap();
    gateway.app.reload_certificates();
    assert_eq!((reach(&own).await, reach(&foreign).await), (Some(200), Some(200)));
    std::fs::write(authority.path(), &other.pem).unwrap();
    gateway.app.reload_certificates();
    assert_eq!((reach(&own).await, reach(&foreign).await), (None, Some(200)), "no session outlives its authority");
    gateway.done().await;
}
