//! What of a change is new.
//!
//! Clients save what they know, changed or not, and Graph mails the attendees each time. Owns when
//! two values are the same; where that is not certain they are not, since a change that is lost is
//! worse than a mail.

use crate::calendar::event::{Attendee, Body, Event, EventChange, When, ZonedTime};
use crate::calendar::recurrence::{Pattern, Recurrence};
use crate::ews::types::body;
use crate::ews::types::calendar_item_draft::clock::Clock;

/// Leaves out what the item is already. It was read with its text and the properties in question.
pub(super) fn keep_new(change: &mut EventChange, event: &Event) {
    drop_same(&mut change.subject, &event.subject);
    drop_same(&mut change.location, &event.location);
    drop_same(&mut change.show_as, &event.show_as);
    drop_same(&mut change.sensitivity, &event.sensitivity);
    drop_same(&mut change.importance, &event.importance);
    drop_same(&mut change.categories, &event.categories);
    drop_same(&mut change.is_reminder_on, &event.is_reminder_on);
    drop_same(&mut change.reminder_minutes, &event.reminder_minutes);
    drop_same(&mut change.is_response_requested, &event.is_response_requested);
    drop_same(&mut change.allows_new_time, &event.allows_new_time);
    drop_same(&mut change.is_online_meeting, &event.is_online_meeting);
    if change.body.as_ref().is_some_and(|body| is_same_body(body, event.body.as_ref())) {
        change.body = None;
    }
    if change.attendees.as_ref().is_some_and(|attendees| are_same(attendees, &event.attendees)) {
        change.attendees = None;
    }
    match (&change.recurrence, &event.recurrence) {
        (Some(None), None) => change.recurrence = None,
        (Some(Some(new)), Some(old)) if is_same_series(new, old) => change.recurrence = None,
        _ => {}
    }
    if change.recurrence.is_none() && is_then(change, event) {
        (change.start, change.end, change.is_all_day) = (None, None, None);
    }
    if change.is_all_day == Some(event.when.is_all_day()) {
        change.is_all_day = None;
    }
    change.properties.retain(|(id, value)| {
        let is = event.properties.iter().find(|(known, _)| known == id).map(|(_, value)| value);
        is != value.as_ref()
    });
}

/// Whether nothing is left.
pub(super) fn is_empty(change: &EventChange) -> bool {
    *change == EventChange::default()
}

fn drop_same<T: PartialEq>(new: &mut Option<T>, old: &T) {
    if new.as_ref() == Some(old) {
        *new = None;
    }
}

/// Whether the item is at that time, by that clock.
fn is_then(change: &EventChange, event: &Event) -> bool {
    let (Some(start), Some(end)) = (&change.start, &change.end) else { return false };
    let is_time = match event.when {
        When::Days { first, after } => {
            change.is_all_day == Some(true) && start.local.date() == first && end.local.date() == after
        }
        When::Timed { start: from, end: to } => {
            change.is_all_day != Some(true)
                && second(start) == Some(from.as_second())
                && second(end) == Some(to.as_second())
        }
    };
    // A time told in UTC says nothing of the clock: it may be one that another shows twice.
    let is_clock = |time: &ZonedTime, zone: &Option<String>| {
        time.zone.is_none() || zone.is_none() || clock(time.zone.as_deref()) == clock(zone.as_deref())
    };
    is_time && is_clock(start, &event.start_zone) && is_clock(end, &event.end_zone)
}

fn clock(name: Option<&str>) -> Option<Clock> {
    name.map_or_else(|| Some(Clock::utc()), |name| Clock::named(name).ok())
}

fn second(time: &ZonedTime) -> Option<i64> {
    let local = jiff::tz::Offset::UTC.to_timestamp(time.local).ok()?.as_second();
    Some(clock(time.zone.as_deref())?.zone().second_of_local(local))
}

/// Whether the text is the same. Graph keeps plain text as HTML, and wraps HTML in a document.
fn is_same_body(new: &Body, old: Option<&Body>) -> bool {
    let Some(old) = old else { return new.content.trim().is_empty() };
    match (new.is_html, old.is_html) {
        (false, _) => settled(&new.content) == settled(&body::text(old)),
        (true, true) => settled(inside(&new.content)) == settled(inside(&old.content)),
        (true, false) => new.content.trim().is_empty() && old.content.trim().is_empty(),
    }
}

/// Lines without white space around them, nor empty ones before and after: what is left is the same
/// whichever way a text was kept.
fn settled(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// What is in the body of an HTML document, or the whole if it is none.
fn inside(html: &str) -> &str {
    let lower = html.to_ascii_lowercase();
    let from = lower.find("<body").and_then(|at| lower.get(at..)?.find('>').map(|end| at + end + 1));
    let to = lower.rfind("</body");
    from.zip(to).and_then(|(from, to)| html.get(from..to)).unwrap_or(html)
}

/// The same people in the same roles, in any order; what they are called is the directory's business.
fn are_same(new: &[Attendee], old: &[Attendee]) -> bool {
    let who = |attendees: &[Attendee]| {
        let of = |attendee: &Attendee| (attendee.person.address.to_lowercase(), attendee.role as u8);
        let mut all: Vec<_> = attendees.iter().map(of).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    who(new) == who(old)
}

fn is_same_series(new: &Recurrence, old: &Recurrence) -> bool {
    let is_same_pattern = match (&new.pattern, &old.pattern) {
        // Which day weeks begin with matters only where weeks are left out.
        (Pattern::Weekly { interval: 1, days: new, .. }, Pattern::Weekly { interval: 1, days: old, .. }) => new == old,
        (new, old) => new == old,
    };
    is_same_pattern && new.range == old.range
}
