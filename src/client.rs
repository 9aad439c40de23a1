//! Who calls, what they may do, and the proof that it was checked.
//!
//! Owns policy. Must not know HTTP: `server/authenticate.rs` turns a request into a [`Client`].

mod certificate;
mod denial;
mod deny_list;
mod hours;
mod mailboxes;
mod networks;
mod pattern;
mod permitted;
mod policy;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretBox;

use crate::calendar::{Capability, Mailbox};

pub use certificate::{Certificate, CertificateName};
pub use denial::Denial;
pub use deny_list::{DenyList, Everybody};
pub use hours::Hours;
pub use mailboxes::{Mailboxes, Match, Roster, Source};
pub use networks::Networks;
pub use pattern::Pattern;
pub use permitted::{Entitled, Permitted};
pub use policy::{Grant, Policy, Within};
pub use view::{Ceiling, Hidden, Horizon, People, View};

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

    /// Permits one mailbox for one capability at a time.
    ///
    /// # Errors
    /// Why the policy does not allow it.
    pub fn permit(&self, mailbox: &Mailbox, capability: Capability, now: Timestamp) -> Result<Permitted, Denial> {
        self.policy.permit(mailbox, capability, now)
    }

    /// Whether the policy names a mailbox, for whichever capability.
    #[must_use]
    pub fn knows(&self, mailbox: &Mailbox) -> bool {
        self.recognise(mailbox).is_ok()
    }

    /// Permits to speak for a mailbox, or of it, where no single capability is concerned.
    ///
    /// # Errors
    /// Why the policy does not name it, for whichever capability.
    pub fn recognise(&self, mailbox: &Mailbox) -> Result<(), Denial> {
        self.policy.recognise(mailbox)
    }

    /// Permits a capability as such.
    ///
    /// # Errors
    /// [`Denial::Capability`] if the policy does not name it.
    pub fn entitle(&self, capability: Capability) -> Result<Entitled, Denial> {
        self.policy.entitle(capability)
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
    fn clients_are_found_by_every_name_and_listed_once() {
        let clients = Clients::new([client()]);
        assert_eq!(clients.named("c").unwrap().id, "C");
        assert_eq!(clients.named("U@X").unwrap().id, "C");
        assert!(clients.named("d").is_none());
        assert_eq!(clients.iter().count(), 1);
    }
}
