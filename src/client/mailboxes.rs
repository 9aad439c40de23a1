//! Which mailboxes are meant: by address, by pattern, or by a list that is kept elsewhere.
//!
//! Owns what is known of such lists. Must not know how they are read: `rosters` does that.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::pattern::Pattern;
use crate::calendar::Mailbox;

/// Mailboxes that a policy names.
#[derive(Clone, Debug, Default)]
pub struct Mailboxes {
    /// By address or pattern.
    pub patterns: Vec<Pattern>,
    /// By lists.
    pub rosters: Vec<Arc<Roster>>,
}

/// A list of mailboxes that is kept elsewhere, as it was when it was last read.
#[derive(Debug)]
pub struct Roster {
    source: Source,
    members: ArcSwapOption<HashSet<Mailbox>>,
}

/// Where a list of mailboxes is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The members of a Microsoft 365 group, a distribution list or a security group, and of groups in it.
    Group(Mailbox),
    /// The rooms of a room list.
    RoomList(Mailbox),
    /// A text file: an address a line; `#` begins a remark.
    File(PathBuf),
}

/// How mailboxes name one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Not at all.
    No,
    /// A list that may name it has not been read yet.
    NotKnownYet,
    /// By a pattern or somebody else's list, so that its owner's other addresses may be meant too.
    Widely,
    /// By this very address.
    Exactly,
}

impl Mailboxes {
    /// Mailboxes by patterns alone.
    #[must_use]
    pub fn of_patterns(patterns: &[&str]) -> Self {
        Self { patterns: patterns.iter().map(|pattern| Pattern::new(pattern)).collect(), rosters: Vec::new() }
    }

    /// How a mailbox is named.
    #[must_use]
    pub fn find(&self, mailbox: &Mailbox) -> Match {
        let patterns = self.patterns.iter().filter(|pattern| pattern.matches(mailbox));
        let by_pattern = patterns.map(|pattern| if pattern.is_exact() { Match::Exactly } else { Match::Widely });
        let by_roster = self.rosters.iter().map(|roster| roster.names(mailbox));
        let mut closest = Match::No;
        for how in by_roster.chain(by_pattern) {
            closest = closest.max(how);
            if closest == Match::Exactly {
                break;
            }
        }
        closest
    }

    /// Whether all lists have been read.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.rosters.iter().all(|roster| roster.size().is_some())
    }

    /// Whether addresses of a domain may be named; `*.contoso.example` stands for all domains under one. Members of
    /// groups, which may be guests, have addresses of any domain.
    #[must_use]
    pub fn reach(&self, domain: &str) -> bool {
        let is_group = |roster: &Arc<Roster>| !matches!(roster.source, Source::File(_));
        self.patterns.iter().any(|pattern| pattern.reaches(domain)) || self.rosters.iter().any(is_group)
    }

    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.rosters.is_empty()
    }

    /// Whether each one is named by its own address, or in a file.
    #[must_use]
    pub fn are_exact(&self) -> bool {
        let is_file = |roster: &Arc<Roster>| matches!(roster.source, Source::File(_));
        self.patterns.iter().all(Pattern::is_exact) && self.rosters.iter().all(is_file)
    }
}

impl Roster {
    /// A list that has not been read yet.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { source, members: ArcSwapOption::empty() }
    }

    /// Where it is kept.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How many are on it, once it has been read.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        self.members.load().as_ref().map(|members| members.len())
    }

    /// Takes what was read, and says whether it is something new.
    pub fn replace(&self, members: impl Into<Arc<HashSet<Mailbox>>>) -> bool {
        let members = members.into();
        let before = self.members.swap(Some(Arc::clone(&members)));
        before.is_none_or(|before| before != members)
    }

    /// Makes it one that has not been read yet.
    pub fn forget(&self) {
        self.members.store(None);
    }

    /// How it names a mailbox.
    #[must_use]
    pub fn names(&self, mailbox: &Mailbox) -> Match {
        let members = self.members.load();
        let Some(members) = members.as_ref() else { return Match::NotKnownYet };
        match (members.contains(mailbox), &self.source) {
            (false, _) => Match::No,
            (true, Source::File(_)) => Match::Exactly,
            (true, Source::Group(_) | Source::RoomList(_)) => Match::Widely,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn mailbox(address: &str) -> Mailbox {
        Mailbox::parse(address).unwrap()
    }

    #[test]
    fn the_closest_way_of_naming_counts_and_an_unread_list_more_than_none() {
        let group = Arc::new(Roster::new(Source::Group(mailbox("group@x.example"))));
        let mailboxes = Mailboxes {
            rosters: vec![Arc::clone(&group)],
            ..Mailboxes::of_patterns(&["room-*@x.example", "room-1@x.example"])
        };
        let find = |address: &str| mailboxes.find(&mailbox(address));
        assert_eq!((find("room-1@x.example"), find("room-2@x.example")), (Match::Exactly, Match::Widely));
        assert_eq!((find("a@x.example"), group.size()), (Match::NotKnownYet, None));
        assert!(group.replace(HashSet::from([mailbox("a@x.example")])));
        assert!(!group.replace(HashSet::from([mailbox("a@x.example")])), "nothing new");
        assert_eq!((find("a@x.example"), find("b@x.example")), (Match::Widely, Match::No));
    }
}
