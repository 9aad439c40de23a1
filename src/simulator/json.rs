//! Reading JSON that a caller sent, strictly: wrong types and unknown names are refused in Graph's words.
//! Knows no entity; the readers of requests name the properties.

use serde_json::{Map, Value};

use super::error::Refusal;

/// The code of every refusal to read a body.
const CODE: &str = "RequestBodyRead";

pub(super) fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| wrong_type(what, "an object"))
}

pub(super) fn array<'a>(value: &'a Value, what: &str) -> Result<&'a Vec<Value>, Refusal> {
    value.as_array().ok_or_else(|| wrong_type(what, "an array"))
}

pub(super) fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, Refusal> {
    value.as_str().ok_or_else(|| wrong_type(what, "a string"))
}

pub(super) fn boolean(value: &Value, what: &str) -> Result<bool, Refusal> {
    value.as_bool().ok_or_else(|| wrong_type(what, "a boolean"))
}

pub(super) fn integer(value: &Value, what: &str) -> Result<i32, Refusal> {
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| wrong_type(what, "a 32-bit integer"))
}

/// The canonical spelling of a member of an enumeration; input may be in any case of letters.
pub(super) fn one_of(value: &Value, what: &str, allowed: &[&'static str]) -> Result<&'static str, Refusal> {
    let given = text(value, what)?;
    let found = allowed.iter().find(|name| name.eq_ignore_ascii_case(given));
    found.copied().ok_or_else(|| {
        Refusal::bad(CODE, format!("Requested value '{given}' was not found: property '{what}' has no such member."))
    })
}

/// Refuses properties beyond the known ones. Annotations such as `@odata.type` are always allowed.
pub(super) fn known(object: &Map<String, Value>, names: &[&str], entity: &str, strict: bool) -> Result<(), Refusal> {
    let unknown = object.keys().find(|key| !key.starts_with("@odata.") && !names.contains(&key.as_str()));
    match unknown {
        Some(name) if strict => Err(Refusal::bad(
            CODE,
            format!(
                "The property '{name}' does not exist on type 'microsoft.graph.{entity}'. \
                 Make sure to only use property names that are defined by the type."
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn wrong_type(what: &str, wanted: &str) -> Refusal {
    Refusal::bad(CODE, format!("The property '{what}' has a value of the wrong type; {wanted} is expected."))
}

pub(super) fn missing(what: &str) -> Refusal {
    Refusal::bad(CODE, format!("The property '{what}' is required and was not given."))
}

/// The whole body of a request as JSON.
pub(super) fn body(bytes: &[u8]) -> Result<Value, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::bad("BadRequest", "Empty Payload. JSON content expected."));
    }
    serde_json::from_slice(bytes).map_err(|_| {
        Refusal::bad("BadRequest", "Unable to read JSON request payload. Please ensure it is well formed.")
    })
}
