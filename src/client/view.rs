//! How much of a calendar a client sees.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Window;
use crate::calendar::event::{Event, Person};

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

/// How much of a calendar a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The most that may be seen of an item.
    pub ceiling: Ceiling,
    /// Whether the ceiling holds for private items too; else they are times only.
    pub shows_private: bool,
    /// What stands in place of every subject that is not empty.
    pub subject: Option<Box<str>>,
    /// How people are shown.
    pub people: People,
    /// What is never shown.
    pub hidden: Hidden,
    /// How far back and ahead it goes.
    pub horizon: Horizon,
}

/// How people of an item are shown: its organizer and its attendees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum People {
    /// As they are.
    #[default]
    Shown,
    /// By the initials of their names, without addresses.
    Initials,
    /// Not at all.
    Hidden,
}

/// What is never shown of an item, whatever the ceiling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Where.
    pub location: bool,
    /// Its text, and whether there are attachments.
    pub body: bool,
    /// The owner's categories.
    pub categories: bool,
    /// Where to join it online.
    pub online_meeting: bool,
    /// Extended properties.
    pub extended_properties: bool,
}

/// How far a client sees from the moment of asking. What lies beyond is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// Days back, of 24 hours; without it there is no end.
    pub days_back: Option<u16>,
    /// Days ahead.
    pub days_ahead: Option<u16>,
}

impl View {
    /// What a ceiling alone shows.
    #[must_use]
    pub fn under(ceiling: Ceiling) -> Self {
        Self {
            ceiling,
            shows_private: false,
            subject: None,
            people: People::default(),
            hidden: Hidden::default(),
            horizon: Horizon::default(),
        }
    }

    /// The most that may be seen of an item.
    #[must_use]
    pub fn ceiling_of(&self, is_private: bool) -> Ceiling {
        if is_private && !self.shows_private { Ceiling::Time } else { self.ceiling }
    }

    /// Whether an item is shown as it is, as far as the ceiling goes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.subject.is_none() && self.people == People::Shown && self.hidden == Hidden::default()
    }

    /// Takes out of an event what is hidden, and puts what is shown instead.
    pub fn mask(&self, event: &mut Event) {
        if let Some(subject) = self.subject.as_deref().filter(|_| !event.subject.is_empty()) {
            event.subject = subject.to_owned();
        }
        if self.hidden.location {
            event.location.clear();
        }
        if self.hidden.body {
            event.body = None;
            event.has_attachments = false;
        }
        if self.hidden.categories {
            event.categories.clear();
        }
        if self.hidden.online_meeting {
            event.join_url = None;
            event.is_online_meeting = false;
        }
        if self.hidden.extended_properties {
            event.properties.clear();
        }
        match self.people {
            People::Shown => {}
            People::Initials => {
                let attendees = event.attendees.iter_mut().map(|attendee| &mut attendee.person);
                attendees.chain(&mut event.organizer).for_each(anonymise);
            }
            People::Hidden => {
                event.attendees.clear();
                event.organizer = None;
            }
        }
    }
}

impl Horizon {
    /// What of a window may be seen at a moment; nothing where all of it lies beyond.
    #[must_use]
    pub fn within(&self, window: Window, now: Timestamp) -> Option<Window> {
        let days = |days: u16| SignedDuration::from_hours(24 * i64::from(days));
        let first = self.days_back.and_then(|back| now.checked_sub(days(back)).ok()).unwrap_or(Timestamp::MIN);
        let after = self.days_ahead.and_then(|ahead| now.checked_add(days(ahead)).ok()).unwrap_or(Timestamp::MAX);
        Window::new(window.start().max(first), window.end().min(after))
    }

    /// Whether there is no end on either side.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.days_back.is_none() && self.days_ahead.is_none()
    }
}

/// Leaves the initials of a name, or of an address without one.
fn anonymise(person: &mut Person) {
    let name = if person.name.is_empty() { &person.address } else { &person.name };
    let words = name.split('@').next().unwrap_or_default().split(|c: char| !c.is_alphanumeric());
    let mut initials = String::new();
    for first in words.filter_map(|word| word.chars().next()) {
        // Writing to a string cannot fail.
        let _ = write!(initials, "{}.", first.to_uppercase());
    }
    *person = Person { name: initials, address: String::new() };
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn people_become_initials() {
        let initials = |name: &str, address: &str| {
            let mut person = Person { name: name.to_owned(), address: address.to_owned() };
            anonymise(&mut person);
            assert_eq!(person.address, "");
            person.name
        };
        assert_eq!(initials("Anna-Liisa Öberg", "a@x.example"), "A.L.Ö.");
        assert_eq!(initials("", "pat.smith@x.example"), "P.S.");
        assert_eq!(initials("", ""), "");
    }

    #[test]
    fn a_horizon_cuts_windows() {
        let at = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let window = |from, to| Window::new(at(from), at(to)).unwrap();
        let horizon = Horizon { days_back: Some(1), days_ahead: Some(7) };
        assert_eq!(horizon.within(window(90, 120), at(100)), Some(window(99, 107)));
        assert_eq!(horizon.within(window(100, 102), at(100)), Some(window(100, 102)));
        assert_eq!(horizon.within(window(90, 99), at(100)), None);
        assert_eq!(horizon.within(window(107, 120), at(100)), None);
        assert_eq!(Horizon::default().within(window(0, 20_000), at(100)), Some(window(0, 20_000)));
    }
}
