//! The audit log: who asked about whom, what was shown and by whose leave, one line of JSON each.
//!
//! Owns the file and the form of its lines. What cannot be written down is not done: a place for the line is taken
//! before a request is looked at. Must not know requests or tenants.

mod file;
mod record;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::calendar::Mailbox;

pub use record::{Asked, Record};

/// Where the log goes, and how addresses look in it.
#[derive(Debug)]
pub struct Settings {
    /// Where to.
    pub target: Target,
    /// The key that addresses are hashed with (HMAC-SHA-256, RFC 2104); without it they stand as they are.
    pub hash_key: Option<SecretString>,
}

/// Where an audit log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file, at its end; made again where it was moved away.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// The log, as those see it who have something to say.
#[derive(Clone, Debug)]
pub struct Audit {
    lines: mpsc::Sender<Vec<u8>>,
    hash_key: Option<Arc<SecretString>>,
}

/// A place in the log that is kept for one line.
#[derive(Debug)]
pub struct Place {
    place: mpsc::OwnedPermit<Vec<u8>>,
    hash_key: Option<Arc<SecretString>>,
}

impl Audit {
    /// Opens the log; lines are written in order, by a thread of its own, until all handles are gone. `failed` is
    /// called for each try that fails; the line is tried again every second.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(settings: Settings, failed: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (lines, waiting) = mpsc::channel(MOST_WAITING);
        let file = file::File::open(settings.target)?;
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || file.write_all(waiting, failed))?;
        Ok(Self { lines, hash_key: settings.hash_key.map(Arc::new) })
    }

    /// Takes a place for a line; none where lines cannot be written, and too many wait.
    pub async fn place(&self) -> Option<Place> {
        let place = timeout(PATIENCE, self.lines.clone().reserve_owned()).await.ok()?.ok()?;
        Some(Place { place, hash_key: self.hash_key.clone() })
    }
}

impl Place {
    /// Writes the line.
    pub fn write(self, record: &Record<'_>) {
        let name = |mailbox: &Mailbox| match &self.hash_key {
            Some(key) => hashed(key, mailbox),
            None => mailbox.as_str().to_owned(),
        };
        self.place.send(record.line(name));
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

/// Lines that wait at most while they cannot be written.
const MOST_WAITING: usize = 10_000;
/// How long a request waits for a place.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
