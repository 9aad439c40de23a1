//! Somebody who is told, and how: what a letter says, how it is signed, and which answers mean that it arrived.
//!
//! Owns the two forms. Must not know when letters are sent.

use std::time::Duration;

use jiff::Timestamp;

use super::settings::{Form, Webhook};
use super::state::Standing;
use crate::calendar::Mailbox;
use crate::outbound::Outbound;
use crate::store::Letter;

/// A webhook with its connections.
#[derive(Debug)]
pub(super) struct Recipient {
    name: String,
    outbound: Outbound,
    form: Form,
}

/// What is to be told of a mailbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct News<'a> {
    pub(super) mailbox: &'a Mailbox,
    pub(super) alias: &'a str,
    /// What was told last, if anything was.
    pub(super) before: Option<&'a Standing>,
    pub(super) now: &'a Standing,
}

/// Why a letter has not arrived; the texts are for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotDelivered {
    /// The recipient does not take it.
    Refused(String),
    /// It takes nothing for the moment, and says for how long.
    Later(Duration, String),
    /// It does not answer.
    Unreachable(String),
}

impl Recipient {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// A text for the operator: unusable certificates or keys.
    pub(super) fn new(webhook: Webhook) -> Result<Self, String> {
        let Webhook { name, target, form } = webhook;
        Ok(Self { name, outbound: Outbound::new(target)?, form })
    }

    /// Its name in the configuration.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The letter about news, if they are any to this recipient.
    pub(super) fn letter(&self, news: News<'_>, made: Timestamp) -> Option<Letter> {
        let _ = (news, made, &self.form);
        None
    }

    /// Delivers a letter.
    ///
    /// # Errors
    /// [`NotDelivered`].
    pub(super) async fn deliver(&self, letter: &Letter, now: Timestamp) -> Result<(), NotDelivered> {
        let _ = (letter, now, &self.outbound);
        Err(NotDelivered::Unreachable(String::new()))
    }

    /// Asks a mediator for the watches that it wants; others have none.
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) async fn synchronise(&self) -> Result<(), String> {
        Ok(())
    }
}
