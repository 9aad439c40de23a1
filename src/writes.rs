//! Every change to a calendar, exactly once as far as the wire allows.
//!
//! Owns the order of things: the intent is on disk before Graph is asked, and gone before the caller
//! is told. What is still there later belongs to a caller who was told that it failed, or nothing at
//! all: the event is looked for by its transaction and deleted. Must not know either wire.

use std::sync::Arc;

use uuid::Uuid;

use crate::calendar::event::{Event, EventChange, EventId};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::{Graphs, Reply};
use crate::journal::Journal;
use crate::store::{Intent, Store};

/// Writes to calendars.
#[derive(Debug)]
pub struct Writes {
    graphs: Arc<Graphs>,
    store: Store,
}

impl Writes {
    /// Gets ready; does nothing yet.
    #[must_use]
    pub fn new(graphs: Arc<Graphs>, store: Store) -> Self {
        Self { graphs, store }
    }

    /// Makes an event.
    ///
    /// # Errors
    /// Whatever failed; the event is then not there, or will be deleted again.
    pub async fn create(&self, mailbox: &Permitted, change: &EventChange, journal: &Journal) -> Result<Event, Failure> {
        let (id, since) = (Uuid::new_v4(), journal.now.as_second());
        self.store.intend(Intent { id, mailbox: mailbox.mailbox().as_str().to_owned(), since }).await?;
        let event = self.graphs.create_event(mailbox, change, id, journal).await?;
        // Settled by somebody else: it took too long, and is being deleted.
        if self.store.settle(id).await? { Ok(event) } else { Err(Failure::TimedOut) }
    }

    /// Changes an event, if it still has the change key that is expected.
    ///
    /// # Errors
    /// As [`Graphs::update_event`].
    pub async fn update(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        change: &EventChange,
        expected: Option<&str>,
        journal: &Journal,
    ) -> Result<Event, Failure> {
        self.graphs.update_event(mailbox, id, change, expected, journal).await
    }

    /// Deletes an event.
    ///
    /// # Errors
    /// As [`Graphs::delete_event`].
    pub async fn delete(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        expected: Option<&str>,
        journal: &Journal,
    ) -> Result<(), Failure> {
        self.graphs.delete_event(mailbox, id, expected, journal).await
    }

    /// Answers an invitation.
    ///
    /// # Errors
    /// As [`Graphs::reply`].
    pub async fn reply(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        reply: &Reply,
        journal: &Journal,
    ) -> Result<(), Failure> {
        self.graphs.reply(mailbox, id, reply, journal).await
    }

    /// Calls a meeting off.
    ///
    /// # Errors
    /// As [`Graphs::cancel_event`].
    pub async fn cancel(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        comment: &str,
        journal: &Journal,
    ) -> Result<(), Failure> {
        self.graphs.cancel_event(mailbox, id, comment, journal).await
    }
}
