//! What one calendar's change does to others: invitations, updates, cancellations, answers.
//! Knows stored events only, neither HTTP nor JSON bodies.
//!
//! People get a copy that is tentative until they answer; rooms accept at once and are as busy as the meeting.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::event::{Attendee, Event};
use super::extended::Extended;
use super::state::State;
use super::world::Kind;

/// Stores an event; an organizer's one is brought to the attendees' calendars as well.
pub(super) fn publish(state: &mut State, owner: &str, mut event: Event, now: Timestamp) {
    if !event.is_organizer {
        state.put(owner, event, now);
        return;
    }
    let exceptions = event.exceptions.values_mut().flatten().flat_map(|one| one.attendees.iter_mut());
    for attendee in event.attendees.iter_mut().chain(exceptions) {
        let is_room = state.mailbox_of(&attendee.who.address).is_some_and(|mailbox| mailbox.kind == Kind::Room);
        if is_room && attendee.response != "accepted" {
            (attendee.response, attendee.answered) = ("accepted", Some(now));
        }
    }
    state.put(owner, event.clone(), now);
    let invited = |address: &str| event.attendees.iter().any(|one| one.who.address.eq_ignore_ascii_case(address));
    withdraw(state, &event, invited, now);
    for attendee in &event.attendees {
        let Some(mailbox) = state.mailbox_of(&attendee.who.address) else { continue };
        if mailbox.kind == Kind::NoMailbox || mailbox.address.eq_ignore_ascii_case(&event.organizer.address) {
            continue;
        }
        let key = mailbox.address.to_lowercase();
        let before = mailbox.calendar.by_uid(&event.uid).cloned();
        let mut copy = copy(&event, attendee, before.as_ref());
        copy.number = before.as_ref().map_or_else(|| state.next_number(), |one| one.number);
        copy.created = before.map_or(now, |one| one.created);
        state.put(&key, copy, now);
    }
}

/// Cancels the meeting in every attendee's calendar, as when the organizer deletes it.
pub(super) fn call_off(state: &mut State, event: &Event, now: Timestamp) {
    withdraw(state, event, |_| false, now);
}

/// Marks an event as cancelled, as a person's calendar keeps it.
pub(super) fn cancel(event: &mut Event) {
    if event.cancelled {
        return;
    }
    event.cancelled = true;
    let subject = format!("Canceled: {}", event.text("subject", ""));
    event.properties.insert("subject".to_owned(), json!(subject));
    event.properties.insert("showAs".to_owned(), json!("free"));
}

/// Forgets the answers to a meeting whose time changes. Nothing happens to a copy.
pub(super) fn ask_again(event: &mut Event) {
    for attendee in event.attendees.iter_mut().filter(|_| event.is_organizer) {
        (attendee.response, attendee.answered) = ("none", None);
    }
}

/// An attendee's answer to a meeting, or to one occurrence of it.
pub(super) struct Reply {
    pub(super) day: Option<Date>,
    pub(super) response: &'static str,
    /// Whether the organizer learns of it.
    pub(super) sent: bool,
}

/// Records an answer in the attendee's copy, and with the organizer. A declined meeting stays, and takes no time.
pub(super) fn answer(state: &mut State, owner: &str, number: u64, reply: &Reply, now: Timestamp) {
    let Some(mailbox) = state.mailboxes.get(owner) else { return };
    let Some(mut copy) = mailbox.calendar.events().get(&number).cloned() else { return };
    let (address, uid) = (mailbox.address.clone(), copy.uid.clone());
    let organizer = state.mailbox_of(&copy.organizer.address);
    let meeting = organizer.and_then(|organizer| {
        let meeting = organizer.calendar.by_uid(&uid).filter(|one| one.is_organizer)?;
        Some((organizer.address.to_lowercase(), meeting.clone()))
    });
    let intended = meeting.as_ref().map_or("busy", |(_, meeting)| meeting.show_as()).to_owned();
    on(&mut copy, reply.day, |event| {
        (event.response, event.answered) = (reply.response, Some(now));
        event.properties.insert("showAs".to_owned(), show_as(&intended, reply.response));
    });
    state.put(owner, copy, now);
    if let Some((organizer, mut meeting)) = meeting.filter(|_| reply.sent) {
        on(&mut meeting, reply.day, |event| {
            for attendee in event.attendees.iter_mut().filter(|one| one.who.address.eq_ignore_ascii_case(&address)) {
                (attendee.response, attendee.answered) = (reply.response, Some(now));
            }
        });
        state.put(&organizer, meeting, now);
    }
}

/// Changes an event with all its exceptions, or the occurrence of a day alone, which becomes an exception.
fn on(event: &mut Event, day: Option<Date>, change: impl Fn(&mut Event)) {
    let Some(day) = day else {
        change(event);
        for exception in event.exceptions.values_mut().flatten() {
            change(exception);
            exception.change = 0;
        }
        return;
    };
    if let Some(mut exception) = event.exception(day) {
        change(&mut exception);
        event.exceptions.insert(day, Some(Box::new(exception)));
    }
}

/// Takes the meeting back from everybody who has a copy and is not to stay.
fn withdraw(state: &mut State, event: &Event, stays: impl Fn(&str) -> bool, now: Timestamp) {
    let leaving = state.mailboxes.iter().filter(|(_, mailbox)| !stays(&mailbox.address));
    let copies: Vec<(String, Kind, Event)> = leaving
        .filter_map(|(key, mailbox)| {
            let copy = mailbox.calendar.by_uid(&event.uid).filter(|copy| !copy.is_organizer)?;
            Some((key.clone(), mailbox.kind, copy.clone()))
        })
        .collect();
    for (key, kind, mut copy) in copies {
        if kind == Kind::Room {
            state.remove(&key, copy.number);
        } else if !copy.cancelled {
            cancel(&mut copy);
            state.put(&key, copy, now);
        }
    }
}

/// The organizer's event as it looks in an attendee's calendar. An answer that the organizer was not told of
/// stays until the meeting moves.
fn copy(event: &Event, attendee: &Attendee, before: Option<&Event>) -> Event {
    let mut copy = event.clone();
    let kept = before.filter(|before| (before.start, before.end) == (event.start, event.end));
    copy.is_organizer = false;
    (copy.response, copy.answered) = match attendee.response {
        "none" => kept.map_or(("notResponded", None), |before| (before.response, before.answered)),
        response => (response, attendee.answered),
    };
    copy.properties.remove("transactionId");
    // Invitations carry none of them.
    copy.extended = Extended::default();
    copy.properties.insert("showAs".to_owned(), show_as(event.show_as(), copy.response));
    for (day, exception) in &mut copy.exceptions {
        let Some(one) = exception else { continue };
        let own = one.attendees.iter().find(|one| one.who.address.eq_ignore_ascii_case(&attendee.who.address));
        let own = own.cloned().unwrap_or_else(|| attendee.clone());
        let before = before.and_then(|before| before.exceptions.get(day)?.as_deref());
        **one = self::copy(one, &own, before);
        one.change = 0;
    }
    // Occurrences that the attendee deleted stay deleted.
    let deleted = kept.into_iter().flat_map(|before| &before.exceptions).filter(|(_, exception)| exception.is_none());
    copy.exceptions.extend(deleted.map(|(day, _)| (*day, None)));
    copy
}

/// How an attendee's time is shown: as the organizer wants it once accepted.
fn show_as(intended: &str, response: &str) -> Value {
    match response {
        "declined" => json!("free"),
        "notResponded" | "tentativelyAccepted" if intended != "free" => json!("tentative"),
        _ => json!(intended),
    }
}
