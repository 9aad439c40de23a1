//! How each answer is read: what is let through here is written into files of other languages.
//!
//! Owns what is refused. Must not know who answered.

use std::path::PathBuf;

use url::Url;
use uuid::Uuid;

use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Pattern};

/// A GUID, in its usual form.
pub(super) fn guid(text: &str) -> Result<String, String> {
    let text = text.trim();
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
    let id = id.filter(|id| !id.is_nil()).ok_or_else(|| format!("{text:?} is no id; write one as Entra shows it"))?;
    Ok(id.hyphenated().to_string())
}

/// Mail domains, separated by commas.
pub(super) fn domains(text: &str) -> Result<Vec<String>, String> {
    listed(text, |domain| {
        let is_plain = domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'));
        let mailbox = Mailbox::parse(&format!("x@{domain}")).ok().filter(|_| is_plain && domain.contains('.'));
        mailbox
            .map(|it| it.domain().to_owned())
            .ok_or_else(|| format!("{domain:?} is no mail domain; write it without @"))
    })
}

/// Address patterns in one of the domains, separated by commas.
pub(super) fn patterns(text: &str, domains: &[String]) -> Result<Vec<String>, String> {
    listed(text, |pattern| {
        let remedy = || format!("{pattern:?} is no address pattern; write room-*@contoso.example");
        // White space around an address is no mistake, yet around a pattern it would match nothing.
        if pattern.contains(char::is_whitespace) {
            return Err(remedy());
        }
        Mailbox::parse(&pattern.replace(['*', '?'], "x")).map_err(|_| remedy())?;
        let reaches = Pattern::new(pattern);
        if !domains.iter().any(|domain| reaches.reaches(domain)) {
            return Err(format!("{pattern:?} is in none of the tenant's domains"));
        }
        Ok(pattern.to_lowercase())
    })
}

/// An address; none for an empty text.
pub(super) fn optional_mailbox(text: &str) -> Result<Option<String>, String> {
    if text.trim().is_empty() { Ok(None) } else { mailbox(text).map(Some) }
}

/// An address.
pub(super) fn mailbox(text: &str) -> Result<String, String> {
    let mailbox = Mailbox::parse(text).map_err(|_| format!("{:?} is no address", text.trim()))?;
    Ok(mailbox.as_str().to_owned())
}

/// A name without any character that means something anywhere: of a tenant, of a client.
pub(super) fn plain_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 64 || !text.chars().all(is_plain) {
        return Err(format!("{text:?} is no name; use letters, digits, - _ and ."));
    }
    Ok(text.to_owned())
}

/// A group's name or address, as Exchange knows it; it may hold quotes.
pub(super) fn group(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err(format!("{text:?} is no group; write its name or address"));
    }
    Ok(text.to_owned())
}

/// Where clients reach the gateway, without a slash at the end.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).ok().filter(|url| url.scheme() == "https" && is_bare(url));
    let url = url.ok_or_else(|| format!("{text:?} is no https URL; write https://calendar.contoso.example"))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Where a mediator is; none for an empty text.
pub(super) fn mediator(text: &str) -> Result<Option<Url>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && is_bare(url));
    url.map(Some).ok_or_else(|| format!("{text:?} is no http or https URL"))
}

/// A file; its whole path, because relative ones would start at the configuration's folder.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(format!("{text:?} is no file"));
    }
    std::path::absolute(text.trim()).map_err(|error| error.to_string())
}

/// Capabilities, separated by commas.
pub(super) fn capabilities(text: &str) -> Result<Vec<Capability>, String> {
    listed(text, |name| {
        let known = || Capability::ALL.map(Capability::name).join(", ");
        let found = Capability::ALL.into_iter().find(|capability| capability.name() == name);
        found.ok_or_else(|| format!("{name:?} is none of {}", known()))
    })
}

/// A ceiling.
pub(super) fn ceiling(text: &str) -> Result<Ceiling, String> {
    let known = || Ceiling::ALL.map(Ceiling::name).join(", ");
    let found = Ceiling::ALL.into_iter().find(|ceiling| ceiling.name() == text.trim());
    found.ok_or_else(|| format!("{text:?} is none of {}", known()))
}

/// At least one, none twice.
pub(super) fn listed<T: PartialEq>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let mut all = Vec::new();
    for part in text.split(',').map(|part| part.trim_matches(' ')).filter(|part| !part.is_empty()) {
        let value = read(part)?;
        if !all.contains(&value) {
            all.push(value);
        }
    }
    if all.is_empty() { Err("at least one is needed".to_owned()) } else { Ok(all) }
}

fn is_bare(url: &Url) -> bool {
    let no_login = url.username().is_empty() && url.password().is_none();
    url.host().is_some() && no_login && url.query().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_would_be_read_otherwise_elsewhere_is_refused() {
        for wrong in ["", "contoso", "a@b.example", "b.example\"]\nx = [\"", "*.example", "a.example\n", "'.example"] {
            assert!(domains(wrong).is_err(), "{wrong:?}");
        }
        for wrong in [
            "contoso",
            "00000000-0000-0000-0000-000000000000",
            "{0f0f0f0f-0000-0000-0000-000000000001}",
            "0f0f0f0f-0000-0000-0000-00000000000'",
        ] {
            assert!(guid(wrong).is_err(), "{wrong:?}");
        }
        let domains = ["b.example".to_owned()];
        for wrong in ["*", "room*", "a@c.example", "a\"@b.example", "a@b.example\n", "a b@b.example"] {
            assert!(patterns(wrong, &domains).is_err(), "{wrong:?}");
        }
        for wrong in ["http://x.example", "https://u:p@x.example", "https://x.example?a", "https://", "x.example"] {
            assert!(public_url(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "a b", "a\"", "a\nb", "é"] {
            assert!(plain_name(wrong).is_err(), "{wrong:?}");
        }
        assert!(group("a\nb").is_err() && path("a\nb").is_err() && capabilities("free_busi").is_err());
    }

    #[test]
    fn what_is_meant_is_read_in_one_form() {
        assert_eq!(guid("0F0F0F0F-0000-0000-0000-00000000000A").unwrap(), "0f0f0f0f-0000-0000-0000-00000000000a");
        assert_eq!(domains("A.example, b.example,a.example,").unwrap(), ["a.example", "b.example"]);
        assert_eq!(patterns("Room-*@b.example", &["b.example".to_owned()]).unwrap(), ["room-*@b.example"]);
        assert_eq!(public_url("https://X.example/\"/").unwrap(), "https://x.example/%22");
        assert_eq!(group(" The boss's ").unwrap(), "The boss's");
        assert!(path("a").unwrap().is_absolute());
    }
}
