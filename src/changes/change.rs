//! A change, and which changes a subscription is for.
//!
//! Must not know how changes are found out, nor how they are told.

use jiff::Timestamp;

use crate::calendar::Mailbox;
use crate::calendar::event::EventId;

/// One item's change, as far as it can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// Whose calendar.
    pub mailbox: Mailbox,
    /// The item; for occurrences, their series.
    pub item: EventId,
    /// Its change key then; empty where it is not known.
    pub change_key: String,
    /// When it was found out.
    pub at: Timestamp,
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ChangeKind {
    /// It is new.
    Created = 0,
    /// It is another.
    Modified = 1,
    /// It is gone.
    Deleted = 2,
}

impl ChangeKind {
    /// The kind of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        [Self::Created, Self::Modified, Self::Deleted].into_iter().find(|kind| *kind as u8 == number)
    }

    /// What two changes come to that nobody was told of; `None` if it is as if nothing had happened.
    #[must_use]
    pub fn then(self, next: Self) -> Option<Self> {
        match (self, next) {
            (Self::Created, Self::Deleted) => None,
            (Self::Created, _) => Some(Self::Created),
            (_, Self::Deleted) => Some(Self::Deleted),
            (_, _) => Some(Self::Modified),
        }
    }
}

/// What a subscription is told of, one bit for each kind of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventTypes(u32);

/// A kind of event that a subscription may be for, and that there can be in a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// An item is new.
    Created,
    /// An item is another.
    Modified,
    /// An item is gone.
    Deleted,
    /// The busy times may be others.
    FreeBusyChanged,
}

impl EventTypes {
    /// The same and one more.
    #[must_use]
    pub fn with(self, kind: EventType) -> Self {
        Self(self.0 | 1 << kind as u32)
    }

    /// As a number.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Of a number.
    #[must_use]
    pub fn of(bits: u32) -> Self {
        Self(bits)
    }

    /// As what a change is told; `None` if it is not.
    #[must_use]
    pub fn tells(self, kind: ChangeKind) -> Option<EventType> {
        let own = match kind {
            ChangeKind::Created => EventType::Created,
            ChangeKind::Modified => EventType::Modified,
            ChangeKind::Deleted => EventType::Deleted,
        };
        // One event for each change is enough: the other only where its own kind is not wanted.
        [own, EventType::FreeBusyChanged].into_iter().find(|kind| self.0 & 1 << *kind as u32 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_and_only_if_it_is_wanted() {
        let none = EventTypes::default();
        assert_eq!(none.tells(ChangeKind::Created), None);
        let some = none.with(EventType::Created).with(EventType::FreeBusyChanged);
        assert_eq!(some.tells(ChangeKind::Created), Some(EventType::Created));
        assert_eq!(some.tells(ChangeKind::Deleted), Some(EventType::FreeBusyChanged));
        assert_eq!(EventTypes::of(some.bits()), some);
        assert_eq!(none.with(EventType::Deleted).tells(ChangeKind::Modified), None);
    }

    #[test]
    fn kinds_are_found_by_their_numbers() {
        for kind in [ChangeKind::Created, ChangeKind::Modified, ChangeKind::Deleted] {
            assert_eq!(ChangeKind::of(kind as u8), Some(kind));
        }
        assert_eq!(ChangeKind::of(3), None);
    }
}
