//! `[monitor]` as it is written: keys, types and defaults.
//!
//! Must not know what the values mean.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::config::values::{SecretReference, no, some_time};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawMonitor {
    #[serde(default = "listen")]
    pub(super) listen: SocketAddr,
    #[serde(default)]
    pub(super) networks: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) hosts: Vec<Spanned<String>>,
    pub(super) token: Option<Spanned<SecretReference>>,
    #[serde(default = "no")]
    pub(super) tls: Spanned<bool>,
    #[serde(default = "no")]
    pub(super) plain: Spanned<bool>,
    pub(super) mailboxes: Spanned<Vec<Spanned<String>>>,
    pub(super) default_domain: Option<Spanned<String>>,
    #[serde(default = "minute", deserialize_with = "some_time")]
    pub(super) interval: Duration,
    #[serde(default = "five_minutes", deserialize_with = "some_time")]
    pub(super) longest_interval: Duration,
    #[serde(default = "ten")]
    pub(super) calls_per_second: NonZeroU32,
    #[serde(default = "three_days", deserialize_with = "some_time")]
    pub(super) give_up: Duration,
    #[serde(default)]
    pub(super) webhooks: Vec<Spanned<RawWebhook>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawWebhook {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<Kind>,
    pub(super) url: Spanned<String>,
    #[serde(default)]
    pub(super) plain: bool,
    #[serde(default)]
    pub(super) secrets: Vec<Spanned<SecretReference>>,
    #[serde(default)]
    pub(super) private_networks: Vec<Spanned<String>>,
    pub(super) extra_ca: Option<Spanned<PathBuf>>,
    #[serde(default = "ten_seconds", deserialize_with = "some_time")]
    pub(super) timeout: Duration,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Kind {
    Mediator,
    Standard,
}

fn listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8445))
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

fn ten() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(9)
}

fn three_days() -> Duration {
    Duration::from_secs(72 * 3600)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}
