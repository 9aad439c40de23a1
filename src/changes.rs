//! The change feed: one watcher for each mailbox, many subscribers.
//!
//! Owns subscriptions, their queues, and how changes are found out. Must not know SOAP.

mod change;
mod diff;
mod hooks;
mod hub;
mod pace;
mod queue;
mod settings;
mod stream;
mod watchers;
pub mod watermark;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::hub::Hub;
use self::watchers::Watchers;
use crate::calendar::Capability;
use crate::client::{Client, Clients, Permitted};
use crate::failure::Failure;
use crate::graph::{Graphs, notices};
use crate::metrics::Metrics;
use crate::store::Store;

pub use self::change::{Change, ChangeKind, EventType, EventTypes};
pub use self::hub::{BadIds, Order, Pulled};
pub use self::queue::Event;
pub use self::settings::Settings;
pub use self::stream::{Stream, Word};

/// All subscriptions.
#[derive(Debug)]
pub struct Changes {
    hub: Arc<Hub>,
    watchers: Arc<Watchers>,
}

impl Changes {
    /// Takes up the subscriptions that the store has, and goes on watching for them.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be read.
    pub async fn open(
        graphs: Arc<Graphs>,
        store: Store,
        clients: &Clients,
        settings: Settings,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, Failure> {
        let hub = Arc::new(Hub::new(settings, store.clone(), metrics, clock));
        hub.restore(clients).await?;
        let watchers = Arc::new(Watchers::new(graphs, Arc::clone(&hub), store));
        watchers.restore().await?;
        Ok(Self { hub, watchers })
    }

    /// Makes a subscription, and gives its id. All changes from now on are queued for it.
    ///
    /// # Errors
    /// [`Failure::BadSubscriptionRequest`] without calendars, [`Failure::TooManySubscriptions`], and
    /// why a calendar cannot be watched.
    pub async fn subscribe(
        &self,
        client: &Arc<Client>,
        calendars: Vec<Permitted>,
        order: Order,
        deadline: Instant,
    ) -> Result<String, Failure> {
        let readable = calendars.iter().all(|calendar| calendar.capability() == Capability::CalendarRead);
        if calendars.is_empty() || !readable {
            return Err(Failure::BadSubscriptionRequest);
        }
        self.hub.has_room(client)?;
        let watched = calendars.into_iter().map(|calendar| self.watchers.watch(calendar, deadline));
        futures::future::try_join_all(watched).await?;
        self.hub.add(client, order).await
    }

    /// Ends a subscription; a stream that is open for it ends.
    ///
    /// # Errors
    /// [`Failure::NoSuchSubscription`].
    pub async fn unsubscribe(&self, client: &Client, id: &str) -> Result<(), Failure> {
        self.hub.remove(client, id).await
    }

    /// What a pull subscription has not got yet. What came before the watermark has arrived.
    ///
    /// # Errors
    /// [`Failure::NoSuchSubscription`], [`Failure::NotAPullSubscription`], [`Failure::BadWatermark`],
    /// [`Failure::MissedEvents`].
    pub fn pull(&self, client: &Client, id: &str, watermark: &str) -> Result<Pulled, Failure> {
        self.hub.pull(client, id, watermark)
    }

    /// Opens a stream for subscriptions; streams that were open for them end.
    ///
    /// # Errors
    /// What is wrong with which ids; no ids for [`Failure::TooManyStreams`].
    pub fn stream(&self, client: &Client, ids: &[String], length: Duration) -> Result<Stream, BadIds> {
        Stream::open(&self.hub, client, ids, length)
    }

    /// Whether Graph was asked to tell of changes by itself.
    #[must_use]
    pub fn takes_notices(&self) -> bool {
        self.hub.settings.notification_url.is_some()
    }

    /// Takes what somebody posted as Graph does; says whether it could be read. Nothing but notices
    /// with the right secret does anything.
    #[must_use]
    pub fn notified(&self, body: &[u8]) -> bool {
        let Some(notices) = notices(body) else { return false };
        let known = self.watchers.notified(&notices);
        if known < notices.len() {
            tracing::warn!(unknown = notices.len() - known, "notices that no subscription of ours is known for");
        }
        true
    }

    /// Keeps subscriptions until the end; then ends all streams, and saves what there is.
    pub async fn run(self: Arc<Self>, end: CancellationToken) {
        let mut expiry = Instant::now();
        while end.run_until_cancelled(sleep(SAVED_WITHIN)).await.is_some() {
            // What could not be written is tried again at the next start; the log has the reason.
            let _ = self.hub.settle().await;
            let _ = self.watchers.take_up().await;
            if expiry.elapsed() >= EXPIRY {
                expiry = Instant::now();
                // What could not be saved is saved the next time; the log has the reason.
                let _ = self.hub.expire().await;
            }
            let _ = self.hub.save(None).await;
        }
        self.hub.closing.cancel();
        self.watchers.end().await;
        let left = async {
            while self.hub.is_listened_to() {
                sleep(A_MOMENT).await;
            }
        };
        let _ = timeout(LEAVE, left).await;
        let _ = self.hub.save(None).await;
    }
}

/// What has arrived is saved as such within this time; what is killed meanwhile is told again.
const SAVED_WITHIN: Duration = Duration::from_secs(2);
/// How often it is looked whether subscriptions have ended.
const EXPIRY: Duration = Duration::from_secs(30);
/// Streams end at once, unless their clients do not read.
const LEAVE: Duration = Duration::from_secs(5);
const A_MOMENT: Duration = Duration::from_millis(20);
