//! Busy times of one mailbox: compact items, what is known about each, and working hours.
//!
//! Items are what the cache holds by the hundred thousand, so an item is 12 bytes and its texts
//! are kept apart. Must not know where the items came from.

mod item;
mod slots;

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::Window;
use super::zone::Zone;

pub use item::{BusyItem, BusyStatus, Digits};
pub(super) use slots::Slots;

/// What is known about an item besides its time. Absent texts were not given, or are hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemDetails {
    /// The item's id in the form that EWS calls `HexEntryId`, if known.
    pub id: Option<Box<str>>,
    /// Subject.
    pub subject: Option<Box<str>>,
    /// Location.
    pub location: Option<Box<str>>,
    /// Has attendees.
    pub is_meeting: bool,
    /// Belongs to a series.
    pub is_recurring: bool,
    /// Differs from its series.
    pub is_exception: bool,
    /// Has a reminder.
    pub is_reminder_set: bool,
    /// Private or confidential: its texts are for its owner.
    pub is_private: bool,
}

/// When a mailbox's owner works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingHours {
    /// The zone of the hours.
    pub zone: Zone,
    /// Working days, Monday to Sunday.
    pub days: [bool; 7],
    /// Start, minutes after midnight.
    pub start_minute: u16,
    /// End, minutes after midnight.
    pub end_minute: u16,
}

impl WorkingHours {
    /// Whether a stretch of time (an instant in seconds since 1970, and a length in seconds) lies in
    /// one working day. Hours that end no later than they start go on after midnight.
    #[must_use]
    pub fn hold(&self, start: i64, length: i64) -> bool {
        let local = self.zone.local_of_second(start);
        let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (opens, closes) = (i64::from(self.start_minute) * 60, i64::from(self.end_minute) * 60);
        let closes = if closes <= opens { closes + 86_400 } else { closes };
        let within = |second: i64| second >= opens && second.saturating_add(length) <= closes;
        self.works_on(day) && within(second) || self.works_on(day - 1) && within(second + 86_400)
    }

    /// `day`: days since 1970-01-01, which was a Thursday.
    fn works_on(&self, day: i64) -> bool {
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        self.days.get(weekday).copied().unwrap_or(false)
    }
}

/// Everything known about one mailbox in one stretch of time, as it is cached.
#[derive(Clone, Debug)]
pub struct Span {
    /// The stretch: every item that overlaps it is here, with its own bounds.
    pub covers: Window,
    /// By start.
    pub items: Box<[BusyItem]>,
    /// One for each item, or none at all when only times were given.
    pub details: Option<Box<[ItemDetails]>>,
    /// Working hours, if told.
    pub working_hours: Option<Arc<WorkingHours>>,
}

/// Busy times of one mailbox over adjoining spans.
#[derive(Clone, Debug)]
pub struct FreeBusy {
    /// In order of time; neighbours may overlap.
    pub spans: Vec<Arc<Span>>,
    /// From when until when anything is known, in seconds since 1970; without it always. What lies beyond is no data,
    /// and items are cut there.
    pub known: Option<Range<i64>>,
}

impl FreeBusy {
    /// Each item once, by start, with its details where they were given.
    pub fn items(&self) -> impl Iterator<Item = (&BusyItem, Option<&ItemDetails>)> {
        let mut from = i64::MIN;
        self.spans.iter().enumerate().flat_map(move |(position, span)| {
            // Neighbours may have been told at different times. Where they overlap, each tells what
            // begins in its own half, so that an item that was moved meanwhile is told just once.
            let since = from;
            let until = self.spans.get(position + 1).map_or(i64::MAX, |next| middle(span, next));
            from = until;
            span.items.iter().enumerate().filter_map(move |(index, item)| {
                let details = span.details.as_ref().and_then(|details| details.get(index));
                (since..until).contains(&item.stored().0).then_some((item, details))
            })
        })
    }

    /// The items that overlap a window, all-day ones as days of `zone`.
    ///
    /// What only touches the window's edge is outside; an item without length is inside if it
    /// begins there. Items keep their own bounds, but for those of what is known.
    pub fn overlapping(&self, window: Window, zone: &Zone) -> impl Iterator<Item = (BusyItem, Option<&ItemDetails>)> {
        let (from, until) = seconds_of(window);
        let known = self.items().filter_map(move |(item, details)| Some((self.cut(item, zone)?, details)));
        known.filter(move |(item, _)| {
            let (start, end) = item.instants(zone);
            start < until && (end > from || (start == end && start >= from))
        })
    }

    /// Each item as far as it is known, and no data for what is not.
    pub(super) fn told<'a>(&'a self, zone: &'a Zone) -> impl Iterator<Item = BusyItem> + 'a {
        let no_data = |from, until| BusyItem::between(from, until, BusyStatus::NoData);
        let before = self.known.as_ref().map(|known| no_data(i64::MIN, known.start));
        let after = self.known.as_ref().map(|known| no_data(known.end, i64::MAX));
        before.into_iter().chain(self.items().filter_map(move |(item, _)| self.cut(item, zone))).chain(after)
    }

    /// What is known of an item; one that is cut has no whole days any more.
    fn cut(&self, item: &BusyItem, zone: &Zone) -> Option<BusyItem> {
        let Some(known) = &self.known else { return Some(*item) };
        let (start, end) = item.instants(zone);
        if start >= known.start && end <= known.end {
            return (start < known.end).then_some(*item);
        }
        let (from, until) = (start.max(known.start), end.min(known.end));
        (from < until).then(|| BusyItem::between(from, until, item.status()))
    }

    /// One digit for each interval of a window (the last one may be cut short): the weightiest
    /// status ([`BusyStatus::outweighs`]) of all items that overlap it, however little. Items
    /// without length overlap nothing.
    #[must_use]
    pub fn merged(&self, window: Window, interval_minutes: u32, zone: &Zone, digits: Digits) -> String {
        merged([self], window, interval_minutes, zone, digits)
    }

    /// Whether details were given of all items; without items, whether any would have been.
    #[must_use]
    pub fn is_detailed(&self) -> bool {
        let mut busy = self.spans.iter().filter(|span| !span.items.is_empty()).peekable();
        match busy.peek() {
            Some(_) => busy.all(|span| span.details.is_some()),
            None => self.spans.iter().any(|span| span.details.is_some()),
        }
    }

    /// Working hours, if told.
    #[must_use]
    pub fn working_hours(&self) -> Option<&Arc<WorkingHours>> {
        self.spans.iter().find_map(|span| span.working_hours.as_ref())
    }
}

/// The merged view of several calendars, as of a group: see [`FreeBusy::merged`].
///
/// Empty for an interval of 0 minutes. The caller bounds the window: a view takes a byte or two for
/// each of its intervals.
#[must_use]
pub fn merged<'a>(
    calendars: impl IntoIterator<Item = &'a FreeBusy>,
    window: Window,
    interval_minutes: u32,
    zone: &Zone,
    digits: Digits,
) -> String {
    let (from, until) = seconds_of(window);
    let Some(slots) = Slots::covering(from, until, i64::from(interval_minutes) * 60) else { return String::new() };
    let items = calendars.into_iter().flat_map(|calendar| calendar.told(zone));
    slots.busiest(items, zone).into_iter().map(|status| digits.digit(status)).collect()
}

/// A window's bounds in whole seconds, rounded outwards.
pub(super) fn seconds_of(window: Window) -> (i64, i64) {
    let floor = |at: Timestamp| at.as_nanosecond().div_euclid(1_000_000_000);
    let ceiling = |at: Timestamp| floor(at) + i128::from(at.subsec_nanosecond() != 0);
    let seconds = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
    (seconds(floor(window.start())), seconds(ceiling(window.end())))
}

/// The middle of what two neighbours both cover.
fn middle(span: &Span, next: &Span) -> i64 {
    span.covers.end().as_second().midpoint(next.covers.start().as_second())
}

#[cfg(test)]
mod tests;
