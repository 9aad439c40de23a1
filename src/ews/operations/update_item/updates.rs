//! `Updates` as the request has them: one property set, added to or taken away each.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updates-item>
//!
//! Owns which properties can be changed, and how. What is wrong here is wrong with one item.

use crate::calendar::event::{EventChange, PropertyId};
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
#[derive(Debug, Default)]
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
        match (self.kind, &path) {
            (_, PropertyPath::Other(_)) => return Err(Failure::ReadOnlyProperty { path: path.text() }),
            (Kind::Append, PropertyPath::Field(field)) if can_grow(*field) => wanted.added.push(self.draft),
            (Kind::Append, _) => return Err(Failure::BadProperty { path: path.text() }),
            (Kind::Set, PropertyPath::Field(field)) if !can_be_set(*field) => {
                return Err(Failure::ReadOnlyProperty { path: path.text() });
            }
            (Kind::Set, PropertyPath::Field(field)) => wanted.draft.take(*field, self.draft),
            (Kind::Set, PropertyPath::Extended(id)) => {
                wanted.without.retain(|gone| gone != id);
                wanted.draft.change.properties.retain(|(set, _)| set != id);
                wanted.draft.change.properties.append(&mut self.draft.change.properties);
            }
            (Kind::Delete, PropertyPath::Field(field)) => {
                let nothing = nothing(*field).ok_or_else(|| Failure::BadProperty { path: path.text() })?;
                wanted.draft.take(*field, nothing);
            }
            (Kind::Delete, PropertyPath::Extended(id)) => {
                wanted.draft.change.properties.retain(|(set, _)| set != id);
                wanted.without.push(id.clone());
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

/// What callers may set.
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
    )
}

/// What can be added to (MS-OXWSCORE, `AppendToItemField`).
fn can_grow(field: Field) -> bool {
    matches!(field, Field::Body | Field::RequiredAttendees | Field::OptionalAttendees | Field::Resources)
}

/// A property taken away: what it is then. `None` if it cannot be.
fn nothing(field: Field) -> Option<Draft> {
    let change = match field {
        Field::Subject => EventChange { subject: Some(String::new()), ..EventChange::default() },
        Field::Body => EventChange { body: Some(crate::calendar::event::Body::default()), ..EventChange::default() },
        Field::Sensitivity => {
            EventChange { sensitivity: Some(crate::calendar::event::Sensitivity::Normal), ..EventChange::default() }
        }
        Field::Importance => {
            EventChange { importance: Some(crate::calendar::event::Importance::Normal), ..EventChange::default() }
        }
        Field::Categories => EventChange { categories: Some(Vec::new()), ..EventChange::default() },
        Field::ReminderIsSet | Field::ReminderMinutesBeforeStart => {
            EventChange { is_reminder_on: Some(false), ..EventChange::default() }
        }
        Field::Location => EventChange { location: Some(String::new()), ..EventChange::default() },
        Field::Recurrence => EventChange { recurrence: Some(None), ..EventChange::default() },
        Field::RequiredAttendees => return Some(Draft { required: Some(Vec::new()), ..Draft::default() }),
        Field::OptionalAttendees => return Some(Draft { optional: Some(Vec::new()), ..Draft::default() }),
        Field::Resources => return Some(Draft { resources: Some(Vec::new()), ..Draft::default() }),
        _ => return None,
    };
    Some(Draft { change, ..Draft::default() })
}
