//! Who takes part: organizer, attendees, and what the owner may answer.

use super::super::property_path::Field;
use super::super::time;
use super::state;
use crate::calendar::Mailbox;
use crate::calendar::event::{Attendee, Event, Person, Role};
use crate::calendar::zone::Zone;
use crate::ews::xml::Xml;

/// Writes `Organizer`; one without a usable address is left out, since clients rely on it.
pub(super) fn write_organizer(xml: &mut Xml, organizer: &Person) {
    if Mailbox::parse(&organizer.address).is_err() {
        return;
    }
    xml.raw("<t:Organizer>");
    write_mailbox(xml, organizer);
    xml.raw("</t:Organizer>");
}

/// Writes the attendees of a role; nothing where there are none.
pub(super) fn write_attendees(xml: &mut Xml, event: &Event, field: Field, zone: Option<&Zone>) {
    let role = role_of(field);
    let mut attendees = event.attendees.iter().filter(|attendee| attendee.role == role && is_somebody(attendee));
    let Some(first) = attendees.next() else { return };
    xml.raw("<t:").raw(field.element()).raw(">");
    for attendee in std::iter::once(first).chain(attendees) {
        xml.raw("<t:Attendee>");
        write_mailbox(xml, &attendee.person);
        xml.raw("<t:ResponseType>").raw(state::response_type(attendee.response)).raw("</t:ResponseType>");
        if let Some(at) = attendee.responded {
            xml.raw("<t:LastResponseTime>");
            time::write(xml, at.as_second(), zone);
            xml.raw("</t:LastResponseTime>");
        }
        xml.raw("</t:Attendee>");
    }
    xml.raw("</t:").raw(field.element()).raw(">");
}

/// The names behind `DisplayTo` (who has to come) or `DisplayCc` (who may).
pub(super) fn display(event: &Event, field: Field) -> String {
    let role = role_of(field);
    let mut text = String::new();
    for attendee in event.attendees.iter().filter(|attendee| attendee.role == role && is_somebody(attendee)) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(name(&attendee.person));
    }
    text
}

/// The name that a person is shown by.
pub(super) fn name(person: &Person) -> &str {
    if person.name.is_empty() { &person.address } else { &person.name }
}

/// Writes what can be made of the item with CreateItem; nothing where nothing can.
pub(super) fn write_response_objects(xml: &mut Xml, event: &Event) {
    let objects = match (state::is_meeting(event), event.is_organizer, event.is_cancelled) {
        (false, ..) | (_, true, true) => return,
        (_, false, true) => "<t:RemoveItem/>",
        (_, true, false) => "<t:CancelCalendarItem/>",
        (_, false, false) => "<t:AcceptItem/><t:TentativelyAcceptItem/><t:DeclineItem/>",
    };
    xml.raw("<t:ResponseObjects>").raw(objects).raw("</t:ResponseObjects>");
}

fn role_of(field: Field) -> Role {
    match field {
        Field::OptionalAttendees | Field::DisplayCc => Role::Optional,
        Field::Resources => Role::Resource,
        _ => Role::Required,
    }
}

fn is_somebody(attendee: &Attendee) -> bool {
    !name(&attendee.person).is_empty()
}

/// Some clients fail without a name, some without an address: both are written where there is an address.
fn write_mailbox(xml: &mut Xml, person: &Person) {
    xml.raw("<t:Mailbox><t:Name>").text(name(person)).raw("</t:Name>");
    if person.address.is_empty() {
        xml.raw("<t:MailboxType>Unknown</t:MailboxType></t:Mailbox>");
        return;
    }
    xml.raw("<t:EmailAddress>").text(&person.address).raw("</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>");
    xml.raw("<t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>");
}
