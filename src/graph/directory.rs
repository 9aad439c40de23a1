//! Rooms, lists of rooms and members of groups, remembered like busy times.
//!
//! Owns what is remembered of a tenant's directory. Must not know JSON.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::{Instant, timeout_at};

use super::calls::{groups, places};
use super::client::Client;
use super::fault::Trouble;
use super::settings::{CacheSettings, Settings};
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
    members: Arc<Shelf<Vec<Mailbox>>>,
    /// By list; all lists under none.
    rooms: Arc<Shelf<Vec<Room>>>,
    /// How long a question may take.
    patience: Duration,
}

/// What is remembered of one kind.
#[derive(Debug)]
struct Shelf<T: Send + Sync + 'static> {
    told: moka::sync::Cache<Option<Mailbox>, Entry<T>>,
    /// Questions under way.
    flights: Mutex<HashMap<Option<Mailbox>, Flight<T>>>,
    lifetime: Duration,
    negative_lifetime: Duration,
    stale: Duration,
}

/// What was told, and when.
type Entry<T> = (Result<Arc<T>, Failure>, Instant);

/// A question that all who ask the same wait for: what was told, and the calls that it took.
type Flight<T> = Shared<BoxFuture<'static, (Result<Arc<T>, Failure>, u32)>>;

impl Directory {
    pub(super) fn new(client: Arc<Client>, credential: u16, settings: &Settings) -> Self {
        let patience = settings.timeout * 3;
        let (members, rooms) = (Arc::new(Shelf::new(&settings.cache)), Arc::new(Shelf::new(&settings.cache)));
        Self { client, credential: credential.into(), members, rooms, patience }
    }

    /// Whom a group's address stands for.
    pub(super) async fn members(&self, group: &Mailbox, journal: &Journal) -> Result<Vec<Mailbox>, Failure> {
        let (client, credential, notes, about) = self.question(journal, group.clone());
        let fetch = async move { (groups::members(&client, credential, &about, &notes).await, notes) };
        self.members.through(Some(group), journal, fetch).await
    }

    /// All lists of rooms.
    pub(super) async fn room_lists(&self, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let (client, credential, notes, ()) = self.question(journal, ());
        let fetch = async move { (places::room_lists(&client, credential, &notes).await, notes) };
        self.rooms.through(None, journal, fetch).await
    }

    /// The rooms of a list.
    pub(super) async fn rooms(&self, list: &Mailbox, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let (client, credential, notes, about) = self.question(journal, list.clone());
        let fetch = async move { (places::rooms(&client, credential, &about, &notes).await, notes) };
        self.rooms.through(Some(list), journal, fetch).await
    }

    /// What a question needs that outlives whoever asked it, with a clock and a notebook of its own.
    fn question<A>(&self, journal: &Journal, about: A) -> (Arc<Client>, usize, Journal, A) {
        let notes = Journal::new(journal.request_id, journal.now, Instant::now() + self.patience);
        (Arc::clone(&self.client), self.credential, notes, about)
    }
}

impl<T: Clone + Send + Sync + 'static> Shelf<T> {
    fn new(settings: &CacheSettings) -> Self {
        Self {
            told: moka::sync::Cache::builder().max_capacity(MOST).time_to_live(settings.longest()).build(),
            flights: Mutex::default(),
            lifetime: settings.lifetime,
            negative_lifetime: settings.negative_lifetime,
            stale: settings.stale,
        }
    }

    /// What was told, if it is fresh; else what `fetch` tells, or who asked the same before; else,
    /// while Graph fails, what was told.
    async fn through(
        self: &Arc<Self>,
        about: Option<&Mailbox>,
        journal: &Journal,
        fetch: impl Future<Output = (Result<T, Trouble>, Journal)> + Send + 'static,
    ) -> Result<T, Failure> {
        let key = about.cloned();
        let now = Instant::now();
        if let Some((told, at)) = self.told.get(&key)
            && now.saturating_duration_since(at) < self.lifetime_of(&told)
        {
            return told.map(|told| T::clone(&told));
        }
        let flight = self.begin(key.clone(), now, fetch);
        let (told, calls) = timeout_at(journal.deadline, flight).await.unwrap_or_else(|_| (Err(Failure::TimedOut), 0));
        journal.graph_calls.add(calls);
        let told = match told {
            Err(failure) if failure.allows_stale() => match self.told.get(&key) {
                Some((Ok(old), at)) if now.saturating_duration_since(at) < self.lifetime + self.stale => Ok(old),
                _ => Err(failure),
            },
            told => told,
        };
        told.map(|told| T::clone(&told))
    }

    /// Joins the question under way, or begins one that outlives whoever asked.
    fn begin(
        self: &Arc<Self>,
        key: Option<Mailbox>,
        now: Instant,
        fetch: impl Future<Output = (Result<T, Trouble>, Journal)> + Send + 'static,
    ) -> Flight<T> {
        let mut flights = self.lock();
        // One that is over, but still here, has died.
        if let Some(flight) = flights.get(&key).filter(|flight| flight.peek().is_none()) {
            return flight.clone();
        }
        let (shelf, about) = (Arc::clone(self), key.clone());
        let task = tokio::spawn(async move {
            let (told, notes) = fetch.await;
            let told = told.map(Arc::new).map_err(|trouble| match (trouble.failure, &about) {
                (Failure::NoSuchMailbox { .. } | Failure::NoSuchItem, Some(mailbox)) => {
                    Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
                }
                (failure, _) => failure,
            });
            shelf.keep(about.clone(), &told, now);
            shelf.lock().remove(&about);
            (told, notes.graph_calls.get())
        });
        let flight = task.map(|joined| joined.unwrap_or((Err(Failure::Internal), 0))).boxed().shared();
        flights.insert(key, flight.clone());
        flight
    }

    fn keep(&self, key: Option<Mailbox>, told: &Result<Arc<T>, Failure>, now: Instant) {
        match told {
            Err(failure) if failure.allows_stale() => return,
            // Nothing that it ever told may stand in for an answer.
            Err(Failure::CredentialRefused) => self.told.invalidate_all(),
            Ok(_) | Err(_) => {}
        }
        if !self.lifetime.is_zero() {
            self.told.insert(key, (told.clone(), now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<Mailbox>, Flight<T>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
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
