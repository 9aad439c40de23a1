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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::out_of_office::settings::{Form, Webhook};
    use crate::outbound::stub::{Stub, reply};

    /// Waits until it was asked to set up so many times.
    async fn asked(stub: &Stub, times: usize) {
        let setups = || stub.seen().iter().filter(|seen| seen.path == "/api/setup").count();
        let waiting = async {
            while setups() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(3600), waiting).await.unwrap();
        assert_eq!(setups(), times);
    }

    async fn pass(time: Duration) {
        tokio::time::pause();
        tokio::time::advance(time).await;
        tokio::time::resume();
    }

    /// Waits until it is done with what it was asked for.
    async fn settled(mediator: &Mediator) {
        while mediator.is_under_way.load(SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    fn mediator(stub: &Stub) -> Arc<Mediator> {
        let webhook = Webhook { name: "phone".into(), target: stub.target(), form: Form::Mediator };
        Arc::new(Mediator::new(Arc::new(Recipient::new(webhook).unwrap())))
    }

    #[tokio::test]
    async fn it_is_tried_until_it_goes_well_and_then_when_it_is_wanted() {
        let times = Arc::new(AtomicUsize::new(0));
        let stub = Stub::start(move |seen| match seen.path.as_str() {
            "/api/setup" if times.fetch_add(1, SeqCst) < 2 => reply(500, r#"{"result": "no"}"#),
            _ => reply(200, r#"{"result": "True"}"#),
        });
        let stub = stub.await;
        let (mediator, end) = (mediator(&stub), CancellationToken::new());
        let running = tokio::spawn(Arc::clone(&mediator).run(end.clone()));
        asked(&stub, 1).await;
        settled(&mediator).await;
        pass(FIRST_PAUSE).await;
        asked(&stub, 2).await;
        settled(&mediator).await;
        pass(FIRST_PAUSE * 2).await;
        asked(&stub, 3).await;
        settled(&mediator).await;
        pass(LONGEST_PAUSE).await;
        asked(&stub, 3).await;
        mediator.bring_into_step();
        asked(&stub, 4).await;
        end.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_wants_it_meanwhile_does_not_begin_it_again() {
        let stub = Stub::constant(200, r#"{"result": "True"}"#).await;
        let mediator = mediator(&stub);
        mediator.is_under_way.store(true, SeqCst);
        mediator.bring_into_step();
        let wanted = mediator.wanted.notified();
        assert!(
            std::pin::pin!(wanted).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
        );
    }
}
