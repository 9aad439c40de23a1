//! One tenant's automatic replies and mail tips, remembered for a short while.
//!
//! Owns what is remembered of them, and which mailboxes share a call. Must not know JSON.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::batch;
use super::calls::mail_tips::{MOST_RECIPIENTS, mail_tips};
use super::calls::mailbox_settings::{automatic_replies, mailbox_settings, set_automatic_replies};
use super::client::Client;
use super::fault::Trouble;
use super::settings::{CacheSettings, Settings};
use super::shelf::Shelf;
use super::visit::Visit;
use crate::calendar::Mailbox;
use crate::calendar::out_of_office::{AutomaticReplies, Tip};
use crate::failure::Failure;
use crate::journal::Journal;

/// Kilobytes of messages remembered of each kind: anybody may set one of a hundred.
const MOST: u64 = 16 * 1024;

/// One tenant's absences, through the credentials that may read them.
#[derive(Debug)]
pub(super) struct Absences {
    client: Arc<Client>,
    /// Reads automatic replies.
    reader: Option<usize>,
    /// Asks for mail tips.
    tipper: Option<usize>,
    replies: Arc<Shelf<Mailbox, AutomaticReplies>>,
    tips: Arc<Shelf<Mailbox, Tip>>,
    /// How long a question may take.
    patience: Duration,
}

/// Tips of several recipients, each with its own outcome, and the calls that they took.
type Question = Shared<BoxFuture<'static, (Arc<[Result<Tip, Failure>]>, u32)>>;

/// A write under way; when it is over, also by being left, nothing that was asked before is told of the mailbox.
struct Write<'a> {
    absences: &'a Absences,
    mailbox: &'a Mailbox,
}

impl Absences {
    pub(super) fn new(
        client: Arc<Client>,
        (reader, tipper): (Option<usize>, Option<usize>),
        settings: &Settings,
    ) -> Self {
        let cache = settings.cache.of_out_of_office();
        let replies =
            Shelf::new(&cache, MOST, |told: &AutomaticReplies| kilobytes(told.internal.len() + told.external.len()));
        // A tip was true when it was told: nobody can say what it would be later.
        let cache = CacheSettings { stale: Duration::ZERO, ..cache };
        let tips = Shelf::new(&cache, MOST, |told: &Tip| kilobytes(told.message.len()));
        let patience = settings.timeout * 3;
        Self { client, reader, tipper, replies: Arc::new(replies), tips: Arc::new(tips), patience }
    }

    /// A mailbox's automatic replies.
    pub(super) async fn replies(&self, mailbox: &Mailbox, journal: &Journal) -> Result<AutomaticReplies, Failure> {
        let credential = self.reader.ok_or(Failure::Denied)?;
        let (client, notes, about) = (Arc::clone(&self.client), self.notes(journal), mailbox.clone());
        let fetch = async move {
            let visit = Visit { client: &client, credential, mailbox: &about, journal: &notes };
            let told = mailbox_settings(visit).await.map_err(|trouble| trouble.about(&about));
            (told, notes)
        };
        self.replies.through(mailbox.clone(), journal, fetch).await
    }

    /// Sets a mailbox's automatic replies, with a credential that may.
    pub(super) async fn set(
        &self,
        credential: usize,
        mailbox: &Mailbox,
        replies: &AutomaticReplies,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let _write = Write { absences: self, mailbox };
        let visit = Visit { client: &self.client, credential, mailbox, journal };
        set_automatic_replies(visit, replies).await.map_err(|trouble| trouble.about(mailbox))
    }

    /// Graph's mail tips of recipients, for somebody inside; of nobody where no credential may ask for them.
    pub(super) async fn tips<'a>(
        &self,
        recipients: impl Iterator<Item = &'a Mailbox>,
        journal: &Journal,
    ) -> HashMap<&'a Mailbox, Result<Tip, Failure>> {
        let Some(credential) = self.tipper else { return HashMap::new() };
        let mut seen = HashSet::new();
        let distinct = recipients.filter(|recipient| seen.insert(*recipient));
        // What is known need not be asked for with the rest; if it is not any more, it is asked for by itself.
        let (lacking, known): (Vec<_>, Vec<_>) = distinct.partition(|recipient| self.tips.lacks(recipient));
        let parts: Vec<_> = lacking.chunks(MOST_RECIPIENTS).chain(known.chunks(1)).collect();
        let asked = parts.iter().flat_map(|part| {
            let question = self.question(credential, part.iter().copied().cloned().collect(), journal);
            let of = move |(place, recipient): (usize, &&Mailbox)| {
                ((*recipient).clone(), answer(question.clone(), place, self.notes(journal)))
            };
            part.iter().enumerate().map(of)
        });
        let told = self.tips.all_through(asked, journal).await;
        parts.iter().flat_map(|part| part.iter().copied()).zip(told).collect()
    }

    /// Automatic replies of mailboxes, sorted and each there once, as Graph has them now, in their order. Those that
    /// are to be left alone are not asked about.
    pub(super) async fn look(
        &self,
        credential: usize,
        mailboxes: Vec<Mailbox>,
        journal: &Journal,
    ) -> Vec<(Mailbox, Result<AutomaticReplies, Failure>)> {
        let now = Instant::now();
        let (mut told, mut open) = (Vec::with_capacity(mailboxes.len()), Vec::with_capacity(mailboxes.len()));
        for mailbox in mailboxes {
            match self.client.lanes.closed_until(credential, &mailbox).filter(|until| *until > now) {
                Some(until) => told.push((mailbox, Err(Failure::Busy { retry_after: until - now }))),
                None => open.push(mailbox),
            }
        }
        for part in open.chunks(batch::MOST) {
            journal.graph_calls.add(1);
            let replies = automatic_replies(&self.client, credential, part, journal.request_id, journal.deadline).await;
            let replies = replies.unwrap_or_else(|trouble| {
                let failure = match trouble.failure {
                    // A batch is nobody's.
                    Failure::NoSuchMailbox { .. } | Failure::NoSuchItem => Failure::Internal,
                    failure => failure,
                };
                vec![Err(failure); part.len()]
            });
            told.extend(part.iter().cloned().zip(replies));
        }
        told
    }

    /// A question for recipients' tips, asked when somebody waits for it.
    fn question(&self, credential: usize, recipients: Vec<Mailbox>, journal: &Journal) -> Question {
        let (client, notes) = (Arc::clone(&self.client), self.notes(journal));
        let ask = async move {
            let told = ask(&client, credential, &recipients, &notes).await;
            (told.into(), notes.graph_calls.get())
        };
        ask.boxed().shared()
    }

    /// A clock and a notebook for a question that outlives whoever asked it.
    fn notes(&self, journal: &Journal) -> Journal {
        Journal::new(journal.request_id, journal.now, Instant::now() + self.patience)
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.absences.replies.forget(self.mailbox);
        self.absences.tips.forget(self.mailbox);
    }
}

/// Asks for recipients' tips in the name of the first of them that has a mailbox: the others may have tips without.
async fn ask(
    client: &Client,
    credential: usize,
    recipients: &[Mailbox],
    journal: &Journal,
) -> Vec<Result<Tip, Failure>> {
    for mailbox in recipients {
        match mail_tips(Visit { client, credential, mailbox, journal }, recipients).await {
            Ok(told) => return told,
            Err(Trouble { failure: Failure::NoSuchMailbox { .. }, .. }) => {}
            Err(trouble) => return vec![Err(trouble.failure); recipients.len()],
        }
    }
    let nobody = |recipient: &Mailbox| Err(Failure::NoSuchMailbox { address: recipient.as_str().to_owned() });
    recipients.iter().map(nobody).collect()
}

/// One recipient's answer to a question; its calls are counted once.
async fn answer(question: Question, place: usize, notes: Journal) -> (Result<Tip, Failure>, Journal) {
    let (told, calls) = question.await;
    if place == 0 {
        notes.graph_calls.add(calls);
    }
    (told.get(place).cloned().unwrap_or(Err(Failure::Internal)), notes)
}

fn kilobytes(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
}
