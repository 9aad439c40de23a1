//! Busy times of one mailbox: compact items, what is known about each, and working hours.
//!
//! Items are what the cache holds by the hundred thousand, so an item is 12 bytes and its texts
//! are kept apart. Must not know where the items came from.

use std::sync::Arc;

use jiff::{Timestamp, civil};

use super::Window;
use super::zone::Zone;

/// How busy an item makes its owner. The order is the one in which overlapping items are merged:
/// the greater wins (MS-OXWAVLS; working elsewhere counts below tentative there, as free time does).
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

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}
