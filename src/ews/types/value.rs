//! Simple values: numbers, booleans, times.
//!
//! Owns how lexical forms are read: leniently, as shipping clients need it.

use jiff::civil;

use crate::calendar::zone::Zone;
use crate::ews::pull::Pull;
use crate::failure::Failure;

/// A time as the wire has it: with an offset it is an instant, without one it is a clock's reading
/// in a zone that stands elsewhere in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireTime {
    /// Seconds since 1970.
    Instant(i64),
    /// Seconds since 1970-01-01T00:00:00 on a local clock.
    Local(i64),
}

impl WireTime {
    /// Reads an `xs:dateTime`, or an `xs:date` for its midnight. Fractions of a second are cut.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let (clock, offset) = split_offset(digits);
        let local = match clock.split_once('T') {
            Some((date, time)) => second_of(date.parse().ok()?, time.parse().ok()?),
            None => second_of(clock.parse().ok()?, civil::Time::midnight()),
        };
        match offset {
            None => Some(Self::Local(local)),
            Some(offset) => Some(Self::Instant(local - offset_seconds(offset)?)),
        }
    }

    /// The instant, in seconds since 1970, a clock's reading being one in `zone`.
    #[must_use]
    pub fn second(self, zone: &Zone) -> i64 {
        match self {
            Self::Instant(second) => second,
            Self::Local(local) => zone.second_of_local(local),
        }
    }
}

/// Reads the element's text as a number.
///
/// # Errors
/// [`Failure::Schema`] when it is none, with the element's name.
pub fn number<T: std::str::FromStr>(reader: &mut Pull<'_>, element: &str) -> Result<T, Failure> {
    let text = reader.text()?;
    text.parse().map_err(|_| Failure::Schema {
        path: element.to_owned(),
        problem: format!("'{}' is no valid number", shortened(&text)),
    })
}

/// Reads the element's text as a boolean: `true`, `false`, `1` or `0`.
///
/// # Errors
/// [`Failure::Schema`] when it is none, with the element's name.
pub fn boolean(reader: &mut Pull<'_>, element: &str) -> Result<bool, Failure> {
    let text = reader.text()?;
    match &*text {
        "1" => Ok(true),
        "0" => Ok(false),
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        text => {
            Err(Failure::Schema { path: element.to_owned(), problem: format!("'{}' is no boolean", shortened(text)) })
        }
    }
}

/// Reads the element's text as one of the names; case is ignored.
///
/// # Errors
/// [`Failure::Schema`] when it is none of them.
pub fn one_of<T: Copy>(reader: &mut Pull<'_>, element: &str, names: &[(&str, T)]) -> Result<T, Failure> {
    let text = reader.text()?;
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)).map(|(_, value)| *value);
    found.ok_or_else(|| wrong(element, "is none of its values"))
}

/// Puts a value where none may be yet.
///
/// # Errors
/// [`Failure::Schema`] when the element occurs again.
pub fn once<T>(place: &mut Option<T>, value: T, element: &str) -> Result<(), Failure> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => {
            Err(Failure::Schema { path: element.to_owned(), problem: "the element occurs more than once".to_owned() })
        }
    }
}

/// A failure for a required element that is not there.
#[must_use]
pub fn missing(element: &str) -> Failure {
    Failure::Schema { path: element.to_owned(), problem: "the element is required".to_owned() }
}

/// A failure for an element that the schema does not allow as it is.
#[must_use]
pub fn wrong(element: &str, problem: &str) -> Failure {
    Failure::Schema { path: element.to_owned(), problem: problem.to_owned() }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The clock's part, and the offset's: `Z`, `+02:00`, `-0500`.
fn split_offset(text: &str) -> (&str, Option<&str>) {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return (clock, Some("Z"));
    }
    // A date has two hyphens of its own.
    let from = text.find('T').unwrap_or(0).max(8.min(text.len()));
    match text.get(from..).and_then(|tail| tail.find(['+', '-']).map(|at| from + at)) {
        Some(at) if at > 8 => (text.get(..at).unwrap_or(text), text.get(at..)),
        _ => (text, None),
    }
}

fn offset_seconds(offset: &str) -> Option<i64> {
    if offset == "Z" {
        return Some(0);
    }
    let (sign, digits) = match offset.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, offset.strip_prefix('+')?),
    };
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..)?.parse::<i64>().ok()?),
        _ => return None,
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn second_of(date: civil::Date, time: civil::Time) -> i64 {
    let days = date.duration_since(civil::date(1970, 1, 1)).as_hours() / 24;
    days * 86_400 + i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_clients_send() {
        let day = 20_522 * 86_400; // 2026-03-10
        for (text, expected) in [
            ("2026-03-10T08:30:00", WireTime::Local(day + 30_600)),
            ("2026-03-10T08:30:00.123", WireTime::Local(day + 30_600)),
            ("2026-03-10T08:30:00Z", WireTime::Instant(day + 30_600)),
            ("2026-03-10T08:30:00.000+00:00", WireTime::Instant(day + 30_600)),
            ("2026-03-10T08:30:00+02:00", WireTime::Instant(day + 23_400)),
            ("2026-03-10T08:30:00.0000000-0500", WireTime::Instant(day + 48_600)),
            ("2026-03-10", WireTime::Local(day)),
            ("2026-03-10Z", WireTime::Instant(day)),
            ("2026-03-10+01:00", WireTime::Instant(day - 3600)),
        ] {
            assert_eq!(WireTime::parse(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "x",
            "2026-13-10T08:00:00",
            "2026-03-10T25:00:00",
            "2026-03-10 08:00:00x",
            "2026-03-10T08:00:00+99:00",
            "T",
            "+-",
        ] {
            assert_eq!(WireTime::parse(bad), None, "{bad}");
        }
    }
}
