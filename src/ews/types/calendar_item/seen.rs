//! An event as a client may see it.
//!
//! Owns which properties are told. What is hidden was taken out of the event itself ([`View::see`]); properties that
//! would then say something untrue are not told at all.

use std::borrow::Cow;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::super::body;
use super::super::property_path::Field;
use super::{days, state};
use crate::calendar::event::{Event, EventKind, When};
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, People, Permitted, View};
use crate::ews::soap::{Header, Version};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// For whom items of a mailbox are written.
#[derive(Debug)]
pub struct Viewer {
    mailbox: Permitted,
    may_change: bool,
    zone: Option<Zone>,
    version: Version,
    now: Timestamp,
}

/// An event without what is hidden.
#[derive(Debug)]
pub struct Seen<'e> {
    event: Cow<'e, Event>,
    view: &'e View,
    ceiling: Ceiling,
    /// Whose midnights days begin at.
    zone: Zone,
    start: i64,
    end: i64,
    body_text: OnceLock<Option<String>>,
}

impl Viewer {
    /// A client that sent a header, and a mailbox that it may read.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`], [`Failure::Schema`] for a `TimeZoneContext` that says nothing.
    pub fn new(client: &Client, header: &Header, mailbox: Permitted, now: Timestamp) -> Result<Self, Failure> {
        let may_change = client.permit(mailbox.mailbox(), Capability::CalendarWrite, now).is_ok();
        let zone = header.time_zone.as_ref().map(|context| context.zone()).transpose()?;
        Ok(Self { mailbox, may_change, zone, version: header.version, now })
    }

    /// An event as this client may see it.
    #[must_use]
    pub fn see<'e>(&'e self, event: &'e Event) -> Seen<'e> {
        let view = self.mailbox.view();
        let ceiling = view.ceiling_of(event.is_private());
        let zone = self.zone_of(event);
        let (start, end) = event.when.instants(&zone);
        let (start, end) = (start.as_second(), end.as_second());
        let event = view.see(event, &zone, self.now);
        Seen { event, view, ceiling, zone, start, end, body_text: OnceLock::new() }
    }

    /// Whether this client may know of an event at all.
    #[must_use]
    pub fn reaches(&self, event: &Event) -> bool {
        let horizon = self.mailbox.view().horizon;
        horizon.is_endless() || horizon.reaches(&event.when, event.recurrence.as_ref(), &self.zone_of(event), self.now)
    }

    /// When the request came.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        self.mailbox.mailbox()
    }

    /// The zone that times are shown in; UTC without one.
    #[must_use]
    pub fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }

    /// The schema that the client speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Writes what the client may do with each item.
    pub fn write_rights(&self, xml: &mut Xml) {
        xml.raw("<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated><t:CreateContents>false");
        xml.raw("</t:CreateContents><t:CreateHierarchy>false</t:CreateHierarchy><t:Delete>").boolean(self.may_change);
        xml.raw("</t:Delete><t:Modify>").boolean(self.may_change).raw("</t:Modify><t:Read>true</t:Read>");
        if self.version >= Version::Exchange2010 {
            let shows_private = self.mailbox.ceiling_of(true) > Ceiling::Time;
            xml.raw("<t:ViewPrivateItems>").boolean(shows_private).raw("</t:ViewPrivateItems>");
        }
        xml.raw("</t:EffectiveRights>");
    }

    /// The zone of an event's days.
    #[must_use]
    pub fn zone_of(&self, event: &Event) -> Zone {
        days::zone_of(event, self.zone.as_ref())
    }
}

impl Seen<'_> {
    /// The event, without what is hidden.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The body as plain text, which is made of HTML once.
    #[must_use]
    pub fn body_text(&self) -> Option<&str> {
        self.body_text.get_or_init(|| self.event.body.as_ref().map(|body| body::text(body).into_owned())).as_deref()
    }

    /// Whether a property may be told.
    #[must_use]
    pub fn shows(&self, field: Field) -> bool {
        match self.ceiling {
            _ if self.hides(field) => false,
            Ceiling::Full => true,
            Ceiling::SubjectAndLocation => field == Field::Location || OF_TIME.contains(&field),
            Ceiling::Time => OF_TIME.contains(&field),
        }
    }

    /// `AppointmentState`, and `PidLidAppointmentStateFlags` (MS-OXOCAL §2.2.1.10).
    #[must_use]
    pub fn state_bits(&self) -> i32 {
        state::bits(&self.event)
    }

    /// The first instant, in seconds since 1970.
    #[must_use]
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The first instant after.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The length in seconds; days have 24 hours.
    #[must_use]
    pub fn length(&self) -> i64 {
        match self.event.when {
            When::Timed { start, end } => end.as_second() - start.as_second(),
            When::Days { first, after } => i64::from((after - first).get_days()) * 86_400,
        }
    }

    /// The zone of its days.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// When an occurrence would have been, had nobody moved it.
    #[must_use]
    pub fn original_start(&self) -> Option<i64> {
        match self.event.kind {
            EventKind::Single | EventKind::Master => None,
            EventKind::Occurrence => Some(self.start),
            EventKind::Exception => Some(self.original(&self.event.when, self.event.original_start)),
        }
    }

    /// When something of this event's series would have been. Days are given as UTC's.
    #[must_use]
    pub fn original(&self, when: &When, original: Option<Timestamp>) -> i64 {
        match (original.map(Timestamp::as_second), when) {
            (Some(second), When::Days { .. }) if second % 86_400 == 0 => self.zone.second_of_local(second),
            (Some(second), _) => second,
            (None, when) => when.instants(&self.zone).0.as_second(),
        }
    }

    /// Whether a property is hidden, whatever the ceiling. Without attendees an organizer's meeting looks like none:
    /// what depends on that goes with them.
    fn hides(&self, field: Field) -> bool {
        let hidden = &self.view.hidden;
        match field {
            Field::Location => hidden.location,
            Field::Body | Field::TextBody | Field::HasAttachments => hidden.body,
            Field::Categories => hidden.categories,
            Field::IsOnlineMeeting => hidden.online_meeting,
            // The link holds the ids of whoever has made the meeting.
            Field::JoinOnlineMeetingUrl => hidden.online_meeting || self.view.people != People::Shown,
            Field::ExtendedProperty => hidden.extended_properties,
            Field::Organizer
            | Field::RequiredAttendees
            | Field::OptionalAttendees
            | Field::Resources
            | Field::DisplayTo
            | Field::DisplayCc
            | Field::IsMeeting
            | Field::MeetingRequestWasSent
            | Field::ResponseObjects
            | Field::MyResponseType
            | Field::AppointmentReplyTime
            | Field::IsResponseRequested
            | Field::AllowNewTimeProposal
            | Field::AppointmentState => self.view.people == People::Hidden,
            _ => false,
        }
    }
}

/// What every client may know: when, how busy, and how it is named. The subject is an empty element
/// then, since clients rely on it, and the content that of an event without any.
const OF_TIME: [Field; 28] = [
    Field::MimeContent,
    Field::ItemId,
    Field::ParentFolderId,
    Field::ItemClass,
    Field::Subject,
    Field::Sensitivity,
    Field::EffectiveRights,
    Field::IsAssociated,
    Field::RecurrenceId,
    Field::Start,
    Field::End,
    Field::OriginalStart,
    Field::IsAllDayEvent,
    Field::LegacyFreeBusyStatus,
    Field::IsCancelled,
    Field::CalendarItemType,
    Field::Duration,
    Field::TimeZone,
    Field::Recurrence,
    Field::FirstOccurrence,
    Field::LastOccurrence,
    Field::ModifiedOccurrences,
    Field::DeletedOccurrences,
    Field::StartTimeZone,
    Field::EndTimeZone,
    Field::StartWallClock,
    Field::StartTimeZoneId,
    Field::EndTimeZoneId,
];

#[cfg(test)]
mod tests;
