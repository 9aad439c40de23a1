//! All subscriptions, and who listens to them.
//!
//! Owns whose they are, when they end, and what of them is not saved yet. Must not know how changes
//! are found out, nor how they are written.

mod saving;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::change::{Change, EventTypes};
use super::queue::{Event, Queue};
use super::settings::Settings;
use super::watermark;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Client, Denial};
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::store::{self, Store};

/// All subscriptions.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) settings: Settings,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: fn() -> Timestamp,
    /// Cancelled when streams are to end.
    pub(super) closing: CancellationToken,
    state: Mutex<State>,
    store: Store,
    /// One saves at a time, so that what is older is not written over what is newer.
    saving: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: HashMap<String, Subscription>,
    by_mailbox: HashMap<Mailbox, HashSet<String>>,
    /// Open streams by client.
    streams: HashMap<String, usize>,
    /// The number that the last connection got.
    connections: u64,
    /// Of each subscription the events that have become others, or gone, since the last save.
    unsaved: HashMap<String, BTreeSet<i64>>,
    /// Taken up before it was known whether their clients still may have them.
    doubtful: HashSet<String>,
}

#[derive(Debug)]
struct Subscription {
    client: Arc<Client>,
    /// After how many idle minutes it ends, for a pull subscription.
    minutes: Option<u32>,
    types: EventTypes,
    mailboxes: Vec<Mailbox>,
    seen: Instant,
    queue: Queue,
    listener: Option<Listener>,
}

/// The connection that a subscription is told by.
#[derive(Clone, Debug)]
struct Listener {
    connection: u64,
    bell: Arc<Notify>,
    until: Instant,
}

/// What a client wants to be told.
#[derive(Clone, Debug)]
pub struct Order {
    /// After how many idle minutes a pull subscription ends; `None` for a streaming one.
    pub minutes: Option<u32>,
    /// The kinds of events.
    pub types: EventTypes,
    /// The calendars' mailboxes.
    pub mailboxes: Vec<Mailbox>,
}

/// What a puller gets.
#[derive(Debug)]
pub struct Pulled {
    /// Up to 50 events; their watermarks are those of their numbers.
    pub events: Vec<Event>,
    /// Whether there are more.
    pub more: bool,
}

/// A connection that listens to subscriptions.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) number: u64,
    pub(super) client: String,
    pub(super) subscriptions: Vec<String>,
    pub(super) bell: Arc<Notify>,
}

/// Why ids cannot be listened to: what is wrong, and with which.
pub type BadIds = (Failure, Vec<String>);

/// What there is for a connection.
#[derive(Debug)]
pub(super) enum Next {
    Nothing,
    /// By subscription; and whether there is more at once.
    Events(Vec<(String, Vec<Event>)>, bool),
    /// Another connection listens now.
    Superseded,
    Failed(Failure, Vec<String>),
}

impl Hub {
    pub(super) fn new(settings: Settings, store: Store, metrics: Arc<Metrics>, clock: fn() -> Timestamp) -> Self {
        let (closing, state, saving) = (CancellationToken::new(), Mutex::default(), tokio::sync::Mutex::default());
        Self { settings, metrics, clock, closing, state, store, saving }
    }

    /// Whether a client may have one more subscription.
    ///
    /// # Errors
    /// [`Failure::TooManySubscriptions`].
    pub(super) fn has_room(&self, client: &Client) -> Result<(), Failure> {
        let own = self.lock().subscriptions.values().filter(|it| it.client.id == client.id).count();
        if own >= self.settings.subscriptions_per_client { Err(Failure::TooManySubscriptions) } else { Ok(()) }
    }

    /// Notes a subscription, and gives its id.
    ///
    /// # Errors
    /// [`Failure::TooManySubscriptions`]; [`Failure::Internal`] if it cannot be saved.
    pub(super) async fn add(&self, client: &Arc<Client>, order: Order) -> Result<String, Failure> {
        self.has_room(client)?;
        let id = STANDARD.encode(rand::random::<[u8; 24]>());
        let row = store::Subscription {
            id: id.clone(),
            client: client.id.clone(),
            minutes: order.minutes,
            types: order.types.bits(),
            mailboxes: order.mailboxes.iter().map(|mailbox| mailbox.as_str().to_owned()).collect(),
            seen: (self.clock)().as_second(),
            acknowledged: 0,
            last: 0,
            missed: false,
        };
        self.store.add_subscription(row).await?;
        let Order { minutes, types, mailboxes } = order;
        let (client, seen, queue) = (Arc::clone(client), Instant::now(), Queue::default());
        let subscription = Subscription { client, minutes, types, mailboxes, seen, queue, listener: None };
        self.lock().insert(id.clone(), subscription);
        self.count();
        Ok(id)
    }

    /// Ends a subscription; who listens to it is told.
    ///
    /// # Errors
    /// [`Failure::NoSuchSubscription`].
    pub(super) async fn remove(&self, client: &Client, id: &str) -> Result<(), Failure> {
        {
            let mut state = self.lock();
            state.owned(client, id)?;
            state.remove(id);
        }
        self.count();
        self.store.remove_subscriptions(vec![id.to_owned()]).await
    }

    /// What a puller has not got yet.
    ///
    /// # Errors
    /// [`Failure::BadWatermark`], [`Failure::NotAPullSubscription`], [`Failure::MissedEvents`]; else
    /// as [`Self::remove`].
    pub(super) fn pull(&self, client: &Client, id: &str, watermark: &str) -> Result<Pulled, Failure> {
        let mut state = self.lock();
        let subscription = state.owned(client, id)?;
        if subscription.minutes.is_none() {
            return Err(Failure::NotAPullSubscription);
        }
        subscription.seen = Instant::now();
        let number = watermark::read(id, watermark)?;
        if subscription.queue.take_missed() {
            // That it is told now is to be saved.
            state.unsaved.entry(id.to_owned()).or_default();
            return Err(Failure::MissedEvents);
        }
        let (gone, waits) = subscription.sift((self.clock)());
        let pulled = match waits {
            true => Ok((Vec::new(), false, Vec::new())),
            false => subscription.queue.pull(number, subscription.types, MOST_EVENTS),
        };
        let unsaved = state.unsaved.entry(id.to_owned()).or_default();
        unsaved.extend(gone);
        let (events, more, arrived) = pulled?;
        unsaved.extend(arrived);
        drop(state);
        self.metrics.events_told.inc_by(events.len() as u64);
        Ok(Pulled { events, more })
    }

    /// A connection listens to subscriptions from now on; connections that did so until now end.
    ///
    /// # Errors
    /// What is wrong with which ids.
    pub(super) fn attach(&self, client: &Client, ids: &[String], until: Instant) -> Result<Connection, BadIds> {
        let mut state = self.lock();
        let bad: Vec<(Failure, &String)> = ids.iter().filter_map(|id| Some((state.trouble(client, id)?, id))).collect();
        if let Some((first, _)) = bad.first() {
            let same = bad.iter().filter(|(failure, _)| failure == first).map(|(_, id)| (*id).clone());
            return Err((first.clone(), same.collect()));
        }
        let open = state.streams.entry(client.id.clone()).or_default();
        if *open >= self.settings.streams_per_client {
            return Err((Failure::TooManyStreams, Vec::new()));
        }
        *open += 1;
        state.connections += 1;
        let (number, bell) = (state.connections, Arc::new(Notify::new()));
        let mut subscriptions: Vec<String> = Vec::with_capacity(ids.len());
        for id in ids {
            if subscriptions.contains(id) {
                continue;
            }
            let Some(subscription) = state.subscriptions.get_mut(id) else { continue };
            let listener = Listener { connection: number, bell: Arc::clone(&bell), until };
            subscription.seen = Instant::now();
            if let Some(former) = subscription.listener.replace(listener) {
                former.bell.notify_one();
            }
            let became = subscription.queue.take_back();
            state.unsaved.entry(id.clone()).or_default().extend(became.numbers());
            subscriptions.push(id.clone());
        }
        drop(state);
        self.metrics.streams.inc();
        Ok(Connection { number, client: client.id.clone(), subscriptions, bell })
    }

    /// What there is for a connection.
    pub(super) fn next(&self, connection: &Connection) -> Next {
        let mut state = self.lock();
        let lost: Vec<String> =
            connection.subscriptions.iter().filter(|id| !state.subscriptions.contains_key(*id)).cloned().collect();
        if !lost.is_empty() {
            return Next::Failed(Failure::NoSuchSubscription, lost);
        }
        let (mut told, mut left) = (Vec::new(), MOST_EVENTS_AT_ONCE);
        let mut missed = Vec::new();
        let mut more = false;
        let State { subscriptions, unsaved, .. } = &mut *state;
        for id in &connection.subscriptions {
            let Some(subscription) = subscriptions.get_mut(id) else { continue };
            if subscription.listener.as_ref().map(|listener| listener.connection) != Some(connection.number) {
                return Next::Superseded;
            }
            if subscription.queue.take_missed() {
                missed.push(id.clone());
            }
            if !missed.is_empty() {
                continue;
            }
            let (gone, waits) = subscription.sift((self.clock)());
            if !gone.is_empty() {
                unsaved.entry(id.clone()).or_default().extend(gone);
            }
            if waits {
                continue;
            }
            let events = subscription.queue.tell(connection.number, subscription.types, MOST_EVENTS.min(left));
            left -= events.len().min(left);
            more |= subscription.queue.has_untold();
            if !events.is_empty() {
                told.push((id.clone(), events));
            }
        }
        for id in &missed {
            unsaved.entry(id.clone()).or_default();
        }
        drop(state);
        if !missed.is_empty() {
            return Next::Failed(Failure::MissedEvents, missed);
        }
        let count: usize = told.iter().map(|(_, events)| events.len()).sum();
        self.metrics.events_told.inc_by(count as u64);
        if told.is_empty() { Next::Nothing } else { Next::Events(told, more) }
    }

    /// What a connection has told has arrived: subscription and number of the last event.
    pub(super) fn arrived(&self, connection: &Connection, told: &[(String, i64)]) {
        let mut state = self.lock();
        for (id, number) in told {
            let Some(subscription) = state.subscriptions.get_mut(id) else { continue };
            let arrived = subscription.queue.arrived(connection.number, *number);
            state.unsaved.entry(id.clone()).or_default().extend(arrived);
        }
    }

    /// A connection has ended; what it has told and did not arrive is told again.
    pub(super) fn detach(&self, connection: &Connection) {
        let mut state = self.lock();
        let now = Instant::now();
        for id in &connection.subscriptions {
            let Some(subscription) = state.subscriptions.get_mut(id) else { continue };
            if subscription.listener.as_ref().map(|listener| listener.connection) == Some(connection.number) {
                subscription.listener = None;
                subscription.seen = now;
                let became = subscription.queue.take_back();
                state.unsaved.entry(id.clone()).or_default().extend(became.numbers());
            }
        }
        if let Some(open) = state.streams.get_mut(&connection.client) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                state.streams.remove(&connection.client);
            }
        }
        drop(state);
        self.metrics.streams.dec();
    }

    /// Puts changes into the queues of all who want to know of them. Nobody is told before
    /// [`Self::ring`].
    pub(super) fn push(&self, changes: &[Change]) {
        let mut state = self.lock();
        let State { subscriptions, by_mailbox, unsaved, .. } = &mut *state;
        for change in changes {
            for id in by_mailbox.get(&change.mailbox).into_iter().flatten() {
                let Some(subscription) = subscriptions.get_mut(id) else { continue };
                let became = subscription.queue.push(change.clone(), subscription.types, self.settings.queue);
                unsaved.entry(id.clone()).or_default().extend(became.numbers());
            }
        }
    }

    /// Wakes all who listen to a mailbox.
    pub(super) fn ring(&self, mailbox: &Mailbox) {
        let state = self.lock();
        let ids = state.by_mailbox.get(mailbox).into_iter().flatten();
        for listener in ids.filter_map(|id| state.subscriptions.get(id)?.listener.as_ref()) {
            listener.bell.notify_one();
        }
    }

    /// Whether somebody wants to know of a mailbox.
    pub(super) fn wants(&self, mailbox: &Mailbox) -> bool {
        self.lock().by_mailbox.contains_key(mailbox)
    }

    /// All mailboxes that somebody wants to know of, each with those who do.
    pub(super) fn wanted(&self) -> Vec<(Mailbox, Vec<Arc<Client>>)> {
        let state = self.lock();
        let client = |id: &String| Some(Arc::clone(&state.subscriptions.get(id)?.client));
        let wanted = state.by_mailbox.iter();
        wanted.map(|(mailbox, ids)| (mailbox.clone(), ids.iter().filter_map(client).collect())).collect()
    }

    /// Whether anybody listens.
    pub(super) fn is_listened_to(&self) -> bool {
        !self.lock().streams.is_empty()
    }

    fn count(&self) {
        self.metrics.subscriptions.set(i64::try_from(self.lock().subscriptions.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, id: String, subscription: Subscription) {
        for mailbox in &subscription.mailboxes {
            self.by_mailbox.entry(mailbox.clone()).or_default().insert(id.clone());
        }
        self.subscriptions.insert(id, subscription);
    }

    fn remove(&mut self, id: &str) {
        let Some(subscription) = self.subscriptions.remove(id) else { return };
        for mailbox in &subscription.mailboxes {
            let Some(ids) = self.by_mailbox.get_mut(mailbox) else { continue };
            ids.remove(id);
            if ids.is_empty() {
                self.by_mailbox.remove(mailbox);
            }
        }
        self.unsaved.remove(id);
        self.doubtful.remove(id);
        if let Some(listener) = subscription.listener {
            listener.bell.notify_one();
        }
    }

    /// Why an id cannot be listened to.
    fn trouble(&mut self, client: &Client, id: &str) -> Option<Failure> {
        match self.owned(client, id) {
            Err(failure) => Some(failure),
            Ok(subscription) => subscription.minutes.map(|_| Failure::NotAStreamingSubscription),
        }
    }

    /// A client's own subscription. Of another's it is not even told that there is one, which Exchange tells.
    fn owned(&mut self, client: &Client, id: &str) -> Result<&mut Subscription, Failure> {
        let subscription = self.subscriptions.get_mut(id).filter(|it| it.client.id == client.id);
        subscription.ok_or(Failure::NoSuchSubscription)
    }
}

impl Subscription {
    /// How long it lasts while nobody uses it.
    fn patience(&self, settings: &Settings) -> Duration {
        self.minutes.map_or(settings.idle, |minutes| Duration::from_secs(60 * u64::from(minutes)))
    }

    /// Drops events that the client may not know of, since its policy decides anew at each delivery. Gives their
    /// numbers, and whether others have to wait until it is known whether the client may.
    fn sift(&mut self, now: Timestamp) -> (Vec<i64>, bool) {
        let client = &self.client;
        let denial = |mailbox| Some((mailbox, client.permit(mailbox, Capability::CalendarRead, now).err()?));
        let denied: HashMap<&Mailbox, Denial> = self.mailboxes.iter().filter_map(denial).collect();
        if denied.is_empty() {
            return (Vec::new(), false);
        }
        let is_unknown = |mailbox: &Mailbox| denied.get(mailbox) == Some(&Denial::NotKnownYet);
        let waits = self.queue.changes().any(|change| is_unknown(&change.mailbox));
        let gone = self.queue.drop_those(|change| denied.contains_key(&change.mailbox) && !is_unknown(&change.mailbox));
        (gone, waits)
    }

    /// Whether the client may have it. That something is not known yet counts where nothing else forbids it.
    fn verdict(&self, now: Timestamp) -> Result<(), Denial> {
        let denial = |mailbox| self.client.permit(mailbox, Capability::CalendarRead, now).err();
        let denials: Vec<Denial> = self.mailboxes.iter().filter_map(denial).collect();
        let certain = denials.iter().find(|denial| **denial != Denial::NotKnownYet);
        certain.or_else(|| denials.first()).map_or(Ok(()), |denial| Err(*denial))
    }
}

/// Events of one subscription that are told at once, as Exchange has it.
const MOST_EVENTS: usize = 50;
/// Events of all subscriptions of a connection that are told at once.
const MOST_EVENTS_AT_ONCE: usize = 200;
#[cfg(test)]
mod tests;
