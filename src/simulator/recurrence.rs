//! Recurrence as Graph defines it: six patterns, three ranges, and the dates they mean.
//! Knows dates only: no zones, no events, no HTTP.
//! <https://learn.microsoft.com/graph/api/resources/recurrencepattern>

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

/// A pattern within a range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recurrence {
    pub(super) pattern: Pattern,
    pub(super) start: Date,
    pub(super) end: End,
    /// `recurrenceTimeZone`, echoed; the series runs in the zone of its start.
    pub(super) zone: String,
}

/// Which days; intervals count days, weeks, months or years.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pattern {
    Daily { interval: i32 },
    Weekly { interval: i32, days: Vec<Weekday>, first: Weekday },
    AbsoluteMonthly { interval: i32, day: i8 },
    RelativeMonthly { interval: i32, days: Vec<Weekday>, index: Index },
    AbsoluteYearly { interval: i32, month: i8, day: i8 },
    RelativeYearly { interval: i32, month: i8, days: Vec<Weekday>, index: Index },
}

/// Which of the month's days that match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Index {
    First,
    Second,
    Third,
    Fourth,
    Last,
}

/// Where a series ends; the last day is part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Never,
    On(Date),
    After(u32),
}

/// No series is followed further than this many periods: about eight centuries of months.
const MOST_PERIODS: i32 = 10_000;

impl Recurrence {
    /// The series' days in `from..=to`, ascending.
    pub(super) fn dates(&self, from: Date, to: Date) -> Vec<Date> {
        let last = match self.end {
            End::On(end) => end.min(to),
            End::Never | End::After(_) => to,
        };
        let most = if let End::After(times) = self.end { times } else { u32::MAX };
        let first = if most == u32::MAX { self.pattern.periods_before(self.start, from) } else { 0 };
        let mut found = Vec::new();
        let mut seen = 0;
        for period in first..first.saturating_add(MOST_PERIODS) {
            let Some((begin, days)) = self.pattern.period(self.start, period) else { break };
            if begin > last {
                break;
            }
            for day in days.into_iter().filter(|day| *day >= self.start) {
                seen += 1;
                if day > last || seen > most {
                    return found;
                }
                if day >= from {
                    found.push(day);
                }
            }
        }
        found
    }
}

impl Pattern {
    /// A period's first day and its matching days, counted from the one that holds `start`.
    fn period(&self, start: Date, number: i32) -> Option<(Date, Vec<Date>)> {
        match self {
            Self::Daily { interval } => {
                let day = add(start, number.checked_mul(*interval)?.days())?;
                Some((day, vec![day]))
            }
            Self::Weekly { interval, days, first } => {
                let week = add(start, -i32::from(start.weekday().since(*first)).days())?;
                let week = add(week, number.checked_mul(*interval)?.weeks())?;
                let all = (0..7).filter_map(|offset| add(week, offset.days()));
                Some((week, all.filter(|day| days.contains(&day.weekday())).collect()))
            }
            Self::AbsoluteMonthly { interval, day } => {
                let month = add(start.first_of_month(), number.checked_mul(*interval)?.months())?;
                Some((month, vec![day_of(month, *day)]))
            }
            Self::RelativeMonthly { interval, days, index } => {
                let month = add(start.first_of_month(), number.checked_mul(*interval)?.months())?;
                Some((month, nth_of(month, days, *index)))
            }
            Self::AbsoluteYearly { interval, month, day } => {
                let month = month_of(start, number.checked_mul(*interval)?, *month)?;
                Some((month, vec![day_of(month, *day)]))
            }
            Self::RelativeYearly { interval, month, days, index } => {
                let month = month_of(start, number.checked_mul(*interval)?, *month)?;
                Some((month, nth_of(month, days, *index)))
            }
        }
    }

    /// How many whole periods can be skipped because they end before `from`.
    fn periods_before(&self, start: Date, from: Date) -> i32 {
        let days = start.until(from).map_or(0, |span| span.get_days());
        let (interval, length) = match self {
            Self::Daily { interval } => (*interval, 1),
            Self::Weekly { interval, .. } => (*interval, 7),
            Self::AbsoluteMonthly { interval, .. } | Self::RelativeMonthly { interval, .. } => (*interval, 31),
            Self::AbsoluteYearly { interval, .. } | Self::RelativeYearly { interval, .. } => (*interval, 366),
        };
        (days / (interval * length) - 1).max(0)
    }
}

fn add(date: Date, span: Span) -> Option<Date> {
    date.checked_add(span).ok()
}

fn month_of(start: Date, years: i32, month: i8) -> Option<Date> {
    Date::new(start.year().checked_add(i16::try_from(years).ok()?)?, month, 1).ok()
}

/// The day of a month; a 31st in a shorter month is its last day, as in Exchange.
fn day_of(month: Date, day: i8) -> Date {
    month.with().day(day.clamp(1, month.days_in_month())).build().unwrap_or(month)
}

fn nth_of(month: Date, days: &[Weekday], index: Index) -> Vec<Date> {
    let all = (1..=month.days_in_month()).map(|day| day_of(month, day));
    let mut matching = all.filter(|date| days.contains(&date.weekday()));
    let found = match index {
        Index::First => matching.next(),
        Index::Second => matching.nth(1),
        Index::Third => matching.nth(2),
        Index::Fourth => matching.nth(3),
        Index::Last => matching.next_back(),
    };
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use jiff::civil::Weekday::{Monday, Saturday, Sunday, Thursday, Tuesday};
    use proptest::prelude::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn dates(pattern: Pattern, start: &str, end: End, from: &str, to: &str) -> Vec<String> {
        let series = Recurrence { pattern, start: day(start), end, zone: String::new() };
        series.dates(day(from), day(to)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_third_day_far_from_its_start() {
        let found = dates(Pattern::Daily { interval: 3 }, "2026-01-01", End::Never, "2027-01-01", "2027-01-07");
        assert_eq!(found, ["2027-01-02", "2027-01-05"]);
    }

    #[test]
    fn every_other_week_depends_on_the_first_day_of_the_week() {
        let weekly = |first| Pattern::Weekly { interval: 2, days: vec![Sunday, Tuesday], first };
        let sunday = dates(weekly(Sunday), "2026-11-03", End::Never, "2026-11-01", "2026-11-20");
        assert_eq!(sunday, ["2026-11-03", "2026-11-15", "2026-11-17"]);
        let monday = dates(weekly(Monday), "2026-11-03", End::Never, "2026-11-01", "2026-11-20");
        assert_eq!(monday, ["2026-11-03", "2026-11-08", "2026-11-17"]);
    }

    #[test]
    fn the_31st_is_the_last_day_of_shorter_months() {
        let monthly = Pattern::AbsoluteMonthly { interval: 1, day: 31 };
        let found = dates(monthly, "2026-01-31", End::After(4), "2026-01-01", "2027-01-01");
        assert_eq!(found, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    }

    #[test]
    fn relative_patterns_count_matching_days() {
        let last_thursday = Pattern::RelativeMonthly { interval: 1, days: vec![Thursday], index: Index::Last };
        let found = dates(last_thursday, "2026-01-01", End::Never, "2026-10-01", "2026-11-30");
        assert_eq!(found, ["2026-10-29", "2026-11-26"]);
        let weekend =
            Pattern::RelativeYearly { interval: 1, month: 5, days: vec![Saturday, Sunday], index: Index::Second };
        let found = dates(weekend, "2026-01-01", End::On(day("2027-12-31")), "2026-01-01", "2030-01-01");
        assert_eq!(found, ["2026-05-03", "2027-05-02"]);
    }

    #[test]
    fn a_yearly_day_and_a_number_of_times() {
        let yearly = Pattern::AbsoluteYearly { interval: 1, month: 2, day: 29 };
        let found = dates(yearly, "2026-01-01", End::After(3), "2027-01-01", "2040-01-01");
        assert_eq!(found, ["2027-02-28", "2028-02-29"]);
    }

    #[test]
    fn numbered_series_count_from_their_start_wherever_one_looks() {
        let weekly = Pattern::Weekly { interval: 1, days: vec![Monday], first: Sunday };
        let found = dates(weekly, "2026-11-01", End::After(3), "2026-11-10", "2027-01-01");
        assert_eq!(found, ["2026-11-16"]);
    }

    fn patterns() -> impl Strategy<Value = Pattern> {
        let days = prop::sample::subsequence(vec![Monday, Tuesday, Thursday, Saturday, Sunday], 1..=3);
        let index = prop::sample::select(vec![Index::First, Index::Second, Index::Third, Index::Fourth, Index::Last]);
        (0..6, 1..5_i32, 1..=12_i8, 1..=31_i8, days, index).prop_map(|(kind, interval, month, day, days, index)| {
            match kind {
                0 => Pattern::Daily { interval },
                1 => Pattern::Weekly { interval, days, first: Monday },
                2 => Pattern::AbsoluteMonthly { interval, day },
                3 => Pattern::RelativeMonthly { interval, days, index },
                4 => Pattern::AbsoluteYearly { interval, month, day },
                _ => Pattern::RelativeYearly { interval, month, days, index },
            }
        })
    }

    proptest! {
        #[test]
        fn looking_later_skips_nothing(pattern in patterns(), start in 0..400_i32, from in 0..3000_i32) {
            let base = day("2026-01-01");
            let (start, from) = (base.saturating_add(start.days()), base.saturating_add(from.days()));
            let to = from.saturating_add(400.days());
            let series = Recurrence { pattern, start, end: End::Never, zone: String::new() };
            let whole: Vec<Date> = series.dates(start, to).into_iter().filter(|day| *day >= from).collect();
            prop_assert_eq!(series.dates(from, to), whole.clone());
            prop_assert!(whole.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
