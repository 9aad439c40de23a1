//! One watcher for each calendar that somebody wants to know of.
//!
//! Owns when watchers begin and end. What one of them does is in `watchers/watcher.rs`. Must not
//! know subscriptions but by the hub.

mod watcher;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hooks::{Hooks, News};
use super::hub::Hub;
use crate::calendar::{Capability, Mailbox};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::{Graphs, Notice};
use crate::store::{Store, Watch};

/// All watchers.
#[derive(Debug)]
pub(super) struct Watchers {
    graphs: Arc<Graphs>,
    hub: Arc<Hub>,
    store: Store,
    hooks: Hooks,
    all: Mutex<HashMap<Mailbox, Arc<Handle>>>,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// A watcher, seen from outside.
#[derive(Debug)]
struct Handle {
    news: Arc<News>,
    /// How the first look, or the last try at it, went.
    ready: watch::Sender<Option<Result<(), Failure>>>,
    /// Those who wait for it.
    waiting: AtomicUsize,
}

/// Keeps a watcher from ending.
struct Waiting(Arc<Handle>);

impl Watchers {
    pub(super) fn new(graphs: Arc<Graphs>, hub: Arc<Hub>, store: Store) -> Self {
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        Self { graphs, hub, store, hooks: Hooks::default(), all: Mutex::default(), tasks, end }
    }

    /// Goes on watching what was watched before; what nobody wants to know of any more is forgotten.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be read.
    pub(super) async fn restore(self: &Arc<Self>) -> Result<(), Failure> {
        let watches = self.store.watches().await?;
        let mut watches: HashMap<String, Watch> =
            watches.into_iter().map(|watch| (watch.mailbox.clone(), watch)).collect();
        for (mailbox, client) in self.hub.wanted() {
            let Ok(permitted) = client.permit(&mailbox, Capability::CalendarRead, (self.hub.clock)()) else { continue };
            let watch = watches.remove(mailbox.as_str());
            self.begin(&mut self.lock(), permitted, watch);
        }
        for left in watches.into_values() {
            self.store.forget_watch(left.mailbox, left.born).await?;
        }
        Ok(())
    }

    /// Watches a calendar, from now on at the latest, so that no later change is missed. It is
    /// watched for some minutes even if nobody subscribes to it then.
    ///
    /// # Errors
    /// Why it cannot be watched; [`Failure::TimedOut`] if its first look takes too long, which goes
    /// on all the same.
    pub(super) async fn watch(self: &Arc<Self>, permitted: Permitted, deadline: Instant) -> Result<(), Failure> {
        let waiting = {
            let mut all = self.lock();
            let known = all.get(permitted.mailbox()).cloned();
            let handle = known.unwrap_or_else(|| self.begin(&mut all, permitted, None));
            Waiting::new(handle)
        };
        let mut ready = waiting.0.ready.subscribe();
        if *ready.borrow_and_update() == Some(Ok(())) {
            return Ok(());
        }
        // One that has failed waits for long.
        waiting.0.news.bell.notify_one();
        match timeout_at(deadline, ready.changed()).await {
            Ok(Ok(())) => ready.borrow().clone().unwrap_or(Err(Failure::Internal)),
            Ok(Err(_)) => Err(Failure::Internal),
            Err(_) => Err(Failure::TimedOut),
        }
    }

    /// Hands on what Graph has posted; says how much of it was for a watcher.
    pub(super) fn notified(&self, notices: &[Notice]) -> usize {
        notices.iter().filter(|notice| self.hooks.note(notice)).count()
    }

    /// Ends all watchers; what they know stays in the store.
    pub(super) async fn end(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn begin(
        self: &Arc<Self>,
        all: &mut HashMap<Mailbox, Arc<Handle>>,
        permitted: Permitted,
        watch: Option<Watch>,
    ) -> Arc<Handle> {
        let ready = watch::Sender::new(watch.is_some().then_some(Ok(())));
        let handle = Arc::new(Handle { news: Arc::default(), ready, waiting: AtomicUsize::new(0) });
        all.insert(permitted.mailbox().clone(), Arc::clone(&handle));
        self.hub.metrics.watchers.inc();
        self.tasks.spawn(Arc::clone(self).run(Arc::clone(&handle), permitted, watch));
        handle
    }

    /// How many calendars of the mailbox's tenant are watched.
    fn company(&self, mailbox: &Mailbox) -> usize {
        let tenant = self.graphs.tenant_of(mailbox);
        self.lock().keys().filter(|other| self.graphs.tenant_of(other) == tenant).count()
    }

    /// Ends a watcher that nobody needs any more; says whether it did.
    fn dismiss(&self, mailbox: &Mailbox, handle: &Handle) -> bool {
        let mut all = self.lock();
        if self.hub.wants(mailbox) || handle.waiting.load(SeqCst) > 0 {
            return false;
        }
        all.remove(mailbox);
        self.hub.metrics.watchers.dec();
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Mailbox, Arc<Handle>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn new(handle: Arc<Handle>) -> Self {
        handle.waiting.fetch_add(1, SeqCst);
        Self(handle)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}

/// A calendar is watched so long after the last subscription to it has ended: who has subscribed
/// once will do so again.
const LINGERING: Duration = Duration::from_secs(300);
