//! Cleaning up behind creates whose callers were told that they failed, or nothing.
//!
//! Owns when an intent is taken for given up, and how long its event is looked for: Graph may still be
//! making it after our last attempt was cut. Must not know why a create failed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Policy};
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::journal::Journal;
use crate::store::{Intent, Store};

/// The one who cleans up.
pub(super) struct Sweep<'a, C> {
    graphs: &'a Graphs,
    store: &'a Store,
    /// The gateway itself: whose calendar it was, the caller's policy has already decided.
    own: Client,
    deadline: Duration,
    clock: C,
    looks: Mutex<HashMap<Uuid, Looks>>,
}

/// How far the search for one event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    /// Looks in a row that found nothing.
    in_vain: usize,
    /// Looks in a row that failed.
    failed: u32,
    next: Instant,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// The event, which was deleted.
    Event,
    /// Graph could not say, or would not delete.
    Trouble,
}

impl<'a, C: Fn() -> Timestamp + Send + Sync> Sweep<'a, C> {
    pub(super) fn new(graphs: &'a Graphs, store: &'a Store, deadline: Duration, clock: C) -> Self {
        let policy = Policy::unlimited(&[Capability::CalendarWrite], &["*"], Ceiling::Full);
        let own = Client::without_login("gateway", policy);
        Self { graphs, store, own, deadline, clock, looks: Mutex::default() }
    }

    /// Cleans up, for ever.
    pub(super) async fn run(&self) {
        loop {
            self.once().await;
            sleep(TICK).await;
        }
    }

    /// Looks at everything that is due.
    pub(super) async fn once(&self) {
        let patience = i64::try_from((self.deadline + MARGIN).as_secs()).unwrap_or(i64::MAX);
        let before = (self.clock)().as_second().saturating_sub(patience);
        // The store has said why in the log.
        let Ok(intents) = self.store.unsettled(before).await else { return };
        self.looks().retain(|id, _| intents.iter().any(|intent| intent.id == *id));
        let now = Instant::now();
        let due = intents.into_iter().filter(|intent| self.looks().get(&intent.id).is_none_or(|it| it.next <= now));
        stream::iter(due).for_each_concurrent(AT_ONCE, |intent| self.look(intent)).await;
    }

    async fn look(&self, intent: Intent) {
        // From here on no caller is told that the event is there.
        let Ok(true) = self.store.doom(intent.id).await else { return };
        let found = self.find(&intent).await;
        let now = Instant::now();
        let before = self.looks().get(&intent.id).copied();
        let after = Looks::after(before, found, now);
        if after.in_vain < PAUSES.len() {
            self.looks().insert(intent.id, after);
        } else if self.store.forget(intent.id).await.is_ok() {
            self.looks().remove(&intent.id);
        }
    }

    async fn find(&self, intent: &Intent) -> Found {
        match self.delete(intent).await {
            Ok(true) => {
                tracing::info!(transaction = %intent.id, "deleted an event whose caller was told that it failed");
                Found::Event
            }
            Ok(false) | Err(Failure::NoSuchMailbox { .. } | Failure::BadAddress { .. }) => Found::Nothing,
            Err(failure) => {
                tracing::warn!(transaction = %intent.id, failure = failure.label(), "an event whose caller was told that it failed may still be there");
                Found::Trouble
            }
        }
    }

    /// Whether there was an event to delete.
    async fn delete(&self, intent: &Intent) -> Result<bool, Failure> {
        let mailbox = self.own.permit(&Mailbox::parse(&intent.mailbox)?, Capability::CalendarWrite, (self.clock)())?;
        let journal = Journal::new(Uuid::new_v4(), (self.clock)(), Instant::now() + self.deadline);
        let Some(id) = self.graphs.created_event(&mailbox, intent.id, &journal).await? else { return Ok(false) };
        match self.graphs.delete_event(&mailbox, &id, None, &journal).await {
            Ok(()) | Err(Failure::NoSuchItem) => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    fn looks(&self) -> MutexGuard<'_, HashMap<Uuid, Looks>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looks {
    fn after(before: Option<Self>, found: Found, now: Instant) -> Self {
        let (in_vain, failed) = before.map_or((0, 0), |it| (it.in_vain, it.failed));
        match found {
            Found::Nothing => {
                let pause = PAUSES.get(in_vain).copied().unwrap_or_default();
                Self { in_vain: in_vain + 1, failed: 0, next: now + pause }
            }
            // Another attempt may still be under way: everything once more.
            Found::Event => Self { in_vain: 0, failed: 0, next: now + FIRST_PAUSE },
            Found::Trouble => {
                let pause = FIRST_PAUSE.saturating_mul(1 << failed.min(10)).min(LONGEST_PAUSE);
                Self { in_vain, failed: failed.saturating_add(1), next: now + pause }
            }
        }
    }
}

/// Between looks for intents that are given up.
const TICK: Duration = Duration::from_secs(2);
/// What a request may take beyond its deadline.
const MARGIN: Duration = Duration::from_secs(5);
/// After each look in vain; after the last, the event is certainly not there: no time limit in Graph
/// is known that is longer.
const PAUSES: [Duration; 4] = [FIRST_PAUSE, Duration::from_secs(30), Duration::from_secs(120), Duration::ZERO];
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// Events looked for at once.
const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_looked_for_four_times_over_more_than_two_minutes() {
        let start = Instant::now();
        let (mut looks, mut now, mut count) = (None, start, 0);
        loop {
            let after = Looks::after(looks, Found::Nothing, now);
            count += 1;
            if after.in_vain == PAUSES.len() {
                break;
            }
            (looks, now) = (Some(after), after.next);
        }
        assert_eq!((count, (now - start).as_secs()), (4, 155));
    }

    #[test]
    fn after_an_event_was_found_it_is_looked_for_from_the_beginning() {
        let now = Instant::now();
        let before = Looks { in_vain: 3, failed: 1, next: now };
        assert_eq!(
            Looks::after(Some(before), Found::Event, now),
            Looks { in_vain: 0, failed: 0, next: now + FIRST_PAUSE }
        );
    }

    #[test]
    fn while_graph_fails_the_pauses_grow_and_nothing_is_given_up() {
        let mut looks = Looks { in_vain: 2, failed: 0, next: Instant::now() };
        let mut pauses = Vec::new();
        for _ in 0..100 {
            let after = Looks::after(Some(looks), Found::Trouble, looks.next);
            pauses.push((after.next - looks.next).as_secs());
            looks = after;
        }
        assert_eq!(looks.in_vain, 2);
        assert!(pauses.is_sorted() && pauses.starts_with(&[5, 10, 20]) && pauses.ends_with(&[600, 600]), "{pauses:?}");
    }
}
