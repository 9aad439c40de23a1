//! Which mailbox a common call is charged to.
//!
//! Owns who answered lately, and the turns they take, so that Graph's limits per mailbox spread
//! over many. Must not know what is sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::lanes::Lanes;
use crate::calendar::Mailbox;

/// How long an answer speaks for a mailbox, and how many are remembered.
const LATELY: Duration = Duration::from_secs(6 * 3600);
const MOST: u64 = 20_000;

/// Mailboxes that answered lately.
#[derive(Debug)]
pub(super) struct Anchors {
    known: moka::sync::Cache<(usize, Mailbox), ()>,
    /// By credential, the mailbox that the last good call was charged to.
    last: Mutex<HashMap<usize, Mailbox>>,
    turn: AtomicUsize,
}

impl Anchors {
    pub(super) fn new() -> Self {
        Self {
            known: moka::sync::Cache::builder().max_capacity(MOST).time_to_live(LATELY).build(),
            last: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// A mailbox outside the batch to charge a call to. Graph finds a calendar by any of its
    /// addresses, and yet knows users by their main one alone: an alias, asked for by itself, needs
    /// somebody else's address in the URL.
    pub(super) fn stand_in(&self, credential: usize, bad: &[Mailbox]) -> Option<Mailbox> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(&credential).filter(|mailbox| !bad.contains(mailbox)).cloned()
    }

    /// Notes that a call charged to a mailbox was answered.
    pub(super) fn served(&self, credential: usize, mailbox: &Mailbox) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(credential, mailbox.clone());
    }

    /// Picks one of a batch: of those that answered lately and are not throttled, the next in turn;
    /// then of those not throttled; then of all. Never one of `bad` while there is another.
    pub(super) fn pick<'a>(
        &self,
        lanes: &Lanes,
        credential: usize,
        batch: &'a [Mailbox],
        bad: &[Mailbox],
    ) -> Option<&'a Mailbox> {
        let now = Instant::now();
        let turn = self.turn.fetch_add(1, Relaxed);
        let good: Vec<_> = batch.iter().filter(|mailbox| !bad.contains(mailbox)).collect();
        let open: Vec<_> = good.iter().copied().filter(|mailbox| lanes.is_open(credential, mailbox, now)).collect();
        let lately: Vec<_> =
            open.iter().copied().filter(|mailbox| self.known.contains_key(&(credential, (*mailbox).clone()))).collect();
        let all: Vec<_> = batch.iter().collect();
        let choice = [lately, open, good, all].into_iter().find(|choice| !choice.is_empty())?;
        choice.get(turn % choice.len()).copied()
    }

    /// Notes that Graph told of a mailbox.
    pub(super) fn answered(&self, credential: usize, mailbox: &Mailbox) {
        self.known.insert((credential, mailbox.clone()), ());
    }

    /// Notes that a call charged to a mailbox failed for its sake.
    pub(super) fn failed(&self, credential: usize, mailbox: &Mailbox) {
        self.known.invalidate(&(credential, mailbox.clone()));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&credential) == Some(mailbox) {
            last.remove(&credential);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn those_that_answered_take_turns() {
        let batch: Vec<_> =
            ["a@x.fi", "b@x.fi", "c@x.fi"].iter().map(|address| Mailbox::parse(address).unwrap()).collect();
        let (anchors, lanes) = (Anchors::new(), Lanes::new());
        let pick = |bad: &[Mailbox]| anchors.pick(&lanes, 0, &batch, bad).unwrap().clone();
        anchors.answered(0, &batch[1]);
        assert_eq!(pick(&[]), batch[1]);
        anchors.answered(0, &batch[2]);
        assert_ne!(pick(&[]), pick(&[]));
        anchors.failed(0, &batch[1]);
        assert_eq!(pick(&[]), batch[2]);
        lanes.close(0, &batch[2..], Instant::now() + Duration::from_secs(60));
        assert_ne!(pick(&[]), batch[2]);
        assert_eq!(pick(&batch[..2]), batch[2], "throttled is better than bad");
        assert_eq!(anchors.pick(&lanes, 0, &batch[..1], &batch[..1]), Some(&batch[0]));
    }

    #[test]
    fn who_was_served_last_stands_in_until_it_fails() {
        let batch: Vec<_> = ["a@x.fi", "b@x.fi"].iter().map(|address| Mailbox::parse(address).unwrap()).collect();
        let anchors = Anchors::new();
        assert_eq!(anchors.stand_in(0, &[]), None);
        anchors.served(0, &batch[0]);
        assert_eq!(anchors.stand_in(0, &batch[1..]), Some(batch[0].clone()));
        assert_eq!((anchors.stand_in(1, &[]), anchors.stand_in(0, &batch[..1])), (None, None));
        anchors.failed(0, &batch[0]);
        assert_eq!(anchors.stand_in(0, &[]), None);
    }
}
