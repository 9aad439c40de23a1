//! The small XML writer: text in, escaped text out.
//!
//! Owns escaping. Must not know any element.

use std::fmt::Write as _;

/// A document that grows at its end.
#[derive(Debug, Default)]
pub struct Xml {
    text: String,
    /// The day that was written last, and its text: one calendar's times are mostly of few days.
    day: Option<(i64, String)>,
    /// What of it tells of failures, by their labels.
    failures: Vec<&'static str>,
}

impl Xml {
    /// An empty document with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), ..Self::default() }
    }

    /// Adds markup as it is; never text from outside.
    pub fn raw(&mut self, markup: &str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Adds text, escaped for content and for double-quoted attributes. Characters that XML 1.0
    /// cannot hold become U+FFFD (XML 1.0 §2.2).
    pub fn text(&mut self, text: &str) -> &mut Self {
        let mut rest = text;
        while let Some(at) = rest.find(needs_care) {
            let (plain, from) = rest.split_at(at);
            self.text.push_str(plain);
            let mut characters = from.chars();
            match characters.next() {
                Some('&') => self.text.push_str("&amp;"),
                Some('<') => self.text.push_str("&lt;"),
                Some('>') => self.text.push_str("&gt;"),
                Some('"') => self.text.push_str("&quot;"),
                Some('\r') => self.text.push_str("&#xD;"),
                _ => self.text.push('\u{FFFD}'),
            }
            rest = characters.as_str();
        }
        self.text.push_str(rest);
        self
    }

    /// Notes that a part tells of a failure.
    pub fn note_failure(&mut self, label: &'static str) {
        self.failures.push(label);
    }

    /// The labels of the failures that it tells of.
    #[must_use]
    pub fn failures(&self) -> &[&'static str] {
        &self.failures
    }

    /// Adds a number, or anything else whose display form needs no escaping.
    pub fn number(&mut self, number: impl std::fmt::Display) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{number}");
        self
    }

    /// Adds `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// Adds a local time without offset, `2027-03-10T09:00:00`, from seconds since
    /// 1970-01-01T00:00:00 on the same clock.
    pub fn local_time(&mut self, local_second: i64) -> &mut Self {
        let days = local_second.div_euclid(86_400);
        match &self.day {
            Some((written, text)) if *written == days => self.text.push_str(text),
            _ => {
                let from = self.text.len();
                let (year, month, day) = civil_from_days(days);
                self.digits(year, 4).raw("-").digits(month, 2).raw("-").digits(day, 2).raw("T");
                self.day = Some((days, self.text.get(from..).unwrap_or_default().to_owned()));
            }
        }
        self.clock(local_second.rem_euclid(86_400))
    }

    /// Adds a time of day, `09:00:00`, from seconds since midnight.
    pub fn clock(&mut self, second: i64) -> &mut Self {
        self.digits(second / 3600, 2).raw(":").digits(second / 60 % 60, 2).raw(":").digits(second % 60, 2)
    }

    /// The document.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// Length in bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn digits(&mut self, number: i64, width: usize) -> &mut Self {
        // Dates and clocks are small; what is not is none.
        let mut rest = u32::try_from(number).unwrap_or_default();
        let mut digits = [b'0'; 4];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        let text = std::str::from_utf8(&digits).unwrap_or_default();
        self.text.push_str(text.get(4 - width..).unwrap_or_default());
        self
    }
}

/// The Gregorian date of a count of days since 1970-01-01.
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.)
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn needs_care(character: char) -> bool {
    matches!(character, '&' | '<' | '>' | '"' | '\r' | '\u{FFFE}' | '\u{FFFF}')
        || (character < ' ' && character != '\t' && character != '\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_hold_is_replaced() {
        let mut xml = Xml::default();
        xml.text("a<b & \"c\">\u{b}d\r\n\u{FFFE}é😀");
        assert_eq!(xml.finish(), "a&lt;b &amp; &quot;c&quot;&gt;\u{FFFD}d&#xD;\n\u{FFFD}é😀");
    }

    proptest! {
        #[test]
        fn local_times_are_those_of_jiff(second in -2_000_000_000_i64..5_000_000_000) {
            let mut xml = Xml::default();
            xml.local_time(second);
            let expected = jiff::Timestamp::from_second(second)
                .map(|at| jiff::tz::Offset::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S").to_string())
                .unwrap_or_default();
            prop_assert_eq!(xml.finish(), expected);
        }
    }
}
