//! iCalendar to an event.
//!
//! Takes what programs really send: other things than RFC 5545 wants are forgiven where they mean
//! one thing only. Must not know how a line is folded or escaped: calcard does that.

use calcard::icalendar::{
    ICalendar, ICalendarAction, ICalendarClassification, ICalendarComponent, ICalendarComponentType, ICalendarEntry,
    ICalendarParameterName, ICalendarParameterValue, ICalendarProperty, ICalendarRelated, ICalendarStatus,
    ICalendarTransparency, ICalendarValue,
};
use calcard::{Entry, Parser};
use jiff::Timestamp;
use jiff::civil::Date;

use super::moment::Moment;
use super::recurrence::{self, Beginning};
use super::time::{Times, tzid};
use super::zone::Zones;
use super::{people, words};
use crate::calendar::event::{Body, EventChange, Importance, Sensitivity};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::Recurrence;
use crate::failure::Failure;

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The event. Ends before starts are left to whoever makes an event of it.
    pub change: EventChange,
    /// The days, on the clock of the start's zone, of the series' occurrences that are deleted; in
    /// order, each once.
    pub excluded: Vec<Date>,
    /// How many changed occurrences came along and were not read.
    pub exceptions: usize,
}

/// Reads an event or a series. Unknown content is skipped.
///
/// Times without a zone are UTC. Who organizes it is not read, nor are its changed occurrences.
///
/// # Errors
/// [`Failure::BadMime`] for anything but one whole iCalendar with one event that is no changed
/// occurrence, and a start; [`Failure::BadRecurrence`] for what no pattern of EWS says;
/// [`Failure::UnknownTimeZone`] for a zone without a known name or rules that can be understood, and
/// for a series in a zone that shows the same as none that is known.
pub fn read(text: &str) -> Result<Read, Failure> {
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
    let attendees = people::attendees(event);
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
        is_response_requested: people::wants_response(event),
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
    let html = event.properties(&ICalendarProperty::Other(words::HTML.to_owned())).find(is_html).map(joined);
    if let Some(content) = html.filter(|html| !html.is_empty()) {
        return Some(Body { content, is_html: true });
    }
    text(event, &ICalendarProperty::Description).map(|content| Body { content, is_html: false })
}

fn show_as(event: &ICalendarComponent) -> Option<BusyStatus> {
    let named = text(event, &ICalendarProperty::Other(words::BUSY_STATUS.to_owned()));
    let named = named.and_then(|name| words::BUSY.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim())));
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
        ICalendarValue::Text(name) if name.eq_ignore_ascii_case(words::PERSONAL) => Sensitivity::Personal,
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
