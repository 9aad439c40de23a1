//! How values compare: with each other, with constants, and as texts that hold other texts.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/contains>

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::calendar_item::Value;
use super::super::value::WireTime;
use crate::calendar::zone::Zone;
use crate::failure::Failure;

/// Where in a text another one must stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is the whole of it.
    #[default]
    FullString,
    /// At its beginning.
    Prefixed,
    /// Anywhere.
    Substring,
    /// At the beginning of a word.
    PrefixOnWords,
    /// As whole words.
    ExactPhrase,
}

/// What counts when texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Upper and lower case.
    pub case: bool,
    /// Marks that combine with the character before (U+0300 to U+036F).
    pub marks: bool,
}

/// What a request compares properties with, in every form that it may be needed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    text: String,
    folded: String,
    number: Option<f64>,
    flag: Option<bool>,
    time: Option<WireTime>,
}

/// A text that others have to hold, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    mode: Mode,
    comparison: Comparison,
    folded: String,
}

/// A value to sort by, made once for each item. Those of different kinds come one kind after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// Also a yes or no, an instant and a place among names.
    Number(f64),
    /// Without regard to case.
    Text(String),
}

impl Constant {
    /// From the request's text.
    #[must_use]
    pub fn new(text: String) -> Self {
        let trimmed = text.trim();
        let flag = match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        let (number, time) = (trimmed.parse().ok(), WireTime::parse(trimmed));
        Self { folded: folded(&text), number, flag, time, text }
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How a value is ordered to it; nothing if it cannot be a value of that kind.
    pub(super) fn order_of(&self, value: &Value<'_>, zone: &Zone) -> Option<Ordering> {
        match value {
            Value::Number(number) => self.number.map(|other| number.total_cmp(&other)),
            Value::Flag(flag) => self.flag.map(|other| flag.cmp(&other)),
            Value::Instant(second) => self.time.map(|other| second.cmp(&other.second(zone))),
            Value::Rank(_, place, names) => {
                let trimmed = self.text.trim();
                names.iter().position(|name| name.eq_ignore_ascii_case(trimmed)).map(|other| place.cmp(&other))
            }
            Value::Texts(texts) if texts.iter().any(|text| folded(text) == self.folded) => Some(Ordering::Equal),
            Value::Text(_) | Value::Texts(_) => Some(folded(&text(value)).cmp(&self.folded)),
        }
    }
}

impl Wanted {
    /// A text that has to stand somewhere.
    #[must_use]
    pub fn new(mode: Mode, comparison: Comparison, text: &str) -> Self {
        Self { mode, comparison, folded: comparison.fold(text) }
    }

    /// Whether a value's text, or any of its texts, holds it.
    pub(super) fn is_in(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Text(text) => self.is_in_text(text),
            Value::Texts(texts) => texts.iter().any(|text| self.is_in_text(text)),
            Value::Rank(name, ..) => self.is_in_text(name),
            Value::Number(_) | Value::Flag(_) | Value::Instant(_) => false,
        }
    }

    fn is_in_text(&self, whole: &str) -> bool {
        let (whole, wanted) = (self.comparison.fold(whole), &self.folded);
        match self.mode {
            Mode::FullString => whole == *wanted,
            Mode::Prefixed => whole.starts_with(wanted),
            Mode::Substring => whole.contains(wanted),
            Mode::PrefixOnWords => begins_word(&whole, wanted, false),
            Mode::ExactPhrase => begins_word(&whole, wanted, true),
        }
    }
}

impl Key {
    /// Of a value.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "instants and places are far below 2^53")]
    pub fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Number(number) => Self::Number(*number),
            Value::Flag(flag) => Self::Number(f64::from(u8::from(*flag))),
            Value::Instant(second) => Self::Number(*second as f64),
            Value::Rank(_, place, _) => Self::Number(*place as f64),
            Value::Text(_) | Value::Texts(_) => Self::Text(folded(&text(value))),
        }
    }

    /// Which comes first.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl Mode {
    /// By its name; a missing one means the whole text.
    pub(super) fn named(name: Option<&str>) -> Result<Self, Failure> {
        match name {
            None | Some("FullString") => Ok(Self::FullString),
            Some("Prefixed") => Ok(Self::Prefixed),
            Some("Substring") => Ok(Self::Substring),
            Some("PrefixOnWords") => Ok(Self::PrefixOnWords),
            Some("ExactPhrase") => Ok(Self::ExactPhrase),
            Some(_) => Err(wrong("ContainmentMode")),
        }
    }
}

impl Comparison {
    /// By its name; a missing one means that everything counts.
    pub(super) fn named(name: Option<&str>) -> Result<Self, Failure> {
        let (case, marks) = match name {
            None | Some("Exact") => (true, true),
            Some("IgnoreCase") => (false, true),
            Some("IgnoreNonSpacingCharacters" | "LooseAndIgnoreNonSpace" | "Loose") => (true, false),
            Some(
                "IgnoreCaseAndNonSpacingCharacters" | "LooseAndIgnoreCase" | "LooseAndIgnoreCaseAndIgnoreNonSpace",
            ) => (false, false),
            Some(_) => return Err(wrong("ContainmentComparison")),
        };
        Ok(Self { case, marks })
    }

    fn fold(self, text: &str) -> String {
        let kept = text.chars().filter(|character| self.marks || !('\u{300}'..='\u{36F}').contains(character));
        if self.case { kept.collect() } else { kept.flat_map(char::to_lowercase).collect() }
    }
}

/// How two values of one kind are ordered; texts without regard to case, as Exchange does it.
#[must_use]
pub(super) fn order(one: &Value<'_>, other: &Value<'_>) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.total_cmp(other),
        (Value::Flag(one), Value::Flag(other)) => one.cmp(other),
        (Value::Instant(one), Value::Instant(other)) => one.cmp(other),
        (Value::Rank(_, one, _), Value::Rank(_, other, _)) => one.cmp(other),
        (Value::Texts(one), other) if one.iter().any(|one| folded(one) == folded(&text(other))) => Ordering::Equal,
        (one, other) => folded(&text(one)).cmp(&folded(&text(other))),
    }
}

/// Whether two values can be compared with each other.
pub(super) fn same_kind(one: &Value<'_>, other: &Value<'_>) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Whether a number has none of the bits.
pub(super) fn excludes(value: &Value<'_>, mask: i64) -> bool {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "bits of whole numbers are asked for; others have none")]
        Value::Number(number) => *number as i64 & mask == 0,
        Value::Rank(_, place, _) => i64::try_from(*place).is_ok_and(|place| place & mask == 0),
        _ => false,
    }
}

fn begins_word(whole: &str, wanted: &str, whole_words: bool) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    whole.match_indices(wanted).any(|(at, _)| {
        let before = whole.get(..at).and_then(|text| text.chars().next_back());
        let after = whole.get(at + wanted.len()..).and_then(|text| text.chars().next());
        !(is_part(before) || whole_words && is_part(after))
    })
}

fn text<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Rank(name, ..) => Cow::Borrowed(name),
        Value::Texts(texts) => Cow::Owned(texts.join("; ")),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Instant(second) => Cow::Owned(second.to_string()),
    }
}

fn folded(text: &str) -> String {
    Comparison { case: false, marks: true }.fold(text)
}

fn wrong(attribute: &str) -> Failure {
    Failure::Schema { path: attribute.to_owned(), problem: "is not what the schema allows".to_owned() }
}
