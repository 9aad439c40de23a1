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
pub fn order(one: &Value<'_>, other: &Value<'_>) -> Ordering {
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

/// A constant as a value of the same kind as another; nothing if it cannot be one.
pub(super) fn constant<'c>(like: &Value<'_>, text: &'c str, zone: &Zone) -> Option<Value<'c>> {
    let trimmed = text.trim();
    match like {
        Value::Text(_) | Value::Texts(_) => Some(Value::Text(Cow::Borrowed(text))),
        Value::Number(_) => trimmed.parse().ok().map(Value::Number),
        Value::Flag(_) => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Flag(true)),
            "false" | "0" => Some(Value::Flag(false)),
            _ => None,
        },
        Value::Instant(_) => WireTime::parse(trimmed).map(|time| Value::Instant(time.second(zone))),
        Value::Rank(_, _, names) => {
            let place = names.iter().position(|name| name.eq_ignore_ascii_case(trimmed))?;
            Some(Value::Rank(names.get(place)?, place, names))
        }
    }
}

/// Whether a value's text, or any of its texts, holds another.
pub(super) fn contains(value: &Value<'_>, text: &str, mode: Mode, comparison: Comparison) -> bool {
    let wanted = comparison.fold(text);
    let holds = |whole: &str| {
        let whole = comparison.fold(whole);
        match mode {
            Mode::FullString => whole == wanted,
            Mode::Prefixed => whole.starts_with(&wanted),
            Mode::Substring => whole.contains(&wanted),
            Mode::PrefixOnWords => begins_word(&whole, &wanted, false),
            Mode::ExactPhrase => begins_word(&whole, &wanted, true),
        }
    };
    match value {
        Value::Text(text) => holds(text),
        Value::Texts(texts) => texts.iter().any(|text| holds(text)),
        Value::Rank(name, ..) => holds(name),
        Value::Number(_) | Value::Flag(_) | Value::Instant(_) => false,
    }
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
