//! What must survive a restart, in one SQLite file: intents of writes, subscriptions with their
//! queues, and where ids belong.
//!
//! Owns the file, its schema and how it is used. `store/*.rs` hold the questions that are asked of
//! it, one file for each kind of row. Must not know what the rows are for.

mod intents;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::failure::Failure;

pub use intents::Intent;

/// The embedded store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
}

impl Store {
    /// Opens a file, and makes it if it is not there.
    ///
    /// # Errors
    /// A text for the operator: the file cannot be used, is damaged, or is of a newer version.
    pub fn open(path: &Path) -> Result<Self, String> {
        let problem = |error: rusqlite::Error| format!("store {}: {error}", path.display());
        Self::prepare(Connection::open(path).map_err(problem)?).map_err(problem)
    }

    /// A store that ends with the process.
    ///
    /// # Errors
    /// A text for the operator.
    pub fn in_memory() -> Result<Self, String> {
        let flags = OpenFlags::default();
        let connection = Connection::open_in_memory_with_flags(flags);
        connection.and_then(Self::prepare).map_err(|error| format!("store in memory: {error}"))
    }

    fn prepare(connection: Connection) -> rusqlite::Result<Self> {
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What a caller was told must be there after a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Does a job on a thread that may wait for the disk, in one transaction.
    ///
    /// # Errors
    /// [`Failure::Internal`], with the reason in the log.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction()?;
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

/// Another process may hold the file for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// Times are seconds since 1970.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS intents (
    id TEXT PRIMARY KEY,
    mailbox TEXT NOT NULL,
    since INTEGER NOT NULL,
    doomed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
";
