//! What lies within a client's sight, and what of an item it sees.
//!
//! Owns that an item beyond the horizon is as if it did not exist, and that nothing is put there. Whoever writes is
//! bound by what it sees as the one who writes and, if it reads too, as the one who reads.

use jiff::civil::Date;
use jiff::{Timestamp, tz};

use super::operation::Context;
use super::types::calendar_item;
use crate::calendar::Capability;
use crate::calendar::event::{Event, EventChange, EventId, EventKind, When, ZonedTime};
use crate::calendar::zone::Zone;
use crate::client::{Ceiling, Client, Permitted};
use crate::failure::Failure;
use crate::graph::EventParts;

/// An event within sight.
///
/// # Errors
/// [`Failure::NoSuchItem`] also for what lies beyond the horizon; else as Graph has it.
pub async fn event(
    context: &Context<'_>,
    mailbox: &Permitted,
    id: &EventId,
    parts: &EventParts,
) -> Result<Event, Failure> {
    let event = context.graphs.event(mailbox, id, parts, context.journal).await?;
    let series = event.recurrence.as_ref().filter(|_| event.kind == EventKind::Master);
    let zone = calendar_item::zone_of(&event, callers_zone(context).as_ref());
    let now = context.journal.now;
    let reaches = |permitted: &Permitted| permitted.view().horizon.reaches(&event.when, series, &zone, now);
    if grants(context.client, mailbox, now).all(|permitted| reaches(&permitted)) {
        Ok(event)
    } else {
        Err(Failure::NoSuchItem)
    }
}

/// An event within sight, of which the client sees all: for what its answer would tell of an event.
///
/// # Errors
/// [`Failure::Denied`] for any other, whatever it is like; else as [`event`].
pub async fn whole_event(
    context: &Context<'_>,
    mailbox: &Permitted,
    id: &EventId,
    parts: &EventParts,
) -> Result<Event, Failure> {
    let event = event(context, mailbox, id, parts).await?;
    if sees_whole(context.client, mailbox, &event, context.journal.now) { Ok(event) } else { Err(Failure::Denied) }
}

/// Makes sure that an event is within sight; where there is no horizon it is not even read.
///
/// # Errors
/// As [`event`].
pub async fn check(context: &Context<'_>, mailbox: &Permitted, id: &EventId) -> Result<(), Failure> {
    if is_endless(context, mailbox) {
        return Ok(());
    }
    event(context, mailbox, id, &EventParts::default()).await.map(drop)
}

/// Makes sure that a new event, or one that is changed, is then within sight.
///
/// # Errors
/// [`Failure::Denied`].
pub fn check_new(
    context: &Context<'_>,
    mailbox: &Permitted,
    change: &EventChange,
    before: Option<&Event>,
) -> Result<(), Failure> {
    if is_endless(context, mailbox) {
        return Ok(());
    }
    let old_series = before.and_then(|event| event.recurrence.as_ref().filter(|_| event.kind == EventKind::Master));
    let series = match &change.recurrence {
        Some(series) => series.as_ref(),
        None => old_series,
    };
    let when = when(change).or_else(|| before.map(|event| event.when)).ok_or(Failure::Denied)?;
    let callers = callers_zone(context);
    let zone = match before {
        Some(event) => calendar_item::zone_of(event, callers.as_ref()),
        None => callers.unwrap_or_else(Zone::utc),
    };
    let now = context.journal.now;
    let reaches = |permitted: Permitted| permitted.view().horizon.reaches(&when, series, &zone, now);
    if grants(context.client, mailbox, now).all(reaches) { Ok(()) } else { Err(Failure::Denied) }
}

/// Whether a day, on the clock of a zone, is within sight.
pub fn has_day(context: &Context<'_>, mailbox: &Permitted, day: Date, zone: &Zone) -> bool {
    let when = When::Days { first: day, after: day.tomorrow().unwrap_or(day) };
    let now = context.journal.now;
    grants(context.client, mailbox, now).all(|permitted| permitted.view().horizon.reaches(&when, None, zone, now))
}

/// Whether a client sees all of an item, and as it is.
#[must_use]
pub fn sees_whole(client: &Client, mailbox: &Permitted, event: &Event, now: Timestamp) -> bool {
    grants(client, mailbox, now).all(|permitted| {
        permitted.view().is_plain() && permitted.view().ceiling_of(event.is_private()) == Ceiling::Full
    })
}

/// As what a client deals with a mailbox: as what it was permitted, and, if that is writing, as a reader.
fn grants(client: &Client, mailbox: &Permitted, now: Timestamp) -> impl Iterator<Item = Permitted> {
    let writes = mailbox.capability() == Capability::CalendarWrite;
    let reads = writes.then(|| client.permit(mailbox.mailbox(), Capability::CalendarRead, now).ok()).flatten();
    [Some(mailbox.clone()), reads].into_iter().flatten()
}

fn is_endless(context: &Context<'_>, mailbox: &Permitted) -> bool {
    let mut grants = grants(context.client, mailbox, context.journal.now);
    grants.all(|permitted| permitted.view().horizon.is_endless())
}

fn callers_zone(context: &Context<'_>) -> Option<Zone> {
    context.header.time_zone.as_ref()?.zone().ok()
}

/// When a change puts an event; nothing where it does not say both ends.
fn when(change: &EventChange) -> Option<When> {
    let (start, end) = change.start.as_ref().zip(change.end.as_ref())?;
    if change.is_all_day == Some(true) {
        return Some(When::Days { first: start.local.date(), after: end.local.date() });
    }
    Some(When::Timed { start: instant(start)?, end: instant(end)? })
}

fn instant(time: &ZonedTime) -> Option<Timestamp> {
    let zone = time.zone.as_deref().and_then(|name| Zone::named(name).ok()).unwrap_or_else(Zone::utc);
    let local = tz::Offset::UTC.to_timestamp(time.local).ok()?.as_second();
    Timestamp::from_second(zone.second_of_local(local)).ok()
}
