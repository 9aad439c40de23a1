//! The audit log: who asked about whom, what was shown and by whose leave, one line of JSON each.
//!
//! Owns the file and the form of its lines. What cannot be written down is not done: a place for the line is taken
//! before a request is looked at. Must not know requests or tenants.

mod file;
mod queue;
mod record;

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::time::timeout;

use crate::calendar::Mailbox;

use queue::{Queue, Slot};

pub use file::Target;
pub use record::{Asked, Record};

/// Where the log goes, and how addresses look in it.
#[derive(Debug)]
pub struct Settings {
    /// Where to.
    pub target: Target,
    /// The key that addresses are hashed with (HMAC-SHA-256, RFC 2104); without it they stand as they are.
    pub hash_key: Option<SecretString>,
}

/// The log, as those see it who have something to say.
#[derive(Clone, Debug)]
pub struct Audit {
    queue: Queue,
    hash_key: Option<Arc<SecretString>>,
}

/// A place in the log that is kept for one line.
#[derive(Debug)]
pub struct Place {
    slot: Slot,
    hash_key: Option<Arc<SecretString>>,
}

impl Audit {
    /// Opens the log; lines are written in order, by a thread of its own, until all handles are gone. `failed` is
    /// called for each try that fails; the line is tried again every second.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(settings: Settings, failed: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (queue, waiting) = queue::queue();
        let file = file::File::open(settings.target)?;
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || file.write_all(waiting, failed))?;
        Ok(Self { queue, hash_key: settings.hash_key.map(Arc::new) })
    }

    /// Takes a place for a line; none where lines cannot be written, and too many wait.
    pub async fn place(&self) -> Option<Place> {
        let slot = timeout(PATIENCE, self.queue.slot()).await.ok()??;
        Some(Place { slot, hash_key: self.hash_key.clone() })
    }

    /// Waits for so long until all lines are written; gives how many are not.
    pub async fn finish(&self, patience: Duration) -> usize {
        // How many there are says whether it came to an end.
        let _ = timeout(patience, self.queue.emptied()).await;
        self.queue.len()
    }
}

impl Place {
    /// Writes the line.
    pub fn write(self, record: &Record<'_>) {
        let name = |mailbox: &Mailbox| match &self.hash_key {
            Some(key) => hashed(key, mailbox),
            None => mailbox.as_str().to_owned(),
        };
        self.slot.send(record.line(name));
    }
}

fn hashed(key: &SecretString, mailbox: &Mailbox) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(mailbox.as_str().as_bytes());
    let digest = mac.finalize().into_bytes();
    digest.iter().fold("hmac-sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// How long a request waits for a place.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
