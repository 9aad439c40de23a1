//! iCalendar to an event.
//!
//! Takes what programs really send: other things than RFC 5545 wants are forgiven where they mean
//! one thing only. Must not know how a line is folded or escaped: calcard does that.

use calcard::icalendar::{
    ICalendar, ICalendarAction, ICalendarClassification, ICalendarComponent, ICalendarComponentType, ICalendarEntry,
    ICalendarParameterName, ICalendarParticipationRole, ICalendarParticipationStatus, ICalendarProperty,
    ICalendarRelated, ICalendarStatus, ICalendarTransparency, ICalendarUserTypes, ICalendarValue,
};
use calcard::icalendar::{ICalendarParameterValue, utils::strip_mailto_scheme};
use calcard::{Entry, Parser};
use jiff::Timestamp;
use jiff::civil::Date;

use super::Read;
use super::moment::Moment;
use super::recurrence::{self, Beginning};
use super::time::{Times, tzid};
use super::zone::Zones;
use crate::calendar::event::{Attendee, Body, EventChange, Importance, Person, Response, Role, Sensitivity};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::Recurrence;
use crate::failure::Failure;

pub(super) fn read(text: &str) -> Result<Read, Failure> {
    let calendar = parse(text).ok_or(Failure::BadMime)?;
    let events = || calendar.components.iter().filter(|it| it.component_type == ICalendarComponentType::VEvent);
    let is_exception = |event: &&ICalendarComponent| event.has_property(&ICalendarProperty::RecurrenceId);
    let mut masters = events().filter(|event| !is_exception(event));
    let (Some(event), None) = (masters.next(), masters.next()) else { return Err(Failure::BadMime) };
    let zones = Zones::of(&calendar);
    let times = Times::read(event, &zones)?;
    let recurrence = recurrence(event, &times)?;
    let excluded = if recurrence.is_some() { excluded(event, &times, &zones)? } else { Vec::new() };
    Ok(Read {
        change: change(&calendar, event, times, recurrence),
        excluded,
        exceptions: events().filter(is_exception).count(),
    })
}

/// One whole iCalendar; calcard itself takes one without an end.
fn parse(text: &str) -> Option<ICalendar> {
    const END: &[u8] = b"END:VCALENDAR";
    let bytes = text.trim_ascii_end().as_bytes();
    let end = bytes.len().checked_sub(END.len()).and_then(|start| bytes.get(start..))?;
    let mut parser = Parser::new(text);
    let Entry::ICalendar(calendar) = parser.entry() else { return None };
    let is_calendar = calendar.components.first()?.component_type == ICalendarComponentType::VCalendar;
    (end.eq_ignore_ascii_case(END) && is_calendar && parser.entry() == Entry::Eof).then_some(calendar)
}

fn change(
    calendar: &ICalendar,
    event: &ICalendarComponent,
    times: Times,
    recurrence: Option<Recurrence>,
) -> EventChange {
    let reminder = reminder(calendar, event, &times);
    let attendees = attendees(event);
    EventChange {
        subject: text(event, &ICalendarProperty::Summary),
        body: body(event),
        show_as: show_as(event),
        location: text(event, &ICalendarProperty::Location),
        sensitivity: sensitivity(event),
        importance: importance(event),
        categories: categories(event),
        is_reminder_on: Some(reminder.is_some()),
        reminder_minutes: reminder,
        is_response_requested: wants_response(event),
        attendees: (!attendees.is_empty()).then_some(attendees),
        recurrence: recurrence.map(Some),
        uid: text(event, &ICalendarProperty::Uid).filter(|uid| !uid.is_empty()),
        is_all_day: Some(times.is_all_day),
        start: Some(times.start),
        end: Some(times.end),
        ..EventChange::default()
    }
}

fn recurrence(event: &ICalendarComponent, times: &Times) -> Result<Option<Recurrence>, Failure> {
    if event.has_property(&ICalendarProperty::Rdate) || event.has_property(&ICalendarProperty::Exrule) {
        return Err(Failure::BadRecurrence);
    }
    let mut rules = event.properties(&ICalendarProperty::Rrule);
    let Some(rule) = rules.next() else { return Ok(None) };
    let (Some(ICalendarValue::RecurrenceRule(rule)), None) = (rule.values.first(), rules.next()) else {
        return Err(Failure::BadRecurrence);
    };
    if times.clock.is_nameless() {
        return Err(Failure::UnknownTimeZone);
    }
    recurrence::read(rule, &beginning(times)).map(Some)
}

fn beginning(times: &Times) -> Beginning<'_> {
    Beginning { local: times.start.local, zone: &times.clock.zone, is_all_day: times.is_all_day }
}

fn excluded(event: &ICalendarComponent, times: &Times, zones: &Zones<'_>) -> Result<Vec<Date>, Failure> {
    let mut days = Vec::new();
    for entry in event.properties(&ICalendarProperty::Exdate) {
        let moments = entry.values.iter().filter_map(|value| Moment::read(value.as_partial_date_time()?));
        match tzid(entry).filter(|id| times.tzid.as_deref() != Some(id)) {
            None => days.extend(moments.filter_map(|moment| moment.local(&times.clock.zone)).map(|local| local.date())),
            Some(id) => {
                let clock = zones.clock(id)?;
                let here = moments.filter_map(|moment| moment.moved(&clock.zone, &times.clock.zone));
                days.extend(here.map(|local| local.date()));
            }
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn body(event: &ICalendarComponent) -> Option<Body> {
    let is_html = |entry: &&ICalendarEntry| {
        entry
            .parameter(&ICalendarParameterName::Fmttype)
            .and_then(ICalendarParameterValue::as_text)
            .is_none_or(|kind| kind.eq_ignore_ascii_case("text/html"))
    };
    let html = event.properties(&ICalendarProperty::Other(super::HTML.to_owned())).find(is_html).map(joined);
    if let Some(content) = html.filter(|html| !html.is_empty()) {
        return Some(Body { content, is_html: true });
    }
    text(event, &ICalendarProperty::Description).map(|content| Body { content, is_html: false })
}

fn show_as(event: &ICalendarComponent) -> Option<BusyStatus> {
    let named = text(event, &ICalendarProperty::Other(super::BUSY_STATUS.to_owned()));
    let named = named.and_then(|name| super::BUSY.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim())));
    if let Some((_, status)) = named {
        return Some(*status);
    }
    match (event.transparency(), event.status()) {
        (Some(ICalendarTransparency::Transparent), _) => Some(BusyStatus::Free),
        (_, Some(ICalendarStatus::Tentative)) => Some(BusyStatus::Tentative),
        (Some(ICalendarTransparency::Opaque), _) => Some(BusyStatus::Busy),
        (None, _) => None,
    }
}

fn sensitivity(event: &ICalendarComponent) -> Option<Sensitivity> {
    Some(match event.property(&ICalendarProperty::Class)?.values.first()? {
        ICalendarValue::Classification(ICalendarClassification::Public) => Sensitivity::Normal,
        ICalendarValue::Classification(ICalendarClassification::Private) => Sensitivity::Private,
        ICalendarValue::Classification(ICalendarClassification::Confidential) => Sensitivity::Confidential,
        ICalendarValue::Text(name) if name.eq_ignore_ascii_case(super::PERSONAL) => Sensitivity::Personal,
        // RFC 5545 §3.8.1.3: what is not known is private.
        _ => Sensitivity::Private,
    })
}

fn importance(event: &ICalendarComponent) -> Option<Importance> {
    match event.property(&ICalendarProperty::Priority)?.values.first()?.as_integer()? {
        1..=4 => Some(Importance::High),
        6..=9 => Some(Importance::Low),
        _ => Some(Importance::Normal),
    }
}

fn categories(event: &ICalendarComponent) -> Option<Vec<String>> {
    let all = event.properties(&ICalendarProperty::Categories).flat_map(|entry| &entry.values);
    let all: Vec<String> =
        all.filter_map(|value| Some(value.as_text()?.trim().to_owned())).filter(|it| !it.is_empty()).collect();
    (!all.is_empty()).then_some(all)
}

/// Without the organizer, whom many programs list too.
fn attendees(event: &ICalendarComponent) -> Vec<Attendee> {
    let organizer = event.property(&ICalendarProperty::Organizer).and_then(address);
    let all = event.properties(&ICalendarProperty::Attendee).filter_map(attendee);
    all.filter(|it| organizer.as_ref().is_none_or(|organizer| !organizer.eq_ignore_ascii_case(&it.person.address)))
        .collect()
}

fn attendee(entry: &ICalendarEntry) -> Option<Attendee> {
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
fn wants_response(event: &ICalendarComponent) -> Option<bool> {
    let asked = event
        .properties(&ICalendarProperty::Attendee)
        .filter_map(|it| it.parameter(&ICalendarParameterName::Rsvp)?.as_bool());
    asked.fold(None, |any, asked| Some(any.unwrap_or(false) || asked))
}

/// Minutes before the start at which the first alarm that shows or sounds comes.
fn reminder(calendar: &ICalendar, event: &ICalendarComponent, times: &Times) -> Option<i32> {
    let parts = event.component_ids.iter().filter_map(|id| calendar.component_by_id(*id));
    let alarms = parts.filter(|part| part.component_type == ICalendarComponentType::VAlarm);
    let comes = alarms.filter(|alarm| {
        let action = alarm.property(&ICalendarProperty::Action).and_then(|entry| entry.values.first());
        matches!(action, None | Some(ICalendarValue::Action(ICalendarAction::Display | ICalendarAction::Audio)))
    });
    comes.filter_map(|alarm| minutes_before(alarm, times)).next()
}

fn minutes_before(alarm: &ICalendarComponent, times: &Times) -> Option<i32> {
    let trigger = alarm.property(&ICalendarProperty::Trigger)?;
    let is_of_end = matches!(
        trigger.parameter(&ICalendarParameterName::Related),
        Some(ICalendarParameterValue::Related(ICalendarRelated::End))
    );
    let (start, end) = times.instants()?;
    let seconds = match trigger.values.first()? {
        ICalendarValue::Duration(after) if is_of_end => between(end, start) - after.as_seconds(),
        ICalendarValue::Duration(after) => -after.as_seconds(),
        ICalendarValue::PartialDateTime(at) => {
            let at = super::moment::instant(&times.clock.zone, Moment::read(at)?.local(&times.clock.zone)?)?;
            between(at, start)
        }
        _ => return None,
    };
    i32::try_from(seconds / 60).ok().filter(|minutes| *minutes >= 0)
}

fn between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}

fn text(event: &ICalendarComponent, name: &ICalendarProperty) -> Option<String> {
    event.property(name).map(joined)
}

/// calcard takes the value of an unknown property apart at its semicolons.
fn joined(entry: &ICalendarEntry) -> String {
    let parts: Vec<&str> = entry.values.iter().filter_map(ICalendarValue::as_text).collect();
    parts.join(";")
}
