//! Events of mailboxes: reading and writing them, and finding people.
//!
//! Nothing here is remembered: who reads sees what Graph has. Each write makes what is remembered of
//! busy times worthless. Only `writes` calls the methods that write.

use uuid::Uuid;

use super::Graphs;
use crate::calendar::Window;
use crate::calendar::event::{Event, EventChange, EventId, PropertyId, ZonedTime};
use crate::calendar::person::{Entry, Query};
use crate::client::{Entitled, Permitted};
use crate::failure::Failure;
use crate::journal::Journal;

/// Which parts of events are read besides the usual ones.
#[derive(Clone, Debug, Default)]
pub struct EventParts {
    /// The text.
    pub body: bool,
    /// Changed and deleted occurrences of a series; only of single events.
    pub exceptions: bool,
    /// Extended properties.
    pub properties: Vec<PropertyId>,
}

/// An answer to an invitation.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Which.
    pub kind: ReplyKind,
    /// A text for the organizer; may be empty.
    pub comment: String,
    /// Whether the organizer is told.
    pub sends: bool,
    /// Another time.
    pub proposed: Option<(ZonedTime, ZonedTime)>,
}

/// Which answer to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Yes.
    Accept,
    /// No.
    Decline,
    /// Perhaps.
    Tentative,
}

impl Graphs {
    /// Everything in a window, series as their occurrences, by start. The whole of it or a failure.
    ///
    /// # Errors
    /// Whatever failed, a later page included; [`Failure::TooManyFound`].
    pub async fn view(
        &self,
        mailbox: &Permitted,
        window: Window,
        parts: &EventParts,
        journal: &Journal,
    ) -> Result<Vec<Event>, Failure> {
        let _ = (mailbox, window, parts, journal);
        Err(Failure::Internal)
    }

    /// All single events and series of a calendar, by start. The whole of it or a failure.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub async fn events(
        &self,
        mailbox: &Permitted,
        parts: &EventParts,
        journal: &Journal,
    ) -> Result<Vec<Event>, Failure> {
        let _ = (mailbox, parts, journal);
        Err(Failure::Internal)
    }

    /// One event.
    ///
    /// # Errors
    /// [`Failure::NoSuchItem`], also for an id of another mailbox.
    pub async fn event(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        parts: &EventParts,
        journal: &Journal,
    ) -> Result<Event, Failure> {
        let _ = (mailbox, id, parts, journal);
        Err(Failure::Internal)
    }

    /// The occurrences of a series, deleted ones left out, by start, `most` of them at most.
    ///
    /// # Errors
    /// [`Failure::NoSuchItem`], [`Failure::NotASeries`].
    pub async fn occurrences(
        &self,
        mailbox: &Permitted,
        series: &EventId,
        window: Window,
        most: usize,
        parts: &EventParts,
        journal: &Journal,
    ) -> Result<Vec<Event>, Failure> {
        let _ = (mailbox, series, window, most, parts, journal);
        Err(Failure::Internal)
    }

    /// People, rooms and groups that a query may mean, a hundred and one at most.
    ///
    /// # Errors
    /// [`Failure::Denied`] without a credential for the directory.
    pub async fn people(&self, proof: &Entitled, query: &Query, journal: &Journal) -> Result<Vec<Entry>, Failure> {
        let _ = (proof, query, journal);
        Err(Failure::Internal)
    }

    /// Makes an event. Asked again with the same transaction and change, it makes no second one.
    ///
    /// # Errors
    /// As [`Self::event`]; after any failure the event may be there.
    pub async fn create_event(
        &self,
        mailbox: &Permitted,
        change: &EventChange,
        transaction: Uuid,
        journal: &Journal,
    ) -> Result<Event, Failure> {
        let _ = (mailbox, change, transaction, journal);
        Err(Failure::Internal)
    }

    /// The event that a transaction made, if it is there.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub async fn created_event(
        &self,
        mailbox: &Permitted,
        transaction: Uuid,
        journal: &Journal,
    ) -> Result<Option<EventId>, Failure> {
        let _ = (mailbox, transaction, journal);
        Err(Failure::Internal)
    }

    /// Changes an event, if it still has the change key that is expected, and gives it as it is then.
    ///
    /// # Errors
    /// [`Failure::Conflict`] if it has another change key; else as [`Self::event`].
    pub async fn update_event(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        change: &EventChange,
        expected: Option<&str>,
        journal: &Journal,
    ) -> Result<Event, Failure> {
        let _ = (mailbox, id, change, expected, journal);
        Err(Failure::Internal)
    }

    /// Deletes an event; its attendees are told if the mailbox invited them.
    ///
    /// # Errors
    /// As [`Self::update_event`].
    pub async fn delete_event(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        expected: Option<&str>,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let _ = (mailbox, id, expected, journal);
        Err(Failure::Internal)
    }

    /// Answers an invitation.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub async fn reply(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        reply: &Reply,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let _ = (mailbox, id, reply, journal);
        Err(Failure::Internal)
    }

    /// Calls a meeting off and tells the attendees.
    ///
    /// # Errors
    /// [`Failure::NotOrganizer`]; else as [`Self::event`].
    pub async fn cancel_event(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        comment: &str,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let _ = (mailbox, id, comment, journal);
        Err(Failure::Internal)
    }
}
