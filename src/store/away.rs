//! Whose automatic replies are watched, what they were, and what was told of them.

use super::Store;
use super::outbox::Letter;
use crate::failure::Failure;

/// A mailbox whose automatic replies are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwayWatch {
    /// Its address.
    pub mailbox: String,
    /// What whoever asked for the watch calls it.
    pub alias: String,
    /// Since when it is watched; seconds since 1970.
    pub since: i64,
    /// Its automatic replies when it was last looked at, in the monitor's own form; `None` before the first look.
    pub settings: Option<String>,
    /// What was told last, in the monitor's own form; `None` before anything was.
    pub told: Option<String>,
    /// When that changed; seconds since 1970.
    pub changed: Option<i64>,
}

/// What a look at a mailbox brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwayChange {
    /// The mailbox.
    pub mailbox: String,
    /// As in [`AwayWatch::settings`].
    pub settings: String,
    /// As in [`AwayWatch::told`].
    pub told: String,
    /// As in [`AwayWatch::changed`].
    pub changed: i64,
    /// Whom to tell what.
    pub letters: Vec<Letter>,
}

impl Store {
    /// All watches.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn away_watches(&self) -> Result<Vec<AwayWatch>, Failure> {
        Err(Failure::Internal)
    }

    /// Watches a mailbox from a second on; one that is watched already goes on with what is known, under
    /// the new alias. Says whether it is new.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn watch_away(&self, mailbox: String, alias: String, since: i64) -> Result<bool, Failure> {
        let _ = (mailbox, alias, since);
        Err(Failure::Internal)
    }

    /// Watches a mailbox no more, and forgets what was still to be told of it. Says whether it was watched.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn unwatch_away(&self, mailbox: String) -> Result<bool, Failure> {
        let _ = mailbox;
        Err(Failure::Internal)
    }

    /// Notes what a look brought and puts the letters into the outbox, both or neither. Says whether the
    /// mailbox is still watched; else nothing is noted.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted.
    pub async fn note_away(&self, change: AwayChange) -> Result<bool, Failure> {
        let _ = change;
        Err(Failure::Internal)
    }
}
