//! Who calls, what they may do, and the proof that it was checked.
//!
//! Owns policy. Must not know HTTP: `server/authenticate.rs` turns a request into a [`Client`].

mod certificate;
mod networks;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use secrecy::SecretBox;
use tokio::sync::Semaphore;
use wildmatch::WildMatch;

use crate::calendar::{Capability, Mailbox};
use crate::failure::Failure;

pub use certificate::{Certificate, CertificateName};
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
#[derive(Clone, Debug, Default)]
pub struct Clients {
    by_name: HashMap<String, Arc<Client>>,
}

/// A program that calls the gateway.
#[derive(Debug)]
pub struct Client {
    /// Its name in the configuration, in tokens, logs and metrics; also a user name.
    pub id: String,
    /// More user names, lower-case.
    pub users: Vec<String>,
    /// SHA-256 of generated secrets of 128 bits and more.
    pub secrets: Vec<[u8; 32]>,
    /// Argon2id hashes of chosen passwords, as PHC strings.
    pub passwords: Vec<String>,
    /// NT hashes of generated passwords, for NTLM.
    pub nt_hashes: Vec<SecretBox<[u8; 16]>>,
    /// Certificates, of which it must show one besides its secret; none where there are none.
    pub certificates: Vec<CertificateName>,
    /// Its own mailbox: whose folders are meant when a request names nobody's.
    pub mailbox: Option<Mailbox>,
    /// What it may do.
    pub policy: Policy,
}

/// What a client may do, and how much of it. Nothing is allowed that is not named.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What for, in whose mailboxes; what several grants name, the first of them permits.
    pub grants: Vec<Grant>,
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

/// Capabilities in mailboxes.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What for.
    pub capabilities: Vec<Capability>,
    /// Mailboxes, any of these patterns.
    pub mailboxes: Vec<Pattern>,
    /// The most that may be seen of an item.
    pub ceiling: Ceiling,
    /// Whether the ceiling holds for private items too; else they are times only.
    pub shows_private: bool,
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
    shows_private: bool,
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
        let (users, secrets, passwords, nt_hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let certificates = Vec::new();
        Self { id: id.to_owned(), users, secrets, passwords, nt_hashes, certificates, mailbox: None, policy }
    }

    /// Whether it can be the one that has shown this certificate, or none.
    #[must_use]
    pub fn may_show(&self, shown: Option<&Certificate>) -> bool {
        self.certificates.is_empty() || self.certificate_name(shown).is_some()
    }

    /// By which of its entries a certificate is its own.
    #[must_use]
    pub fn certificate_name(&self, shown: Option<&Certificate>) -> Option<&CertificateName> {
        let shown = shown?;
        self.certificates.iter().find(|name| name.fits(shown))
    }

    /// Permits one mailbox for one capability.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not name both.
    pub fn permit(&self, mailbox: &Mailbox, capability: Capability) -> Result<Permitted, Failure> {
        let grants = &mut self.policy.grants.iter();
        let grant = grants.find(|grant| grant.names(capability) && grant.covers(mailbox)).ok_or(Failure::Denied)?;
        let (ceiling, shows_private) = (grant.ceiling, grant.shows_private);
        Ok(Permitted { mailbox: mailbox.clone(), capability, ceiling, shows_private })
    }

    /// Whether the policy names a mailbox, for whichever capability.
    #[must_use]
    pub fn knows(&self, mailbox: &Mailbox) -> bool {
        self.policy.grants.iter().any(|grant| grant.covers(mailbox))
    }

    /// Permits a capability as such.
    ///
    /// # Errors
    /// [`Failure::Denied`] if the policy does not name it.
    pub fn entitle(&self, capability: Capability) -> Result<Entitled, Failure> {
        let is_named = self.policy.grants.iter().any(|grant| grant.names(capability));
        if is_named { Ok(Entitled { capability }) } else { Err(Failure::Denied) }
    }
}

impl Grant {
    fn names(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    fn covers(&self, mailbox: &Mailbox) -> bool {
        self.mailboxes.iter().any(|pattern| pattern.matches(mailbox))
    }
}

impl Policy {
    /// A policy without limits on rate, concurrency and networks.
    #[must_use]
    pub fn unlimited(capabilities: &[Capability], mailboxes: &[&str], ceiling: Ceiling) -> Self {
        let grant = Grant {
            capabilities: capabilities.to_vec(),
            mailboxes: mailboxes.iter().map(|pattern| Pattern::new(pattern)).collect(),
            ceiling,
            shows_private: false,
        };
        Self {
            grants: vec![grant],
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

    /// The most that may be seen of an item that is not private.
    #[must_use]
    pub fn ceiling(&self) -> Ceiling {
        self.ceiling
    }

    /// The most that may be seen of an item.
    #[must_use]
    pub fn ceiling_of(&self, is_private: bool) -> Ceiling {
        if is_private && !self.shows_private { Ceiling::Time } else { self.ceiling }
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

    /// Whether addresses of a domain may fit: what comes after the last `@` does.
    #[must_use]
    pub fn reaches(&self, domain: &str) -> bool {
        let text = self.0.pattern();
        let (_, end) = text.rsplit_once('@').unwrap_or(("", "*"));
        WildMatch::new(end).matches(&domain.to_lowercase())
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
    fn each_capability_has_its_own_mailboxes() {
        let mut policy = Policy::unlimited(&[Capability::FreeBusy], &["*@contoso.example"], Ceiling::Time);
        let own = Policy::unlimited(&[Capability::CalendarRead], &["a@contoso.example"], Ceiling::Full);
        policy.grants.extend(own.grants.into_iter().map(|grant| Grant { shows_private: true, ..grant }));
        let client = Client::without_login("c", policy);
        let permit = |address: &str, capability| client.permit(&Mailbox::parse(address).unwrap(), capability);
        assert_eq!(permit("a@contoso.example", Capability::CalendarRead).unwrap().ceiling_of(true), Ceiling::Full);
        assert_eq!(permit("a@contoso.example", Capability::FreeBusy).unwrap().ceiling_of(true), Ceiling::Time);
        assert_eq!(permit("b@contoso.example", Capability::CalendarRead).unwrap_err(), Failure::Denied);
        assert!(permit("b@contoso.example", Capability::FreeBusy).is_ok());
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
