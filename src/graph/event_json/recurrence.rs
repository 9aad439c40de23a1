//! How a series repeats, in Graph's JSON.
//! <https://learn.microsoft.com/graph/api/resources/patternedrecurrence>
//!
//! Owns both ways. What a pattern does not need is left out: Graph refuses it.

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, WeekIndex, Weekdays};

/// A `patternedRecurrence`.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::graph) struct Patterned {
    pattern: SentPattern,
    range: SentRange,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct SentPattern {
    #[serde(rename = "type")]
    kind: String,
    interval: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day_of_month: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days_of_week: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_day_of_week: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct SentRange {
    #[serde(rename = "type")]
    kind: String,
    start_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number_of_occurrences: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurrence_time_zone: Option<String>,
}

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];
const INDICES: [(WeekIndex, &str); 5] = [
    (WeekIndex::First, "first"),
    (WeekIndex::Second, "second"),
    (WeekIndex::Third, "third"),
    (WeekIndex::Fourth, "fourth"),
    (WeekIndex::Last, "last"),
];

impl Patterned {
    pub(super) fn of(recurrence: &Recurrence) -> Self {
        let mut range = SentRange {
            start_date: recurrence.range.start.to_string(),
            recurrence_time_zone: recurrence.zone.clone(),
            ..SentRange::default()
        };
        range.kind = match recurrence.range.end {
            RangeEnd::Never => "noEnd",
            RangeEnd::On(day) => {
                range.end_date = Some(day.to_string());
                "endDate"
            }
            RangeEnd::After(count) => {
                range.number_of_occurrences = Some(count);
                "numbered"
            }
        }
        .to_owned();
        Self { pattern: SentPattern::of(&recurrence.pattern), range }
    }

    /// Nothing for a pattern that nobody knows.
    pub(super) fn read(self) -> Option<Recurrence> {
        let Self { pattern, range } = self;
        let start = date(&range.start_date)?;
        let end = match range.kind.to_ascii_lowercase().as_str() {
            "noend" => RangeEnd::Never,
            "enddate" => RangeEnd::On(date(range.end_date.as_deref()?)?),
            "numbered" => RangeEnd::After(range.number_of_occurrences?),
            _ => return None,
        };
        let zone = range.recurrence_time_zone.filter(|zone| !zone.is_empty());
        Some(Recurrence { pattern: pattern.read()?, range: Range { start, end }, zone })
    }
}

impl SentPattern {
    fn of(pattern: &Pattern) -> Self {
        let sent = |kind: &str, interval: u32| Self { kind: kind.to_owned(), interval, ..Self::default() };
        let names = |days: Weekdays| Some(days.iter().map(|day| name(&DAYS, day)).collect());
        match *pattern {
            Pattern::Daily { interval } => sent("daily", interval),
            Pattern::Weekly { interval, days, first_day } => Self {
                days_of_week: names(days),
                first_day_of_week: Some(name(&DAYS, first_day)),
                ..sent("weekly", interval)
            },
            Pattern::AbsoluteMonthly { interval, day } => {
                Self { day_of_month: Some(day), ..sent("absoluteMonthly", interval) }
            }
            Pattern::RelativeMonthly { interval, days, index } => Self {
                days_of_week: names(days),
                index: Some(name(&INDICES, index)),
                ..sent("relativeMonthly", interval)
            },
            Pattern::AbsoluteYearly { interval, month, day } => {
                Self { month: Some(month), day_of_month: Some(day), ..sent("absoluteYearly", interval) }
            }
            Pattern::RelativeYearly { interval, month, days, index } => Self {
                month: Some(month),
                days_of_week: names(days),
                index: Some(name(&INDICES, index)),
                ..sent("relativeYearly", interval)
            },
        }
    }

    fn read(self) -> Option<Pattern> {
        let interval = self.interval.max(1);
        let days: Weekdays = self.days_of_week.unwrap_or_default().iter().filter_map(|day| value(&DAYS, day)).collect();
        let index = self.index.as_deref().and_then(|index| value(&INDICES, index)).unwrap_or(WeekIndex::First);
        // Graph gives 0 for what a pattern does not need.
        let day = self.day_of_month.filter(|day| (1..=31).contains(day));
        let month = self.month.filter(|month| (1..=12).contains(month));
        Some(match self.kind.to_ascii_lowercase().as_str() {
            "daily" => Pattern::Daily { interval },
            "weekly" => {
                let first = self.first_day_of_week.as_deref().and_then(|day| value(&DAYS, day));
                Pattern::Weekly { interval, days, first_day: first.unwrap_or(Weekday::Sunday) }
            }
            "absolutemonthly" => Pattern::AbsoluteMonthly { interval, day: day? },
            "relativemonthly" => Pattern::RelativeMonthly { interval, days, index },
            "absoluteyearly" => Pattern::AbsoluteYearly { interval, month: month?, day: day? },
            "relativeyearly" => Pattern::RelativeYearly { interval, month: month?, days, index },
            _ => return None,
        })
    }
}

fn name<T: Copy + PartialEq>(table: &[(T, &str)], value: T) -> String {
    table.iter().find(|(known, _)| *known == value).map_or("", |(_, name)| name).to_owned()
}

fn value<T: Copy>(table: &[(T, &str)], name: &str) -> Option<T> {
    table.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(value, _)| *value)
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil;
    use serde_json::{Value, json};

    use super::*;

    fn all() -> Vec<(Pattern, Value)> {
        let days = Weekdays::WEEKEND;
        vec![
            (Pattern::Daily { interval: 2 }, json!({"type": "daily", "interval": 2})),
            (
                Pattern::Weekly { interval: 1, days, first_day: Weekday::Monday },
                json!({"type": "weekly", "interval": 1, "daysOfWeek": ["saturday", "sunday"],
                    "firstDayOfWeek": "monday"}),
            ),
            (
                Pattern::AbsoluteMonthly { interval: 3, day: 31 },
                json!({"type": "absoluteMonthly", "interval": 3, "dayOfMonth": 31}),
            ),
            (
                Pattern::RelativeMonthly { interval: 1, days, index: WeekIndex::Last },
                json!({"type": "relativeMonthly", "interval": 1, "daysOfWeek": ["saturday", "sunday"],
                    "index": "last"}),
            ),
            (
                Pattern::AbsoluteYearly { interval: 1, month: 2, day: 29 },
                json!({"type": "absoluteYearly", "interval": 1, "month": 2, "dayOfMonth": 29}),
            ),
            (
                Pattern::RelativeYearly { interval: 1, month: 12, days, index: WeekIndex::Third },
                json!({"type": "relativeYearly", "interval": 1, "month": 12, "daysOfWeek": ["saturday", "sunday"],
                    "index": "third"}),
            ),
        ]
    }

    #[test]
    fn six_patterns_and_three_ends_both_ways() {
        let start = civil::date(2026, 11, 23);
        let ends = [
            (RangeEnd::Never, json!({"type": "noEnd", "startDate": "2026-11-23"})),
            (
                RangeEnd::On(civil::date(2026, 12, 24)),
                json!({"type": "endDate", "startDate": "2026-11-23", "endDate": "2026-12-24"}),
            ),
            (RangeEnd::After(9), json!({"type": "numbered", "startDate": "2026-11-23", "numberOfOccurrences": 9})),
        ];
        for (pattern, sent_pattern) in all() {
            for (end, sent_range) in &ends {
                let recurrence = Recurrence { pattern: pattern.clone(), range: Range { start, end: *end }, zone: None };
                let sent = serde_json::to_value(Patterned::of(&recurrence)).unwrap();
                assert_eq!(sent, json!({"pattern": sent_pattern, "range": sent_range}));
                assert_eq!(serde_json::from_value::<Patterned>(sent).unwrap().read(), Some(recurrence));
            }
        }
    }

    #[test]
    fn graph_fills_in_what_a_pattern_does_not_need() {
        let received = json!({
            "pattern": {"type": "Weekly", "interval": 0, "month": 0, "dayOfMonth": 0, "daysOfWeek": ["Monday"],
                "index": "first"},
            "range": {"type": "EndDate", "startDate": "2026-11-23", "endDate": "2026-12-24",
                "recurrenceTimeZone": "FLE Standard Time", "numberOfOccurrences": 0},
        });
        let recurrence = serde_json::from_value::<Patterned>(received).unwrap().read().unwrap();
        let days = Weekdays::default().with(Weekday::Monday);
        assert_eq!(recurrence.pattern, Pattern::Weekly { interval: 1, days, first_day: Weekday::Sunday });
        assert_eq!(recurrence.zone.as_deref(), Some("FLE Standard Time"));
        let unknown = json!({"pattern": {"type": "lunar"}, "range": {"type": "noEnd", "startDate": "2026-11-23"}});
        assert_eq!(serde_json::from_value::<Patterned>(unknown).unwrap().read(), None);
    }
}
