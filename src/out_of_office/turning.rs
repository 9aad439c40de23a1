//! Tells what correspondents hear, when a look has brought it and when a schedule turns.
//!
//! Owns that turns are told on time, whatever Graph does. What they are is in `book.rs`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Monitor;
use super::recipient::News;
use super::state::Standing;
use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::store::Letter;

impl Monitor {
    /// Tells turns, and what could not be told before, until `end`.
    pub(super) async fn turn_on(self: Arc<Self>, end: CancellationToken) {
        loop {
            let turns = self.list.book().turns((self.clock)(), Instant::now());
            // A turn is looked at soon after it was told.
            self.list.to_look.notify_one();
            for mailbox in turns.of {
                // The others would fail as well: the next round begins with them.
                if self.tell(&mailbox).await.is_err() {
                    break;
                }
            }
            if self.list.is_stuck() {
                if end.run_until_cancelled(sleep(STUCK)).await.is_none() {
                    return;
                }
                continue;
            }
            tokio::select! {
                () = sleep(turns.rest) => {}
                () = self.list.to_turn.notified() => {}
                () = end.cancelled() => return,
            }
        }
    }

    /// Notes what is known of a mailbox and was not noted, and posts the letters about it; says whether correspondents
    /// hear something else. If it panics, about this mailbox alone nothing is told.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted.
    pub(super) async fn tell(self: &Arc<Self>, mailbox: &Mailbox) -> Result<bool, Failure> {
        let (monitor, mailbox) = (Arc::clone(self), mailbox.clone());
        let telling = async move {
            let write =
                |alias: &str, now: &Standing, made| monitor.letters(News { mailbox: &mailbox, alias, now }, made);
            let (is_heard, targets) = monitor.list.settle(&mailbox, monitor.clock, write).await?;
            monitor.ring(&targets);
            Ok(is_heard)
        };
        apart(telling).await.unwrap_or(Ok(false))
    }

    /// Posts letters about what was told of a mailbox to whoever lacks it.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store fails.
    pub(super) async fn remind(self: &Arc<Self>, mailbox: &Mailbox) -> Result<(), Failure> {
        let (monitor, mailbox) = (Arc::clone(self), mailbox.clone());
        let reminding = async move {
            let write =
                |alias: &str, now: &Standing, made| monitor.letters(News { mailbox: &mailbox, alias, now }, made);
            let targets = monitor.list.remind(&mailbox, monitor.clock, write).await?;
            monitor.ring(&targets);
            Ok(())
        };
        apart(reminding).await.unwrap_or(Ok(()))
    }

    /// What each webhook is to be told.
    fn letters(&self, news: News<'_>, made: Timestamp) -> Vec<Letter> {
        self.posts.iter().map(|post| post.recipient.letter(news, made)).collect()
    }

    /// Has letters delivered to targets.
    fn ring(&self, targets: &[String]) {
        let told = self.posts.iter().filter(|post| targets.iter().any(|target| target == post.recipient.name()));
        told.for_each(|post| post.bell.notify_one());
    }
}

/// Does some work of which a panic ends nothing else; then there is no result.
async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let done = tokio::spawn(work).await;
    if done.is_err() {
        tracing::error!("a defect keeps what a mailbox's correspondents hear from being told: report it");
    }
    done.ok()
}

/// How often it is tried whether the store works again.
const STUCK: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::apart;

    #[tokio::test]
    async fn a_defect_about_one_mailbox_ends_nothing_else() {
        assert_eq!(apart(async { 7 }).await, Some(7));
        assert_eq!(apart(async { assert!(std::hint::black_box(false), "a defect") }).await, None);
    }
}
