//! What is accounted for of a SOAP request: denials, and its lines in the audit log. Of tokens the log has lines too.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures::StreamExt;
use futures::future::ready;
use uuid::Uuid;

use super::limits::{A_MOMENT, Caller};
use super::shared::Shared;
use crate::audit::{Asked, Place, Record};
use crate::client::{Ceiling, Client};
use crate::ews::{Answer, Reply};
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::journal::{Journal, Judged};

/// The account of one request: denials are counted, and the audit log gets its line, where there is one; also where the
/// caller leaves before the answer is there.
pub(super) struct Account {
    case: Case,
    place: Option<Place>,
    is_closed: bool,
}

/// Who asked, and what the notebook says.
#[derive(Clone)]
struct Case {
    shared: Arc<Shared>,
    client: Arc<Client>,
    caller: Caller,
    journal: Arc<Journal>,
}

/// Writes down that a client got a token, or why it got none; gives whether that could be written.
pub(super) async fn token(shared: &Shared, client: &Client, caller: Caller, id: Uuid, outcome: &str) -> bool {
    let Some(audit) = &shared.audit else { return true };
    let Some(place) = audit.place().await else { return false };
    place.write(&Record {
        time: (shared.clock)(),
        request_id: id,
        client: &client.id,
        address: caller.address,
        operation: "token",
        outcome,
        failures: BTreeMap::new(),
        impersonates: false,
        withheld: 0,
        mailboxes: Vec::new(),
    });
    true
}

impl Account {
    /// Takes the place for the line, before anything is done that could not be written down.
    ///
    /// # Errors
    /// [`Failure::Busy`] if the log cannot be written.
    pub(super) async fn open(
        shared: &Arc<Shared>,
        client: &Arc<Client>,
        caller: Caller,
        journal: Journal,
    ) -> Result<Self, Failure> {
        let place = match &shared.audit {
            Some(audit) => Some(audit.place().await.ok_or(Failure::Busy { retry_after: A_MOMENT })?),
            None => None,
        };
        let journal = Arc::new(journal.audited(place.is_some()));
        let case = Case { shared: Arc::clone(shared), client: Arc::clone(client), caller, journal };
        Ok(Self { case, place, is_closed: false })
    }

    /// The request's notebook.
    pub(super) fn journal(&self) -> &Arc<Journal> {
        &self.case.journal
    }

    /// Tells what a client asked and what it got. What a stream tells later is told then, before it goes out.
    pub(super) fn close(mut self, reply: Reply) -> Reply {
        self.is_closed = true;
        self.write(reply.operation, reply.failure.as_ref().map_or("ok", Failure::label));
        match reply.answer {
            Answer::Stream(pieces) if self.case.shared.audit.is_some() => {
                let (case, operation) = (self.case.clone(), reply.operation);
                let pieces = pieces.then(move |mut piece| {
                    let (case, judged) = (case.clone(), take(&mut piece.judged));
                    // What could not be written down is not told: the stream ends, and events wait for the next one.
                    async move { case.tell(operation, judged).await.then_some(piece) }
                });
                Reply { answer: Answer::Stream(Box::pin(pieces.scan((), |(), piece| ready(piece)))), ..reply }
            }
            answer => Reply { answer, ..reply },
        }
    }

    fn write(&mut self, operation: &str, outcome: &str) {
        let judged = self.case.journal.take_judged();
        for reason in judged.iter().filter_map(|judged| judged.verdict.err()) {
            self.case.shared.metrics.denied(&self.case.client.id, reason);
        }
        if let Some(place) = self.place.take() {
            place.write(&self.case.record(operation, outcome, judged));
        }
    }
}

impl Drop for Account {
    /// Who leaves has perhaps changed something, or learnt something from the time it took.
    fn drop(&mut self) {
        if !self.is_closed {
            let operation = self.case.journal.operation.get().copied().unwrap_or("-");
            self.write(operation, "abandoned");
        }
    }
}

impl Case {
    /// Tells about whom a stream tells something; gives whether that can be written.
    async fn tell(&self, operation: &str, judged: Vec<Judged>) -> bool {
        let Some(audit) = self.shared.audit.as_ref().filter(|_| !judged.is_empty()) else { return true };
        let Some(place) = audit.place().await else { return false };
        let mut record = self.record(operation, "told", judged);
        record.time = (self.shared.clock)();
        place.write(&record);
        true
    }

    fn record<'a>(&'a self, operation: &'a str, outcome: &'a str, judged: Vec<Judged>) -> Record<'a> {
        let (journal, graphs) = (&*self.journal, &*self.shared.services.graphs);
        Record {
            time: journal.now,
            request_id: journal.request_id,
            client: &self.client.id,
            address: self.caller.address,
            operation,
            outcome,
            failures: journal.all_told(),
            impersonates: journal.impersonation.load(Relaxed),
            withheld: journal.withheld.get(),
            mailboxes: judged.into_iter().map(|judged| asked(judged, graphs, journal)).collect(),
        }
    }
}

fn asked<'a>(judged: Judged, graphs: &'a Graphs, journal: &Journal) -> Asked<'a> {
    let Judged { mailbox, capability, verdict } = judged;
    let credential = verdict.ok().zip(mailbox.as_ref()).and_then(|(view, mailbox)| {
        let sees_details = !view.starts_with(Ceiling::Time.name());
        graphs.asked(mailbox, capability?, sees_details, journal)
    });
    Asked { mailbox, capability, verdict, credential }
}
