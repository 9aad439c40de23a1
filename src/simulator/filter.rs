//! The part of OData's `$filter` that finds directory objects: equality, prefixes and `any` over addresses.
//! Everything else is refused, as the directory does with `Request_UnsupportedQuery`.

use serde_json::Value;

use super::error::Refusal;

/// A filter: alternatives, each a list of conditions.
#[derive(Debug)]
pub(super) struct Filter {
    alternatives: Vec<Vec<Condition>>,
}

#[derive(Debug)]
enum Condition {
    Equal { property: String, value: Value },
    StartsWith { property: String, prefix: String },
    AnyEqual { property: String, value: String },
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let alternatives = split(text, " or ").into_iter().map(|alternative| {
            split(alternative, " and ")
                .into_iter()
                .map(|part| condition(part.trim()).ok_or_else(|| unsupported(part)))
                .collect()
        });
        Ok(Self { alternatives: alternatives.collect::<Result<_, _>>()? })
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.alternatives.iter().any(|all| all.iter().all(|condition| condition.holds(object)))
    }

    /// Whether all conditions are about these properties.
    pub(super) fn names_only(&self, properties: &[&str]) -> bool {
        self.alternatives.iter().flatten().all(|condition| properties.contains(&condition.property()))
    }
}

impl Condition {
    fn property(&self) -> &str {
        match self {
            Self::Equal { property, .. } | Self::StartsWith { property, .. } | Self::AnyEqual { property, .. } => {
                property
            }
        }
    }

    fn holds(&self, object: &Value) -> bool {
        let Some(found) = object.get(self.property()) else { return false };
        match self {
            Self::Equal { value, .. } => match (found.as_str(), value.as_str()) {
                (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                _ => found == value,
            },
            Self::StartsWith { prefix, .. } => {
                found.as_str().is_some_and(|text| text.to_lowercase().starts_with(&prefix.to_lowercase()))
            }
            Self::AnyEqual { value, .. } => {
                found.as_array().into_iter().flatten().filter_map(Value::as_str).any(|one| same_proxy(one, value))
            }
        }
    }
}

/// Proxy addresses: the prefix tells primary (`SMTP:`) from alias (`smtp:`), the rest has no case.
fn same_proxy(a: &str, b: &str) -> bool {
    match (a.split_once(':'), b.split_once(':')) {
        (Some((kind, rest)), Some((other, wanted))) => kind == other && rest.eq_ignore_ascii_case(wanted),
        _ => a == b,
    }
}

fn condition(text: &str) -> Option<Condition> {
    if let Some(inside) = text.strip_prefix("startswith(").or_else(|| text.strip_prefix("startsWith(")) {
        let (property, value) = inside.strip_suffix(')')?.split_once(',')?;
        return Some(Condition::StartsWith { property: name(property)?, prefix: quoted(value)? });
    }
    if let Some((property, inside)) = text.split_once("/any(") {
        let (variable, test) = inside.strip_suffix(')')?.split_once(':')?;
        let (left, value) = test.split_once(" eq ")?;
        if left.trim() != variable.trim() || name(property)? != "proxyAddresses" {
            return None;
        }
        return Some(Condition::AnyEqual { property: name(property)?, value: quoted(value)? });
    }
    let (property, value) = text.split_once(" eq ")?;
    let value = match value.trim() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => Value::String(quoted(text)?),
    };
    Some(Condition::Equal { property: name(property)?, value })
}

fn name(text: &str) -> Option<String> {
    const KNOWN: [&str; 8] =
        ["id", "mail", "userPrincipalName", "displayName", "givenName", "surname", "accountEnabled", "mailNickname"];
    let text = text.trim();
    (KNOWN.contains(&text) || ["proxyAddresses", "mailEnabled", "securityEnabled"].contains(&text))
        .then(|| text.to_owned())
}

/// A literal in single quotes, those inside it doubled.
pub(super) fn quoted(text: &str) -> Option<String> {
    let inside = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let plain = inside.replace("''", "\u{0}");
    (!plain.contains('\'')).then(|| plain.replace('\u{0}', "'"))
}

/// Splits at a separator outside of quotes and parentheses.
pub(super) fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut begin, mut depth, mut is_quoted) = (0, 0_usize, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_free = !is_quoted && depth == 0 && at >= begin;
        if is_free && text.get(at..).is_some_and(|rest| rest.starts_with(separator)) {
            parts.push(text.get(begin..at).unwrap_or_default());
            begin = at + separator.len();
        }
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts
}

fn unsupported(part: &str) -> Refusal {
    Refusal::bad("Request_UnsupportedQuery", format!("Unsupported or invalid query filter clause specified: '{part}'."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_by_mail_or_alias() {
        let user =
            json!({ "mail": "Anna.O'Hara@t.example", "proxyAddresses": ["SMTP:anna@t.example", "smtp:ann@t.example"] });
        let matches = |text: &str| Filter::parse(text).unwrap().matches(&user);
        assert!(matches("mail eq 'anna.o''hara@t.example' or userPrincipalName eq 'x'"));
        assert!(matches("proxyAddresses/any(p:p eq 'smtp:ANN@t.example')"));
        assert!(!matches("proxyAddresses/any(p:p eq 'smtp:anna@t.example')"));
        assert!(!matches("mail eq 'x or mail eq y'"));
        assert!(matches("startswith(mail,'anna') and mail eq 'anna.o''hara@t.example'"));
    }

    #[test]
    fn other_filters_are_unsupported() {
        for text in ["mail ne 'x'", "endswith(mail,'x')", "mail eq 'o'hara'", "color eq 'red'", ""] {
            assert_eq!(Filter::parse(text).unwrap_err().code, "Request_UnsupportedQuery", "{text}");
        }
    }
}
