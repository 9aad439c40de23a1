//! The monitor: watches mailboxes' automatic replies, and tells webhooks what correspondents hear.
//!
//! Graph tells nobody when automatic replies change, so each watched mailbox is looked at again and again, twenty in one
//! call; a schedule's start and end are known beforehand and told on time. What changed and whom to tell is noted in one
//! transaction, and delivered at least once, in order for each mailbox. Must not know HTTP's server side nor SOAP.

mod delivery;
mod recipient;
mod settings;
mod state;

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use settings::{Form, Settings, Webhook};
pub use state::{Standing, Watched};

use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::metrics::Metrics;
use crate::store::Store;

/// The monitor.
#[derive(Debug)]
pub struct Monitor {
    settings: Settings,
    graphs: Arc<Graphs>,
    store: Store,
    metrics: Arc<Metrics>,
    clock: fn() -> Timestamp,
}

impl Monitor {
    /// Reads the watch list; sends nothing.
    ///
    /// # Errors
    /// A text for the operator.
    pub async fn open(
        settings: Settings,
        graphs: Arc<Graphs>,
        store: Store,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, String> {
        Ok(Self { settings, graphs, store, metrics, clock })
    }

    /// Looks at mailboxes, delivers letters, and brings mediators into step at the start, until `end`.
    pub async fn run(self: Arc<Self>, end: CancellationToken) {
        let _ = (&self.settings, &self.graphs, &self.store, &self.metrics, (self.clock)());
        end.cancelled().await;
    }

    /// Watches a mailbox from now on, under the name that it was asked for by, to which the domain of the settings is
    /// added where it has none. Returns before Graph was asked. Says whether it is new.
    ///
    /// # Errors
    /// [`Failure::BadAddress`]; [`Failure::NoSuchMailbox`] outside every tenant; [`Failure::Denied`] outside
    /// the settings' mailboxes; [`Failure::Internal`] if the store fails.
    pub async fn watch(&self, name: &str) -> Result<(Mailbox, bool), Failure> {
        let _ = name;
        Err(Failure::Internal)
    }

    /// Watches a mailbox no more. Says whether it was watched.
    ///
    /// # Errors
    /// [`Failure::BadAddress`]; [`Failure::Internal`] if the store fails.
    pub async fn unwatch(&self, name: &str) -> Result<(Mailbox, bool), Failure> {
        let _ = name;
        Err(Failure::Internal)
    }

    /// All watched mailboxes, by address.
    #[must_use]
    pub fn watches(&self) -> Vec<Watched> {
        Vec::new()
    }

    /// How one watched mailbox stands.
    #[must_use]
    pub fn watched(&self, name: &str) -> Option<Watched> {
        let _ = name;
        None
    }

    /// Begins to bring all mediators into step, unless that is under way; returns at once. A mediator answers by
    /// asking for watches, so that it must not be waited for.
    pub fn synchronise(self: &Arc<Self>) {}
}
