//! Those who wait for calls of one kind: joined where they ask the same, and taken by the batch.
//!
//! Owns the order of waiting. Must not know calls, nor locks.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;

use super::grid::{Grid, Stretch};
use crate::calendar::Mailbox;

/// A place in a line, which turns into an answer.
pub(super) type Ticket<T> = Shared<oneshot::Receiver<T>>;

/// Mailboxes that a batch asks about, and who waits for each.
pub(super) type Waiters<T> = HashMap<Mailbox, Vec<oneshot::Sender<T>>>;

/// One line.
#[derive(Debug)]
pub(super) struct Line<T> {
    /// Calls under way, and those of them that hold others back.
    pub(super) running: usize,
    pub(super) holding: usize,
    queue: VecDeque<Waiter<T>>,
    /// Queued or under way, with the stretch that the answer will tell.
    waiting: HashMap<Mailbox, Vec<(Stretch, Ticket<T>)>>,
}

#[derive(Debug)]
struct Waiter<T> {
    mailbox: Mailbox,
    stretch: Stretch,
    sender: oneshot::Sender<T>,
}

impl<T: Clone> Line<T> {
    /// Joins those who wait for the same, or more, about a mailbox; else the end of the line. Says
    /// whether there was somebody to join.
    pub(super) fn join(&mut self, mailbox: &Mailbox, stretch: Stretch) -> (Ticket<T>, bool) {
        let waiting = self.waiting.entry(mailbox.clone()).or_default();
        if let Some((_, ticket)) = waiting.iter().find(|(told, _)| told.contains(stretch)) {
            return (ticket.clone(), true);
        }
        let (sender, receiver) = oneshot::channel();
        let ticket = receiver.shared();
        waiting.push((stretch, ticket.clone()));
        self.queue.push_back(Waiter { mailbox: mailbox.clone(), stretch, sender });
        (ticket, false)
    }

    /// How many are in the line.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes the first in the line, and as many behind as one call can serve: `most` mailboxes, in a
    /// stretch that is not much longer than theirs.
    pub(super) fn take(&mut self, most: usize, grid: Grid) -> Option<(Stretch, Waiters<T>)> {
        let mut stretch = self.queue.front()?.stretch;
        let mut mailboxes = HashSet::new();
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        for waiter in self.queue.drain(..) {
            let joint = grid.join(stretch, waiter.stretch);
            let room = mailboxes.len() < most || mailboxes.contains(&waiter.mailbox);
            match joint.filter(|_| room) {
                Some(joint) => {
                    stretch = joint;
                    mailboxes.insert(waiter.mailbox.clone());
                    taken.push(waiter);
                }
                None => left.push_back(waiter),
            }
        }
        self.queue = left;
        let mut waiters = Waiters::new();
        for Waiter { mailbox, stretch: asked, sender } in taken {
            let waiting = self.waiting.entry(mailbox.clone()).or_default();
            waiting.iter_mut().filter(|(told, _)| *told == asked).for_each(|(told, _)| *told = stretch);
            waiters.entry(mailbox).or_default().push(sender);
        }
        Some((stretch, waiters))
    }

    /// Nobody waits any more for this about a mailbox.
    pub(super) fn leave(&mut self, mailbox: &Mailbox, stretch: Stretch) {
        let Some(waiting) = self.waiting.get_mut(mailbox) else { return };
        waiting.retain(|(told, _)| *told != stretch);
        if waiting.is_empty() {
            self.waiting.remove(mailbox);
        }
    }
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { running: 0, holding: 0, queue: VecDeque::new(), waiting: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn mailbox(number: usize) -> Mailbox {
        Mailbox::parse(&format!("m{number}@example.com")).unwrap()
    }

    fn weeks(first: i32, last: i32) -> Stretch {
        Stretch::Aligned { first, last }
    }

    #[test]
    fn near_stretches_share_a_call_and_far_ones_do_not() {
        let mut line = Line::<()>::default();
        for (number, stretch) in [(0, weeks(5, 5)), (1, weeks(6, 7)), (2, weeks(50, 50)), (0, weeks(7, 7))] {
            assert!(!line.join(&mailbox(number), stretch).1);
        }
        assert!(line.join(&mailbox(1), weeks(7, 7)).1, "part of what is asked for");
        let (stretch, waiters) = line.take(20, Grid::new(7)).unwrap();
        assert_eq!((stretch, waiters.len(), line.len()), (weeks(5, 7), 2, 1));
        assert_eq!(waiters[&mailbox(0)].len(), 2);
        assert!(line.join(&mailbox(1), weeks(5, 5)).1, "the call under way tells that, too");
        line.leave(&mailbox(1), stretch);
        assert!(!line.join(&mailbox(1), weeks(5, 5)).1);
    }

    #[test]
    fn a_batch_is_no_longer_than_a_call_may_be() {
        let mut line = Line::<()>::default();
        for number in 0..45 {
            assert!(!line.join(&mailbox(number), weeks(1, 1)).1);
        }
        let sizes: Vec<_> = std::iter::from_fn(|| line.take(20, Grid::new(7))).map(|(_, taken)| taken.len()).collect();
        assert_eq!(sizes, [20, 20, 5]);
    }
}
