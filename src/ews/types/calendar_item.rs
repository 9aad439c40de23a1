//! `CalendarItem`, as answers have it: an event as a client may see it.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendaritem>
//!
//! Owns which element says what of an event. What a client may not see is gone before anything is written.

mod days;
mod mime;
mod people;
mod seen;
mod series;
mod state;
mod value;
mod zones;

use jiff::Timestamp;

use super::property_path::Field;
use super::shape::Wanted;
use super::{body, extended_property, folder, item_id, recurrence, time};
use crate::calendar::event::{Event, Response};
use crate::calendar::zone::Zone;
use crate::ews::target::CALENDAR;
use crate::ews::xml::Xml;

pub use days::{zone_of, zone_of_days};
pub use seen::{Seen, Viewer};
pub use value::{Value, is_comparable, of as value_of};

/// Occurrences of a series, where they were looked up.
#[derive(Clone, Debug, Default)]
pub struct Occurrences {
    /// The first that is left.
    pub first: Option<Event>,
    /// The last that is left; none of a series without end.
    pub last: Option<Event>,
    /// The changed ones.
    pub changed: Vec<Event>,
}

/// Writes an item with exactly the properties that are wanted, set, and shown to the client.
pub fn write(xml: &mut Xml, seen: &Seen<'_>, wanted: &Wanted, viewer: &Viewer, occurrences: &Occurrences) {
    xml.raw("<t:CalendarItem>");
    for field in wanted.fields.iter().filter(|field| seen.shows(**field)) {
        write_field(xml, *field, seen, wanted, viewer, occurrences);
    }
    xml.raw("</t:CalendarItem>");
}

fn write_field(
    xml: &mut Xml,
    field: Field,
    seen: &Seen<'_>,
    wanted: &Wanted,
    viewer: &Viewer,
    occurrences: &Occurrences,
) {
    let event = seen.event();
    let mut out = Out { xml, element: field.element(), viewer };
    match field {
        Field::ItemId => item_id::write(out.xml, "ItemId", &event.id, &event.change_key),
        Field::ParentFolderId => folder::write(out.xml, "ParentFolderId", CALENDAR, viewer.mailbox()),
        Field::ItemClass => out.text("IPM.Appointment"),
        Field::Subject => out.text(&event.subject),
        Field::Sensitivity => out.text(state::sensitivity(event.sensitivity)),
        Field::Body => event.body.iter().for_each(|text| body::write(out.xml, "Body", text, wanted.body)),
        Field::TextBody => {
            event.body.iter().for_each(|text| body::write(out.xml, "TextBody", text, body::BodyForm::Text));
        }
        Field::DateTimeReceived | Field::DateTimeSent | Field::DateTimeCreated => out.instant(event.created),
        Field::LastModifiedTime | Field::DateTimeStamp => out.instant(event.modified),
        Field::Categories => out.texts(&event.categories),
        Field::Importance => out.text(state::importance(event.importance)),
        Field::IsDraft => out.flag(event.is_draft),
        Field::IsSubmitted | Field::IsFromMe | Field::IsResend | Field::IsUnmodified | Field::IsAssociated => {
            out.flag(false);
        }
        Field::ResponseObjects => people::write_response_objects(out.xml, event),
        Field::ReminderDueBy | Field::Start => out.second(seen.start()),
        Field::ReminderIsSet => out.flag(event.is_reminder_on),
        Field::ReminderMinutesBeforeStart => out.number(event.reminder_minutes.clamp(0, LONGEST_REMINDER)),
        Field::DisplayTo | Field::DisplayCc => out.text(&people::display(event, field)),
        Field::HasAttachments => out.flag(event.has_attachments),
        Field::ExtendedProperty => {
            wanted.extended.iter().for_each(|id| extended_property::write(out.xml, seen, id));
        }
        Field::EffectiveRights => viewer.write_rights(out.xml),
        Field::Uid => event.uid.iter().for_each(|uid| out.text(uid)),
        Field::RecurrenceId | Field::OriginalStart => seen.original_start().into_iter().for_each(|at| out.second(at)),
        Field::End => out.second(seen.end()),
        Field::IsAllDayEvent => out.flag(event.when.is_all_day()),
        Field::LegacyFreeBusyStatus => out.text(state::busy_type(event.show_as, viewer.version())),
        Field::Location if event.location.is_empty() => {}
        Field::Location => out.text(&event.location),
        Field::IsMeeting => out.flag(state::is_meeting(event)),
        Field::IsCancelled => out.flag(event.is_cancelled),
        Field::IsRecurring => out.flag(state::is_recurring(event)),
        Field::MeetingRequestWasSent => out.flag(state::request_was_sent(event)),
        Field::IsResponseRequested => out.flag(event.is_response_requested),
        Field::CalendarItemType => out.text(state::item_type(event.kind)),
        Field::MyResponseType => out.text(state::response_type(event.response)),
        Field::Organizer => event.organizer.iter().for_each(|organizer| people::write_organizer(out.xml, organizer)),
        Field::RequiredAttendees | Field::OptionalAttendees | Field::Resources => {
            people::write_attendees(out.xml, event, field, viewer.zone());
        }
        Field::Duration => out.text(&time::duration(seen.length())),
        Field::TimeZone => zones::write_name(out.xml, seen),
        Field::AppointmentReplyTime if event.response == Response::Organizer => {}
        Field::AppointmentReplyTime => out.instant(event.responded),
        // Graph tells no number of revisions.
        Field::AppointmentSequenceNumber => out.number(0),
        Field::AppointmentState => out.number(state::bits(event)),
        Field::Recurrence => {
            let zone = series::clock(event).unwrap_or_else(Zone::utc);
            event.recurrence.iter().for_each(|series| recurrence::write(out.xml, series, &zone, viewer.version()));
        }
        Field::FirstOccurrence => series::write_end(out.xml, field, occurrences.first.as_ref(), viewer),
        Field::LastOccurrence => series::write_end(out.xml, field, occurrences.last.as_ref(), viewer),
        Field::ModifiedOccurrences => series::write_modified(out.xml, seen, viewer.zone()),
        Field::DeletedOccurrences => series::write_deleted(out.xml, seen, viewer.zone()),
        Field::StartTimeZone | Field::EndTimeZone => zones::write_definition(out.xml, seen, field),
        Field::StartTimeZoneId | Field::EndTimeZoneId => zones::write_id(out.xml, seen, field),
        Field::StartWallClock | Field::EndWallClock => zones::write_wall_clock(out.xml, seen, field),
        Field::AllowNewTimeProposal => out.flag(event.allows_new_time),
        Field::IsOnlineMeeting => out.flag(event.is_online_meeting),
        Field::JoinOnlineMeetingUrl => event.join_url.iter().for_each(|url| out.text(url)),
        Field::IsOrganizer => out.flag(event.is_organizer),
        Field::MimeContent => mime::write(out.xml, seen, viewer, &occurrences.changed),
        Field::MeetingTimeZone => {}
    }
}

/// Writes one element.
struct Out<'x, 'v> {
    xml: &'x mut Xml,
    element: &'static str,
    viewer: &'v Viewer,
}

impl Out<'_, '_> {
    fn text(&mut self, text: &str) {
        self.around(|xml, _| {
            xml.text(text);
        });
    }

    fn flag(&mut self, flag: bool) {
        self.around(|xml, _| {
            xml.boolean(flag);
        });
    }

    fn number(&mut self, number: i32) {
        self.around(|xml, _| {
            xml.number(number);
        });
    }

    fn second(&mut self, second: i64) {
        self.around(|xml, viewer| time::write(xml, second, viewer.zone()));
    }

    fn instant(&mut self, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.second(at.as_second());
        }
    }

    /// A list of strings; nothing where there are none.
    fn texts(&mut self, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        self.around(|xml, _| {
            for text in texts {
                xml.raw("<t:String>").text(text).raw("</t:String>");
            }
        });
    }

    fn around(&mut self, write: impl FnOnce(&mut Xml, &Viewer)) {
        self.xml.raw("<t:").raw(self.element).raw(">");
        write(self.xml, self.viewer);
        self.xml.raw("</t:").raw(self.element).raw(">");
    }
}

/// `ReminderMinutesBeforeStartType` allows five years.
const LONGEST_REMINDER: i32 = 2_629_800;

#[cfg(test)]
pub(in crate::ews) mod tests;
