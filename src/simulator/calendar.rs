//! One mailbox's stored events, and the journal of what happened to them, from which deltas are made.
//! Knows nothing of mailboxes, HTTP, or of what an event means.

use std::collections::{BTreeMap, VecDeque};

use super::event::Event;

/// Changes remembered; whoever knows less than the oldest must begin anew.
const KEPT: usize = 20_000;

#[derive(Default)]
pub(super) struct Calendar {
    events: BTreeMap<u64, Event>,
    journal: VecDeque<Change>,
    /// The last change that the journal no longer tells of.
    forgotten: u64,
}

/// One change, and what the event was before it.
struct Change {
    change: u64,
    number: u64,
    before: Option<Event>,
}

impl Calendar {
    /// By their numbers.
    pub(super) fn events(&self) -> &BTreeMap<u64, Event> {
        &self.events
    }

    /// The own copy of a meeting.
    pub(super) fn by_uid(&self, uid: &str) -> Option<&Event> {
        self.events.values().find(|event| event.uid == uid)
    }

    /// Stores an event under its number and with its change.
    pub(super) fn put(&mut self, event: Event) {
        let (change, number) = (event.change, event.number);
        let before = self.events.insert(number, event);
        self.note(Change { change, number, before });
    }

    /// Removes an event; says whether there was one.
    pub(super) fn remove(&mut self, number: u64, change: u64) -> bool {
        let Some(before) = self.events.remove(&number) else { return false };
        self.note(Change { change, number, before: Some(before) });
        true
    }

    /// Forgets how it came to be as it is.
    pub(super) fn forget(&mut self, until: u64) {
        self.journal.clear();
        self.forgotten = until;
    }

    /// The events that changed after a change, each as it was then; `None` when that is too long ago.
    pub(super) fn since(&self, change: u64) -> Option<BTreeMap<u64, Option<&Event>>> {
        if change < self.forgotten {
            return None;
        }
        let mut then = BTreeMap::new();
        for entry in self.journal.iter().rev().take_while(|entry| entry.change > change) {
            then.insert(entry.number, entry.before.as_ref());
        }
        Some(then)
    }

    fn note(&mut self, change: Change) {
        if self.journal.len() == KEPT
            && let Some(oldest) = self.journal.pop_front()
        {
            self.forgotten = oldest.change;
        }
        self.journal.push_back(change);
    }
}
