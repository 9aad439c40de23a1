//! One busy time, how busy it is, and which digit says so.
//!
//! Must not know calendars or windows.

use jiff::{Timestamp, civil};

use crate::calendar::zone::Zone;

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
        Self::between(start.as_second(), end.as_second(), status)
    }

    /// An item between two instants, in seconds since 1970.
    #[must_use]
    pub(super) fn between(start: i64, end: i64, status: BusyStatus) -> Self {
        let bound = |second: i64| u32::try_from(second.max(0)).unwrap_or(u32::MAX);
        Self { start: bound(start), end: bound(end).max(bound(start)), status, all_day: false }
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
