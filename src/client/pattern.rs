//! Patterns of addresses.

use std::fmt;

use wildmatch::WildMatch;

use crate::calendar::Mailbox;

/// A pattern of addresses: `*` stands for any characters, also none, `?` for one; case is ignored.
#[derive(Clone, PartialEq)]
pub struct Pattern(WildMatch);

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

    /// Whether no other address fits than the one that is written.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.0.pattern().contains(['*', '?'])
    }

    /// Whether addresses of a domain, or of some domain under it where it begins with `*.`, may fit: what comes after
    /// the last `@` does.
    #[must_use]
    pub fn reaches(&self, domain: &str) -> bool {
        let text = self.0.pattern();
        let (_, end) = text.rsplit_once('@').unwrap_or(("", "*"));
        let domain = domain.to_lowercase();
        WildMatch::new(end).matches(&domain) || WildMatch::new(&domain).matches(end)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
