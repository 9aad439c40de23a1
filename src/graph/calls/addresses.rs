//! How a user's addresses are told, alone or as a group's member. `User.Read.All` tells all of them, `User.ReadBasic.All`
//! the main address and the principal name alone.
//!
//! <https://learn.microsoft.com/graph/api/resources/user>
//!
//! Owns their JSON, and how it shows that some are kept back. Must not know which call tells them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::fault::Trouble;

/// What [`Addresses`] holds.
pub(in crate::graph) const SELECT: &str = "mail,userPrincipalName,proxyAddresses";

/// The addresses of a user, or of another member of a group, as far as Graph tells them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graph) struct Addresses {
    mail: Option<String>,
    user_principal_name: Option<String>,
    proxy_addresses: Option<Vec<String>>,
}

/// What Graph keeps back: it does not refuse what a permission does not cover, it leaves it out.
pub(in crate::graph) fn hidden() -> Trouble {
    let told = "all addresses of users cannot be read: grant User.Read.All to the application with all_addresses";
    Trouble { failure: Failure::Denied, told: Some(told.to_owned()), status: None, unsure: false }
}

impl Addresses {
    /// Whether some address besides the main one and the principal name is told, be it the main one again.
    pub(in crate::graph) fn tell_proxies(&self) -> bool {
        self.proxy_addresses.as_ref().is_some_and(|proxies| !proxies.is_empty())
    }

    /// Whether they are left out altogether.
    pub(in crate::graph) fn lack_proxies(&self) -> bool {
        self.proxy_addresses.is_none()
    }

    /// Whether there are others that are not told: the main address of a user is always among them.
    pub(in crate::graph) fn are_hidden(&self) -> bool {
        self.lack_proxies() || (self.mail.is_some() && !self.tell_proxies())
    }

    /// Whether nothing at all is told of a user: every one has a principal name.
    pub(in crate::graph) fn are_of_nobody(&self) -> bool {
        self.mail.is_none() && self.user_principal_name.is_none()
    }

    /// Those that are SMTP addresses, in order, each once. What cannot be one is nobody's: nobody can ask for it.
    pub(in crate::graph) fn read(&self) -> Vec<Mailbox> {
        let proxies = self.proxy_addresses.iter().flatten().filter_map(|proxy| {
            let (kind, address) = proxy.split_once(':')?;
            kind.eq_ignore_ascii_case("smtp").then_some(address)
        });
        let main = self.mail.iter().chain(&self.user_principal_name).map(String::as_str);
        let all: BTreeSet<_> = main.chain(proxies).filter_map(|address| Mailbox::parse(address).ok()).collect();
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::graph::json::{Page, decode};

    #[test]
    fn all_that_are_smtp_addresses_are_read_and_what_is_hidden_is_noticed() {
        let body = include_bytes!("../../../fixtures/graph/addresses/kinds.json");
        let page: Page<Addresses> = decode("users", body).unwrap();
        let texts = |addresses: &Addresses| addresses.read().iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = ["a.korhonen@example.com", "aino@contoso.onmicrosoft.com", "aino@example.com"];
        assert_eq!(texts(&page.value[0]), expected);
        assert_eq!(texts(&page.value[1]), ["admin@contoso.onmicrosoft.com"], "an account without a mailbox");
        assert_eq!(texts(&page.value[2]), ["basic@example.com"]);
        let hidden: Vec<_> = page.value.iter().map(Addresses::are_hidden).collect();
        assert_eq!(hidden, [false, false, true, true]);
    }
}
