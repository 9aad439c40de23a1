//! `Updates` as the request has them: one property set, added to or taken away each.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updates-item>
//!
//! Owns which properties can be changed, and how. What is wrong here is wrong with one item.

use std::mem;

use crate::calendar::event::{Body, Importance, PropertyId, Sensitivity};
use crate::ews::pull::Pull;
use crate::ews::types::calendar_item_draft::Draft;
use crate::ews::types::property_path::{Field, PropertyPath};
use crate::ews::types::value;
use crate::failure::Failure;

/// The updates of one item, not yet looked at.
#[derive(Debug)]
pub(super) struct Updates(Vec<Update>);

#[derive(Debug)]
struct Update {
    kind: Kind,
    path: Result<PropertyPath, Failure>,
    draft: Draft,
    /// The elements that the item of the update held.
    elements: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Set,
    Append,
    Delete,
}

/// What an item is to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// What is set, the later over the earlier. What is taken away is set to nothing.
    pub(super) draft: Draft,
    /// What is added: to the body and to the attendees.
    pub(super) added: Vec<Draft>,
    /// Extended properties that are taken away.
    pub(super) without: Vec<PropertyId>,
}

impl Updates {
    /// Reads the element that the reader stands in.
    pub(super) fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut updates = Vec::new();
        while let Some(part) = reader.child()? {
            match part.local() {
                "SetItemField" => updates.push(Update::read(Kind::Set, reader)?),
                "AppendToItemField" => updates.push(Update::read(Kind::Append, reader)?),
                "DeleteItemField" => updates.push(Update::read(Kind::Delete, reader)?),
                _ => reader.skip()?,
            }
        }
        Ok(Self(updates))
    }

    /// What they come to.
    pub(super) fn checked(self) -> Result<Wanted, Failure> {
        let mut wanted = Wanted::default();
        for update in self.0 {
            update.check_into(&mut wanted)?;
        }
        Ok(wanted)
    }
}

impl Update {
    fn read(kind: Kind, reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let (mut path, mut draft, mut elements) = (None, Draft::default(), Vec::new());
        while let Some(part) = reader.child()? {
            if let Some(found) = PropertyPath::read(&part, reader)? {
                value::once(&mut path, found, "FieldURI")?;
                continue;
            }
            // Items of any kind; only calendar items have anything that can be set.
            while let Some(property) = reader.child()? {
                elements.push(property.local().to_owned());
                draft.property(&property, reader)?;
            }
        }
        Ok(Self { kind, path: path.ok_or_else(|| value::missing("FieldURI"))?, draft, elements })
    }

    fn check_into(mut self, wanted: &mut Wanted) -> Result<(), Failure> {
        let path = self.path.clone()?;
        if self.kind != Kind::Delete {
            self.check_element(&path)?;
        }
        if let Some(problem) = self.draft.problem.take() {
            return Err(problem);
        }
        match (self.kind, path) {
            (Kind::Append, PropertyPath::Field(field)) if can_grow(field) => wanted.added.push(self.draft),
            (Kind::Append, path) => return Err(Failure::BadProperty { path: path.text() }),
            (Kind::Set, PropertyPath::Field(field)) if can_be_set(field) => wanted.set(self.draft),
            (Kind::Set, PropertyPath::Other(uri)) if UNTOLD.contains(&uri.as_str()) => {}
            (Kind::Set, PropertyPath::Extended(id)) => {
                wanted.without.retain(|gone| *gone != id);
                wanted.set(self.draft);
            }
            (Kind::Set, path) => return Err(Failure::ReadOnlyProperty { path: path.text() }),
            (Kind::Delete, PropertyPath::Field(field)) => {
                let nothing = nothing(field).ok_or_else(|| Failure::BadProperty { path: field.uri().to_owned() })?;
                wanted.set(nothing);
            }
            // It was never there.
            (Kind::Delete, PropertyPath::Other(_)) => {}
            (Kind::Delete, PropertyPath::Extended(id)) => {
                wanted.draft.change.properties.retain(|(set, _)| *set != id);
                wanted.without.push(id);
            }
        }
        Ok(())
    }

    /// Whether the item has the property that is named, and no other.
    fn check_element(&self, path: &PropertyPath) -> Result<(), Failure> {
        let [element] = self.elements.as_slice() else { return Err(Failure::UpdateCount) };
        let fits = match path {
            PropertyPath::Field(field) => element == field.element(),
            PropertyPath::Other(uri) => uri.ends_with(&format!(":{element}")),
            PropertyPath::Extended(id) => {
                element == "ExtendedProperty" && self.draft.change.properties.iter().all(|(set, _)| set == id)
            }
        };
        if fits { Ok(()) } else { Err(Failure::UpdateMismatch) }
    }
}

impl Wanted {
    fn set(&mut self, draft: Draft) {
        self.draft = mem::take(&mut self.draft).overlaid(draft);
    }

    /// Whether one has to know the body that there is.
    pub(super) fn concern_body(&self) -> bool {
        let bodies = |draft: &Draft| draft.change.body.is_some();
        bodies(&self.draft) || self.added.iter().any(bodies)
    }

    /// The extended properties that are set or taken away.
    pub(super) fn properties(&self) -> Vec<PropertyId> {
        let set = self.draft.change.properties.iter().map(|(id, _)| id);
        set.chain(&self.without).cloned().collect()
    }
}

/// What callers may set. The UID cannot be another one than it is, and when a reminder comes follows
/// from the other properties; but clients send them along.
fn can_be_set(field: Field) -> bool {
    matches!(
        field,
        Field::Subject
            | Field::Sensitivity
            | Field::Body
            | Field::Categories
            | Field::Importance
            | Field::ReminderIsSet
            | Field::ReminderMinutesBeforeStart
            | Field::Start
            | Field::End
            | Field::IsAllDayEvent
            | Field::LegacyFreeBusyStatus
            | Field::Location
            | Field::IsResponseRequested
            | Field::RequiredAttendees
            | Field::OptionalAttendees
            | Field::Resources
            | Field::Recurrence
            | Field::MeetingTimeZone
            | Field::StartTimeZone
            | Field::EndTimeZone
            | Field::AllowNewTimeProposal
            | Field::IsOnlineMeeting
            | Field::Uid
            | Field::ReminderDueBy
    )
}

/// What can be added to (MS-OXWSCORE, `AppendToItemField`).
fn can_grow(field: Field) -> bool {
    matches!(field, Field::Body | Field::RequiredAttendees | Field::OptionalAttendees | Field::Resources)
}

/// A property taken away: what it is then. `None` if it cannot be.
fn nothing(field: Field) -> Option<Draft> {
    let mut draft = Draft::default();
    match field {
        Field::Subject => draft.change.subject = Some(String::new()),
        Field::Body => draft.change.body = Some(Body::default()),
        Field::Sensitivity => draft.change.sensitivity = Some(Sensitivity::Normal),
        Field::Importance => draft.change.importance = Some(Importance::Normal),
        Field::Categories => draft.change.categories = Some(Vec::new()),
        Field::ReminderIsSet | Field::ReminderMinutesBeforeStart => draft.change.is_reminder_on = Some(false),
        Field::Location => draft.change.location = Some(String::new()),
        Field::Recurrence => draft.change.recurrence = Some(None),
        Field::RequiredAttendees => draft.required = Some(Vec::new()),
        Field::OptionalAttendees => draft.optional = Some(Vec::new()),
        Field::Resources => draft.resources = Some(Vec::new()),
        // They have a value always: they keep it.
        Field::AllowNewTimeProposal | Field::IsResponseRequested | Field::MeetingTimeZone | Field::ReminderDueBy => {}
        _ => return None,
    }
    Some(draft)
}

/// What clients set along with everything else, though it says nothing that Graph keeps.
const UNTOLD: [&str; 6] = [
    "calendar:ConferenceType",
    "calendar:MeetingWorkspaceUrl",
    "calendar:NetShowUrl",
    "calendar:When",
    "item:Culture",
    "item:InReplyTo",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::calendar::event::{EventChange, PropertyName, PropertyValue};

    fn checked(updates: &str) -> Result<Wanted, Failure> {
        let document = format!("<t:Updates>{updates}</t:Updates>");
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        Updates::read(&mut reader)?.checked()
    }

    fn update(kind: &str, uri: &str, inside: &str) -> String {
        format!(r#"<t:{kind}><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{inside}</t:CalendarItem></t:{kind}>"#)
    }

    #[test]
    fn later_updates_count_and_empty_ones_are_nothing() {
        assert_eq!(checked("").unwrap().draft.change, EventChange::default());
        let twice =
            ["a", "b"].map(|it| update("SetItemField", "item:Subject", &format!("<t:Subject>{it}</t:Subject>")));
        assert_eq!(checked(&twice.concat()).unwrap().draft.change.subject.as_deref(), Some("b"));
        let gone =
            format!(r#"{}<t:DeleteItemField><t:FieldURI FieldURI="item:Subject"/></t:DeleteItemField>"#, twice[0]);
        assert_eq!(checked(&gone).unwrap().draft.change.subject.as_deref(), Some(""));
    }

    #[test]
    fn each_update_has_exactly_the_property_that_it_names() {
        let set = |uri: &str, inside: &str| checked(&update("SetItemField", uri, inside)).map(drop);
        assert_eq!(set("item:Subject", ""), Err(Failure::UpdateCount));
        assert_eq!(set("item:Subject", "<t:Subject>a</t:Subject><t:Location/>"), Err(Failure::UpdateCount));
        assert_eq!(set("item:Subject", "<t:Location>x</t:Location>"), Err(Failure::UpdateMismatch));
        assert!(matches!(checked("<t:SetItemField><t:CalendarItem/></t:SetItemField>"), Err(Failure::Schema { .. })));
    }

    #[test]
    fn what_only_the_server_sets_and_what_nobody_knows() {
        let set = |uri: &str, inside: &str| checked(&update("SetItemField", uri, inside)).map(drop);
        for (uri, inside) in [
            ("calendar:IsMeeting", "<t:IsMeeting>true</t:IsMeeting>"),
            ("calendar:Organizer", "<t:Organizer/>"),
            ("item:DateTimeCreated", "<t:DateTimeCreated>2027-01-11T00:00:00Z</t:DateTimeCreated>"),
            ("item:Size", "<t:Size>1</t:Size>"),
        ] {
            assert_eq!(set(uri, inside), Err(Failure::ReadOnlyProperty { path: uri.to_owned() }));
        }
        assert_eq!(set("item:Culture", "<t:Culture>en-US</t:Culture>"), Ok(()));
        assert_eq!(set("item:Nonsense", "<t:Nonsense/>"), Err(Failure::BadProperty { path: "item:Nonsense".into() }));
        let start = r#"<t:DeleteItemField><t:FieldURI FieldURI="calendar:Start"/></t:DeleteItemField>"#;
        assert_eq!(checked(start).map(drop), Err(Failure::BadProperty { path: "calendar:Start".into() }));
        assert!(checked(&start.replace("Start", "ConferenceType")).is_ok());
        let grow = update("AppendToItemField", "item:Subject", "<t:Subject>x</t:Subject>");
        assert_eq!(checked(&grow).map(drop), Err(Failure::BadProperty { path: "item:Subject".into() }));
    }

    #[test]
    fn extended_properties_are_set_and_taken_away() {
        let path = r#"<t:ExtendedFieldURI PropertyTag="0x36" PropertyType="Integer"/>"#;
        let value = format!("<t:ExtendedProperty>{path}<t:Value>7</t:Value></t:ExtendedProperty>");
        let set = format!("<t:SetItemField>{path}<t:CalendarItem>{value}</t:CalendarItem></t:SetItemField>");
        let id = PropertyId { kind: "Integer", name: PropertyName::Tag(0x36) };
        let wanted = checked(&set).unwrap();
        assert_eq!(wanted.draft.change.properties, [(id.clone(), Some(PropertyValue::One("7".into())))]);
        let wanted = checked(&format!("{set}<t:DeleteItemField>{path}</t:DeleteItemField>")).unwrap();
        assert_eq!((wanted.draft.change.properties.len(), wanted.without), (0, vec![id]));
        let other = set.replacen("0x36", "0x37", 1);
        assert_eq!(checked(&other).map(drop), Err(Failure::UpdateMismatch));
    }
}
