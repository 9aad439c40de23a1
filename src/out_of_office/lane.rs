//! The looks at one tenant's mailboxes: so many together, so many calls a second, some at once, and fewer while Graph
//! fails.
//!
//! Pure: instants are arguments. Must not know what a look brings.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::{Pace, REFUSED};
use super::schedule::Schedule;
use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::MOST_AT_ONCE;

/// The looks at one tenant's mailboxes.
#[derive(Debug)]
pub(super) struct Lane {
    tenant: String,
    pub(super) schedule: Schedule<Instant>,
    /// Calls under way.
    under_way: usize,
    /// Before that no call is made.
    next: Instant,
    /// How many calls in a row have failed as a whole.
    failed: u32,
    /// Whether the operator was told that looks are late, or knows why they are.
    is_late: bool,
    /// When the operator was told of a failure, by its label.
    told: HashMap<&'static str, Instant>,
}

impl Lane {
    pub(super) fn new(tenant: &str, now: Instant) -> Self {
        let (tenant, schedule, told) = (tenant.to_owned(), Schedule::default(), HashMap::new());
        Self { tenant, schedule, under_way: 0, next: now, failed: 0, is_late: false, told }
    }

    /// The mailboxes of the next call, if one may be made now; [`Self::done`] must follow.
    pub(super) fn take(&mut self, pace: &Pace, now: Instant) -> Option<Vec<Mailbox>> {
        let first = self.schedule.first()?;
        if first > now || self.next > now || self.under_way >= self.most(pace) {
            return None;
        }
        self.watch_lateness(pace, now.duration_since(first));
        let batch = self.schedule.take(MOST_AT_ONCE, now + pace.early());
        self.under_way += 1;
        self.next = now + pace.between_calls();
        Some(batch)
    }

    /// When [`Self::take`] is worth trying next, if not only after [`Self::done`].
    pub(super) fn wake(&self, pace: &Pace) -> Option<Instant> {
        self.schedule.first().filter(|_| self.under_way < self.most(pace)).map(|first| first.max(self.next))
    }

    /// Notes how a call went, by what went wrong with each of its mailboxes.
    pub(super) fn done(&mut self, pace: &Pace, outcomes: &[Option<&Failure>], now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        let Some(pause) = self.pause(pace, outcomes) else {
            if self.failed > 0 {
                tracing::info!(tenant = self.tenant, "Graph tells of automatic replies again");
                self.failed = 0;
            }
            return;
        };
        if self.failed == 0 {
            let failure = outcomes.iter().flatten().next().map_or("", |failure| failure.label());
            let tenant = &self.tenant;
            tracing::warn!(
                tenant,
                failure,
                "Graph tells of no automatic replies: it is asked less often until it does"
            );
        }
        self.failed = self.failed.saturating_add(1);
        self.is_late = true;
        self.next = self.next.max(now + pause);
    }

    /// Whether the operator is to be told of a failure: once an hour.
    pub(super) fn may_tell(&mut self, failure: &'static str, now: Instant) -> bool {
        let may = self.told.get(failure).is_none_or(|told| now.duration_since(*told) >= TELL_AGAIN);
        if may {
            self.told.insert(failure, now);
        }
        may
    }

    /// How long to leave Graph alone after a call that failed as a whole. A call about one mailbox says nothing of the
    /// others, unless our credential was refused.
    fn pause(&self, pace: &Pace, outcomes: &[Option<&Failure>]) -> Option<Duration> {
        let failures: Vec<&Failure> = outcomes.iter().copied().collect::<Option<_>>()?;
        let (mut asked, mut is_refused) = (Duration::ZERO, false);
        for failure in &failures {
            match failure {
                Failure::Busy { retry_after } => asked = asked.max(*retry_after),
                Failure::CredentialRefused => is_refused = true,
                Failure::TimedOut | Failure::Unavailable | Failure::Internal | Failure::Proxy => {}
                _ => return None,
            }
        }
        if is_refused {
            return Some(REFUSED);
        }
        if failures.len() < 2 {
            return None;
        }
        let doubled = pace.between_calls().saturating_mul(2_u32.saturating_pow(self.failed.min(16) + 1));
        Some(doubled.min(pace.interval.max(SHORTEST_CAP)).max(asked))
    }

    /// Calls under way at once: enough for the pace though Graph takes its time.
    fn most(&self, pace: &Pace) -> usize {
        let most = pace.calls_per_second.saturating_mul(SLOWEST_CALL_SECONDS);
        if self.failed > 0 { 1 } else { usize::try_from(most).unwrap_or(usize::MAX) }
    }

    /// Tells the operator, once, that looks come later than they should: because there are too many, or because Graph
    /// answers slowly.
    fn watch_lateness(&mut self, pace: &Pace, late: Duration) {
        if late <= pace.early() {
            self.is_late = false;
            return;
        }
        let watched = self.schedule.len() + self.under_way * MOST_AT_ONCE;
        if self.is_late || late <= pace.interval {
            return;
        }
        self.is_late = true;
        tracing::warn!(
            tenant = self.tenant,
            watched,
            interval_seconds = pace.interval.as_secs(),
            possible_seconds = pace.round(watched, MOST_AT_ONCE).as_secs(),
            late_seconds = late.as_secs(),
            under_way = self.under_way,
            "watched mailboxes are looked at later than they should be: they are too many for calls_per_second, or \
             Graph answers slowly; raise the interval or calls_per_second, or watch fewer"
        );
    }
}

/// A call that takes so long does not yet slow down the others.
const SLOWEST_CALL_SECONDS: u32 = 3;
/// However short the interval is, Graph may be left alone so long.
const SHORTEST_CAP: Duration = Duration::from_secs(30);
const TELL_AGAIN: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const PACE: Pace =
        Pace { interval: Duration::from_secs(60), longest_interval: Duration::from_secs(900), calls_per_second: 2 };

    fn lane(mailboxes: usize, now: Instant) -> Lane {
        let mut lane = Lane::new("t", now);
        for number in 0..mailboxes {
            lane.schedule.put(Mailbox::parse(&format!("m{number}@example.com")).unwrap(), now);
        }
        lane
    }

    #[test]
    fn calls_are_full_apart_and_so_many_at_once() {
        let start = Instant::now();
        let mut lane = lane(200, start);
        let mut now = start;
        for _ in 0..6 {
            assert_eq!(lane.wake(&PACE), Some(now));
            assert_eq!(lane.take(&PACE, now).unwrap().len(), MOST_AT_ONCE);
            assert!(lane.take(&PACE, now + Duration::from_millis(499)).is_none(), "two calls a second");
            now += Duration::from_millis(500);
        }
        assert!(lane.take(&PACE, now).is_none(), "none of those under way is done");
        assert_eq!(lane.wake(&PACE), None);
        lane.done(&PACE, &[None], now);
        assert!(lane.take(&PACE, now).is_some());
    }

    #[test]
    fn a_call_takes_along_what_is_due_soon() {
        let start = Instant::now();
        let mut lane = lane(1, start);
        let other = |name: &str| Mailbox::parse(&format!("{name}@example.com")).unwrap();
        lane.schedule.put(other("soon"), start + Duration::from_secs(3));
        lane.schedule.put(other("later"), start + Duration::from_secs(4));
        assert_eq!(lane.take(&PACE, start).unwrap().len(), 2);
        assert_eq!(lane.wake(&PACE), Some(start + Duration::from_secs(4)));
        assert!(lane.take(&PACE, start + Duration::from_secs(3)).is_none());
    }

    #[test]
    fn while_graph_fails_it_is_asked_less_and_less_and_then_again() {
        let mut now = Instant::now();
        let mut lane = lane(4000, now);
        let down = [Some(&Failure::Unavailable); 20];
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert!(lane.take(&PACE, now).is_some());
            lane.done(&PACE, &down, now);
            pauses.push(lane.wake(&PACE).unwrap().duration_since(now).as_secs());
            now = lane.wake(&PACE).unwrap();
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(lane.take(&PACE, now).is_some());
        assert!(lane.take(&PACE, now + PACE.interval).is_none(), "one at a time to see whether it is back");
        lane.done(&PACE, &[Some(&Failure::Unavailable), None], now);
        assert_eq!(lane.wake(&PACE), Some(now + PACE.between_calls()));
    }

    #[test]
    fn graph_is_left_alone_as_long_as_it_wants() {
        let start = Instant::now();
        let after = |failures: &[Option<&Failure>]| {
            let mut lane = lane(40, start);
            lane.take(&PACE, start).unwrap();
            lane.done(&PACE, failures, start);
            lane.wake(&PACE).unwrap().duration_since(start)
        };
        let busy = Failure::Busy { retry_after: Duration::from_secs(120) };
        assert_eq!(after(&[Some(&busy), Some(&busy)]).as_secs(), 120);
        assert_eq!(after(&[Some(&Failure::CredentialRefused)]).as_secs(), 300);
        let soon = PACE.between_calls();
        assert_eq!(after(&[Some(&busy)]), soon, "one mailbox says nothing of the others");
        assert_eq!(after(&[Some(&busy), None]), soon);
        assert_eq!(after(&[Some(&Failure::Denied), Some(&Failure::Denied)]), soon, "Graph is well");
        assert_eq!(after(&[]), soon);
    }

    #[test]
    fn that_looks_are_late_is_known_by_how_late_they_are() {
        let start = Instant::now();
        let mut lane = lane(400, start);
        assert!(PACE.round(400, MOST_AT_ONCE) <= PACE.interval, "it could be done in time");
        let take = |lane: &mut Lane, second| lane.take(&PACE, start + Duration::from_secs(second)).is_some();
        assert!(take(&mut lane, 60) && !lane.is_late);
        assert!(take(&mut lane, 61) && lane.is_late, "Graph was too slow");
        lane.schedule = Schedule::default();
        lane.schedule.put(Mailbox::parse("m@example.com").unwrap(), start + Duration::from_secs(70));
        assert!(take(&mut lane, 70) && !lane.is_late);
    }

    #[test]
    fn the_same_is_told_once_an_hour() {
        let now = Instant::now();
        let mut lane = lane(0, now);
        assert!(lane.may_tell("denied", now) && lane.may_tell("busy", now));
        assert!(!lane.may_tell("denied", now + TELL_AGAIN / 2));
        assert!(lane.may_tell("denied", now + TELL_AGAIN));
    }
}
