//! What is remembered of one kind of answer, and the questions under way for it.
//!
//! Owns lifetimes, joining and forgetting. One shelf is one credential's of one tenant, so that what one may see
//! never shows through another. Must not know what the answers are about.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, join_all};
use tokio::time::{Instant, timeout_at};

use super::settings::CacheSettings;
use crate::failure::Failure;
use crate::journal::Journal;

/// How long a refusal is remembered.
const DENIED_LIFETIME: Duration = Duration::from_secs(10);

/// What is remembered of one kind.
#[derive(Debug)]
pub(super) struct Shelf<K: Hash + Eq + Send + Sync + 'static, T: Send + Sync + 'static> {
    told: moka::sync::Cache<K, Entry<T>>,
    flights: Mutex<Flights<K, T>>,
    lifetime: Duration,
    negative_lifetime: Duration,
    stale: Duration,
}

/// Questions under way.
#[derive(Debug)]
struct Flights<K, T> {
    under_way: HashMap<K, (u64, Flight<T>)>,
    /// The number of the last one.
    last: u64,
}

/// What was told, and when it was asked.
type Entry<T> = (Result<Arc<T>, Failure>, Instant);

/// A question that all who ask the same wait for: what was told, and the calls that it took.
type Flight<T> = Shared<BoxFuture<'static, (Result<Arc<T>, Failure>, u32)>>;

impl<K, T> Shelf<K, T>
where
    K: Clone + Hash + Eq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// A shelf with room for answers that weigh `most` together.
    pub(super) fn new(settings: &CacheSettings, most: u64, weight: fn(&T) -> u32) -> Self {
        let weigh = move |_: &K, (told, _): &Entry<T>| told.as_ref().map_or(1, |told| weight(told));
        Self {
            told: moka::sync::Cache::builder()
                .weigher(weigh)
                .max_capacity(most)
                .time_to_live(settings.longest())
                .build(),
            flights: Mutex::new(Flights { under_way: HashMap::new(), last: 0 }),
            lifetime: settings.lifetime,
            negative_lifetime: settings.negative_lifetime,
            stale: settings.stale,
        }
    }

    /// What was told, if it is fresh; else what `fetch` tells, or who asked the same before; else,
    /// while Graph fails, what was told.
    pub(super) async fn through<F>(self: &Arc<Self>, key: K, journal: &Journal, fetch: F) -> Result<T, Failure>
    where
        F: Future<Output = (Result<T, Failure>, Journal)> + Send + 'static,
    {
        // The lock must not be held while waiting.
        let look = self.look(&mut self.lock(), (key, fetch), journal);
        look.await
    }

    /// The same for several keys, whose questions may share a call: all begin together, so that a key that is
    /// forgotten meanwhile is not told what the call found before.
    pub(super) async fn all_through<F>(
        self: &Arc<Self>,
        asked: impl IntoIterator<Item = (K, F)>,
        journal: &Journal,
    ) -> Vec<Result<T, Failure>>
    where
        F: Future<Output = (Result<T, Failure>, Journal)> + Send + 'static,
    {
        let looks = {
            let mut flights = self.lock();
            join_all(asked.into_iter().map(|asked| self.look(&mut flights, asked, journal)))
        };
        looks.await
    }

    /// Whether a question would have to be asked now: it has no fresh answer, and nobody asks it.
    pub(super) fn lacks(&self, key: &K) -> bool {
        self.fresh(key, Instant::now()).is_none() && self.lock().joinable(key).is_none()
    }

    /// Nothing that was asked before is told, joined or kept any more. Those who wait for it already
    /// are told all the same: they asked before.
    pub(super) fn forget(&self, key: &K) {
        let mut flights = self.lock();
        flights.under_way.remove(key);
        self.told.invalidate(key);
    }

    fn fresh(&self, key: &K, now: Instant) -> Option<Result<Arc<T>, Failure>> {
        let (told, at) = self.told.get(key)?;
        (now.saturating_duration_since(at) < self.lifetime_of(&told)).then_some(told)
    }

    /// Looks now, and begins a question where one is needed; what is given back waits.
    fn look<'a, F>(
        self: &'a Arc<Self>,
        flights: &mut Flights<K, T>,
        (key, fetch): (K, F),
        journal: &'a Journal,
    ) -> impl Future<Output = Result<T, Failure>> + Send + use<'a, K, T, F>
    where
        F: Future<Output = (Result<T, Failure>, Journal)> + Send + 'static,
    {
        let now = Instant::now();
        let look = match self.fresh(&key, now) {
            Some(told) => Err(told),
            None => Ok(self.begin(flights, key.clone(), now, fetch)),
        };
        async move {
            let told = match look {
                Ok(flight) => self.wait(&key, now, flight, journal).await,
                Err(told) => told,
            };
            told.map(|told| T::clone(&told))
        }
    }

    /// Waits for an answer; while Graph fails, an older one stands in.
    async fn wait(&self, key: &K, now: Instant, flight: Flight<T>, journal: &Journal) -> Result<Arc<T>, Failure> {
        let (told, calls) = timeout_at(journal.deadline, flight).await.unwrap_or_else(|_| (Err(Failure::TimedOut), 0));
        journal.graph_calls.add(calls);
        match told {
            Err(failure) if failure.allows_stale() => match self.told.get(key) {
                Some((Ok(old), at)) if now.saturating_duration_since(at) < self.lifetime + self.stale => Ok(old),
                _ => Err(failure),
            },
            told => told,
        }
    }

    /// Joins the question under way, or begins one that outlives whoever asked.
    fn begin<F>(self: &Arc<Self>, flights: &mut Flights<K, T>, key: K, now: Instant, fetch: F) -> Flight<T>
    where
        F: Future<Output = (Result<T, Failure>, Journal)> + Send + 'static,
    {
        if let Some(flight) = flights.joinable(&key) {
            return flight.clone();
        }
        flights.last += 1;
        let (shelf, about, number) = (Arc::clone(self), key.clone(), flights.last);
        let task = tokio::spawn(async move {
            let (told, notes) = fetch.await;
            let told = told.map(Arc::new);
            shelf.land(about, number, &told, now);
            (told, notes.graph_calls.get())
        });
        let flight = task.map(|joined| joined.unwrap_or((Err(Failure::Internal), 0))).boxed().shared();
        flights.under_way.insert(key, (number, flight.clone()));
        flight
    }

    /// Ends a question, and keeps its answer unless it was forgotten meanwhile.
    fn land(&self, key: K, number: u64, told: &Result<Arc<T>, Failure>, asked: Instant) {
        let mut flights = self.lock();
        if flights.under_way.get(&key).is_none_or(|(known, _)| *known != number) {
            return;
        }
        flights.under_way.remove(&key);
        match told {
            Err(failure) if failure.allows_stale() => return,
            // Nothing that it ever told may stand in for an answer.
            Err(Failure::CredentialRefused) => self.told.invalidate_all(),
            Ok(_) | Err(_) => {}
        }
        if !self.lifetime.is_zero() {
            self.told.insert(key, (told.clone(), asked));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Flights<K, T>> {
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

impl<K: Hash + Eq, T> Flights<K, T> {
    /// The question under way; one that is over, but still here, has died.
    fn joinable(&self, key: &K) -> Option<&Flight<T>> {
        self.under_way.get(key).map(|(_, flight)| flight).filter(|flight| flight.peek().is_none())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;

    type Numbers = Arc<Shelf<&'static str, u32>>;

    fn shelf(settings: &CacheSettings) -> Numbers {
        Arc::new(Shelf::new(settings, 100, |_| 1))
    }

    fn journal() -> Journal {
        Journal::new(Uuid::nil(), jiff::Timestamp::UNIX_EPOCH, Instant::now() + Duration::from_secs(60))
    }

    async fn ask(shelf: &Numbers, answer: Result<u32, Failure>) -> Result<u32, Failure> {
        shelf.through("a", &journal(), async move { (answer, journal()) }).await
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_forgotten_under_way_is_told_to_those_who_waited_alone() {
        let shelf = shelf(&CacheSettings::default());
        let (answer, answered) = oneshot::channel();
        let before = tokio::spawn({
            let shelf = Arc::clone(&shelf);
            async move { shelf.through("a", &journal(), async { (answered.await.unwrap(), journal()) }).await }
        });
        tokio::task::yield_now().await;
        assert!(!shelf.lacks(&"a"), "somebody asks");
        shelf.forget(&"a");
        assert!(shelf.lacks(&"a"));
        assert_eq!(ask(&shelf, Ok(2)).await, Ok(2), "not joined");
        answer.send(Ok(1)).unwrap();
        assert_eq!(before.await.unwrap(), Ok(1));
        assert_eq!(ask(&shelf, Ok(3)).await, Ok(2), "not kept, and what is newer is");
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_question_is_not_ended_by_a_forgotten_one() {
        let shelf = shelf(&CacheSettings::default());
        let mut answers = Vec::new();
        let mut asked = Vec::new();
        for _ in 0..2 {
            let (answer, answered) = oneshot::channel();
            let question = Arc::clone(&shelf);
            asked.push(tokio::spawn(async move {
                question.through("a", &journal(), async { (answered.await.unwrap(), journal()) }).await
            }));
            tokio::task::yield_now().await;
            answers.push(answer);
            if answers.len() == 1 {
                shelf.forget(&"a");
            }
        }
        let (second, first) = (answers.pop().unwrap(), answers.pop().unwrap());
        first.send(Ok(1)).unwrap();
        assert_eq!(asked.remove(0).await.unwrap(), Ok(1));
        assert!(!shelf.lacks(&"a"), "the second is under way");
        let third = ask(&shelf, Ok(3));
        second.send(Ok(2)).unwrap();
        assert_eq!(third.await, Ok(2), "joined");
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_answer_stands_in_unless_it_was_forgotten() {
        let shelf = shelf(&CacheSettings::default());
        assert_eq!(ask(&shelf, Ok(1)).await, Ok(1));
        tokio::time::advance(Duration::from_secs(301)).await;
        assert_eq!(ask(&shelf, Err(Failure::Unavailable)).await, Ok(1));
        shelf.forget(&"a");
        assert_eq!(ask(&shelf, Err(Failure::Unavailable)).await, Err(Failure::Unavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_lifetime_nothing_is_kept_and_heavy_answers_make_room() {
        let never = shelf(&CacheSettings { lifetime: Duration::ZERO, ..CacheSettings::default() });
        assert_eq!(ask(&never, Ok(1)).await, Ok(1));
        assert_eq!(ask(&never, Ok(2)).await, Ok(2));

        let small: Numbers = Arc::new(Shelf::new(&CacheSettings::default(), 100, |told| *told));
        assert_eq!(ask(&small, Ok(101)).await, Ok(101));
        small.told.run_pending_tasks();
        assert_eq!(ask(&small, Ok(2)).await, Ok(2), "there is no room for so much");
    }
}
