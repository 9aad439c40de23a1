//! From when to when an item is, as Graph is told it.
//!
//! Owns Exchange's rules: whole days reach from midnight to midnight, nothing ends before it starts,
//! nothing takes more than five years.
//! <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/time-zones-and-ews-in-exchange>

use jiff::ToSpan;
use jiff::civil::{Date, Time};

use super::Draft;
use super::clock::Clock;
use crate::calendar::event::ZonedTime;
use crate::ews::types::time_zone::TimeZoneContext;
use crate::failure::Failure;

/// The clocks of an item: that of its start is the item's own, which decides where midnight is and
/// what repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Clocks {
    /// Of the start.
    pub start: Clock,
    /// Of the end.
    pub end: Clock,
}

impl Clocks {
    /// The clocks that a draft names, `None` if it names none. The instant (seconds since 1970) is
    /// one about which it is.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`], [`Failure::Schema`].
    pub fn of(draft: &Draft, at_second: i64) -> Result<Option<Self>, Failure> {
        let defined =
            |zone: &Option<TimeZoneContext>| zone.as_ref().map(|zone| Clock::defined(zone, at_second)).transpose();
        let meeting = draft.meeting_zone.as_deref().map(Clock::named).transpose()?;
        let (start, end) = (defined(&draft.start_zone)?.or(meeting), defined(&draft.end_zone)?);
        Ok(match (start, end) {
            (Some(start), Some(end)) => Some(Self { start, end }),
            (Some(both), None) | (None, Some(both)) => Some(Self { start: both.clone(), end: both }),
            (None, None) => None,
        })
    }

    /// The clocks of the request's header; UTC without one.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_header(header: Option<&TimeZoneContext>, at_second: i64) -> Result<Self, Failure> {
        let clock = header.map_or_else(|| Ok(Clock::utc()), |zone| Clock::defined(zone, at_second))?;
        Ok(Self { start: clock.clone(), end: clock })
    }
}

/// Start and end for Graph, from instants (seconds since 1970).
///
/// A series begins on the first day of its range, whatever day the start is on: Exchange takes only
/// the time of day from there.
///
/// # Errors
/// [`Failure::EndBeforeStart`], [`Failure::TooLong`]; [`Failure::UnknownTimeZone`] for a series whose
/// clock Graph cannot be told of.
pub fn span(
    (start, end): (i64, i64),
    is_all_day: bool,
    clocks: &Clocks,
    first_day: Option<Date>,
) -> Result<(ZonedTime, ZonedTime), Failure> {
    if end < start {
        return Err(Failure::EndBeforeStart);
    }
    let clock = &clocks.start;
    let longest = clock.reading(start)?.checked_add(LONGEST_YEARS.years());
    if longest.is_ok_and(|longest| clock.reading(end).is_ok_and(|end| end > longest)) {
        return Err(Failure::TooLong);
    }
    if first_day.is_some() && !clock.has_name() {
        return Err(Failure::UnknownTimeZone);
    }
    let (mut from, mut to) = match (is_all_day, first_day) {
        (true, _) => {
            let (first, last) = (clock.reading(start)?, clock.reading(end)?);
            let ends_at_midnight = last.time() == Time::midnight() && last.date() > first.date();
            let after = if ends_at_midnight { last.date() } else { tomorrow(last.date())? };
            (clock.at(midnight(first.date())), clock.at(midnight(after)))
        }
        (false, None) => (clock.instant(start)?, clocks.end.instant(end)?),
        // By one clock, so that both move together when it changes.
        (false, Some(_)) => (clock.at(clock.reading(start)?), clock.at(clock.reading(end)?)),
    };
    if let Some(day) = first_day {
        let shift = from.local.date().until(day).map_err(|_| Failure::BadRecurrence)?;
        for time in [&mut from, &mut to] {
            time.local = time.local.checked_add(shift).map_err(|_| Failure::BadRecurrence)?;
        }
    }
    Ok((from, to))
}

fn midnight(day: Date) -> jiff::civil::DateTime {
    day.to_datetime(Time::midnight())
}

fn tomorrow(day: Date) -> Result<Date, Failure> {
    day.tomorrow().map_err(|_| Failure::TooLong)
}

const LONGEST_YEARS: i64 = 5;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn clocks(name: &str) -> Clocks {
        let clock = Clock::named(name).unwrap();
        Clocks { start: clock.clone(), end: clock }
    }

    fn told(start: &str, end: &str, is_all_day: bool, zone: &str) -> Result<(String, String), Failure> {
        let (from, to) = span((second(start), second(end)), is_all_day, &clocks(zone), None)?;
        let text = |time: ZonedTime| format!("{} {}", time.local, time.zone.as_deref().unwrap_or("UTC"));
        Ok((text(from), text(to)))
    }

    #[test]
    fn times_are_told_by_the_item_s_clock() {
        let (from, to) = told("2027-01-11T08:00:00Z", "2027-01-11T09:30:00Z", false, "Romance Standard Time").unwrap();
        assert_eq!(from, "2027-01-11T09:00:00 Romance Standard Time");
        assert_eq!(to, "2027-01-11T10:30:00 Romance Standard Time");
    }

    #[test]
    fn whole_days_reach_from_midnight_to_midnight() {
        let zone = "Pacific Standard Time";
        for (start, end, first, after) in [
            ("2027-01-11T08:00:00Z", "2027-01-12T08:00:00Z", "2027-01-11", "2027-01-12"),
            ("2027-01-11T20:00:00Z", "2027-01-11T21:00:00Z", "2027-01-11", "2027-01-12"),
            ("2027-01-11T08:00:00Z", "2027-01-12T08:00:01Z", "2027-01-11", "2027-01-13"),
            ("2027-01-11T08:00:00Z", "2027-01-11T08:00:00Z", "2027-01-11", "2027-01-12"),
        ] {
            let (from, to) = told(start, end, true, zone).unwrap();
            assert_eq!((from, to), (format!("{first}T00:00:00 {zone}"), format!("{after}T00:00:00 {zone}")), "{start}");
        }
    }

    #[test]
    fn nothing_ends_before_it_starts_or_lasts_for_ever() {
        let told = |start, end| told(start, end, false, "UTC");
        assert_eq!(told("2027-01-11T08:00:00Z", "2027-01-11T07:59:59Z"), Err(Failure::EndBeforeStart));
        assert!(told("2027-01-11T08:00:00Z", "2032-01-11T08:00:00Z").is_ok());
        assert_eq!(told("2027-01-11T08:00:00Z", "2032-01-11T08:00:01Z"), Err(Failure::TooLong));
    }

    #[test]
    fn a_series_begins_on_the_day_of_its_range() {
        let times = (second("2027-01-11T23:30:00Z"), second("2027-01-12T00:30:00Z"));
        let (from, to) = span(times, false, &clocks("UTC"), Some(date(2027, 1, 13))).unwrap();
        assert_eq!(
            (from.local.to_string(), to.local.to_string()),
            ("2027-01-13T23:30:00".into(), "2027-01-14T00:30:00".into())
        );
    }
}
