//! Who calls, what they may do, and the proof that it was checked.
//!
//! Owns policy. Must not know HTTP: `server/authenticate.rs` turns a request into a [`Client`].

mod networks;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wildmatch::WildMatch;

use crate::calendar::{Capability, Mailbox};
use crate::failure::Failure;

pub use networks::Networks;

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

impl Ceiling {
    /// All of them, the lowest first.
    pub const ALL: [Self; 3] = [Self::Time, Self::SubjectAndLocation, Self::Full];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::SubjectAndLocation => "subject_and_location",
            Self::Full => "full",
        }
    }
}

/// All clients, by the names under which they log in.
#[derive(Debug, Default)]
pub struct Clients {
    by_name: HashMap<String, Arc<Client>>,
}

/// A program that calls the gateway.
#[derive(Debug)]
pub struct Client {
    /// Its name in the configuration, in tokens, logs and metrics; also a user name.
    pub id: String,
    /// More user names for HTTP Basic, lower-case.
    pub users: Vec<String>,
    /// SHA-256 of generated secrets of 128 bits and more.
    pub secrets: Vec<[u8; 32]>,
    /// Argon2id hashes of chosen passwords, as PHC strings.
    pub passwords: Vec<String>,
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
    /// Requests a second in the long run.
    pub requests_per_second: NonZeroU32,
    /// Requests at once after a rest.
    pub burst: NonZeroU32,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Where it may send SOAP requests from.
    pub networks: Networks,
    /// Where it may ask for tokens from.
    pub token_networks: Networks,
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

impl Clients {
    /// Clients by their ids and user names.
    #[must_use]
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Self {
        let mut by_name = HashMap::new();
        for client in clients.into_iter().map(Arc::new) {
            for user in &client.users {
                by_name.insert(user.clone(), Arc::clone(&client));
            }
            by_name.insert(client.id.to_lowercase(), client);
        }
        Self { by_name }
    }

    /// The client with this id or user name; case is ignored.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Client>> {
        self.by_name.get(&name.to_lowercase())
    }

    /// Each client once.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.by_name.iter().filter(|(name, client)| **name == client.id.to_lowercase()).map(|(_, client)| client)
    }
}

impl Client {
    /// A client that cannot log in: the gateway's own operator, or a test's.
    #[must_use]
    pub fn without_login(id: &str, policy: Policy) -> Self {
        Self { id: id.to_owned(), users: Vec::new(), secrets: Vec::new(), passwords: Vec::new(), policy }
    }

    /// Permits one mailbox for one capability.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not name both.
    pub fn permit(&self, mailbox: &Mailbox, capability: Capability) -> Result<Permitted, Failure> {
        self.entitle(capability)?;
        if !self.knows(mailbox) {
            return Err(Failure::Denied);
        }
        Ok(Permitted { mailbox: mailbox.clone(), capability, ceiling: self.policy.ceiling })
    }

    /// Whether the policy names a mailbox, for whichever capability.
    #[must_use]
    pub fn knows(&self, mailbox: &Mailbox) -> bool {
        self.policy.mailboxes.iter().any(|pattern| pattern.matches(mailbox))
    }

    /// Permits a capability as such.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not name it.
    pub fn entitle(&self, capability: Capability) -> Result<Entitled, Failure> {
        if self.policy.capabilities.contains(&capability) { Ok(Entitled { capability }) } else { Err(Failure::Denied) }
    }
}

impl Policy {
    /// A policy without limits on rate, concurrency and networks.
    #[must_use]
    pub fn unlimited(capabilities: &[Capability], mailboxes: &[&str], ceiling: Ceiling) -> Self {
        Self {
            capabilities: capabilities.to_vec(),
            mailboxes: mailboxes.iter().map(|pattern| Pattern::new(pattern)).collect(),
            ceiling,
            requests_per_second: NonZeroU32::MAX,
            burst: NonZeroU32::MAX,
            concurrency: Semaphore::MAX_PERMITS,
            networks: Networks::default(),
            token_networks: Networks::default(),
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn client() -> Client {
        let mailboxes = ["*@Contoso.example", "room-?@x.example"];
        let policy = Policy::unlimited(&[Capability::FreeBusy], &mailboxes, Ceiling::Time);
        Client { users: vec!["u@x".to_owned()], ..Client::without_login("C", policy) }
    }

    #[test]
    fn only_what_the_policy_names_is_permitted() {
        let client = client();
        let permit = |address: &str, capability| client.permit(&Mailbox::parse(address).unwrap(), capability);
        let permitted = permit("Alice@CONTOSO.example", Capability::FreeBusy).unwrap();
        assert_eq!(permitted.mailbox().as_str(), "alice@contoso.example");
        assert_eq!((permitted.capability(), permitted.ceiling()), (Capability::FreeBusy, Ceiling::Time));
        for denied in
            ["alice@contoso.example.evil", "alice@notcontoso.example", "a@sub.contoso.example", "room-12@x.example"]
        {
            assert_eq!(permit(denied, Capability::FreeBusy).unwrap_err(), Failure::Denied, "{denied}");
        }
        assert_eq!(permit("alice@contoso.example", Capability::CalendarRead).unwrap_err(), Failure::Denied);
        assert!(client.entitle(Capability::Directory).is_err());
    }

    #[test]
    fn clients_are_found_by_every_name_and_listed_once() {
        let clients = Clients::new([client()]);
        assert_eq!(clients.named("c").unwrap().id, "C");
        assert_eq!(clients.named("U@X").unwrap().id, "C");
        assert!(clients.named("d").is_none());
        assert_eq!(clients.iter().count(), 1);
    }
}
