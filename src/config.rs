//! The configuration: TOML and secret references, parsed once.
//!
//! Owns what the keys mean and what is wrong with them, with line numbers. Must not open a port or
//! send anything.

mod audit;
mod clients;
mod credentials;
mod monitor;
mod policies;
mod problems;
mod raw;
mod server;
mod tenants;
mod trials;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::audit as audit_log;
use crate::calendar::domains::Domains;
use crate::changes;
use crate::client::{Client, Networks, Pattern};
use crate::graph::{CacheSettings, Settings, Trial};
use crate::out_of_office;
use crate::rosters;
use crate::server::monitor::Access;
use crate::server::tls::CertificateFiles;
use crate::server::{ChannelBinding, Limits, Proxies, RouteNetworks};
use crate::tenant::Tenant;

pub use problems::{Problem, Problems};
pub use raw::LogFormat;
pub use values::SecretReference;

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Where clients connect, and how.
    pub server: Server,
    /// Where operators look.
    pub admin_listen: SocketAddr,
    /// What a request may be and take.
    pub limits: Limits,
    /// The tokens that clients get.
    pub tokens: Tokens,
    /// Log-in by NTLM.
    pub ntlm: Ntlm,
    /// Calls to Microsoft, and the cache of answers.
    pub graph: Settings,
    /// Log lines.
    pub log: Log,
    /// Writing whole exchanges to files.
    pub capture: Option<Capture>,
    /// The audit log, where there is one.
    pub audit: Option<audit_log::Settings>,
    /// What must survive a restart; nothing does without it.
    pub store: Option<PathBuf>,
    /// How calendars are watched for subscribers.
    pub changes: changes::Settings,
    /// How lists that policies name are kept up to date.
    pub policies: rosters::Settings,
    /// The out-of-office monitor, where there is one.
    pub monitor: Option<Monitor>,
    /// Whose calendars.
    pub tenants: Vec<Tenant>,
    /// Which mailboxes `check --online` tries, for each credential.
    pub trials: Vec<Trial>,
    /// Who may call.
    pub clients: Vec<Client>,
}

/// Where clients connect, and how.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// How clients reach it: issuer and audience of tokens, without a slash at the end.
    pub public_url: String,
    /// Its host.
    pub host: String,
    /// Certificate and key, or `None` for plain HTTP.
    pub tls: Option<CertificateFiles>,
    /// Proxies that are believed about the caller's address.
    pub proxies: Proxies,
    /// From where each route may be called.
    pub networks: RouteNetworks,
}

/// The tokens that clients get.
#[derive(Debug)]
pub struct Tokens {
    /// How long one lasts.
    pub lifetime: Duration,
    /// Ids and secrets; the first signs, all verify; never empty.
    pub keys: Vec<(String, SecretString)>,
}

/// Log-in by NTLM, for clients that have NT hashes.
#[derive(Clone, Copy, Debug)]
pub struct Ntlm {
    /// Whether it must be bound to the TLS connection.
    pub channel_binding: ChannelBinding,
}

/// Log lines.
#[derive(Clone, Debug)]
pub struct Log {
    /// How they look.
    pub format: LogFormat,
    /// Which there are: a tracing filter.
    pub level: String,
}

/// Writing whole exchanges to files.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Where to.
    pub directory: PathBuf,
    /// Whether addresses are written as they are.
    pub addresses: bool,
    /// How many files at most.
    pub files: usize,
}

/// The out-of-office monitor, and its listener.
#[derive(Debug)]
pub struct Monitor {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Whether with the certificate of `[server]`; else plain HTTP.
    pub tls: bool,
    /// Who may call there.
    pub access: Access,
    /// How it watches and whom it tells.
    pub settings: out_of_office::Settings,
}

impl Config {
    /// Reads a configuration. `folder` is where relative paths start; `variable` reads the
    /// environment.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its line and the remedy.
    pub fn parse(text: &str, folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let raw: raw::Raw = toml::from_str(text).map_err(|error| Problems::of_toml(text, &error))?;
        let (has_store, has_client_ca) = (raw.store.is_some(), raw.server.client_ca.is_some());
        let (directories, problems) = (Domains::default(), Problems::new(text));
        let mut reader = Reader { folder, variable, has_store, has_client_ca, directories, problems };
        let ntlm = reader.ntlm(raw.ntlm, &raw.server.plain, &raw.clients);
        let trials = reader.trials(&raw.tenants);
        let (server, tenants) = (reader.server(raw.server), reader.tenants(raw.tenants, raw.cache.megabytes));
        let clients = reader.clients(raw.clients, &tenants);
        let config = Self {
            ntlm,
            monitor: raw.monitor.map(|monitor| reader.monitor(monitor, &server, &tenants)),
            server,
            tenants,
            trials,
            admin_listen: raw.admin.listen,
            limits: limits(raw.limits),
            tokens: reader.tokens(raw.tokens),
            graph: reader.graph(raw.graph, raw.cache),
            log: reader.log(raw.log),
            audit: raw.audit.map(|audit| reader.audit(audit)),
            capture: raw.capture.map(|capture| reader.capture(capture)),
            store: store(raw.store, folder),
            changes: reader.changes(raw.changes, has_store),
            policies: rosters::Settings { refresh: raw.policies.refresh, max_age: raw.policies.max_age },
            clients,
        };
        reader.problems.none().map(|()| config)
    }

    /// Where the store of a configuration is, if it has one. For whoever looks into the store alone: secrets are not
    /// read.
    ///
    /// # Errors
    /// Unknown keys and values of the wrong type.
    pub fn store_path(text: &str, folder: &Path) -> Result<Option<PathBuf>, Problems> {
        let raw: raw::Raw = toml::from_str(text).map_err(|error| Problems::of_toml(text, &error))?;
        Ok(store(raw.store, folder))
    }
}

/// What turns raw values into checked ones, noting what is wrong.
struct Reader<'a> {
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether it is said where the store is.
    has_store: bool,
    /// Whether callers are asked for certificates.
    has_client_ca: bool,
    /// The tenants' domains, and whether a credential looks into the tenant's directory.
    directories: Domains<bool>,
    problems: Problems,
}

impl Reader<'_> {
    fn ntlm(&mut self, raw: raw::Ntlm, plain: &Spanned<bool>, clients: &[Spanned<raw::Client>]) -> Ntlm {
        let hash = clients.iter().find_map(|client| client.get_ref().nt_hashes.first());
        let channel_binding = *raw.channel_binding.get_ref();
        if let (true, Some(hash)) = (*plain.get_ref(), hash) {
            if !raw.plain {
                let remedy = "NTLM needs TLS; behind a TLS proxy on the same host, set plain = true in [ntlm]";
                self.problems.add(hash, "clients.nt_hashes", remedy);
            }
            if channel_binding == ChannelBinding::Required {
                let remedy = "cannot be required where another program ends TLS: server.plain is true";
                self.problems.add(&raw.channel_binding, "ntlm.channel_binding", remedy);
            }
        }
        Ntlm { channel_binding }
    }

    fn tokens(&mut self, raw: raw::Tokens) -> Tokens {
        if raw.keys.get_ref().is_empty() {
            self.problems.add(&raw.keys, "tokens.keys", "at least one key is needed");
        }
        let mut seen = raw::Seen::new();
        let mut keys = Vec::new();
        for key in raw.keys.into_inner() {
            let secret = self.long_secret(&key.secret, "tokens.keys.secret");
            self.problems.unique(&mut seen, &key.id, &key.secret, "tokens.keys.id");
            keys.push((key.id, secret));
        }
        Tokens { lifetime: raw.lifetime, keys }
    }

    fn graph(&mut self, raw: raw::Graph, cache: raw::Cache) -> Settings {
        let days_per_window = *cache.days_per_window.get_ref();
        if !(1..=30).contains(&days_per_window) {
            self.problems.add(&cache.days_per_window, "cache.days_per_window", "must be 1 to 30");
        }
        let cache = CacheSettings {
            lifetime: cache.lifetime,
            negative_lifetime: cache.unknown_lifetime,
            stale: cache.stale,
            out_of_office_lifetime: cache.out_of_office_lifetime,
            megabytes: cache.megabytes,
            days_per_window,
        };
        let proxy = raw.proxy.and_then(|proxy| self.url(&proxy, "graph.proxy"));
        let concurrency = raw.concurrency.max(1);
        Settings { cache, timeout: raw.timeout, concurrency, proxy, ..Settings::default() }
    }

    fn log(&mut self, raw: raw::Log) -> Log {
        if let Err(error) = EnvFilter::builder().parse(raw.level.get_ref()) {
            self.problems.add(&raw.level, "log.level", &format!("is no tracing filter, such as \"info\": {error}"));
        }
        Log { format: raw.format, level: raw.level.into_inner() }
    }

    fn capture(&mut self, raw: raw::Capture) -> Capture {
        let directory = self.folder.join(raw.directory.get_ref());
        if directory.exists() && !directory.is_dir() {
            self.problems.add(&raw.directory, "capture.directory", "is no directory");
        }
        Capture { directory, addresses: raw.addresses, files: raw.files }
    }

    fn changes(&mut self, raw: raw::Changes, has_store: bool) -> changes::Settings {
        let notification_url = raw.notification_url.and_then(|text| {
            let url = self.url(&text, "changes.notification_url")?;
            if url.scheme() != "https" || url.query().is_some() {
                let remedy = "Graph posts to https addresses only; write one without a query";
                self.problems.add(&text, "changes.notification_url", remedy);
            }
            if !has_store {
                let remedy = "needs [store]: Graph goes on telling a gateway that has forgotten its secrets";
                self.problems.add(&text, "changes.notification_url", remedy);
            }
            Some(url)
        });
        changes::Settings {
            interval: raw.interval,
            calls_per_second: raw.calls_per_second.get(),
            notification_url,
            subscriptions_per_client: raw.subscriptions_per_client,
            streams_per_client: raw.streams_per_client,
            idle: raw.idle,
            heartbeat: raw.heartbeat,
            queue: raw.queue.max(1),
        }
    }

    fn patterns(&mut self, texts: &[Spanned<String>], key: &str) -> Vec<Pattern> {
        let mut patterns = Vec::with_capacity(texts.len());
        for text in texts {
            if text.get_ref().contains('@') || text.get_ref() == "*" {
                patterns.push(Pattern::new(text.get_ref()));
            } else {
                self.problems.add(text, key, "is no address pattern; write room-*@contoso.example");
            }
        }
        patterns
    }

    fn networks(&mut self, entries: &[Spanned<String>], key: &str) -> Networks {
        let mut networks = Networks::default();
        for entry in entries {
            if networks.add(entry.get_ref()).is_err() {
                self.problems.add(
                    entry,
                    key,
                    "is no network; write 192.0.2.0/24, 2001:db8::/32 or google-calendar-interop",
                );
            }
        }
        networks
    }

    fn url(&mut self, text: &Spanned<String>, key: &str) -> Option<Url> {
        let url = Url::parse(text.get_ref())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        if url.is_none() {
            self.problems.add(text, key, "is no http or https URL");
        }
        url
    }

    /// Reads a secret that is used as a key.
    fn long_secret(&mut self, reference: &Spanned<SecretReference>, key: &str) -> SecretString {
        let secret = self.secret(reference, key);
        if secret.expose_secret().len() < SHORTEST_KEY {
            let remedy = "is shorter than 32 bytes; make one with `calendar-relay client-secret`";
            self.problems.add(reference, key, remedy);
        }
        secret
    }

    /// Reads a secret; an unreadable one is a problem, and empty.
    fn secret(&mut self, reference: &Spanned<SecretReference>, key: &str) -> SecretString {
        let value = match reference.get_ref() {
            SecretReference::Env(name) => {
                (self.variable)(name).ok_or_else(|| format!("the environment variable {name} is not set"))
            }
            SecretReference::File(path) => {
                let path = self.folder.join(path);
                std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
            }
        };
        let value = value.and_then(|value| match value.trim() {
            "" => Err("the secret is empty".to_owned()),
            value => Ok(SecretString::from(value)),
        });
        value.unwrap_or_else(|problem| {
            self.problems.add(reference, key, &problem);
            SecretString::default()
        })
    }
}

fn store(raw: Option<raw::Store>, folder: &Path) -> Option<PathBuf> {
    raw.filter(|store| store.path.as_os_str() != IN_MEMORY).map(|store| folder.join(store.path))
}

fn limits(raw: raw::Limits) -> Limits {
    Limits {
        body_bytes: raw.body_bytes,
        header_bytes: raw.header_bytes.max(SMALLEST_HEADER),
        connections: raw.connections.max(1),
        connections_per_address: raw.connections_per_address.max(1),
        header_timeout: raw.header_timeout,
        body_timeout: raw.body_timeout,
        idle_timeout: raw.idle_timeout,
        deadline: raw.deadline,
        drain_delay: raw.drain_delay,
        drain: raw.drain,
        failures_per_minute: raw.failures_per_minute.max(1),
        password_checks: raw.password_checks.max(1),
    }
}

/// HMAC-SHA-256 wants a key as long as its output (RFC 7518 §3.2).
const SHORTEST_KEY: usize = 32;
/// What hyper can work with.
const SMALLEST_HEADER: usize = 8 << 10;

/// A store that ends with the process, on purpose.
const IN_MEMORY: &str = ":memory:";

#[cfg(test)]
mod tests;
