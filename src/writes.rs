//! Every change to a calendar, exactly once as far as the wire allows.
//!
//! Owns the order of things: the intent is on disk before Graph is asked, and gone before the caller
//! is told. What is still there later belongs to a caller who was told that it failed, or nothing at
//! all: `writes/sweep.rs` looks for the event by its transaction and deletes it. Must not know either
//! wire.
//!
//! Changes, deletions and answers need no intents: asked again, Graph ends where it would have ended,
//! and a caller who was told that one failed may find it done, as with Exchange.

mod exclusions;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::calendar::event::{Event, EventChange, EventId};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::{Graphs, NotMade, Reply};
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

    /// Cleans up behind creates that failed, also those of earlier processes, until the end.
    /// Requests take no longer than `deadline`.
    pub async fn run(
        self: Arc<Self>,
        deadline: Duration,
        clock: impl Fn() -> Timestamp + Send + Sync,
        end: CancellationToken,
    ) {
        let sweep = sweep::Sweep::new(&self.graphs, &self.store, deadline, clock);
        end.run_until_cancelled(sweep.run()).await;
    }

    /// Makes an event; a series without its occurrences on some days, by the clock of its start.
    ///
    /// # Errors
    /// Whatever failed; the event is then not there, or will be deleted again. That holds too when
    /// the caller does not wait for the end.
    pub async fn create(
        &self,
        mailbox: &Permitted,
        change: &EventChange,
        without: &[Date],
        journal: &Journal,
    ) -> Result<Event, Failure> {
        let (id, since) = (Uuid::new_v4(), journal.now.as_second());
        self.store.intend(Intent { id, mailbox: mailbox.mailbox().as_str().to_owned(), since }).await?;
        let mut event = match self.graphs.create_event(mailbox, change, id, journal).await {
            Ok(event) => event,
            Err(NotMade { failure, is_certain }) => {
                if is_certain {
                    // What cannot be settled is looked for in vain.
                    let _ = self.store.settle(id).await;
                }
                return Err(failure);
            }
        };
        if !without.is_empty() {
            event = exclusions::leave_out(&self.graphs, mailbox, (event, change), without, journal).await?;
        }
        // Doomed meanwhile: it took too long, and is being deleted.
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
