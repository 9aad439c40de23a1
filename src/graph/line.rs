//! Those who wait for calls of one kind: joined where they ask the same, and taken by the batch.
//!
//! Owns the order of waiting. Must not know calls, nor locks.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::grid::{Grid, Stretch};
use crate::calendar::Mailbox;

/// A place in a line, which turns into an answer.
pub(super) type Ticket<T> = Shared<oneshot::Receiver<T>>;

/// Mailboxes that a batch asks about, and who waits for each.
pub(super) type Waiters<T> = HashMap<Mailbox, Vec<oneshot::Sender<T>>>;

/// More do not wait in one line.
const MOST_WAITING: usize = 4096;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// The request that it is for.
    pub(super) id: Uuid,
    /// Whether it is in vain when nobody holds a ticket any more.
    pub(super) may_leave: bool,
}

/// A ticket that has its answer already.
pub(super) fn answered<T: Clone>(answer: T) -> Ticket<T> {
    let (sender, receiver) = oneshot::channel();
    // The receiver is here.
    let _ = sender.send(answer);
    receiver.shared()
}

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
    asker: Asker,
    sender: oneshot::Sender<T>,
}

impl<T: Clone> Line<T> {
    /// Joins those who wait for the same, or more, about a mailbox; else the end of the line. Says
    /// whether there was somebody to join; nothing if the line is full.
    pub(super) fn join(&mut self, mailbox: &Mailbox, stretch: Stretch, asker: Asker) -> Option<(Ticket<T>, bool)> {
        let mut waiting = self.waiting.get(mailbox).into_iter().flatten();
        if let Some((_, ticket)) = waiting.find(|(told, _)| told.contains(stretch)) {
            return Some((ticket.clone(), true));
        }
        if self.queue.len() >= MOST_WAITING {
            self.forget_abandoned();
        }
        if self.queue.len() >= MOST_WAITING {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        let ticket = receiver.shared();
        self.waiting.entry(mailbox.clone()).or_default().push((stretch, ticket.clone()));
        self.queue.push_back(Waiter { mailbox: mailbox.clone(), stretch, asker, sender });
        Some((ticket, false))
    }

    /// How many are in the line.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Takes the first in the line, and as many behind as one call can serve: `most` mailboxes, in a
    /// stretch that is not much longer than theirs. Names the first one's request.
    pub(super) fn take(&mut self, most: usize, grid: Grid) -> Option<(Stretch, Uuid, Waiters<T>)> {
        self.forget_abandoned();
        let first = self.queue.front()?;
        let (mut stretch, asker) = (first.stretch, first.asker.id);
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
        for Waiter { mailbox, stretch: asked, sender, .. } in taken {
            let waiting = self.waiting.entry(mailbox.clone()).or_default();
            waiting.iter_mut().filter(|(told, _)| *told == asked).for_each(|(told, _)| *told = stretch);
            waiters.entry(mailbox).or_default().push(sender);
        }
        Some((stretch, asker, waiters))
    }

    /// Leaves out of the queue what nobody holds a ticket for any more but the line itself.
    fn forget_abandoned(&mut self) {
        let waiting = &mut self.waiting;
        self.queue.retain(|waiter| {
            let Some(tickets) = waiting.get_mut(&waiter.mailbox).filter(|_| waiter.asker.may_leave) else {
                return true;
            };
            let before = tickets.len();
            tickets.retain(|(told, ticket)| *told != waiter.stretch || ticket.strong_count() != Some(1));
            let kept = tickets.len() == before;
            if tickets.is_empty() {
                waiting.remove(&waiter.mailbox);
            }
            kept
        });
    }

    /// Nobody joins those who wait for a mailbox now; they themselves wait on.
    pub(super) fn outdate(&mut self, mailbox: &Mailbox) {
        self.waiting.remove(mailbox);
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

    const STAYS: Asker = Asker { id: Uuid::nil(), may_leave: false };
    const LEAVES: Asker = Asker { may_leave: true, ..STAYS };

    /// Joins, and says whether there was somebody to join.
    fn join(line: &mut Line<()>, number: usize, stretch: Stretch) -> bool {
        line.join(&mailbox(number), stretch, STAYS).unwrap().1
    }

    fn weeks(first: i32, last: i32) -> Stretch {
        Stretch::Aligned { first, last }
    }

    #[test]
    fn near_stretches_share_a_call_and_far_ones_do_not() {
        let mut line = Line::<()>::default();
        for (number, stretch) in [(0, weeks(5, 5)), (1, weeks(6, 7)), (2, weeks(50, 50)), (0, weeks(7, 7))] {
            assert!(!join(&mut line, number, stretch));
        }
        assert!(join(&mut line, 1, weeks(7, 7)), "part of what is asked for");
        let (stretch, _, waiters) = line.take(20, Grid::new(7)).unwrap();
        assert_eq!((stretch, waiters.len(), line.len()), (weeks(5, 7), 2, 1));
        assert_eq!(waiters[&mailbox(0)].len(), 2);
        assert!(join(&mut line, 1, weeks(5, 5)), "the call under way tells that, too");
        line.leave(&mailbox(1), stretch);
        assert!(!join(&mut line, 1, weeks(5, 5)));
    }

    #[test]
    fn a_batch_is_no_longer_than_a_call_may_be() {
        let mut line = Line::<()>::default();
        for number in 0..45 {
            assert!(!join(&mut line, number, weeks(1, 1)));
        }
        let sizes: Vec<_> =
            std::iter::from_fn(|| line.take(20, Grid::new(7))).map(|(_, _, taken)| taken.len()).collect();
        assert_eq!(sizes, [20, 20, 5]);
    }

    #[test]
    fn what_everybody_left_is_not_asked_for_and_the_line_has_an_end() {
        let mut line = Line::<()>::default();
        let held: Vec<_> = (0..3).map(|number| line.join(&mailbox(number), weeks(1, 1), LEAVES).unwrap()).collect();
        let (joined, _) = line.join(&mailbox(0), weeks(1, 1), LEAVES).unwrap();
        drop(line.join(&mailbox(3), weeks(1, 1), Asker { id: Uuid::max(), ..STAYS }));
        let mut held = held.into_iter();
        drop((held.next(), held.next()));
        let (_, asker, waiters) = line.take(20, Grid::new(7)).unwrap();
        let mut taken: Vec<_> = waiters.keys().cloned().collect();
        taken.sort_unstable();
        assert_eq!(taken, [mailbox(0), mailbox(2), mailbox(3)], "the second is wanted by nobody");
        assert_eq!(asker, Uuid::nil(), "the first one's");
        drop((joined, held));
        assert!(!line.join(&mailbox(1), weeks(1, 1), LEAVES).unwrap().1, "nor waited for");

        for number in 0..MOST_WAITING {
            drop(line.join(&mailbox(number), weeks(2, 2), LEAVES).unwrap());
        }
        assert!(line.join(&mailbox(0), weeks(3, 3), STAYS).is_some(), "those who left make room");
        for number in 1..MOST_WAITING {
            assert!(line.join(&mailbox(number), weeks(3, 3), STAYS).is_some());
        }
        assert!(line.join(&mailbox(0), weeks(4, 4), STAYS).is_none());
        assert!(line.join(&mailbox(0), weeks(3, 3), STAYS).unwrap().1, "who only joins may");
    }
}
