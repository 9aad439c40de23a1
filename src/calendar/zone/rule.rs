//! A rule that says for every year what a clock shows: one offset, or two that take turns.
//!
//! Plain integer arithmetic: every item of an answer goes through it twice. Offsets are seconds
//! ahead of UTC. Must not know names or wire forms.

/// What holds in every year of an era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// One offset.
    Fixed(i32),
    /// Two offsets that differ, and the yearly turns into them in the order of the year.
    Yearly([Turn; 2]),
}

/// The yearly moment from which an offset holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// From then on.
    pub(super) offset: i32,
    /// When.
    pub(super) on: On,
}

/// A moment of every year on the clock that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct On {
    /// 1 to 12.
    pub(super) month: i8,
    /// The day in it.
    pub(super) day: Day,
    /// Seconds after that day's midnight, up to 86,400.
    pub(super) time: i32,
}

/// A day of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Day of the month; the last one if the month is shorter.
    Date(i8),
    /// The nth such day, 1 to 4; 5: the last.
    Nth(i8, DayOfWeek),
}

/// EWS's `DayOfWeekType`, which also has groups of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

impl DayOfWeek {
    /// 0 for Sunday to 6 for Saturday; nothing for a group of days.
    #[must_use]
    pub fn weekday(self) -> Option<i8> {
        match self {
            Self::Sunday => Some(0),
            Self::Monday => Some(1),
            Self::Tuesday => Some(2),
            Self::Wednesday => Some(3),
            Self::Thursday => Some(4),
            Self::Friday => Some(5),
            Self::Saturday => Some(6),
            Self::Day | Self::Weekday | Self::WeekendDay => None,
        }
    }

    /// Whether another day is this one, or in this group.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        let at_weekend = matches!(other, Self::Saturday | Self::Sunday | Self::WeekendDay);
        match self {
            Self::Day => true,
            Self::Weekday => !at_weekend && other != Self::Day,
            Self::WeekendDay => at_weekend,
            _ => self == other,
        }
    }
}

impl Rule {
    /// Two turns, or one offset if both lead to the same.
    pub(super) fn of(turns: [Turn; 2]) -> Self {
        let [one, other] = turns;
        if one.offset == other.offset {
            return Self::Fixed(one.offset);
        }
        Self::Yearly(if one.on.order() <= other.on.order() { [one, other] } else { [other, one] })
    }

    /// The offset at an instant.
    pub(super) fn offset_at(&self, second: i64) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Yearly([first, last]) => {
                // A year is counted on the clock that holds at its beginning: the one of its later
                // turn, unless the earlier one stands at the very beginning, which is how Windows
                // writes that a year begins with an offset that it loses.
                let at_new_year = first.on.is_new_year(year_of(second.saturating_add(i64::from(first.offset))));
                let counted = if at_new_year { first.offset } else { last.offset };
                let year = year_of(second.saturating_add(i64::from(counted)));
                let turned = |turn: &Turn, left: i32| second >= turn.on.local(year) - i64::from(left);
                if (at_new_year || turned(first, last.offset)) && !turned(last, first.offset) {
                    first.offset
                } else {
                    last.offset
                }
            }
        }
    }

    /// The instant at which the clock shows `local`: the first if there are two, moved on by the
    /// gap if there is none.
    pub(super) fn second_of_local(&self, local: i64) -> i64 {
        let (high, low) = match self {
            Self::Fixed(offset) => return local.saturating_sub(i64::from(*offset)),
            Self::Yearly([one, other]) => (one.offset.max(other.offset), one.offset.min(other.offset)),
        };
        // The greater offset gives the earlier of the two candidates. Where it does not hold there,
        // the other candidate is right, or lies in a gap and has the offset of before.
        let earlier = local.saturating_sub(i64::from(high));
        if self.offset_at(earlier) == high { earlier } else { local.saturating_sub(i64::from(low)) }
    }
}

impl On {
    /// Seconds since 1970-01-01T00:00:00 on the clock.
    pub(super) fn local(&self, year: i64) -> i64 {
        let first = day_number(year, self.month);
        let length = month_length(year, self.month);
        let day = match self.day {
            Day::Date(day) => i64::from(day).min(length),
            Day::Nth(order, kind) => nth(first, length, i64::from(order), kind),
        };
        (first + day - 1) * DAY + i64::from(self.time)
    }

    /// Whether it is the first moment of a year.
    fn is_new_year(&self, year: i64) -> bool {
        self.month == 1 && self.time == 0 && self.local(year) == day_number(year, 1) * DAY
    }

    /// Moments of one year compare as these do, but for two within a week.
    fn order(&self) -> (i8, i32, i32) {
        let day = match self.day {
            Day::Date(day) => i32::from(day),
            Day::Nth(order, _) => i32::from(order) * 7 - 3,
        };
        (self.month, day, self.time)
    }
}

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// The year in which a local second lies.
pub(super) fn year_of(local: i64) -> i64 {
    // Years from March on, so that the leap day is the last of its year; 719,468 days lie between
    // 0000-03-01 and 1970-01-01, and 146,097 make 400 years.
    let days = local.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // 306 days from March 1 to the end of December.
    era * 400 + year + i64::from(day_of_year >= 306)
}

/// The day of the month in which a local second lies.
pub(super) fn day_of_month(local: i64) -> i8 {
    let (day, year) = (local.div_euclid(DAY), year_of(local));
    let first = (1..=12).rev().map(|month| day_number(year, month)).find(|first| *first <= day);
    first.and_then(|first| i8::try_from(day - first + 1).ok()).unwrap_or(1)
}

/// The weekday of a day that is counted from 1970-01-01.
pub(super) fn weekday_of(day_number: i64) -> DayOfWeek {
    match (day_number + 4).rem_euclid(7) {
        0 => DayOfWeek::Sunday,
        1 => DayOfWeek::Monday,
        2 => DayOfWeek::Tuesday,
        3 => DayOfWeek::Wednesday,
        4 => DayOfWeek::Thursday,
        5 => DayOfWeek::Friday,
        _ => DayOfWeek::Saturday,
    }
}

/// Days from 1970-01-01 to the first of a month.
pub(super) fn day_number(year: i64, month: i8) -> i64 {
    let month = i64::from(month);
    let year = if month > 2 { year } else { year - 1 };
    let month = if month > 2 { month - 3 } else { month + 9 };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 - 719_468
}

/// Days of a month.
pub(super) fn month_length(year: i64, month: i8) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The day of the month of its nth (5: last) day of a kind; `first` is the number of its first day.
fn nth(first: i64, length: i64, order: i64, kind: DayOfWeek) -> i64 {
    let Some(weekday) = kind.weekday() else {
        let mut such = (1..=length).filter(|day| kind.includes(weekday_of(first + day - 1)));
        let found = if order == 5 { such.next_back() } else { such.nth(usize::try_from(order - 1).unwrap_or(0)) };
        return found.unwrap_or(length);
    };
    let day = 1 + (i64::from(weekday) - (first + 4)).rem_euclid(7) + (order - 1) * 7;
    if day > length { day - 7 } else { day }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use super::*;

    use jiff::civil::date;
    use proptest::prelude::*;

    fn second(date: jiff::civil::Date) -> i64 {
        date.to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp().as_second()
    }

    proptest! {
        #[test]
        fn years_and_months_agree_with_jiff(days in -700_000_i64..2_900_000) {
            let civil = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(days * DAY).expect("in range"));
            prop_assert_eq!(year_of(days * DAY), i64::from(civil.year()));
            prop_assert_eq!(year_of(days * DAY + DAY - 1), i64::from(civil.year()));
            let first = civil.date().first_of_month();
            prop_assert_eq!(day_number(i64::from(civil.year()), civil.month()) * DAY, second(first));
            prop_assert_eq!(month_length(i64::from(civil.year()), civil.month()), i64::from(first.days_in_month()));
        }
    }

    #[test]
    fn days_are_counted_as_the_schema_says() {
        // DayOfWeekType and DayOrder, protocol notes 3.2; calendars of 2026.
        let on = |month, order, kind| On { month, day: Day::Nth(order, kind), time: 0 }.local(2026);
        assert_eq!(on(3, 2, DayOfWeek::Sunday), second(date(2026, 3, 8)));
        assert_eq!(on(3, 5, DayOfWeek::Sunday), second(date(2026, 3, 29)));
        assert_eq!(on(2, 5, DayOfWeek::Saturday), second(date(2026, 2, 28)));
        assert_eq!(on(2, 4, DayOfWeek::Saturday), second(date(2026, 2, 28)));
        assert_eq!(on(5, 5, DayOfWeek::Day), second(date(2026, 5, 31)));
        assert_eq!(on(5, 3, DayOfWeek::Day), second(date(2026, 5, 3)));
        assert_eq!(on(5, 1, DayOfWeek::Weekday), second(date(2026, 5, 1)));
        assert_eq!(on(5, 5, DayOfWeek::Weekday), second(date(2026, 5, 29)));
        assert_eq!(on(5, 1, DayOfWeek::WeekendDay), second(date(2026, 5, 2)));
        assert_eq!(on(5, 5, DayOfWeek::WeekendDay), second(date(2026, 5, 31)));
    }
}
