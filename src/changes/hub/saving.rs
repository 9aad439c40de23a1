//! What of the subscriptions survives a restart, and how long they last.
//!
//! Owns the order in which they are saved.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Hub, Subscription};
use crate::calendar::Mailbox;
use crate::calendar::event::EventId;
use crate::changes::change::{Change, ChangeKind, EventTypes};
use crate::changes::queue::Queue;
use crate::client::{Clients, Denial};
use crate::failure::Failure;
use crate::store::{self, QueueChanges, Watch, WatchChanges};

impl Hub {
    /// Takes up the subscriptions that the store has. Those whose clients may not have them any more
    /// end.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be read.
    pub(in crate::changes) async fn restore(&self, clients: &Clients) -> Result<(), Failure> {
        let (subscriptions, queued) = self.store.subscriptions().await?;
        let mut events: HashMap<String, Vec<(i64, Change)>> = HashMap::new();
        for row in queued {
            let subscription = row.subscription.clone();
            events.entry(subscription).or_default().extend(change(&row).map(|change| (row.number, change)));
        }
        let (now, second) = (Instant::now(), (self.clock)().as_second());
        let mut ended = Vec::new();
        for row in subscriptions {
            let events = events.remove(&row.id).unwrap_or_default();
            let queue = Queue::restored(events, (row.acknowledged, row.last, row.missed));
            let mailboxes: Result<Vec<_>, _> = row.mailboxes.iter().map(|address| Mailbox::parse(address)).collect();
            let (types, minutes) = (EventTypes::of(row.types), row.minutes);
            // The id alone: another client may bear it as a user name.
            let client = clients.named(&row.client).filter(|client| client.id == row.client).map(Arc::clone);
            let taken_up = client.zip(mailboxes.ok()).map(|(client, mailboxes)| Subscription {
                client,
                minutes,
                types,
                mailboxes,
                seen: now,
                queue,
                listener: None,
            });
            let verdict = taken_up.as_ref().map(|subscription| subscription.verdict((self.clock)()));
            let (Some(mut subscription), Some(Ok(()) | Err(Denial::NotKnownYet))) = (taken_up, verdict) else {
                tell_of_end(&row.client);
                ended.push(row.id);
                continue;
            };
            // Whoever was cut off by our own absence gets some time to come back.
            let idle = Duration::from_secs(u64::try_from(second - row.seen).unwrap_or_default());
            let idle = idle.min(subscription.patience(&self.settings).saturating_sub(GRACE));
            subscription.seen = now.checked_sub(idle).unwrap_or(now);
            let mut state = self.lock();
            if verdict != Some(Ok(())) {
                state.doubtful.insert(row.id.clone());
            }
            state.insert(row.id, subscription);
        }
        self.count();
        self.store.remove_subscriptions(ended).await
    }

    /// Looks again at subscriptions of which it was not known whether their clients may have them: some end, and who
    /// listens to the others hears what has waited.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be written.
    pub(in crate::changes) async fn settle(&self) -> Result<(), Failure> {
        let mut ended = Vec::new();
        {
            let mut state = self.lock();
            for id in std::mem::take(&mut state.doubtful) {
                let Some(subscription) = state.subscriptions.get(&id) else { continue };
                match subscription.verdict((self.clock)()) {
                    Ok(()) => subscription.listener.iter().for_each(|listener| listener.bell.notify_one()),
                    Err(Denial::NotKnownYet) => {
                        state.doubtful.insert(id);
                    }
                    Err(_) => {
                        tell_of_end(&subscription.client.id);
                        state.remove(&id);
                        ended.push(id);
                    }
                }
            }
        }
        if ended.is_empty() {
            return Ok(());
        }
        self.count();
        self.store.remove_subscriptions(ended).await
    }

    /// Ends subscriptions that nobody has used for too long.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be written.
    pub(in crate::changes) async fn expire(&self) -> Result<(), Failure> {
        let now = Instant::now();
        let expired: Vec<String> = {
            let mut state = self.lock();
            for subscription in state.subscriptions.values_mut() {
                // A connection whose time is long over is one that nobody reads.
                if let Some(listener) = subscription.listener.take_if(|listener| listener.until + GRACE < now) {
                    subscription.seen = subscription.seen.max(listener.until);
                }
                if subscription.listener.is_some() {
                    subscription.seen = now;
                }
            }
            let over = |it: &Subscription| now.duration_since(it.seen) >= it.patience(&self.settings);
            let expired = state.subscriptions.iter().filter(|(_, it)| over(it)).map(|(id, _)| id.clone());
            let expired: Vec<String> = expired.collect();
            for id in &expired {
                state.remove(id);
            }
            let all: Vec<String> = state.subscriptions.keys().cloned().collect();
            for id in all {
                state.unsaved.entry(id).or_default();
            }
            expired
        };
        self.count();
        if expired.is_empty() {
            return Ok(());
        }
        tracing::info!(count = expired.len(), "subscriptions that nobody used have ended");
        self.store.remove_subscriptions(expired).await
    }

    /// Saves what is not saved yet, together with how far a calendar was read.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be written; then nothing was saved.
    pub(in crate::changes) async fn save(&self, read: Option<(Watch, WatchChanges)>) -> Result<(), Failure> {
        let _one = self.saving.lock().await;
        let unsaved = std::mem::take(&mut self.lock().unsaved);
        let queues = self.rows(&unsaved);
        let saved = match read {
            Some((watch, changes)) => self.store.advance(watch, WatchChanges { queues, ..changes }).await,
            None if queues.is_empty() => Ok(()),
            None => self.store.change_queues(queues).await,
        };
        if saved.is_err() {
            let mut state = self.lock();
            for (id, numbers) in unsaved {
                state.unsaved.entry(id).or_default().extend(numbers);
            }
        }
        saved
    }

    fn rows(&self, unsaved: &HashMap<String, BTreeSet<i64>>) -> QueueChanges {
        let state = self.lock();
        let (now, second) = (Instant::now(), (self.clock)().as_second());
        let mut rows = QueueChanges::default();
        for (id, numbers) in unsaved {
            let Some(subscription) = state.subscriptions.get(id) else { continue };
            for number in numbers {
                match subscription.queue.change(*number) {
                    Some(change) => rows.queued.push(row(id, *number, change)),
                    None => rows.gone.push((id.clone(), *number)),
                }
            }
            let idle = i64::try_from(now.duration_since(subscription.seen).as_secs()).unwrap_or_default();
            let (acknowledged, last, missed) = subscription.queue.standing();
            let (subscription, seen) = (id.clone(), second - idle);
            rows.standing.push(store::Standing { subscription, seen, acknowledged, last, missed });
        }
        rows
    }
}

fn tell_of_end(client: &str) {
    tracing::warn!(client, "a subscription ends: the configuration does not allow it any more");
}

fn row(subscription: &str, number: i64, change: &Change) -> store::Queued {
    store::Queued {
        subscription: subscription.to_owned(),
        number,
        mailbox: change.mailbox.as_str().to_owned(),
        item: change.item.as_str().to_owned(),
        change_key: change.change_key.clone(),
        kind: change.kind as u8,
        at: change.at.as_second(),
    }
}

fn change(row: &store::Queued) -> Option<Change> {
    Some(Change {
        kind: ChangeKind::of(row.kind)?,
        mailbox: Mailbox::parse(&row.mailbox).ok()?,
        item: EventId::parse(&row.item).ok()?,
        change_key: row.change_key.clone(),
        at: Timestamp::from_second(row.at).ok()?,
    })
}

/// For whoever was cut off, or is a little late.
const GRACE: Duration = Duration::from_secs(120);
