//! Hours of the day.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Hours of each day on a clock: from one time to another, over midnight where the second is the earlier one; the
/// whole day where they are the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    /// The first moment.
    pub from: Time,
    /// The first moment after.
    pub to: Time,
    /// Whose clock.
    pub zone: TimeZone,
}

impl Hours {
    /// Whether an instant is in them.
    #[must_use]
    pub fn include(&self, at: Timestamp) -> bool {
        let time = self.zone.to_datetime(at).time();
        if self.from < self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn hours_may_go_over_midnight_and_follow_their_clock() {
        let hours = |from: &str, to: &str| Hours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: TimeZone::get("Europe/Helsinki").unwrap(),
        };
        let include = |hours: &Hours, at: &str| hours.include(at.parse().unwrap());
        let night = hours("18:00", "08:00");
        // 18:00 in Helsinki is 16:00 UTC in winter, and 15:00 in summer.
        assert!(!include(&night, "2026-01-15T15:59:59Z") && include(&night, "2026-01-15T16:00:00Z"));
        assert!(include(&night, "2026-01-15T05:59:59Z") && !include(&night, "2026-01-15T06:00:00Z"));
        assert!(include(&night, "2026-07-15T15:00:00Z"));
        let day = hours("08:00", "18:00");
        assert!(include(&day, "2026-01-15T06:00:00Z") && !include(&day, "2026-01-15T16:00:00Z"));
        let always = hours("00:00", "00:00");
        assert!(include(&always, "2026-01-15T06:00:00Z"));
    }
}
