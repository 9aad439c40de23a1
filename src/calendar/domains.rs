//! What belongs to mail domains: to one exactly, or to every domain under one.
//!
//! Owns which entry an address falls under. Must not know what the entries are for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Mailbox;

/// Values by mail domain. Domains compare as those of a [`Mailbox`] do: without regard to case, and by their
/// letters, so that an internationalised domain and its form in ASCII (`xn--…`) are two.
#[derive(Clone, Debug)]
pub struct Domains<T> {
    exact: HashMap<Box<str>, T>,
    /// By the domain that they are under.
    under: HashMap<Box<str>, T>,
}

impl<T> Domains<T> {
    /// Adds an entry: `contoso.example` is exactly that domain, `*.contoso.example` every domain under it, however
    /// deep, and not itself.
    ///
    /// # Errors
    /// A text for the operator: what is no mail domain, and what is there already.
    pub fn insert(&mut self, pattern: &str, value: T) -> Result<(), String> {
        let pattern = pattern.trim();
        let (values, domain) = match pattern.strip_prefix("*.") {
            Some(domain) => (&mut self.under, domain),
            None => (&mut self.exact, pattern),
        };
        let read = Mailbox::parse(&format!("x@{domain}")).ok().filter(|mailbox| mailbox.domain().contains('.'));
        let Some(read) = read else {
            return Err(format!("{pattern} is no mail domain; write contoso.example or *.contoso.example"));
        };
        match values.entry(read.domain().into()) {
            Entry::Occupied(_) => Err(format!("{} is there already", pattern.to_lowercase())),
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
        }
    }

    /// The value of the longest entry that an address falls under.
    #[must_use]
    pub fn find(&self, mailbox: &Mailbox) -> Option<&T> {
        let domain = mailbox.domain();
        self.exact.get(domain).or_else(|| if self.under.is_empty() { None } else { self.find_under(domain) })
    }

    fn find_under(&self, domain: &str) -> Option<&T> {
        let parents = std::iter::successors(parent(domain), |domain| parent(domain));
        parents.into_iter().find_map(|parent| self.under.get(parent))
    }
}

impl<T> Default for Domains<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), under: HashMap::new() }
    }
}

fn parent(domain: &str) -> Option<&str> {
    domain.split_once('.').map(|(_, parent)| parent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn find<'a>(domains: &'a Domains<&'static str>, domain: &str) -> Option<&'a str> {
        domains.find(&Mailbox::parse(&format!("somebody@{domain}")).unwrap()).copied()
    }

    #[test]
    fn the_longest_entry_wins() {
        let mut domains = Domains::default();
        for (pattern, value) in [
            ("*.contoso.example", "under"),
            ("Contoso.example", "itself"),
            ("*.emea.contoso.example", "deeper"),
            ("fi.emea.contoso.example", "one"),
            ("*.Bücher.example", "letters"),
        ] {
            domains.insert(pattern, value).unwrap();
        }
        for (domain, expected) in [
            ("CONTOSO.example", Some("itself")),
            ("a.contoso.example", Some("under")),
            ("a.b.contoso.example", Some("under")),
            ("emea.contoso.example", Some("under")),
            ("se.emea.contoso.example", Some("deeper")),
            ("fi.emea.contoso.example", Some("one")),
            ("x.fi.emea.contoso.example", Some("deeper")),
            ("notcontoso.example", None),
            ("contoso.example.evil.test", None),
            ("example", None),
            ("a.BÜCHER.example", Some("letters")),
            ("a.xn--bcher-kva.example", None),
        ] {
            assert_eq!(find(&domains, domain), expected, "{domain}");
        }
    }

    #[test]
    fn what_is_no_domain_or_there_already_is_refused() {
        let mut domains = Domains::default();
        domains.insert("x.example", 1).unwrap();
        domains.insert("*.x.example", 2).unwrap();
        for again in ["X.Example", "*.X.example", " x.example "] {
            assert!(domains.insert(again, 3).unwrap_err().contains("there already"), "{again}");
        }
        for wrong in [
            "",
            "*",
            "*.",
            "example",
            "*.example",
            "@x.example",
            "a@x.example",
            "*x.example",
            "*.*.x.example",
            "x..example",
        ] {
            assert!(domains.insert(wrong, 3).unwrap_err().contains("no mail domain"), "{wrong}");
        }
    }

    /// Short names of few labels, so that one is often under another.
    fn name() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("ä")], 2..5)
            .prop_map(|labels| labels.join("."))
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_through_all_entries_finds(
            entries in proptest::collection::btree_set((any::<bool>(), name()), 0..12),
            domain in name(),
        ) {
            let patterns: Vec<String> =
                entries.iter().map(|(under, name)| if *under { format!("*.{name}") } else { name.clone() }).collect();
            let mut domains = Domains::default();
            for pattern in &patterns {
                domains.insert(&pattern.to_uppercase(), pattern.clone()).unwrap();
            }
            let fits = |pattern: &&String| match pattern.strip_prefix('*') {
                Some(end) => domain.ends_with(end),
                None => **pattern == domain,
            };
            let naive = patterns.iter().filter(fits).max_by_key(|pattern| pattern.trim_start_matches("*.").len());
            let mailbox = Mailbox::parse(&format!("x@{domain}")).unwrap();
            prop_assert_eq!(domains.find(&mailbox), naive);
        }
    }
}
