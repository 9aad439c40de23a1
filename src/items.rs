//! Whose item an id names.
//!
//! Ids say nothing of their mailbox, and Graph wants it: ids that were given out for a mailbox which
//! a later request need not name are remembered, by a hash of each, over restarts too. Owns that
//! memory; what it says is a hint, and must be permitted like any other mailbox.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use moka::policy::EvictionPolicy;
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
    /// The newest ids: those that are saved, or wait for it.
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
        let items = Self { known: newest(MOST), mailboxes: newest(MOST), unsaved: Mutex::default(), store };
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
        let mut unsaved = self.unsaved();
        // Taken for known it would never be saved; as it is, it may be the next time that it is given out.
        if unsaved.len() >= MOST_UNSAVED {
            return;
        }
        unsaved.push(Owner { item, mailbox: mailbox.as_str().to_owned() });
        drop(unsaved);
        self.known.insert(item, self.shared(mailbox));
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

/// A cache that takes in what is new whatever is in it, which moka's usual policy does not.
fn newest<K: std::hash::Hash + Eq + Send + Sync + 'static>(most: u32) -> Cache<K, Mailbox> {
    Cache::builder().max_capacity(most.into()).eviction_policy(EvictionPolicy::lru()).build()
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

    #[tokio::test]
    async fn what_cannot_wait_to_be_saved_is_not_taken_for_saved() {
        let items = Items::open(Store::in_memory().unwrap()).await.unwrap();
        let mailbox = Mailbox::parse("a@example.com").unwrap();
        let id = EventId::parse("AAMk1").unwrap();
        let other = Owner { item: Hash::default(), mailbox: mailbox.as_str().into() };
        items.unsaved().resize(MOST_UNSAVED, other);
        items.note(&id, &mailbox);
        assert_eq!((items.owner(&id), items.unsaved().len()), (None, MOST_UNSAVED));
        items.unsaved().clear();
        items.note(&id, &mailbox);
        assert_eq!((items.owner(&id), items.unsaved().len()), (Some(mailbox), 1));
    }

    #[test]
    fn the_newest_id_is_always_taken_in() {
        let cache = newest::<u32>(100);
        let mailbox = Mailbox::parse("a@example.com").unwrap();
        for number in 0..100 {
            cache.insert(number, mailbox.clone());
            for _ in 0..10 {
                cache.get(&number);
            }
        }
        cache.run_pending_tasks();
        for number in 100..150 {
            cache.insert(number, mailbox.clone());
            cache.run_pending_tasks();
            assert!(cache.contains_key(&number), "{number}");
        }
        assert!(!cache.contains_key(&0) && cache.contains_key(&99));
    }
}
