//! What one calendar's change does to others: invitations, updates, cancellations, answers.
//! Knows stored events only, neither HTTP nor JSON bodies.
//!
//! People get a copy that is tentative until they answer; rooms accept at once and are as busy as the meeting.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::event::{Attendee, Event};
use super::state::State;
use super::world::Kind;

/// Brings the attendees' calendars in line with an organizer's event.
pub(super) fn share(state: &mut State, owner: &str, number: u64, now: Timestamp) {
    let Some(event) = state.mailboxes.get(owner).and_then(|mailbox| mailbox.events.get(&number)) else { return };
    if !event.is_organizer {
        return;
    }
    let mut event = event.clone();
    withdraw(state, &event, |attendee| {
        event.attendees.iter().any(|one| one.who.address.eq_ignore_ascii_case(attendee))
    });
    let mut attendees = event.attendees.clone();
    for attendee in &mut attendees {
        if state.mailbox_of(&attendee.who.address).is_some_and(|mailbox| mailbox.kind == Kind::Room) {
            (attendee.response, attendee.answered) = ("accepted", Some(now));
        }
    }
    event.attendees.clone_from(&attendees);
    for attendee in &attendees {
        if attendee.response == "declined" {
            continue;
        }
        let fresh = state.next_number();
        let change = state.next_number();
        let Some(mailbox) = state.mailbox_of(&attendee.who.address) else { continue };
        if mailbox.kind == Kind::NoMailbox || mailbox.address.eq_ignore_ascii_case(&event.organizer.address) {
            continue;
        }
        let before = mailbox.events.values().find(|one| one.uid == event.uid);
        let number = before.map_or(fresh, |one| one.number);
        let mut copy = copy(&event, attendee);
        copy.created = before.map_or(now, |one| one.created);
        (copy.number, copy.change, copy.modified) = (number, change, now);
        mailbox.events.insert(number, copy);
    }
    let stored = state.mailboxes.get_mut(owner).and_then(|mailbox| mailbox.events.get_mut(&number));
    if let Some(stored) = stored {
        stored.attendees = attendees;
    }
}

/// Cancels the meeting in every attendee's calendar, as when the organizer deletes it.
pub(super) fn call_off(state: &mut State, event: &Event) {
    withdraw(state, event, |_| false);
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

/// Records an attendee's answer in the own copy and with the organizer. Declining removes the copy.
pub(super) fn answer(state: &mut State, owner: &str, number: u64, response: &'static str, now: Timestamp) {
    let change = state.next_number();
    let Some(mailbox) = state.mailboxes.get(owner) else { return };
    let (address, copy) = (mailbox.address.clone(), mailbox.events.get(&number).cloned());
    let Some(copy) = copy else { return };
    if let Some(organizer) = state.mailbox_of(&copy.organizer.address)
        && let Some(meeting) = organizer.events.values_mut().find(|one| one.uid == copy.uid)
    {
        for attendee in meeting.attendees.iter_mut().filter(|one| one.who.address.eq_ignore_ascii_case(&address)) {
            (attendee.response, attendee.answered) = (response, Some(now));
        }
        meeting.change = change;
        meeting.modified = now;
        let (owner, number) = (organizer.address.to_lowercase(), meeting.number);
        share(state, &owner, number, now);
    }
    if response == "declined"
        && let Some(mailbox) = state.mailboxes.get_mut(owner)
    {
        mailbox.events.remove(&number);
    }
}

/// Takes the meeting back from everybody who has a copy and is not to stay.
fn withdraw(state: &mut State, event: &Event, stays: impl Fn(&str) -> bool) {
    let change = state.next_number();
    for mailbox in state.mailboxes.values_mut().filter(|mailbox| !stays(&mailbox.address)) {
        let copy = mailbox.events.values_mut().find(|one| one.uid == event.uid && !one.is_organizer);
        let Some(copy) = copy else { continue };
        if mailbox.kind == Kind::Room {
            let number = copy.number;
            mailbox.events.remove(&number);
        } else {
            cancel(copy);
            copy.change = change;
        }
    }
}

/// The organizer's event as it looks in an attendee's calendar.
fn copy(event: &Event, attendee: &Attendee) -> Event {
    let mut copy = event.clone();
    copy.is_organizer = false;
    copy.response = if attendee.response == "none" { "notResponded" } else { attendee.response };
    copy.properties.remove("transactionId");
    let undecided = matches!(copy.response, "notResponded" | "tentativelyAccepted");
    if undecided && event.show_as() != "free" {
        copy.properties.insert("showAs".to_owned(), json!("tentative"));
    }
    let exceptions = event.exceptions.iter();
    let as_copy = |one: &Option<Box<Event>>| one.as_deref().map(|one| Box::new(self::copy(one, attendee)));
    copy.exceptions = exceptions.map(|(day, one)| (*day, as_copy(one))).collect::<BTreeMap<_, _>>();
    copy
}
