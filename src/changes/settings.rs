//! How calendars are watched and subscriptions kept, as the configuration has it.

use std::time::Duration;

use url::Url;

/// How calendars are watched and subscriptions kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often a calendar is looked at, while few are watched.
    pub interval: Duration,
    /// Looks a second at all calendars of a tenant together.
    pub calls_per_second: u32,
    /// Where Graph may tell of changes by itself, if it may: the address below which the gateway's
    /// routes for it are.
    pub notification_url: Option<Url>,
    /// Subscriptions of one client.
    pub subscriptions_per_client: usize,
    /// Open streams of one client.
    pub streams_per_client: usize,
    /// How long a streaming subscription lasts while nobody listens.
    pub idle: Duration,
    /// How often an open stream says that it is alive.
    pub heartbeat: Duration,
    /// Events that one subscription may have queued.
    pub queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3),
            calls_per_second: 20,
            notification_url: None,
            subscriptions_per_client: 2000,
            streams_per_client: 10,
            idle: Duration::from_secs(30 * 60),
            heartbeat: Duration::from_secs(30),
            queue: 10_000,
        }
    }
}
