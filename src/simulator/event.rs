//! A stored event: its times, its recurrence with exceptions, and the occurrences they mean.
//! Knows nothing of HTTP or JSON bodies except the plain properties it carries for others.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use serde_json::{Map, Value};

use super::extended::Extended;
use super::recurrence::Recurrence;
use super::zone::{Zone, instant};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Address {
    pub(super) name: String,
    pub(super) address: String,
}

#[derive(Clone, Debug)]
pub(super) struct Attendee {
    pub(super) who: Address,
    pub(super) role: &'static str,
    pub(super) response: &'static str,
    pub(super) answered: Option<Timestamp>,
}

/// One item of a calendar: a single event or a whole series.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) number: u64,
    /// One per meeting, the same in every calendar.
    pub(super) uid: String,
    pub(super) change: u64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    /// In `zone`.
    pub(super) start: DateTime,
    /// In `zone`, exclusive.
    pub(super) end: DateTime,
    pub(super) zone: Zone,
    pub(super) end_zone: String,
    pub(super) all_day: bool,
    pub(super) recurrence: Option<Recurrence>,
    /// By the day the pattern gives; `None` where the occurrence was cancelled.
    pub(super) exceptions: BTreeMap<Date, Option<Box<Self>>>,
    pub(super) organizer: Address,
    pub(super) is_organizer: bool,
    pub(super) response: &'static str,
    /// When an attendee's copy was answered.
    pub(super) answered: Option<Timestamp>,
    pub(super) cancelled: bool,
    pub(super) attendees: Vec<Attendee>,
    /// The other properties, in the form in which they are shown.
    pub(super) properties: Map<String, Value>,
    pub(super) extended: Extended,
}

/// What an [`Occurrence`] is in its calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Single,
    Master,
    Occurrence,
    Exception,
}

/// An event at one time.
#[derive(Clone, Debug)]
pub(super) struct Occurrence<'a> {
    pub(super) kind: Kind,
    /// What holds the properties: the event, its series, or the exception.
    pub(super) event: &'a Event,
    pub(super) series: &'a Event,
    /// The day that the pattern gives.
    pub(super) day: Option<Date>,
    pub(super) start: DateTime,
    pub(super) end: DateTime,
}

impl Event {
    /// The event itself, a series as its master.
    pub(super) fn whole(&self) -> Occurrence<'_> {
        let kind = if self.recurrence.is_some() { Kind::Master } else { Kind::Single };
        Occurrence { kind, event: self, series: self, day: None, start: self.start, end: self.end }
    }

    /// What happens in the half-open window. All-day events are at midnight of the zone `floating`.
    pub(super) fn between(&self, from: Timestamp, to: Timestamp, floating: &TimeZone) -> Vec<Occurrence<'_>> {
        let happens = |occurrence: &Occurrence<'_>| {
            let (start, end) = occurrence.instants(floating);
            start < to && (end > from || (start == end && start >= from))
        };
        let Some(recurrence) = &self.recurrence else {
            let single = self.whole();
            return if happens(&single) { vec![single] } else { Vec::new() };
        };
        let margin = self.length().get_days().saturating_add(2).days();
        let first = self.zone.local(from).date().saturating_sub(margin);
        let last = self.zone.local(to).date().saturating_add(2.days());
        let regular = recurrence.dates(first, last).into_iter().filter(|day| !self.exceptions.contains_key(day));
        let mut found: Vec<Occurrence<'_>> = regular.map(|day| self.regular(day)).filter(happens).collect();
        found.extend(self.changed_days().filter(happens));
        found
    }

    /// The occurrence of a day of the pattern, unless it was cancelled.
    pub(super) fn on(&self, day: Date) -> Option<Occurrence<'_>> {
        match self.exceptions.get(&day) {
            Some(exception) => Some(self.changed(day, exception.as_deref()?)),
            None => {
                let days = self.recurrence.as_ref()?.dates(day, day);
                (!days.is_empty()).then(|| self.regular(day))
            }
        }
    }

    /// Occurrences that differ from the pattern.
    pub(super) fn changed_days(&self) -> impl Iterator<Item = Occurrence<'_>> {
        self.exceptions.iter().filter_map(|(day, event)| Some(self.changed(*day, event.as_deref()?)))
    }

    /// The occurrence of a day as an event by itself, to be changed and kept as an exception.
    pub(super) fn exception(&self, day: Date) -> Option<Self> {
        let current = self.on(day)?;
        let mut exception = current.event.clone();
        (exception.start, exception.end) = (current.start, current.end);
        exception.recurrence = None;
        exception.exceptions.clear();
        exception.change = 0;
        Some(exception)
    }

    pub(super) fn show_as(&self) -> &str {
        self.text("showAs", "busy")
    }

    pub(super) fn is_private(&self) -> bool {
        matches!(self.text("sensitivity", "normal"), "private" | "confidential")
    }

    pub(super) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.properties.get(name).and_then(Value::as_str).unwrap_or(default)
    }

    /// By the wall clock, so that an hour's meeting is one on the day the clocks change, too.
    fn length(&self) -> Span {
        self.start.until(self.end).unwrap_or_default()
    }

    fn regular(&self, day: Date) -> Occurrence<'_> {
        let start = day.to_datetime(self.start.time());
        let end = start.saturating_add(self.length());
        Occurrence { kind: Kind::Occurrence, event: self, series: self, day: Some(day), start, end }
    }

    fn changed<'a>(&'a self, day: Date, event: &'a Self) -> Occurrence<'a> {
        let (start, end) = (event.start, event.end);
        Occurrence { kind: Kind::Exception, event, series: self, day: Some(day), start, end }
    }
}

impl Occurrence<'_> {
    /// `iCalUId`: occurrences have one of their own.
    pub(super) fn uid(&self) -> String {
        match self.day {
            Some(day) => format!("{}{}", self.series.uid, day.strftime("%Y%m%d")),
            None => self.series.uid.clone(),
        }
    }

    pub(super) fn instants(&self, floating: &TimeZone) -> (Timestamp, Timestamp) {
        let rules = if self.event.all_day { floating } else { &self.event.zone.rules };
        (instant(rules, self.start), instant(rules, self.end))
    }

    /// Start and end on the clock of another zone; all-day events stay where they are.
    pub(super) fn locals(&self, zone: &Zone) -> (DateTime, DateTime) {
        if self.event.all_day {
            return (self.start, self.end);
        }
        let (start, end) = self.instants(&zone.rules);
        (zone.local(start), zone.local(end))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::super::recurrence::{End, Pattern};
    use super::*;
    use jiff::civil::Weekday::{Monday, Sunday};

    fn weekly(zone: &str, start: &str, end: &str) -> Event {
        let start: DateTime = start.parse().unwrap();
        Event {
            number: 1,
            uid: "u".to_owned(),
            change: 1,
            created: Timestamp::UNIX_EPOCH,
            modified: Timestamp::UNIX_EPOCH,
            start,
            end: end.parse().unwrap(),
            zone: Zone::named(zone).unwrap(),
            end_zone: zone.to_owned(),
            all_day: false,
            recurrence: Some(Recurrence {
                pattern: Pattern::Weekly { interval: 1, days: vec![Monday], first: Sunday },
                start: start.date(),
                end: End::Never,
                zone: zone.to_owned(),
            }),
            exceptions: BTreeMap::new(),
            organizer: Address { name: "A".to_owned(), address: "a@t.example".to_owned() },
            is_organizer: true,
            response: "organizer",
            answered: None,
            cancelled: false,
            attendees: Vec::new(),
            properties: Map::new(),
            extended: Extended::default(),
        }
    }

    fn starts(event: &Event, from: &str, to: &str) -> Vec<String> {
        let found = event.between(from.parse().unwrap(), to.parse().unwrap(), &TimeZone::UTC);
        found.iter().map(|one| one.instants(&TimeZone::UTC).0.to_string()).collect()
    }

    #[test]
    fn a_weekly_meeting_keeps_its_wall_clock_across_daylight_saving() {
        let york = weekly("Eastern Standard Time", "2026-01-05T09:00:00", "2026-01-05T10:00:00");
        let found = starts(&york, "2026-10-26T00:00:00Z", "2026-11-03T00:00:00Z");
        assert_eq!(found, ["2026-10-26T13:00:00Z", "2026-11-02T14:00:00Z"]);
        let sydney = weekly("AUS Eastern Standard Time", "2026-01-05T09:00:00", "2026-01-05T10:00:00");
        let found = starts(&sydney, "2026-09-27T00:00:00Z", "2026-10-05T00:00:00Z");
        assert_eq!(found, ["2026-09-27T23:00:00Z", "2026-10-04T22:00:00Z"]);
    }

    #[test]
    fn exceptions_replace_and_cancel_days() {
        let mut event = weekly("UTC", "2026-01-05T09:00:00", "2026-01-05T10:00:00");
        let mut moved = event.clone();
        moved.start = "2026-01-20T15:00:00".parse().unwrap();
        moved.end = "2026-01-20T16:00:00".parse().unwrap();
        event.exceptions.insert("2026-01-12".parse().unwrap(), Some(Box::new(moved)));
        event.exceptions.insert("2026-01-19".parse().unwrap(), None);
        let found = starts(&event, "2026-01-12T00:00:00Z", "2026-01-27T00:00:00Z");
        assert_eq!(found, ["2026-01-26T09:00:00Z", "2026-01-20T15:00:00Z"]);
        assert!(event.on("2026-01-19".parse().unwrap()).is_none());
        assert!(event.on("2026-01-20".parse().unwrap()).is_none());
    }

    #[test]
    fn a_meeting_over_midnight_is_seen_from_both_days() {
        let event = weekly("UTC", "2026-01-05T23:00:00", "2026-01-06T01:00:00");
        assert_eq!(starts(&event, "2026-01-13T00:00:00Z", "2026-01-14T00:00:00Z"), ["2026-01-12T23:00:00Z"]);
        assert!(starts(&event, "2026-01-13T01:00:00Z", "2026-01-14T00:00:00Z").is_empty());
    }
}
