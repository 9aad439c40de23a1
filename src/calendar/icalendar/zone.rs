//! `VTIMEZONE` (RFC 5545 §3.6.5), both ways.
//!
//! Owns which zone a `TZID` means, and which rules a zone is written with. Must not know events.

use std::collections::HashMap;

use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty};
use jiff::civil::{Time, Weekday, date};
use jiff::tz::Offset;
use jiff::{Timestamp, civil};

use super::moment;
use super::observance::{Observance, Yearly};
use crate::calendar::zone::{BiasRules, Change, DayOfWeek, Zone, windows_zones};
use crate::failure::Failure;

/// A zone of an event that is read.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    pub(super) zone: Zone,
    /// A Windows or IANA name, if it has one.
    pub(super) name: Option<String>,
}

impl Clock {
    /// The clock of what names no zone.
    pub(super) fn utc() -> Self {
        Self { zone: Zone::utc(), name: None }
    }

    /// Whether only its rules are known.
    pub(super) fn is_nameless(&self) -> bool {
        self.name.is_none() && self.zone != Zone::utc()
    }

    /// Under the name of a Windows zone that shows the same for two years around an instant, if it
    /// has no name and there is such a zone.
    pub(super) fn or_like(self, around: Timestamp) -> Self {
        if !self.is_nameless() {
            return self;
        }
        let shows_the_same = |other: &Zone| {
            let mut samples = (-YEAR..YEAR).step_by(SAMPLE).map(|away| around.as_second().saturating_add(away));
            samples.all(|second| other.local_of_second(second) == self.zone.local_of_second(second))
        };
        let known = windows_zones().find_map(|windows| {
            let zone = Zone::named(windows.id).ok().filter(shows_the_same)?;
            Some(Self { zone, name: Some(windows.id.to_owned()) })
        });
        known.unwrap_or(self)
    }
}

/// The zones that a calendar brings along.
pub(super) struct Zones<'a> {
    calendar: &'a ICalendar,
    brought: HashMap<&'a str, &'a ICalendarComponent>,
}

impl<'a> Zones<'a> {
    /// Those among the components of a calendar.
    pub(super) fn of(calendar: &'a ICalendar) -> Self {
        let zones = calendar.components.iter().filter(|it| it.component_type == ICalendarComponentType::VTimezone);
        let brought = zones.filter_map(|zone| Some((text(zone, &ICalendarProperty::Tzid)?, zone))).collect();
        Self { calendar, brought }
    }

    /// The zone of a `TZID`: by a name in it, else by the rules that come with it.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`].
    pub(super) fn clock(&self, id: &str) -> Result<Clock, Failure> {
        let brought = self.brought.get(id);
        let location = ICalendarProperty::Other("X-LIC-LOCATION".to_owned());
        let location = brought.and_then(|zone| text(zone, &location));
        let known = tails(id).chain(location).find_map(|name| Some((Zone::named(name).ok()?, name)));
        if let Some((zone, name)) = known {
            return Ok(Clock { zone, name: Some(name.to_owned()) });
        }
        let rules = brought.and_then(|zone| self.rules(zone)).ok_or(Failure::UnknownTimeZone)?;
        Ok(Clock { zone: Zone::from_rules(rules)?, name: None })
    }

    /// The rules that a zone ends with.
    fn rules(&self, zone: &ICalendarComponent) -> Option<BiasRules> {
        let last = |is_daylight| {
            let parts = zone.component_ids.iter().filter_map(|id| self.calendar.component_by_id(*id));
            let such = parts.filter_map(Observance::read).filter(|part| part.is_daylight == is_daylight);
            such.max_by_key(|part| (part.until.unwrap_or(Timestamp::MAX), part.start))
        };
        match (last(false), last(true)) {
            (Some(standard), Some(daylight)) => {
                let Some((to_standard, to_daylight)) =
                    standard.change(0).zip(daylight.change(standard.to - daylight.to))
                else {
                    // Changes that do not come back.
                    return Some(fixed(if standard.start > daylight.start { standard.to } else { daylight.to }));
                };
                Some(BiasRules { bias: -standard.to, standard: to_standard, daylight: to_daylight })
            }
            (Some(only), None) | (None, Some(only)) => Some(fixed(only.to)),
            (None, None) => None,
        }
    }
}

impl Observance {
    fn change(&self, bias: i32) -> Option<Change> {
        let Yearly { month, weekday, order } = self.yearly?;
        let day_of_week = DAYS.iter().find(|(_, ours)| *ours == weekday).map(|(theirs, _)| *theirs)?;
        Some(Change { bias, time: self.start.time(), day_order: order, month, day_of_week, year: None })
    }
}

/// The parts of a zone that is used from an instant until the end of a year.
pub(super) fn observances(zone: &Zone, from: Timestamp, until: i16) -> Vec<Observance> {
    let first = Offset::UTC.to_datetime(from).year();
    let mut eras: Vec<(i16, BiasRules)> = Vec::new();
    for year in first..=until.max(first).min(first.saturating_add(MOST_YEARS)) {
        let at = if year == first { from.as_second() } else { second(date(year, 7, 1)) };
        let rules = zone.bias_rules(at);
        if eras.last().is_none_or(|(_, last)| *last != rules) {
            eras.push((year, rules));
        }
    }
    let ends = eras.iter().skip(1).map(|(year, _)| Some(year - 1)).chain([None]);
    // The rules of the beginning are told from long before, for programs that remember them.
    let starts =
        eras.iter().enumerate().map(|(index, (year, _))| if index == 0 { BEGINNING.min(year - 1) } else { *year });
    let mut parts = Vec::new();
    for ((start, end), (_, rules)) in starts.zip(ends).zip(&eras) {
        parts.extend(era(rules, start, end, parts.last().map(|part: &Observance| part.to)));
    }
    parts
}

/// One or two parts, from the beginning of a year until the end of another.
fn era(rules: &BiasRules, start: i16, end: Option<i16>, before: Option<i32>) -> Vec<Observance> {
    let (standard, daylight) = (-(rules.bias + rules.standard.bias), -(rules.bias + rules.daylight.bias));
    let part = |is_daylight: bool| {
        let (from, to, change) =
            if is_daylight { (standard, daylight, &rules.daylight) } else { (daylight, standard, &rules.standard) };
        let weekday = DAYS.iter().find(|(theirs, _)| *theirs == change.day_of_week).map(|(_, ours)| *ours)?;
        let yearly = Yearly { month: change.month, weekday, order: change.day_order };
        let until = match end {
            Some(year) => Some(instant(yearly.on(year, change.time)?, from)?),
            None => None,
        };
        Some(Observance { is_daylight, start: yearly.on(start, change.time)?, from, to, yearly: Some(yearly), until })
    };
    if standard != daylight
        && let Some(parts) = part(false).zip(part(true))
    {
        return vec![parts.0, parts.1];
    }
    let new_year = civil::Date::new(start, 1, 1).unwrap_or_default().to_datetime(Time::midnight());
    let from = before.unwrap_or(standard);
    vec![Observance { is_daylight: false, start: new_year, from, to: standard, yearly: None, until: None }]
}

/// A zone that never changes, minutes ahead of UTC.
fn fixed(offset: i32) -> BiasRules {
    let none =
        Change { bias: 0, time: Time::midnight(), day_order: 0, month: 0, day_of_week: DayOfWeek::Sunday, year: None };
    BiasRules { bias: -offset, standard: none, daylight: none }
}

fn instant(local: civil::DateTime, offset: i32) -> Option<Timestamp> {
    let at = moment::instant(&Zone::utc(), local)?;
    Timestamp::from_second(at.as_second() - i64::from(offset) * 60).ok()
}

fn second(day: civil::Date) -> i64 {
    moment::instant(&Zone::utc(), day.to_datetime(Time::midnight())).map_or(0, Timestamp::as_second)
}

/// A name; and of one such as `/example.org/20050126_1/Europe/Berlin` what stands behind its slashes.
fn tails(id: &str) -> impl Iterator<Item = &str> {
    let slashes = if id.starts_with('/') { id } else { "" }.rmatch_indices('/').take(LONGEST_NAME);
    std::iter::once(id).chain(slashes.filter_map(|(slash, _)| id.get(slash + 1..)))
}

fn text<'a>(component: &'a ICalendarComponent, name: &ICalendarProperty) -> Option<&'a str> {
    component.property(name)?.values.first()?.as_text()
}

const DAYS: [(DayOfWeek, Weekday); 7] = [
    (DayOfWeek::Monday, Weekday::Monday),
    (DayOfWeek::Tuesday, Weekday::Tuesday),
    (DayOfWeek::Wednesday, Weekday::Wednesday),
    (DayOfWeek::Thursday, Weekday::Thursday),
    (DayOfWeek::Friday, Weekday::Friday),
    (DayOfWeek::Saturday, Weekday::Saturday),
    (DayOfWeek::Sunday, Weekday::Sunday),
];
/// Seconds of a year, and between two looks at a clock.
const YEAR: i64 = 366 * 86_400;
const SAMPLE: usize = 6 * 3600;
/// When computers began to count.
const BEGINNING: i16 = 1970;
const MOST_YEARS: i16 = 200;
/// Parts of `America/Argentina/Buenos_Aires`.
const LONGEST_NAME: usize = 3;
