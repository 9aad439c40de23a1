//! How many calls a tenant may have under way: fewer when Graph suffers, more when it does not.
//!
//! Additive increase, multiplicative decrease. Must not know what is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::failure::Failure;

/// At most one decrease in so long: calls that fail together tell one thing.
const SETTLING: Duration = Duration::from_secs(1);
/// What a caller is told to wait when no call could begin before its deadline.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many calls may be under way.
#[derive(Debug)]
pub(super) struct Limit {
    permits: Arc<Semaphore>,
    ceiling: usize,
    state: Mutex<State>,
    gauge: Gauge,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Permits that are still out but must not come back.
    debt: usize,
    /// Successes since the last change.
    credit: usize,
    decreased: Option<Instant>,
}

/// Leave to have one call under way.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    limit: &'a Limit,
    permit: Option<SemaphorePermit<'a>>,
}

impl Limit {
    pub(super) fn new(ceiling: usize, gauge: Gauge) -> Self {
        let ceiling = ceiling.max(1);
        gauge.set(i64::try_from(ceiling).unwrap_or(i64::MAX));
        Self {
            permits: Arc::new(Semaphore::new(ceiling)),
            ceiling,
            state: Mutex::new(State { limit: ceiling, debt: 0, credit: 0, decreased: None }),
            gauge,
        }
    }

    /// Waits for leave, in order of arrival.
    ///
    /// # Errors
    /// [`Failure::Busy`] at the deadline.
    pub(super) async fn acquire(&self, deadline: Instant) -> Result<Permit<'_>, Failure> {
        match timeout_at(deadline, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(Permit { limit: self, permit: Some(permit) }),
            Ok(Err(_)) | Err(_) => Err(Failure::Busy { retry_after: RETRY_AFTER }),
        }
    }

    /// Graph answered in time: one more call at once after as many answers as calls are allowed.
    pub(super) fn ease(&self) {
        let mut state = self.lock();
        if state.limit >= self.ceiling {
            return;
        }
        state.credit += 1;
        if state.credit < state.limit {
            return;
        }
        state.credit = 0;
        state.limit += 1;
        if state.debt > 0 {
            state.debt -= 1;
        } else {
            self.permits.add_permits(1);
        }
        self.show(&state);
    }

    /// Graph was busy or slow: half as many calls at once.
    pub(super) fn tighten(&self, now: Instant) {
        let mut state = self.lock();
        if state.decreased.is_some_and(|at| now < at + SETTLING) {
            return;
        }
        let limit = (state.limit / 2).max(1);
        let surplus = state.limit - limit;
        state.debt += surplus - self.permits.forget_permits(surplus);
        state.limit = limit;
        state.credit = 0;
        state.decreased = Some(now);
        self.show(&state);
    }

    fn show(&self, state: &State) {
        self.gauge.set(i64::try_from(state.limit).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut state = self.limit.lock();
        if state.debt > 0 {
            state.debt -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn halves_once_and_grows_by_one() {
        let gauge = Gauge::default();
        let limit = Limit::new(8, gauge.clone());
        let soon = Instant::now() + Duration::from_millis(10);
        let mut out = Vec::new();
        for _ in 0..8 {
            out.push(limit.acquire(soon).await.unwrap());
        }
        limit.tighten(Instant::now());
        limit.tighten(Instant::now());
        assert_eq!(gauge.get(), 4);
        out.truncate(4);
        assert!(matches!(limit.acquire(soon).await, Err(Failure::Busy { .. })), "four are still out");
        for _ in 0..4 {
            limit.ease();
        }
        assert_eq!(gauge.get(), 5);
        let later = Instant::now() + Duration::from_millis(10);
        out.push(limit.acquire(later).await.unwrap());
        assert!(limit.acquire(later).await.is_err());
        drop(out);
        let later = Instant::now() + Duration::from_millis(10);
        let mut again = Vec::new();
        while let Ok(permit) = limit.acquire(later).await {
            again.push(permit);
        }
        assert_eq!(again.len(), 5);
    }
}
