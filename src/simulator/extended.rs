//! Extended (MAPI) properties of events: their ids, their values, and how a body gives them.
//! Knows neither mailboxes nor HTTP.
//! <https://learn.microsoft.com/graph/api/resources/extended-properties-overview>

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::Refusal;
use super::json::{array, known, missing, object, text, wrong_type};

/// The types of single values; a type of several is one of these with `Array` behind it.
const TYPES: [&str; 14] = [
    "ApplicationTime",
    "Binary",
    "Boolean",
    "CLSID",
    "Currency",
    "Double",
    "Error",
    "Float",
    "Integer",
    "Long",
    "Object",
    "Short",
    "String",
    "SystemTime",
];

/// The id of a property in one spelling, whichever the caller used: `String {guid} Name X`,
/// `Integer {guid} Id 0x8216` or `String 0x36`. Only the letters of a name have a case.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Id {
    canonical: String,
    kind: &'static str,
    is_list: bool,
}

impl Id {
    /// Reads the id of a single value, or of several.
    ///
    /// # Errors
    /// `ErrorInvalidArgument` for a text that is no such id.
    pub(super) fn parse(given: &str, is_list: bool) -> Result<Self, Refusal> {
        let found = Self::read(given).filter(|id| id.is_list == is_list);
        found.ok_or_else(|| {
            Refusal::bad("ErrorInvalidArgument", format!("The extended property id '{given}' is not valid."))
        })
    }

    fn read(given: &str) -> Option<Self> {
        let (kind, rest) = given.trim().split_once(' ')?;
        let stem = kind.get(..kind.len().saturating_sub(5)).filter(|_| kind.to_ascii_lowercase().ends_with("array"));
        let is_list = stem.is_some();
        let kind = TYPES.into_iter().find(|name| name.eq_ignore_ascii_case(stem.unwrap_or(kind)))?;
        let list = if is_list { "Array" } else { "" };
        let canonical = if let Some((set, rest)) = rest.trim().strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            let set = Uuid::parse_str(set).ok()?;
            let (word, value) = rest.trim_start().split_once(' ')?;
            let value = value.trim();
            match word.to_ascii_lowercase().as_str() {
                "name" if !value.is_empty() => format!("{kind}{list} {{{set}}} Name {value}"),
                "id" => format!("{kind}{list} {{{set}}} Id 0x{:x}", hex(value)?),
                _ => return None,
            }
        } else {
            format!("{kind}{list} 0x{:x}", hex(rest.trim())?)
        };
        Some(Self { canonical, kind, is_list })
    }

    /// Whether a value has the form of the id's type.
    fn admits(&self, value: &str) -> bool {
        match self.kind {
            "Integer" | "Error" => value.parse::<i32>().is_ok(),
            "Short" => value.parse::<i16>().is_ok(),
            "Long" | "Currency" => value.parse::<i64>().is_ok(),
            "Double" | "Float" | "ApplicationTime" => value.parse::<f64>().is_ok(),
            "Boolean" => value.parse::<bool>().is_ok() || ["True", "False"].contains(&value),
            "CLSID" => Uuid::parse_str(value).is_ok(),
            "SystemTime" => value.parse::<jiff::Timestamp>().is_ok(),
            "Binary" => STANDARD.decode(value).is_ok(),
            _ => true,
        }
    }
}

fn hex(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u16::from_str_radix(digits, 16).ok()
}

/// The extended properties of one event.
#[derive(Clone, Debug, Default)]
pub(super) struct Extended {
    singles: BTreeMap<Id, String>,
    lists: BTreeMap<Id, Vec<String>>,
}

impl Extended {
    pub(super) fn single(&self, id: &Id) -> Option<&str> {
        self.singles.get(id).map(String::as_str)
    }

    /// Those of the wanted ids that are there, as `singleValueLegacyExtendedProperty`.
    pub(super) fn show_singles(&self, wanted: &[Id]) -> Vec<Value> {
        let found = self.singles.iter().filter(|(id, _)| wanted.contains(id));
        found.map(|(id, value)| json!({ "id": id.canonical, "value": value })).collect()
    }

    /// Those of the wanted ids that are there, as `multiValueLegacyExtendedProperty`.
    pub(super) fn show_lists(&self, wanted: &[Id]) -> Vec<Value> {
        let found = self.lists.iter().filter(|(id, _)| wanted.contains(id));
        found.map(|(id, values)| json!({ "id": id.canonical, "value": values })).collect()
    }
}

/// What a body does to extended properties: sets some, removes others.
#[derive(Debug, Default)]
pub(super) struct Changes {
    singles: Vec<(Id, Option<String>)>,
    lists: Vec<(Id, Option<Vec<String>>)>,
}

impl Changes {
    /// Reads both collections of a body; each may be absent.
    pub(super) fn read(singles: Option<&Value>, lists: Option<&Value>, strict: bool) -> Result<Self, Refusal> {
        let mut changes = Self::default();
        for (id, value) in pairs(singles, false, strict)? {
            let value = match value {
                None | Some(Value::Null) => None,
                Some(value) => Some(checked(&id, value)?).filter(|value| !value.is_empty()),
            };
            changes.singles.push((id, value));
        }
        for (id, values) in pairs(lists, true, strict)? {
            let values = match values {
                None | Some(Value::Null) => Vec::new(),
                Some(values) => {
                    array(values, "value")?.iter().map(|value| checked(&id, value)).collect::<Result<_, _>>()?
                }
            };
            changes.lists.push((id, Some(values).filter(|values| !values.is_empty())));
        }
        Ok(changes)
    }

    pub(super) fn apply(self, extended: &mut Extended) {
        for (id, value) in self.singles {
            match value {
                Some(value) => extended.singles.insert(id, value),
                None => extended.singles.remove(&id),
            };
        }
        for (id, values) in self.lists {
            match values {
                Some(values) => extended.lists.insert(id, values),
                None => extended.lists.remove(&id),
            };
        }
    }
}

type Pair<'a> = (Id, Option<&'a Value>);

fn pairs(collection: Option<&Value>, is_list: bool, strict: bool) -> Result<Vec<Pair<'_>>, Refusal> {
    let entity = if is_list { "multiValueLegacyExtendedProperty" } else { "singleValueLegacyExtendedProperty" };
    let Some(collection) = collection else { return Ok(Vec::new()) };
    let read = |one| {
        let one = object(one, entity)?;
        known(one, &["id", "value"], entity, strict)?;
        let id = text(one.get("id").ok_or_else(|| missing("id"))?, "id")?;
        Ok((Id::parse(id, is_list)?, one.get("value")))
    };
    array(collection, entity)?.iter().map(read).collect()
}

/// A value in JSON is a text, whatever its type.
fn checked(id: &Id, value: &Value) -> Result<String, Refusal> {
    let value = text(value, "value")?;
    if value.is_empty() || id.admits(value) { Ok(value.to_owned()) } else { Err(wrong_type("value", id.kind)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn ids_are_the_same_in_every_spelling_but_names_have_a_case() {
        let id = |text: &str| Id::parse(text, false).unwrap();
        let set = "66F5A359-4659-4830-9070-00047EC6AC6E";
        assert_eq!(
            id(&format!("string {{{set}}} name Color")),
            id(&format!("String {{{}}} Name Color", set.to_lowercase()))
        );
        assert_ne!(id(&format!("String {{{set}}} Name Color")), id(&format!("String {{{set}}} Name color")));
        assert_eq!(id(&format!("Integer {{{set}}} Id 0x8216")), id(&format!("Integer {{{set}}} id 0X08216")));
        assert_eq!(id("String 0x36"), id("String 0x0036"));
        assert_ne!(id("String 0x36"), id("Integer 0x36"));
        assert_eq!(id("Integer 0x0E08").canonical, "Integer 0xe08");
    }

    #[test]
    fn other_ids_are_refused() {
        for wrong in ["", "String", "String 36", "Text 0x36", "String {x} Name y", "String 0x12345", "StringArray 0x36"]
        {
            assert!(Id::parse(wrong, false).is_err(), "{wrong}");
        }
        assert!(Id::parse("StringArray {66f5a359-4659-4830-9070-00047ec6ac6e} Name Palette", true).is_ok());
    }

    #[test]
    fn values_fit_their_type() {
        let read = |id: &str, value: Value| Changes::read(Some(&json!([{ "id": id, "value": value }])), None, true);
        assert!(read("Integer 0x8216", json!("5")).is_ok());
        assert!(read("Integer 0x8216", json!("five")).is_err());
        assert!(read("Integer 0x8216", json!(5)).is_err(), "values are texts");
        assert!(read("SystemTime 0x8216", json!("2026-11-24T10:00:00Z")).is_ok());
        assert!(read("Boolean 0x8216", json!(null)).is_ok());
    }
}
