//! Changes to events, as Graph wants to be told of them.
//!
//! What does not change is left out. Must not know calls.

use serde::Serialize;
use uuid::Uuid;

use super::names::{importance_name, role_name, sensitivity_name, status_name};
use super::properties::{HELD_BACK, TRANSACTION, UID, held_back_text, id_text, is_many, is_own, own};
use super::recurrence::Patterned;
use crate::calendar::event::{Attendee, Body, EventChange, PropertyId, PropertyValue, ZonedTime};
use crate::failure::Failure;

/// An event's JSON, as it is sent.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graph) struct Sent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<SentBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Time<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Time<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_all_day: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show_as: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    importance: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_reminder_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reminder_minutes_before_start: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attendees: Option<Vec<Invited<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_requested: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_new_time_proposals: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_online_meeting: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurrence: Option<Option<Patterned>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    single_value_extended_properties: Vec<Property<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    multi_value_extended_properties: Vec<Property<Vec<String>>>,
}

/// A `dateTimeTimeZone`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graph) struct Time<'a> {
    date_time: String,
    time_zone: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SentBody<'a> {
    content_type: &'static str,
    content: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    display_name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invited<'a> {
    email_address: Address<'a>,
    #[serde(rename = "type")]
    role: &'static str,
}

#[derive(Debug, Serialize)]
struct Address<'a> {
    address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

/// Nothing takes it away.
#[derive(Debug, Serialize)]
struct Property<V> {
    id: String,
    value: Option<V>,
}

impl<'a> Sent<'a> {
    /// A new event.
    ///
    /// # Errors
    /// [`Failure::ReadOnlyProperty`] for a property of the gateway's own.
    pub(in crate::graph) fn new_event(change: &'a EventChange, transaction: Uuid) -> Result<Self, Failure> {
        let mut sent = Self::of(change)?;
        sent.transaction_id = Some(transaction.to_string());
        sent.set(own(TRANSACTION), Some(transaction.to_string()));
        if let Some(uid) = &change.uid {
            sent.set(own(UID), Some(uid.clone()));
        }
        if let Some(held_back) = change.held_back.as_deref().filter(|held_back| !held_back.is_empty()) {
            sent.set(own(HELD_BACK), Some(held_back_text(held_back)));
        }
        Ok(sent)
    }

    /// What changes of one that is there. Whoever is invited is no longer held back.
    ///
    /// # Errors
    /// As [`Self::new_event`].
    pub(in crate::graph) fn update(change: &'a EventChange) -> Result<Self, Failure> {
        let mut sent = Self::of(change)?;
        match change.held_back.as_deref() {
            Some([]) => sent.set(own(HELD_BACK), None),
            Some(held_back) => sent.set(own(HELD_BACK), Some(held_back_text(held_back))),
            None if change.attendees.is_some() => sent.set(own(HELD_BACK), None),
            None => {}
        }
        Ok(sent)
    }

    fn of(change: &'a EventChange) -> Result<Self, Failure> {
        let mut sent = Self {
            subject: change.subject.as_deref(),
            body: change.body.as_ref().map(SentBody::of),
            start: change.start.as_ref().map(time),
            end: change.end.as_ref().map(time),
            is_all_day: change.is_all_day,
            show_as: change.show_as.map(status_name),
            location: change.location.as_deref().map(|display_name| Location { display_name }),
            sensitivity: change.sensitivity.map(sensitivity_name),
            importance: change.importance.map(importance_name),
            categories: change.categories.as_deref(),
            is_reminder_on: change.is_reminder_on,
            reminder_minutes_before_start: change.reminder_minutes,
            attendees: change.attendees.as_ref().map(|attendees| attendees.iter().map(Invited::of).collect()),
            response_requested: change.is_response_requested,
            allow_new_time_proposals: change.allows_new_time,
            is_online_meeting: change.is_online_meeting,
            recurrence: change.recurrence.as_ref().map(|recurrence| recurrence.as_ref().map(Patterned::of)),
            ..Self::default()
        };
        for (id, value) in &change.properties {
            sent.set_property(id, value.as_ref())?;
        }
        Ok(sent)
    }

    fn set(&mut self, id: String, value: Option<String>) {
        self.single_value_extended_properties.push(Property { id, value });
    }

    fn set_property(&mut self, id: &PropertyId, value: Option<&PropertyValue>) -> Result<(), Failure> {
        let text = id_text(id);
        if is_own(id) {
            return Err(Failure::ReadOnlyProperty { path: text });
        }
        let values = value.map(|value| match value {
            PropertyValue::One(value) => vec![value.clone()],
            PropertyValue::Many(values) => values.clone(),
        });
        if is_many(id) {
            self.multi_value_extended_properties.push(Property { id: text, value: values });
        } else {
            self.set(text, values.and_then(|values| values.into_iter().next()));
        }
        Ok(())
    }
}

/// A clock's reading in its zone.
pub(in crate::graph) fn time(given: &ZonedTime) -> Time<'_> {
    let date_time = given.local.strftime("%Y-%m-%dT%H:%M:%S%.7f").to_string();
    Time { date_time, time_zone: given.zone.as_deref().unwrap_or("UTC") }
}

impl<'a> SentBody<'a> {
    fn of(body: &'a Body) -> Self {
        Self { content_type: if body.is_html { "html" } else { "text" }, content: &body.content }
    }
}

impl<'a> Invited<'a> {
    fn of(attendee: &'a Attendee) -> Self {
        let email_address = Address { address: &attendee.person.address, name: &attendee.person.name };
        Self { email_address, role: role_name(attendee.role) }
    }
}
