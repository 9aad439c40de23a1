//! Events of mailboxes: reading them. `events/writes.rs` writes them.
//!
//! Nothing here is remembered: who reads sees what Graph has. Owns which credential serves a mailbox's
//! events, and that the proof is one for events. Must not know JSON.

mod writes;

pub use writes::NotMade;

use super::calls::event_get::{event_get, events_get};
use super::calls::event_instances::event_instances;
use super::calls::event_list::event_list;
use super::calls::event_view::event_view;
use super::visit::Visit;
use super::{EventParts, Graphs};
use crate::calendar::event::{Event, EventId};
use crate::calendar::{Capability, Window};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::journal::Journal;

impl Graphs {
    /// Everything in a window, series as their occurrences, by start. The whole of it or a failure.
    ///
    /// Whole days are those of whoever looks at them: all that may overlap the window in some zone
    /// are there, and the caller leaves out those that do not in its own.
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
        Ok(event_view(self.reading(mailbox, journal)?, window, parts).await?)
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
        Ok(event_list(self.reading(mailbox, journal)?, parts).await?)
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
        Ok(event_get(self.reading(mailbox, journal)?, id, parts).await?)
    }

    /// Several events, in the order of their ids, in few calls.
    ///
    /// # Errors
    /// For each as [`Self::event`].
    pub async fn events_by_id(
        &self,
        mailbox: &Permitted,
        ids: &[EventId],
        parts: &EventParts,
        journal: &Journal,
    ) -> Vec<Result<Event, Failure>> {
        match self.reading(mailbox, journal) {
            Ok(visit) => events_get(visit, ids, parts).await,
            Err(failure) => ids.iter().map(|_| Err(failure.clone())).collect(),
        }
    }

    /// The occurrences of a series, deleted ones left out, by start, `most` of them at most. Whole
    /// days as in [`Self::view`].
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
        Ok(event_instances(self.reading(mailbox, journal)?, series, window, most, parts).await?)
    }

    /// Who may write may read what is to be written; and only for that may a tenant's credential that writes.
    pub(super) fn reading<'a>(&'a self, mailbox: &'a Permitted, journal: &'a Journal) -> Result<Visit<'a>, Failure> {
        match mailbox.capability() {
            Capability::CalendarRead => self.visit(mailbox, &[Capability::CalendarRead], journal),
            Capability::CalendarWrite => {
                self.visit(mailbox, &[Capability::CalendarRead, Capability::CalendarWrite], journal)
            }
            _ => Err(Failure::Denied),
        }
    }

    /// With the credential that serves the first of the capabilities that any serves.
    fn visit<'a>(
        &'a self,
        permitted: &'a Permitted,
        capabilities: &[Capability],
        journal: &'a Journal,
    ) -> Result<Visit<'a>, Failure> {
        let mailbox = permitted.mailbox();
        let nobody = || Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() };
        let graph = self.route(mailbox).ok_or_else(nobody)?;
        let Some(credential) = capabilities.iter().find_map(|capability| graph.credential(*capability)) else {
            graph.tell_missing(permitted.capability());
            return Err(Failure::Denied);
        };
        Ok(Visit { client: &graph.client, credential: credential.into(), mailbox, journal })
    }
}
