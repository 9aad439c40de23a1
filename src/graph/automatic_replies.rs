//! Automatic replies of all tenants' mailboxes, and mail tips.
//!
//! Owns what is asked with which credential, and what is remembered. Must not know JSON.

use super::Graphs;
use crate::calendar::out_of_office::{AutomaticReplies, Tip};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::journal::Journal;

impl Graphs {
    /// A mailbox's automatic replies, remembered for a short while; what was set here is seen at once.
    ///
    /// # Errors
    /// [`Failure::NoSuchMailbox`], also for one outside every tenant and one without settings,
    /// [`Failure::Denied`] without a credential, and what failed for the moment
    /// (<https://learn.microsoft.com/graph/api/user-get-mailboxsettings>).
    pub async fn automatic_replies(&self, mailbox: &Permitted, journal: &Journal) -> Result<AutomaticReplies, Failure> {
        let _ = (mailbox, journal);
        Err(Failure::Internal)
    }

    /// Sets a mailbox's automatic replies. The language is not set: it is the mailbox's.
    ///
    /// # Errors
    /// As [`Self::automatic_replies`], and [`Failure::BadScheduledDuration`] for a window that Graph
    /// does not take (<https://learn.microsoft.com/graph/api/user-update-mailboxsettings>).
    pub async fn set_automatic_replies(
        &self,
        mailbox: &Permitted,
        replies: &AutomaticReplies,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let _ = (mailbox, replies, journal);
        Err(Failure::Internal)
    }

    /// What somebody who is about to write to each of the mailboxes is told, in their order: by
    /// Graph's mail tips where a credential may ask for them, else from their automatic replies.
    /// Mail tips are always those for somebody inside the organisation.
    ///
    /// # Errors
    /// For each mailbox as [`Self::automatic_replies`]
    /// (<https://learn.microsoft.com/graph/api/user-getmailtips>).
    pub async fn mail_tips(
        &self,
        mailboxes: &[Permitted],
        is_inside: bool,
        journal: &Journal,
    ) -> Vec<Result<Tip, Failure>> {
        let _ = (is_inside, journal);
        mailboxes.iter().map(|_| Err(Failure::Internal)).collect()
    }

    /// Automatic replies of up to [`MOST_AT_ONCE`] mailboxes of one tenant, in their order, asked for
    /// together and each once; nothing remembered is told. [`Failure::Busy`] says how long a
    /// mailbox is to be left alone. Their language is not asked for.
    ///
    /// # Errors
    /// For each mailbox as [`Self::automatic_replies`].
    pub async fn look_at_automatic_replies(
        &self,
        mailboxes: &[Permitted],
        journal: &Journal,
    ) -> Vec<Result<AutomaticReplies, Failure>> {
        let _ = journal;
        mailboxes.iter().map(|_| Err(Failure::Internal)).collect()
    }
}

/// What one batch holds (<https://learn.microsoft.com/graph/json-batching>).
pub const MOST_AT_ONCE: usize = 20;
