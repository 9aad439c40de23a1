//! Writing events.
//!
//! A call may be carried out although nothing is heard of it; where the next attempt is refused for
//! that reason, it is found out here, and is no failure. What is read for a write is read with the credential that
//! reads, where there is one; only what a transaction made is looked for with the one that wrote it, because whether
//! Graph shows one application's transactions to another is not documented. Each write makes what is remembered of busy
//! times worthless, also one whose end is not known. Only `writes` calls these methods. Must not know
//! JSON.

use std::slice;

use uuid::Uuid;

use crate::calendar::event::{Event, EventChange, EventId, Response};
use crate::calendar::{Capability, Mailbox};
use crate::client::Permitted;
use crate::failure::{Blame, Failure};
use crate::graph::Graphs;
use crate::graph::calls::event_cancel::event_cancel;
use crate::graph::calls::event_create::event_create;
use crate::graph::calls::event_delete::event_delete;
use crate::graph::calls::event_get::{event_get, people};
use crate::graph::calls::event_list::by_transaction;
use crate::graph::calls::event_reply::{Reply, ReplyKind, event_reply};
use crate::graph::calls::event_update::event_update;
use crate::graph::event_json::{EventParts, holds};
use crate::graph::fault::Trouble;
use crate::graph::visit::Visit;
use crate::journal::Journal;

/// Why an event was not made, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotMade {
    /// What failed.
    pub failure: Failure,
    /// Whether it is certainly not there: Graph understood the request and refused it, and no earlier
    /// attempt may have been carried out.
    pub is_certain: bool,
}

impl NotMade {
    fn of(trouble: Trouble) -> Self {
        let Trouble { failure, unsure, .. } = trouble;
        // A conflict may be one with ourselves, asking again.
        let is_refusal = matches!(failure.blame(), Blame::Caller | Blame::Tenant) && failure != Failure::Conflict;
        Self { is_certain: is_refusal && !unsure, failure }
    }

    /// The transaction has made an event, which cannot be told.
    fn but_there(failure: Failure) -> Self {
        Self { failure, is_certain: false }
    }
}

/// A write under way; when it is over, also by being left, what is remembered of the mailboxes that
/// it concerns is worthless.
struct Write<'a> {
    graphs: &'a Graphs,
    concerned: Vec<Mailbox>,
}

impl Graphs {
    /// Makes an event. Asked again with the same transaction and change, it makes no second one.
    ///
    /// # Errors
    /// As [`Self::event`], and whether the event may be there all the same.
    pub async fn create_event(
        &self,
        mailbox: &Permitted,
        change: &EventChange,
        transaction: Uuid,
        journal: &Journal,
    ) -> Result<Event, NotMade> {
        let visit = self.writing(mailbox, journal).map_err(|failure| NotMade::of(failure.into()))?;
        let _write = self.write(mailbox, invited(change));
        let trouble = match event_create(visit, change, transaction).await {
            Ok(event) => return Ok(with_own(event, change)),
            Err(trouble) if is_conflict(&trouble) => trouble,
            Err(trouble) => return Err(NotMade::of(trouble)),
        };
        let found = async {
            let Some(id) = by_transaction(visit, transaction).await? else { return Err(trouble) };
            event_get(self.reading(mailbox, journal)?, &id, &EventParts::default()).await
        };
        found.await.map_err(|trouble| NotMade::but_there(trouble.failure))
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
        Ok(by_transaction(self.writing(mailbox, journal)?, transaction).await?)
    }

    /// Changes an event, if it still has the change key that is expected, and gives it as it is then:
    /// the caller's own UID and attendees who were held back only where the change names them.
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
        let (visit, reader) = (self.writing(mailbox, journal)?, self.reading(mailbox, journal)?);
        // Those who are no longer invited are not in the answer.
        let before = if change.attendees.is_some() { people(reader, id).await? } else { Vec::new() };
        let mut write = self.write(mailbox, before.into_iter().chain(invited(change)));
        let mut outcome = event_update(visit, id, change, expected).await;
        // Without a change key two writes at once are no conflict: the later one wins.
        let mut left = if expected.is_none() { OVERWRITES } else { 0 };
        while left > 0 && outcome.as_ref().is_err_and(is_conflict) {
            left -= 1;
            outcome = event_update(visit, id, change, expected).await;
        }
        let event = match outcome {
            Ok(event) => with_own(event, change),
            Err(trouble) if trouble.unsure && is_conflict(&trouble) => {
                let properties = change.properties.iter().map(|(id, _)| id.clone()).collect();
                let parts = EventParts { body: change.body.is_some(), exceptions: false, properties };
                let event = event_get(reader, id, &parts).await?;
                // Our own first attempt gave it the other change key.
                if !holds(&event, change) {
                    return Err(trouble.failure);
                }
                event
            }
            Err(trouble) => return Err(trouble.failure),
        };
        write.concerned.extend(concerned(&event));
        Ok(event)
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
        let visit = self.writing(mailbox, journal)?;
        let _write = self.write(mailbox, people(self.reading(mailbox, journal)?, id).await?);
        let mut outcome = event_delete(visit, id, expected).await;
        // As with a change: without a change key nothing that another write did keeps it.
        let mut left = if expected.is_none() { OVERWRITES } else { 0 };
        while left > 0 && outcome.as_ref().is_err_and(is_conflict) {
            left -= 1;
            outcome = event_delete(visit, id, expected).await;
        }
        Ok(outcome?)
    }

    /// Answers an invitation.
    ///
    /// # Errors
    /// [`Failure::IsOrganizer`]; else as [`Self::event`].
    pub async fn reply(
        &self,
        mailbox: &Permitted,
        id: &EventId,
        reply: &Reply,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let visit = self.writing(mailbox, journal)?;
        // An answer changes nobody else's busy times.
        let _write = self.write(mailbox, []);
        let Err(trouble) = event_reply(visit, id, reply).await else { return Ok(()) };
        match trouble.failure {
            // Declining takes it out of the calendar.
            Failure::NoSuchItem if trouble.unsure && reply.kind == ReplyKind::Decline => Ok(()),
            Failure::BadValue => {
                let event = event_get(self.reading(mailbox, journal)?, id, &EventParts::default()).await?;
                match event.is_organizer {
                    true => Err(Failure::IsOrganizer { code: reply.kind.refused_to_organizers() }),
                    false if trouble.unsure && event.response == reply.kind.response() => Ok(()),
                    false => Err(Failure::BadValue),
                }
            }
            failure => Err(failure),
        }
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
        let visit = self.writing(mailbox, journal)?;
        let _write = self.write(mailbox, people(self.reading(mailbox, journal)?, id).await?);
        let Err(trouble) = event_cancel(visit, id, comment).await else { return Ok(()) };
        if trouble.failure != Failure::BadValue {
            return Err(trouble.failure);
        }
        match event_get(self.reading(mailbox, journal)?, id, &EventParts::default()).await {
            Ok(event) if !event.is_organizer => Err(Failure::NotOrganizer),
            Ok(event) if trouble.unsure && event.is_cancelled => Ok(()),
            Err(Trouble { failure: Failure::NoSuchItem, .. }) if trouble.unsure => Ok(()),
            Ok(_) => Err(Failure::BadValue),
            Err(trouble) => Err(trouble.failure),
        }
    }

    fn writing<'a>(&'a self, mailbox: &'a Permitted, journal: &'a Journal) -> Result<Visit<'a>, Failure> {
        if mailbox.capability() != Capability::CalendarWrite {
            return Err(Failure::Denied);
        }
        self.visit(mailbox, &[Capability::CalendarWrite], journal)
    }

    fn write(&self, mailbox: &Permitted, others: impl IntoIterator<Item = Mailbox>) -> Write<'_> {
        let own = slice::from_ref(mailbox.mailbox()).iter().cloned();
        Write { graphs: self, concerned: own.chain(others).collect() }
    }
}

/// How often a write that nothing is expected of gives way to another.
const OVERWRITES: u32 = 2;

impl ReplyKind {
    fn response(self) -> Response {
        match self {
            Self::Accept => Response::Accepted,
            Self::Decline => Response::Declined,
            Self::Tentative => Response::Tentative,
        }
    }

    fn refused_to_organizers(self) -> &'static str {
        match self {
            Self::Accept => "ErrorCalendarIsOrganizerForAccept",
            Self::Decline => "ErrorCalendarIsOrganizerForDecline",
            Self::Tentative => "ErrorCalendarIsOrganizerForTentative",
        }
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.graphs.changed(&self.concerned);
    }
}

/// The answers to writes hold no extended properties: those of our own that were written are known.
fn with_own(mut event: Event, change: &EventChange) -> Event {
    if let Some(uid) = &change.uid {
        event.uid = Some(uid.clone());
    }
    if let Some(held_back) = change.held_back.as_ref().filter(|held_back| !held_back.is_empty())
        && event.attendees.is_empty()
    {
        event.attendees.clone_from(held_back);
        event.is_held_back = true;
    }
    event
}

fn invited(change: &EventChange) -> Vec<Mailbox> {
    let attendees = change.attendees.iter().flatten();
    attendees.filter_map(|attendee| Mailbox::parse(&attendee.person.address).ok()).collect()
}

fn concerned(event: &Event) -> impl Iterator<Item = Mailbox> {
    let attendees = event.attendees.iter().filter(|_| !event.is_held_back).map(|attendee| &attendee.person);
    attendees.chain(&event.organizer).filter_map(|person| Mailbox::parse(&person.address).ok())
}

/// Whether Graph refused a write because of what is there.
fn is_conflict(trouble: &Trouble) -> bool {
    trouble.failure == Failure::Conflict
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_a_refusal_of_the_first_attempt_is_certain() {
        let of = |failure: Failure, unsure| NotMade::of(Trouble { unsure, ..failure.into() }).is_certain;
        for certain in [Failure::Denied, Failure::BadRecurrence, Failure::NoSuchItem, Failure::CredentialRefused] {
            assert!(of(certain.clone(), false) && !of(certain.clone(), true), "{certain:?}");
        }
        let busy = Failure::Busy { retry_after: Duration::from_secs(1) };
        for unsure in [busy, Failure::TimedOut, Failure::Unavailable, Failure::Conflict, Failure::Internal] {
            assert!(!of(unsure.clone(), false), "{unsure:?}");
        }
    }
}
