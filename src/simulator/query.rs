//! OData query options and preferences: parsing, paging, projection.
//! Knows no entity; each call says which options and names it has.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::Refusal;
use super::ids::Form;
use super::zone::Zone;

/// A parsed query string.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    options: BTreeMap<String, String>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut options = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if options.insert(name.to_string(), value.to_string()).is_some() {
                return Err(bad(format!("Query option '{name}' was specified more than once.")));
            }
        }
        Ok(Self { options })
    }

    pub(super) fn allow(&self, names: &[&str], strict: bool) -> Result<(), Refusal> {
        match self.options.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) if strict => Err(bad(format!("The query option '{name}' is not known to this call."))),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str, least: usize, most: usize) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        match number {
            Some(number) => Ok(Some(number)),
            None => {
                Err(bad(format!("Invalid value '{text}' for {name}: a number from {least} to {most} is expected.")))
            }
        }
    }

    /// The names of `$select`, each of which the entity must have.
    pub(super) fn select(&self, known: &[&str], entity: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(text) = self.get("$select") else { return Ok(None) };
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(bad(format!("Could not find a property named '{name}' on type 'microsoft.graph.{entity}'.")))
            }
            None => Ok(Some(names)),
        }
    }

    /// The query string with one option replaced.
    fn with(&self, name: &str, value: &str) -> String {
        let mut writer = url::form_urlencoded::Serializer::new(String::new());
        for (key, old) in self.options.iter().filter(|(key, _)| *key != name) {
            writer.append_pair(key, old);
        }
        writer.append_pair(name, value);
        writer.finish()
    }
}

fn bad(message: String) -> Refusal {
    Refusal::bad("BadRequest", message)
}

/// Which part of a collection is asked for.
pub(super) struct Page {
    size: usize,
    skip: usize,
    option: &'static str,
}

impl Page {
    /// `$top` and `$skip`, as Exchange's collections page.
    pub(super) fn by_skip(query: &Query, default: usize, most: usize) -> Result<Self, Refusal> {
        let size = query.number("$top", 1, most)?.unwrap_or(default);
        let skip = query.number("$skip", 0, usize::MAX)?.unwrap_or(0);
        Ok(Self { size, skip, option: "$skip" })
    }

    /// `$top` and an opaque `$skiptoken`, as the directory's collections page.
    pub(super) fn by_token(query: &Query, default: usize, most: usize) -> Result<Self, Refusal> {
        let size = query.number("$top", 1, most)?.unwrap_or(default);
        let skip = match query.get("$skiptoken") {
            None => 0,
            Some(token) => {
                let number = token.strip_prefix("RFNwdAIAAQAAAA").and_then(|digits| digits.parse().ok());
                number.ok_or_else(|| Refusal::bad("Directory_ExpiredPageToken", "The page token is not valid."))?
            }
        };
        Ok(Self { size, skip, option: "$skiptoken" })
    }

    /// One page of a collection, of which only that much is shown. `here` makes the link to the next one.
    pub(super) fn cut<T>(
        &self,
        all: Vec<T>,
        show: impl FnMut(T) -> Value,
        context: &str,
        query: &Query,
        here: &Here,
    ) -> Value {
        let total = all.len();
        let next = self.skip.saturating_add(self.size);
        let value: Vec<Value> = all.into_iter().skip(self.skip).take(self.size).map(show).collect();
        let mut page = Map::new();
        page.insert("@odata.context".to_owned(), json!(format!("{}/v1.0/$metadata#{context}", here.origin)));
        if query.get("$count") == Some("true") {
            page.insert("@odata.count".to_owned(), json!(total));
        }
        page.insert("value".to_owned(), Value::Array(value));
        if next < total {
            let mark = if self.option == "$skip" { next.to_string() } else { format!("RFNwdAIAAQAAAA{next}") };
            let link = format!("{}{}?{}", here.origin, here.path, query.with(self.option, &mark));
            page.insert("@odata.nextLink".to_owned(), json!(link));
        }
        Value::Object(page)
    }
}

/// Where a call arrived: scheme and authority, and the path as it was sent.
#[derive(Clone, Debug)]
pub(super) struct Here {
    pub(super) origin: String,
    pub(super) path: String,
}

/// Keeps the selected properties; annotations and the id always stay.
pub(super) fn project(entity: Value, select: Option<&[String]>) -> Value {
    let (Some(names), Value::Object(fields)) = (select, &entity) else { return entity };
    let keep = |key: &str| key.starts_with('@') || key == "id" || names.iter().any(|name| name == key);
    Value::Object(fields.iter().filter(|(key, _)| keep(key)).map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// The `Prefer` header's preferences that mean something here.
#[derive(Clone, Debug)]
pub(super) struct Preferences {
    pub(super) zone: Option<Zone>,
    pub(super) text_body: bool,
    pub(super) page_size: Option<usize>,
    pub(super) ids: Form,
    /// What `Preference-Applied` says.
    pub(super) applied: Vec<String>,
}

impl Preferences {
    pub(super) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut preferences =
            Self { zone: None, text_body: false, page_size: None, ids: Form::Usual, applied: Vec::new() };
        for item in headers.flat_map(|header| header.split([',', ';'])) {
            let Some((name, value)) = item.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "outlook.timezone" => {
                    preferences.zone = Some(Zone::named(value).ok_or_else(|| Refusal::unknown_zone(value))?);
                }
                "outlook.body-content-type" => preferences.text_body = value.eq_ignore_ascii_case("text"),
                "odata.maxpagesize" => preferences.page_size = value.parse().ok().filter(|size| *size > 0),
                "idtype" if value.eq_ignore_ascii_case("ImmutableId") => preferences.ids = Form::Immutable,
                _ => continue,
            }
            preferences.applied.push(item.trim().to_owned());
        }
        Ok(preferences)
    }

    pub(super) fn zone_or_utc(&self) -> Zone {
        self.zone.clone().unwrap_or_else(Zone::utc)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn preferences_combine() {
        let header =
            "outlook.timezone=\"Tokyo Standard Time\", IdType=\"ImmutableId\", outlook.body-content-type=\"text\"";
        let preferences = Preferences::parse([header].into_iter()).unwrap();
        assert_eq!(preferences.zone.unwrap().name, "Tokyo Standard Time");
        assert!(preferences.text_body && preferences.ids == Form::Immutable);
        assert_eq!(preferences.applied.len(), 3);
        assert!(Preferences::parse(["outlook.timezone=\"Nowhere\""].into_iter()).is_err());
    }

    #[test]
    fn options_are_not_repeated_nor_invented() {
        assert!(Query::parse("$top=1&$top=2").is_err());
        assert!(Query::parse("$tip=1").unwrap().allow(&["$top"], true).is_err());
        assert!(Query::parse("%24top=0").unwrap().number("$top", 1, 1000).is_err());
    }
}
