//! How long a letter waits that was refused.
//!
//! Owns the pauses. Must not know who refused it, nor why.

use std::time::Duration;

/// After so many refusals; `None` after the last that is waited for.
pub(super) fn pause(refusals: u32) -> Option<Duration> {
    let index = usize::try_from(refusals).ok()?.checked_sub(1)?;
    let pause = PAUSES.get(index).copied().map(Duration::from_secs)?;
    // Letters that were refused together do not come back together.
    Some(pause + pause.mul_f64(rand::random_range(0.0..JITTER)))
}

/// Seconds: somewhat more than a day in all, as the Standard Webhooks' specification advises.
const PAUSES: [u64; 10] = [5, 30, 120, 600, 1800, 3600, 7200, 18_000, 36_000, 36_000];
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
}
