//! How long a mailbox is left alone between two looks.
//!
//! Pure but for the chance that keeps mailboxes from going in step.

use std::time::Duration;

use crate::failure::Failure;

/// How often it is looked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// At a mailbox that has changed lately.
    pub(super) interval: Duration,
    /// At one that has not changed for long.
    pub(super) longest_interval: Duration,
    /// Calls a second to the Graph of one tenant.
    pub(super) calls_per_second: u32,
}

impl Pace {
    /// After a look that went well, at a mailbox that has been quiet for some time: one that changed an hour ago is
    /// looked at every minute.
    pub(super) fn after_success(&self, quiet: Duration) -> Duration {
        (quiet / QUIET_PER_WAIT).clamp(self.interval, self.longest())
    }

    /// After so many failures in a row: as long as Graph wants, else twice as long each time. Of a mailbox that is
    /// unknown again and again, the name is hardly one.
    pub(super) fn after_failure(&self, failed: u32, failure: &Failure) -> Duration {
        match failure {
            Failure::Busy { retry_after } => (*retry_after).max(self.interval),
            Failure::CredentialRefused => REFUSED,
            Failure::Denied => HOPELESS,
            Failure::NoSuchMailbox { .. } => doubled(HOPELESS, failed.saturating_sub(1)).min(DAY),
            _ => doubled(self.interval, failed).min(self.longest()),
        }
    }

    /// Between the beginnings of two calls to one tenant.
    pub(super) fn between_calls(&self) -> Duration {
        Duration::from_secs(1) / self.calls_per_second.max(1)
    }

    /// How long a look at each of so many mailboxes of a tenant takes at the least.
    pub(super) fn round(&self, mailboxes: usize, in_one_call: usize) -> Duration {
        let calls = u32::try_from(mailboxes.div_ceil(in_one_call.max(1))).unwrap_or(u32::MAX);
        self.between_calls().saturating_mul(calls).max(self.interval)
    }

    /// How much too early a look may be, to fill a call.
    pub(super) fn early(&self) -> Duration {
        self.interval / 20
    }

    fn longest(&self) -> Duration {
        self.longest_interval.max(self.interval)
    }
}

/// A wait up to a tenth shorter.
pub(super) fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.9..=1.0))
}

/// Twice as long, so many times.
fn doubled(wait: Duration, times: u32) -> Duration {
    wait.saturating_mul(2_u32.saturating_pow(times.min(16)))
}

/// A mailbox that has been quiet so many times as long as a wait will hardly change during it.
const QUIET_PER_WAIT: u32 = 60;
/// Entra or Graph refuse our credential: only an operator can help.
pub(super) const REFUSED: Duration = Duration::from_secs(300);
/// Somebody has to create the mailbox or to allow it to be read.
pub(super) const HOPELESS: Duration = Duration::from_secs(900);
const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { interval: Duration::from_secs(60), longest_interval: Duration::from_secs(900), calls_per_second: 4 };

    #[test]
    fn what_has_been_quiet_for_long_is_looked_at_rarely() {
        let wait = |quiet| PACE.after_success(Duration::from_secs(quiet)).as_secs();
        assert_eq!([0, 3600, 7200, 54_000, 10_000_000].map(wait), [60, 60, 120, 900, 900]);
        let odd = Pace { longest_interval: Duration::ZERO, ..PACE };
        assert_eq!(odd.after_success(Duration::MAX), PACE.interval);
    }

    #[test]
    fn after_failures_it_is_waited_longer() {
        let wait = |failed, failure| PACE.after_failure(failed, &failure).as_secs();
        let waits = [1, 2, 3, 4, 5, u32::MAX].map(|failed| wait(failed, Failure::Unavailable));
        assert_eq!(waits, [120, 240, 480, 900, 900, 900]);
        assert_eq!(wait(9, Failure::Busy { retry_after: Duration::from_secs(5000) }), 5000, "as long as Graph wants");
        assert_eq!(wait(1, Failure::Busy { retry_after: Duration::from_secs(1) }), 60);
        assert_eq!(wait(1, Failure::Denied), 900);
        assert_eq!(wait(9, Failure::Denied), 900, "it may be allowed any time");
        let unknown = |failed| wait(failed, Failure::NoSuchMailbox { address: String::new() });
        assert_eq!([1, 2, 3, 7, 8, u32::MAX].map(unknown), [900, 1800, 3600, 57_600, 86_400, 86_400]);
        assert_eq!(wait(1, Failure::CredentialRefused), 300);
    }

    #[test]
    fn a_round_of_many_takes_longer_than_the_interval() {
        let round = |mailboxes| PACE.round(mailboxes, 20).as_secs();
        assert_eq!([0, 1, 4800, 10_000].map(round), [60, 60, 60, 125]);
    }
}
