//! Days and times as iCalendar has them (RFC 5545 §3.3.4, §3.3.5), and clocks of zones.
//!
//! Must not know events.

use calcard::common::PartialDateTime;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

use crate::calendar::zone::Zone;

/// A day or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A day, wherever one is.
    Day(Date),
    /// What a clock shows.
    Local(DateTime),
    /// An instant.
    At(Timestamp),
}

impl Moment {
    /// Nothing for what no calendar has.
    pub(super) fn read(value: &PartialDateTime) -> Option<Self> {
        let part = |part: Option<u8>| i8::try_from(part.unwrap_or(0)).ok();
        let day = Date::new(i16::try_from(value.year?).ok()?, part(value.month)?, part(value.day)?).ok()?;
        if value.hour.is_none() {
            return Some(Self::Day(day));
        }
        // A leap second is no reading of our clocks.
        let time = Time::new(part(value.hour)?, part(value.minute)?, part(value.second)?.min(59), 0).ok()?;
        let local = day.to_datetime(time);
        let Some(offset) = offset(value) else { return Some(Self::Local(local)) };
        let second = second_of(local)? - i64::from(offset);
        Timestamp::from_second(second).ok().map(Self::At)
    }

    /// What a clock in the zone shows; of a day, midnight.
    pub(super) fn local(self, zone: &Zone) -> Option<DateTime> {
        match self {
            Self::Day(day) => Some(day.to_datetime(Time::midnight())),
            Self::Local(local) => Some(local),
            Self::At(instant) => local(zone, instant),
        }
    }

    /// What a clock in `to` shows when one in `from` shows this; of a day, midnight.
    pub(super) fn moved(self, from: &Zone, to: &Zone) -> Option<DateTime> {
        match self {
            Self::Local(shown) => local(to, instant(from, shown)?),
            Self::Day(_) | Self::At(_) => self.local(to),
        }
    }
}

/// Seconds ahead of UTC, where they are given.
pub(super) fn offset(value: &PartialDateTime) -> Option<i32> {
    let seconds = i32::from(value.tz_hour?) * 3600 + i32::from(value.tz_minute.unwrap_or(0)) * 60;
    (seconds < 86_400).then_some(if value.tz_minus { -seconds } else { seconds })
}

/// Seconds ahead of UTC, as they are written.
pub(super) fn of_offset(minutes: i32) -> PartialDateTime {
    let part = |minutes: u32| u8::try_from(minutes).ok();
    let ahead = minutes.unsigned_abs();
    PartialDateTime {
        tz_hour: part(ahead / 60),
        tz_minute: part(ahead % 60),
        tz_minus: minutes < 0,
        ..PartialDateTime::default()
    }
}

pub(super) fn of_day(day: Date) -> PartialDateTime {
    PartialDateTime {
        year: u16::try_from(day.year()).ok(),
        month: Some(day.month().unsigned_abs()),
        day: Some(day.day().unsigned_abs()),
        ..PartialDateTime::default()
    }
}

pub(super) fn of_local(local: DateTime) -> PartialDateTime {
    PartialDateTime {
        hour: Some(local.hour().unsigned_abs()),
        minute: Some(local.minute().unsigned_abs()),
        second: Some(local.second().unsigned_abs()),
        ..of_day(local.date())
    }
}

pub(super) fn of_instant(instant: Timestamp) -> PartialDateTime {
    PartialDateTime { tz_hour: Some(0), tz_minute: Some(0), ..of_local(Offset::UTC.to_datetime(instant)) }
}

/// What a clock in the zone shows at an instant.
pub(super) fn local(zone: &Zone, instant: Timestamp) -> Option<DateTime> {
    let shown = Timestamp::from_second(zone.local_of_second(instant.as_second())).ok()?;
    Some(Offset::UTC.to_datetime(shown))
}

/// When a clock in the zone shows a time.
pub(super) fn instant(zone: &Zone, local: DateTime) -> Option<Timestamp> {
    Timestamp::from_second(zone.second_of_local(second_of(local)?)).ok()
}

fn second_of(local: DateTime) -> Option<i64> {
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}
