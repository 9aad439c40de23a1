//! Rooms, lists of rooms, members of groups and people, remembered like busy times.
//!
//! Owns what is remembered of a tenant's directory. Must not know JSON.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::calls::{groups, places, users};
use super::client::Client;
use super::fault::{NOT_THERE, Trouble};
use super::settings::Settings;
use super::shelf::Shelf;
use crate::calendar::person::{Entry as Person, Query};
use crate::calendar::{Mailbox, Room};
use crate::failure::Failure;
use crate::journal::Journal;

/// Answers remembered of one kind, and people in all answers about them together, each answer as one more.
const MOST: u64 = 10_000;
const MOST_PEOPLE: u64 = 100_000;
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

impl Directory {
    pub(super) fn new(client: Arc<Client>, credential: u16, settings: &Settings) -> Self {
        Self {
            client,
            credential: credential.into(),
            members: Arc::new(Shelf::new(&settings.cache, MOST, |_| 1)),
            rooms: Arc::new(Shelf::new(&settings.cache, MOST, |_| 1)),
            people: Arc::new(Shelf::new(&settings.cache, MOST_PEOPLE, |people| {
                u32::try_from(people.len() + 1).unwrap_or(u32::MAX)
            })),
            only_basic: Arc::default(),
            patience: settings.timeout * 3,
        }
    }

    /// Whom a group's address stands for.
    pub(super) async fn members(&self, group: &Mailbox, journal: &Journal) -> Result<Vec<Mailbox>, Failure> {
        let (client, credential, notes, about) = self.question(journal, group.clone());
        let fetch = async move {
            let told = groups::members(&client, credential, &about, &notes).await;
            (told.map_err(|trouble| trouble.about(&about)), notes)
        };
        self.members.through(group.clone(), journal, fetch).await
    }

    /// All lists of rooms.
    pub(super) async fn room_lists(&self, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let (client, credential, notes, ()) = self.question(journal, ());
        let fetch = async move {
            let told = places::room_lists(&client, credential, &notes).await;
            let failure = |trouble: Trouble| match trouble.failure {
                // Nothing was named that could be missing but the call itself.
                Failure::NoSuchMailbox { .. } | Failure::NoSuchItem => {
                    Failure::Unsupported { what: NOT_THERE.to_owned() }
                }
                failure => failure,
            };
            (told.map_err(failure), notes)
        };
        self.rooms.through(None, journal, fetch).await
    }

    /// The rooms of a list.
    pub(super) async fn rooms(&self, list: &Mailbox, journal: &Journal) -> Result<Vec<Room>, Failure> {
        let (client, credential, notes, about) = self.question(journal, list.clone());
        let fetch = async move {
            let told = places::rooms(&client, credential, &about, &notes).await;
            (told.map_err(|trouble| trouble.about(&about)), notes)
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
