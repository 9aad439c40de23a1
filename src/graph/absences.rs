//! One tenant's automatic replies and mail tips, remembered for a short while.
//!
//! Owns what is remembered of them, and which mailboxes share a call. Must not know JSON.

mod question;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::{Instant, sleep, timeout_at};

use self::question::Question;
use super::anchors::Anchors;
use super::batch;
use super::calls::mail_tips::{MOST_RECIPIENTS, Told};
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
    tips: Arc<Shelf<Mailbox, Option<Tip>>>,
    /// In whose names tips may be asked for.
    anchors: Arc<Anchors>,
    /// How long a question may take.
    patience: Duration,
}

/// A question under way that several recipients share.
type Asked = Shared<BoxFuture<'static, Arc<Answers>>>;

/// Tips of several recipients, each with its own outcome.
#[derive(Debug)]
struct Answers {
    told: HashMap<Mailbox, Told>,
    /// The calls that they took and that nobody has counted yet.
    calls: AtomicU32,
}

/// A write under way; when it is over, also by being left, nothing that was asked before is told of the mailbox.
struct Write {
    replies: Arc<Shelf<Mailbox, AutomaticReplies>>,
    tips: Arc<Shelf<Mailbox, Option<Tip>>>,
    mailbox: Mailbox,
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
        let tips =
            Shelf::new(&cache, MOST, |told: &Option<Tip>| kilobytes(told.as_ref().map_or(0, |tip| tip.message.len())));
        let patience = settings.timeout * 3;
        let (replies, tips, anchors) = (Arc::new(replies), Arc::new(tips), Arc::new(Anchors::new()));
        Self { client, reader, tipper, replies, tips, anchors, patience }
    }

    /// Whether some credential may read automatic replies or ask for mail tips.
    pub(super) fn can_tell(&self) -> bool {
        self.reader.is_some() || self.tipper.is_some()
    }

    /// Which credential tells mail tips: the one that asks for them, else the one that reads automatic replies.
    pub(super) fn teller(&self) -> Option<usize> {
        self.tipper.or(self.reader)
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

    /// Sets a mailbox's automatic replies, with a credential that may. Whoever leaves cancels nothing. Where Graph may
    /// carry the write out later, what is told until then is forgotten once more.
    pub(super) async fn set(
        &self,
        credential: usize,
        mailbox: &Mailbox,
        replies: &AutomaticReplies,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let (client, notes, wanted, patience) =
            (Arc::clone(&self.client), self.notes(journal), replies.clone(), self.patience);
        let (left, write) = (self.write(mailbox), self.write(mailbox));
        let task = tokio::spawn(async move {
            let mailbox = &write.mailbox;
            let visit = Visit { client: &client, credential, mailbox, journal: &notes };
            let told = set_automatic_replies(visit, &wanted).await;
            let is_unsure = told.as_ref().is_err_and(|trouble| trouble.unsure);
            let told = told.map_err(|trouble| trouble.about(mailbox));
            write.forget();
            if is_unsure {
                tokio::spawn(async move {
                    sleep(patience).await;
                    drop(write);
                });
            }
            (told, notes.graph_calls.get())
        });
        let (told, calls) = match timeout_at(journal.deadline, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => (Err(Failure::Internal), 0),
            Err(_) => (Err(Failure::TimedOut), 0),
        };
        drop(left);
        journal.graph_calls.add(calls);
        told
    }

    /// Graph's mail tips of recipients, for somebody inside; of nobody where no credential may ask for them.
    pub(super) async fn tips<'a>(
        &self,
        recipients: impl Iterator<Item = &'a Mailbox>,
        journal: &Journal,
    ) -> HashMap<&'a Mailbox, Told> {
        let Some(credential) = self.tipper else { return HashMap::new() };
        let mut seen = HashSet::new();
        let distinct = recipients.filter(|recipient| seen.insert(*recipient));
        // What is known need not be asked for with the rest; if it is not any more, it is asked for by itself.
        let (lacking, known): (Vec<_>, Vec<_>) = distinct.partition(|recipient| self.tips.lacks(recipient));
        let parts: Vec<_> = lacking.chunks(MOST_RECIPIENTS).chain(known.chunks(1)).collect();
        let asked = parts.iter().flat_map(|part| {
            let question = self.question(credential, part.iter().copied().cloned().collect(), journal);
            let of = move |recipient: &&Mailbox| {
                ((*recipient).clone(), answer(question.clone(), (*recipient).clone(), self.notes(journal)))
            };
            part.iter().map(of)
        });
        let told = self.tips.all_through(asked, journal).await;
        let told = told.into_iter().map(|told| told.map(|tip| tip.map(|tip| tip.at(journal.now))));
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
        let mut told = Vec::with_capacity(mailboxes.len());
        let mut parts: Vec<_> = mailboxes.chunks(batch::MOST).map(|part| (part.to_vec(), true)).collect();
        while let Some((part, is_first)) = parts.pop() {
            let part = self.open(credential, part, &mut told);
            if part.is_empty() {
                continue;
            }
            journal.graph_calls.add(1);
            let (id, deadline) = (journal.request_id, journal.deadline);
            let replies = automatic_replies(&self.client, credential, &part, id, deadline).await;
            // A lane was closed while the batch waited for the others: they need not wait for it.
            if let Err(Trouble { failure: Failure::Busy { .. }, status: None, .. }) = &replies
                && is_first
            {
                parts.push((part, false));
                continue;
            }
            let replies = replies.unwrap_or_else(|trouble| {
                let failure = match trouble.failure {
                    // A batch is nobody's.
                    Failure::NoSuchMailbox { .. } | Failure::NoSuchItem => Failure::Internal,
                    failure => failure,
                };
                vec![Err(failure); part.len()]
            });
            told.extend(part.into_iter().zip(replies));
        }
        told
    }

    /// Those of some mailboxes that are not to be left alone; of the others it is told until when.
    fn open<T>(
        &self,
        credential: usize,
        mailboxes: Vec<Mailbox>,
        told: &mut Vec<(Mailbox, Result<T, Failure>)>,
    ) -> Vec<Mailbox> {
        let now = Instant::now();
        let mut open = Vec::with_capacity(mailboxes.len());
        for mailbox in mailboxes {
            match self.client.lanes.closed_until(credential, &mailbox).filter(|until| *until > now) {
                Some(until) => told.push((mailbox, Err(Failure::Busy { retry_after: until - now }))),
                None => open.push(mailbox),
            }
        }
        open
    }

    /// A question for recipients' tips, asked when somebody waits for it.
    fn question(&self, credential: usize, recipients: Vec<Mailbox>, journal: &Journal) -> Asked {
        let (client, anchors, notes) = (Arc::clone(&self.client), Arc::clone(&self.anchors), self.notes(journal));
        let ask = async move {
            let question = Question { client: &client, anchors: &anchors, credential, journal: &notes };
            let told = question.ask(recipients).await.into_iter().collect();
            Arc::new(Answers { told, calls: AtomicU32::new(notes.graph_calls.get()) })
        };
        ask.boxed().shared()
    }

    fn write(&self, mailbox: &Mailbox) -> Write {
        Write { replies: Arc::clone(&self.replies), tips: Arc::clone(&self.tips), mailbox: mailbox.clone() }
    }

    /// A clock and a notebook for a question that outlives whoever asked it.
    fn notes(&self, journal: &Journal) -> Journal {
        Journal::new(journal.request_id, journal.now, Instant::now() + self.patience)
    }
}

impl Write {
    fn forget(&self) {
        self.replies.forget(&self.mailbox);
        self.tips.forget(&self.mailbox);
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        self.forget();
    }
}

/// One recipient's answer to a question; its calls are counted once.
async fn answer(question: Asked, recipient: Mailbox, notes: Journal) -> (Told, Journal) {
    let answers = question.await;
    notes.graph_calls.add(answers.calls.swap(0, Relaxed));
    (answers.told.get(&recipient).cloned().unwrap_or(Err(Failure::Internal)), notes)
}

fn kilobytes(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
}
