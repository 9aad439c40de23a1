//! Mailboxes that a client may not use, whatever else its policy says.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::denial::Denial;
use super::mailboxes::{Mailboxes, Match};
use crate::calendar::Mailbox;

/// Mailboxes that a client may not use, by any of their addresses as far as a directory has told them.
#[derive(Debug)]
pub struct DenyList {
    listed: Mailboxes,
    addresses: ArcSwapOption<HashSet<Mailbox>>,
}

impl DenyList {
    /// A list whose mailboxes' other addresses are not known yet.
    #[must_use]
    pub fn new(listed: Mailboxes) -> Self {
        Self { listed, addresses: ArcSwapOption::empty() }
    }

    /// Who is on it.
    #[must_use]
    pub fn listed(&self) -> &Mailboxes {
        &self.listed
    }

    /// Takes all people's addresses, and keeps those of people who are on the list.
    pub fn learn<'a>(&self, people: impl IntoIterator<Item = &'a [Mailbox]>) {
        let is_listed = |addresses: &&[Mailbox]| addresses.iter().any(|one| self.listed.find(one) > Match::NotKnownYet);
        let denied = people.into_iter().filter(is_listed).flatten().cloned().collect();
        self.addresses.store(Some(Arc::new(denied)));
    }

    /// Whether all addresses are known, as they were when they were last asked for.
    #[must_use]
    pub fn knows_addresses(&self) -> bool {
        self.addresses.load().is_some()
    }

    /// Whether a mailbox may be used that a grant names in this way.
    ///
    /// # Errors
    /// [`Denial::DenyList`], and [`Denial::NotKnownYet`] where it could be on the list.
    pub(super) fn check(&self, mailbox: &Mailbox, granted: Match) -> Result<(), Denial> {
        match self.listed.find(mailbox) {
            Match::Exactly | Match::Widely => return Err(Denial::DenyList),
            Match::NotKnownYet => return Err(Denial::NotKnownYet),
            Match::No => {}
        }
        match self.addresses.load().as_ref() {
            Some(addresses) if addresses.contains(mailbox) => Err(Denial::DenyList),
            // Anybody's other address fits a pattern.
            None if granted != Match::Exactly => Err(Denial::NotKnownYet),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn all_addresses_of_a_denied_mailbox_are_denied_and_until_they_are_known_so_is_any_other() {
        let mailbox = |address: &str| Mailbox::parse(address).unwrap();
        let list = DenyList::new(Mailboxes::of_patterns(&["ceo@x.example", "board-*@x.example"]));
        let check = |address: &str, granted| list.check(&mailbox(address), granted);
        assert_eq!(check("CEO@x.example", Match::Exactly), Err(Denial::DenyList));
        assert_eq!(check("anna@x.example", Match::Widely), Err(Denial::NotKnownYet));
        assert_eq!(check("anna@x.example", Match::Exactly), Ok(()));
        let people = [
            vec![mailbox("ceo@x.example"), mailbox("pat@x.example")],
            vec![mailbox("sam@x.example"), mailbox("board-7@x.example")],
            vec![mailbox("anna@x.example"), mailbox("a@x.example")],
        ];
        list.learn(people.iter().map(Vec::as_slice));
        for denied in ["pat@x.example", "sam@x.example", "board-9@x.example"] {
            assert_eq!(check(denied, Match::Exactly), Err(Denial::DenyList), "{denied}");
        }
        assert_eq!(check("a@x.example", Match::Widely), Ok(()));
    }
}
