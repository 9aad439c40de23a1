//! Which mailbox a common call is charged to.
//!
//! Owns who answered lately, and the turns they take, so that Graph's limits per mailbox spread
//! over many. Must not know what is sent.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
    turn: AtomicUsize,
}

impl Anchors {
    pub(super) fn new() -> Self {
        Self {
            known: moka::sync::Cache::builder().max_capacity(MOST).time_to_live(LATELY).build(),
            turn: AtomicUsize::new(0),
        }
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
}
