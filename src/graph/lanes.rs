//! One lane for each mailbox that calls are charged to: Graph serves four at once per application
//! and mailbox (<https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits>).
//!
//! Owns those four places and how long a throttled mailbox is left alone. Must not know what is
//! sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::calendar::Mailbox;
use crate::failure::Failure;

/// Calls at once per application and mailbox.
const WIDTH: usize = 4;
/// Lanes remembered; a lane that nobody uses for a while is forgotten.
const LANES: u64 = 20_000;
const IDLE: Duration = Duration::from_secs(900);

/// All lanes of a tenant.
#[derive(Debug)]
pub(super) struct Lanes(moka::sync::Cache<(usize, Mailbox), Arc<Lane>>);

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    closed_until: Mutex<Option<Instant>>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(LANES).time_to_idle(IDLE).build())
    }

    /// Waits for a place in the lane of each mailbox. The mailboxes are sorted, so that two calls
    /// cannot wait for each other.
    ///
    /// # Errors
    /// [`Failure::Busy`] when a lane has no place, or stays closed, until the deadline.
    pub(super) async fn enter(
        &self,
        credential: usize,
        mailboxes: &[Mailbox],
        deadline: Instant,
    ) -> Result<Vec<OwnedSemaphorePermit>, Failure> {
        let mut places = Vec::with_capacity(mailboxes.len());
        for mailbox in mailboxes {
            let lane = self.lane(credential, mailbox);
            if let Some(until) = lane.closed_until() {
                if until >= deadline {
                    return Err(Failure::Busy { retry_after: until.saturating_duration_since(Instant::now()) });
                }
                sleep_until(until).await;
            }
            match timeout_at(deadline, Arc::clone(&lane.places).acquire_owned()).await {
                Ok(Ok(place)) => places.push(place),
                Ok(Err(_)) | Err(_) => return Err(Failure::Busy { retry_after: Duration::from_secs(1) }),
            }
        }
        Ok(places)
    }

    /// Leaves the mailboxes alone until then, or longer where that is known already.
    pub(super) fn close(&self, credential: usize, mailboxes: &[Mailbox], until: Instant) {
        for mailbox in mailboxes {
            let lane = self.lane(credential, mailbox);
            let mut closed = lane.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
            *closed = closed.max(Some(until));
        }
    }

    /// Whether calls charged to the mailbox may go at once.
    pub(super) fn is_open(&self, credential: usize, mailbox: &Mailbox, now: Instant) -> bool {
        self.0.get(&(credential, mailbox.clone())).is_none_or(|lane| {
            lane.closed_until().is_none_or(|until| until <= now) && lane.places.available_permits() > 0
        })
    }

    /// Until when a throttled mailbox is left alone.
    pub(super) fn closed_until(&self, credential: usize, mailbox: &Mailbox) -> Option<Instant> {
        self.0.get(&(credential, mailbox.clone()))?.closed_until()
    }

    fn lane(&self, credential: usize, mailbox: &Mailbox) -> Arc<Lane> {
        self.0.get_with((credential, mailbox.clone()), || {
            Arc::new(Lane { places: Arc::new(Semaphore::new(WIDTH)), closed_until: Mutex::new(None) })
        })
    }
}

impl Lane {
    fn closed_until(&self) -> Option<Instant> {
        *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn four_places_and_a_closed_lane() {
        let lanes = Lanes::new();
        let mailbox = [Mailbox::parse("a@example.com").unwrap()];
        let soon = Instant::now() + Duration::from_millis(50);
        let mut places = Vec::new();
        for _ in 0..WIDTH {
            places.push(lanes.enter(0, &mailbox, soon).await.unwrap());
        }
        assert!(matches!(lanes.enter(0, &mailbox, soon).await, Err(Failure::Busy { .. })));
        assert!(lanes.enter(1, &mailbox, soon).await.is_ok(), "another credential has its own lane");
        places.clear();

        let now = Instant::now();
        lanes.close(0, &mailbox, now + Duration::from_secs(7));
        assert!(!lanes.is_open(0, &mailbox[0], now));
        assert_eq!(lanes.closed_until(0, &mailbox[0]), Some(now + Duration::from_secs(7)));
        assert_eq!(lanes.closed_until(1, &mailbox[0]), None);
        let refused = lanes.enter(0, &mailbox, now + Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(refused, Failure::Busy { retry_after: Duration::from_secs(7) });
        lanes.enter(0, &mailbox, now + Duration::from_secs(8)).await.unwrap();
        assert!(Instant::now() >= now + Duration::from_secs(7), "waited until the lane opened");
    }
}
