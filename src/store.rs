//! What must survive a restart, in one SQLite file: intents of writes, subscriptions with their
//! queues, where ids belong, whose automatic replies are watched, and what is still to be told of them.
//!
//! Owns the file, its schema and how it is used. `store/*.rs` hold the questions that are asked of
//! it, one file for each kind of row. Must not know what the rows are for.

mod away;
mod intents;
mod outbox;
mod owners;
mod subscriptions;
mod watches;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::time::Instant;

use crate::failure::Failure;

pub use away::{AwayChange, AwayWatch};
pub use intents::Intent;
pub use outbox::{Letter, Selection, Waiting};
pub use owners::Owner;
pub use subscriptions::{QueueChanges, Queued, Standing, Subscription};
pub use watches::{Hook, Known, Watch, WatchChanges};

/// The embedded store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    /// When the operator was last told that letters had to go because too many wait.
    warned: Arc<Mutex<Option<Instant>>>,
}

impl Store {
    /// Opens a file, and makes it if it is not there; only its owner may read it.
    ///
    /// # Errors
    /// A text for the operator: the file cannot be used or written, is damaged, or is of a newer
    /// version.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(OWNER_ONLY).open(path);
        file.map_err(|error| format!("store {}: {error}", path.display()))?;
        let prepared = Connection::open(path).map_err(Unusable::from).and_then(Self::prepare);
        prepared.map_err(|problem| format!("store {}: {problem}", path.display()))
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// A text for the operator.
    pub fn in_memory() -> Result<Self, String> {
        let flags = OpenFlags::default();
        let connection = Connection::open_in_memory_with_flags(flags);
        let prepared = connection.map_err(Unusable::from).and_then(Self::prepare);
        prepared.map_err(|problem| format!("store in memory: {problem}"))
    }

    fn prepare(mut connection: Connection) -> Result<Self, Unusable> {
        connection.busy_timeout(BUSY)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(Unusable::Newer(version));
        }
        let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if health != "ok" {
            return Err(Unusable::Damaged(health));
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What a caller was told must be there after a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Also shows now, and not at the first request, whether the file can be written.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), warned: Arc::default() })
    }

    /// Does a job on a thread that may wait for the disk, in one transaction.
    ///
    /// # Errors
    /// [`Failure::Internal`], with the reason in the log.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        // One that reads before it writes would fail at once, without waiting, when another process wrote in between
        // (<https://www.sqlite.org/rescode.html#busy_snapshot>).
        self.transact(TransactionBehavior::Immediate, job).await
    }

    /// As [`Self::run`], for what writes nothing: it waits for no other process.
    ///
    /// # Errors
    /// As [`Self::run`].
    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.transact(TransactionBehavior::Deferred, job).await
    }

    async fn transact<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        job: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(behavior)?;
            let done = job(&transaction)?;
            transaction.commit()?;
            Ok::<_, rusqlite::Error>(done)
        });
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                tracing::error!(%error, "the store cannot be used: look at its disk and its rights");
                Err(Failure::Internal)
            }
            Err(_) => Err(Failure::Internal),
        }
    }
}

/// Why a file is no store.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the file is damaged ({0}); put a copy back, or move it away to begin with an empty one")]
    Damaged(String),
    #[error("the file is of version {0}, made by a newer release; this one knows version {VERSION}")]
    Newer(i64),
}

/// Another process may hold the file for a moment.
const BUSY: Duration = Duration::from_secs(5);
/// The file names mailboxes and their items.
const OWNER_ONLY: u32 = 0o600;
/// Of [`SCHEMA`]: one higher with each change that an older release could not live with.
const VERSION: i64 = 1;

/// Times are seconds since 1970.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS intents (
    id TEXT PRIMARY KEY,
    mailbox TEXT NOT NULL,
    since INTEGER NOT NULL,
    doomed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    item BLOB PRIMARY KEY,
    mailbox TEXT NOT NULL,
    noted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS owners_by_age ON owners (noted);
CREATE TABLE IF NOT EXISTS subscriptions (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    minutes INTEGER,
    types INTEGER NOT NULL,
    mailboxes TEXT NOT NULL,
    seen INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    last INTEGER NOT NULL,
    missed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queued (
    subscription TEXT NOT NULL REFERENCES subscriptions (id),
    number INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    item TEXT NOT NULL,
    change_key TEXT NOT NULL,
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (subscription, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watches (
    mailbox TEXT PRIMARY KEY,
    born TEXT NOT NULL,
    link TEXT NOT NULL,
    start INTEGER NOT NULL,
    finish INTEGER NOT NULL,
    hook TEXT,
    hook_proof BLOB,
    hook_end INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known (
    mailbox TEXT NOT NULL,
    item TEXT NOT NULL,
    mark TEXT NOT NULL,
    series TEXT NOT NULL,
    start INTEGER NOT NULL,
    finish INTEGER NOT NULL,
    PRIMARY KEY (mailbox, item)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS away_watches (
    mailbox TEXT PRIMARY KEY,
    alias TEXT NOT NULL,
    since INTEGER NOT NULL,
    settings TEXT,
    told TEXT,
    changed INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    target TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    body TEXT NOT NULL,
    gist TEXT NOT NULL,
    made INTEGER NOT NULL,
    since INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL,
    problem TEXT,
    dead INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_queues ON outbox (mailbox, target, dead, number);
CREATE INDEX IF NOT EXISTS outbox_fates ON outbox (dead, number);
CREATE INDEX IF NOT EXISTS outbox_heads ON outbox (target, next, number) WHERE head = 1;
CREATE TABLE IF NOT EXISTS delivered (
    target TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    number INTEGER NOT NULL,
    gist TEXT,
    PRIMARY KEY (mailbox, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS known_by_series ON known (mailbox, series) WHERE series <> '';
";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
        drop(store);
        Store::open(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str| Store::open(&folder.path().join(name)).unwrap_err();
        assert!(refused("no/folder").contains("no/folder"));
        assert!(refused("").contains("store "), "a folder is no store");
        std::fs::write(folder.path().join("text"), "a text of more than a few bytes ".repeat(40)).unwrap();
        assert!(refused("text").contains("not a database"), "{}", refused("text"));

        let newer = folder.path().join("newer");
        drop(Store::open(&newer).unwrap());
        Connection::open(&newer).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        assert!(refused("newer").contains("newer release"), "{}", refused("newer"));
    }

    #[tokio::test]
    async fn a_damaged_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        for number in 0..200 {
            let intent = Intent { id: uuid::Uuid::new_v4(), mailbox: "r@example.com".repeat(20), since: number };
            store.intend(intent).await.unwrap();
        }
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        for byte in bytes.iter_mut().skip(middle).take(4096) {
            *byte = 0x5a;
        }
        std::fs::write(&path, &bytes).unwrap();
        let problem = Store::open(&path).unwrap_err();
        assert!(problem.contains("damaged") || problem.contains("malformed"), "{problem}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_full_disk_is_a_failure_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let intent = |since| Intent { id: uuid::Uuid::new_v4(), mailbox: "r@example.com".repeat(50), since };
        store.intend(intent(1)).await.unwrap();
        store.connection.lock().unwrap().pragma_update(None, "max_page_count", 1).unwrap();
        let mut kept = 1;
        let failure = loop {
            match store.intend(intent(2)).await {
                Ok(()) => kept += 1,
                Err(failure) => break failure,
            }
        };
        assert_eq!(failure, Failure::Internal);
        assert_eq!(store.unsettled(10).await.unwrap().len(), kept);
    }
}
