//! How long a letter waits that was refused, or that its recipient failed over.
//!
//! Owns the pauses. Must not know who refused it, nor why.

use std::time::Duration;

/// After so many refusals; `None` after the last that is waited for.
pub(super) fn pause(refusals: u32) -> Option<Duration> {
    let index = usize::try_from(refusals).ok()?.checked_sub(1)?;
    PAUSES.get(index).copied().map(Duration::from_secs).map(jittered)
}

/// After so many failures in a row. They say nothing of the letter, so that there is no last one; and who has failed for
/// long should soon be told when it no longer does.
pub(super) fn pause_of_failure(failures: u32) -> Duration {
    let longest = Duration::from_secs(LONGEST_OF_FAILURE);
    pause(failures.max(1)).filter(|pause| *pause < longest).unwrap_or_else(|| jittered(longest))
}

/// Letters that were put off together do not come back together.
fn jittered(pause: Duration) -> Duration {
    pause + pause.mul_f64(rand::random_range(0.0..JITTER))
}

/// Seconds: somewhat more than a day in all, as the Standard Webhooks' specification advises.
const PAUSES: [u64; 10] = [5, 30, 120, 600, 1800, 3600, 7200, 18_000, 36_000, 36_000];
/// Seconds.
const LONGEST_OF_FAILURE: u64 = 300;
const JITTER: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_the_schedule_and_end() {
        assert_eq!((pause(0), pause(11), pause(u32::MAX)), (None, None, None));
        for (refusals, seconds) in (1..).zip(PAUSES) {
            let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(seconds).mul_f64(1.0 + JITTER));
            for _ in 0..100 {
                assert!(pause(refusals).is_some_and(|pause| (least..=most).contains(&pause)), "{refusals}");
            }
        }
    }

    #[test]
    fn failures_are_waited_for_for_five_minutes_and_without_end() {
        for (failures, seconds) in [(0, 5), (1, 5), (2, 30), (3, 120), (4, 300), (5, 300), (11, 300), (u32::MAX, 300)] {
            let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(seconds).mul_f64(1.0 + JITTER));
            assert!((least..=most).contains(&pause_of_failure(failures)), "{failures}");
        }
    }
}
