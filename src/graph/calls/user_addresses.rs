//! `GET /users?$filter=…`: all addresses of the user that one address belongs to. Permission: `User.Read.All`; with
//! `User.ReadBasic.All` Graph tells the main address and the principal name alone.
//!
//! <https://learn.microsoft.com/graph/api/user-list>
//!
//! Owns this call's JSON, and how a user's addresses are told. Must not know caches.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::journal::Journal;

const NAME: &str = "user_addresses";
/// What [`Addresses`] holds.
pub(in crate::graph) const SELECT: &str = "mail,userPrincipalName,proxyAddresses";
/// An address is one user's; two have it while the directory is put right.
const FEW: usize = 10;

/// The addresses of a user, or of another member of a group, as far as Graph tells them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graph) struct Addresses {
    mail: Option<String>,
    user_principal_name: Option<String>,
    proxy_addresses: Option<Vec<String>>,
}

/// All addresses of whoever has this one, in order.
///
/// # Errors
/// [`Failure::NoSuchMailbox`] if no user has it, [`Failure::Denied`] if Graph does not tell all of a user's addresses,
/// and what failed a page.
pub(in crate::graph) async fn user_addresses(
    client: &Client,
    credential: usize,
    mailbox: &Mailbox,
    journal: &Journal,
) -> Result<Vec<Mailbox>, Trouble> {
    let address = mailbox.as_str().replace('\'', "''");
    let main = format!("mail eq '{address}' or userPrincipalName eq '{address}'");
    let alias = format!("proxyAddresses/any(p:p eq 'smtp:{address}')");
    let mut all = BTreeSet::new();
    for filter in [main, alias] {
        let mut url = client.url(&["users"]);
        url.query_pairs_mut()
            .append_pair("$filter", &filter)
            .append_pair("$select", SELECT)
            .append_pair("$top", &FEW.to_string());
        let found = client.pages::<Addresses>(NAME, (credential, &[]), url, usize::MAX, journal).await?;
        if found.iter().any(Addresses::are_hidden) {
            return Err(hidden());
        }
        all.extend(found.iter().flat_map(Addresses::read));
    }
    if all.is_empty() {
        return Err(Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }.into());
    }
    Ok(all.into_iter().collect())
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
        let body = include_bytes!("../../../fixtures/graph/user_addresses/kinds.json");
        let page: Page<Addresses> = decode(NAME, body).unwrap();
        let texts = |addresses: &Addresses| addresses.read().iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = ["a.korhonen@example.com", "aino@contoso.onmicrosoft.com", "aino@example.com"];
        assert_eq!(texts(&page.value[0]), expected);
        assert_eq!(texts(&page.value[1]), ["admin@contoso.onmicrosoft.com"], "an account without a mailbox");
        assert_eq!(texts(&page.value[2]), ["basic@example.com"]);
        let hidden: Vec<_> = page.value.iter().map(Addresses::are_hidden).collect();
        assert_eq!(hidden, [false, false, true, true]);
    }
}
