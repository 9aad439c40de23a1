//! Whose item an id names.
//!
//! Ids say nothing of their mailbox, and Graph wants it: ids that were given out for a mailbox which
//! a later request need not name are remembered, by a hash of each, over restarts too. Owns that
//! memory; what it says is a hint, and must be permitted like any other mailbox.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::calendar::Mailbox;
use crate::calendar::event::EventId;
use crate::failure::Failure;
use crate::store::{Owner, Store};

/// The memory.
#[derive(Debug)]
pub struct Items {
    known: Cache<Hash, Mailbox>,
    /// Each mailbox once, so that many items share its text.
    mailboxes: Cache<Mailbox, Mailbox>,
    /// What is not saved yet.
    unsaved: Mutex<Vec<Owner>>,
    store: Store,
}

type Hash = [u8; 16];

impl Items {
    /// What the store remembers.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be read.
    pub async fn open(store: Store) -> Result<Self, Failure> {
        let (known, mailboxes) = (Cache::new(MOST.into()), Cache::new(MOST.into()));
        let items = Self { known, mailboxes, unsaved: Mutex::default(), store };
        for owner in items.store.owners().await? {
            if let Ok(mailbox) = Mailbox::parse(&owner.mailbox) {
                items.known.insert(owner.item, items.shared(&mailbox));
            }
        }
        Ok(items)
    }

    /// Remembers whose an item is.
    pub fn note(&self, id: &EventId, mailbox: &Mailbox) {
        let item = hash(id);
        if self.known.get(&item).as_ref() == Some(mailbox) {
            return;
        }
        self.known.insert(item, self.shared(mailbox));
        let mut unsaved = self.unsaved();
        if unsaved.len() < MOST_UNSAVED {
            unsaved.push(Owner { item, mailbox: mailbox.as_str().to_owned() });
        }
    }

    /// Whose an item is, if that is remembered.
    #[must_use]
    pub fn owner(&self, id: &EventId) -> Option<Mailbox> {
        self.known.get(&hash(id))
    }

    /// Saves, from time to time, what was noted, until the end.
    pub async fn run(&self, end: CancellationToken, clock: fn() -> Timestamp) {
        while end.run_until_cancelled(sleep(SAVED_WITHIN)).await.is_some() {
            self.save(clock()).await;
        }
        self.save(clock()).await;
    }

    async fn save(&self, now: Timestamp) {
        let unsaved = std::mem::take(&mut *self.unsaved());
        // What cannot be saved is only forgotten at the next start; the log has the reason.
        if !unsaved.is_empty() {
            let _ = self.store.note_owners(unsaved, now.as_second(), MOST).await;
        }
    }

    fn shared(&self, mailbox: &Mailbox) -> Mailbox {
        self.mailboxes.get_with_by_ref(mailbox, || mailbox.clone())
    }

    fn unsaved(&self) -> MutexGuard<'_, Vec<Owner>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &EventId) -> Hash {
    let mut hash = Hash::default();
    for (to, from) in hash.iter_mut().zip(Sha256::digest(id.as_str())) {
        *to = from;
    }
    hash
}

/// Ids remembered at most.
const MOST: u32 = 200_000;
/// Ids that wait to be saved at most.
const MOST_UNSAVED: usize = 50_000;
const SAVED_WITHIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn owners_are_remembered_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let (a, b) = (Mailbox::parse("a@example.com").unwrap(), Mailbox::parse("b@example.com").unwrap());
        let (one, two, none) =
            (EventId::parse("AAMk1").unwrap(), EventId::parse("AAMk2").unwrap(), EventId::parse("aamk1").unwrap());
        let items = Items::open(Store::open(&path).unwrap()).await.unwrap();
        items.note(&one, &b);
        items.note(&two, &b);
        items.note(&one, &a);
        items.save(Timestamp::UNIX_EPOCH).await;
        drop(items);
        let items = Items::open(Store::open(&path).unwrap()).await.unwrap();
        assert_eq!((items.owner(&one), items.owner(&two), items.owner(&none)), (Some(a.clone()), Some(b), None));
        items.note(&one, &a);
        assert!(items.unsaved().is_empty(), "nothing new");
    }
}
