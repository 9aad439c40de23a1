//! patternedRecurrence in JSON: read strictly, written as Graph writes it.
//! <https://learn.microsoft.com/graph/api/resources/patternedrecurrence>

use jiff::civil::{Date, Weekday};
use serde_json::{Map, Value, json};

use super::error::Refusal;
use super::json::{array, integer, known, missing, object, one_of, text, wrong_type};
use super::recurrence::{End, Index, Pattern, Recurrence};
use super::zone::{day_name, day_named};

const PATTERN: [&str; 7] = ["type", "interval", "month", "dayOfMonth", "daysOfWeek", "firstDayOfWeek", "index"];
const RANGE: [&str; 5] = ["type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences"];
const TYPES: [&str; 6] = ["daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"];
const INDEXES: [(&str, Index); 5] = [
    ("first", Index::First),
    ("second", Index::Second),
    ("third", Index::Third),
    ("fourth", Index::Fourth),
    ("last", Index::Last),
];

/// Reads a patternedRecurrence.
pub(super) fn read(value: &Value, strict: bool) -> Result<Recurrence, Refusal> {
    let whole = object(value, "recurrence")?;
    known(whole, &["pattern", "range"], "patternedRecurrence", strict)?;
    let pattern = read_pattern(whole.get("pattern").ok_or_else(|| missing("pattern"))?, strict)?;
    let range = object(whole.get("range").ok_or_else(|| missing("range"))?, "range")?;
    known(range, &RANGE, "recurrenceRange", strict)?;
    let kind = one_of(need(range, "type")?, "type", &["endDate", "noEnd", "numbered"])?;
    let end = match kind {
        "endDate" => End::On(day(need(range, "endDate")?, "endDate")?),
        "numbered" => {
            let times = integer(need(range, "numberOfOccurrences")?, "numberOfOccurrences")?;
            End::After(
                u32::try_from(times)
                    .ok()
                    .filter(|times| *times > 0)
                    .ok_or_else(|| refused("numberOfOccurrences must be positive"))?,
            )
        }
        _ => End::Never,
    };
    let start = day(need(range, "startDate")?, "startDate")?;
    if end == End::On(start) || !matches!(end, End::On(last) if last < start) {
        let zone = range.get("recurrenceTimeZone").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Ok(Recurrence { pattern, start, end, zone });
    }
    Err(refused("endDate must not be before startDate"))
}

/// Reads a recurrencePattern. Properties that do not belong to its type are refused.
pub(super) fn read_pattern(value: &Value, strict: bool) -> Result<Pattern, Refusal> {
    let pattern = object(value, "pattern")?;
    known(pattern, &PATTERN, "recurrencePattern", strict)?;
    let kind = one_of(need(pattern, "type")?, "type", &TYPES)?;
    if strict {
        no_strangers(pattern, kind)?;
    }
    let interval = integer(need(pattern, "interval")?, "interval")?;
    if !(1..=999).contains(&interval) {
        return Err(refused("interval must be from 1 to 999"));
    }
    let small = |name: &str, most: i8| -> Result<i8, Refusal> {
        let number = i8::try_from(integer(need(pattern, name)?, name)?).unwrap_or(0);
        if (1..=most).contains(&number) { Ok(number) } else { Err(refused(&format!("{name} is out of range"))) }
    };
    let index = || match pattern.get("index") {
        None | Some(Value::Null) => Ok(Index::First),
        Some(value) => {
            let name = one_of(value, "index", &INDEXES.map(|(name, _)| name))?;
            Ok(INDEXES.iter().find(|(known, _)| *known == name).map_or(Index::First, |(_, index)| *index))
        }
    };
    Ok(match kind {
        "daily" => Pattern::Daily { interval },
        "weekly" => {
            let first = match pattern.get("firstDayOfWeek") {
                None | Some(Value::Null) => Weekday::Sunday,
                Some(value) => weekday(value)?,
            };
            Pattern::Weekly { interval, days: days(pattern)?, first }
        }
        "absoluteMonthly" => Pattern::AbsoluteMonthly { interval, day: small("dayOfMonth", 31)? },
        "relativeMonthly" => Pattern::RelativeMonthly { interval, days: days(pattern)?, index: index()? },
        "absoluteYearly" => {
            Pattern::AbsoluteYearly { interval, month: small("month", 12)?, day: small("dayOfMonth", 31)? }
        }
        _ => Pattern::RelativeYearly { interval, month: small("month", 12)?, days: days(pattern)?, index: index()? },
    })
}

/// Writes a patternedRecurrence with every property, as Graph does.
pub(super) fn write(recurrence: &Recurrence) -> Value {
    let (kind, interval, month, day, days, first, index) = match &recurrence.pattern {
        Pattern::Daily { interval } => ("daily", interval, 0, 0, None, Weekday::Sunday, Index::First),
        Pattern::Weekly { interval, days, first } => ("weekly", interval, 0, 0, Some(days), *first, Index::First),
        Pattern::AbsoluteMonthly { interval, day } => {
            ("absoluteMonthly", interval, 0, *day, None, Weekday::Sunday, Index::First)
        }
        Pattern::RelativeMonthly { interval, days, index } => {
            ("relativeMonthly", interval, 0, 0, Some(days), Weekday::Sunday, *index)
        }
        Pattern::AbsoluteYearly { interval, month, day } => {
            ("absoluteYearly", interval, *month, *day, None, Weekday::Sunday, Index::First)
        }
        Pattern::RelativeYearly { interval, month, days, index } => {
            ("relativeYearly", interval, *month, 0, Some(days), Weekday::Sunday, *index)
        }
    };
    let index = INDEXES.iter().find(|(_, known)| *known == index).map_or("first", |(name, _)| *name);
    let mut pattern = json!({
        "type": kind, "interval": interval, "month": month, "dayOfMonth": day,
        "firstDayOfWeek": day_name(first), "index": index,
    });
    if let (Some(days), Some(fields)) = (days, pattern.as_object_mut()) {
        fields.insert("daysOfWeek".to_owned(), days.iter().map(|day| json!(day_name(*day))).collect());
    }
    let (kind, end, times) = match recurrence.end {
        End::Never => ("noEnd", "0001-01-01".to_owned(), 0),
        End::On(day) => ("endDate", day.to_string(), 0),
        End::After(times) => ("numbered", "0001-01-01".to_owned(), times),
    };
    json!({ "pattern": pattern, "range": {
        "type": kind, "startDate": recurrence.start.to_string(), "endDate": end,
        "recurrenceTimeZone": recurrence.zone, "numberOfOccurrences": times,
    }})
}

/// Refuses what does not belong to the type, unless it has the value that Graph itself writes there.
fn no_strangers(pattern: &Map<String, Value>, kind: &str) -> Result<(), Refusal> {
    let of_week = ["weekly", "relativeMonthly", "relativeYearly"].contains(&kind);
    let strangers = [
        ("daysOfWeek", of_week),
        ("index", kind.starts_with("relative")),
        ("dayOfMonth", kind.starts_with("absolute")),
        ("month", kind.ends_with("Yearly")),
        ("firstDayOfWeek", kind == "weekly"),
    ];
    for (name, belongs) in strangers {
        let harmless = match pattern.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::Number(number)) => number.as_i64() == Some(0),
            Some(Value::String(text)) => text == "first" || text == "sunday",
            Some(Value::Array(days)) => days.is_empty(),
            Some(_) => false,
        };
        if !belongs && !harmless {
            return Err(refused(&format!("{name} does not belong to a {kind} pattern")));
        }
    }
    Ok(())
}

fn need<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Refusal> {
    object.get(name).filter(|value| !value.is_null()).ok_or_else(|| missing(name))
}

fn days(pattern: &Map<String, Value>) -> Result<Vec<Weekday>, Refusal> {
    let days = array(need(pattern, "daysOfWeek")?, "daysOfWeek")?;
    if days.is_empty() {
        return Err(refused("daysOfWeek must not be empty"));
    }
    days.iter().map(weekday).collect()
}

fn weekday(value: &Value) -> Result<Weekday, Refusal> {
    let name = text(value, "dayOfWeek")?;
    day_named(name).ok_or_else(|| Refusal::bad("RequestBodyRead", format!("Requested value '{name}' was not found.")))
}

fn day(value: &Value, what: &str) -> Result<Date, Refusal> {
    text(value, what)?.parse().map_err(|_| wrong_type(what, "a date"))
}

fn refused(problem: &str) -> Refusal {
    Refusal::bad("ErrorPropertyValidationFailure", format!("At least one property failed validation: {problem}."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_written_can_be_read_back() {
        let given = json!({
            "pattern": { "type": "relativeYearly", "interval": 1, "month": 11, "daysOfWeek": ["Thursday"], "index": "fourth" },
            "range": { "type": "numbered", "startDate": "2026-11-26", "numberOfOccurrences": 5 },
        });
        let first = read(&given, true).unwrap();
        assert_eq!(read(&write(&first), true).unwrap(), first);
    }

    #[test]
    fn properties_of_other_patterns_are_refused() {
        let pattern = json!({ "type": "daily", "interval": 1, "daysOfWeek": ["monday"] });
        assert!(read_pattern(&pattern, true).is_err());
        assert!(read_pattern(&json!({ "type": "weekly", "interval": 1 }), true).is_err());
        assert!(read_pattern(&json!({ "type": "daily", "interval": 0 }), true).is_err());
    }
}
