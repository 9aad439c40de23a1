//! How the monitor watches and whom it tells, as the configuration has it.

use std::time::Duration;

use super::signing_key::SigningKey;
use crate::client::Pattern;
use crate::outbound::Target;

/// How the monitor watches and whom it tells.
#[derive(Debug)]
pub struct Settings {
    /// Whose automatic replies may be watched.
    pub mailboxes: Vec<Pattern>,
    /// The domain of names without one.
    pub default_domain: Option<String>,
    /// How often a mailbox is looked at that has changed lately.
    pub interval: Duration,
    /// How often one is looked at that has not changed for long.
    pub longest_interval: Duration,
    /// Calls a second to the Graph of one tenant, of twenty mailboxes each.
    pub calls_per_second: u32,
    /// How long delivery is tried before a letter is given up.
    pub give_up: Duration,
    /// Whom it tells.
    pub webhooks: Vec<Webhook>,
}

/// Somebody who is told.
#[derive(Debug)]
pub struct Webhook {
    /// Its name in the configuration, in logs, metrics and the outbox.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// What it is told.
    pub form: Form,
}

/// What a webhook is told.
#[derive(Debug)]
pub enum Form {
    /// What the VMO³ mediator understands; it may ask for watches.
    Mediator,
    /// All that is known, signed with the first key and with each of the others
    /// (<https://www.standardwebhooks.com/>).
    Standard {
        /// At least one.
        keys: Vec<SigningKey>,
    },
}
