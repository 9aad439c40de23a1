//! The change feed: one watcher for each mailbox, many subscribers.
//!
//! Owns subscriptions, their queues, and how changes are found out. Must not know SOAP.

use std::sync::Arc;

use crate::graph::Graphs;
use crate::store::Store;

/// All subscriptions.
#[derive(Debug)]
pub struct Changes {
    _graphs: Arc<Graphs>,
    _store: Store,
}

impl Changes {
    /// Gets ready; watches nothing yet.
    #[must_use]
    pub fn new(graphs: Arc<Graphs>, store: Store) -> Self {
        Self { _graphs: graphs, _store: store }
    }
}
