//! Extended properties, and the gateway's own ones among them.
//! <https://learn.microsoft.com/graph/api/resources/extended-properties-overview>
//!
//! Owns their ids in Graph's form, and what the gateway keeps in its own. These are in a set that no
//! other program uses, are never among the properties of an event, and no caller can ask for them.

use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::names::{role, role_name};
use crate::calendar::event::{Attendee, Person, PropertyId, PropertyName, PropertyValue, Response};

/// The set of the gateway's own properties.
const OWN: Uuid = uuid!("3b5d2a54-8c1e-4f27-9d0a-6e1f4c7b92d8");
/// The `transactionId` that an event was made with, by which it can be found.
pub(super) const TRANSACTION: &str = "TransactionId";
/// A UID that the caller chose; Graph gives each event one of its own.
pub(super) const UID: &str = "Uid";
/// Attendees who stand on the organizer's item and were not told, as JSON.
pub(super) const HELD_BACK: &str = "HeldBack";

/// A property of one value, received.
#[derive(Debug, Deserialize)]
pub(in crate::graph) struct Single {
    id: String,
    value: Option<String>,
}

/// A property of several values, received.
#[derive(Debug, Deserialize)]
pub(in crate::graph) struct Many {
    id: String,
    value: Option<Vec<String>>,
}

/// Properties of an event, taken apart.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) uid: Option<String>,
    pub(super) held_back: Vec<Attendee>,
    pub(super) properties: Vec<(PropertyId, PropertyValue)>,
}

/// An attendee in [`HELD_BACK`].
#[derive(Debug, Deserialize, Serialize)]
struct HeldBack {
    name: String,
    address: String,
    role: String,
}

/// The id of a property of our own.
pub(super) fn own(name: &str) -> String {
    format!("String {{{OWN}}} Name {name}")
}

/// The condition on events that a transaction made them
/// (<https://learn.microsoft.com/graph/api/singlevaluelegacyextendedproperty-get>).
pub(in crate::graph) fn transaction_filter(transaction: Uuid) -> String {
    let id = own(TRANSACTION);
    format!("singleValueExtendedProperties/any(ep: ep/id eq '{id}' and ep/value eq '{transaction}')")
}

/// Whether a property is one of our own.
pub(super) fn is_own(id: &PropertyId) -> bool {
    matches!(&id.name, PropertyName::Number(set, _) | PropertyName::Text(set, _) if *set == OWN)
}

/// Whether a property has several values.
pub(super) fn is_many(id: &PropertyId) -> bool {
    id.kind.ends_with("Array")
}

/// A property's id in Graph's form.
pub(super) fn id_text(id: &PropertyId) -> String {
    let kind = id.kind;
    match &id.name {
        PropertyName::Tag(tag) => format!("{kind} 0x{tag:x}"),
        PropertyName::Number(set, number) => format!("{kind} {{{set}}} Id 0x{number:x}"),
        PropertyName::Text(set, name) => format!("{kind} {{{set}}} Name {name}"),
    }
}

/// What was received: those that were asked for, and our own.
pub(super) fn found(singles: Vec<Single>, many: Vec<Many>, asked: &[PropertyId]) -> Found {
    let mut found = Found::default();
    for Single { id, value } in singles {
        let (Some(value), Some((kind, name))) = (value, take_apart(&id)) else { continue };
        match &name {
            PropertyName::Text(OWN, name) if name.eq_ignore_ascii_case(UID) => found.uid = Some(value),
            PropertyName::Text(OWN, name) if name.eq_ignore_ascii_case(HELD_BACK) => {
                found.held_back = held_back(&value)
            }
            name => found.add(asked, kind, name, PropertyValue::One(value)),
        }
    }
    for Many { id, value } in many {
        if let (Some(values), Some((kind, name))) = (value, take_apart(&id)) {
            found.add(asked, kind, &name, PropertyValue::Many(values));
        }
    }
    found
}

/// Attendees as [`HELD_BACK`] has them.
pub(super) fn held_back_text(attendees: &[Attendee]) -> String {
    let held = attendees.iter().map(|attendee| HeldBack {
        name: attendee.person.name.clone(),
        address: attendee.person.address.clone(),
        role: role_name(attendee.role).to_owned(),
    });
    serde_json::to_string(&held.collect::<Vec<_>>()).unwrap_or_default()
}

fn held_back(text: &str) -> Vec<Attendee> {
    let held: Vec<HeldBack> = serde_json::from_str(text).unwrap_or_default();
    let attendee = |held: HeldBack| Attendee {
        role: role(Some(&held.role)),
        person: Person { name: held.name, address: held.address },
        response: Response::None,
        responded: None,
    };
    held.into_iter().map(attendee).collect()
}

impl Found {
    fn add(&mut self, asked: &[PropertyId], kind: &str, name: &PropertyName, value: PropertyValue) {
        let is_it = |asked: &&PropertyId| asked.kind.eq_ignore_ascii_case(kind) && same(&asked.name, name);
        if let Some(id) = asked.iter().find(is_it).filter(|id| !is_own(id)) {
            self.properties.push((id.clone(), value));
        }
    }
}

/// Whether two names are one: Graph gives back names as they were first written, and Exchange does
/// not look at their case.
fn same(a: &PropertyName, b: &PropertyName) -> bool {
    match (a, b) {
        (PropertyName::Text(a_set, a), PropertyName::Text(b_set, b)) => a_set == b_set && a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

/// Kind and name of an id in Graph's form.
fn take_apart(id: &str) -> Option<(&str, PropertyName)> {
    let hex = |text: &str| {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let (kind, rest) = id.trim().split_once(' ')?;
    let Some((set, rest)) = rest.trim().strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return Some((kind, PropertyName::Tag(u16::try_from(hex(rest.trim())?).ok()?)));
    };
    let set = Uuid::parse_str(set).ok()?;
    let (word, value) = rest.trim_start().split_once(' ')?;
    match word.to_ascii_lowercase().as_str() {
        "name" => Some((kind, PropertyName::Text(set, value.trim().to_owned()))),
        "id" => Some((kind, PropertyName::Number(set, hex(value.trim())?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn ids_in_graphs_form_come_back_in_any_spelling() {
        let set = uuid!("00062002-0000-0000-c000-000000000046");
        let ids = [
            (PropertyName::Tag(0x0e08), "Integer 0xe08", "integer 0x0E08"),
            (
                PropertyName::Number(set, 0x8216),
                "Integer {00062002-0000-0000-c000-000000000046} Id 0x8216",
                "Integer {00062002-0000-0000-C000-000000000046} id 0X8216",
            ),
            (
                PropertyName::Text(set, "It's, (mine)".into()),
                "Integer {00062002-0000-0000-c000-000000000046} Name It's, (mine)",
                "Integer {00062002-0000-0000-c000-000000000046} Name it's, (mine)",
            ),
        ];
        for (name, sent, received) in ids {
            let id = PropertyId { kind: "Integer", name };
            assert_eq!(id_text(&id), sent);
            let received = Single { id: received.to_owned(), value: Some("7".to_owned()) };
            let found = found(vec![received], Vec::new(), std::slice::from_ref(&id));
            assert_eq!(found.properties, [(id, PropertyValue::One("7".into()))]);
        }
        for foreign in ["", "Integer", "Integer 7", "Integer {x} Id 0x1", "Integer {} Nom x"] {
            assert!(take_apart(foreign).is_none(), "{foreign}");
        }
    }

    #[test]
    fn our_own_are_not_shown_even_to_those_who_ask_for_them() {
        let ours = PropertyId { kind: "String", name: PropertyName::Text(OWN, UID.to_lowercase()) };
        let single = |name, value: &str| Single { id: own(name), value: Some(value.to_owned()) };
        let found = found(vec![single(UID, "u"), single(TRANSACTION, "t")], Vec::new(), &[ours]);
        assert_eq!((found.uid.as_deref(), found.properties.len()), (Some("u"), 0));
    }

    #[test]
    fn who_was_held_back_comes_back() {
        let person = Person { name: "Ä \"B\"".into(), address: "a@b".into() };
        let role = crate::calendar::event::Role::Optional;
        let attendee = Attendee { person, role, response: Response::None, responded: None };
        assert_eq!(held_back(&held_back_text(std::slice::from_ref(&attendee))), [attendee]);
        assert!(held_back("nonsense").is_empty());
    }
}
