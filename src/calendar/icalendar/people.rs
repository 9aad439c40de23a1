//! Who is invited, and by whom (RFC 5545 §3.8.4.1, §3.8.4.3), both ways.
//!
//! Must not know what to.

use calcard::icalendar::utils::strip_mailto_scheme;
use calcard::icalendar::{
    ICalendarComponent, ICalendarEntry, ICalendarParameter, ICalendarParameterName, ICalendarParameterValue,
    ICalendarParticipationRole, ICalendarParticipationStatus, ICalendarProperty, ICalendarUserTypes, Uri,
};

use super::words::clean;
use crate::calendar::event::{Attendee, Person, Response, Role};

/// An entry for somebody; without an address, with what Exchange writes then (MS-OXCICAL, ATTENDEE).
pub(super) fn person(name: ICalendarProperty, person: &Person) -> ICalendarEntry {
    let address = clean(&person.address);
    let uri = if address.is_empty() { "invalid:nomail".to_owned() } else { format!("mailto:{address}") };
    let entry = ICalendarEntry::new(name).with_value(Uri::Location(uri));
    let shown = clean(&person.name).replace(['"', '\n', '\\'], "'");
    if shown.is_empty() { entry } else { entry.with_param(ICalendarParameter::cn(shown)) }
}

/// An entry for somebody invited.
pub(super) fn attendee(invited: &Attendee, wants_response: bool) -> ICalendarEntry {
    let (kind, role) = match invited.role {
        Role::Required => (ICalendarUserTypes::Individual, ICalendarParticipationRole::ReqParticipant),
        Role::Optional => (ICalendarUserTypes::Individual, ICalendarParticipationRole::OptParticipant),
        Role::Resource => (ICalendarUserTypes::Resource, ICalendarParticipationRole::NonParticipant),
    };
    let status = match invited.response {
        Response::None | Response::NotResponded => ICalendarParticipationStatus::NeedsAction,
        Response::Organizer | Response::Accepted => ICalendarParticipationStatus::Accepted,
        Response::Tentative => ICalendarParticipationStatus::Tentative,
        Response::Declined => ICalendarParticipationStatus::Declined,
    };
    person(ICalendarProperty::Attendee, &invited.person)
        .with_param(ICalendarParameter::cutype(kind))
        .with_param(ICalendarParameter::role(role))
        .with_param(ICalendarParameter::partstat(status))
        .with_param(ICalendarParameter::rsvp(wants_response))
}

/// Who is invited, without the organizer, whom many programs list too.
pub(super) fn attendees(event: &ICalendarComponent) -> Vec<Attendee> {
    let organizer = event.property(&ICalendarProperty::Organizer).and_then(address);
    let all = event.properties(&ICalendarProperty::Attendee).filter_map(invited);
    all.filter(|it| organizer.as_ref().is_none_or(|organizer| !organizer.eq_ignore_ascii_case(&it.person.address)))
        .collect()
}

fn invited(entry: &ICalendarEntry) -> Option<Attendee> {
    use ICalendarParticipationRole::{NonParticipant, OptParticipant};
    use ICalendarParticipationStatus::{Accepted, Declined, Tentative};
    let role = match (entry.parameter(&ICalendarParameterName::Cutype), entry.parameter(&ICalendarParameterName::Role))
    {
        (Some(ICalendarParameterValue::Cutype(ICalendarUserTypes::Resource | ICalendarUserTypes::Room)), _) => {
            Role::Resource
        }
        (_, Some(ICalendarParameterValue::Role(OptParticipant | NonParticipant))) => Role::Optional,
        _ => Role::Required,
    };
    let response = match entry.parameter(&ICalendarParameterName::Partstat) {
        Some(ICalendarParameterValue::Partstat(Accepted)) => Response::Accepted,
        Some(ICalendarParameterValue::Partstat(Declined)) => Response::Declined,
        Some(ICalendarParameterValue::Partstat(Tentative)) => Response::Tentative,
        _ => Response::NotResponded,
    };
    let name = entry.parameter(&ICalendarParameterName::Cn).and_then(ICalendarParameterValue::as_text).unwrap_or("");
    Some(Attendee {
        person: Person { name: name.to_owned(), address: address(entry)? },
        role,
        response,
        responded: None,
    })
}

/// The address of a `mailto:`, or that beside an address of another kind.
fn address(entry: &ICalendarEntry) -> Option<String> {
    let uri = entry.values.first()?.as_text()?.trim();
    let beside = entry.parameter(&ICalendarParameterName::Email).and_then(ICalendarParameterValue::as_text);
    let address = strip_mailto_scheme(uri);
    let address = if address.contains('@') && !address.contains(':') { address } else { strip_mailto_scheme(beside?) };
    Some(address.trim().to_owned()).filter(|address| !address.is_empty())
}

/// Whether anybody is asked for an answer, where it says so.
pub(super) fn wants_response(event: &ICalendarComponent) -> Option<bool> {
    let asked = event
        .properties(&ICalendarProperty::Attendee)
        .filter_map(|it| it.parameter(&ICalendarParameterName::Rsvp)?.as_bool());
    asked.fold(None, |any, asked| Some(any.unwrap_or(false) || asked))
}
