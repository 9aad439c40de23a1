//! When a calendar is looked at next.
//!
//! Pure but for the chance that keeps watchers from going in step.

use std::time::Duration;

use super::settings::Settings;
use crate::failure::Failure;

/// How a watcher waits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How often in a row it went wrong.
    failed: u32,
}

impl Pace {
    /// The wait after a look that went well, `watched` calendars of the tenant being watched.
    pub(super) fn after_success(&mut self, settings: &Settings, watched: usize, is_told: bool) -> Duration {
        self.failed = 0;
        interval(settings, watched, is_told)
    }

    /// The wait after one that failed: twice as long each time, and as long as Graph wants.
    pub(super) fn after_failure(&mut self, settings: &Settings, watched: usize, failure: &Failure) -> Duration {
        self.failed = self.failed.saturating_add(1);
        let asked = match failure {
            Failure::Busy { retry_after } => *retry_after,
            // Only an operator can help.
            Failure::Denied | Failure::CredentialRefused | Failure::NoSuchMailbox { .. } => LONGEST,
            _ => Duration::ZERO,
        };
        let doubled = interval(settings, watched, false).saturating_mul(2_u32.saturating_pow(self.failed.min(16)));
        asked.max(doubled.min(LONGEST))
    }
}

/// As long as `settings` say, longer where many calendars share the calls of a tenant, and longest
/// where Graph tells of changes by itself.
fn interval(settings: &Settings, watched: usize, is_told: bool) -> Duration {
    if is_told {
        return LONGEST;
    }
    let share = Duration::from_secs_f64(watched as f64 / f64::from(settings.calls_per_second.max(1)));
    settings.interval.max(share)
}

/// A wait up to a tenth longer or shorter.
pub(super) fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.9..1.1))
}

/// Between two looks at a calendar.
pub(super) const LONGEST: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_watched_often_and_many_within_the_budget() {
        let (settings, mut pace) = (Settings::default(), Pace::default());
        assert_eq!(pace.after_success(&settings, 1, false), Duration::from_secs(3));
        assert_eq!(pace.after_success(&settings, 60, false), Duration::from_secs(3));
        assert_eq!(pace.after_success(&settings, 2000, false), Duration::from_secs(100));
        assert_eq!(pace.after_success(&settings, 1, true), LONGEST);
    }

    #[test]
    fn failures_double_the_wait_until_one_goes_well() {
        let (settings, mut pace) = (Settings::default(), Pace::default());
        let seconds = |wait: Duration| wait.as_secs();
        let waits: Vec<u64> =
            (0..8).map(|_| seconds(pace.after_failure(&settings, 1, &Failure::Unavailable))).collect();
        assert_eq!(waits, [6, 12, 24, 48, 96, 192, 300, 300]);
        let busy = Failure::Busy { retry_after: Duration::from_secs(1000) };
        assert_eq!(seconds(pace.after_failure(&settings, 1, &busy)), 1000, "as long as Graph asks for");
        assert_eq!(seconds(pace.after_success(&settings, 1, false)), 3);
        assert_eq!(seconds(pace.after_failure(&settings, 1, &Failure::Denied)), 300);
        assert_eq!(seconds(pace.after_failure(&settings, 1, &Failure::TimedOut)), 12);
    }
}
