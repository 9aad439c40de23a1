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
use crate::client::{Client, Denial, Permitted};
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
    /// What was watched before, and waits until it is known whether anybody may hear of it. Locked after `all`.
    waiting: Mutex<HashMap<Mailbox, Option<Watch>>>,
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
        Self {
            graphs,
            hub,
            store,
            hooks: Hooks::default(),
            all: Mutex::default(),
            waiting: Mutex::default(),
            tasks,
            end,
        }
    }

    /// Goes on watching what was watched before; what nobody wants to know of any more is forgotten.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be read.
    pub(super) async fn restore(self: &Arc<Self>) -> Result<(), Failure> {
        let watches = self.store.watches().await?;
        let mut watches: HashMap<String, Watch> =
            watches.into_iter().map(|watch| (watch.mailbox.clone(), watch)).collect();
        for (mailbox, clients) in self.hub.wanted() {
            match self.permit(&mailbox, &clients) {
                Ok(permitted) => {
                    let watch = watches.remove(mailbox.as_str());
                    self.begin(&mut self.lock(), permitted, watch);
                }
                Err(Denial::NotKnownYet) => {
                    let watch = watches.remove(mailbox.as_str());
                    self.waiting().insert(mailbox, watch);
                }
                Err(_) => {}
            }
        }
        for left in watches.into_values() {
            self.store.forget_watch(left.mailbox, left.born).await?;
        }
        Ok(())
    }

    /// Goes on watching what has waited until it was known that somebody may hear of it.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the store cannot be written.
    pub(super) async fn take_up(self: &Arc<Self>) -> Result<(), Failure> {
        let mut left = Vec::new();
        if !self.waiting().is_empty() {
            let mut wanted: HashMap<Mailbox, Vec<Arc<Client>>> = self.hub.wanted().into_iter().collect();
            let mut all = self.lock();
            let mut waiting = self.waiting();
            for (mailbox, watch) in std::mem::take(&mut *waiting) {
                match self.permit(&mailbox, &wanted.remove(&mailbox).unwrap_or_default()) {
                    Ok(permitted) => {
                        self.begin(&mut all, permitted, watch);
                    }
                    Err(Denial::NotKnownYet) => {
                        waiting.insert(mailbox, watch);
                    }
                    Err(_) => left.extend(watch),
                }
            }
        }
        for left in left {
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
            let handle = known.unwrap_or_else(|| {
                let watch = self.waiting().remove(permitted.mailbox()).flatten();
                self.begin(&mut all, permitted, watch)
            });
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

    /// The first of the clients who may hear of a mailbox; else why they may not, and whether that is certain.
    fn permit(&self, mailbox: &Mailbox, clients: &[Arc<Client>]) -> Result<Permitted, Denial> {
        let mut denial = Denial::Mailbox;
        for client in clients {
            match client.permit(mailbox, Capability::CalendarRead, (self.hub.clock)()) {
                Err(Denial::NotKnownYet) => denial = Denial::NotKnownYet,
                Err(_) => {}
                permitted => return permitted,
            }
        }
        Err(denial)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Mailbox, Option<Watch>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
