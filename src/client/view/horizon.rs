//! How far a client sees, back and ahead.
//!
//! Owns what is within sight at a moment. A series is within sight as a whole as soon as its days may reach there;
//! its rule and its first occurrence are part of it. Notifications say that something has changed, and no more: they
//! may name items beyond the horizon by ids that lead nowhere.

use std::ops::Range;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::Window;
use crate::calendar::event::When;
use crate::calendar::recurrence::Recurrence;
use crate::calendar::zone::Zone;

/// How far a client sees from the moment of asking. What lies beyond is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// Days back, of 24 hours; without it there is no end.
    pub days_back: Option<u16>,
    /// Days ahead.
    pub days_ahead: Option<u16>,
}

impl Horizon {
    /// Whether there is no end on either side.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.days_back.is_none() && self.days_ahead.is_none()
    }

    /// From when until when anything may be seen at a moment; empty where both ends are that moment.
    #[must_use]
    pub fn range(&self, now: Timestamp) -> Range<Timestamp> {
        let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
        let first = self.days_back.and_then(|back| now.checked_sub(days(back)).ok()).unwrap_or(Timestamp::MIN);
        let after = self.days_ahead.and_then(|ahead| now.checked_add(days(ahead)).ok()).unwrap_or(Timestamp::MAX);
        first..after
    }

    /// What of a window may be seen at a moment; nothing where all of it lies beyond.
    #[must_use]
    pub fn within(&self, window: Window, now: Timestamp) -> Option<Window> {
        let Range { start, end } = self.range(now);
        Window::new(window.start().max(start), window.end().min(end))
    }

    /// Whether something may be seen that is once, or repeats: days are those of `zone`. What only touches an end
    /// lies beyond, and what has no length is where it begins.
    #[must_use]
    pub fn reaches(&self, when: &When, series: Option<&Recurrence>, zone: &Zone, now: Timestamp) -> bool {
        if self.is_endless() {
            return true;
        }
        let range = self.range(now);
        let (start, end) = when.instants(zone);
        let end = series.map_or(end, |series| end_of(series, end, end.duration_since(start)));
        !range.is_empty() && start < range.end && (end > range.start || start == end && start >= range.start)
    }
}

/// When the last occurrence is over, at the latest, if the first one is over then, and so long.
fn end_of(series: &Recurrence, first: Timestamp, length: SignedDuration) -> Timestamp {
    let last = series.last_day().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    // The day and one more: its clock may be that of any zone.
    let span = SignedDuration::from_secs(2 * DAY).checked_add(length);
    let end = last.zip(span).and_then(|(day, span)| day.timestamp().checked_add(span).ok());
    end.map_or(Timestamp::MAX, |end| end.max(first))
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil::date;

    use super::*;
    use crate::calendar::recurrence::{Pattern, Range as SeriesRange, RangeEnd};

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY).unwrap()
    }

    #[test]
    fn a_horizon_cuts_windows() {
        let window = |from, to| Window::new(at(from), at(to)).unwrap();
        let horizon = Horizon { days_back: Some(1), days_ahead: Some(7) };
        assert_eq!(horizon.within(window(90, 120), at(100)), Some(window(99, 107)));
        assert_eq!(horizon.within(window(100, 102), at(100)), Some(window(100, 102)));
        assert_eq!(horizon.within(window(90, 99), at(100)), None);
        assert_eq!(horizon.within(window(107, 120), at(100)), None);
        assert_eq!(Horizon::default().within(window(0, 20_000), at(100)), Some(window(0, 20_000)));
    }

    #[test]
    fn an_event_is_seen_if_a_part_of_it_is() {
        let horizon = Horizon { days_back: Some(1), days_ahead: Some(7) };
        let sees = |horizon: Horizon, from, to| {
            let when = When::Timed { start: at(from), end: at(to) };
            horizon.reaches(&when, None, &Zone::utc(), at(100))
        };
        for (from, to, expected) in [
            (90, 99, false),
            (90, 100, true),
            (99, 99, true),
            (98, 98, false),
            (106, 200, true),
            (107, 107, false),
            (107, 108, false),
        ] {
            assert_eq!(sees(horizon, from, to), expected, "{from} {to}");
        }
        let nothing = Horizon { days_back: Some(0), days_ahead: Some(0) };
        assert!(!sees(nothing, 90, 110) && !sees(nothing, 100, 100) && sees(Horizon::default(), 1, 2));
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let horizon = Horizon { days_back: Some(0), days_ahead: None };
        let when = When::Days { first: date(2027, 1, 10), after: date(2027, 1, 11) };
        let sees = |zone: &str| {
            horizon.reaches(&when, None, &Zone::named(zone).unwrap(), "2027-01-11T02:00:00Z".parse().unwrap())
        };
        assert!(!sees("Europe/Helsinki") && sees("America/Los_Angeles"));
    }

    #[test]
    fn a_series_is_seen_until_its_last_day() {
        let horizon = Horizon { days_back: Some(10), days_ahead: Some(10) };
        let start: Timestamp = "2027-01-04T08:00:00Z".parse().unwrap();
        let when = When::Timed { start, end: "2027-01-04T09:00:00Z".parse().unwrap() };
        let sees = |end: RangeEnd, now: &str| {
            let range = SeriesRange { start: date(2027, 1, 4), end };
            let series = Recurrence { pattern: Pattern::Daily { interval: 2 }, range, zone: None };
            horizon.reaches(&when, Some(&series), &Zone::utc(), now.parse().unwrap())
        };
        assert!(sees(RangeEnd::Never, "2080-01-01T00:00:00Z") && !sees(RangeEnd::Never, "2026-12-01T00:00:00Z"));
        assert!(sees(RangeEnd::On(date(2027, 2, 1)), "2027-02-10T00:00:00Z"));
        assert!(!sees(RangeEnd::On(date(2027, 2, 1)), "2027-02-20T00:00:00Z"));
        assert!(sees(RangeEnd::After(5), "2027-01-20T00:00:00Z") && !sees(RangeEnd::After(5), "2027-02-01T00:00:00Z"));
    }
}
