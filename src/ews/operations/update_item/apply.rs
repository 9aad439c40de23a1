//! What an item is to be, from what it is and what the caller wants of it.
//!
//! Owns what of the item is kept: its clock where none is named, the other end where only one is
//! moved, attendees of the kinds that are not named. Must not know who is told.

use crate::calendar::event::{Attendee, Body, Event, EventChange, EventKind, Role, When};
use crate::calendar::recurrence::Recurrence;
use crate::ews::types::calendar_item::zone_of_days;
use crate::ews::types::calendar_item_draft::Draft;
use crate::ews::types::calendar_item_draft::clock::Clock;
use crate::ews::types::calendar_item_draft::span::{Clocks, span};
use crate::ews::types::time_zone::TimeZoneContext;
use crate::ews::types::value::WireTime;
use crate::failure::Failure;

use super::updates::Wanted;

/// The change; attendees are those who are to be on the item, told or not.
pub(super) fn apply(wanted: Wanted, event: &Event, header: Option<&TimeZoneContext>) -> Result<EventChange, Failure> {
    let Wanted { mut draft, added, without } = wanted;
    if draft.change.uid.take().is_some_and(|uid| event.uid.as_ref().is_some_and(|is| *is != uid)) {
        return Err(Failure::ReadOnlyProperty { path: "calendar:UID".to_owned() });
    }
    let attendees = attendees(&mut draft, &added, event);
    let mut change = draft.change.clone();
    set_times(&mut change, &draft, event, header)?;
    change.attendees = attendees;
    for more in added.into_iter().filter_map(|draft| draft.change.body) {
        let body = change.body.take().or_else(|| event.body.clone()).unwrap_or_default();
        change.body = Some(joined(body, more));
    }
    change.properties.extend(without.into_iter().map(|id| (id, None)));
    Ok(change)
}

fn set_times(
    change: &mut EventChange,
    draft: &Draft,
    event: &Event,
    header: Option<&TimeZoneContext>,
) -> Result<(), Failure> {
    let new_series = change.recurrence.as_ref().and_then(Option::as_ref);
    if !draft.says_when() && new_series.is_none() {
        return Ok(());
    }
    let about = match draft.start {
        Some(WireTime::Instant(second) | WireTime::Local(second)) => second,
        None => event.when.instants(&crate::calendar::zone::Zone::utc()).0.as_second(),
    };
    let named = Clocks::of(draft, about)?;
    let heard = match &named {
        Some(clocks) => clocks.clone(),
        None => Clocks::of_header(header, about)?,
    };
    let is_all_day = draft.change.is_all_day.unwrap_or_else(|| event.when.is_all_day());
    let has_days = is_all_day || event.when.is_all_day();
    let are_anybodys = named.is_none() && has_days && zone_of_days(event).is_none();
    // An item stays on its clock until it is given another one; days of no zone are the caller's, as
    // they were read.
    let told = match named {
        Some(named) => named,
        None if are_anybodys => heard.clone(),
        None => own_clocks(event),
    };
    let was = event.when.instants(told.start.zone());
    let start = draft.start.map_or(was.0.as_second(), |start| start.second(heard.start.zone()));
    let end = draft.end.map_or(was.1.as_second(), |end| end.second(heard.end.zone()));
    let stays_series = event.kind == EventKind::Master && change.recurrence != Some(None);
    let first_day = match new_series {
        Some(series) => Some(series.range.start),
        None if stays_series => Some(told.start.reading(start)?.date()),
        None => None,
    };
    let (mut from, mut to) = span((start, end), is_all_day, &told, first_day)?;
    if are_anybodys && is_all_day {
        (from.zone, to.zone) = (None, None);
    }
    if let (None, Some(day), Some(series)) = (new_series, first_day, &event.recurrence)
        && draft.start.is_some()
        && day != series.range.start
        && day != first_shown(event, &told.start)?
    {
        // Graph wants both to begin on the same day.
        change.recurrence = Some(Some(moved(series, day)));
    }
    change.is_all_day = Some(is_all_day);
    (change.start, change.end) = (Some(from), Some(to));
    Ok(())
}

fn own_clocks(event: &Event) -> Clocks {
    let named = |name: &Option<String>| name.as_deref().and_then(|name| Clock::named(name).ok());
    let start = named(&event.start_zone).unwrap_or_else(Clock::utc);
    let end = named(&event.end_zone).unwrap_or_else(|| start.clone());
    Clocks { start, end }
}

/// The day that the item begins on now.
fn first_shown(event: &Event, clock: &Clock) -> Result<jiff::civil::Date, Failure> {
    match event.when {
        When::Days { first, .. } => Ok(first),
        When::Timed { start, .. } => Ok(clock.reading(start.as_second())?.date()),
    }
}

fn moved(series: &Recurrence, day: jiff::civil::Date) -> Recurrence {
    let mut series = series.clone();
    series.range.start = day;
    series
}

/// Everybody, if anybody is set or added: those of other kinds stay. Names that the request leaves
/// out are kept.
fn attendees(draft: &mut Draft, added: &[Draft], event: &Event) -> Option<Vec<Attendee>> {
    let kinds = |draft: &Draft| [draft.required.clone(), draft.optional.clone(), draft.resources.clone()];
    let is_said =
        kinds(draft).iter().chain(added.iter().flat_map(kinds).collect::<Vec<_>>().iter()).any(Option::is_some);
    if !is_said {
        return None;
    }
    let roles = [Role::Required, Role::Optional, Role::Resource];
    let mut all: Vec<Attendee> = Vec::new();
    for (role, set) in roles.into_iter().zip(kinds(draft)) {
        let was = || event.attendees.iter().filter(|attendee| attendee.role == role).cloned().collect();
        all.extend(set.unwrap_or_else(was));
    }
    for more in added.iter().flat_map(kinds).flatten().flatten() {
        all.retain(|attendee| !is_same(attendee, &more));
        all.push(more);
    }
    for attendee in all.iter_mut().filter(|attendee| attendee.person.name.is_empty()) {
        let known = event.attendees.iter().find(|known| is_same(known, attendee));
        known.into_iter().for_each(|known| attendee.person.name.clone_from(&known.person.name));
    }
    Some(all)
}

fn is_same(one: &Attendee, other: &Attendee) -> bool {
    one.person.address.eq_ignore_ascii_case(&other.person.address)
}

/// A text after another; both become HTML if one of them is.
fn joined(before: Body, more: Body) -> Body {
    if before.content.is_empty() {
        return more;
    }
    let is_html = before.is_html || more.is_html;
    let content = |body: Body| if is_html && !body.is_html { html(&body.content) } else { body.content };
    let (before, more) = (content(before), content(more));
    // Inside the document, if it is one.
    let end = before.to_ascii_lowercase().rfind("</body>").filter(|_| is_html).unwrap_or(before.len());
    let (head, tail) = before.split_at(end);
    Body { content: format!("{head}{more}{tail}"), is_html }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}
