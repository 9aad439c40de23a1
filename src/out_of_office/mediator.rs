//! Brings a mediator into step: has it ask for the watches that it wants.
//!
//! Owns when that is tried, and tried again. Must not know what is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::recipient::Recipient;

/// A mediator that is brought into step.
#[derive(Debug)]
pub(super) struct Mediator {
    recipient: Arc<Recipient>,
    wanted: Notify,
    /// Whether it is asking for watches just now.
    is_under_way: AtomicBool,
}

impl Mediator {
    pub(super) fn new(recipient: Arc<Recipient>) -> Self {
        Self { recipient, wanted: Notify::new(), is_under_way: AtomicBool::new(false) }
    }

    /// Has it brought into step soon, unless that is under way: a mediator may say that it wants to be while it is.
    pub(super) fn bring_into_step(&self) {
        if !self.is_under_way.load(SeqCst) {
            self.wanted.notify_one();
        }
    }

    /// Brings it into step now, again until that went well, and whenever it is wanted, until `end`.
    pub(super) async fn run(self: Arc<Self>, end: CancellationToken) {
        let mut failed = 0_u32;
        loop {
            self.is_under_way.store(true, SeqCst);
            let done = end.run_until_cancelled(self.recipient.synchronise()).await;
            self.is_under_way.store(false, SeqCst);
            let webhook = self.recipient.name();
            let pause = match done {
                None => return,
                Some(Ok(())) => {
                    failed = 0;
                    tracing::info!(webhook, "the mediator has asked for the watches that it wants");
                    None
                }
                Some(Err(problem)) => {
                    if failed == 0 {
                        tracing::warn!(
                            webhook,
                            problem,
                            "the mediator was not brought into step: see whether it runs and is reached; \
                             it is tried again and again"
                        );
                    }
                    failed = failed.saturating_add(1);
                    Some(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failed.min(16) - 1)).min(LONGEST_PAUSE))
                }
            };
            let again = async {
                match pause {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = again => {}
                () = self.wanted.notified() => {}
                () = end.cancelled() => return,
            }
        }
    }
}

/// Between the first try and the second; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);
