//! `Recurrence` as callers send it: one of six patterns over one of three ranges.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/recurrence-recurrencetype>

use jiff::civil::{Date, Weekday};

use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, WeekIndex, Weekdays};
use crate::ews::pull::Pull;
use crate::ews::types::value;
use crate::failure::Failure;

/// Reads the recurrence that the reader stands in.
///
/// # Errors
/// [`Failure::Malformed`]; [`Failure::Schema`] for what the schema does not have, such as a pattern
/// without a range; inside, [`Failure::BadRecurrence`] for what it has and no calendar can follow.
pub fn read(reader: &mut Pull<'_>) -> Result<Result<Recurrence, Failure>, Failure> {
    let (mut pattern, mut range) = (None, None);
    while let Some(part) = reader.child()? {
        let (name, parts) = (part.local().to_owned(), Parts::read(reader)?);
        if let Some(found) = parts.range(&name)? {
            value::once(&mut range, found, &name)?;
        } else if let Some(found) = parts.pattern(&name)? {
            value::once(&mut pattern, found, &name)?;
        }
    }
    let pattern = pattern.ok_or_else(|| value::missing("Recurrence pattern"))?;
    let range = range.ok_or_else(|| value::missing("Recurrence range"))?;
    let recurrence = Recurrence { pattern, range, zone: None };
    Ok(if is_possible(&recurrence) { Ok(recurrence) } else { Err(Failure::BadRecurrence) })
}

/// The children of a pattern or a range: no two kinds of them mean different things by one name.
#[derive(Debug, Default)]
struct Parts {
    interval: Option<u32>,
    days: Option<Weekdays>,
    first_day: Option<Weekday>,
    index: Option<WeekIndex>,
    day: Option<u8>,
    month: Option<u8>,
    start: Option<Date>,
    end: Option<Date>,
    count: Option<u32>,
}

impl Parts {
    fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut parts = Self::default();
        while let Some(part) = reader.child()? {
            match part.local() {
                "Interval" => parts.interval = Some(value::number(reader, "Interval")?),
                "DaysOfWeek" => parts.days = Some(days(&reader.text()?)?),
                "FirstDayOfWeek" => parts.first_day = days(&reader.text()?)?.iter().next(),
                "DayOfWeekIndex" => parts.index = Some(named(&reader.text()?, "DayOfWeekIndex", &INDEXES)?),
                "DayOfMonth" => parts.day = Some(value::number(reader, "DayOfMonth")?),
                "Month" => parts.month = Some(named(&reader.text()?, "Month", &MONTHS)?),
                "StartDate" => parts.start = Some(date(&reader.text()?, "StartDate")?),
                "EndDate" => parts.end = Some(date(&reader.text()?, "EndDate")?),
                "NumberOfOccurrences" => parts.count = Some(value::number(reader, "NumberOfOccurrences")?),
                _ => reader.skip()?,
            }
        }
        Ok(parts)
    }

    fn range(&self, element: &str) -> Result<Option<Range>, Failure> {
        let end = match element {
            "NoEndRecurrence" => RangeEnd::Never,
            "EndDateRecurrence" => RangeEnd::On(said(self.end, "EndDate")?),
            "NumberedRecurrence" => RangeEnd::After(said(self.count, "NumberOfOccurrences")?),
            _ => return Ok(None),
        };
        Ok(Some(Range { start: said(self.start, "StartDate")?, end }))
    }

    fn pattern(&self, element: &str) -> Result<Option<Pattern>, Failure> {
        let interval = || said(self.interval, "Interval");
        let (days, index) = (|| said(self.days, "DaysOfWeek"), || said(self.index, "DayOfWeekIndex"));
        let (day, month) = (|| said(self.day, "DayOfMonth"), || said(self.month, "Month"));
        Ok(Some(match element {
            "DailyRecurrence" => Pattern::Daily { interval: interval()? },
            "WeeklyRecurrence" => {
                // Exchange's default, as the schema of 2010 says it.
                let first_day = self.first_day.unwrap_or(Weekday::Sunday);
                Pattern::Weekly { interval: interval()?, days: days()?, first_day }
            }
            "AbsoluteMonthlyRecurrence" => Pattern::AbsoluteMonthly { interval: interval()?, day: day()? },
            "RelativeMonthlyRecurrence" => {
                Pattern::RelativeMonthly { interval: interval()?, days: days()?, index: index()? }
            }
            "AbsoluteYearlyRecurrence" => Pattern::AbsoluteYearly { interval: 1, month: month()?, day: day()? },
            "RelativeYearlyRecurrence" => {
                Pattern::RelativeYearly { interval: 1, month: month()?, days: days()?, index: index()? }
            }
            // Those that make the next task when one is done are of tasks only.
            _ => return Ok(None),
        }))
    }
}

/// Whether a calendar can follow it. Exchange's own limits
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/interval>).
fn is_possible(recurrence: &Recurrence) -> bool {
    let (interval, most) = match recurrence.pattern {
        Pattern::Daily { interval } => (interval, 999),
        Pattern::Weekly { interval, .. } => (interval, 99),
        Pattern::AbsoluteMonthly { interval, .. } | Pattern::RelativeMonthly { interval, .. } => (interval, 99),
        Pattern::AbsoluteYearly { interval, .. } | Pattern::RelativeYearly { interval, .. } => (interval, 1),
    };
    let has_days = match recurrence.pattern {
        Pattern::Daily { .. } => true,
        Pattern::Weekly { days, .. } | Pattern::RelativeMonthly { days, .. } | Pattern::RelativeYearly { days, .. } => {
            !days.is_empty()
        }
        Pattern::AbsoluteMonthly { day, .. } => (1..=31).contains(&day),
        Pattern::AbsoluteYearly { month, day, .. } => (1..=longest(month)).contains(&day),
    };
    let ends = match recurrence.range.end {
        RangeEnd::Never => true,
        RangeEnd::On(day) => day >= recurrence.range.start,
        RangeEnd::After(count) => (1..=999).contains(&count),
    };
    (1..=most).contains(&interval) && has_days && ends
}

/// Days of a month, in the year that has most.
fn longest(month: u8) -> u8 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A list of `DayOfWeekType`.
fn days(text: &str) -> Result<Weekdays, Failure> {
    let mut all = Weekdays::default();
    for name in text.split_whitespace() {
        let group = GROUPS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, days)| *days);
        let more = match group {
            Some(days) => days,
            None => Weekdays::default().with(named(name, "DaysOfWeek", &DAYS)?),
        };
        all = all.iter().chain(more.iter()).collect();
    }
    Ok(all)
}

/// An `xs:date`; with an offset it is the same day, since it is one of the item's own clock.
fn date(text: &str, element: &str) -> Result<Date, Failure> {
    let wrong = || Failure::Schema { path: element.to_owned(), problem: "is no date".to_owned() };
    let day = text.get(..10).unwrap_or(text);
    let rest = text.get(10..).unwrap_or_default();
    match rest.chars().next() {
        None | Some('Z' | 'T' | '+' | '-') => day.parse().map_err(|_| wrong()),
        Some(_) => Err(wrong()),
    }
}

fn named<T: Copy>(text: &str, element: &str, names: &[(&str, T)]) -> Result<T, Failure> {
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
    found.ok_or_else(|| Failure::Schema { path: element.to_owned(), problem: "is none of its values".to_owned() })
}

fn said<T>(value: Option<T>, element: &str) -> Result<T, Failure> {
    value.ok_or_else(|| value::missing(element))
}

const INDEXES: [(&str, WeekIndex); 5] = [
    ("First", WeekIndex::First),
    ("Second", WeekIndex::Second),
    ("Third", WeekIndex::Third),
    ("Fourth", WeekIndex::Fourth),
    ("Last", WeekIndex::Last),
];
#[rustfmt::skip]
const MONTHS: [(&str, u8); 12] = [
    ("January", 1), ("February", 2), ("March", 3), ("April", 4), ("May", 5), ("June", 6),
    ("July", 7), ("August", 8), ("September", 9), ("October", 10), ("November", 11), ("December", 12),
];
const DAYS: [(&str, Weekday); 7] = [
    ("Sunday", Weekday::Sunday),
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
];
const GROUPS: [(&str, Weekdays); 3] =
    [("Day", Weekdays::ALL), ("Weekday", Weekdays::WORKING), ("WeekendDay", Weekdays::WEEKEND)];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil::date;

    use super::*;

    fn parse(inside: &str) -> Result<Result<Recurrence, Failure>, Failure> {
        let document = format!("<t:Recurrence>{inside}</t:Recurrence>");
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        read(&mut reader)
    }

    const FOR_EVER: &str = "<t:NoEndRecurrence><t:StartDate>2027-02-01-08:00</t:StartDate></t:NoEndRecurrence>";

    fn pattern(inside: &str) -> Result<Pattern, Failure> {
        parse(&format!("{inside}{FOR_EVER}"))?.map(|recurrence| recurrence.pattern)
    }

    #[test]
    fn all_six_patterns() {
        let monday = Weekdays::default().with(Weekday::Monday);
        for (text, expected) in [
            ("<t:DailyRecurrence><t:Interval>2</t:Interval></t:DailyRecurrence>", Pattern::Daily { interval: 2 }),
            (
                "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Wednesday</t:DaysOfWeek><t:FirstDayOfWeek>Monday</t:FirstDayOfWeek></t:WeeklyRecurrence>",
                Pattern::Weekly { interval: 1, days: monday.with(Weekday::Wednesday), first_day: Weekday::Monday },
            ),
            (
                "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Weekday</t:DaysOfWeek></t:WeeklyRecurrence>",
                Pattern::Weekly { interval: 1, days: Weekdays::WORKING, first_day: Weekday::Sunday },
            ),
            (
                "<t:AbsoluteMonthlyRecurrence><t:Interval>3</t:Interval><t:DayOfMonth>31</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>",
                Pattern::AbsoluteMonthly { interval: 3, day: 31 },
            ),
            (
                "<t:RelativeMonthlyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>WeekendDay</t:DaysOfWeek><t:DayOfWeekIndex>Last</t:DayOfWeekIndex></t:RelativeMonthlyRecurrence>",
                Pattern::RelativeMonthly { interval: 1, days: Weekdays::WEEKEND, index: WeekIndex::Last },
            ),
            (
                "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>29</t:DayOfMonth><t:Month>February</t:Month></t:AbsoluteYearlyRecurrence>",
                Pattern::AbsoluteYearly { interval: 1, month: 2, day: 29 },
            ),
            (
                "<t:RelativeYearlyRecurrence><t:DaysOfWeek>Day</t:DaysOfWeek><t:DayOfWeekIndex>Second</t:DayOfWeekIndex><t:Month>December</t:Month></t:RelativeYearlyRecurrence>",
                Pattern::RelativeYearly { interval: 1, month: 12, days: Weekdays::ALL, index: WeekIndex::Second },
            ),
        ] {
            assert_eq!(pattern(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn all_three_ranges_with_dates_as_clients_write_them() {
        let daily = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>";
        let start = date(2027, 1, 11);
        for (text, end) in [
            ("<t:NoEndRecurrence><t:StartDate>2027-01-11</t:StartDate></t:NoEndRecurrence>", RangeEnd::Never),
            (
                "<t:EndDateRecurrence><t:StartDate>2027-01-11Z</t:StartDate><t:EndDate>2027-02-15-08:00</t:EndDate></t:EndDateRecurrence>",
                RangeEnd::On(date(2027, 2, 15)),
            ),
            (
                "<t:NumberedRecurrence><t:StartDate>2027-01-11+00:00</t:StartDate><t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence>",
                RangeEnd::After(5),
            ),
        ] {
            let recurrence = parse(&format!("{daily}{text}")).unwrap().unwrap();
            assert_eq!(recurrence.range, Range { start, end }, "{text}");
        }
    }

    #[test]
    fn half_a_recurrence_breaks_the_schema() {
        let daily = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>";
        for bad in [
            daily.to_owned(),
            FOR_EVER.to_owned(),
            format!("{daily}<t:EndDateRecurrence><t:StartDate>2027-01-11</t:StartDate></t:EndDateRecurrence>"),
            format!("{daily}{FOR_EVER}{FOR_EVER}"),
            format!("{daily}{daily}{FOR_EVER}"),
            format!("<t:DailyRecurrence/>{FOR_EVER}"),
            format!("{daily}{}", FOR_EVER.replace("2027-02-01", "2027-02-30")),
        ] {
            assert!(matches!(parse(&bad), Err(Failure::Schema { .. })), "{bad}");
        }
    }

    #[test]
    fn what_no_calendar_can_follow_is_refused_for_this_item() {
        for bad in [
            "<t:DailyRecurrence><t:Interval>0</t:Interval></t:DailyRecurrence>",
            "<t:DailyRecurrence><t:Interval>1000</t:Interval></t:DailyRecurrence>",
            "<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek></t:DaysOfWeek></t:WeeklyRecurrence>",
            "<t:AbsoluteMonthlyRecurrence><t:Interval>1</t:Interval><t:DayOfMonth>32</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>",
            "<t:AbsoluteYearlyRecurrence><t:DayOfMonth>31</t:DayOfMonth><t:Month>April</t:Month></t:AbsoluteYearlyRecurrence>",
        ] {
            assert_eq!(pattern(bad), Err(Failure::BadRecurrence), "{bad}");
        }
        let backwards = "<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:EndDateRecurrence><t:StartDate>2027-01-11</t:StartDate><t:EndDate>2027-01-10</t:EndDate></t:EndDateRecurrence>";
        assert_eq!(parse(backwards), Ok(Err(Failure::BadRecurrence)));
    }
}
