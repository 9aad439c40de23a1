//! One open stream: what its client is told, and when.
//!
//! Owns the order of what is told, and what of it has surely arrived. It is asked only when there is
//! room for more on the connection, so that a client that does not read holds nothing but itself up.
//! Must not know how it is written.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::hub::{BadIds, Connection, Hub, Next};
use super::queue::Event;
use crate::client::Client;
use crate::failure::Failure;

/// An open stream.
#[derive(Debug)]
pub struct Stream {
    hub: Arc<Hub>,
    connection: Connection,
    begun: Instant,
    until: Instant,
    /// When it must be heard of again.
    heartbeat: Instant,
    /// Before then no more events are told: clients wait for a quiet second before they act.
    quiet_until: Instant,
    /// What was told but may have got lost: when it was handed on, subscription, number.
    under_way: VecDeque<(Instant, String, i64)>,
    /// How much of that was certainly handed on to the network.
    handed_on: usize,
    events: usize,
    ended: Option<&'static str>,
    opened: bool,
}

/// What a stream's client is told.
#[derive(Debug)]
pub enum Word {
    /// The stream is there.
    Alive,
    /// What has happened, by subscription.
    Events(Vec<(String, Vec<Event>)>),
    /// Something is wrong with subscriptions; the stream ends.
    Failed(Failure, Vec<String>),
    /// The stream ends.
    Closed,
}

impl Stream {
    /// Opens a stream for so long.
    ///
    /// # Errors
    /// What is wrong with which ids; no ids for [`Failure::TooManyStreams`].
    pub(super) fn open(hub: &Arc<Hub>, client: &Client, ids: &[String], length: Duration) -> Result<Self, BadIds> {
        let begun = Instant::now();
        let connection = hub.attach(client, ids, begun + length)?;
        Ok(Self {
            hub: Arc::clone(hub),
            connection,
            begun,
            until: begun + length,
            heartbeat: begun,
            quiet_until: begun,
            under_way: VecDeque::new(),
            handed_on: 0,
            events: 0,
            ended: None,
            opened: false,
        })
    }

    /// The next word; `None` after the last.
    pub async fn next(&mut self) -> Option<Word> {
        if self.ended.is_some() {
            return None;
        }
        if !self.opened {
            self.opened = true;
            return Some(self.say(Word::Alive));
        }
        // Whoever sends takes this chance to send what it was given last.
        tokio::task::yield_now().await;
        self.handed_on = self.under_way.len();
        loop {
            self.note_arrivals(CERTAIN);
            let now = Instant::now();
            if self.hub.closing.is_cancelled() {
                return Some(self.end("draining", Word::Closed));
            }
            if now >= self.until {
                return Some(self.end("time", Word::Closed));
            }
            if now >= self.quiet_until {
                match self.hub.next(&self.connection) {
                    Next::Nothing => {}
                    Next::Events(told, more) => return Some(self.tell(told, more)),
                    Next::Superseded => return Some(self.end("superseded", Word::Closed)),
                    Next::Failed(failure, ids) => {
                        return Some(self.end(failure.label(), Word::Failed(failure, ids)));
                    }
                }
            }
            if now >= self.heartbeat {
                return Some(self.say(Word::Alive));
            }
            let wake = self.heartbeat.min(self.until);
            let wake = if now < self.quiet_until { wake.min(self.quiet_until) } else { wake };
            tokio::select! {
                () = self.connection.bell.notified() => {}
                () = tokio::time::sleep_until(wake) => {}
                () = self.hub.closing.cancelled() => {}
            }
        }
    }

    fn tell(&mut self, told: Vec<(String, Vec<Event>)>, more: bool) -> Word {
        let now = Instant::now();
        for (id, events) in &told {
            self.events += events.len();
            self.under_way.extend(events.last().map(|last| (now, id.clone(), last.number)));
        }
        if !more {
            self.quiet_until = now + QUIET;
        }
        self.say(Word::Events(told))
    }

    fn say(&mut self, word: Word) -> Word {
        self.heartbeat = Instant::now() + self.hub.settings.heartbeat;
        word
    }

    fn end(&mut self, why: &'static str, word: Word) -> Word {
        self.ended = Some(why);
        word
    }

    /// What was handed on so long ago that the client must have it is not told again.
    fn note_arrivals(&mut self, age: Duration) {
        let now = Instant::now();
        let old = |(at, ..): &&(Instant, String, i64)| now.duration_since(*at) >= age;
        let count = self.under_way.iter().take(self.handed_on).take_while(old).count();
        if count == 0 {
            return;
        }
        let arrived: Vec<(String, i64)> = self.under_way.drain(..count).map(|(_, id, number)| (id, number)).collect();
        self.handed_on -= count;
        self.hub.arrived(&self.connection, &arrived);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.ended.is_some() {
            // Its last word came after all others.
            self.handed_on = self.under_way.len();
        }
        // A client that has hung up in good order has read what was sent before.
        self.note_arrivals(Duration::ZERO);
        self.hub.detach(&self.connection);
        tracing::info!(
            client = self.connection.client,
            subscriptions = self.connection.subscriptions.len(),
            events = self.events,
            seconds = self.begun.elapsed().as_secs(),
            reason = self.ended.unwrap_or("left"),
            "stream ended"
        );
    }
}

/// After so long what was handed on to the network has arrived, or the connection is known to be
/// broken.
const CERTAIN: Duration = Duration::from_secs(30);
/// Between two words about events. Clients collect events until a second brings none.
const QUIET: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
