//! Delivers letters: at least once, in order for each mailbox, again and again until they arrive or are given up.
//!
//! Owns when a letter is sent. Must not know what it says.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::recipient::Recipient;
use crate::metrics::Metrics;
use crate::store::Store;

/// Delivers to one recipient.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) recipient: Arc<Recipient>,
    pub(super) store: Store,
    pub(super) give_up: Duration,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: fn() -> Timestamp,
    /// Told when there are new letters.
    pub(super) post: Arc<Notify>,
}

impl Delivery {
    /// Delivers until `end`; a letter under way then is finished, or sent again after the next start.
    pub(super) async fn run(self, end: CancellationToken) {
        let _ = (&self.recipient, &self.store, self.give_up, &self.metrics, (self.clock)(), &self.post);
        end.cancelled().await;
    }
}
