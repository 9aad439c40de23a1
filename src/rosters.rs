//! Lists of mailboxes that policies name and that are kept elsewhere: groups, room lists, files, and all addresses of
//! people who are on deny lists.
//!
//! Owns when they are read, and that what cannot be read stays as it was. Must not know what policies make of them.

mod asking;
mod list;
mod plan;

use std::os::unix::fs::MetadataExt;
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
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::metrics::Metrics;

/// How often lists are read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Between two times that Graph is asked for the same list, about.
    pub refresh: Duration,
    /// How long what was read counts when it cannot be read again.
    pub max_age: Duration,
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
    /// Until when that counts.
    end: Option<Instant>,
    /// Why it could not be read the last time.
    problem: Option<String>,
    /// The file as it was when it was last read.
    stamp: Option<Stamp>,
}

/// What changes when a file does: when it was written, its length, and which file it is.
type Stamp = (SystemTime, u64, u64);

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
        self.forget_old();
        self.count();
    }

    /// Keeps them up to date until the end.
    pub async fn run(&self, end: CancellationToken) {
        if self.lists.is_empty() && self.people.is_empty() {
            return;
        }
        let pause = LOOK_AGAIN.min(self.settings.refresh);
        let look = async {
            loop {
                sleep(pause).await;
                self.read_files();
                self.forget_old();
                self.count();
            }
        };
        // Graph may let wait: files do not.
        let ask = async {
            loop {
                sleep(pause).await;
                self.ask().await;
            }
        };
        end.run_until_cancelled(async { tokio::join!(look, ask) }).await;
    }

    /// How many lists were never read, or could not be read the last time.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.states().filter(|state| state.problem.is_some() || state.read.is_none()).count()
    }

    /// The lists that were never read, or could not be read the last time, each with what is the matter, for operators:
    /// it has lists' addresses and files' names.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let lists = self.lists.iter().map(|list| (list.what.name(), list.state()));
        let people = self.people.iter().map(|people| (people.what.name(), people.state()));
        let all = lists.chain(people).filter_map(|(name, state)| {
            let never = || state.read.is_none().then(|| "has not been read yet".to_owned());
            Some((name, state.problem.clone().or_else(never)?))
        });
        all.collect()
    }

    /// Reads the files that have changed since they were last read.
    fn read_files(&self) {
        for list in &self.lists {
            let Source::File(path) = &list.what.source else { continue };
            let stamp = stamp(path);
            if stamp.is_some() && list.state().stamp == stamp {
                self.succeed(list);
                continue;
            }
            // A program that writes it may be half through.
            let is_whole =
                || if self::stamp(path) == stamp { Ok(()) } else { Err("was changed while it was read".into()) };
            match read(path).and_then(|members| is_whole().map(|()| members)) {
                Ok(members) if members.is_empty() && list.what.denies() => {
                    let emptied = "has become empty: whom it denied stays denied until the gateway starts anew";
                    self.fail_file(list, emptied.to_owned());
                }
                Ok(members) => {
                    list.what.replace(members);
                    list.state().stamp = stamp;
                    self.succeed(list);
                }
                Err(problem) => self.fail_file(list, problem),
            }
        }
    }

    fn fail_file(&self, list: &Kept<List>, problem: String) {
        let mut state = list.state();
        state.stamp = None;
        // It is looked at often, and told of once.
        if state.problem.as_ref() != Some(&problem) {
            let (clients, list) = (list.what.clients.join(", "), list.what.name());
            tracing::error!(clients, list, problem, "a file of mailboxes cannot be used; what was read before stays");
        }
        state.problem = Some(problem);
    }

    /// Asks Graph for what is due: first for lists, on which depends who is denied.
    async fn ask(&self) {
        let due = self.lists.iter().filter(|list| list.is_due());
        stream::iter(due).for_each_concurrent(AT_ONCE, |list| self.ask_list(list)).await;
        let due = self.people.iter().filter(|people| people.is_due());
        stream::iter(due).for_each_concurrent(AT_ONCE, |people| self.ask_people(people)).await;
        self.count();
    }

    async fn ask_list(&self, list: &Kept<List>) {
        let told = match &list.what.source {
            Source::Group(group) => self.asker.group(&self.graphs, group).await,
            Source::RoomList(rooms) => self.asker.rooms(&self.graphs, rooms).await,
            Source::File(_) => return,
        };
        match told {
            Ok(members) => {
                list.what.replace(members);
                self.succeed(list);
            }
            Err(failure) => {
                if matches!(failure, Failure::NoSuchMailbox { .. }) {
                    list.what.end();
                    // Whom it denied stays denied, however long it is gone.
                    list.state().end = None;
                }
                self.fail(list, &list.what.name(), &list.what.clients, &failure);
            }
        }
    }

    async fn ask_people(&self, people: &Kept<People>) {
        let tenant = &people.what.tenant;
        match self.asker.people(&self.graphs, tenant).await {
            Ok(everybody) => {
                let everybody = Arc::new(everybody);
                people.what.denied.iter().for_each(|denied| denied.take(tenant, Some(Arc::clone(&everybody))));
                self.succeed(people);
            }
            Err(failure) => self.fail(people, &people.what.name(), &people.what.clients, &failure),
        }
    }

    /// What could not be read again for too long is not known any more.
    fn forget_old(&self) {
        for list in self.lists.iter().filter(|list| list.state().is_over()) {
            list.what.forget();
            tracing::error!(
                list = list.what.name(),
                "who is on a list is not known any more: it was read too long ago"
            );
        }
        for people in self.people.iter().filter(|people| people.state().is_over()) {
            people.what.denied.iter().for_each(|denied| denied.take(&people.what.tenant, None));
            tracing::error!(list = people.what.name(), "they are not known any more: they were read too long ago");
        }
    }

    fn succeed<T>(&self, kept: &Kept<T>) {
        let mut state = kept.state();
        state.read = Some(self.asker.now());
        state.end = Instant::now().checked_add(self.settings.max_age);
        state.problem = None;
        // Those of many gateways, and of many lists, spread by themselves.
        state.due = Instant::now() + self.settings.refresh.mul_f64(0.9 + 0.2 * rand::random::<f64>());
    }

    fn fail<T>(&self, kept: &Kept<T>, list: &str, clients: &[String], failure: &Failure) {
        let (clients, failure, remedy) = (clients.join(", "), failure.label(), remedy(failure));
        tracing::error!(clients, list, failure, remedy, "a list of mailboxes is not known anew");
        let mut state = kept.state();
        state.problem = Some(format!("{failure}: {remedy}"));
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
        Self {
            what,
            state: Mutex::new(State { due: Instant::now(), read: None, end: None, problem: None, stamp: None }),
        }
    }

    fn is_due(&self) -> bool {
        self.state().due <= Instant::now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether what was read does not count any more; true once.
    fn is_over(&mut self) -> bool {
        self.end.take_if(|end| *end <= Instant::now()).is_some()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { refresh: Duration::from_secs(900), max_age: Duration::from_secs(86_400) }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len(), data.ino()))
}

/// How often files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// After a failure.
const RETRY: Duration = Duration::from_secs(60);
/// Questions to Graph at once.
const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests;
