//! A gateway with its simulator for one test, and a client that speaks to both.
//!
//! Every SOAP answer that a test sees is kept and checked against Exchange's schema when the test ends, and so is
//! every body that the gateway sent to Graph against Graph's.

pub(crate) mod answer;
pub(crate) mod requests;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use calendar_relay::app::{self, App};
use calendar_relay::commands::certificate::{self, Made};
use calendar_relay::commands::credentials::sha256;
use calendar_relay::config::Config;
use calendar_relay::simulator::{Options, Simulator, World};
use reqwest::header::HeaderMap;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tempfile::TempDir;

use answer::Element;

/// The tenant of the small world.
pub(crate) const TENANT: &str = "11111111-2222-4333-8444-555555555555";
/// The client of every test, also its user name.
pub(crate) const CLIENT: &str = "interop";
/// Its secret.
pub(crate) const SECRET: &str = "a-generated-secret-of-more-than-128-bits";
/// The key that signs tokens, and the issuer that they name.
pub(crate) const SIGNING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ISSUER: &str = "https://gateway.example";

/// How a gateway is to be: sections of its configuration.
pub(crate) struct Setup {
    pub(crate) world: String,
    /// Keys of `[server]` besides the address and the certificate.
    pub(crate) server: String,
    pub(crate) tls: bool,
    pub(crate) limits: String,
    pub(crate) cache: String,
    pub(crate) graph: String,
    /// More sections, whole.
    pub(crate) more: String,
    /// Where to listen; 0 for any free port.
    pub(crate) port: u16,
    pub(crate) tokens: String,
    /// The whole of `[[clients]]`.
    pub(crate) clients: String,
    /// `capability`, `mail_tips`, or `all_addresses` for the directory with all addresses, and application of Contoso's
    /// credentials.
    pub(crate) credentials: Vec<(&'static str, &'static str)>,
    /// Files beside the configuration, by their names.
    pub(crate) files: Vec<(&'static str, String)>,
}

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) app: App,
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
    pub(crate) folder: TempDir,
    pub(crate) made: Made,
    tls: bool,
    text: String,
    seen: Mutex<Vec<String>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Setup {
    /// Everything allowed, nothing cached for long, with the small world.
    pub(crate) fn new() -> Self {
        Self {
            world: include_str!("../../fixtures/worlds/small.json").to_owned(),
            server: String::new(),
            tls: true,
            limits: String::new(),
            cache: String::new(),
            graph: String::new(),
            more: String::new(),
            port: 0,
            tokens: format!("keys = [{{ id = \"k1\", secret = {{ env = \"{SIGNING_KEY}\" }} }}]"),
            clients: client("*@contoso.example\", \"*@fabrikam.example", "full", ""),
            credentials: vec![
                ("free_busy", "free-busy"),
                ("calendar_read", "calendar-read"),
                ("directory", "directory"),
            ],
            files: Vec::new(),
        }
    }

    /// With one client of this ceiling.
    pub(crate) fn ceiling(ceiling: &str) -> Self {
        Self { clients: client("*@contoso.example", ceiling, ""), ..Self::new() }
    }

    /// With one client with these mailboxes, and more keys.
    pub(crate) fn client(mailboxes: &[&str], keys: &str) -> Self {
        Self { clients: client(&mailboxes.join("\", \""), "full", keys), ..Self::new() }
    }

    /// The configuration, in the form that operators write.
    fn text(&self, simulator: &str, made: &Made) -> String {
        let tls = if self.tls {
            format!("certificate = {:?}\nprivate_key = {:?}", made.files.certificate, made.files.private_key)
        } else {
            "plain = true".to_owned()
        };
        let delay = if self.limits.contains("drain_delay") { "" } else { "drain_delay = \"0s\"\n" };
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:{}\"\npublic_url = \"{ISSUER}\"\n{tls}\n{}\n[admin]\nlisten = \"127.0.0.1:0\"\n\
             [limits]\n{delay}{}\n[cache]\n{}\n[graph]\n{}\n[tokens]\n{}\n{}\n{}\n[[tenants]]\nname = \"contoso\"\nid = \"{TENANT}\"\n\
             login_url = \"{simulator}/\"\ngraph_url = \"{simulator}/\"\ndomains = [\"contoso.example\"]\n",
            self.port, self.server, self.limits, self.cache, self.graph, self.tokens, self.more, self.clients
        );
        for (capability, application) in &self.credentials {
            text.push_str(&credential(capability, &format!("app-{application}"), application));
        }
        text.push_str(&format!(
            "[[tenants]]\nname = \"fabrikam\"\nid = \"99999999-2222-4333-8444-555555555555\"\nlogin_url = \"{simulator}/\"\n\
             graph_url = \"{simulator}/\"\ndomains = [\"fabrikam.example\"]\n{}",
            credential("free_busy", "app-fabrikam", "fabrikam")
        ));
        text
    }

    pub(crate) async fn start(self) -> Gateway {
        // Another test may have done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: None, clock: app::now, strict: true };
        let simulator = Simulator::start(World::from_json(&self.world).unwrap(), options).await.unwrap();
        let folder = TempDir::new().unwrap();
        let made = certificate::make(folder.path(), "test", &[]).unwrap();
        let text = self.text(&simulator.base_url(), &made);
        for (name, text) in &self.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let app = App::start(config(&text, folder.path())).await.unwrap();
        let http = client_of(&made.authority, |builder| builder);
        Gateway { app, simulator, http, folder, made, tls: self.tls, text, seen: Mutex::default() }
    }
}

/// While there is just one subscriber, a thread without any decides for all threads that nobody wants what it is the
/// first to log. To be called before a test listens to its log.
pub(crate) fn every_thread_is_heard() {
    static ANOTHER: LazyLock<tracing::Dispatch> = LazyLock::new(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(std::io::sink);
        tracing::Dispatch::new(subscriber.finish())
    });
    LazyLock::force(&ANOTHER);
}

/// A configuration; the value of a secret stands in the place of its variable's name.
fn config(text: &str, folder: &Path) -> Config {
    let variable = |name: &str| Some(name.to_owned());
    Config::parse(text, folder, &variable).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// `[[clients]]` of the one client.
pub(crate) fn client(mailboxes: &str, ceiling: &str, keys: &str) -> String {
    format!(
        "[[clients]]\nid = \"{CLIENT}\"\nusers = [\"interop@contoso.example\"]\nsecrets_sha256 = [\"{}\"]\n\
         capabilities = [\"free_busy\", \"calendar_read\", \"directory\"]\nmailboxes = [\"{mailboxes}\"]\n\
         ceiling = \"{ceiling}\"\n{keys}",
        sha256(SECRET)
    )
}

fn credential(capability: &str, id: &str, application: &str) -> String {
    let duty = match capability {
        "mail_tips" => "capabilities = []\nmail_tips = true".to_owned(),
        "all_addresses" => "capabilities = [\"directory\"]\nall_addresses = true".to_owned(),
        capability => format!("capabilities = [\"{capability}\"]"),
    };
    format!(
        "[[tenants.credentials]]\nclient_id = \"{id}\"\nsecret = {{ env = \"simulated-secret-of-{application}\" }}\n{duty}\n"
    )
}

/// A client that trusts the authority and unpacks nothing by itself.
pub(crate) fn client_of(
    authority: &Path,
    more: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::Client {
    let builder = reqwest::Client::builder().tls_backend_preconfigured(trusting(authority, &["h2", "http/1.1"]));
    more(builder.no_proxy().no_gzip()).build().unwrap()
}

/// TLS settings of a client that trusts the authority.
pub(crate) fn trusting(authority: &Path, protocols: &[&str]) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

impl Gateway {
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.app.address())
    }

    pub(crate) fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app.admin_address())
    }

    /// A SOAP request with the client's Basic credentials and these headers.
    pub(crate) fn post(&self, request: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        let post = self.http.post(self.url("/EWS/Exchange.asmx")).header("content-type", "text/xml; charset=utf-8");
        post.basic_auth(CLIENT, Some(SECRET)).body(request)
    }

    /// Sends a SOAP request as the client.
    pub(crate) async fn soap(&self, request: &str) -> Answer {
        self.send(self.post(request.to_owned())).await
    }

    /// Sends a request; a SOAP answer is remembered for the schema.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.read(request.send().await.unwrap()).await
    }

    pub(crate) async fn read(&self, response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let packed = headers.get("content-encoding").is_some();
        let bytes = response.bytes().await.unwrap();
        let body = if packed { unpack(&bytes) } else { String::from_utf8(bytes.to_vec()).unwrap() };
        let answer = Answer { status, headers, body };
        if answer.is_soap() {
            self.seen.lock().unwrap().push(answer.body.clone());
        }
        answer
    }

    /// Remembers a SOAP answer for the schema.
    pub(crate) fn keep(&self, envelope: &str) {
        self.seen.lock().unwrap().push(envelope.to_owned());
    }

    /// Ends the gateway, and starts another with the same configuration; `between` happens meanwhile.
    pub(crate) async fn restart(self, between: impl AsyncFnOnce(&Simulator)) -> Self {
        self.app.stop().await;
        between(&self.simulator).await;
        let app = App::start(config(&self.text, self.folder.path())).await.unwrap();
        Self { app, ..self }
    }

    /// The answer's body element, after making sure that it is one and no fault.
    pub(crate) async fn ask(&self, request: &str) -> Element {
        let answer = self.soap(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.payload()
    }

    /// The code of a fault and the rest of it.
    pub(crate) async fn fault(&self, request: &str) -> (String, Element) {
        let answer = self.soap(request).await;
        answer.fault()
    }

    /// A token for the client.
    pub(crate) async fn token(&self) -> String {
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
        let answer = self.form(&form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Posts a form to `/token`.
    pub(crate) async fn form(&self, form: &str) -> Answer {
        let request = self.http.post(self.url("/token")).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form.to_owned())).await
    }

    pub(crate) async fn get(&self, url: String) -> Answer {
        self.send(self.http.get(url)).await
    }

    /// A figure of the metrics; 0 where the line is not there.
    pub(crate) async fn figure(&self, line: &str) -> u64 {
        let text = self.get(self.admin_url("/metrics")).await.body;
        let found = text.lines().find_map(|found| found.strip_prefix(line));
        found.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Asks the simulator to fail.
    pub(crate) async fn control(&self, fault: Value) {
        let url = format!("{}/control/faults", self.simulator.base_url());
        let answer = self.http.post(url).body(fault.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    }

    /// Waits until the simulator has met the calls that its faults were for: slow ones are under way then.
    pub(crate) async fn until_under_way(&self) {
        let url = format!("{}/control/faults", self.simulator.base_url());
        while self.get(url.clone()).await.json()["faults"] != json!([]) {}
    }

    /// No more failures, and the calls so far forgotten.
    pub(crate) async fn calm(&self) {
        self.check_graph().await;
        for what in ["faults", "ledger"] {
            let url = format!("{}/control/{what}", self.simulator.base_url());
            assert_eq!(self.http.delete(url).send().await.unwrap().status(), 204);
        }
    }

    /// The calls that the simulator received.
    pub(crate) async fn ledger(&self) -> Value {
        let url = format!("{}/control/ledger", self.simulator.base_url());
        self.get(url).await.json()
    }

    /// How often a call came.
    pub(crate) async fn calls(&self, call: &str) -> u64 {
        self.ledger().await["counts"][call].as_u64().unwrap_or(0)
    }

    /// Makes an event through Graph, as any other program would.
    pub(crate) async fn meet(&self, mailbox: &str, event: Value) -> Value {
        let form = "grant_type=client_credentials&client_id=app-everything\
             &client_secret=simulated-secret-of-everything&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
        let base = self.simulator.base_url();
        let request = self.http.post(format!("{base}/{TENANT}/oauth2/v2.0/token"));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let token = self.send(request).await.json()["access_token"].as_str().unwrap().to_owned();
        let request = self.http.post(format!("{base}/v1.0/users/{mailbox}/events")).bearer_auth(token);
        let answer = self.send(request.json(&event)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    /// An event of an hour or so, UTC.
    pub(crate) async fn busy(&self, mailbox: &str, start: &str, end: &str) {
        let time = |time: &str| json!({ "dateTime": time, "timeZone": "UTC" });
        self.meet(mailbox, json!({ "subject": "Added", "start": time(start), "end": time(end) })).await;
    }

    /// Ends the test: everything seen is checked against the schemas.
    pub(crate) async fn done(self) {
        self.check_graph().await;
        let answers = self.seen.into_inner().unwrap();
        schema::answers(self.folder.path(), &answers);
        self.app.stop().await;
        self.simulator.stop().await;
    }

    async fn check_graph(&self) {
        for call in self.ledger().await["calls"].as_array().unwrap() {
            schema::graph_call(call);
        }
    }

    /// The authority that signed the gateway's certificate.
    pub(crate) fn authority(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&self.made.authority).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Answer {
    pub(crate) fn is_soap(&self) -> bool {
        self.header("content-type").starts_with("text/xml")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What is in the SOAP body.
    pub(crate) fn payload(&self) -> Element {
        assert!(self.is_soap(), "{self:?}");
        let envelope = Element::parse(&self.body);
        envelope.child("Body").children[0].clone()
    }

    /// A fault's code without its prefix, and the fault. Faults always come with 500.
    pub(crate) fn fault(&self) -> (String, Element) {
        assert_eq!(self.status, 500, "{}", self.body);
        let fault = self.payload();
        assert_eq!(fault.name, "Fault", "{}", self.body);
        let code = fault.child("faultcode").text.trim_start_matches("a:").to_owned();
        (code, fault)
    }
}

/// Packs with gzip.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpack(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).unwrap();
    text
}
