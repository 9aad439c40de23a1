//! Rooms, lists of rooms and members of groups, remembered like busy times.
//!
//! Owns what is remembered of a tenant's directory. Must not know JSON.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::calls::{groups, places};
use super::client::Client;
use super::fault::Trouble;
use super::settings::CacheSettings;
use crate::calendar::{Mailbox, Room};
use crate::failure::Failure;
use crate::journal::Journal;

/// Answers remembered, and how long a refusal is.
const MOST: u64 = 10_000;
const DENIED_LIFETIME: Duration = Duration::from_secs(10);

/// One tenant's directory, through the credential that serves it.
#[derive(Debug)]
pub(super) struct Directory {
    client: Arc<Client>,
    credential: usize,
    members: Shelf<Vec<Mailbox>>,
    /// By list; all lists under none.
    rooms: Shelf<Vec<Room>>,
}

/// What is remembered of one kind.
#[derive(Debug)]
struct Shelf<T: Send + Sync + 'static> {
    told: moka::sync::Cache<Option<Mailbox>, Entry<T>>,
    lifetime: Duration,
    negative_lifetime: Duration,
    stale: Duration,
}

/// What was told, and when.
type Entry<T> = (Result<Arc<T>, Failure>, Instant);

impl Directory {
    pub(super) fn new(client: Arc<Client>, credential: u16, settings: &CacheSettings) -> Self {
        let (members, rooms) = (Shelf::new(settings), Shelf::new(settings));
        Self { client, credential: credential.into(), members, rooms }
    }

    /// Whom a group's address stands for.
    pub(super) async fn members(&self, group: &Mailbox, journal: &Journal) -> Result<Vec<Mailbox>, Failure> {
        let fetch = groups::members(&self.client, self.credential, group, journal);
        self.members.through(Some(group), fetch).await
    }

    /// All lists of rooms.
    pub(super) async fn room_lists(&self, journal: &Journal) -> Result<Vec<Room>, Failure> {
        self.rooms.through(None, places::room_lists(&self.client, self.credential, journal)).await
    }

    /// The rooms of a list.
    pub(super) async fn rooms(&self, list: &Mailbox, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let fetch = places::rooms(&self.client, self.credential, list, journal);
        self.rooms.through(Some(list), fetch).await
    }
}

impl<T: Clone + Send + Sync + 'static> Shelf<T> {
    fn new(settings: &CacheSettings) -> Self {
        Self {
            told: moka::sync::Cache::builder().max_capacity(MOST).time_to_live(settings.longest()).build(),
            lifetime: settings.lifetime,
            negative_lifetime: settings.negative_lifetime,
            stale: settings.stale,
        }
    }

    /// What was told, if it is fresh; else what `fetch` tells; else, while Graph fails, what was told.
    async fn through(
        &self,
        about: Option<&Mailbox>,
        fetch: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Failure> {
        let key = about.cloned();
        let now = Instant::now();
        let known = self.told.get(&key).map(|(told, at)| (told, now.saturating_duration_since(at)));
        if let Some((told, age)) = &known
            && *age < self.lifetime_of(told)
        {
            return told.clone().map(|told| T::clone(&told));
        }
        match fetch.await {
            Ok(told) => {
                self.keep(key, Ok(Arc::new(told.clone())), now);
                Ok(told)
            }
            Err(trouble) if trouble.failure.allows_stale() => match known {
                Some((Ok(told), age)) if age < self.lifetime + self.stale => Ok(T::clone(&told)),
                _ => Err(trouble.failure),
            },
            Err(trouble) => {
                let failure = match (trouble.failure, about) {
                    (Failure::NoSuchMailbox { .. } | Failure::NoSuchItem, Some(mailbox)) => {
                        Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
                    }
                    (failure, _) => failure,
                };
                self.keep(key, Err(failure.clone()), now);
                Err(failure)
            }
        }
    }

    fn keep(&self, key: Option<Mailbox>, told: Result<Arc<T>, Failure>, now: Instant) {
        if !self.lifetime.is_zero() {
            self.told.insert(key, (told, now));
        }
    }

    fn lifetime_of(&self, told: &Result<Arc<T>, Failure>) -> Duration {
        match told {
            Ok(_) => self.lifetime,
            Err(Failure::NoSuchMailbox { .. } | Failure::GroupTooLarge) => self.negative_lifetime,
            Err(Failure::Denied) => DENIED_LIFETIME.min(self.negative_lifetime),
            // Kept only so that nothing older stands in for it.
            Err(_) => Duration::ZERO,
        }
    }
}
