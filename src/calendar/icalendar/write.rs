//! An event to iCalendar.
//!
//! Must not know how a line is folded or escaped: calcard does that.

use std::borrow::Cow;
use std::collections::BTreeMap;

use calcard::icalendar::{
    ICalendar, ICalendarAction, ICalendarClassification, ICalendarComponent, ICalendarComponentType, ICalendarDuration,
    ICalendarEntry, ICalendarParameter, ICalendarParameterName, ICalendarProperty, ICalendarStatus,
    ICalendarTransparency, ICalendarValue, ICalendarValueType,
};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use super::recurrence::Beginning;
use super::words::{self, clean};
use super::{moment, people, recurrence, zone};
use crate::calendar::event::{Body, Event, EventKind, Importance, Sensitivity, When};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::RangeEnd;
use crate::calendar::zone::Zone;

/// Makes plain text of a body.
pub type Plain = fn(&Body) -> Cow<'_, str>;

/// Writes an event, with the changed occurrences of a series, where they are known.
///
/// All that is in the event is told: what a reader may not see has to be taken out before. A series'
/// deleted occurrences are those of [`Event::deleted`]. Times are told on the clock of the event's
/// zone, with its rules, or in UTC when its name is unknown. The text has no `METHOD`: it stands for
/// an item, not for a message. `plain` makes plain text of a body; `now` is the date of what has none.
#[must_use]
pub fn write(event: &Event, series: &[Event], plain: Plain, now: Timestamp) -> String {
    let mut calendar = Calendar::new(event.when.is_all_day());
    let clock = Named::of(event.recurrence.as_ref().and_then(|it| it.zone.as_deref()).or(event.start_zone.as_deref()));
    calendar.event(event, clock.as_ref(), plain, now);
    for changed in series {
        calendar.event(changed, clock.as_ref(), plain, now);
    }
    calendar.finish().to_string()
}

/// A zone and its name; none is UTC.
#[derive(Clone)]
struct Named<'a> {
    name: &'a str,
    zone: Zone,
}

impl<'a> Named<'a> {
    fn of(name: Option<&'a str>) -> Option<Self> {
        let name = name?.trim();
        let zone = Zone::named(name).ok().filter(|zone| *zone != Zone::utc())?;
        Some(Self { name, zone })
    }
}

/// What is written so far.
struct Calendar<'a> {
    events: Vec<(ICalendarComponent, Option<ICalendarComponent>)>,
    /// Each zone, from when it is used, and until which year.
    zones: BTreeMap<&'a str, (Zone, Timestamp, i16)>,
    /// Whether the series is, whatever a changed occurrence is.
    is_all_day: bool,
}

impl<'a> Calendar<'a> {
    fn new(is_all_day: bool) -> Self {
        Self { events: Vec::new(), zones: BTreeMap::new(), is_all_day }
    }

    /// `clock`: that of the series, for an occurrence that has none of its own.
    fn event(&mut self, event: &'a Event, clock: Option<&Named<'a>>, plain: Plain, now: Timestamp) {
        let own = if event.kind == EventKind::Master { clock.cloned() } else { Named::of(event.start_zone.as_deref()) };
        let start_zone = own.or_else(|| clock.cloned());
        let end_zone = Named::of(event.end_zone.as_deref()).or_else(|| start_zone.clone());
        let mut component = ICalendarComponent::new(ICalendarComponentType::VEvent);
        component.add_uid(&clean(event.uid.as_deref().unwrap_or(event.id.as_str())));
        component.add_dtstamp(moment::of_instant(event.modified.unwrap_or(now)));
        match event.when {
            When::Days { first, after } => {
                component.entries.push(day(ICalendarProperty::Dtstart, first));
                component.entries.push(day(ICalendarProperty::Dtend, after));
            }
            When::Timed { start, end } => {
                let last = event.recurrence.as_ref().map_or(end, |it| last_instant(it.range.end, end));
                component.entries.push(self.time(ICalendarProperty::Dtstart, start, start_zone.as_ref(), last));
                component.entries.push(self.time(ICalendarProperty::Dtend, end, end_zone.as_ref(), last));
            }
        }
        self.place_in_series(&mut component, event, clock);
        describe_time(&mut component, event);
        describe(&mut component, event, plain);
        let alarm = event.is_reminder_on.then(|| alarm(event.reminder_minutes));
        self.events.push((component, alarm));
    }

    /// How it repeats, or which occurrence it is.
    fn place_in_series(&mut self, component: &mut ICalendarComponent, event: &'a Event, clock: Option<&Named<'a>>) {
        let utc = Zone::utc();
        let zone = clock.map_or(&utc, |named| &named.zone);
        match event.kind {
            EventKind::Single => {}
            EventKind::Occurrence | EventKind::Exception => {
                let Some(original) = event.original_start else { return };
                component.entries.push(if self.is_all_day {
                    day(ICalendarProperty::RecurrenceId, day_around(original))
                } else {
                    self.time(ICalendarProperty::RecurrenceId, original, clock, original)
                });
            }
            EventKind::Master => {
                let Some(local) = local_start(event, zone) else { return };
                let beginning = Beginning { local, zone, is_all_day: event.when.is_all_day() };
                if let Some(rule) = event.recurrence.as_ref().map(|it| recurrence::write(it, &beginning)) {
                    component.entries.push(ICalendarEntry::new(ICalendarProperty::Rrule).with_value(rule));
                }
                for deleted in &event.deleted {
                    component.entries.extend(self.excluded(*deleted, &beginning, clock));
                }
            }
        }
    }

    fn excluded(&mut self, deleted: Date, series: &Beginning<'_>, clock: Option<&Named<'a>>) -> Option<ICalendarEntry> {
        if series.is_all_day {
            return Some(day(ICalendarProperty::Exdate, deleted));
        }
        let instant = moment::instant(series.zone, deleted.to_datetime(series.local.time()))?;
        Some(self.time(ICalendarProperty::Exdate, instant, clock, instant))
    }

    /// A time on the clock of a zone, which is used until some instant.
    fn time(
        &mut self,
        name: ICalendarProperty,
        instant: Timestamp,
        clock: Option<&Named<'a>>,
        last: Timestamp,
    ) -> ICalendarEntry {
        let shown = clock.and_then(|named| Some((named, moment::local(&named.zone, instant)?)));
        let Some((named, local)) = shown else {
            return ICalendarEntry::new(name).with_value(moment::of_instant(instant));
        };
        let last = Offset::UTC.to_datetime(last).year();
        let (_, from, until) = self.zones.entry(named.name).or_insert_with(|| (named.zone.clone(), instant, last));
        *from = instant.min(*from);
        *until = last.max(*until);
        ICalendarEntry::new(name)
            .with_param(ICalendarParameter::tzid(clean(named.name)))
            .with_value(moment::of_local(local))
    }

    fn finish(self) -> ICalendar {
        let mut root = ICalendarComponent::new(ICalendarComponentType::VCalendar);
        root.add_property(ICalendarProperty::Prodid, "-//calendar-relay//calendar-relay//EN");
        root.add_property(ICalendarProperty::Version, "2.0");
        let mut calendar = ICalendar { components: vec![root] };
        for (name, (zone, from, until)) in self.zones {
            let mut component = ICalendarComponent::new(ICalendarComponentType::VTimezone);
            component.add_property(ICalendarProperty::Tzid, clean(name));
            let id = add(&mut calendar, 0, component);
            for part in zone::observances(&zone, from, until) {
                add(&mut calendar, id, part.write());
            }
        }
        for (event, alarm) in self.events {
            let id = add(&mut calendar, 0, event);
            if let Some(alarm) = alarm {
                add(&mut calendar, id, alarm);
            }
        }
        calendar
    }
}

/// Puts a component into another; says where it is.
fn add(calendar: &mut ICalendar, parent: usize, component: ICalendarComponent) -> usize {
    let id = calendar.components.len();
    calendar.components.push(component);
    if let (Some(parent), Ok(child)) = (calendar.components.get_mut(parent), u32::try_from(id)) {
        parent.component_ids.push(child);
    }
    id
}

/// When, how busy, and how private.
fn describe_time(component: &mut ICalendarComponent, event: &Event) {
    component.add_property(ICalendarProperty::Sequence, 0_i64);
    let status = match event.show_as {
        _ if event.is_cancelled => ICalendarStatus::Cancelled,
        BusyStatus::Tentative => ICalendarStatus::Tentative,
        _ => ICalendarStatus::Confirmed,
    };
    component.add_property(ICalendarProperty::Status, status);
    let transparency = match event.show_as {
        BusyStatus::Free => ICalendarTransparency::Transparent,
        _ => ICalendarTransparency::Opaque,
    };
    component.add_property(ICalendarProperty::Transp, transparency);
    if let Some(status) = words::BUSY.iter().find(|(_, status)| *status == event.show_as).map(|(name, _)| *name) {
        component.add_property(other(words::BUSY_STATUS), status);
    }
    component.add_property(other(words::ALL_DAY), if event.when.is_all_day() { "TRUE" } else { "FALSE" });
    let class = match event.sensitivity {
        Sensitivity::Normal => ICalendarClassification::Public.into(),
        Sensitivity::Personal => ICalendarValue::from(words::PERSONAL),
        Sensitivity::Private => ICalendarClassification::Private.into(),
        Sensitivity::Confidential => ICalendarClassification::Confidential.into(),
    };
    component.add_property(ICalendarProperty::Class, class);
    for (name, at) in [(ICalendarProperty::Created, event.created), (ICalendarProperty::LastModified, event.modified)] {
        component.entries.extend(at.map(|at| ICalendarEntry::new(name).with_value(moment::of_instant(at))));
    }
}

/// What, where, and with whom.
fn describe(component: &mut ICalendarComponent, event: &Event, plain: Plain) {
    add_text(component, ICalendarProperty::Summary, &event.subject);
    add_text(component, ICalendarProperty::Location, &event.location);
    if let Some(body) = &event.body {
        describe_body(component, body, plain);
    }
    let priority = match event.importance {
        Importance::High => 1_i64,
        Importance::Normal => 5,
        Importance::Low => 9,
    };
    component.add_property(ICalendarProperty::Priority, priority);
    if !event.categories.is_empty() {
        let values = event.categories.iter().map(|it| ICalendarValue::Text(clean(it))).collect();
        component.entries.push(ICalendarEntry::new(ICalendarProperty::Categories).with_values(values));
    }
    if let Some(organizer) = event.organizer.as_ref().filter(|_| event.is_meeting()) {
        component.entries.push(people::person(ICalendarProperty::Organizer, organizer));
    }
    for invited in &event.attendees {
        component.entries.push(people::attendee(invited, event.is_response_requested));
    }
    if let Some(url) = &event.join_url {
        component.add_property(other("X-MICROSOFT-SKYPETEAMSMEETINGURL"), clean(url));
    }
}

fn describe_body(component: &mut ICalendarComponent, body: &Body, plain: Plain) {
    add_text(component, ICalendarProperty::Description, &plain(body));
    if body.is_html && !body.content.is_empty() {
        let html =
            ICalendarEntry::new(other(words::HTML)).with_param(ICalendarParameter::fmttype("text/html".to_owned()));
        component.entries.push(html.with_value(clean(&body.content)));
    }
}

fn alarm(minutes: i32) -> ICalendarComponent {
    let mut component = ICalendarComponent::new(ICalendarComponentType::VAlarm);
    component.add_property(ICalendarProperty::Action, ICalendarAction::Display);
    component.add_property(ICalendarProperty::Description, "Reminder");
    let before =
        ICalendarDuration { neg: minutes > 0, minutes: minutes.unsigned_abs(), ..ICalendarDuration::default() };
    component.add_property(ICalendarProperty::Trigger, before);
    component
}

fn day(name: ICalendarProperty, day: Date) -> ICalendarEntry {
    let kind = ICalendarParameter::new(ICalendarParameterName::Value, ICalendarValueType::Date);
    ICalendarEntry::new(name).with_param(kind).with_value(moment::of_day(day))
}

fn add_text(component: &mut ICalendarComponent, name: ICalendarProperty, text: &str) {
    if !text.is_empty() {
        component.add_property(name, clean(text));
    }
}

fn other(name: &str) -> ICalendarProperty {
    ICalendarProperty::Other(name.to_owned())
}

/// When a series may take place last.
fn last_instant(end: RangeEnd, first: Timestamp) -> Timestamp {
    match end {
        RangeEnd::On(last) => moment::instant(&Zone::utc(), last.to_datetime(Time::midnight())).unwrap_or(first),
        // Where the rules of zones end.
        RangeEnd::Never | RangeEnd::After(_) => LAST_RULES.max(first),
    }
}

fn local_start(event: &Event, zone: &Zone) -> Option<DateTime> {
    match event.when {
        When::Days { first, .. } => Some(first.to_datetime(Time::midnight())),
        When::Timed { start, .. } => moment::local(zone, start),
    }
}

/// The day that begins at an instant, whatever zone its midnight is of.
fn day_around(midnight: Timestamp) -> Date {
    Offset::UTC.to_datetime(midnight.checked_add(12.hours()).unwrap_or(midnight)).date()
}

/// 2050-12-31: further away a zone keeps its last rules.
const LAST_RULES: Timestamp = Timestamp::constant(2_556_057_600, 0);
