//! Which event a request means: by its own id, as the n-th of a series, or as the series of one of
//! its occurrences.
//!
//! Owns how occurrences are counted. Exchange counts from 1, in the order in which they would have
//! been had nobody moved them, and counts the deleted ones too.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::operation::Context;
use super::sight;
use super::target;
use super::types::item_id::{ItemId, ItemName};
use crate::calendar::event::{Event, EventId, EventKind, When};
use crate::calendar::recurrence::{RangeEnd, Recurrence};
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Window};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::EventParts;

/// The event that a request names, and its mailbox.
///
/// # Errors
/// What is wrong with the id, or with whose it is; [`Failure::NoSuchItem`], [`Failure::NotASeries`],
/// [`Failure::NotAnOccurrence`], [`Failure::OccurrenceOutOfRange`], [`Failure::OccurrenceDeleted`].
pub async fn named(
    context: &Context<'_>,
    name: &ItemName,
    capability: Capability,
) -> Result<(Permitted, EventId), Failure> {
    let ItemId { id, .. } = name.given();
    let id = id.clone()?;
    let mailbox = target::item(context, &id, capability)?;
    let id = match name {
        ItemName::Item(_) => id,
        ItemName::SeriesOf(_) => series_of(context, &mailbox, &id).await?,
        ItemName::Occurrence { index, .. } => nth(context, &mailbox, &id, *index).await?,
    };
    Ok((mailbox, id))
}

async fn series_of(context: &Context<'_>, mailbox: &Permitted, id: &EventId) -> Result<EventId, Failure> {
    let event = sight::event(context, mailbox, id, &EventParts::default()).await?;
    event.series.ok_or(Failure::NotAnOccurrence)
}

async fn nth(context: &Context<'_>, mailbox: &Permitted, series: &EventId, index: u32) -> Result<EventId, Failure> {
    let parts = EventParts { exceptions: true, ..EventParts::default() };
    let master = sight::event(context, mailbox, series, &parts).await?;
    let recurrence = master.recurrence.as_ref().filter(|_| master.kind == EventKind::Master);
    let recurrence = recurrence.ok_or(Failure::NotASeries)?;
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    if index == 0 || index > MOST {
        return Err(Failure::OccurrenceOutOfRange);
    }
    let zone = zone_of(&master);
    let mut days = Days::of(&master, &zone);
    for window in windows(recurrence, &zone, index) {
        let parts = EventParts::default();
        for event in context.graphs.occurrences(mailbox, series, window, index, &parts, context.journal).await? {
            let day = original_day(event.original_start, &event.when, &zone);
            days.seen = days.seen.max(Some(day));
            days.add(day, event.id);
        }
        if days.reach(index) {
            break;
        }
    }
    let (day, id) = days.nth(index)?;
    match id {
        Some(id) => Ok(id),
        None if sight::has_day(context, mailbox, day, &zone) => Err(Failure::OccurrenceDeleted),
        None => Err(Failure::NoSuchItem),
    }
}

/// The days that a series had occurrences on, deleted ones included.
#[derive(Debug, Default)]
struct Days {
    /// What is known; `None` for deleted ones.
    known: BTreeMap<Date, Option<EventId>>,
    /// Up to where all are known. Deleted and changed ones are known from far beyond.
    seen: Option<Date>,
}

impl Days {
    /// What the series itself tells: which occurrences were deleted or changed.
    fn of(master: &Event, zone: &Zone) -> Self {
        let known = master.deleted.iter().map(|day| (*day, None)).collect();
        let mut days = Self { known, seen: None };
        for changed in &master.exceptions {
            days.add(original_day(changed.original_start, &changed.when, zone), changed.id.clone());
        }
        days
    }

    fn add(&mut self, day: Date, id: EventId) {
        self.known.insert(day, Some(id));
    }

    /// Whether it is certain which one is the n-th.
    fn reach(&self, index: usize) -> bool {
        self.seen.is_some_and(|seen| self.known.range(..=seen).count() >= index)
    }

    /// The n-th day, and its occurrence, if it was not deleted.
    fn nth(self, index: usize) -> Result<(Date, Option<EventId>), Failure> {
        self.known.into_iter().nth(index - 1).ok_or(Failure::OccurrenceOutOfRange)
    }
}

/// The clock that a series' days are those of.
fn zone_of(master: &Event) -> Zone {
    let named = master.recurrence.as_ref().and_then(|recurrence| recurrence.zone.as_deref());
    let names = [named, master.start_zone.as_deref()];
    names.into_iter().flatten().find_map(|name| Zone::named(name).ok()).unwrap_or_else(Zone::utc)
}

/// The day that an occurrence would have been on.
fn original_day(original: Option<Timestamp>, when: &When, zone: &Zone) -> Date {
    match (original, when) {
        (None, When::Days { first, .. }) => *first,
        (original, when) => {
            let start = original.unwrap_or_else(|| when.instants(zone).0);
            let local = zone.local_of_second(start.as_second());
            Timestamp::from_second(local).map_or(Date::MAX, |at| jiff::tz::Offset::UTC.to_datetime(at).date())
        }
    }
}

/// Stretches of time that together hold the first occurrences of a series, and a month before, since
/// the first one may have been moved there.
fn windows(recurrence: &Recurrence, zone: &Zone, index: usize) -> Vec<Window> {
    let range = recurrence.range;
    let begin = range.start.checked_sub(SignedDuration::from_hours(24 * 31)).unwrap_or(Date::MIN);
    let days = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(recurrence.pattern.longest_step());
    let last = SignedDuration::try_from_hours(days.saturating_add(62).saturating_mul(24));
    let mut end = last.and_then(|last| range.start.checked_add(last).ok()).unwrap_or(LATEST).min(LATEST);
    if let RangeEnd::On(day) = range.end {
        end = end.min(day.checked_add(SignedDuration::from_hours(24 * 62)).unwrap_or(LATEST));
    }
    let mut windows = Vec::new();
    let mut from = begin;
    while from < end {
        let to = from.checked_add(SignedDuration::from_hours(24 * WIDEST)).unwrap_or(end).min(end);
        let (start, after) = When::Days { first: from, after: to }.instants(zone);
        windows.extend(Window::new(start, after));
        from = to;
    }
    windows
}

/// Exchange keeps no series with more occurrences.
const MOST: usize = 999;
/// Days in one question: what Graph is asked for is somewhat wider, and may have 1825.
const WIDEST: i64 = 1800;
/// No calendar goes further.
const LATEST: Date = jiff::civil::date(4500, 9, 1);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use jiff::civil::date;

    use super::*;
    use crate::calendar::recurrence::{Pattern, Range, WeekIndex, Weekdays};

    fn id(text: &str) -> EventId {
        EventId::parse(text).unwrap()
    }

    #[test]
    fn deleted_occurrences_are_counted_and_moved_ones_keep_their_place() {
        let mut days = Days::default();
        days.known.insert(date(2027, 1, 18), None);
        days.add(date(2027, 1, 11), id("first"));
        // Moved to the 26th, from the 25th.
        let moved = When::Timed { start: "2027-01-26T09:00:00Z".parse().unwrap(), end: Timestamp::MAX };
        let original = Some("2027-01-25T09:00:00Z".parse().unwrap());
        days.add(original_day(original, &moved, &Zone::utc()), id("moved"));
        let nth = |index| Days { known: days.known.clone(), seen: None }.nth(index);
        assert_eq!(nth(1), Ok((date(2027, 1, 11), Some(id("first")))));
        assert_eq!(nth(2), Ok((date(2027, 1, 18), None)));
        assert_eq!(nth(3), Ok((date(2027, 1, 25), Some(id("moved")))));
        assert_eq!(nth(4), Err(Failure::OccurrenceOutOfRange));
    }

    #[test]
    fn what_is_known_of_far_ahead_proves_nothing() {
        let known =
            [(date(2027, 1, 1), Some(id("first"))), (date(2030, 1, 1), None), (date(2030, 1, 2), Some(id("x")))];
        let mut days = Days { known: known.into(), seen: None };
        assert!(!days.reach(1));
        days.seen = Some(date(2027, 1, 1));
        assert!(days.reach(1) && !days.reach(2));
    }

    #[test]
    fn days_are_those_of_the_series_zone() {
        let zone = Zone::named("Pacific Standard Time").unwrap();
        let when = When::Timed { start: "2027-01-12T04:00:00Z".parse().unwrap(), end: Timestamp::MAX };
        assert_eq!(original_day(None, &when, &zone), date(2027, 1, 11));
        let days = When::Days { first: date(2027, 1, 12), after: date(2027, 1, 13) };
        assert_eq!(original_day(None, &days, &zone), date(2027, 1, 12));
    }

    #[test]
    fn windows_reach_as_far_as_the_occurrence_may_be() {
        let series = |pattern, end| Recurrence { pattern, range: Range { start: date(2027, 1, 1), end }, zone: None };
        let daily = windows(&series(Pattern::Daily { interval: 1 }, RangeEnd::Never), &Zone::utc(), 3);
        assert_eq!(daily.len(), 1);
        assert!(daily[0].start() < "2027-01-01T00:00:00Z".parse().unwrap());
        assert!(daily[0].end() > "2027-01-04T00:00:00Z".parse().unwrap());
        let days = Weekdays::default().with(jiff::civil::Weekday::Monday);
        let yearly = Pattern::RelativeYearly { interval: 1, month: 5, days, index: WeekIndex::Last };
        let yearly = windows(&series(yearly, RangeEnd::Never), &Zone::utc(), 20);
        assert!(yearly.len() > 3 && yearly.windows(2).all(|pair| pair[0].end() == pair[1].start()));
        assert!(yearly.last().unwrap().end() > "2046-12-31T00:00:00Z".parse().unwrap());
        let short = windows(&series(Pattern::Daily { interval: 1 }, RangeEnd::On(date(2027, 1, 9))), &Zone::utc(), 900);
        assert!(short[0].end() < "2027-04-01T00:00:00Z".parse().unwrap());
    }
}
