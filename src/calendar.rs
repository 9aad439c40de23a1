//! What a calendar is, in the words both wires share.
//!
//! Owns mailboxes, windows, busy times, zones, rooms and suggestions. Must not know HTTP, serde,
//! async or the clock: `now` is always an argument.

pub mod domains;
pub mod event;
pub mod free_busy;
pub mod global_id;
pub mod icalendar;
pub mod out_of_office;
pub mod person;
pub mod plain_text;
pub mod recurrence;
pub mod suggestions;
pub mod zone;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::failure::Failure;

/// An SMTP address after parsing: lower-case, one `@`, no white space or control characters.
///
/// Addresses compare without regard to case, as Exchange does it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox(Arc<str>);

impl Mailbox {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Failure::BadAddress`] for anything that is not `local@domain` in at most 320 characters, and for characters
    /// that nobody sees: a directory may take an address with them for the one without.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let trimmed = text.trim();
        let bad = || Failure::BadAddress { address: trimmed.chars().filter(|c| !c.is_control()).take(80).collect() };
        let (local, domain) = trimmed.rsplit_once('@').ok_or_else(bad)?;
        let plain = |part: &str, more: &[char]| {
            !part.is_empty()
                && part.chars().all(|c| {
                    c.is_alphanumeric() || more.contains(&c) || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
                })
        };
        let local_ok = plain(local, &LOCAL_EXTRA) && local.len() <= 64;
        let domain_ok = plain(domain, &['-', '.'])
            && domain.len() <= 255
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains("..");
        if !local_ok || !domain_ok || (!trimmed.is_ascii() && trimmed.chars().any(is_unseen)) {
            return Err(bad());
        }
        Ok(Self(trimmed.to_lowercase().into()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A half-open interval of instants; start is before end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}

impl Window {
    /// A window, if start is before end.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first instant inside.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The first instant after.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Length in whole seconds, rounded up.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        let nanoseconds = self.end.as_nanosecond() - self.start.as_nanosecond();
        i64::try_from(nanoseconds.div_euclid(1_000_000_000) + i128::from(nanoseconds % 1_000_000_000 != 0))
            .unwrap_or(i64::MAX)
    }
}

/// What a client may do with a mailbox, and what a credential of a tenant serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Capability {
    /// Busy times, and as much about each as the ceiling allows.
    FreeBusy,
    /// Events with their details.
    CalendarRead,
    /// Creating, changing and deleting events.
    CalendarWrite,
    /// Automatic replies.
    OutOfOfficeRead,
    /// Setting automatic replies.
    OutOfOfficeWrite,
    /// Rooms, groups and names.
    Directory,
}

impl Capability {
    /// All of them, in the order of their definition.
    pub const ALL: [Self; 6] = [
        Self::FreeBusy,
        Self::CalendarRead,
        Self::CalendarWrite,
        Self::OutOfOfficeRead,
        Self::OutOfOfficeWrite,
        Self::Directory,
    ];

    /// Whether it is for changing something.
    #[must_use]
    pub fn changes(self) -> bool {
        matches!(self, Self::CalendarWrite | Self::OutOfOfficeWrite)
    }

    /// The name in the configuration, in logs and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FreeBusy => "free_busy",
            Self::CalendarRead => "calendar_read",
            Self::CalendarWrite => "calendar_write",
            Self::OutOfOfficeRead => "out_of_office_read",
            Self::OutOfOfficeWrite => "out_of_office_write",
            Self::Directory => "directory",
        }
    }
}

/// A room, or a list of rooms, as a directory shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its display name.
    pub name: String,
    /// Its address.
    pub mailbox: Mailbox,
}

/// Whether a character is one of format, or one that comparisons pass over: `Cf` and `Default_Ignorable_Code_Point`
/// (<https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point>).
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What a local part may hold besides letters and digits (RFC 5322 atext, and the dot).
const LOCAL_EXTRA: [char; 20] =
    ['!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '/', '=', '?', '^', '_', '`', '{', '|', '}', '~'];

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn addresses_are_read_without_regard_to_case() {
        let mailbox = Mailbox::parse(" Alice.O'Neil+x@Example.COM ").expect("an address");
        assert_eq!(mailbox.as_str(), "alice.o'neil+x@example.com");
        assert_eq!(mailbox.domain(), "example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["", "alice", "@x", "a@", "a b@x", "a@b@c d", "a@.x", "a@x..y", "a\"@x", "<a@x>", "a\n@x", "a,b@x", "a@x/y"]
        {
            assert!(matches!(Mailbox::parse(bad), Err(Failure::BadAddress { .. })), "{bad:?}");
        }
    }

    #[test]
    fn characters_that_nobody_sees_are_refused() {
        for unseen in "\u{ad}\u{200b}\u{200f}\u{2060}\u{feff}\u{3164}\u{fe0f}\u{e0041}".chars() {
            for bad in
                [format!("ce{unseen}o@x.example"), format!("ceo@x{unseen}.example"), format!("{unseen}ceo@x.example")]
            {
                assert!(matches!(Mailbox::parse(&bad), Err(Failure::BadAddress { .. })), "{bad:?}");
            }
        }
        assert!(Mailbox::parse("jos\u{e9}@x.example").is_ok());
    }
}
