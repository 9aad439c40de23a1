//! Delivers letters: at least once, in order for each mailbox, again and again until they arrive or are given up.
//!
//! Owns when a letter is sent. Must not know what it says. Of each mailbox one letter is under way at most. What came of
//! it is noted before another of the mailbox is sent; while the store cannot note it, nothing more is sent.

mod pace;
mod schedule;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::recipient::{NotDelivered, Recipient, Why};
use crate::failure::Failure;
use crate::metrics::{Metrics, WebhookLabels};
use crate::store::{Letter, Store, Waiting};
use pace::Pace;

/// Delivers to one recipient.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) recipient: Arc<Recipient>,
    pub(super) store: Store,
    pub(super) give_up: Duration,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: fn() -> Timestamp,
    /// Told when there are new letters.
    pub(super) post: Arc<Notify>,
}

/// A letter that was sent.
struct Sent {
    waiting: Waiting,
    /// Whether it was sent to find out if the recipient answers again.
    is_probe: bool,
    result: Result<(), NotDelivered>,
}

/// What becomes of a letter.
#[derive(Debug)]
enum Verdict {
    /// It is done, and those that waited for a sign of life are due.
    Arrived { due: Vec<i64> },
    /// It is sent again.
    PutOff { tries: u32, next: i64, problem: String },
    /// It is not sent again.
    GivenUp { tries: u32, problem: String },
}

impl Delivery {
    /// Delivers until `end`; a letter under way then is finished, or sent again after the next start.
    pub(super) async fn run(self, end: CancellationToken) {
        let send = |letter: Letter, now| {
            let recipient = Arc::clone(&self.recipient);
            async move { recipient.deliver(&letter, now).await }
        };
        self.work(send, &end).await;
    }

    async fn work<F>(&self, send: impl Fn(Letter, Timestamp) -> F, end: &CancellationToken)
    where
        F: Future<Output = Result<(), NotDelivered>>,
    {
        let mut pace = Pace::default();
        let mut under_way = FuturesUnordered::new();
        let mut mailboxes = HashSet::new();
        let (mut look, mut rest, mut pause) = (Instant::now(), Instant::now(), FIRST_PAUSE);
        while !end.is_cancelled() {
            // Heard from now on, also while the store is asked.
            let mut posted = pin!(self.post.notified());
            posted.as_mut().enable();
            let now = Instant::now();
            if rest <= now {
                let room = pace.room(now, under_way.len());
                let is_count_due = look <= now;
                look = if is_count_due { now + LOOK } else { look };
                match self.due(room, &mailboxes, is_count_due).await {
                    Ok(due) => {
                        pause = FIRST_PAUSE;
                        for waiting in due {
                            mailboxes.insert(waiting.letter.mailbox.clone());
                            let is_probe = pace.start();
                            let sending = send(waiting.letter.clone(), (self.clock)());
                            under_way.push(async move { Sent { waiting, is_probe, result: sending.await } });
                        }
                    }
                    // It has said why in the log.
                    Err(_) => {
                        rest = now + pause;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
            let wake = look.max(rest).min(pace.wake(now).unwrap_or(look).max(rest));
            tokio::select! {
                Some(sent) = under_way.next() => {
                    mailboxes.remove(&sent.waiting.letter.mailbox);
                    self.finish(sent, &mut pace, end).await;
                }
                () = posted => {}
                () = sleep_until(wake) => {}
                () = end.cancelled() => {}
            }
        }
        while let Some(sent) = under_way.next().await {
            self.finish(sent, &mut pace, end).await;
        }
    }

    /// Letters to send now, so many at most, and none about a mailbox of which another is under way.
    async fn due(&self, room: usize, busy: &HashSet<String>, is_count_due: bool) -> Result<Vec<Waiting>, Failure> {
        if is_count_due {
            let (waiting, dead) = self.store.outbox_size().await?;
            self.metrics.letters_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
            self.metrics.letters_dead.set(i64::try_from(dead).unwrap_or(i64::MAX));
        }
        if room == 0 {
            return Ok(Vec::new());
        }
        let due = self.store.due_letters(self.name(), self.now(), seconds(LATEST), room + busy.len()).await?;
        Ok(due.into_iter().filter(|it| !busy.contains(&it.letter.mailbox)).take(room).collect())
    }

    /// Judges what came of a letter, and notes it.
    async fn finish(&self, sent: Sent, pace: &mut Pace, end: &CancellationToken) {
        let number = sent.waiting.number;
        let verdict = self.judge(sent, pace);
        let mut pause = FIRST_PAUSE;
        while self.note(number, &verdict).await.is_err() {
            // Unless this is noted, it would be sent again.
            if end.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn judge(&self, sent: Sent, pace: &mut Pace) -> Verdict {
        let Sent { waiting, is_probe, result } = sent;
        let (number, now, at) = (waiting.number, self.now(), Instant::now());
        let is_old = now.saturating_sub(waiting.since) > seconds(self.give_up);
        let Err(NotDelivered { why, problem }) = result else {
            self.count_letter("delivered");
            if pace.arrived(number) {
                tracing::info!(webhook = self.recipient.name(), "the webhook answers again");
            }
            return Verdict::Arrived { due: pace.hurried() };
        };
        let (pause, tries) = match why {
            Why::Refused => {
                self.count_letter("refused");
                pace.refused(number, is_probe, at);
                let tries = waiting.tries.saturating_add(1);
                (schedule::pause(tries), tries)
            }
            Why::Failed => {
                self.count_letter("failed");
                let failures = pace.failed(number, is_probe, at);
                (Some(schedule::pause_of_failure(failures)), waiting.tries)
            }
            Why::Later(pause) => {
                self.count_letter("later");
                let pause = pace.later(number, pause, is_probe, at);
                (Some(pause.min(LATEST)), waiting.tries)
            }
            Why::Unreachable => {
                self.count_letter("unreachable");
                let pause = pace.unreachable(number, is_probe, at);
                if is_probe && pace.is_news() {
                    let webhook = self.recipient.name();
                    tracing::warn!(webhook, problem = problem.logged, "the webhook does not answer: its letters wait");
                }
                (Some(pause), waiting.tries)
            }
        };
        let webhook = self.recipient.name();
        match pause.filter(|_| !is_old) {
            Some(pause) => {
                tracing::debug!(
                    webhook,
                    number,
                    tries,
                    problem = problem.logged,
                    "a letter has not arrived, and is sent again"
                );
                Verdict::PutOff { tries, next: now.saturating_add(seconds(pause)), problem: problem.text }
            }
            None => {
                self.count_letter("given_up");
                pace.forget(number);
                tracing::error!(
                    webhook,
                    number,
                    tries,
                    problem = problem.logged,
                    "a letter was given up: `calendar-relay outbox list` says why, `outbox retry` sends it again, \
                     `outbox drop` throws it away"
                );
                Verdict::GivenUp { tries, problem: problem.text }
            }
        }
    }

    async fn note(&self, number: i64, verdict: &Verdict) -> Result<(), Failure> {
        match verdict {
            Verdict::Arrived { due } => {
                self.store.delivered(number).await?;
                if due.is_empty() { Ok(()) } else { self.store.hurry(due.clone(), self.now()).await }
            }
            Verdict::PutOff { tries, next, problem } => {
                self.store.put_off(number, *tries, *next, problem.clone()).await
            }
            Verdict::GivenUp { tries, problem } => self.store.give_up(number, *tries, problem.clone()).await,
        }
    }

    fn count_letter(&self, outcome: &'static str) {
        self.metrics.letters.get_or_create(&WebhookLabels { webhook: self.name(), outcome }).inc();
    }

    fn name(&self) -> String {
        self.recipient.name().to_owned()
    }

    /// Seconds since 1970.
    fn now(&self) -> i64 {
        (self.clock)().as_second()
    }
}

/// Whole seconds, and never fewer than it takes.
fn seconds(duration: Duration) -> i64 {
    let whole = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    i64::try_from(whole).unwrap_or(i64::MAX)
}

/// Letters become due by time, and an operator's command puts them back from another process.
const LOOK: Duration = Duration::from_secs(2);
/// However long a recipient wants to be left alone, a letter is sent again by then.
const LATEST: Duration = Duration::from_secs(86_400);
/// Until the store is tried again; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
