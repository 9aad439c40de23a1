//! How a watched mailbox stands.

use std::sync::Arc;

use jiff::Timestamp;

use crate::calendar::Mailbox;
use crate::calendar::out_of_office::Away;
use crate::failure::Failure;

/// A watched mailbox.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its address.
    pub mailbox: Mailbox,
    /// What whoever asked for the watch calls it.
    pub alias: String,
    /// Since when it is watched.
    pub since: Timestamp,
    /// When Graph last told of it.
    pub looked: Option<Timestamp>,
    /// Why Graph did not, the last time.
    pub problem: Option<Failure>,
    /// What was told last, if anything was.
    pub standing: Option<Standing>,
}

/// Who asks for a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A mediator: it is told of the mailbox by the name that it used.
    Mediator,
    /// Whoever else.
    Api,
}

/// What correspondents of a mailbox hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What they hear; `None` if the owner is not away.
    pub away: Option<Arc<Away>>,
    /// Since when.
    pub changed: Timestamp,
}

/// How the watched mailboxes stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many there are.
    pub watched: usize,
    /// Of how many Graph has told nothing since the start.
    pub unseen: usize,
    /// Of how many it told nothing the last time.
    pub failing: usize,
}
