//! Graph's limits for Outlook resources: calls per ten minutes and calls at once, per application and mailbox.
//! <https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits>

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::error::Refusal;
use super::lock::lock;

/// The limits; changed through the control endpoint.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) on: bool,
    #[serde(default = "at_once")]
    pub(super) concurrent: u32,
    #[serde(default = "per_ten_minutes")]
    pub(super) per_ten_minutes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { on: true, concurrent: at_once(), per_ten_minutes: per_ten_minutes() }
    }
}

#[derive(Default)]
pub(super) struct Throttle {
    limits: Mutex<Limits>,
    usage: Mutex<HashMap<String, Usage>>,
}

struct Usage {
    running: u32,
    window: Timestamp,
    calls: u32,
}

/// A running call; dropping it ends it.
pub(super) struct Running {
    throttle: Arc<Throttle>,
    key: String,
}

impl Throttle {
    pub(super) fn set(&self, limits: Limits) {
        *lock(&self.limits) = limits;
    }

    /// Counts a call in. Usage accrues while throttled, as Graph's does.
    pub(super) fn enter(
        self: &Arc<Self>,
        application: &str,
        mailbox: &str,
        now: Timestamp,
    ) -> Result<Running, Refusal> {
        let limits = *lock(&self.limits);
        let key = format!("{application}/{}", mailbox.to_lowercase());
        let mut all = lock(&self.usage);
        let usage = all.entry(key.clone()).or_insert(Usage { running: 0, window: now, calls: 0 });
        let age = now.duration_since(usage.window);
        if age >= WINDOW {
            (usage.window, usage.calls) = (now, 0);
        }
        usage.calls += 1;
        if limits.on && usage.calls > limits.per_ten_minutes {
            let left = (WINDOW - age).as_secs().clamp(1, WINDOW.as_secs());
            return Err(refused("MailboxRequests", u32::try_from(left).unwrap_or(1)));
        }
        if limits.on && usage.running >= limits.concurrent {
            return Err(refused("MailboxConcurrency", 1));
        }
        usage.running += 1;
        Ok(Running { throttle: Arc::clone(self), key })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = lock(&self.throttle.usage);
        if let Some(usage) = all.get_mut(&self.key) {
            usage.running = usage.running.saturating_sub(1);
        }
    }
}

const WINDOW: SignedDuration = SignedDuration::from_mins(10);

fn at_once() -> u32 {
    4
}

fn per_ten_minutes() -> u32 {
    10_000
}

fn refused(limit: &str, seconds: u32) -> Refusal {
    let message = format!("Application is over its {limit} limit.");
    Refusal { retry_after: Some(seconds), ..Refusal::new(429, "ApplicationThrottled", message) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn four_at_once_per_application_and_mailbox() {
        let throttle = Arc::new(Throttle::default());
        let now = Timestamp::UNIX_EPOCH;
        let mut running: Vec<_> = (0..4).map(|_| throttle.enter("app", "A@t", now).unwrap()).collect();
        let refused = throttle.enter("app", "a@t", now).err().unwrap();
        assert!(refused.status == 429 && refused.message.contains("MailboxConcurrency"), "{refused:?}");
        assert!(throttle.enter("other", "a@t", now).is_ok());
        assert!(throttle.enter("app", "b@t", now).is_ok());
        running.pop();
        assert!(throttle.enter("app", "a@t", now).is_ok());
    }

    #[test]
    fn the_count_starts_anew_after_ten_minutes() {
        let throttle = Arc::new(Throttle::default());
        throttle.set(Limits { on: true, concurrent: 4, per_ten_minutes: 2 });
        let now = Timestamp::UNIX_EPOCH;
        assert!(throttle.enter("app", "a", now).is_ok() && throttle.enter("app", "a", now).is_ok());
        let later = now + SignedDuration::from_mins(9);
        assert_eq!(throttle.enter("app", "a", later).err().unwrap().retry_after, Some(60));
        assert!(throttle.enter("app", "a", now + SignedDuration::from_mins(10)).is_ok());
    }
}
