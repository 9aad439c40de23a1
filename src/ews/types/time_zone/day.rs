//! Days of the week, and groups of days: `DayOfWeekType`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/dayofweek-timezone>

use crate::calendar::zone::DayOfWeek;
use crate::failure::Failure;

/// The name of a day.
#[must_use]
pub fn name(day: DayOfWeek) -> &'static str {
    DAYS.iter().find(|(_, named)| *named == day).map_or("Day", |(name, _)| name)
}

/// The day with a name; case is ignored.
///
/// # Errors
/// [`Failure::Schema`].
pub fn parse(text: &str) -> Result<DayOfWeek, Failure> {
    DAYS.iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, day)| *day)
        .ok_or_else(|| Failure::Schema { path: "DayOfWeek".to_owned(), problem: "is no day of the week".to_owned() })
}

const DAYS: [(&str, DayOfWeek); 10] = [
    ("Sunday", DayOfWeek::Sunday),
    ("Monday", DayOfWeek::Monday),
    ("Tuesday", DayOfWeek::Tuesday),
    ("Wednesday", DayOfWeek::Wednesday),
    ("Thursday", DayOfWeek::Thursday),
    ("Friday", DayOfWeek::Friday),
    ("Saturday", DayOfWeek::Saturday),
    ("Day", DayOfWeek::Day),
    ("Weekday", DayOfWeek::Weekday),
    ("WeekendDay", DayOfWeek::WeekendDay),
];
