//! The part of OData's `$filter` that finds events: times, texts, and extended properties, joined with `and`.
//! Everything else is refused. Knows stored events, no mailboxes.
//! <https://learn.microsoft.com/graph/filter-query-parameter>

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::error::Refusal;
use super::event::Occurrence;
use super::extended::Id;
use super::filter::{quoted, split};

/// Conditions that all must hold.
#[derive(Debug)]
pub(super) struct EventFilter {
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Time { what: Time, holds: fn(Ordering) -> bool, than: Timestamp },
    Subject(Test),
    Uid(String),
    Extended { id: Id, value: Option<Test> },
}

#[derive(Clone, Copy, Debug)]
enum Time {
    Start,
    End,
    Created,
    Modified,
}

/// A test of a text; the case of letters does not count.
#[derive(Debug)]
enum Test {
    Equal(String),
    StartsWith(String),
    Contains(String),
}

impl EventFilter {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let one = |part: &str| condition(part.trim())?.ok_or_else(invalid);
        Ok(Self { conditions: split(text, " and ").into_iter().map(one).collect::<Result<_, _>>()? })
    }

    pub(super) fn matches(&self, one: &Occurrence<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(one))
    }

    /// Whether extended properties are looked at.
    pub(super) fn needs_extended(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::Extended { .. }))
    }
}

impl Condition {
    fn holds(&self, one: &Occurrence<'_>) -> bool {
        match self {
            Self::Time { what, holds, than } => {
                let (start, end) = one.instants(&TimeZone::UTC);
                let found = match what {
                    Time::Start => start,
                    Time::End => end,
                    Time::Created => one.series.created,
                    Time::Modified => one.series.modified,
                };
                holds(found.cmp(than))
            }
            Self::Subject(test) => test.holds(one.event.text("subject", "")),
            Self::Uid(uid) => one.uid() == *uid,
            Self::Extended { id, value } => match (one.event.extended.single(id), value) {
                (Some(found), Some(test)) => test.holds(found),
                (found, _) => found.is_some(),
            },
        }
    }
}

impl Test {
    fn holds(&self, found: &str) -> bool {
        let found = found.to_lowercase();
        match self {
            Self::Equal(wanted) => found == wanted.to_lowercase(),
            Self::StartsWith(wanted) => found.starts_with(&wanted.to_lowercase()),
            Self::Contains(wanted) => found.contains(&wanted.to_lowercase()),
        }
    }
}

fn condition(text: &str) -> Result<Option<Condition>, Refusal> {
    if let Some((collection, inside)) = text.split_once("/any(").or_else(|| text.split_once("/Any(")) {
        let inside = inside.strip_suffix(')').and_then(|inside| inside.split_once(':'));
        let Some((variable, tests)) = inside.filter(|_| collection == "singleValueExtendedProperties") else {
            return Ok(None);
        };
        return extended(variable.trim(), tests);
    }
    if let Some(test) = test(text, "subject") {
        return Ok(Some(Condition::Subject(test)));
    }
    let mut words = text.splitn(3, ' ');
    let (Some(property), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else {
        return Ok(None);
    };
    if (property, operator) == ("iCalUId", "eq") {
        return Ok(quoted(value).map(Condition::Uid));
    }
    let (what, instant) = match property {
        "start/dateTime" => (Time::Start, quoted(value).as_deref().and_then(instant)),
        "end/dateTime" => (Time::End, quoted(value).as_deref().and_then(instant)),
        "createdDateTime" => (Time::Created, value.parse().ok()),
        "lastModifiedDateTime" => (Time::Modified, value.parse().ok()),
        _ => return Ok(None),
    };
    let holds: Option<fn(Ordering) -> bool> = match operator {
        "eq" => Some(Ordering::is_eq),
        "ge" => Some(Ordering::is_ge),
        "gt" => Some(Ordering::is_gt),
        "le" => Some(Ordering::is_le),
        "lt" => Some(Ordering::is_lt),
        _ => None,
    };
    Ok(holds.zip(instant).map(|(holds, than)| Condition::Time { what, holds, than }))
}

/// `ep/id eq '…'`, and what `ep/value` must be like.
fn extended(variable: &str, tests: &str) -> Result<Option<Condition>, Refusal> {
    let (mut id, mut value) = (None, None);
    for part in split(tests, " and ").into_iter().map(str::trim) {
        let named = part.strip_prefix(&format!("{variable}/id eq "));
        if let Some(literal) = named.and_then(quoted) {
            id = Some(Id::parse(&literal, false)?);
        } else if part == format!("{variable}/value ne null") {
            value = None;
        } else if let Some(test) = test(part, &format!("{variable}/value")) {
            value = Some(test);
        } else {
            return Ok(None);
        }
    }
    Ok(id.map(|id| Condition::Extended { id, value }))
}

/// `property eq '…'`, `startswith(property,'…')` or `contains(property,'…')`.
fn test(text: &str, property: &str) -> Option<Test> {
    if let Some(rest) = text.strip_prefix(property) {
        return Some(Test::Equal(quoted(rest.trim_start().strip_prefix("eq ")?)?));
    }
    let (function, rest) = text.split_once('(')?;
    let (subject, literal) = rest.strip_suffix(')')?.split_once(',')?;
    let literal = quoted(literal).filter(|_| subject.trim() == property)?;
    match function.to_ascii_lowercase().as_str() {
        "startswith" => Some(Test::StartsWith(literal)),
        "contains" => Some(Test::Contains(literal)),
        _ => None,
    }
}

/// A date-time with its own offset; none means UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if text.contains('[') {
        return None;
    }
    let with_offset = text.parse::<Timestamp>().ok();
    with_offset.or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}

fn invalid() -> Refusal {
    Refusal::bad("ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn times_have_their_own_offsets() {
        let nine = instant("2026-11-23T09:00:00Z");
        assert!(nine.is_some());
        assert_eq!(instant("2026-11-23T11:00:00+02:00"), nine);
        assert_eq!(instant("2026-11-23T09:00:00.0000000"), nine);
        assert_eq!(instant("tomorrow"), None);
        assert_eq!(instant("2026-11-23T11:00:00+02:00[Europe/Helsinki]"), None);
    }

    #[test]
    fn other_filters_are_refused() {
        for wrong in [
            "",
            "subject ne 'x'",
            "start/dateTime ge 2026-11-23T09:00:00Z",
            "color eq 'red'",
            "subject eq 'a' or subject eq 'b'",
            "singleValueExtendedProperties/any(ep: ep/value eq 'x')",
            "multiValueExtendedProperties/any(ep: ep/id eq 'String 0x36')",
        ] {
            assert_eq!(EventFilter::parse(wrong).unwrap_err().code, "ErrorInvalidUrlQueryFilter", "{wrong}");
        }
        let fine =
            "subject eq 'a and b' and singleValueExtendedProperties/Any(ep:ep/id eq 'String 0x36' and ep/value eq 'x')";
        assert_eq!(EventFilter::parse(fine).unwrap().conditions.len(), 2);
    }
}
