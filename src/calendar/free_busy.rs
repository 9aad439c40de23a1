//! Busy times of one mailbox: compact items, what is known about each, and working hours.
//!
//! Items are what the cache holds by the hundred thousand, so an item is 12 bytes and its texts
//! are kept apart. Must not know where the items came from.

mod slots;

use std::sync::Arc;

use jiff::{Timestamp, civil};

use super::Window;
use super::zone::Zone;

pub(super) use slots::Slots;

/// How busy an item makes its owner; see [`Self::outweighs`] for what counts where items overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BusyStatus {
    /// Listed, but not busy.
    Free,
    /// Provisional.
    Tentative,
    /// Busy.
    Busy,
    /// Away.
    OutOfOffice,
    /// Working, in another place.
    WorkingElsewhere,
    /// Nothing is known.
    NoData,
}

impl BusyStatus {
    /// Which of two overlapping statuses is shown.
    ///
    /// Microsoft says that the highest digit wins
    /// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/mergedfreebusy>),
    /// and wrote it when 3, out of office, was the highest digit of an item. Working elsewhere and
    /// no data, numbered above it later, do not hide a meeting here: out of office, busy and
    /// tentative outweigh no data, and that outweighs working elsewhere and free.
    #[must_use]
    pub fn outweighs(self, other: Self) -> bool {
        self.weight() > other.weight()
    }

    /// Whether a meeting at that time is in conflict: tentative, busy or out of office
    /// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/groupattendeeconflictdata>).
    #[must_use]
    pub fn is_conflict(self) -> bool {
        matches!(self, Self::Tentative | Self::Busy | Self::OutOfOffice)
    }

    fn weight(self) -> u8 {
        match self {
            Self::Free => 0,
            Self::WorkingElsewhere => 1,
            Self::NoData => 2,
            Self::Tentative => 3,
            Self::Busy => 4,
            Self::OutOfOffice => 5,
        }
    }
}

/// What the digits of a merged view mean: 4 changed with Exchange 2013.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// 0 free or working elsewhere, 1 tentative, 2 busy, 3 out of office, 4 no data.
    Exchange2007,
    /// 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere, 5 no data.
    Exchange2013,
}

impl Digits {
    /// The digit of a status.
    #[must_use]
    pub fn digit(self, status: BusyStatus) -> char {
        match (status, self) {
            (BusyStatus::Free, _) | (BusyStatus::WorkingElsewhere, Self::Exchange2007) => '0',
            (BusyStatus::Tentative, _) => '1',
            (BusyStatus::Busy, _) => '2',
            (BusyStatus::OutOfOffice, _) => '3',
            (BusyStatus::WorkingElsewhere, Self::Exchange2013) | (BusyStatus::NoData, Self::Exchange2007) => '4',
            (BusyStatus::NoData, Self::Exchange2013) => '5',
        }
    }
}

/// One busy time: 12 bytes.
///
/// Instants are whole seconds from 1970 to 2106; what lies outside is clamped. An all-day item
/// floats: its bounds are UTC midnights that stand for days, and become instants only in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BusyItem {
    start: u32,
    end: u32,
    status: BusyStatus,
    all_day: bool,
}

impl BusyItem {
    /// An item between two instants; an end before the start is taken as the start.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp, status: BusyStatus) -> Self {
        let start = seconds(start);
        Self { start, end: seconds(end).max(start), status, all_day: false }
    }

    /// An item of whole days: from midnight of `first` to midnight of `after` in whichever zone it
    /// is looked at.
    #[must_use]
    pub fn all_day(first: civil::Date, after: civil::Date, status: BusyStatus) -> Self {
        let midnight = |date: civil::Date| {
            date.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
        };
        Self { all_day: true, ..Self::new(midnight(first), midnight(after), status) }
    }

    /// How busy.
    #[must_use]
    pub fn status(&self) -> BusyStatus {
        self.status
    }

    /// Whether it consists of whole, floating days.
    #[must_use]
    pub fn is_all_day(&self) -> bool {
        self.all_day
    }

    /// The bounds as they are stored: instants, or for an all-day item UTC midnights.
    #[must_use]
    pub fn stored(&self) -> (i64, i64) {
        (i64::from(self.start), i64::from(self.end))
    }

    /// The bounds as instants, an all-day item from local midnight to local midnight of `zone`, in
    /// whole seconds since 1970.
    #[must_use]
    pub fn instants(&self, zone: &Zone) -> (i64, i64) {
        let (start, end) = self.stored();
        if !self.all_day {
            return (start, end);
        }
        (zone.second_of_local(start), zone.second_of_local(end))
    }

    /// The bounds on a clock in `zone`, as seconds since 1970-01-01T00:00:00 on that clock.
    #[must_use]
    pub fn local(&self, zone: &Zone) -> (i64, i64) {
        let (start, end) = self.stored();
        if self.all_day {
            return (start, end);
        }
        (zone.local_of_second(start), zone.local_of_second(end))
    }
}

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
}

impl FreeBusy {
    /// Each item once, by start, with its details where they were given.
    pub fn items(&self) -> impl Iterator<Item = (&BusyItem, Option<&ItemDetails>)> {
        let mut told_until = i64::MIN;
        self.spans.iter().flat_map(move |span| {
            // An item that begins before the previous span's end overlaps that span (or ended
            // before this one began), so it was told there.
            let from = told_until;
            told_until = span.covers.end().as_second();
            span.items.iter().enumerate().filter_map(move |(index, item)| {
                let details = span.details.as_ref().and_then(|details| details.get(index));
                (item.stored().0 >= from).then_some((item, details))
            })
        })
    }

    /// The items that overlap a window, all-day ones as days of `zone`.
    ///
    /// What only touches the window's edge is outside; an item without length is inside if it
    /// begins there. Items keep their own bounds.
    pub fn overlapping(&self, window: Window, zone: &Zone) -> impl Iterator<Item = (&BusyItem, Option<&ItemDetails>)> {
        let (from, until) = seconds_of(window);
        self.items().filter(move |(item, _)| {
            let (start, end) = item.instants(zone);
            start < until && (end > from || (start == end && start >= from))
        })
    }

    /// One digit for each interval of a window (the last one may be cut short): the weightiest
    /// status ([`BusyStatus::outweighs`]) of all items that overlap it, however little. Items
    /// without length overlap nothing.
    #[must_use]
    pub fn merged(&self, window: Window, interval_minutes: u32, zone: &Zone, digits: Digits) -> String {
        merged([self], window, interval_minutes, zone, digits)
    }

    /// Whether details were given throughout.
    #[must_use]
    pub fn is_detailed(&self) -> bool {
        self.spans.iter().all(|span| span.details.is_some())
    }

    /// Working hours, if told.
    #[must_use]
    pub fn working_hours(&self) -> Option<&Arc<WorkingHours>> {
        self.spans.iter().find_map(|span| span.working_hours.as_ref())
    }
}

/// The merged view of several calendars, as of a group: see [`FreeBusy::merged`].
///
/// Empty for an interval of 0 minutes.
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
    let items = calendars.into_iter().flat_map(FreeBusy::items).map(|(item, _)| item);
    slots.busiest(items, zone).into_iter().map(|status| digits.digit(status)).collect()
}

/// A window's bounds in whole seconds, rounded outwards.
pub(super) fn seconds_of(window: Window) -> (i64, i64) {
    let floor = |at: Timestamp| at.as_nanosecond().div_euclid(1_000_000_000);
    let ceiling = |at: Timestamp| floor(at) + i128::from(at.subsec_nanosecond() != 0);
    let seconds = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
    (seconds(floor(window.start())), seconds(ceiling(window.end())))
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
