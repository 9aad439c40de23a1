//! One subscription's queue: what it has not been told of, one event for each item, and what it was
//! told of but may have to be told again.
//!
//! Owns numbers, coalescing and the bound. Must not know subscriptions, the store or the clock.

use std::collections::{BTreeMap, HashMap};

use super::change::{Change, EventType, EventTypes};
use crate::calendar::event::EventId;
use crate::failure::Failure;

/// A queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: BTreeMap<i64, Entry>,
    /// Of each item the entry that nobody was told of yet.
    untold: HashMap<EventId, i64>,
    /// The number up to which events have arrived.
    acknowledged: i64,
    /// The number that was given last.
    last: i64,
    /// Whether events were dropped because there were too many.
    missed: bool,
}

#[derive(Debug)]
struct Entry {
    change: Change,
    /// By which connection it was told, if it was.
    told: Option<u64>,
}

/// An event as a subscriber is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in the subscription.
    pub number: i64,
    /// As what it is told.
    pub kind: EventType,
    /// What happened.
    pub change: Change,
}

/// What has become of a queue: numbers of events that are new or others, and of those that are gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Became {
    pub(super) written: Vec<i64>,
    pub(super) gone: Vec<i64>,
}

impl Became {
    /// All numbers concerned.
    pub(super) fn numbers(self) -> impl Iterator<Item = i64> {
        self.written.into_iter().chain(self.gone)
    }
}

impl Queue {
    /// A queue as it was: its events, and where it stood.
    pub(super) fn restored(
        events: impl IntoIterator<Item = (i64, Change)>,
        (acknowledged, last, missed): (i64, i64, bool),
    ) -> Self {
        let mut queue = Self { acknowledged, last, missed, ..Self::default() };
        for (number, change) in events {
            queue.last = queue.last.max(number);
            queue.untold.insert(change.item.clone(), number);
            queue.entries.insert(number, Entry { change, told: None });
        }
        queue
    }

    /// Adds a change, or makes one of it and what is there already.
    pub(super) fn push(&mut self, change: Change, types: EventTypes, most: usize) -> Became {
        let mut became = Became::default();
        let before = self.untold.get(&change.item).copied();
        let earlier = before.and_then(|number| self.entries.get(&number)).map(|entry| entry.change.kind);
        let kind = match earlier {
            Some(earlier) => earlier.then(change.kind),
            None => Some(change.kind),
        };
        match (before, kind.filter(|kind| types.tells(*kind).is_some())) {
            (Some(number), Some(kind)) => {
                if let Some(entry) = self.entries.get_mut(&number) {
                    entry.change = Change { kind, ..change };
                    became.written.push(number);
                }
            }
            (Some(number), None) => {
                self.forget(number);
                became.gone.push(number);
            }
            (None, Some(kind)) => {
                self.last += 1;
                self.untold.insert(change.item.clone(), self.last);
                self.entries.insert(self.last, Entry { change: Change { kind, ..change }, told: None });
                became.written.push(self.last);
            }
            (None, None) => {}
        }
        while self.entries.len() > most {
            let Some(oldest) = self.entries.keys().next().copied() else { break };
            self.forget(oldest);
            self.missed = true;
            became.gone.push(oldest);
            became.written.retain(|number| *number != oldest);
        }
        became
    }

    /// Up to `most` events that nobody was told of; a connection tells them now.
    pub(super) fn tell(&mut self, connection: u64, types: EventTypes, most: usize) -> Vec<Event> {
        let untold = self.entries.iter_mut().filter(|(_, entry)| entry.told.is_none()).take(most);
        let mut events = Vec::new();
        for (number, entry) in untold {
            entry.told = Some(connection);
            self.untold.remove(&entry.change.item);
            if let Some(kind) = types.tells(entry.change.kind) {
                events.push(Event { number: *number, kind, change: entry.change.clone() });
            }
        }
        events
    }

    /// What a connection has told up to a number has arrived. Gives the numbers.
    pub(super) fn arrived(&mut self, connection: u64, up_to: i64) -> Vec<i64> {
        let told = self.entries.range(..=up_to).filter(|(_, entry)| entry.told == Some(connection));
        let numbers: Vec<i64> = told.map(|(number, _)| *number).collect();
        for number in &numbers {
            self.entries.remove(number);
            self.acknowledged = self.acknowledged.max(*number);
        }
        numbers
    }

    /// What connections have told and has not arrived is to be told again.
    pub(super) fn take_back(&mut self) -> Became {
        // The last first, so that what is there of an item is what came later.
        let told = self.entries.iter().rev().filter(|(_, entry)| entry.told.is_some()).map(|(number, _)| *number);
        let mut became = Became::default();
        for number in told.collect::<Vec<_>>() {
            let Some(mut earlier) = self.entries.remove(&number) else { continue };
            let later = self.untold.get(&earlier.change.item).copied();
            match later.and_then(|later| Some((later, self.entries.get_mut(&later)?))) {
                None => {
                    self.untold.insert(earlier.change.item.clone(), number);
                    earlier.told = None;
                    self.entries.insert(number, earlier);
                }
                // Nobody knows whether the first was heard: the end is told in any case.
                Some((later, entry)) => {
                    let kind = earlier.change.kind.then(entry.change.kind).unwrap_or(entry.change.kind);
                    entry.change.kind = kind;
                    became.written.push(later);
                    became.gone.push(number);
                }
            }
        }
        became
    }

    /// A puller's next events after `number`, which says that all up to it have arrived, and whether
    /// there are more; and the numbers of those that have.
    ///
    /// # Errors
    /// [`Failure::BadWatermark`] for a number that was not given yet, or is behind an earlier one.
    pub(super) fn pull(
        &mut self,
        number: i64,
        types: EventTypes,
        most: usize,
    ) -> Result<(Vec<Event>, bool, Vec<i64>), Failure> {
        if number < self.acknowledged || number > self.last {
            return Err(Failure::BadWatermark);
        }
        let arrived: Vec<i64> = self.entries.range(..=number).map(|(number, _)| *number).collect();
        for number in &arrived {
            self.forget(*number);
        }
        self.acknowledged = number;
        let mut events = Vec::new();
        for (number, entry) in self.entries.iter_mut().take(most) {
            entry.told = Some(PULLED);
            self.untold.remove(&entry.change.item);
            if let Some(kind) = types.tells(entry.change.kind) {
                events.push(Event { number: *number, kind, change: entry.change.clone() });
            }
        }
        Ok((events, self.entries.len() > most, arrived))
    }

    /// All that is queued, whether it was told or not.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.entries.values().map(|entry| &entry.change)
    }

    /// Drops events, and gives their numbers.
    pub(super) fn drop_those(&mut self, is_dropped: impl Fn(&Change) -> bool) -> Vec<i64> {
        let dropped = self.entries.iter().filter(|(_, entry)| is_dropped(&entry.change));
        let numbers: Vec<i64> = dropped.map(|(number, _)| *number).collect();
        numbers.iter().for_each(|number| self.forget(*number));
        numbers
    }

    /// Whether there is something to tell.
    pub(super) fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// Whether events were dropped since this was asked last.
    pub(super) fn take_missed(&mut self) -> bool {
        std::mem::take(&mut self.missed)
    }

    /// Where it stands: the number up to which events have arrived, the one given last, and whether
    /// events were dropped and nobody was told so.
    pub(super) fn standing(&self) -> (i64, i64, bool) {
        (self.acknowledged, self.last, self.missed)
    }

    /// An event by its number.
    pub(super) fn change(&self, number: i64) -> Option<&Change> {
        self.entries.get(&number).map(|entry| &entry.change)
    }

    fn forget(&mut self, number: i64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        if self.untold.get(&entry.change.item) == Some(&number) {
            self.untold.remove(&entry.change.item);
        }
    }
}

/// Stands for the connections of pullers, which all are one.
const PULLED: u64 = 0;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::calendar::Mailbox;
    use crate::changes::change::ChangeKind::{self, Created, Deleted, Modified};

    const MOST: usize = 100;

    fn all() -> EventTypes {
        EventTypes::default().with(EventType::Created).with(EventType::Modified).with(EventType::Deleted)
    }

    fn change(item: &str, kind: ChangeKind) -> Change {
        Change {
            kind,
            mailbox: Mailbox::parse("a@example.com").unwrap(),
            item: EventId::parse(item).unwrap(),
            change_key: String::new(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn told(events: &[Event]) -> Vec<(&str, ChangeKind)> {
        events.iter().map(|event| (event.change.item.as_str(), event.change.kind)).collect()
    }

    #[test]
    fn one_event_for_each_item() {
        for (kinds, expected) in [
            (&[Created, Modified][..], Some(Created)),
            (&[Created, Deleted], None),
            (&[Created, Modified, Deleted], None),
            (&[Modified, Modified], Some(Modified)),
            (&[Modified, Deleted], Some(Deleted)),
            (&[Deleted, Created], Some(Modified)),
            (&[Created, Deleted, Created], Some(Created)),
        ] {
            let mut queue = Queue::default();
            for kind in kinds {
                queue.push(change("x", *kind), all(), MOST);
            }
            let events = queue.tell(1, all(), 50);
            assert_eq!(events.iter().map(|event| event.change.kind).next(), expected, "{kinds:?}");
            assert!(events.len() < 2 && !queue.has_untold(), "{kinds:?}");
        }
    }

    #[test]
    fn what_was_told_of_is_not_taken_back_by_a_deletion() {
        let mut queue = Queue::default();
        queue.push(change("x", Created), all(), MOST);
        assert_eq!(told(&queue.tell(1, all(), 50)), [("x", Created)]);
        queue.push(change("x", Modified), all(), MOST);
        queue.push(change("x", Deleted), all(), MOST);
        assert_eq!(told(&queue.tell(1, all(), 50)), [("x", Deleted)]);
        assert_eq!(queue.tell(1, all(), 50), []);
    }

    #[test]
    fn kinds_that_are_not_wanted_count_in_what_they_come_to() {
        let only = EventTypes::default().with(EventType::Modified);
        let mut queue = Queue::default();
        assert_eq!(queue.push(change("x", Created), only, MOST), Became::default());
        queue.push(change("x", Modified), only, MOST);
        assert_eq!(told(&queue.tell(1, only, 50)), [("x", Modified)]);
        queue.push(change("y", Modified), only, MOST);
        let became = queue.push(change("y", Deleted), only, MOST);
        assert_eq!(became, Became { written: vec![], gone: vec![2] });
        assert_eq!(queue.tell(1, only, 50), []);
    }

    #[test]
    fn what_did_not_arrive_is_told_again_and_once() {
        let mut queue = Queue::default();
        for item in ["x", "y", "z"] {
            queue.push(change(item, Created), all(), MOST);
        }
        let first = queue.tell(1, all(), 2);
        assert_eq!(told(&first), [("x", Created), ("y", Created)]);
        assert_eq!(queue.arrived(1, 1), [1]);
        assert_eq!(queue.arrived(2, 9), [] as [i64; 0], "another connection has told nothing");
        queue.push(change("y", Deleted), all(), MOST);
        queue.push(change("w", Created), all(), MOST);
        queue.tell(1, all(), 3);
        queue.push(change("w", Modified), all(), MOST);
        assert_eq!(queue.take_back(), Became { written: vec![6, 4], gone: vec![5, 2] });
        let again = queue.tell(2, all(), 50);
        assert_eq!(told(&again), [("z", Created), ("y", Deleted), ("w", Created)]);
        assert_eq!(queue.arrived(2, 9), [3, 4, 6]);
        assert_eq!(queue.standing(), (6, 6, false));
    }

    #[test]
    fn too_many_events_drop_the_oldest_and_it_is_known() {
        let mut queue = Queue::default();
        for item in ["a", "b", "c"] {
            queue.push(change(item, Modified), all(), 3);
        }
        assert_eq!(queue.push(change("d", Modified), all(), 3), Became { written: vec![4], gone: vec![1] });
        assert!(queue.take_missed() && !queue.take_missed());
        assert_eq!(told(&queue.tell(1, all(), 50)), [("b", Modified), ("c", Modified), ("d", Modified)]);
    }

    #[test]
    fn a_puller_may_ask_again_until_it_says_what_has_arrived() {
        let mut queue = Queue::default();
        for item in ["a", "b", "c"] {
            queue.push(change(item, Created), all(), MOST);
        }
        let (events, more, arrived) = queue.pull(0, all(), 2).unwrap();
        assert_eq!((told(&events), more, arrived), (vec![("a", Created), ("b", Created)], true, vec![]));
        assert_eq!(queue.pull(0, all(), 2).unwrap().0, events, "the answer was lost");
        queue.push(change("a", Deleted), all(), MOST);
        let (events, more, arrived) = queue.pull(2, all(), 2).unwrap();
        assert_eq!((told(&events), more, arrived), (vec![("c", Created), ("a", Deleted)], false, vec![1, 2]));
        assert_eq!(queue.pull(1, all(), 2), Err(Failure::BadWatermark), "gone by");
        assert_eq!(queue.pull(5, all(), 2), Err(Failure::BadWatermark), "not given yet");
        assert_eq!(queue.pull(4, all(), 2).unwrap(), (vec![], false, vec![3, 4]));
        assert_eq!(queue.pull(4, all(), 2).unwrap(), (vec![], false, vec![]));
    }

    #[test]
    fn numbers_go_on_after_a_restart() {
        let mut queue = Queue::restored([(7, change("x", Created))], (3, 5, false));
        queue.push(change("x", Modified), all(), MOST);
        queue.push(change("y", Created), all(), MOST);
        let (events, ..) = queue.pull(3, all(), 50).unwrap();
        assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(told(&events), [("x", Created), ("y", Created)]);
        let mut quiet = Queue::restored([], (9, 9, false));
        assert_eq!(quiet.pull(9, all(), 50).unwrap().0, []);
    }
}
