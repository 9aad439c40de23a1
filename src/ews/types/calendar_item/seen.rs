//! An event as a client may see it.
//!
//! Owns what each ceiling shows. What is hidden is taken out of the event itself, and properties that would then say
//! something untrue are not told at all; whatever is made of the event afterwards cannot give it away.

use std::borrow::Cow;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::super::body;
use super::super::property_path::Field;
use super::{days, state};
use crate::calendar::event::{Event, EventId, EventKind, Importance, Response, Sensitivity, When};
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Permitted};
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
    pub fn see<'e>(&self, event: &'e Event) -> Seen<'e> {
        let ceiling = self.mailbox.ceiling_of(event.is_private());
        let zone = self.zone_of(event);
        let (start, end) = event.when.instants(&zone);
        let event = redacted(event, ceiling);
        Seen { event, ceiling, zone, start: start.as_second(), end: end.as_second(), body_text: OnceLock::new() }
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
    fn zone_of(&self, event: &Event) -> Zone {
        let own = days::zone_of_days(event).and_then(|name| Zone::named(name).ok());
        own.or_else(|| self.zone.clone()).unwrap_or_else(Zone::utc)
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

    /// Whether everything may be told.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.ceiling == Ceiling::Full
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
}

/// The event without what the ceiling hides.
fn redacted(event: &Event, ceiling: Ceiling) -> Cow<'_, Event> {
    if ceiling == Ceiling::Full {
        return Cow::Borrowed(event);
    }
    let shown = |text: &str| if ceiling == Ceiling::Time { String::new() } else { text.to_owned() };
    // Each field by name: a new one has to be thought about here.
    let Event {
        id,
        change_key,
        kind,
        series,
        uid: _,
        created: _,
        modified: _,
        subject,
        body: _,
        when,
        start_zone,
        end_zone,
        original_start,
        show_as,
        location,
        sensitivity,
        importance: _,
        categories: _,
        is_reminder_on: _,
        reminder_minutes: _,
        organizer: _,
        is_organizer: _,
        attendees: _,
        is_held_back: _,
        response: _,
        responded: _,
        is_response_requested: _,
        allows_new_time: _,
        is_cancelled,
        is_draft: _,
        has_attachments: _,
        is_online_meeting: _,
        join_url: _,
        recurrence,
        exceptions,
        deleted,
        properties: _,
    } = event;
    let series: Option<EventId> = series.clone();
    Cow::Owned(Event {
        id: id.clone(),
        change_key: change_key.clone(),
        kind: *kind,
        series,
        uid: None,
        created: None,
        modified: None,
        subject: shown(subject),
        body: None,
        when: *when,
        start_zone: start_zone.clone(),
        end_zone: end_zone.clone(),
        original_start: *original_start,
        show_as: *show_as,
        location: shown(location),
        // That it is private is told, and no more.
        sensitivity: if event.is_private() { *sensitivity } else { Sensitivity::Normal },
        importance: Importance::Normal,
        categories: Vec::new(),
        is_reminder_on: false,
        reminder_minutes: 0,
        organizer: None,
        is_organizer: true,
        attendees: Vec::new(),
        is_held_back: false,
        response: Response::None,
        responded: None,
        is_response_requested: false,
        allows_new_time: false,
        is_cancelled: *is_cancelled,
        is_draft: false,
        has_attachments: false,
        is_online_meeting: false,
        join_url: None,
        recurrence: recurrence.clone(),
        exceptions: exceptions.clone(),
        deleted: deleted.clone(),
        properties: Vec::new(),
    })
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
