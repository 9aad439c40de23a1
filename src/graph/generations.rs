//! Which of what is remembered was told before a calendar changed.
//!
//! Each change has a number, and so has the state of things in which a question was asked: what was
//! asked before its mailbox's last change is worthless. Where nothing ever changes, that costs one
//! look at a number. Must not know what is remembered.

use std::collections::HashMap;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};
use std::sync::{PoisonError, RwLock};

use crate::calendar::Mailbox;

/// Changes so far, by mailbox.
#[derive(Debug, Default)]
pub(super) struct Generations {
    /// The number of the last change of all.
    last: AtomicU64,
    changes: RwLock<Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    /// Of each mailbox, the number of its last change.
    by_mailbox: HashMap<Mailbox, u64>,
    /// Every mailbox may have changed at this number: there were too many to remember.
    floor: u64,
}

/// Mailboxes remembered; then all are taken for changed, and forgotten.
const MOST: usize = 50_000;

impl Generations {
    /// The state of things now, for a question that is about to be asked.
    pub(super) fn now(&self) -> u64 {
        self.last.load(Acquire)
    }

    /// Notes that mailboxes changed.
    pub(super) fn change<'a>(&self, mailboxes: impl IntoIterator<Item = &'a Mailbox>) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        let number = self.last.load(Acquire) + 1;
        changes.by_mailbox.extend(mailboxes.into_iter().map(|mailbox| (mailbox.clone(), number)));
        if changes.by_mailbox.len() > MOST {
            changes.by_mailbox.clear();
            changes.floor = number;
        }
        self.last.store(number, Release);
    }

    /// Whether what was asked of a mailbox in a state of things still holds.
    pub(super) fn holds(&self, mailbox: &Mailbox, asked: u64) -> bool {
        if self.last.load(Acquire) == asked {
            return true;
        }
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        asked >= changes.floor && changes.by_mailbox.get(mailbox).is_none_or(|changed| asked >= *changed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn mailbox(number: usize) -> Mailbox {
        Mailbox::parse(&format!("m{number}@example.com")).unwrap()
    }

    #[test]
    fn a_change_ends_what_was_asked_before_it_about_its_mailboxes_alone() {
        let (generations, [a, b]) = (Generations::default(), [1, 2].map(mailbox));
        let before = generations.now();
        assert!(generations.holds(&a, before));
        generations.change([&a]);
        assert!(!generations.holds(&a, before) && generations.holds(&b, before));
        let after = generations.now();
        assert!(generations.holds(&a, after));
        generations.change([&b]);
        assert!(generations.holds(&a, after) && !generations.holds(&b, after));
    }

    #[test]
    fn too_many_changes_are_a_change_of_all() {
        let generations = Generations::default();
        let before = generations.now();
        let all: Vec<_> = (0..=MOST).map(mailbox).collect();
        generations.change(&all);
        assert!(!generations.holds(&mailbox(MOST + 1), before));
        assert!(generations.holds(&mailbox(0), generations.now()));
        assert!(generations.changes.read().unwrap().by_mailbox.is_empty());
    }
}
