//! Lines that wait to be written.
//!
//! Owns how many may wait, in lines and in bytes. Must not know what stands in them, nor where they go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::{Notify, mpsc};

/// The end that is written to.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    lines: mpsc::Sender<Vec<u8>>,
    held: Arc<Held>,
}

/// The end that is read.
pub(super) struct Waiting {
    lines: mpsc::Receiver<Vec<u8>>,
    held: Arc<Held>,
}

/// A place for one line.
#[derive(Debug)]
pub(super) struct Slot {
    place: mpsc::OwnedPermit<Vec<u8>>,
    held: Arc<Held>,
}

/// What has been handed over and is not written yet.
#[derive(Debug, Default)]
struct Held {
    lines: AtomicUsize,
    bytes: AtomicUsize,
    written: Notify,
}

/// Both ends of a new queue.
pub(super) fn queue() -> (Queue, Waiting) {
    let (sender, receiver) = mpsc::channel(MOST_LINES);
    let held = Arc::<Held>::default();
    (Queue { lines: sender, held: Arc::clone(&held) }, Waiting { lines: receiver, held })
}

impl Queue {
    /// A place, as soon as there is one.
    pub(super) async fn slot(&self) -> Option<Slot> {
        let place = self.lines.clone().reserve_owned().await.ok()?;
        self.until(|held| held.bytes.load(SeqCst) < MOST_BYTES).await;
        Some(Slot { place, held: Arc::clone(&self.held) })
    }

    /// Waits until all is written that was handed over.
    pub(super) async fn emptied(&self) {
        self.until(|held| held.lines.load(SeqCst) == 0).await;
    }

    /// How many lines are not written yet.
    pub(super) fn len(&self) -> usize {
        self.held.lines.load(SeqCst)
    }

    async fn until(&self, is_so: impl Fn(&Held) -> bool) {
        loop {
            // Before the look, so that nothing written in between is missed.
            let written = self.held.written.notified();
            if is_so(&self.held) {
                return;
            }
            written.await;
        }
    }
}

impl Slot {
    /// Hands a line over.
    pub(super) fn send(self, line: Vec<u8>) {
        self.held.lines.fetch_add(1, SeqCst);
        self.held.bytes.fetch_add(line.len(), SeqCst);
        self.place.send(line);
    }
}

impl Waiting {
    /// The next lines, as one block, and how many they are; none when nobody can send any more.
    pub(super) fn block(&mut self) -> Option<(Vec<u8>, usize)> {
        let mut lines = Vec::new();
        let count = self.lines.blocking_recv_many(&mut lines, MOST_AT_ONCE);
        (count > 0).then(|| (lines.concat(), count))
    }

    /// A block was written.
    pub(super) fn written(&self, block: &[u8], lines: usize) {
        self.held.lines.fetch_sub(lines, SeqCst);
        self.held.bytes.fetch_sub(block.len(), SeqCst);
        self.held.written.notify_waiters();
    }
}

/// Lines that wait at most while they cannot be written.
pub(super) const MOST_LINES: usize = 10_000;
/// Bytes that wait while there is a place for one more line.
pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;
const MOST_AT_ONCE: usize = 256;
