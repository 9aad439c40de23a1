//! `Recurrence`, as answers have it.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/recurrence-recurrencetype>

use jiff::civil::{Date, Weekday};
use jiff::tz::Offset;

use crate::calendar::recurrence::{Pattern, RangeEnd, Recurrence, WeekIndex, Weekdays};
use crate::calendar::zone::Zone;
use crate::ews::soap::Version;
use crate::ews::xml::Xml;

/// Writes the whole element; dates with the offset that `zone` has then, as Exchange does it, since
/// exchangelib takes a date without one for a time. EWS knows no interval of years: that of a yearly
/// pattern is not told.
pub fn write(xml: &mut Xml, recurrence: &Recurrence, zone: &Zone, version: Version) {
    xml.raw("<t:Recurrence>");
    write_pattern(xml, &recurrence.pattern, version);
    let start = recurrence.range.start;
    match recurrence.range.end {
        RangeEnd::Never => {
            xml.raw("<t:NoEndRecurrence>");
            write_date(xml, "StartDate", start, zone);
            xml.raw("</t:NoEndRecurrence>");
        }
        RangeEnd::On(last) => {
            xml.raw("<t:EndDateRecurrence>");
            write_date(xml, "StartDate", start, zone);
            write_date(xml, "EndDate", last, zone);
            xml.raw("</t:EndDateRecurrence>");
        }
        RangeEnd::After(count) => {
            xml.raw("<t:NumberedRecurrence>");
            write_date(xml, "StartDate", start, zone);
            xml.raw("<t:NumberOfOccurrences>").number(count);
            xml.raw("</t:NumberOfOccurrences></t:NumberedRecurrence>");
        }
    }
    xml.raw("</t:Recurrence>");
}

fn write_date(xml: &mut Xml, element: &str, date: Date, zone: &Zone) {
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_or(0, |at| at.as_second());
    let minutes = (midnight - zone.second_of_local(midnight)) / 60;
    xml.raw("<t:").raw(element).raw(">").number(date);
    match minutes {
        0 => xml.raw("Z"),
        _ => {
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
            xml.number(format_args!("{sign}{hours:02}:{minutes:02}"))
        }
    };
    xml.raw("</t:").raw(element).raw(">");
}

fn write_pattern(xml: &mut Xml, pattern: &Pattern, version: Version) {
    match *pattern {
        Pattern::Daily { interval } => {
            xml.raw("<t:DailyRecurrence>");
            write_interval(xml, interval);
            xml.raw("</t:DailyRecurrence>");
        }
        Pattern::Weekly { interval, days, first_day } => {
            xml.raw("<t:WeeklyRecurrence>");
            write_interval(xml, interval);
            write_days(xml, &list(days));
            if version >= Version::Exchange2010 {
                xml.raw("<t:FirstDayOfWeek>").raw(day_name(first_day)).raw("</t:FirstDayOfWeek>");
            }
            xml.raw("</t:WeeklyRecurrence>");
        }
        Pattern::AbsoluteMonthly { interval, day } => {
            xml.raw("<t:AbsoluteMonthlyRecurrence>");
            write_interval(xml, interval);
            xml.raw("<t:DayOfMonth>").number(day).raw("</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>");
        }
        Pattern::RelativeMonthly { interval, days, index } => {
            xml.raw("<t:RelativeMonthlyRecurrence>");
            write_interval(xml, interval);
            write_days(xml, group(days));
            write_index(xml, index);
            xml.raw("</t:RelativeMonthlyRecurrence>");
        }
        Pattern::AbsoluteYearly { month, day, .. } => {
            xml.raw("<t:AbsoluteYearlyRecurrence><t:DayOfMonth>").number(day).raw("</t:DayOfMonth>");
            write_month(xml, month);
            xml.raw("</t:AbsoluteYearlyRecurrence>");
        }
        Pattern::RelativeYearly { month, days, index, .. } => {
            xml.raw("<t:RelativeYearlyRecurrence>");
            write_days(xml, group(days));
            write_index(xml, index);
            write_month(xml, month);
            xml.raw("</t:RelativeYearlyRecurrence>");
        }
    }
}

fn write_interval(xml: &mut Xml, interval: u32) {
    xml.raw("<t:Interval>").number(interval.max(1)).raw("</t:Interval>");
}

fn write_days(xml: &mut Xml, days: &str) {
    xml.raw("<t:DaysOfWeek>").raw(days).raw("</t:DaysOfWeek>");
}

fn write_index(xml: &mut Xml, index: WeekIndex) {
    let name = match index {
        WeekIndex::First => "First",
        WeekIndex::Second => "Second",
        WeekIndex::Third => "Third",
        WeekIndex::Fourth => "Fourth",
        WeekIndex::Last => "Last",
    };
    xml.raw("<t:DayOfWeekIndex>").raw(name).raw("</t:DayOfWeekIndex>");
}

fn write_month(xml: &mut Xml, month: u8) {
    let name = MONTHS.get(usize::from(month.clamp(1, 12)) - 1).copied().unwrap_or("January");
    xml.raw("<t:Month>").raw(name).raw("</t:Month>");
}

/// Weekly patterns name each day.
fn list(days: Weekdays) -> String {
    let mut text = String::new();
    for day in days.iter() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(day_name(day));
    }
    text
}

/// Relative patterns name one day, or one of three groups. Of any other set EWS can only say the first.
fn group(days: Weekdays) -> &'static str {
    match days {
        Weekdays::ALL => "Day",
        Weekdays::WORKING => "Weekday",
        Weekdays::WEEKEND => "WeekendDay",
        days => days.iter().next().map_or("Day", day_name),
    }
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil::date;

    use super::*;
    use crate::calendar::recurrence::Range;

    fn written(pattern: Pattern, end: RangeEnd) -> String {
        let recurrence = Recurrence { pattern, range: Range { start: date(2027, 2, 1), end }, zone: None };
        let mut xml = Xml::default();
        write(&mut xml, &recurrence, &Zone::named("FLE Standard Time").unwrap(), Version::Exchange2016);
        xml.finish().replace("<t:Recurrence>", "").replace("</t:Recurrence>", "").replace("t:", "")
    }

    const FOREVER: &str = "<NoEndRecurrence><StartDate>2027-02-01+02:00</StartDate></NoEndRecurrence>";

    #[test]
    fn all_patterns() {
        let monday = Weekdays::default().with(Weekday::Monday);
        let days = monday.with(Weekday::Friday);
        for (pattern, expected) in [
            (Pattern::Daily { interval: 3 }, "<DailyRecurrence><Interval>3</Interval></DailyRecurrence>"),
            (
                Pattern::Weekly { interval: 2, days, first_day: Weekday::Sunday },
                "<WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Monday Friday</DaysOfWeek><FirstDayOfWeek>Sunday</FirstDayOfWeek></WeeklyRecurrence>",
            ),
            (
                Pattern::AbsoluteMonthly { interval: 1, day: 31 },
                "<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>31</DayOfMonth></AbsoluteMonthlyRecurrence>",
            ),
            (
                Pattern::RelativeMonthly { interval: 1, days: Weekdays::WORKING, index: WeekIndex::Last },
                "<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Weekday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>",
            ),
            (
                Pattern::AbsoluteYearly { interval: 1, month: 12, day: 24 },
                "<AbsoluteYearlyRecurrence><DayOfMonth>24</DayOfMonth><Month>December</Month></AbsoluteYearlyRecurrence>",
            ),
            (
                Pattern::RelativeYearly { interval: 1, month: 1, days: monday, index: WeekIndex::Second },
                "<RelativeYearlyRecurrence><DaysOfWeek>Monday</DaysOfWeek><DayOfWeekIndex>Second</DayOfWeekIndex><Month>January</Month></RelativeYearlyRecurrence>",
            ),
        ] {
            assert_eq!(written(pattern, RangeEnd::Never), format!("{expected}{FOREVER}"));
        }
    }

    #[test]
    fn all_ranges() {
        let daily = Pattern::Daily { interval: 1 };
        assert!(written(daily.clone(), RangeEnd::On(date(2027, 6, 1))).ends_with(
            "<EndDateRecurrence><StartDate>2027-02-01+02:00</StartDate><EndDate>2027-06-01+03:00</EndDate></EndDateRecurrence>"
        ));
        assert!(written(daily, RangeEnd::After(7)).ends_with(
            "<NumberedRecurrence><StartDate>2027-02-01+02:00</StartDate><NumberOfOccurrences>7</NumberOfOccurrences></NumberedRecurrence>"
        ));
    }
}
