//! Who calls, what they may do, and the proof that it was checked.
//!
//! Owns policy. Must not know HTTP: `server/authenticate.rs` turns a request into a [`Client`].

use std::fmt;

use wildmatch::WildMatch;

use crate::calendar::{Capability, Mailbox};
use crate::failure::Failure;

/// The most a client may see of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ceiling {
    /// When, and how busy.
    Time,
    /// Also what and where.
    SubjectAndLocation,
    /// Everything.
    Full,
}

/// A program that calls the gateway.
#[derive(Debug)]
pub struct Client {
    /// Its name in the configuration, in tokens, logs and metrics.
    pub id: String,
    /// What it may do.
    pub policy: Policy,
}

/// What a client may do, and how much of it. Nothing is allowed that is not named.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Capabilities.
    pub capabilities: Vec<Capability>,
    /// Mailboxes, any of these patterns.
    pub mailboxes: Vec<Pattern>,
    /// The most it may see of an item.
    pub ceiling: Ceiling,
}

/// A pattern of addresses: `*` stands for any characters, also none; case is ignored.
#[derive(Clone, PartialEq)]
pub struct Pattern(WildMatch);

/// A mailbox that a client may use for a capability under a ceiling; proof of the policy check.
#[derive(Clone, Debug)]
pub struct Permitted {
    mailbox: Mailbox,
    capability: Capability,
    ceiling: Ceiling,
}

/// A capability that a client has, where no single mailbox is concerned; proof of the check.
#[derive(Clone, Copy, Debug)]
pub struct Entitled {
    capability: Capability,
}

impl Client {
    /// Permits one mailbox for one capability.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not name both.
    pub fn permit(&self, mailbox: &Mailbox, capability: Capability) -> Result<Permitted, Failure> {
        self.entitle(capability)?;
        if !self.policy.mailboxes.iter().any(|pattern| pattern.matches(mailbox)) {
            return Err(Failure::Denied);
        }
        Ok(Permitted { mailbox: mailbox.clone(), capability, ceiling: self.policy.ceiling })
    }

    /// Permits a capability as such.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not name it.
    pub fn entitle(&self, capability: Capability) -> Result<Entitled, Failure> {
        if self.policy.capabilities.contains(&capability) { Ok(Entitled { capability }) } else { Err(Failure::Denied) }
    }
}

impl Permitted {
    /// The mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// What for.
    #[must_use]
    pub fn capability(&self) -> Capability {
        self.capability
    }

    /// The most that may be seen of an item.
    #[must_use]
    pub fn ceiling(&self) -> Ceiling {
        self.ceiling
    }
}

impl Entitled {
    /// What for.
    #[must_use]
    pub fn capability(&self) -> Capability {
        self.capability
    }
}

impl Pattern {
    /// Reads a pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(WildMatch::new(&text.trim().to_lowercase()))
    }

    /// Whether an address fits.
    #[must_use]
    pub fn matches(&self, mailbox: &Mailbox) -> bool {
        self.0.matches(mailbox.as_str())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
