//! The watch list in memory and in the store, in step: memory follows when the store has said yes.
//!
//! Owns that order. All that changes the store is done one after the other, so that letters are posted in the order in
//! which things were seen. Must not know how it is looked, nor what letters say.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::Instant;

use super::book::{Book, Known};
use super::pace::Pace;
use super::record;
use super::state::Standing;
use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::store::{AwayChange, AwayWatch, Letter, Store};

/// The watch list.
#[derive(Debug)]
pub(super) struct List {
    store: Store,
    metrics: Arc<Metrics>,
    book: Mutex<Book>,
    /// Held from before the store is changed until memory is.
    writing: AsyncMutex<()>,
    /// Whether changes could not be noted lately.
    is_stuck: AtomicBool,
    /// There is something to look at.
    pub(super) to_look: Notify,
    /// A schedule is known that was not.
    pub(super) to_turn: Notify,
}

impl List {
    /// Reads the list from the store. What cannot be understood of it is kept, and looked at afresh if it names a
    /// mailbox; whom nobody may ask any more is kept too, and nothing is told of them.
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) async fn open(
        store: Store,
        metrics: Arc<Metrics>,
        pace: Pace,
        now: Timestamp,
        tenant_of: impl Fn(&Mailbox) -> Result<String, Failure>,
    ) -> Result<Self, String> {
        let rows = store.away_watches().await;
        let rows = rows.map_err(|_| "the list of watched mailboxes cannot be read from the store".to_owned())?;
        let (mut book, instant) = (Book::new(pace), Instant::now());
        let (mut nameless, mut damaged, mut foreign, mut denied) = (0_usize, 0_usize, 0_usize, 0_usize);
        for row in rows {
            let Ok(mailbox) = Mailbox::parse(&row.mailbox) else {
                nameless += 1;
                continue;
            };
            let known = known(row, tenant_of(&mailbox));
            damaged += usize::from(!known.is_sound);
            match &known.tenant {
                Ok(_) => {}
                Err(Failure::Denied) => denied += 1,
                Err(_) => foreign += 1,
            }
            book.restore(mailbox, known, now, instant);
        }
        if nameless + damaged > 0 {
            tracing::error!(
                nameless,
                damaged,
                "watches of automatic replies that cannot be understood are kept in the store; those that name a \
                 mailbox are looked at afresh, the others are of no use: put a copy of the store back if there is one"
            );
        }
        if foreign > 0 {
            let hint = "mailboxes are watched that belong to no tenant: list their domains, or stop watching them";
            tracing::warn!(mailboxes = foreign, "{hint}");
        }
        if denied > 0 {
            let hint = "mailboxes are watched that may not be any more, and nothing is told of them: name them in the \
                        monitor's mailboxes, or stop watching them";
            tracing::warn!(mailboxes = denied, "{hint}");
        }
        let list = Self {
            store,
            metrics,
            book: Mutex::new(book),
            writing: AsyncMutex::default(),
            is_stuck: AtomicBool::new(false),
            to_look: Notify::new(),
            to_turn: Notify::new(),
        };
        list.count();
        Ok(list)
    }

    /// Watches a mailbox from now on. One that is watched already keeps its name, unless the new one is `better`. Says
    /// whether it is new. Is done to the end even if nobody waits for it.
    ///
    /// # Errors
    /// [`Failure::TooManyWatches`] above [`MOST`]; [`Failure::Internal`] if the store fails.
    pub(super) async fn watch(
        self: &Arc<Self>,
        mailbox: Mailbox,
        (alias, is_better): (String, bool),
        since: Timestamp,
        tenant: String,
    ) -> Result<bool, Failure> {
        let list = Arc::clone(self);
        let done = tokio::spawn(async move {
            let _writing = list.writing.lock().await;
            let (former, is_full) = {
                let book = list.book();
                (book.alias(&mailbox).map(str::to_owned), book.len() >= MOST && !book.has(&mailbox))
            };
            if is_full {
                tracing::warn!(MOST, "no more mailboxes can be watched: stop watching some");
                return Err(Failure::TooManyWatches);
            }
            let alias = former.filter(|_| !is_better).unwrap_or(alias);
            let name = mailbox.as_str().to_owned();
            let is_new = list.store.watch_away(name, alias.clone(), since.as_second()).await?;
            list.book().watch(mailbox, alias, since, tenant, Instant::now());
            list.count();
            list.to_look.notify_one();
            Ok(is_new)
        });
        done.await.unwrap_or(Err(Failure::Internal))
    }

    /// Watches a mailbox no more. Says whether it was watched. Is done to the end even if nobody waits for it.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store fails.
    pub(super) async fn unwatch(self: &Arc<Self>, mailbox: Mailbox) -> Result<bool, Failure> {
        let list = Arc::clone(self);
        let done = tokio::spawn(async move {
            let _writing = list.writing.lock().await;
            let was_watched = list.store.unwatch_away(mailbox.as_str().to_owned()).await?;
            list.book().unwatch(&mailbox);
            list.count();
            Ok(was_watched)
        });
        done.await.unwrap_or(Err(Failure::Internal))
    }

    /// Notes what is to be noted of a mailbox, with those of the letters that `write` makes of it that tell their target
    /// something. Says whether correspondents hear something else, and gives the targets.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store fails; then it is still to be noted.
    pub(super) async fn settle(
        &self,
        mailbox: &Mailbox,
        clock: fn() -> Timestamp,
        write: impl FnOnce(&str, &Standing, Timestamp) -> Vec<Letter>,
    ) -> Result<(bool, Vec<String>), Failure> {
        let _writing = self.writing.lock().await;
        // Read now: what was true before the lock was waited for may not be any more.
        let now = clock();
        let Some(finding) = self.book().finding(mailbox, now) else { return Ok((false, Vec::new())) };
        let letters = write(&finding.alias, &finding.now, now);
        let is_heard = finding.is_heard;
        let change = AwayChange {
            mailbox: mailbox.as_str().to_owned(),
            settings: record::write_replies(&finding.replies),
            told: record::write_told(finding.now.away.as_deref()),
            changed: finding.now.changed.as_second(),
            letters,
        };
        let targets = match self.store.note_away(change).await {
            Ok(targets) => targets,
            Err(failure) => {
                if !self.is_stuck.swap(true, Relaxed) {
                    tracing::error!(
                        "what has changed in automatic replies cannot be noted, and is told to nobody until it can: \
                         look at the store's disk and its rights"
                    );
                }
                return Err(failure);
            }
        };
        if self.is_stuck.swap(false, Relaxed) {
            tracing::info!("what has changed in automatic replies is noted and told again");
        }
        let Some(targets) = targets else {
            tracing::warn!("a mailbox is watched no more: somebody else has taken it out of the store");
            self.book().unwatch(mailbox);
            self.count();
            return Ok((false, Vec::new()));
        };
        if self.book().noted(mailbox, finding, now) {
            self.to_turn.notify_one();
        }
        Ok((is_heard, targets))
    }

    /// Posts those of the letters that `write` makes of what was told of a mailbox that tell their target something: it
    /// may be new, or may have lost what was sent. Gives the targets. What is still to be noted is told anyway.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store fails.
    pub(super) async fn remind(
        &self,
        mailbox: &Mailbox,
        clock: fn() -> Timestamp,
        write: impl FnOnce(&str, &Standing, Timestamp) -> Vec<Letter>,
    ) -> Result<Vec<String>, Failure> {
        let _writing = self.writing.lock().await;
        let now = clock();
        let Some((alias, standing)) = self.book().told(mailbox, now) else { return Ok(Vec::new()) };
        let owed = self.store.owed(write(&alias, &standing, now)).await?;
        let targets = match owed.is_empty() {
            true => Vec::new(),
            false => self.store.remind_away(mailbox.as_str().to_owned(), owed).await?,
        };
        self.book().settled(mailbox);
        Ok(targets)
    }

    /// Whether changes could not be noted lately.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_stuck.load(Relaxed)
    }

    /// What is known.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        self.metrics.away_watches.set(i64::try_from(self.book().len()).unwrap_or(i64::MAX));
    }
}

fn known(row: AwayWatch, tenant: Result<String, Failure>) -> Known {
    let AwayWatch { alias, since, settings, told, changed, .. } = row;
    let replies = settings.as_deref().map(record::read_replies);
    let standing = match (told.as_deref().map(record::read_told), changed.map(Timestamp::from_second)) {
        (Some(Some(away)), Some(Ok(changed))) => Some(Some(Standing { away: away.map(Arc::new), changed })),
        (None, None) => None,
        _ => Some(None),
    };
    let is_sound = replies != Some(None) && standing != Some(None) && replies.is_some() == standing.is_some();
    let since = Timestamp::from_second(since).unwrap_or(Timestamp::UNIX_EPOCH);
    Known { alias, since, tenant, replies: replies.flatten(), standing: standing.flatten(), is_sound }
}

/// Mailboxes that can be watched: as many as the calls of a tenant are good for in a day or so.
pub(super) const MOST: usize = 100_000;
