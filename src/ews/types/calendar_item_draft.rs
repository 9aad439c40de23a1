//! `CalendarItem` as callers send it: what they want an item to be.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendaritem>
//!
//! Owns which properties can be set and how their values are read: in any order, though the schema
//! has one. `calendar_item_draft/*.rs` hold what takes more than a line. Must not know what the item
//! was before.

pub mod attendees;
pub mod clock;
pub mod recurrence;
pub mod span;

use super::property_path::PropertyPath;
use super::time_zone::TimeZoneContext;
use super::value::{self, WireTime, one_of, wrong};
use crate::calendar::event::{Attendee, Body, EventChange, Importance, PropertyId, PropertyValue, Role, Sensitivity};
use crate::calendar::free_busy::BusyStatus;
use crate::ews::pull::{Pull, Start};
use crate::failure::Failure;

/// What a caller wants an item to be; what is `None` was not said.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// `MimeContent`, still in base64.
    pub mime: Option<String>,
    /// Whatever means the same whoever says it: not times, since they need a zone, nor attendees,
    /// since the request says elsewhere whether they are told.
    pub change: EventChange,
    /// `Start`.
    pub start: Option<WireTime>,
    /// `End`.
    pub end: Option<WireTime>,
    /// `StartTimeZone`.
    pub start_zone: Option<TimeZoneContext>,
    /// `EndTimeZone`.
    pub end_zone: Option<TimeZoneContext>,
    /// `MeetingTimeZone`, which callers of Exchange 2007 send: its name.
    pub meeting_zone: Option<String>,
    /// `RequiredAttendees`.
    pub required: Option<Vec<Attendee>>,
    /// `OptionalAttendees`.
    pub optional: Option<Vec<Attendee>>,
    /// `Resources`.
    pub resources: Option<Vec<Attendee>>,
    /// What is wrong with this item alone: the first of it.
    pub problem: Option<Failure>,
}

impl Draft {
    /// Reads all properties of the item that the reader stands in; those that only the server sets
    /// are passed over, since clients send back what they were given.
    ///
    /// # Errors
    /// [`Failure::Malformed`]; [`Failure::Schema`] for values that the schema does not have.
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut draft = Self::default();
        while let Some(part) = reader.child()? {
            draft.property(&part, reader)?;
        }
        Ok(draft)
    }

    /// Reads one property, or passes over it if it is none that can be set; the reader stands in its
    /// element and is left outside.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn property(&mut self, start: &Start<'_>, reader: &mut Pull<'_>) -> Result<(), Failure> {
        let change = &mut self.change;
        match start.local() {
            "MimeContent" => self.mime = Some(reader.text()?.into_owned()),
            "Subject" => change.subject = Some(reader.text()?.into_owned()),
            "Body" => change.body = Some(body(start, reader)?),
            "Sensitivity" => change.sensitivity = Some(one_of(reader, "Sensitivity", &SENSITIVITIES)?),
            "Importance" => change.importance = Some(one_of(reader, "Importance", &IMPORTANCES)?),
            "Categories" => change.categories = Some(strings(reader)?),
            "ReminderIsSet" => change.is_reminder_on = Some(value::boolean(reader, "ReminderIsSet")?),
            "ReminderMinutesBeforeStart" => {
                change.reminder_minutes = Some(value::number(reader, "ReminderMinutesBeforeStart")?);
            }
            "ExtendedProperty" => self.extended(reader)?,
            "UID" => change.uid = Some(reader.text()?.into_owned()).filter(|uid| !uid.is_empty()),
            "Start" => self.start = Some(time(reader, "Start")?),
            "End" => self.end = Some(time(reader, "End")?),
            "IsAllDayEvent" => change.is_all_day = Some(value::boolean(reader, "IsAllDayEvent")?),
            "LegacyFreeBusyStatus" => change.show_as = Some(one_of(reader, "LegacyFreeBusyStatus", &STATUSES)?),
            "Location" => change.location = Some(reader.text()?.into_owned()),
            "IsResponseRequested" => {
                change.is_response_requested = Some(value::boolean(reader, "IsResponseRequested")?);
            }
            "AllowNewTimeProposal" => change.allows_new_time = Some(value::boolean(reader, "AllowNewTimeProposal")?),
            "IsOnlineMeeting" => change.is_online_meeting = Some(value::boolean(reader, "IsOnlineMeeting")?),
            "RequiredAttendees" => self.required = Some(self.attendees(reader, Role::Required)?),
            "OptionalAttendees" => self.optional = Some(self.attendees(reader, Role::Optional)?),
            "Resources" => self.resources = Some(self.attendees(reader, Role::Resource)?),
            "Recurrence" => match recurrence::read(reader)? {
                Ok(recurrence) => change.recurrence = Some(Some(recurrence)),
                Err(problem) => self.fail(problem),
            },
            "StartTimeZone" => self.start_zone = Some(TimeZoneContext::of(start, reader)?),
            "EndTimeZone" => self.end_zone = Some(TimeZoneContext::of(start, reader)?),
            "MeetingTimeZone" => {
                self.meeting_zone = Some(start.attribute("TimeZoneName")?.unwrap_or_default());
                reader.skip()?;
            }
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// This draft with another one over it: what the upper one says counts.
    #[must_use]
    pub fn overlaid(self, upper: Self) -> Self {
        Self {
            mime: upper.mime.or(self.mime),
            change: self.change.overlaid(upper.change),
            start: upper.start.or(self.start),
            end: upper.end.or(self.end),
            start_zone: upper.start_zone.or(self.start_zone),
            end_zone: upper.end_zone.or(self.end_zone),
            meeting_zone: upper.meeting_zone.or(self.meeting_zone),
            required: upper.required.or(self.required),
            optional: upper.optional.or(self.optional),
            resources: upper.resources.or(self.resources),
            problem: self.problem.or(upper.problem),
        }
    }

    /// Whether it says when the item is, or by which clock.
    #[must_use]
    pub fn says_when(&self) -> bool {
        let says_time = self.start.is_some() || self.end.is_some() || self.change.is_all_day.is_some();
        says_time || self.start_zone.is_some() || self.end_zone.is_some() || self.meeting_zone.is_some()
    }

    /// All attendees, if any kind of them was said.
    #[must_use]
    pub fn all_attendees(&self) -> Option<Vec<Attendee>> {
        let kinds = [&self.required, &self.optional, &self.resources];
        let said = kinds.iter().any(|kind| kind.is_some());
        said.then(|| kinds.into_iter().flatten().flatten().cloned().collect())
    }

    fn attendees(&mut self, reader: &mut Pull<'_>, role: Role) -> Result<Vec<Attendee>, Failure> {
        let (attendees, problem) = attendees::read(reader, role)?;
        problem.into_iter().for_each(|problem| self.fail(problem));
        Ok(attendees)
    }

    fn extended(&mut self, reader: &mut Pull<'_>) -> Result<(), Failure> {
        match extended_property(reader)? {
            Ok((id, value)) => self.change.properties.push((id, Some(value))),
            Err(problem) => self.fail(problem),
        }
        Ok(())
    }

    fn fail(&mut self, problem: Failure) {
        self.problem.get_or_insert(problem);
    }
}

/// Reads a `BodyType` element, which `start` begins.
///
/// # Errors
/// [`Failure::Malformed`]; [`Failure::Schema`] for a type that is none.
pub fn body(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Body, Failure> {
    let kind = start.attribute("BodyType")?.unwrap_or_default();
    let is_html = match kind.as_str() {
        kind if kind.eq_ignore_ascii_case("HTML") => true,
        kind if kind.eq_ignore_ascii_case("Text") || kind.is_empty() => false,
        _ => return Err(wrong("BodyType", "is neither HTML nor Text")),
    };
    Ok(Body { content: reader.content()?.into_owned(), is_html })
}

fn time(reader: &mut Pull<'_>, element: &str) -> Result<WireTime, Failure> {
    WireTime::parse(&reader.text()?).ok_or_else(|| wrong(element, "is no date and time"))
}

fn strings(reader: &mut Pull<'_>) -> Result<Vec<String>, Failure> {
    let mut strings = Vec::new();
    while reader.child()?.is_some() {
        strings.push(reader.text()?.into_owned());
    }
    Ok(strings)
}

/// Reads an `ExtendedProperty`; inside, what is wrong with its name alone.
fn extended_property(reader: &mut Pull<'_>) -> Result<Result<(PropertyId, PropertyValue), Failure>, Failure> {
    let (mut path, mut value) = (None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "Value" => value = Some(PropertyValue::One(reader.text()?.into_owned())),
            "Values" => value = Some(PropertyValue::Many(strings(reader)?)),
            _ => match PropertyPath::read(&part, reader)? {
                Some(found) => path = Some(found),
                None => reader.skip()?,
            },
        }
    }
    let id = match path.ok_or_else(|| value::missing("ExtendedFieldURI"))? {
        Ok(PropertyPath::Extended(id)) => id,
        Ok(_) => return Err(value::missing("ExtendedFieldURI")),
        Err(problem) => return Ok(Err(problem)),
    };
    let value = value.ok_or_else(|| value::missing("Value"))?;
    if id.kind.ends_with("Array") == matches!(value, PropertyValue::Many(_)) {
        Ok(Ok((id, value)))
    } else {
        Err(wrong("ExtendedProperty", "has a value of another type"))
    }
}

const SENSITIVITIES: [(&str, Sensitivity); 4] = [
    ("Normal", Sensitivity::Normal),
    ("Personal", Sensitivity::Personal),
    ("Private", Sensitivity::Private),
    ("Confidential", Sensitivity::Confidential),
];
const IMPORTANCES: [(&str, Importance); 3] =
    [("Low", Importance::Low), ("Normal", Importance::Normal), ("High", Importance::High)];
/// `LegacyFreeBusyType`. Nothing is known of an item that says so of itself: it counts as busy.
const STATUSES: [(&str, BusyStatus); 6] = [
    ("Free", BusyStatus::Free),
    ("Tentative", BusyStatus::Tentative),
    ("Busy", BusyStatus::Busy),
    ("OOF", BusyStatus::OutOfOffice),
    ("WorkingElsewhere", BusyStatus::WorkingElsewhere),
    ("NoData", BusyStatus::Busy),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::calendar::event::PropertyName;

    fn read(inside: &str) -> Result<Draft, Failure> {
        let document = format!("<t:CalendarItem>{inside}</t:CalendarItem>");
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        let draft = Draft::read(&mut reader)?;
        reader.finish().unwrap();
        Ok(draft)
    }

    #[test]
    fn properties_are_read_in_any_order_and_unknown_ones_passed_over() {
        let draft = read(
            r#"<t:Location>R &amp; D</t:Location><t:Nonsense><t:Subject>no</t:Subject></t:Nonsense>
            <t:ItemClass>IPM.Appointment</t:ItemClass><t:Sensitivity>Private</t:Sensitivity><t:Subject> s </t:Subject>
            <t:Body BodyType="HTML"><p>a</p></t:Body><t:Categories><t:String>x</t:String><t:String>y</t:String></t:Categories>
            <t:ReminderIsSet>0</t:ReminderIsSet><t:ReminderMinutesBeforeStart>5</t:ReminderMinutesBeforeStart>
            <t:IsAllDayEvent>1</t:IsAllDayEvent><t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>
            <t:Importance>High</t:Importance><t:UID>u</t:UID><t:AllowNewTimeProposal>false</t:AllowNewTimeProposal>
            <t:IsResponseRequested>true</t:IsResponseRequested><t:IsMeeting>true</t:IsMeeting>"#,
        )
        .unwrap();
        let expected = EventChange {
            subject: Some("s".into()),
            body: Some(Body { content: "<p>a</p>".into(), is_html: true }),
            is_all_day: Some(true),
            show_as: Some(BusyStatus::OutOfOffice),
            location: Some("R & D".into()),
            sensitivity: Some(Sensitivity::Private),
            importance: Some(Importance::High),
            categories: Some(vec!["x".into(), "y".into()]),
            is_reminder_on: Some(false),
            reminder_minutes: Some(5),
            is_response_requested: Some(true),
            allows_new_time: Some(false),
            uid: Some("u".into()),
            ..EventChange::default()
        };
        assert_eq!(draft.change, expected);
        assert_eq!((draft.problem, draft.start), (None, None));
    }

    #[test]
    fn extended_properties_of_both_shapes() {
        let draft = read(
            r#"<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x36" PropertyType="Integer"/><t:Value>7</t:Value></t:ExtendedProperty>
            <t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x37" PropertyType="StringArray"/><t:Values><t:Value>a</t:Value><t:Value>b</t:Value></t:Values></t:ExtendedProperty>"#,
        )
        .unwrap();
        let id = |tag, kind| PropertyId { kind, name: PropertyName::Tag(tag) };
        let expected = [
            (id(0x36, "Integer"), Some(PropertyValue::One("7".into()))),
            (id(0x37, "StringArray"), Some(PropertyValue::Many(vec!["a".into(), "b".into()]))),
        ];
        assert_eq!(draft.change.properties, expected);
        let mixed = r#"<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x36" PropertyType="Integer"/><t:Values/></t:ExtendedProperty>"#;
        assert!(matches!(read(mixed), Err(Failure::Schema { .. })));
    }

    #[test]
    fn values_that_the_schema_lacks_are_refused_by_name() {
        for (bad, at) in [
            ("<t:Start>soon</t:Start>", "Start"),
            ("<t:Importance>Huge</t:Importance>", "Importance"),
            ("<t:IsAllDayEvent>maybe</t:IsAllDayEvent>", "IsAllDayEvent"),
            (r#"<t:Body BodyType="Markdown">x</t:Body>"#, "BodyType"),
            ("<t:ReminderMinutesBeforeStart>x</t:ReminderMinutesBeforeStart>", "ReminderMinutesBeforeStart"),
        ] {
            assert!(matches!(read(bad), Err(Failure::Schema { path, .. }) if path == at), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_one_item_is_kept_with_it() {
        let bad = "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>nobody</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>";
        assert!(matches!(read(bad).unwrap().problem, Some(Failure::BadAddress { .. })));
    }
}
