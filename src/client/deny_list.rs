//! Mailboxes that a client may not use, whatever else its policy says.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::denial::Denial;
use super::mailboxes::{Mailboxes, Match};
use crate::calendar::Mailbox;

/// Mailboxes that a client may not use, by any of their addresses as far as a directory has told them.
///
/// Who may use mailboxes by pattern or group may use such addresses alone as a directory has told: of any other nobody
/// knows whether it is one of a denied mailbox.
#[derive(Debug)]
pub struct DenyList {
    listed: Mailboxes,
    everybody: ArcSwapOption<Vec<Arc<Everybody>>>,
}

/// All addresses of everybody in a tenant.
#[derive(Debug, Default)]
pub struct Everybody {
    people: Vec<Box<[Mailbox]>>,
    /// Whose an address is.
    places: HashMap<Mailbox, usize>,
    /// Who else has it.
    others: HashMap<Mailbox, Vec<usize>>,
}

impl DenyList {
    /// A list whose mailboxes' other addresses are not known yet.
    #[must_use]
    pub fn new(listed: Mailboxes) -> Self {
        Self { listed, everybody: ArcSwapOption::empty() }
    }

    /// Who is on it.
    #[must_use]
    pub fn listed(&self) -> &Mailboxes {
        &self.listed
    }

    /// Takes who there is in the tenants; many lists can share it.
    pub fn learn(&self, everybody: Vec<Arc<Everybody>>) {
        self.everybody.store(Some(Arc::new(everybody)));
    }

    /// Makes it one whose mailboxes' other addresses are not known.
    pub fn forget(&self) {
        self.everybody.store(None);
    }

    /// Whether all addresses are known, as they were when they were last asked for.
    #[must_use]
    pub fn knows_addresses(&self) -> bool {
        self.everybody.load().is_some()
    }

    /// Whether a directory has told that somebody has the address.
    #[must_use]
    pub fn knows(&self, address: &Mailbox) -> bool {
        let everybody = self.everybody.load();
        everybody.iter().flat_map(|all| all.iter()).any(|everybody| everybody.places.contains_key(address))
    }

    /// The address on the list whose owner has another one.
    #[must_use]
    pub fn owner(&self, address: &Mailbox) -> Option<Mailbox> {
        let everybody = self.everybody.load();
        let people = everybody.iter().flat_map(|all| all.iter()).flat_map(|everybody| everybody.with(address));
        people.flatten().find(|other| self.listed.find(other) > Match::NotKnownYet).cloned()
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
        if !self.knows_addresses() {
            return Err(Denial::NotKnownYet);
        }
        // Neither who is denied, nor who there is, can be told from the answer.
        let is_strange = granted != Match::Exactly && !self.knows(mailbox);
        if is_strange || self.owner(mailbox).is_some() { Err(Denial::DenyList) } else { Ok(()) }
    }
}

impl Everybody {
    /// Adds somebody by all their addresses.
    pub fn add(&mut self, person: Vec<Mailbox>) {
        let place = self.people.len();
        for address in &person {
            if *self.places.entry(address.clone()).or_insert(place) != place {
                self.others.entry(address.clone()).or_default().push(place);
            }
        }
        self.people.push(person.into());
    }

    /// The people who have an address.
    fn with(&self, address: &Mailbox) -> impl Iterator<Item = &[Mailbox]> {
        let others = self.others.get(address).into_iter().flatten();
        self.places.get(address).into_iter().chain(others).filter_map(|place| self.people.get(*place)).map(|it| &**it)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::client::{Roster, Source};

    fn mailbox(address: &str) -> Mailbox {
        Mailbox::parse(address).unwrap()
    }

    fn everybody(people: &[&[&str]]) -> Vec<Arc<Everybody>> {
        let mut everybody = Everybody::default();
        people.iter().for_each(|person| everybody.add(person.iter().map(|address| mailbox(address)).collect()));
        vec![Arc::new(everybody)]
    }

    #[test]
    fn all_addresses_of_a_denied_mailbox_are_denied_and_until_they_are_known_so_is_any_other() {
        let list = DenyList::new(Mailboxes::of_patterns(&["ceo@x.example", "board-*@x.example"]));
        let check = |address: &str, granted| list.check(&mailbox(address), granted);
        assert_eq!(check("CEO@x.example", Match::Exactly), Err(Denial::DenyList));
        for granted in [Match::Widely, Match::Exactly] {
            assert_eq!(check("anna@x.example", granted), Err(Denial::NotKnownYet));
        }
        list.learn(everybody(&[
            &["ceo@x.example", "pat@x.example"],
            &["sam@x.example", "board-7@x.example"],
            &["anna@x.example", "a@x.example", "both@x.example"],
            &["board-8@x.example", "both@x.example"],
        ]));
        for denied in ["pat@x.example", "sam@x.example", "board-9@x.example", "both@x.example"] {
            assert_eq!(check(denied, Match::Exactly), Err(Denial::DenyList), "{denied}");
        }
        assert_eq!(check("a@x.example", Match::Widely), Ok(()));
        assert_eq!(list.owner(&mailbox("pat@x.example")), Some(mailbox("ceo@x.example")));
        assert_eq!(list.owner(&mailbox("a@x.example")), None);
        list.forget();
        assert_eq!(check("a@x.example", Match::Widely), Err(Denial::NotKnownYet));
    }

    #[test]
    fn an_address_that_nobody_is_known_to_have_is_allowed_only_by_itself() {
        let list = DenyList::new(Mailboxes::of_patterns(&["ceo@x.example"]));
        list.learn(everybody(&[&["ceo@x.example", "pat@x.example"], &["anna@x.example"]]));
        for address in ["team@x.example", "p\u{e0}t@x.example", "\u{ff50}at@x.example", "pat@x.example"] {
            assert_eq!(list.check(&mailbox(address), Match::Widely), Err(Denial::DenyList), "{address}");
        }
        assert_eq!(list.check(&mailbox("team@x.example"), Match::Exactly), Ok(()));
    }

    #[test]
    fn who_comes_to_a_list_is_denied_by_all_addresses_at_once() {
        let group = Arc::new(Roster::new(Source::Group(mailbox("board@x.example"))));
        group.replace(std::collections::HashSet::new());
        let list = DenyList::new(Mailboxes { patterns: Vec::new(), rosters: vec![Arc::clone(&group)] });
        list.learn(everybody(&[&["sam@x.example", "s@x.example"]]));
        assert_eq!(list.check(&mailbox("s@x.example"), Match::Widely), Ok(()));
        group.replace(std::collections::HashSet::from([mailbox("sam@x.example")]));
        assert_eq!(list.check(&mailbox("s@x.example"), Match::Widely), Err(Denial::DenyList));
    }
}
