//! How much of a calendar a client sees.
//!
//! Owns what can be said of it. `view/event.rs` does what it says to an event, `view/horizon.rs` to a time; whatever
//! is made of an event afterwards cannot give away what is hidden. Must not know how anything is told.

mod event;
mod horizon;

use crate::calendar::event::Body;

pub use horizon::Horizon;

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
    /// Where to join it online, wherever that may stand: its text too where that has an address in it, or where the
    /// item is an online meeting.
    pub online_meeting: bool,
    /// Extended properties.
    pub extended_properties: bool,
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

    /// Whether whoever has this view surely sees no more than with another one.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let is_lower = self.ceiling <= other.ceiling && (!self.shows_private || other.shows_private);
        self == other || is_lower && other.is_plain() && other.horizon.is_endless()
    }

    /// Whether an item is shown as it is, as far as the ceiling goes.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.subject.is_none() && self.people == People::Shown && self.hidden == Hidden::default()
    }

    /// What is shown of a subject. Where online meetings are hidden, nothing of one that has a web address.
    #[must_use]
    pub fn subject_of<'t>(&'t self, subject: &'t str) -> &'t str {
        if self.subject.is_none() && self.hidden.online_meeting && has_web_address(subject) {
            return "";
        }
        self.subject.as_deref().filter(|_| !subject.is_empty()).unwrap_or(subject)
    }

    /// What is shown of a location. Where online meetings are hidden, so is a location that has a web address.
    #[must_use]
    pub fn location_of<'t>(&self, location: &'t str) -> &'t str {
        let is_hidden = self.hidden.location || self.hidden.online_meeting && has_web_address(location);
        if is_hidden { "" } else { location }
    }
}

/// Whether a text has a web address in it, with or without `https`: a word with a dot before a slash, or with `://`.
fn has_web_address(text: &str) -> bool {
    let is_address = |word: &str| {
        word.contains("://") || word.split_once('/').is_some_and(|(host, _)| host.trim_end_matches('.').contains('.'))
    };
    text.split_whitespace().any(is_address)
}

/// Whether a body may tell how to join a meeting: it has a web address in it, or one to be dialled. What is a link in
/// HTML is one whatever it leads to.
fn has_link(body: &Body) -> bool {
    let text = body.content.to_ascii_lowercase();
    let is_linked = ["http", "://", "href", "tel:", "sip:", "callto:"].iter().any(|part| text.contains(part));
    if is_linked || !body.is_html {
        return is_linked || has_web_address(&text);
    }
    // The signs that a slash and a full stop may be written by.
    let is_written_otherwise = ["&#47", "&#x2f", "&sol;", "&#46", "&#x2e", "&period;"];
    is_written_otherwise.iter().any(|part| text.contains(part)) || has_web_address(&without_tags(&text))
}

fn without_tags(html: &str) -> String {
    let texts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    texts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_plain_texts_and_in_html() {
        let has = |content: &str, is_html| has_link(&Body { content: content.to_owned(), is_html });
        for text in ["Join HTTPS://x", "teams.example/l/1", "dial tel:+358", "sip:room@x.example", "msteams://join"] {
            assert!(has(text, false) && has(&format!("<p>{text}</p>"), true), "{text}");
        }
        assert!(has("<a HREF=\"x\">join</a>", true) && has("teams.example&#47;l", true));
        for text in ["", "Agenda: 1/2, and/or.", "Bring coffee."] {
            assert!(!has(text, false) && !has(&format!("<p>{text}</p><br/>"), true), "{text}");
        }
    }

    #[test]
    fn web_addresses_are_found_with_and_without_their_scheme() {
        for address in ["https://x", "Room 1; zoom.example/j/1", "see teams.example/l now", "msteams://join"] {
            assert!(has_web_address(address), "{address}");
        }
        for text in ["", "Room 1/2", "Bldg. 4", "and/or.", "c/o A. Smith"] {
            assert!(!has_web_address(text), "{text}");
        }
    }
}
