//! Brings a mediator into step: has it ask for the watches that it wants.
//!
//! Owns when that is tried, and tried again. Must not know what is asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::recipient::Recipient;

/// What comes of the wish to bring mediators into step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InStep {
    /// There is none.
    Nobody,
    /// They are asked now.
    Now,
    /// One is being asked, or was just now: it is asked once more, soon.
    Soon,
}

/// A mediator that is brought into step.
#[derive(Debug)]
pub(super) struct Mediator {
    recipient: Arc<Recipient>,
    /// Remembers one wish.
    wanted: Notify,
    stage: Mutex<Stage>,
}

/// What becomes of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is remembered until the answer is there and the rest is over.
    Asking,
    /// It is remembered until the rest is over.
    Resting,
    /// It is fulfilled at once.
    Idle,
}

impl Mediator {
    pub(super) fn new(recipient: Arc<Recipient>) -> Self {
        Self { recipient, wanted: Notify::new(), stage: Mutex::new(Stage::Asking) }
    }

    /// Has it brought into step: at once, or soon after it is done with what it is doing. However many want it
    /// meanwhile, it is asked once more.
    pub(super) fn bring_into_step(&self) -> InStep {
        self.wanted.notify_one();
        let mut stage = self.stage();
        if *stage != Stage::Idle {
            return InStep::Soon;
        }
        // Whoever wants it next is not the first.
        *stage = Stage::Asking;
        InStep::Now
    }

    /// Brings it into step now, again until that went well, and whenever it is wanted, until `end`.
    pub(super) async fn run(self: Arc<Self>, end: CancellationToken) {
        end.run_until_cancelled(self.run_on()).await;
    }

    async fn run_on(&self) {
        let mut failed = 0_u32;
        loop {
            *self.stage() = Stage::Asking;
            let done = self.recipient.synchronise().await;
            let webhook = self.recipient.name();
            let (now, mut again) = (Instant::now(), None);
            let rest = match done {
                Ok(()) => {
                    failed = 0;
                    tracing::info!(webhook, "the mediator has asked for the watches that it wants");
                    LEAST_REST
                }
                Err(problem) => {
                    if failed == 0 {
                        tracing::warn!(
                            webhook,
                            problem,
                            "the mediator was not brought into step: see whether it runs and is reached; \
                             it is tried again and again"
                        );
                    }
                    let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failed.min(16))).min(LONGEST_PAUSE);
                    again = Some(now + pause);
                    failed = failed.saturating_add(1);
                    FIRST_PAUSE
                }
            };
            *self.stage() = Stage::Resting;
            sleep_until(now + rest).await;
            *self.stage() = Stage::Idle;
            let again = async {
                match again {
                    Some(again) => sleep_until(again).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = again => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between the first try and the second; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);
/// Between a setup that went well and the next, however often it is wanted: each has all users asked for.
const LEAST_REST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

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

    /// Waits until what it was asked so many times is answered.
    async fn answered(mediator: &Mediator, stub: &Stub, times: usize) {
        asked(stub, times).await;
        stage(mediator, Stage::Resting).await;
    }

    async fn stage(mediator: &Mediator, stage: Stage) {
        while *mediator.stage() != stage {
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
        answered(&mediator, &stub, 1).await;
        pass(FIRST_PAUSE).await;
        answered(&mediator, &stub, 2).await;
        pass(FIRST_PAUSE * 2).await;
        answered(&mediator, &stub, 3).await;
        pass(LONGEST_PAUSE).await;
        stage(&mediator, Stage::Idle).await;
        asked(&stub, 3).await;
        assert_eq!(mediator.bring_into_step(), InStep::Now);
        asked(&stub, 4).await;
        end.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn however_many_want_it_meanwhile_it_is_asked_once_more_after_a_rest() {
        let stub = Stub::constant(200, r#"{"result": "True"}"#).await;
        let (mediator, end) = (mediator(&stub), CancellationToken::new());
        assert_eq!(mediator.bring_into_step(), InStep::Soon);
        let running = tokio::spawn(Arc::clone(&mediator).run(end.clone()));
        answered(&mediator, &stub, 1).await;
        for _ in 0..9 {
            assert_eq!(mediator.bring_into_step(), InStep::Soon);
        }
        pass(LEAST_REST - Duration::from_secs(1)).await;
        answered(&mediator, &stub, 1).await;
        pass(Duration::from_secs(1)).await;
        answered(&mediator, &stub, 2).await;
        pass(LEAST_REST).await;
        stage(&mediator, Stage::Idle).await;
        asked(&stub, 2).await;
        assert_eq!((mediator.bring_into_step(), mediator.bring_into_step()), (InStep::Now, InStep::Soon));
        end.cancel();
        running.await.unwrap();
    }
}
