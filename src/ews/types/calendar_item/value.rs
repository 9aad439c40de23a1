//! The values of properties, for searching and sorting.
//!
//! Owns which properties have a value that can be compared, and of what type it is.

use std::borrow::Cow;

use super::super::extended_property;
use super::super::property_path::{Field, PropertyPath};
use super::seen::Seen;
use super::{people, state};
use crate::calendar::event::PropertyValue;
use crate::ews::soap::Version;
use crate::ews::types::value::WireTime;

/// The value of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'v> {
    /// A text, or a name of the schema's.
    Text(Cow<'v, str>),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// An instant, in seconds since 1970.
    Instant(i64),
    /// One of a few names that have an order.
    Rank(&'static str, usize, &'static [&'static str]),
    /// Several texts.
    Texts(Vec<Cow<'v, str>>),
}

/// Whether a property can be searched and sorted by.
#[must_use]
pub fn is_comparable(path: &PropertyPath) -> bool {
    match path {
        PropertyPath::Field(field) => !INCOMPARABLE.contains(field),
        PropertyPath::Other(_) | PropertyPath::Extended(_) => true,
    }
}

/// The value of a property, if it is set and shown.
#[must_use]
pub fn of<'v>(seen: &'v Seen<'_>, path: &PropertyPath) -> Option<Value<'v>> {
    match path {
        PropertyPath::Field(field) if seen.shows(*field) => of_field(seen, *field),
        PropertyPath::Field(_) | PropertyPath::Other(_) => None,
        PropertyPath::Extended(id) => {
            Some(match (extended_property::value(seen, id)?, id.kind.trim_end_matches("Array")) {
                (PropertyValue::Many(values), _) => Value::Texts(values.into_iter().map(Cow::Owned).collect()),
                (PropertyValue::One(value), "Boolean") => Value::Flag(matches!(&*value, "true" | "1" | "True")),
                (PropertyValue::One(value), kind) if NUMBERS.contains(&kind) => Value::Number(value.parse().ok()?),
                (PropertyValue::One(value), "SystemTime") => match WireTime::parse(&value)? {
                    WireTime::Instant(second) | WireTime::Local(second) => Value::Instant(second),
                },
                (PropertyValue::One(value), _) => Value::Text(Cow::Owned(value)),
            })
        }
    }
}

fn of_field<'v>(seen: &'v Seen<'_>, field: Field) -> Option<Value<'v>> {
    let event = seen.event();
    let text = |text: &'v str| Some(Value::Text(Cow::Borrowed(text)));
    let flag = |flag: bool| Some(Value::Flag(flag));
    let instant = |at: Option<jiff::Timestamp>| at.map(|at| Value::Instant(at.as_second()));
    match field {
        Field::ItemClass => text("IPM.Appointment"),
        Field::Subject => text(&event.subject),
        Field::Sensitivity => rank(state::sensitivity(event.sensitivity), &SENSITIVITIES),
        Field::Importance => rank(state::importance(event.importance), &IMPORTANCES),
        Field::Body | Field::TextBody => seen.body_text().map(|text| Value::Text(Cow::Borrowed(text))),
        Field::DateTimeReceived | Field::DateTimeSent | Field::DateTimeCreated => instant(event.created),
        Field::LastModifiedTime | Field::DateTimeStamp => instant(event.modified),
        Field::Categories if event.categories.is_empty() => None,
        Field::Categories => {
            Some(Value::Texts(event.categories.iter().map(|name| Cow::Borrowed(name.as_str())).collect()))
        }
        Field::IsDraft => flag(event.is_draft),
        Field::IsSubmitted | Field::IsFromMe | Field::IsResend | Field::IsUnmodified | Field::IsAssociated => {
            flag(false)
        }
        Field::Start | Field::ReminderDueBy | Field::StartWallClock => Some(Value::Instant(seen.start())),
        Field::End | Field::EndWallClock => Some(Value::Instant(seen.end())),
        Field::ReminderIsSet => flag(event.is_reminder_on),
        Field::ReminderMinutesBeforeStart => Some(Value::Number(event.reminder_minutes.into())),
        Field::DisplayTo | Field::DisplayCc => Some(Value::Text(Cow::Owned(people::display(event, field)))),
        Field::HasAttachments => flag(event.has_attachments),
        Field::Uid => event.uid.as_deref().and_then(text),
        Field::RecurrenceId | Field::OriginalStart => seen.original_start().map(Value::Instant),
        Field::IsAllDayEvent => flag(event.when.is_all_day()),
        Field::LegacyFreeBusyStatus => rank(state::busy_type(event.show_as, Version::Exchange2016), &BUSY_TYPES),
        Field::Location if event.location.is_empty() => None,
        Field::Location => text(&event.location),
        Field::IsMeeting => flag(state::is_meeting(event)),
        Field::IsCancelled => flag(event.is_cancelled),
        Field::IsRecurring => flag(state::is_recurring(event)),
        Field::MeetingRequestWasSent => flag(state::request_was_sent(event)),
        Field::IsResponseRequested => flag(event.is_response_requested),
        Field::CalendarItemType => text(state::item_type(event.kind)),
        Field::MyResponseType => text(state::response_type(event.response)),
        Field::Organizer => event.organizer.as_ref().and_then(|organizer| text(people::name(organizer))),
        Field::Duration => Some(Value::Number(seconds(seen.length()))),
        Field::AppointmentReplyTime => instant(event.responded),
        Field::AppointmentSequenceNumber => Some(Value::Number(0.0)),
        Field::AppointmentState => Some(Value::Number(state::bits(event).into())),
        Field::AllowNewTimeProposal => flag(event.allows_new_time),
        Field::IsOnlineMeeting => flag(event.is_online_meeting),
        Field::JoinOnlineMeetingUrl => event.join_url.as_deref().and_then(text),
        Field::IsOrganizer => flag(event.is_organizer),
        _ => None,
    }
}

fn rank(name: &'static str, names: &'static [&'static str]) -> Option<Value<'static>> {
    names.iter().position(|known| *known == name).map(|place| Value::Rank(name, place, names))
}

#[expect(clippy::cast_precision_loss, reason = "no event is longer than 2^53 seconds")]
fn seconds(length: i64) -> f64 {
    length as f64
}

const SENSITIVITIES: [&str; 4] = ["Normal", "Personal", "Private", "Confidential"];
const IMPORTANCES: [&str; 3] = ["Low", "Normal", "High"];
const BUSY_TYPES: [&str; 6] = ["Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData"];
const NUMBERS: [&str; 7] = ["ApplicationTime", "Currency", "Double", "Float", "Integer", "Long", "Short"];

/// What has parts, or can only be told.
const INCOMPARABLE: [Field; 19] = [
    Field::MimeContent,
    Field::ItemId,
    Field::ParentFolderId,
    Field::ResponseObjects,
    Field::EffectiveRights,
    Field::RequiredAttendees,
    Field::OptionalAttendees,
    Field::Resources,
    Field::TimeZone,
    Field::Recurrence,
    Field::FirstOccurrence,
    Field::LastOccurrence,
    Field::ModifiedOccurrences,
    Field::DeletedOccurrences,
    Field::MeetingTimeZone,
    Field::StartTimeZone,
    Field::EndTimeZone,
    Field::StartTimeZoneId,
    Field::EndTimeZoneId,
];
