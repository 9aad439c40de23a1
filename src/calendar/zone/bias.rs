//! Exchange's `SerializableTimeZone`: a bias and two yearly changes.
//!
//! Owns its meaning and its ranges. Must not know how it is written.

use jiff::civil;

use crate::failure::Failure;

use super::eras::{Era, Eras};
use super::rule::{self, DAY, Day, DayOfWeek, On, Rule, Turn};

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
    /// The clock that is left, at the change. 23:59:59 stands for the end of the day, as in
    /// Windows, whose clocks have no 24:00.
    pub time: civil::Time,
    /// 1 to 4: which such weekday of the month; 5: the last; 0: no change. With a year: the day of
    /// the month.
    pub day_order: i8,
    /// 1 to 12; 0: no change.
    pub month: i8,
    /// The weekday.
    pub day_of_week: DayOfWeek,
    /// Only in this year; absent or 0: every year.
    pub year: Option<i16>,
}

/// What the rules mean.
pub(super) fn eras(rules: &BiasRules) -> Result<Eras, Failure> {
    let BiasRules { bias, standard, daylight } = rules;
    let offset = |change: &Change| {
        let total = bias.checked_add(change.bias).filter(|total| total.unsigned_abs() < MINUTES_OF_DAY);
        total.map(|minutes| -minutes * 60).ok_or(Failure::UnknownTimeZone)
    };
    if bias.unsigned_abs() >= MINUTES_OF_DAY {
        return Err(Failure::UnknownTimeZone);
    }
    let (standard_offset, daylight_offset) = (offset(standard)?, offset(daylight)?);
    if standard.is_none() || daylight.is_none() {
        // Which of the two biases counts is said nowhere; clients send 0 for the standard one.
        return Ok(Eras::forever(Rule::Fixed(standard_offset)));
    }
    if standard_offset == daylight_offset {
        return Ok(Eras::forever(Rule::Fixed(standard_offset)));
    }
    match (standard.in_year(), daylight.in_year()) {
        (None, None) => {
            let standard = Turn { offset: standard_offset, on: standard.yearly()? };
            let daylight = Turn { offset: daylight_offset, on: daylight.yearly()? };
            Ok(Eras::forever(Rule::of([standard, daylight])))
        }
        (Some(standard_year), Some(daylight_year)) => {
            let standard = standard.dated()?.local(standard_year) - i64::from(daylight_offset);
            let daylight = daylight.dated()?.local(daylight_year) - i64::from(standard_offset);
            let standard = (standard, standard_offset);
            let daylight = (daylight, daylight_offset);
            let (earlier, later) = if standard < daylight { (standard, daylight) } else { (daylight, standard) };
            let era = |from: i64, before: i32, after: i32| Era::new(from, before, Rule::Fixed(after));
            Ok(Eras::new(
                Rule::Fixed(later.1),
                vec![era(earlier.0, later.1, earlier.1), era(later.0, earlier.1, later.1)],
            ))
        }
        _ => Err(Failure::UnknownTimeZone),
    }
}

/// A rule as it reads in one year.
pub(super) fn rules(rule: &Rule, year: i64) -> BiasRules {
    let (standard, daylight) = match rule {
        Rule::Fixed(offset) => return without_daylight(*offset),
        Rule::Yearly([one, other]) if one.offset < other.offset => (one, other),
        Rule::Yearly([one, other]) => (other, one),
    };
    BiasRules {
        bias: -standard.offset / 60,
        standard: change(0, &standard.on, year),
        daylight: change(-(daylight.offset - standard.offset) / 60, &daylight.on, year),
    }
}

impl Change {
    fn is_none(&self) -> bool {
        self.month == 0 || self.day_order == 0
    }

    fn in_year(&self) -> Option<i64> {
        self.year.filter(|year| *year != 0).map(i64::from)
    }

    fn yearly(&self) -> Result<On, Failure> {
        self.on(Day::Nth(self.day_order, self.day_of_week), 5)
    }

    fn dated(&self) -> Result<On, Failure> {
        let sensible = self.in_year().is_some_and(|year| (1..=9999).contains(&year));
        if sensible { self.on(Day::Date(self.day_order), 31) } else { Err(Failure::UnknownTimeZone) }
    }

    fn on(&self, day: Day, greatest_order: i8) -> Result<On, Failure> {
        if !(1..=12).contains(&self.month) || !(1..=greatest_order).contains(&self.day_order) {
            return Err(Failure::UnknownTimeZone);
        }
        let time = i32::from(self.time.hour()) * 3600 + i32::from(self.time.minute()) * 60;
        let time = time + i32::from(self.time.second());
        Ok(On { month: self.month, day, time: if time == END_OF_DAY - 1 { END_OF_DAY } else { time } })
    }
}

const MINUTES_OF_DAY: u32 = 1440;
const END_OF_DAY: i32 = 86_400;

/// What EWS Managed API, the Java API and DavMail send: 02:00 on the first Sundays of March and
/// October, with biases 0.
fn without_daylight(offset: i32) -> BiasRules {
    let change = |month| Change {
        bias: 0,
        time: civil::time(2, 0, 0, 0),
        day_order: 1,
        month,
        day_of_week: DayOfWeek::Sunday,
        year: None,
    };
    BiasRules { bias: -offset / 60, standard: change(3), daylight: change(10) }
}

fn change(bias: i32, on: &On, year: i64) -> Change {
    let (day_order, day_of_week) = match on.day {
        Day::Nth(order, kind) => (order, kind),
        Day::Date(_) => {
            let midnight = on.local(year) - i64::from(on.time);
            let day = rule::day_of_month(midnight);
            ((day - 1) / 7 + 1, rule::weekday_of(midnight.div_euclid(DAY)))
        }
    };
    // The last second of the day stands for its end.
    let second = on.time.min(END_OF_DAY - 1);
    let part = |value: i32| i8::try_from(value).unwrap_or(0);
    let time = civil::Time::new(part(second / 3600), part(second / 60 % 60), part(second % 60), 0);
    Change { bias, time: time.unwrap_or_default(), day_order, month: on.month, day_of_week, year: None }
}
