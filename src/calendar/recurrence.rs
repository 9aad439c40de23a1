//! How a series repeats: six patterns, three kinds of end.
//!
//! Owns what a recurrence is. Does not expand one: Exchange does that, with its own corner cases.
//! The words are those of EWS and Graph alike
//! (<https://learn.microsoft.com/graph/api/resources/recurrencepattern>,
//! <https://learn.microsoft.com/graph/api/resources/recurrencerange>).

use jiff::Span;
use jiff::civil::{Date, Weekday};

/// A pattern over a range, on the clock of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// Which days.
    pub pattern: Pattern,
    /// From when to when.
    pub range: Range,
    /// The zone of the days, by a Windows or IANA name; that of the event's start without one.
    pub zone: Option<String>,
}

/// Which days a series takes place on. Intervals are 1 and more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Every so many days.
    Daily {
        /// Days.
        interval: u32,
    },
    /// On days of every so many weeks.
    Weekly {
        /// Weeks.
        interval: u32,
        /// Which days.
        days: Weekdays,
        /// Which day weeks begin with.
        first_day: Weekday,
    },
    /// On a day of every so many months; the last one where the month is shorter.
    AbsoluteMonthly {
        /// Months.
        interval: u32,
        /// Day of the month, from 1.
        day: u8,
    },
    /// On the n-th of some days of every so many months.
    RelativeMonthly {
        /// Months.
        interval: u32,
        /// Which days.
        days: Weekdays,
        /// Which of them.
        index: WeekIndex,
    },
    /// On a date of every so many years.
    AbsoluteYearly {
        /// Years.
        interval: u32,
        /// Month, from 1.
        month: u8,
        /// Day of the month, from 1.
        day: u8,
    },
    /// On the n-th of some days of a month, every so many years.
    RelativeYearly {
        /// Years.
        interval: u32,
        /// Month, from 1.
        month: u8,
        /// Which days.
        days: Weekdays,
        /// Which of them.
        index: WeekIndex,
    },
}

/// From when to when a series goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first day.
    pub start: Date,
    /// How it ends.
    pub end: RangeEnd,
}

/// How a series ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeEnd {
    /// Not at all.
    Never,
    /// With this day, which still belongs to it.
    On(Date),
    /// After so many occurrences.
    After(u32),
}

/// Which of some days of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeekIndex {
    /// The first.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
    /// The fourth.
    Fourth,
    /// The last.
    Last,
}

impl Recurrence {
    /// About the day of the last occurrence; off by [`Pattern::longest_step`] at most. `None` of a series without
    /// end, or whose end no calendar reaches.
    #[must_use]
    pub fn about_last_day(&self) -> Option<Date> {
        let count = match self.range.end {
            RangeEnd::Never => return None,
            RangeEnd::On(day) => return Some(day),
            RangeEnd::After(count) => count,
        };
        let steps = match self.pattern {
            Pattern::Weekly { days, .. } => i64::from(count.div_ceil(u32::try_from(days.iter().count()).ok()?.max(1))),
            _ => i64::from(count),
        };
        let steps = (steps - 1).max(0);
        let span = match self.pattern {
            Pattern::Daily { interval } => Span::new().try_days(steps.checked_mul(interval.into())?),
            Pattern::Weekly { interval, .. } => Span::new().try_weeks(steps.checked_mul(interval.into())?),
            Pattern::AbsoluteMonthly { interval, .. } | Pattern::RelativeMonthly { interval, .. } => {
                Span::new().try_months(steps.checked_mul(interval.into())?)
            }
            Pattern::AbsoluteYearly { interval, .. } | Pattern::RelativeYearly { interval, .. } => {
                Span::new().try_years(steps.checked_mul(interval.into())?)
            }
        };
        self.range.start.checked_add(span.ok()?).ok()
    }

    /// A day after which there is no occurrence that was not moved there; `None` as [`Self::about_last_day`].
    #[must_use]
    pub fn last_day(&self) -> Option<Date> {
        let about = self.about_last_day()?;
        match self.range.end {
            RangeEnd::On(_) | RangeEnd::Never => Some(about),
            RangeEnd::After(_) => about.checked_add(Span::new().try_days(self.pattern.longest_step()).ok()?).ok(),
        }
    }
}

impl Pattern {
    /// Days from one occurrence to the next, at most.
    #[must_use]
    pub fn longest_step(&self) -> i64 {
        match *self {
            Self::Daily { interval } => i64::from(interval),
            Self::Weekly { interval, .. } => i64::from(interval) * 7,
            Self::AbsoluteMonthly { interval, .. } | Self::RelativeMonthly { interval, .. } => i64::from(interval) * 31,
            Self::AbsoluteYearly { interval, .. } | Self::RelativeYearly { interval, .. } => i64::from(interval) * 366,
        }
    }
}

/// A set of days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKING: Self = Self(0b001_1111);
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self(0b110_0000);

    /// The set with one more day.
    #[must_use]
    pub fn with(self, day: Weekday) -> Self {
        Self(self.0 | Self::bit(day))
    }

    /// Whether a day is in it.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & Self::bit(day) != 0
    }

    /// Whether no day is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The days, Monday first.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        DAYS.into_iter().filter(move |day| self.has(*day))
    }

    fn bit(day: Weekday) -> u8 {
        1 << day.to_monday_zero_offset()
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<I: IntoIterator<Item = Weekday>>(days: I) -> Self {
        days.into_iter().fold(Self::default(), Self::with)
    }
}

const DAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_days() {
        let days: Weekdays = [Weekday::Sunday, Weekday::Monday, Weekday::Monday].into_iter().collect();
        assert_eq!(days.iter().collect::<Vec<_>>(), [Weekday::Monday, Weekday::Sunday]);
        assert!(Weekdays::ALL.iter().all(|day| Weekdays::WORKING.has(day) != Weekdays::WEEKEND.has(day)));
        assert!(Weekdays::default().is_empty() && !days.is_empty());
    }
}
