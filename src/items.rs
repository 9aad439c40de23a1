//! Whose item an id names.
//!
//! Ids say nothing of their mailbox, and Graph wants it: ids that were given out for a mailbox which
//! a later request need not name are remembered. Owns that memory; what it says is a hint, and must
//! be permitted like any other mailbox.

use moka::sync::Cache;

use crate::calendar::Mailbox;
use crate::calendar::event::EventId;

/// The memory.
#[derive(Debug)]
pub struct Items {
    known: Cache<EventId, Mailbox>,
}

impl Items {
    /// An empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self { known: Cache::builder().max_capacity(MOST).build() }
    }

    /// Remembers whose an item is.
    pub fn note(&self, id: &EventId, mailbox: &Mailbox) {
        self.known.insert(id.clone(), mailbox.clone());
    }

    /// Whose an item is, if that is remembered.
    #[must_use]
    pub fn owner(&self, id: &EventId) -> Option<Mailbox> {
        self.known.get(id)
    }
}

impl Default for Items {
    fn default() -> Self {
        Self::new()
    }
}

/// Ids remembered at most.
const MOST: u64 = 200_000;
