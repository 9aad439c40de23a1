//! When an event that is read begins and ends.
//!
//! Must not know the rest of it.

use calcard::icalendar::{
    ICalendarComponent, ICalendarDuration, ICalendarEntry, ICalendarParameterName, ICalendarProperty, ICalendarValue,
};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, Timestamp};

use super::moment::{self, Moment};
use super::words;
use super::zone::{Clock, Zones};
use crate::calendar::event::ZonedTime;
use crate::calendar::zone::Zone;
use crate::failure::Failure;

/// Start and end.
pub(super) struct Times {
    pub(super) start: ZonedTime,
    pub(super) end: ZonedTime,
    pub(super) is_all_day: bool,
    /// The clock of the start.
    pub(super) clock: Clock,
    /// What the start calls its zone.
    pub(super) tzid: Option<String>,
    end_clock: Clock,
}

impl Times {
    /// # Errors
    /// [`Failure::BadMime`] without a start, [`Failure::UnknownTimeZone`].
    pub(super) fn read(event: &ICalendarComponent, zones: &Zones<'_>) -> Result<Self, Failure> {
        let start = event.property(&ICalendarProperty::Dtstart).ok_or(Failure::BadMime)?;
        let first = moment_of(start).ok_or(Failure::BadMime)?;
        let end = match event.property(&ICalendarProperty::Dtend) {
            Some(entry) => Some((entry, moment_of(entry).ok_or(Failure::BadMime)?)),
            None => None,
        };
        let length = event.property(&ICalendarProperty::Duration).and_then(|entry| match entry.values.first()? {
            ICalendarValue::Duration(length) => Some(length),
            _ => None,
        });
        if let Moment::Day(day) = first {
            let after = match (&end, length) {
                (Some((_, end)), _) => end.local(&Zone::utc()).map(day_after),
                (None, Some(length)) => add_days(day, length.as_seconds().div_euclid(DAY)),
                (None, None) => None,
            };
            return Self::days(day, after);
        }
        let clock = clock_of(start, first, zones)?;
        let local = first.local(&clock.zone).ok_or(Failure::BadMime)?;
        let (end_clock, end_local) = match (end, length) {
            (Some((_, Moment::Day(day))), _) => (clock.clone(), Some(day.to_datetime(Time::midnight()))),
            (Some((entry, end)), _) => {
                let end_clock = clock_of(entry, end, zones)?;
                let local = end.local(&end_clock.zone);
                (end_clock, local)
            }
            (None, Some(length)) => (clock.clone(), later(local, length, &clock)),
            (None, None) => (clock.clone(), Some(local)),
        };
        let end_local = end_local.ok_or(Failure::BadMime)?;
        let is_midnight = |local: DateTime| local.time() == Time::midnight();
        let says_all_day = event
            .property(&ICalendarProperty::Other(words::ALL_DAY.to_owned()))
            .and_then(|entry| entry.values.first()?.as_text())
            .is_some_and(|text| text.trim().eq_ignore_ascii_case("TRUE"));
        if says_all_day && is_midnight(local) && is_midnight(end_local) {
            return Self::days(local.date(), Some(end_local.date()));
        }
        Ok(Self {
            start: zoned(local, &clock).ok_or(Failure::BadMime)?,
            end: zoned(end_local, &end_clock).ok_or(Failure::BadMime)?,
            is_all_day: false,
            tzid: tzid(start).map(str::to_owned),
            clock,
            end_clock,
        })
    }

    /// Both as instants.
    pub(super) fn instants(&self) -> Option<(Timestamp, Timestamp)> {
        let utc = Zone::utc();
        let instant = |time: &ZonedTime, clock: &Clock| {
            moment::instant(if time.zone.is_some() { &clock.zone } else { &utc }, time.local)
        };
        Some((instant(&self.start, &self.clock)?, instant(&self.end, &self.end_clock)?))
    }

    /// At least one day: some programs let an event end on the day on which it begins.
    fn days(first: Date, after: Option<Date>) -> Result<Self, Failure> {
        let least = first.tomorrow().map_err(|_| Failure::BadMime)?;
        let midnight = |day: Date| ZonedTime { local: day.to_datetime(Time::midnight()), zone: None };
        let after = after.map_or(least, |after| after.max(least));
        let utc = Clock::utc();
        Ok(Self {
            start: midnight(first),
            end: midnight(after),
            is_all_day: true,
            clock: utc.clone(),
            tzid: None,
            end_clock: utc,
        })
    }
}

pub(super) fn tzid(entry: &ICalendarEntry) -> Option<&str> {
    entry.parameter(&ICalendarParameterName::Tzid)?.as_text()
}

fn moment_of(entry: &ICalendarEntry) -> Option<Moment> {
    Moment::read(entry.values.first()?.as_partial_date_time()?)
}

/// The clock on which a time is told.
fn clock_of(entry: &ICalendarEntry, moment: Moment, zones: &Zones<'_>) -> Result<Clock, Failure> {
    let (Moment::Local(local), Some(id)) = (moment, tzid(entry)) else { return Ok(Clock::utc()) };
    let clock = zones.clock(id)?;
    Ok(match moment::instant(&clock.zone, local) {
        Some(instant) => clock.or_like(instant),
        None => clock,
    })
}

/// A time on a clock that has a name, or else in UTC.
fn zoned(local: DateTime, clock: &Clock) -> Option<ZonedTime> {
    if clock.is_nameless() {
        let utc = moment::local(&Zone::utc(), moment::instant(&clock.zone, local)?)?;
        return Some(ZonedTime { local: utc, zone: None });
    }
    Some(ZonedTime { local, zone: clock.name.clone() })
}

/// RFC 5545 §3.3.6: days are those of the calendar, the rest is time that passes.
fn later(local: DateTime, length: &ICalendarDuration, clock: &Clock) -> Option<DateTime> {
    let seconds = length.as_seconds();
    let sign = if length.neg { -1 } else { 1 };
    let days = sign * (i64::from(length.weeks) * 7 + i64::from(length.days));
    let day = add_days(local.date(), days)?.to_datetime(local.time());
    let instant = moment::instant(&clock.zone, day)?.as_second().checked_add(seconds - days * DAY)?;
    moment::local(&clock.zone, Timestamp::from_second(instant).ok()?)
}

/// The day after what ends at a time.
fn day_after(end: DateTime) -> Date {
    if end.time() == Time::midnight() { end.date() } else { end.date().tomorrow().unwrap_or(Date::MAX) }
}

fn add_days(day: Date, days: i64) -> Option<Date> {
    day.checked_add(Span::new().try_days(days).ok()?).ok()
}

/// Seconds of a day.
const DAY: i64 = 86_400;
