//! Mailboxes that a client may not use, whatever else its policy says.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::denial::Denial;
use super::mailboxes::{Mailboxes, Match};
use crate::calendar::Mailbox;

/// Mailboxes that a client may not use, by any of their addresses as far as a directory has told them.
#[derive(Debug)]
pub struct DenyList {
    listed: Mailboxes,
    aliases: ArcSwapOption<Aliases>,
}

/// All addresses of people who are on a list, each with the address by which they are.
#[derive(Clone, Debug, Default)]
pub struct Aliases(HashMap<Mailbox, Mailbox>);

impl DenyList {
    /// A list whose mailboxes' other addresses are not known yet.
    #[must_use]
    pub fn new(listed: Mailboxes) -> Self {
        Self { listed, aliases: ArcSwapOption::empty() }
    }

    /// Who is on it.
    #[must_use]
    pub fn listed(&self) -> &Mailboxes {
        &self.listed
    }

    /// Notes all addresses of a person, if one of them is on the list.
    pub fn note(&self, person: &[Mailbox], aliases: &mut Aliases) {
        let listed = person.iter().find(|address| self.listed.find(address) > Match::NotKnownYet);
        if let Some(listed) = listed {
            aliases.0.extend(person.iter().map(|address| (address.clone(), listed.clone())));
        }
    }

    /// Takes what was noted of everybody.
    pub fn learn<'a>(&self, everybody: impl IntoIterator<Item = &'a Aliases>) {
        let all = everybody.into_iter().flat_map(|aliases| &aliases.0);
        let all = all.map(|(address, listed)| (address.clone(), listed.clone())).collect();
        self.aliases.store(Some(Arc::new(Aliases(all))));
    }

    /// Whether all addresses are known, as they were when they were last asked for.
    #[must_use]
    pub fn knows_addresses(&self) -> bool {
        self.aliases.load().is_some()
    }

    /// The address on the list whose owner has another one.
    #[must_use]
    pub fn owner(&self, address: &Mailbox) -> Option<Mailbox> {
        self.aliases.load().as_ref().and_then(|aliases| aliases.0.get(address).cloned())
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
        match self.aliases.load().as_ref() {
            Some(aliases) if aliases.0.contains_key(mailbox) => Err(Denial::DenyList),
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
        let mut aliases = Aliases::default();
        people.iter().for_each(|person| list.note(person, &mut aliases));
        list.learn([&aliases]);
        for denied in ["pat@x.example", "sam@x.example", "board-9@x.example"] {
            assert_eq!(check(denied, Match::Exactly), Err(Denial::DenyList), "{denied}");
        }
        assert_eq!(check("a@x.example", Match::Widely), Ok(()));
        assert_eq!(list.owner(&mailbox("pat@x.example")), Some(mailbox("ceo@x.example")));
        assert_eq!(list.owner(&mailbox("a@x.example")), None);
    }
}
