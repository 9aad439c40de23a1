//! Every way to be believed, at the simulator, which verifies as Entra does; and what the machine's service answers.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use crate::calendar::Capability::FreeBusy;
use crate::graph::stub::{self, Reply, Stub, journal, pass, permitted, wednesday};
use crate::graph::{CredentialStatus, Detail, Graphs, Settings, TokenState};
use crate::metrics::Metrics;
use crate::simulator::{Options, Simulator, World};
use crate::tenant::{Certificate, Cloud, Credential, Proof, Secret, Tenant};

const TENANT: &str = "11111111-2222-4333-8444-555555555555";
/// When the fixtures' certificates expire.
const GATEWAY: &str = "2126-10-29T07:04:43Z";
const OLD: &str = "2076-03-04T07:04:44Z";

fn clock() -> Timestamp {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/credentials").join(name)
}

fn pem(certificate: &str, key: &str) -> Certificate {
    Certificate::Pem { certificate: file(certificate), private_key: file(key) }
}

/// Entra with an application of each kind; the one that signs has these certificates.
struct Entra {
    simulator: Simulator,
    http: reqwest::Client,
}

impl Entra {
    async fn start(certificates: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let texts: Vec<String> = certificates.iter().map(|name| fs::read_to_string(file(name)).unwrap()).collect();
        let application = |id: &str, more: Value| {
            let mut application = json!({ "name": id, "client_id": id, "roles": ["Calendars.ReadBasic.All"] });
            application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            application
        };
        let trust = json!({ "issuer": "https://cluster.example", "subject": "relay", "key": public_key() });
        let world = json!({ "tenants": [{ "id": TENANT, "name": "T", "domains": ["example.com"],
            "applications": [
                application("knows", json!({ "client_secret": "s3cret" })),
                application("signs", json!({ "certificates": texts })),
                application("trusts", json!({ "federated": [trust] })),
                application("is-here", json!({ "managed_identity": true })),
            ],
            "mailboxes": [{ "address": "a@example.com", "name": "A", "zone": "UTC" }],
        }]});
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: None, clock, strict: true };
        let simulator = Simulator::start(World::from_json(&world.to_string()).unwrap(), options).await.unwrap();
        Self { simulator, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A gateway with one credential, after it has asked for its first token.
    async fn warm(&self, client_id: &str, proof: Proof) -> Graphs {
        self.gateway(client_id, proof, None, &Arc::new(Metrics::new())).await
    }

    async fn gateway(
        &self,
        client_id: &str,
        proof: Proof,
        secret_expires: Option<Timestamp>,
        metrics: &Arc<Metrics>,
    ) -> Graphs {
        let origin = url::Url::parse(&self.simulator.base_url()).unwrap();
        let cloud = Cloud { login: origin.clone(), graph: origin, ..Cloud::named("global").unwrap() };
        let client_id = client_id.to_owned();
        let credential = Credential { client_id, proof, secret_expires, ..stub::credential(&[FreeBusy]) };
        let tenant = Tenant {
            name: "t".into(),
            id: TENANT.into(),
            cloud,
            domains: vec!["example.com".into()],
            is_default: true,
            limits: crate::tenant::Limits::default(),
            credentials: vec![credential],
        };
        let graphs = Graphs::new(vec![tenant], Settings::default(), Arc::clone(metrics), clock).unwrap();
        graphs.warm().await;
        graphs
    }

    /// Statuses of the requests for tokens so far, and forgets them.
    async fn tokens(&self) -> Vec<u64> {
        let url = format!("{}/control/ledger", self.simulator.base_url());
        let ledger = self.http.get(&url).send().await.unwrap().bytes().await.unwrap();
        self.http.delete(&url).send().await.unwrap();
        let ledger: Value = serde_json::from_slice(&ledger).unwrap();
        let calls = ledger["calls"].as_array().unwrap().iter().filter(|call| call["call"] == "token");
        calls.map(|call| call["status"].as_u64().unwrap()).collect()
    }

    async fn register(&self, certificate: &str) {
        let url = format!("{}/control/applications/signs/certificates", self.simulator.base_url());
        let body = json!({ "certificate": fs::read_to_string(file(certificate)).unwrap() });
        assert_eq!(self.http.post(url).body(body.to_string()).send().await.unwrap().status(), 204);
    }
}

fn public_key() -> String {
    fs::read_to_string(file("old-public.pem")).unwrap()
}

/// A token of the cluster about somebody.
fn cluster_token(subject: &str) -> String {
    let key = EncodingKey::from_rsa_pem(&fs::read(file("old-pkcs1.key")).unwrap()).unwrap();
    let now = clock().as_second();
    let claims = json!({ "iss": "https://cluster.example", "sub": subject, "aud": "api://AzureADTokenExchange",
        "iat": now, "nbf": now, "exp": now + 3600 });
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
}

fn status(graphs: &Graphs) -> CredentialStatus {
    graphs.status().remove(0).credentials.remove(0)
}

/// Why there is no token.
fn refused(graphs: &Graphs) -> String {
    match status(graphs).token {
        TokenState::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

async fn is_served(graphs: &Graphs) -> bool {
    let told = graphs.free_busy(&permitted(&["a@example.com"]), wednesday(), Detail::Times, &journal()).await;
    told[0].is_ok()
}

/// Longer than a refusal is believed.
async fn wait() {
    pass(Duration::from_secs(31)).await;
}

#[tokio::test]
async fn each_kind_of_proof_gets_a_token_that_serves() {
    let entra = Entra::start(&["gateway.pem", "old.pem"]).await;
    let folder = tempfile::tempdir().unwrap();
    let (secret, token) = (folder.path().join("secret"), folder.path().join("token"));
    fs::write(&secret, "s3cret\n").unwrap();
    fs::write(&token, cluster_token("relay")).unwrap();
    let locked = Certificate::Pkcs12 { path: file("gateway.pfx"), password: Secret::File(file("password")) };
    let endpoint = url::Url::parse(&entra.simulator.base_url()).unwrap();
    for (client_id, proof) in [
        ("knows", Proof::Secret(Secret::Kept("s3cret".into()))),
        ("knows", Proof::Secret(Secret::File(secret))),
        ("signs", Proof::Certificates(vec![pem("gateway.pem", "gateway.key")])),
        ("signs", Proof::Certificates(vec![pem("old.pem", "old-pkcs1.key")])),
        ("signs", Proof::Certificates(vec![locked])),
        ("trusts", Proof::FederatedToken(token)),
        ("is-here", Proof::ManagedIdentity { endpoint }),
    ] {
        let told = format!("{client_id} {proof:?}");
        let graphs = entra.warm(client_id, proof).await;
        let TokenState::Valid(left) = status(&graphs).token else { panic!("{told}: {:?}", status(&graphs)) };
        assert!(left <= Duration::from_secs(3599) && left > Duration::from_secs(3500), "{told}: {left:?}");
        assert!(is_served(&graphs).await, "{told}");
        assert_eq!(entra.tokens().await, [200], "{told}");
    }
}

#[tokio::test]
async fn the_other_certificate_is_shown_when_entra_does_not_know_the_newest() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let entra = Entra::start(&["gateway.pem"]).await;
    let both = || Proof::Certificates(vec![pem("gateway.pem", "gateway.key"), pem("old.pem", "old-pkcs1.key")]);
    let metrics = Arc::new(Metrics::new());
    let graphs = entra.gateway("signs", both(), None, &metrics).await;
    assert!(is_served(&graphs).await);
    assert_eq!(entra.tokens().await, [401, 200]);
    let expires = |graphs: &Graphs| status(graphs).expires.unwrap().to_string();
    assert_eq!(expires(&graphs), GATEWAY, "of the one that is believed");
    let warnings = |log: &Log| log.take().lines().filter(|line| line.contains("register the newer one")).count();
    assert_eq!(warnings(&log), 1);
    pass(Duration::from_secs(3700)).await;
    graphs.warm().await;
    assert_eq!((entra.tokens().await, warnings(&log)), (vec![401, 200], 0), "told once");
    entra.register("old.pem").await;
    let graphs = entra.warm("signs", both()).await;
    assert_eq!((entra.tokens().await, expires(&graphs)), (vec![200], OLD.to_owned()), "newer, with a shorter life");
    let only = Proof::Certificates(vec![pem("over.pem", "over.key"), pem("old.pem", "old-pkcs1.key")]);
    let graphs = entra.warm("signs", only).await;
    assert_eq!((entra.tokens().await, expires(&graphs)), (vec![200], OLD.to_owned()), "the expired one is not tried");
    assert_eq!(warnings(&log), 0);
}

#[tokio::test]
async fn certificates_are_changed_without_a_restart() {
    let entra = Entra::start(&["gateway.pem"]).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let put = |certificate: &str, key: &str| {
        fs::copy(file(certificate), at("certificate.pem")).unwrap();
        fs::copy(file(key), at("key.pem")).unwrap();
    };
    put("old.pem", "old-pkcs1.key");
    let own = Certificate::Pem { certificate: at("certificate.pem"), private_key: at("key.pem") };
    let graphs = entra.warm("signs", Proof::Certificates(vec![own])).await;
    assert!(refused(&graphs).contains("AADSTS700027"), "{}", refused(&graphs));
    assert_eq!(status(&graphs).expires.unwrap().to_string(), OLD, "told although it is refused");
    put("gateway.pem", "gateway.key");
    assert!(!is_served(&graphs).await, "a refusal is believed for a while");
    wait().await;
    assert!(is_served(&graphs).await);
    assert_eq!(status(&graphs).expires.unwrap().to_string(), GATEWAY);
}

#[tokio::test]
async fn a_secret_that_is_changed_under_it_is_taken_up() {
    let entra = Entra::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "another").unwrap();
    let graphs = entra.warm("knows", Proof::Secret(Secret::File(path.clone()))).await;
    let told = refused(&graphs);
    assert!(told.contains("AADSTS7000215: Invalid client secret provided.") && !told.contains("another "), "{told}");
    assert_eq!(told.lines().count(), 1, "without Entra's trace");
    fs::write(&path, "s3cret").unwrap();
    wait().await;
    assert!(is_served(&graphs).await);
    fs::remove_file(&path).unwrap();
    pass(Duration::from_secs(3400)).await;
    assert!(is_served(&graphs).await, "the token is still good");
    // Longer than what was told is kept.
    pass(Duration::from_secs(3600)).await;
    assert!(!is_served(&graphs).await);
    assert!(refused(&graphs).contains("secret"), "{}", refused(&graphs));
}

#[tokio::test]
async fn a_federated_token_may_be_missing_and_come_later() {
    let entra = Entra::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("projected");
    let graphs = entra.warm("trusts", Proof::FederatedToken(path.clone())).await;
    assert!(refused(&graphs).contains("projected"), "{}", refused(&graphs));
    assert!(entra.tokens().await.is_empty(), "there is nothing to ask with");
    fs::write(&path, cluster_token("somebody else")).unwrap();
    wait().await;
    assert!(!is_served(&graphs).await);
    assert!(refused(&graphs).contains("AADSTS700213") && refused(&graphs).contains("somebody else"));
    fs::write(&path, cluster_token("relay")).unwrap();
    wait().await;
    assert!(is_served(&graphs).await);
    assert_eq!(status(&graphs).expires, None, "nobody has told");
}

#[tokio::test]
async fn the_machines_service_is_asked_as_it_wants_and_its_troubles_pass() {
    let answer = json!({ "access_token": "T", "expires_in": "86399", "expires_on": "1", "token_type": "Bearer" });
    let stub = Stub::start(move |seen| seen.path.starts_with("/metadata/").then(|| Reply::json(200, &answer))).await;
    let endpoint = url::Url::parse(&stub.origin).unwrap();
    let credential = || {
        let proof = Proof::ManagedIdentity { endpoint: endpoint.clone() };
        vec![Credential { client_id: "identity".into(), proof, ..stub::credential(&[FreeBusy]) }]
    };
    // The way to Graph is through a proxy, the way to the machine is not.
    let nowhere = url::Url::parse("http://127.0.0.1:9/").unwrap();
    let graphs = stub.graphs(credential(), Settings { proxy: Some(nowhere), ..Settings::default() });
    graphs.warm().await;
    let TokenState::Valid(left) = status(&graphs).token else { panic!("{:?}", status(&graphs)) };
    assert!(left > Duration::from_secs(86_000), "{left:?}");
    let asked = stub.tokens().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/metadata/identity/oauth2/token"));
    assert_eq!(asked.headers["metadata"], "true");
    let query = ["api-version", "resource", "client_id"].map(|name| asked.query[name].as_str());
    assert_eq!(query, ["2018-02-01", "https://graph.microsoft.com/", "identity"]);

    let told = json!({ "error": "invalid_request", "error_description": "Identity not found" });
    for (code, passes) in [(404, true), (410, true), (429, true), (500, true), (503, true), (400, false), (403, false)]
    {
        let told = told.clone();
        stub.script(move |seen| seen.path.starts_with("/metadata/").then(|| Reply::json(code, &told)));
        let graphs = stub.graphs(credential(), Settings::default());
        graphs.warm().await;
        let state = status(&graphs).token;
        let (TokenState::Refused(why) | TokenState::Unavailable(why)) = &state else { panic!("{code}: {state:?}") };
        assert!(why.contains("Identity not found") && why.contains(&code.to_string()), "{why}");
        assert_eq!(matches!(state, TokenState::Unavailable(_)), passes, "{code}: {state:?}");
    }
    stub.script(|seen| seen.path.starts_with("/metadata/").then(|| Reply::text(200, "<html>")));
    let graphs = stub.graphs(credential(), Settings::default());
    graphs.warm().await;
    assert!(matches!(status(&graphs).token, TokenState::Unavailable(_)));
}

/// Keeps what is logged by this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What was logged since.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn expiry_is_exported_from_the_start_and_warned_about_a_month_before() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let entra = Entra::start(&["gateway.pem"]).await;
    let logged = || log.take();
    let secret = || Proof::Secret(Secret::Kept("s3cret".into()));
    for (proof, id, expires, warned) in [
        (Proof::Certificates(vec![pem("gateway.pem", "gateway.key")]), "signs", GATEWAY, ""),
        (secret(), "knows", "2027-01-01T00:00:00Z", ""),
        (secret(), "knows", "2026-12-30T00:00:00Z", "WARN"),
        (secret(), "knows", "2026-11-30T00:00:00Z", "ERROR"),
        // Refused, and told nevertheless.
        (Proof::Secret(Secret::Kept("wrong".into())), "knows", "2026-12-02T00:00:00Z", "WARN"),
    ] {
        let metrics = Arc::new(Metrics::new());
        let expires: Timestamp = expires.parse().unwrap();
        let graphs = entra.gateway(id, proof, Some(expires).filter(|_| id == "knows"), &metrics).await;
        let line =
            format!("calendar_relay_credential_expires{{tenant=\"t\",client_id=\"{id}\"}} {}", expires.as_second());
        assert!(metrics.render().contains(&line), "{line} in {}", metrics.render());
        assert_eq!(status(&graphs).expires, Some(expires));
        let logged = logged();
        let lines: Vec<&str> = logged.lines().filter(|line| line.contains("put a new one")).collect();
        match warned {
            "" => assert!(lines.is_empty(), "{expires}: {lines:?}"),
            level => {
                assert!(lines.len() == 1 && lines[0].contains(level) && lines[0].contains(id), "{expires}: {logged}")
            }
        }
        assert!(!logged.contains("s3cret"));
    }
}

thread_local! {
    /// When the test began that runs on this thread.
    static BEGIN: Instant = Instant::now();
}

/// A clock that goes with paused time.
fn running_clock() -> Timestamp {
    clock() + SignedDuration::try_from(BEGIN.with(Instant::elapsed)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn credentials_that_nobody_uses_are_looked_after() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    BEGIN.with(|_| {});
    let stub = Stub::start(|_| None).await;
    let of = |client_id: &str, proof, expires: Option<&str>| {
        let secret_expires = expires.map(|expires| expires.parse().unwrap());
        Credential { client_id: client_id.into(), proof, secret_expires, ..stub::credential(&[FreeBusy]) }
    };
    let metrics = Arc::new(Metrics::new());
    let credentials = vec![
        of("ends", Proof::Secret(Secret::Kept("s3cret".into())), Some("2027-01-01T08:00:00Z")),
        of("near", Proof::Secret(Secret::Kept("s3cret".into())), Some("2026-12-02T20:30:00Z")),
        of("signs", Proof::Certificates(vec![pem("gateway.pem", "gateway.key")]), None),
        of("over", Proof::Certificates(vec![pem("over.pem", "over.key")]), None),
        of("lost", Proof::Certificates(vec![pem("missing.pem", "missing.key")]), None),
    ];
    let tenants = vec![stub.tenant(None, credentials)];
    let graphs = Graphs::new(tenants, Settings::default(), Arc::clone(&metrics), running_clock).unwrap();
    let (mut days, mut exported) = (Vec::new(), String::new());
    let keep = graphs.look_after_credentials();
    tokio::pin!(keep);
    for day in 0..3 {
        // Each ends between two looks.
        let until = tokio::time::sleep(Duration::from_secs(if day == 0 { 84_600 } else { 86_400 }));
        tokio::select! { () = &mut keep => {}, () = until => {} }
        if day == 0 {
            exported = metrics.render();
        }
        days.push(log.take());
    }
    let expires = |id: &str, when: &str| {
        let when: Timestamp = when.parse().unwrap();
        let line = format!("credential_expires{{tenant=\"test\",client_id=\"{id}\"}} {}\n", when.as_second());
        assert!(exported.contains(&line), "{line} in {exported}");
    };
    expires("ends", "2027-01-01T08:00:00Z");
    expires("signs", GATEWAY);
    expires("over", "2021-01-01T00:00:00Z");
    let told = |level: &str, id: &str, what: &str| {
        let is_told = |line: &&str| line.contains(level) && line.contains(id) && line.contains(what);
        days.iter().map(|day| day.lines().filter(is_told).count()).collect::<Vec<_>>()
    };
    assert_eq!(told("WARN", "\"ends\"", "expires soon"), [0, 1, 1], "from thirty days before");
    assert_eq!(told("WARN", "\"near\"", "expires soon"), [1, 1, 0]);
    assert_eq!(told("ERROR", "\"near\"", "has expired"), [0, 1, 1]);
    for (id, what) in [("\"over\"", "holds from 2020"), ("\"lost\"", "missing.pem")] {
        let unusable = told("ERROR", id, "no certificate of this credential can be used");
        assert!(unusable.iter().all(|times| *times == 1), "once a day: {unusable:?}");
        assert!(days[0].contains(what));
    }
    assert!(!exported.contains("client_id=\"lost\"} 0"), "what is not known is not nought");
}

#[tokio::test]
async fn the_token_of_an_idle_credential_is_renewed_once_a_day() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![stub::credential(&[FreeBusy])], Settings::default());
    let keep = graphs.look_after_credentials();
    tokio::pin!(keep);
    for (hours, tokens) in [(0, 1), (23, 1), (2, 2), (23, 2), (2, 3)] {
        pass(Duration::from_secs(hours * 3600)).await;
        let asked = async {
            while stub.tokens().len() < tokens {
                tokio::task::yield_now().await;
            }
            // What should not be asked has time to be.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            stub.tokens().len()
        };
        let asked = tokio::select! { () = &mut keep => unreachable!(), asked = asked => asked };
        assert_eq!(asked, tokens, "{hours}");
    }
}
