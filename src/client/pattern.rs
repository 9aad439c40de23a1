//! Patterns of addresses.

use std::fmt;

use wildmatch::WildMatch;

use crate::calendar::Mailbox;

/// A pattern of addresses: `*` stands for any characters, also none, `?` for one; case is ignored.
#[derive(Clone, PartialEq)]
pub struct Pattern {
    text: String,
    /// Where it has `*` or `?`.
    wide: Option<WildMatch>,
}

impl Pattern {
    /// Reads a pattern.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        let wide = text.contains(['*', '?']).then(|| WildMatch::new(&text));
        Self { text, wide }
    }

    /// Whether an address fits.
    #[must_use]
    pub fn matches(&self, mailbox: &Mailbox) -> bool {
        match &self.wide {
            Some(wide) => wide.matches(mailbox.as_str()),
            None => self.text == mailbox.as_str(),
        }
    }

    /// Whether no other address fits than the one that is written.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.wide.is_none()
    }

    /// Whether addresses of a domain may fit: what comes after the last `@` does. `*.contoso.example` stands for all
    /// domains under one.
    #[must_use]
    pub fn reaches(&self, domain: &str) -> bool {
        let (_, end) = self.text.rsplit_once('@').unwrap_or(("", "*"));
        let domain: Vec<char> = domain.to_lowercase().chars().collect();
        overlap(&end.chars().collect::<Vec<_>>(), &domain)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether some text fits two patterns.
fn overlap(one: &[char], other: &[char]) -> bool {
    match (one, other) {
        ([], []) => true,
        (['*', rest @ ..], _) if overlap(rest, other) => true,
        (_, ['*', rest @ ..]) if overlap(one, rest) => true,
        (['*', ..], [_, rest @ ..]) => overlap(one, rest),
        ([_, rest @ ..], ['*', ..]) => overlap(rest, other),
        ([a, rest @ ..], [b, end @ ..]) if a == b || *a == '?' || *b == '?' => overlap(rest, end),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_reach_domains_and_domains_under_one() {
        for (pattern, domain, expected) in [
            ("*", "contoso.example", true),
            ("a@Contoso.example", "CONTOSO.example", true),
            ("*@contoso.example", "*.contoso.example", false),
            ("*@*.contoso.example", "*.contoso.example", true),
            ("*@emea.contoso.example", "*.contoso.example", true),
            ("*@emea.*", "*.contoso.example", true),
            ("*@*contoso.example", "contoso.example", true),
            ("*@?ontoso.example", "contoso.example", true),
            ("*@fabrikam.*", "*.contoso.example", true),
            ("*@*.fabrikam.example", "*.contoso.example", false),
            ("*@contoso.example.evil", "contoso.example", false),
        ] {
            assert_eq!(Pattern::new(pattern).reaches(domain), expected, "{pattern} {domain}");
        }
    }
}
