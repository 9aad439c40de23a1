//! The configuration as it is written: keys, types and defaults.
//!
//! Owns the TOML's shape. Must not know what the values mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::audit::RawAudit;
use super::monitor::RawMonitor;
use super::policies::{Hours, Mailboxes, View};
use super::values::{SecretReference, duration, no, some_time};
use crate::server::{ChannelBinding, ForwardedHeader};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) server: Server,
    #[serde(default)]
    pub(super) admin: Admin,
    #[serde(default)]
    pub(super) limits: Limits,
    pub(super) tokens: Tokens,
    #[serde(default)]
    pub(super) ntlm: Ntlm,
    #[serde(default)]
    pub(super) cache: Cache,
    #[serde(default)]
    pub(super) graph: Graph,
    #[serde(default)]
    pub(super) log: Log,
    pub(super) audit: Option<Spanned<RawAudit>>,
    pub(super) capture: Option<Capture>,
    pub(super) store: Option<Store>,
    #[serde(default)]
    pub(super) changes: Changes,
    #[serde(default)]
    pub(super) policies: Policies,
    pub(super) monitor: Option<Spanned<RawMonitor>>,
    #[serde(default)]
    pub(super) tenants: Vec<Spanned<Tenant>>,
    #[serde(default)]
    pub(super) clients: Vec<Spanned<Client>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) path: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Changes {
    #[serde(deserialize_with = "some_time")]
    pub(super) interval: Duration,
    pub(super) calls_per_second: std::num::NonZeroU32,
    pub(super) notification_url: Option<Spanned<String>>,
    pub(super) subscriptions_per_client: usize,
    pub(super) streams_per_client: usize,
    #[serde(deserialize_with = "some_time")]
    pub(super) idle: Duration,
    #[serde(deserialize_with = "some_time")]
    pub(super) heartbeat: Duration,
    pub(super) queue: usize,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Policies {
    #[serde(deserialize_with = "some_time")]
    pub(super) refresh: Duration,
    #[serde(deserialize_with = "some_time")]
    pub(super) max_age: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub(super) listen: std::net::SocketAddr,
    pub(super) public_url: Spanned<String>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) private_key: Option<PathBuf>,
    pub(super) client_ca: Option<Spanned<PathBuf>>,
    #[serde(default = "no")]
    pub(super) plain: Spanned<bool>,
    #[serde(default)]
    pub(super) trusted_proxies: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) forwarded_header: ForwardedHeader,
    #[serde(default)]
    pub(super) proxy_protocol: bool,
    #[serde(default)]
    pub(super) networks: RouteNetworks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouteNetworks {
    pub(super) soap: Vec<Spanned<String>>,
    pub(super) token: Vec<Spanned<String>>,
    pub(super) health: Vec<Spanned<String>>,
    pub(super) graph_notifications: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Admin {
    pub(super) listen: std::net::SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) body_bytes: usize,
    pub(super) header_bytes: usize,
    pub(super) connections: usize,
    pub(super) connections_per_address: usize,
    #[serde(deserialize_with = "some_time")]
    pub(super) header_timeout: Duration,
    #[serde(deserialize_with = "some_time")]
    pub(super) body_timeout: Duration,
    #[serde(deserialize_with = "some_time")]
    pub(super) idle_timeout: Duration,
    #[serde(deserialize_with = "some_time")]
    pub(super) deadline: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) drain_delay: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) drain: Duration,
    pub(super) failures_per_minute: u32,
    pub(super) password_checks: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tokens {
    #[serde(default = "hour", deserialize_with = "some_time")]
    pub(super) lifetime: Duration,
    pub(super) keys: Spanned<Vec<TokenKey>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenKey {
    pub(super) id: String,
    pub(super) secret: Spanned<SecretReference>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ntlm {
    pub(super) channel_binding: Spanned<ChannelBinding>,
    pub(super) plain: bool,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Cache {
    #[serde(deserialize_with = "duration")]
    pub(super) lifetime: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) unknown_lifetime: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) stale: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) out_of_office_lifetime: Duration,
    pub(super) megabytes: u64,
    pub(super) days_per_window: Spanned<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Graph {
    #[serde(deserialize_with = "some_time")]
    pub(super) timeout: Duration,
    pub(super) concurrency: usize,
    pub(super) proxy: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) format: LogFormat,
    pub(super) level: Spanned<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// For machines.
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capture {
    pub(super) directory: Spanned<PathBuf>,
    #[serde(default)]
    pub(super) addresses: bool,
    #[serde(default = "thousand")]
    pub(super) files: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tenant {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) cloud: Option<Spanned<String>>,
    pub(super) login_url: Option<Spanned<String>>,
    pub(super) graph_url: Option<Spanned<String>>,
    pub(super) extra_ca: Option<Spanned<PathBuf>>,
    pub(super) domains: Vec<Spanned<String>>,
    #[serde(default = "no")]
    pub(super) default: Spanned<bool>,
    pub(super) concurrency: Option<std::num::NonZeroUsize>,
    pub(super) cache_megabytes: Option<Spanned<u64>>,
    pub(super) check: Option<Check>,
    pub(super) credentials: Vec<Spanned<Credential>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    pub(super) client_id: String,
    pub(super) secret: Option<Spanned<SecretReference>>,
    pub(super) secret_expires: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<Certificate>>,
    pub(super) federated_token_file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) managed_identity: bool,
    pub(super) managed_identity_url: Option<Spanned<String>>,
    pub(super) capabilities: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) rbac_scoped: bool,
    #[serde(default = "no")]
    pub(super) mail_tips: Spanned<bool>,
    #[serde(default)]
    pub(super) all_addresses: bool,
    pub(super) check: Option<Check>,
}

/// Mailboxes to try a tenant's credentials with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) allowed: Option<Spanned<String>>,
    pub(super) forbidden: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) certificate: Option<PathBuf>,
    pub(super) private_key: Option<PathBuf>,
    pub(super) pkcs12: Option<PathBuf>,
    pub(super) password: Option<Spanned<SecretReference>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) id: String,
    #[serde(default)]
    pub(super) users: Vec<String>,
    #[serde(default)]
    pub(super) secrets_sha256: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) passwords_argon2id: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) nt_hashes: Vec<Spanned<SecretReference>>,
    #[serde(default)]
    pub(super) certificate_names: Vec<Spanned<String>>,
    pub(super) capabilities: Vec<Spanned<String>>,
    pub(super) mailboxes: Vec<Spanned<Mailboxes>>,
    pub(super) ceiling: Spanned<String>,
    #[serde(default)]
    pub(super) private_items: bool,
    #[serde(default)]
    pub(super) view: View,
    #[serde(default)]
    pub(super) grants: Vec<Grant>,
    #[serde(default)]
    pub(super) deny: Vec<Spanned<Mailboxes>>,
    #[serde(default)]
    pub(super) tenants: Vec<Spanned<String>>,
    pub(super) read_only_hours: Option<Hours>,
    pub(super) mailbox: Option<Spanned<String>>,
    #[serde(default = "fifty")]
    pub(super) requests_per_second: std::num::NonZeroU32,
    #[serde(default = "hundred")]
    pub(super) burst: std::num::NonZeroU32,
    #[serde(default = "thirty_two")]
    pub(super) concurrency: usize,
    #[serde(default)]
    pub(super) networks: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) token_networks: Vec<Spanned<String>>,
}

/// More of what a client may do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub(super) capabilities: Vec<Spanned<String>>,
    pub(super) mailboxes: Vec<Spanned<Mailboxes>>,
    pub(super) ceiling: Spanned<String>,
    #[serde(default)]
    pub(super) private_items: bool,
    #[serde(default)]
    pub(super) view: View,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: std::net::SocketAddr::from(([127, 0, 0, 1], 9090)) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            header_bytes: 32 << 10,
            connections: 2000,
            connections_per_address: 200,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(75),
            deadline: Duration::from_secs(9),
            drain_delay: Duration::from_secs(3),
            drain: Duration::from_secs(20),
            failures_per_minute: 20,
            password_checks: 2,
        }
    }
}

impl Default for Ntlm {
    fn default() -> Self {
        Self { channel_binding: Spanned::new(0..0, ChannelBinding::default()), plain: false }
    }
}

impl Default for Changes {
    fn default() -> Self {
        let it = crate::changes::Settings::default();
        Self {
            interval: it.interval,
            calls_per_second: std::num::NonZeroU32::new(it.calls_per_second).unwrap_or(std::num::NonZeroU32::MIN),
            notification_url: None,
            subscriptions_per_client: it.subscriptions_per_client,
            streams_per_client: it.streams_per_client,
            idle: it.idle,
            heartbeat: it.heartbeat,
            queue: it.queue,
        }
    }
}

impl Default for Policies {
    fn default() -> Self {
        let crate::rosters::Settings { refresh, max_age } = crate::rosters::Settings::default();
        Self { refresh, max_age }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(120),
            unknown_lifetime: Duration::from_secs(60),
            stale: Duration::from_secs(3600),
            out_of_office_lifetime: Duration::from_secs(30),
            megabytes: 256,
            days_per_window: Spanned::new(0..0, 7),
        }
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(8), concurrency: 64, proxy: None }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: Spanned::new(0..0, "info".to_owned()) }
    }
}

fn hour() -> Duration {
    Duration::from_secs(3600)
}

fn thousand() -> usize {
    1000
}

fn fifty() -> std::num::NonZeroU32 {
    std::num::NonZeroU32::MIN.saturating_add(49)
}

fn hundred() -> std::num::NonZeroU32 {
    std::num::NonZeroU32::MIN.saturating_add(99)
}

fn thirty_two() -> usize {
    32
}

/// Names and the lines they were first seen on.
pub(super) type Seen = BTreeMap<String, usize>;
