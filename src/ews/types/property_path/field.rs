//! The properties of items and calendar items that the gateway has something to say of.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/fielduri>
//!
//! Owns their names and their order in the schema. Must not know their values.

use crate::ews::soap::Version;

/// A property of a calendar item; ordered as the schema orders the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the schema's, and say all there is")]
pub enum Field {
    MimeContent,
    ItemId,
    ParentFolderId,
    ItemClass,
    Subject,
    Sensitivity,
    Body,
    DateTimeReceived,
    Categories,
    Importance,
    IsSubmitted,
    IsDraft,
    IsFromMe,
    IsResend,
    IsUnmodified,
    DateTimeSent,
    DateTimeCreated,
    ResponseObjects,
    ReminderDueBy,
    ReminderIsSet,
    ReminderMinutesBeforeStart,
    DisplayCc,
    DisplayTo,
    HasAttachments,
    /// All extended properties; no path names it.
    ExtendedProperty,
    EffectiveRights,
    LastModifiedTime,
    IsAssociated,
    TextBody,
    Uid,
    RecurrenceId,
    DateTimeStamp,
    Start,
    End,
    OriginalStart,
    IsAllDayEvent,
    LegacyFreeBusyStatus,
    Location,
    IsMeeting,
    IsCancelled,
    IsRecurring,
    MeetingRequestWasSent,
    IsResponseRequested,
    CalendarItemType,
    MyResponseType,
    Organizer,
    RequiredAttendees,
    OptionalAttendees,
    Resources,
    Duration,
    TimeZone,
    AppointmentReplyTime,
    AppointmentSequenceNumber,
    AppointmentState,
    Recurrence,
    FirstOccurrence,
    LastOccurrence,
    ModifiedOccurrences,
    DeletedOccurrences,
    /// Set by callers of Exchange 2007; never told.
    MeetingTimeZone,
    StartTimeZone,
    EndTimeZone,
    AllowNewTimeProposal,
    IsOnlineMeeting,
    StartWallClock,
    EndWallClock,
    StartTimeZoneId,
    EndTimeZoneId,
    JoinOnlineMeetingUrl,
    IsOrganizer,
}

impl Field {
    /// The property with a `FieldURI`; case matters.
    #[must_use]
    pub fn named(uri: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, name, _)| *name == uri).map(|(field, ..)| *field)
    }

    /// All that a path can name, in the schema's order.
    pub fn all() -> impl Iterator<Item = Self> {
        FIELDS.iter().map(|(field, ..)| *field)
    }

    /// Its `FieldURI`; nothing for extended properties.
    #[must_use]
    pub fn uri(self) -> &'static str {
        self.row().map_or("", |(_, uri, _)| uri)
    }

    /// Its element's local name.
    #[must_use]
    pub fn element(self) -> &'static str {
        self.uri().split_once(':').map_or("ExtendedProperty", |(_, element)| element)
    }

    /// The first schema that has it.
    #[must_use]
    pub fn since(self) -> Version {
        self.row().map_or(Version::Exchange2007, |(.., since)| *since)
    }

    fn row(self) -> Option<&'static (Self, &'static str, Version)> {
        FIELDS.iter().find(|(field, ..)| *field == self)
    }
}

use Version::{Exchange2007, Exchange2010, Exchange2013};

const FIELDS: [(Field, &str, Version); 69] = [
    (Field::MimeContent, "item:MimeContent", Exchange2007),
    (Field::ItemId, "item:ItemId", Exchange2007),
    (Field::ParentFolderId, "item:ParentFolderId", Exchange2007),
    (Field::ItemClass, "item:ItemClass", Exchange2007),
    (Field::Subject, "item:Subject", Exchange2007),
    (Field::Sensitivity, "item:Sensitivity", Exchange2007),
    (Field::Body, "item:Body", Exchange2007),
    (Field::DateTimeReceived, "item:DateTimeReceived", Exchange2007),
    (Field::Categories, "item:Categories", Exchange2007),
    (Field::Importance, "item:Importance", Exchange2007),
    (Field::IsSubmitted, "item:IsSubmitted", Exchange2007),
    (Field::IsDraft, "item:IsDraft", Exchange2007),
    (Field::IsFromMe, "item:IsFromMe", Exchange2007),
    (Field::IsResend, "item:IsResend", Exchange2007),
    (Field::IsUnmodified, "item:IsUnmodified", Exchange2007),
    (Field::DateTimeSent, "item:DateTimeSent", Exchange2007),
    (Field::DateTimeCreated, "item:DateTimeCreated", Exchange2007),
    (Field::ResponseObjects, "item:ResponseObjects", Exchange2007),
    (Field::ReminderDueBy, "item:ReminderDueBy", Exchange2007),
    (Field::ReminderIsSet, "item:ReminderIsSet", Exchange2007),
    (Field::ReminderMinutesBeforeStart, "item:ReminderMinutesBeforeStart", Exchange2007),
    (Field::DisplayCc, "item:DisplayCc", Exchange2007),
    (Field::DisplayTo, "item:DisplayTo", Exchange2007),
    (Field::HasAttachments, "item:HasAttachments", Exchange2007),
    (Field::EffectiveRights, "item:EffectiveRights", Exchange2010),
    (Field::LastModifiedTime, "item:LastModifiedTime", Exchange2010),
    (Field::IsAssociated, "item:IsAssociated", Exchange2010),
    (Field::TextBody, "item:TextBody", Exchange2013),
    (Field::Uid, "calendar:UID", Exchange2007),
    (Field::RecurrenceId, "calendar:RecurrenceId", Exchange2007),
    (Field::DateTimeStamp, "calendar:DateTimeStamp", Exchange2007),
    (Field::Start, "calendar:Start", Exchange2007),
    (Field::End, "calendar:End", Exchange2007),
    (Field::OriginalStart, "calendar:OriginalStart", Exchange2007),
    (Field::IsAllDayEvent, "calendar:IsAllDayEvent", Exchange2007),
    (Field::LegacyFreeBusyStatus, "calendar:LegacyFreeBusyStatus", Exchange2007),
    (Field::Location, "calendar:Location", Exchange2007),
    (Field::IsMeeting, "calendar:IsMeeting", Exchange2007),
    (Field::IsCancelled, "calendar:IsCancelled", Exchange2007),
    (Field::IsRecurring, "calendar:IsRecurring", Exchange2007),
    (Field::MeetingRequestWasSent, "calendar:MeetingRequestWasSent", Exchange2007),
    (Field::IsResponseRequested, "calendar:IsResponseRequested", Exchange2007),
    (Field::CalendarItemType, "calendar:CalendarItemType", Exchange2007),
    (Field::MyResponseType, "calendar:MyResponseType", Exchange2007),
    (Field::Organizer, "calendar:Organizer", Exchange2007),
    (Field::RequiredAttendees, "calendar:RequiredAttendees", Exchange2007),
    (Field::OptionalAttendees, "calendar:OptionalAttendees", Exchange2007),
    (Field::Resources, "calendar:Resources", Exchange2007),
    (Field::Duration, "calendar:Duration", Exchange2007),
    (Field::TimeZone, "calendar:TimeZone", Exchange2007),
    (Field::AppointmentReplyTime, "calendar:AppointmentReplyTime", Exchange2007),
    (Field::AppointmentSequenceNumber, "calendar:AppointmentSequenceNumber", Exchange2007),
    (Field::AppointmentState, "calendar:AppointmentState", Exchange2007),
    (Field::Recurrence, "calendar:Recurrence", Exchange2007),
    (Field::FirstOccurrence, "calendar:FirstOccurrence", Exchange2007),
    (Field::LastOccurrence, "calendar:LastOccurrence", Exchange2007),
    (Field::ModifiedOccurrences, "calendar:ModifiedOccurrences", Exchange2007),
    (Field::DeletedOccurrences, "calendar:DeletedOccurrences", Exchange2007),
    (Field::MeetingTimeZone, "calendar:MeetingTimeZone", Exchange2007),
    (Field::StartTimeZone, "calendar:StartTimeZone", Exchange2010),
    (Field::EndTimeZone, "calendar:EndTimeZone", Exchange2010),
    (Field::AllowNewTimeProposal, "calendar:AllowNewTimeProposal", Exchange2007),
    (Field::IsOnlineMeeting, "calendar:IsOnlineMeeting", Exchange2007),
    (Field::StartWallClock, "calendar:StartWallClock", Exchange2013),
    (Field::EndWallClock, "calendar:EndWallClock", Exchange2013),
    (Field::StartTimeZoneId, "calendar:StartTimeZoneId", Exchange2013),
    (Field::EndTimeZoneId, "calendar:EndTimeZoneId", Exchange2013),
    (Field::JoinOnlineMeetingUrl, "calendar:JoinOnlineMeetingUrl", Exchange2013),
    (Field::IsOrganizer, "calendar:IsOrganizer", Exchange2013),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_in_order() {
        assert!(FIELDS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(FIELDS.len(), Field::IsOrganizer as usize, "all but extended properties");
        assert!(Field::all().all(|field| Field::named(field.uri()) == Some(field)));
        assert_eq!((Field::Uid.element(), Field::ExtendedProperty.element()), ("UID", "ExtendedProperty"));
        assert_eq!(Field::named("calendar:uid"), None);
    }
}
