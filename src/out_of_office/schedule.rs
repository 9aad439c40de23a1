//! Which mailboxes are next: to be looked at, or to turn.
//!
//! Owns their order, and nothing else: times are arguments, of either kind.

use std::collections::{BTreeSet, HashMap};

use crate::calendar::Mailbox;

/// Mailboxes by when they are due.
#[derive(Debug)]
pub(super) struct Schedule<T> {
    order: BTreeSet<(T, Mailbox)>,
    due: HashMap<Mailbox, T>,
}

impl<T: Copy + Ord> Schedule<T> {
    /// Has a mailbox due at a time, whenever it was before.
    pub(super) fn put(&mut self, mailbox: Mailbox, due: T) {
        if let Some(former) = self.due.insert(mailbox.clone(), due) {
            self.order.remove(&(former, mailbox.clone()));
        }
        self.order.insert((due, mailbox));
    }

    /// Has a mailbox that is in here due at a time, unless it is before.
    pub(super) fn hasten(&mut self, mailbox: &Mailbox, due: T) {
        if self.due.get(mailbox).is_some_and(|former| *former > due) {
            self.put(mailbox.clone(), due);
        }
    }

    /// Takes a mailbox out.
    pub(super) fn remove(&mut self, mailbox: &Mailbox) {
        if let Some(due) = self.due.remove(mailbox) {
            self.order.remove(&(due, mailbox.clone()));
        }
    }

    /// When the first is due.
    pub(super) fn first(&self) -> Option<T> {
        self.order.first().map(|(due, _)| *due)
    }

    /// When the first is due of those that are not by a time.
    pub(super) fn first_after(&self, time: T) -> Option<T> {
        self.order.iter().map(|(due, _)| *due).find(|due| *due > time)
    }

    /// Those that are due by a time, the first of them first.
    pub(super) fn until(&self, time: T) -> impl Iterator<Item = &Mailbox> {
        self.order.iter().take_while(move |(due, _)| *due <= time).map(|(_, mailbox)| mailbox)
    }

    /// Takes out the first that are due by a time.
    pub(super) fn take(&mut self, most: usize, by: T) -> Vec<Mailbox> {
        let mut taken = Vec::new();
        while taken.len() < most && self.first().is_some_and(|due| due <= by) {
            let Some((_, mailbox)) = self.order.pop_first() else { break };
            self.due.remove(&mailbox);
            taken.push(mailbox);
        }
        taken
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), due: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;

    fn mailbox(number: usize) -> Mailbox {
        Mailbox::parse(&format!("m{number}@example.com")).unwrap()
    }

    #[test]
    fn the_first_due_come_first_and_each_once() {
        let (mut schedule, start) = (Schedule::default(), Instant::now());
        let at = |second| start + Duration::from_secs(second);
        for (number, second) in [(1, 30), (2, 10), (3, 20), (2, 40), (4, 10)] {
            schedule.put(mailbox(number), at(second));
        }
        schedule.hasten(&mailbox(1), at(50));
        schedule.hasten(&mailbox(1), at(5));
        schedule.hasten(&mailbox(9), at(1));
        assert_eq!((schedule.len(), schedule.first()), (4, Some(at(5))));
        assert_eq!(schedule.take(9, at(4)), []);
        assert_eq!(schedule.take(2, at(30)), [mailbox(1), mailbox(4)]);
        schedule.remove(&mailbox(3));
        assert_eq!(schedule.take(9, at(39)), []);
        assert_eq!(schedule.take(9, at(40)), [mailbox(2)]);
        assert_eq!((schedule.len(), schedule.first(), schedule.due.len()), (0, None, 0));
    }

    proptest! {
        #[test]
        fn it_does_as_a_list_that_is_sorted_each_time(steps in prop::collection::vec((0..4_u8, 0..12_usize, 0..50_u64), 0..80)) {
            let (mut schedule, start) = (Schedule::default(), Instant::now());
            let mut list: Vec<(Instant, Mailbox)> = Vec::new();
            for (step, number, second) in steps {
                let (who, at) = (mailbox(number), start + Duration::from_secs(second));
                match step {
                    0 => {
                        schedule.put(who.clone(), at);
                        list.retain(|(_, other)| *other != who);
                        list.push((at, who));
                    }
                    1 => {
                        schedule.hasten(&who, at);
                        list.iter_mut().filter(|(_, other)| *other == who).for_each(|(due, _)| *due = at.min(*due));
                    }
                    2 => {
                        schedule.remove(&who);
                        list.retain(|(_, other)| *other != who);
                    }
                    _ => {
                        list.sort();
                        let until: Vec<_> = list.iter().filter(|(due, _)| *due <= at).map(|(_, who)| who).collect();
                        prop_assert_eq!(schedule.until(at).collect::<Vec<_>>(), until);
                        let later = list.iter().map(|(due, _)| *due).find(|due| *due > at);
                        prop_assert_eq!(schedule.first_after(at), later);
                        let due = list.iter().take_while(|(due, _)| *due <= at).take(number).count();
                        let expected: Vec<Mailbox> = list.drain(..due).map(|(_, who)| who).collect();
                        prop_assert_eq!(schedule.take(number, at), expected);
                    }
                }
                list.sort();
                prop_assert_eq!((schedule.len(), schedule.first()), (list.len(), list.first().map(|(due, _)| *due)));
            }
        }
    }
}
