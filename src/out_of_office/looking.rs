//! Looks at the watched mailboxes, each when it is due.
//!
//! Owns the calls to Graph. When they are made is in `lane.rs` and `book.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Monitor;
use super::book::{Learned, Ticket};
use crate::calendar::Capability;
use crate::calendar::out_of_office::AutomaticReplies;
use crate::failure::Failure;
use crate::journal::Journal;
use crate::metrics::OutcomeLabel;

impl Monitor {
    /// Has due mailboxes looked at until `end`.
    pub(super) async fn look_on(self: Arc<Self>, tasks: TaskTracker, end: CancellationToken) {
        loop {
            let now = Instant::now();
            let (calls, wake) = self.list.book().take(now);
            for (tenant, tickets) in calls {
                let (monitor, end) = (Arc::clone(&self), end.clone());
                tasks.spawn(async move { end.run_until_cancelled(monitor.look(&tenant, tickets)).await });
            }
            tokio::select! {
                () = sleep_until(wake.unwrap_or(now + LONG)) => {}
                () = self.list.to_look.notified() => {}
                () = end.cancelled() => return,
            }
        }
    }

    /// One look at mailboxes of a tenant.
    async fn look(self: &Arc<Self>, tenant: &str, tickets: Vec<Ticket>) {
        let answers = self.ask(&tickets).await;
        let failures: Vec<Option<Failure>> = answers.iter().map(|answer| answer.as_ref().err().cloned()).collect();
        let failed: Vec<Option<&Failure>> = failures.iter().map(Option::as_ref).collect();
        self.list.book().done(tenant, &failed, Instant::now());
        // When all are looked at next does not wait for what is to be noted of some.
        let learn = |(ticket, answer)| self.list.book().learn(ticket, answer, (self.clock)(), Instant::now());
        let learned: Vec<Learned> = tickets.iter().zip(answers).map(learn).collect();
        self.list.to_look.notify_one();
        let mut new: BTreeMap<&'static str, (usize, &Failure)> = BTreeMap::new();
        for ((ticket, learned), failure) in tickets.iter().zip(learned).zip(&failures) {
            let outcome = match (learned, failure) {
                (Learned::Outdated, _) => continue,
                (Learned::Failed { is_new }, Some(failure)) => {
                    if is_new {
                        new.entry(failure.label()).or_insert((0, failure)).0 += 1;
                    }
                    failure.label()
                }
                (Learned::Nothing, _) => self.catch_up(ticket).await,
                (Learned::Failed { .. }, _) => "nothing",
                (Learned::News, _) => self.note(ticket).await,
            };
            self.metrics.away_looks.get_or_create(&OutcomeLabel { outcome }).inc();
        }
        for (label, (mailboxes, failure)) in new {
            if self.list.book().may_tell(tenant, label, Instant::now()) {
                tracing::warn!(tenant, failure = label, mailboxes, "{}", advice(failure));
            }
        }
    }

    /// Notes what a look has brought; gives what came of it, as a metric label.
    async fn note(self: &Arc<Self>, ticket: &Ticket) -> &'static str {
        // As long as the store fails, one at a time tries whether it does (`turning.rs`).
        if self.list.is_stuck() {
            return Failure::Internal.label();
        }
        match self.tell(&ticket.mailbox).await {
            Ok(true) => "change",
            Ok(false) => "nothing",
            Err(failure) => failure.label(),
        }
    }

    /// After the first look since the start: webhooks may have been added to the configuration, or letters been lost.
    async fn catch_up(self: &Arc<Self>, ticket: &Ticket) -> &'static str {
        let is_unsettled = self.list.book().is_unsettled(&ticket.mailbox);
        // If the store fails, the next look tries again.
        if is_unsettled && self.remind(&ticket.mailbox).await.is_err() { Failure::Internal.label() } else { "nothing" }
    }

    /// Asks Graph, in the tickets' order. What may not be watched any more is not asked for.
    async fn ask(&self, tickets: &[Ticket]) -> Vec<Result<AutomaticReplies, Failure>> {
        let now = (self.clock)();
        let permit = |ticket: &Ticket| self.client.permit(&ticket.mailbox, Capability::OutOfOfficeRead, now);
        let permits: Vec<_> = tickets.iter().map(permit).collect();
        let permitted: Vec<_> = permits.iter().flatten().cloned().collect();
        if permitted.is_empty() {
            return permits.into_iter().map(|_| Err(Failure::Denied)).collect();
        }
        let journal = Journal::new(Uuid::new_v4(), now, Instant::now() + LONGEST_LOOK);
        let mut answers = self.graphs.look_at_automatic_replies(&permitted, &journal).await.into_iter();
        let mut answer = |_| answers.next().unwrap_or(Err(Failure::Internal));
        permits.into_iter().map(|permit| permit.map_err(Failure::from).and_then(&mut answer)).collect()
    }
}

/// What an operator can do about watched mailboxes that cannot be looked at.
fn advice(failure: &Failure) -> &'static str {
    match failure {
        Failure::Denied => {
            "watched mailboxes may not be read: grant the application MailboxSettings.Read for them, name them in the \
             monitor's mailboxes, or stop watching them"
        }
        Failure::NoSuchMailbox { .. } => {
            "watched mailboxes are not known to Graph or have no settings: correct their addresses, or stop watching \
             them"
        }
        Failure::CredentialRefused => {
            "Entra or Graph refuses the application's credential: nothing is seen of watched mailboxes until it is \
             renewed"
        }
        Failure::Internal => {
            "what Graph tells of watched mailboxes, or what is noted of them, cannot be understood or kept: nothing new \
             is told of them; see the lines about calls or about the store, at level debug if there are none"
        }
        Failure::Busy { .. } => "Graph is busy: watched mailboxes are looked at less often",
        _ => "watched mailboxes cannot be looked at for the moment: they are later",
    }
}

/// One call, with what of it Graph wants to be asked again.
const LONGEST_LOOK: Duration = Duration::from_secs(20);
/// Nothing is due: the bell rings when something is.
const LONG: Duration = Duration::from_secs(3600);
