//! Rooms, lists of rooms, members of groups and people, remembered like busy times.
//!
//! Owns what is remembered of a tenant's directory. Must not know JSON.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::{Instant, timeout_at};

use super::calls::{groups, places, users};
use super::client::Client;
use super::fault::Trouble;
use super::settings::{CacheSettings, Settings};
use crate::calendar::person::{Entry as Person, Query};
use crate::calendar::{Mailbox, Room};
use crate::failure::Failure;
use crate::journal::Journal;

/// Answers remembered of one kind, and those about people, which may be long.
const MOST: u64 = 10_000;
const MOST_PEOPLE: u64 = 1_000;
/// How long a refusal is remembered.
const DENIED_LIFETIME: Duration = Duration::from_secs(10);
/// How long a credential that may not read all of a user is not asked for all.
const BASIC_LIFETIME: Duration = Duration::from_secs(3600);

/// One tenant's directory, through the credential that serves it.
#[derive(Debug)]
pub(super) struct Directory {
    client: Arc<Client>,
    credential: usize,
    members: Arc<Shelf<Mailbox, Vec<Mailbox>>>,
    /// By list; all lists under none.
    rooms: Arc<Shelf<Option<Mailbox>, Vec<Room>>>,
    people: Arc<Shelf<Query, Vec<Person>>>,
    /// When Graph last refused to show all of a user.
    only_basic: Arc<Mutex<Option<Instant>>>,
    /// How long a question may take.
    patience: Duration,
}

/// What is remembered of one kind.
#[derive(Debug)]
struct Shelf<K: Hash + Eq + Send + Sync + 'static, T: Send + Sync + 'static> {
    told: moka::sync::Cache<K, Entry<T>>,
    /// Questions under way.
    flights: Mutex<HashMap<K, Flight<T>>>,
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
        Self {
            client,
            credential: credential.into(),
            members: Arc::new(Shelf::new(&settings.cache, MOST)),
            rooms: Arc::new(Shelf::new(&settings.cache, MOST)),
            people: Arc::new(Shelf::new(&settings.cache, MOST_PEOPLE)),
            only_basic: Arc::default(),
            patience: settings.timeout * 3,
        }
    }

    /// Whom a group's address stands for.
    pub(super) async fn members(&self, group: &Mailbox, journal: &Journal) -> Result<Vec<Mailbox>, Failure> {
        let (client, credential, notes, about) = self.question(journal, group.clone());
        let fetch = async move {
            let told = groups::members(&client, credential, &about, &notes).await;
            (told.map_err(|trouble| of(&about, trouble)), notes)
        };
        self.members.through(group.clone(), journal, fetch).await
    }

    /// All lists of rooms.
    pub(super) async fn room_lists(&self, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let (client, credential, notes, ()) = self.question(journal, ());
        let fetch = async move {
            let told = places::room_lists(&client, credential, &notes).await;
            (told.map_err(|trouble| trouble.failure), notes)
        };
        self.rooms.through(None, journal, fetch).await
    }

    /// The rooms of a list.
    pub(super) async fn rooms(&self, list: &Mailbox, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let (client, credential, notes, about) = self.question(journal, list.clone());
        let fetch = async move {
            let told = places::rooms(&client, credential, &about, &notes).await;
            (told.map_err(|trouble| of(&about, trouble)), notes)
        };
        self.rooms.through(Some(list.clone()), journal, fetch).await
    }

    /// Whom a query means.
    pub(super) async fn people(&self, query: &Query, journal: &Journal) -> Result<Vec<Person>, Failure> {
        let (client, credential, notes, about) = self.question(journal, query.clone());
        let only_basic = Arc::clone(&self.only_basic);
        let fetch = async move {
            let refused = *only_basic.lock().unwrap_or_else(PoisonError::into_inner);
            let all = refused.is_none_or(|at| at.elapsed() >= BASIC_LIFETIME);
            let asker = users::Asker { client: &client, credential, all, journal: &notes };
            let told = match users::people(asker, &about).await {
                Ok((people, still_all)) => {
                    if all && !still_all {
                        *only_basic.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    }
                    Ok(people)
                }
                Err(trouble) => Err(trouble.failure),
            };
            (told, notes)
        };
        self.people.through(query.clone(), journal, fetch).await
    }

    /// What a question needs that outlives whoever asked it, with a clock and a notebook of its own.
    fn question<A>(&self, journal: &Journal, about: A) -> (Arc<Client>, usize, Journal, A) {
        let notes = Journal::new(journal.request_id, journal.now, Instant::now() + self.patience);
        (Arc::clone(&self.client), self.credential, notes, about)
    }
}

/// What failed a question about an address.
fn of(about: &Mailbox, trouble: Trouble) -> Failure {
    match trouble.failure {
        Failure::NoSuchMailbox { .. } | Failure::NoSuchItem => {
            Failure::NoSuchMailbox { address: about.as_str().to_owned() }
        }
        failure => failure,
    }
}

impl<K, T> Shelf<K, T>
where
    K: Clone + Hash + Eq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    fn new(settings: &CacheSettings, most: u64) -> Self {
        Self {
            told: moka::sync::Cache::builder().max_capacity(most).time_to_live(settings.longest()).build(),
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
        key: K,
        journal: &Journal,
        fetch: impl Future<Output = (Result<T, Failure>, Journal)> + Send + 'static,
    ) -> Result<T, Failure> {
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
        key: K,
        now: Instant,
        fetch: impl Future<Output = (Result<T, Failure>, Journal)> + Send + 'static,
    ) -> Flight<T> {
        let mut flights = self.lock();
        // One that is over, but still here, has died.
        if let Some(flight) = flights.get(&key).filter(|flight| flight.peek().is_none()) {
            return flight.clone();
        }
        let (shelf, about) = (Arc::clone(self), key.clone());
        let task = tokio::spawn(async move {
            let (told, notes) = fetch.await;
            let told = told.map(Arc::new);
            shelf.keep(about.clone(), &told, now);
            shelf.lock().remove(&about);
            (told, notes.graph_calls.get())
        });
        let flight = task.map(|joined| joined.unwrap_or((Err(Failure::Internal), 0))).boxed().shared();
        flights.insert(key, flight.clone());
        flight
    }

    fn keep(&self, key: K, told: &Result<Arc<T>, Failure>, now: Instant) {
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

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Flight<T>>> {
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
