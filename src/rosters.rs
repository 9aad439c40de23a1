//! Lists of mailboxes that policies name and that are kept elsewhere: groups, room lists, files, and all addresses of
//! people who are on deny lists.
//!
//! Owns when they are read, and that what cannot be read stays as it was. Must not know what policies make of them.

mod asking;
mod list;
mod plan;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub use self::list::read;
pub use self::plan::Plan;

use self::asking::{Asker, remedy};
use self::plan::{List, People};
use crate::client::Source;
use crate::graph::Graphs;
use crate::metrics::Metrics;

/// How often lists are read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Between two times that Graph is asked for the same list, about.
    pub refresh: Duration,
}

/// All lists.
#[derive(Debug)]
pub struct Rosters {
    lists: Vec<Kept<List>>,
    people: Vec<Kept<People>>,
    settings: Settings,
    graphs: Arc<Graphs>,
    asker: Asker,
    metrics: Arc<Metrics>,
}

/// What is read, and how that went.
#[derive(Debug)]
struct Kept<T> {
    what: T,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When Graph is to be asked next.
    due: Instant,
    /// When it was last read.
    read: Option<Timestamp>,
    fails: bool,
    /// The file as it was when it was last looked at.
    stamp: Option<Option<Stamp>>,
}

/// What changes when a file does.
type Stamp = (SystemTime, u64);

impl Rosters {
    /// Gets ready; reads nothing.
    #[must_use]
    pub fn new(
        plan: Plan,
        settings: Settings,
        graphs: Arc<Graphs>,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Self {
        let lists = plan.lists.into_iter().map(Kept::new).collect();
        let people = plan.people.into_iter().map(Kept::new).collect();
        let rosters = Self { lists, people, settings, graphs, asker: Asker::new(clock), metrics };
        rosters.count();
        rosters
    }

    /// Reads files first, then asks Graph for what is due; what takes longer than `patience` is left for later.
    pub async fn refresh_once(&self, patience: Duration) {
        self.read_files();
        // Whoever needs what is not known by then is denied.
        let _ = tokio::time::timeout(patience, self.ask()).await;
        self.count();
    }

    /// Keeps them up to date until the end.
    pub async fn run(&self, end: CancellationToken) {
        if self.lists.is_empty() && self.people.is_empty() {
            return;
        }
        let pause = LOOK_AGAIN.min(self.settings.refresh);
        while end.run_until_cancelled(sleep(pause)).await.is_some() {
            self.read_files();
            if end.run_until_cancelled(self.ask()).await.is_none() {
                return;
            }
            self.count();
        }
    }

    /// How many lists were never read, or could not be read the last time.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.states().filter(|state| state.fails || state.read.is_none()).count()
    }

    /// Reads the files that have changed since they were last looked at.
    fn read_files(&self) {
        for list in &self.lists {
            let Source::File(path) = &list.what.source else { continue };
            let stamp = stamp(path);
            if list.state().stamp.replace(stamp) == Some(stamp) {
                continue;
            }
            match read(path) {
                Ok(members) => {
                    let is_new = list.what.replace(members);
                    list.state().succeed(self.asker.now());
                    if is_new {
                        self.changed(&list.what);
                    }
                }
                Err(problem) => {
                    list.state().fails = true;
                    let (clients, problem) = (list.what.clients.join(", "), problem.as_str());
                    tracing::error!(clients, problem, "a file of mailboxes cannot be used; what was read before stays");
                }
            }
        }
    }

    /// Asks Graph for what is due: first for lists, on which depends who is denied.
    async fn ask(&self) {
        let due = self.lists.iter().filter(|list| list.is_due());
        stream::iter(due).for_each_concurrent(AT_ONCE, |list| self.ask_list(list)).await;
        let due = self.people.iter().filter(|people| people.is_due());
        stream::iter(due).for_each_concurrent(AT_ONCE, |people| self.ask_people(people)).await;
    }

    async fn ask_list(&self, list: &Kept<List>) {
        let (kind, address, told) = match &list.what.source {
            Source::Group(group) => ("group", group, self.asker.group(&self.graphs, group).await),
            Source::RoomList(rooms) => ("room_list", rooms, self.asker.rooms(&self.graphs, rooms).await),
            Source::File(_) => return,
        };
        match told {
            Ok(members) => {
                let is_new = list.what.replace(members);
                self.succeed(list);
                if is_new {
                    self.changed(&list.what);
                }
            }
            Err(failure) => {
                self.fail(list);
                let (clients, domain) = (list.what.clients.join(", "), address.domain());
                let (failure, remedy) = (failure.label(), remedy(&failure));
                tracing::error!(clients, kind, domain, failure, remedy, "a list of mailboxes is not known anew");
                tracing::debug!(%address, "it is this one");
            }
        }
    }

    async fn ask_people(&self, people: &Kept<People>) {
        match self.asker.people(&self.graphs, &people.what).await {
            Ok(noted) => {
                for (denied, aliases) in people.what.denied.iter().zip(noted) {
                    // Of a list that is not known yet nobody seems to be on it; it is asked for again when it is.
                    if denied.list.listed().are_known() {
                        denied.take(&people.what.tenant, aliases);
                    }
                }
                self.succeed(people);
            }
            Err(failure) => {
                self.fail(people);
                let (clients, tenant) = (people.what.clients.join(", "), &people.what.tenant);
                let (failure, remedy) = (failure.label(), remedy(&failure));
                let what = "addresses of denied mailboxes are not known anew";
                tracing::error!(clients, tenant, failure, remedy, "{what}");
            }
        }
    }

    /// Who is on a list has changed: whose other addresses are denied has, too.
    fn changed(&self, list: &List) {
        let concerned = |people: &&Kept<People>| people.what.denied.iter().any(|denied| denied.names(list));
        self.people.iter().filter(concerned).for_each(|people| people.state().due = Instant::now());
    }

    fn succeed<T>(&self, kept: &Kept<T>) {
        let mut state = kept.state();
        state.succeed(self.asker.now());
        // Those of many gateways, and of many lists, spread by themselves.
        state.due = Instant::now() + self.settings.refresh.mul_f64(0.9 + 0.2 * rand::random::<f64>());
    }

    fn fail<T>(&self, kept: &Kept<T>) {
        let mut state = kept.state();
        state.fails = true;
        state.due = Instant::now() + RETRY.min(self.settings.refresh);
    }

    fn states(&self) -> impl Iterator<Item = MutexGuard<'_, State>> {
        self.lists.iter().map(Kept::state).chain(self.people.iter().map(Kept::state))
    }

    fn count(&self) {
        self.metrics.rosters_unknown.set(i64::try_from(self.unknown()).unwrap_or(i64::MAX));
        let oldest = self.states().filter_map(|state| state.read).min();
        self.metrics.rosters_read.set(oldest.map_or(0, Timestamp::as_second));
    }
}

impl<T> Kept<T> {
    fn new(what: T) -> Self {
        Self { what, state: Mutex::new(State { due: Instant::now(), read: None, fails: false, stamp: None }) }
    }

    fn is_due(&self) -> bool {
        self.state().due <= Instant::now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn succeed(&mut self, now: Timestamp) {
        self.read = Some(now);
        self.fails = false;
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { refresh: Duration::from_secs(900) }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// How often files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// After a failure.
const RETRY: Duration = Duration::from_secs(60);
/// Questions to Graph at once.
const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests;
