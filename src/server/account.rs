//! What is accounted for after a SOAP request: denials, and its line in the audit log.

use std::sync::atomic::Ordering::Relaxed;

use super::limits::{A_MOMENT, Caller};
use super::shared::Shared;
use crate::audit::{Asked, Place, Record};
use crate::calendar::Capability;
use crate::client::{Ceiling, Client};
use crate::ews::Reply;
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::journal::{Journal, Judged};

/// The account of one request: denials are counted, and the audit log gets its line, where there is one.
pub(super) struct Account {
    place: Option<Place>,
}

impl Account {
    /// Takes the place for the line, before anything is done that could not be written down.
    ///
    /// # Errors
    /// [`Failure::Busy`] if the log cannot be written.
    pub(super) async fn open(shared: &Shared) -> Result<Self, Failure> {
        let Some(audit) = &shared.audit else { return Ok(Self { place: None }) };
        let place = audit.place().await.ok_or(Failure::Busy { retry_after: A_MOMENT })?;
        Ok(Self { place: Some(place) })
    }

    /// Whether there is a line to be written.
    pub(super) fn is_kept(&self) -> bool {
        self.place.is_some()
    }

    /// Tells what a client asked and what it got.
    pub(super) fn close(self, shared: &Shared, client: &Client, caller: Caller, journal: &Journal, reply: &Reply) {
        let judged = journal.take_judged();
        // Before any mailbox was looked at.
        let as_a_whole = (judged.is_empty() && reply.failure == Some(Failure::Denied)).then_some("capability");
        for reason in judged.iter().filter_map(|judged| judged.verdict.err()).chain(as_a_whole) {
            shared.metrics.denied(&client.id, reason);
        }
        let Some(place) = self.place else { return };
        let graphs = &*shared.services.graphs;
        let has_details = journal.details.load(Relaxed);
        place.write(&Record {
            time: journal.now,
            request_id: journal.request_id,
            client: &client.id,
            address: caller.address,
            operation: reply.operation,
            outcome: reply.failure.as_ref().map_or("ok", Failure::label),
            failures: journal.all_told(),
            impersonates: journal.impersonation.load(Relaxed),
            mailboxes: judged.into_iter().map(|judged| asked(judged, graphs, has_details)).collect(),
        });
    }
}

/// Details of busy times come from calendars where a credential may read them.
fn asked(judged: Judged, graphs: &Graphs, has_details: bool) -> Asked<'_> {
    let Judged { mailbox, capability, verdict } = judged;
    let shows_details = verdict.is_ok_and(|view| view != Ceiling::Time.name());
    let by_reading = || match (capability, has_details && shows_details) {
        (Some(Capability::FreeBusy), true) => graphs.serving(&mailbox, Capability::CalendarRead),
        _ => None,
    };
    let serving = || by_reading().or_else(|| graphs.serving(&mailbox, capability?));
    let credential = if verdict.is_ok() { serving() } else { None };
    Asked { mailbox, capability, verdict, credential }
}
