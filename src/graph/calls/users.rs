//! `GET /users?$filter=…` and `GET /groups?$filter=…`: whom the directory knows. Permissions:
//! `User.ReadBasic.All`, which shows names and the main address; `User.Read.All` for aliases, phones
//! and titles; `GroupMember.Read.All` for groups.
//!
//! <https://learn.microsoft.com/graph/api/user-list>, <https://learn.microsoft.com/graph/api/group-list>
//!
//! Owns these calls' JSON. Must not know caches.

use std::collections::HashSet;

use serde::Deserialize;

use crate::calendar::Mailbox;
use crate::calendar::person::{Entry, EntryKind, Query};
use crate::failure::Failure;
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::journal::Journal;

const NAME: &str = "users";
const BASIC: &str = "displayName,givenName,surname,mail,userPrincipalName";
const ALL: &str = "displayName,givenName,surname,mail,userPrincipalName,proxyAddresses,jobTitle,department,companyName,\
    officeLocation,businessPhones,mobilePhone";
const GROUP: &str = "displayName,mail,proxyAddresses";
/// Users and groups read of one question, the most that Graph puts in a page: those without an address are none of the
/// answer, and not everybody may see all others.
const MOST_READ: usize = 999;

/// Who asks, and how much of a user may be read.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Asker<'a> {
    pub(in crate::graph) client: &'a Client,
    pub(in crate::graph) credential: usize,
    /// Whether all of a user may be read, for all that is known.
    pub(in crate::graph) all: bool,
    pub(in crate::graph) journal: &'a Journal,
}

/// Whom a query means, by name, and whether all of a user could be read.
///
/// # Errors
/// What failed a page; [`Failure::Denied`] if nothing of users may be read.
pub(in crate::graph) async fn people(asker: Asker<'_>, query: &Query) -> Result<(Vec<Entry>, bool), Trouble> {
    let mut asker = asker;
    let found = match query {
        Query::Address(mailbox) => by_address(&mut asker, mailbox).await?,
        Query::LegacyName(name) => by_proxy(&mut asker, &["x500:", "X500:"], name).await?,
        Query::Beginning(text) => by_beginning(&mut asker, text).await?,
    };
    let mut seen = HashSet::with_capacity(found.len());
    let mut entries: Vec<Entry> = found.into_iter().filter(|entry| seen.insert(entry.mailbox.clone())).collect();
    entries.sort_by(|a, b| (&a.name, &a.mailbox).cmp(&(&b.name, &b.mailbox)));
    Ok((entries, asker.all))
}

async fn by_address(asker: &mut Asker<'_>, mailbox: &Mailbox) -> Result<Vec<Entry>, Trouble> {
    let address = quoted(mailbox.as_str());
    let users = asker.users(&format!("mail eq {address} or userPrincipalName eq {address}")).await?;
    if !users.is_empty() {
        return Ok(users);
    }
    let groups = asker.groups(&format!("mail eq {address}")).await?;
    if !groups.is_empty() {
        return Ok(groups);
    }
    by_proxy(asker, &["smtp:"], mailbox.as_str()).await
}

/// Whoever has an address of another kind or an alias. The directory looks at the case of prefixes. Both lists are
/// asked for whatever the first holds: whoever may not see what is found must not learn by the time that it takes.
async fn by_proxy(asker: &mut Asker<'_>, prefixes: &[&str], address: &str) -> Result<Vec<Entry>, Trouble> {
    let any = |prefix: &&str| format!("proxyAddresses/any(p:p eq {})", quoted(&format!("{prefix}{address}")));
    let filter = prefixes.iter().map(any).collect::<Vec<_>>().join(" or ");
    // Only those who may read all of a user may look for aliases; to others nobody has any.
    let mut found = match asker.users(&filter).await {
        Err(Trouble { failure: Failure::Denied, .. }) => Vec::new(),
        told => told?,
    };
    found.extend(asker.groups(&filter).await?);
    Ok(found)
}

async fn by_beginning(asker: &mut Asker<'_>, text: &str) -> Result<Vec<Entry>, Trouble> {
    let begins = |properties: &[&str]| {
        let begins = |property: &&str| format!("startswith({property},{})", quoted(text));
        properties.iter().map(begins).collect::<Vec<_>>().join(" or ")
    };
    let mut found = asker.users(&begins(&["displayName", "mail", "givenName", "surname"])).await?;
    found.extend(asker.groups(&begins(&["displayName", "mail"])).await?);
    Ok(found)
}

/// A text in a filter.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Asker<'_> {
    /// Users, with as much of each as may be read. It is not documented whether what a permission
    /// does not cover is refused or left out: what is refused is asked again for less.
    async fn users(&mut self, filter: &str) -> Result<Vec<Entry>, Trouble> {
        if self.all {
            match self.ask::<User>("users", filter, ALL).await {
                Err(Trouble { failure: Failure::Denied, .. }) => {}
                told => return Ok(told?.into_iter().filter_map(User::read).collect()),
            }
        }
        let users = self.ask::<User>("users", filter, BASIC).await?;
        self.all = false;
        Ok(users.into_iter().filter_map(User::read).collect())
    }

    /// Groups with an address; none if they may not be read.
    async fn groups(&self, filter: &str) -> Result<Vec<Entry>, Trouble> {
        match self.ask::<Group>("groups", filter, GROUP).await {
            Err(Trouble { failure: Failure::Denied, .. }) => Ok(Vec::new()),
            told => Ok(told?.into_iter().filter_map(Group::read).collect()),
        }
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        whom: &str,
        filter: &str,
        select: &str,
    ) -> Result<Vec<T>, Trouble> {
        let mut url = self.client.url(&[whom]);
        url.query_pairs_mut()
            .append_pair("$filter", filter)
            .append_pair("$select", select)
            .append_pair("$top", &MOST_READ.to_string());
        self.client.pages(NAME, (self.credential, &[]), url, MOST_READ, self.journal).await
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    display_name: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    mail: Option<String>,
    user_principal_name: Option<String>,
    proxy_addresses: Option<Vec<String>>,
    job_title: Option<String>,
    department: Option<String>,
    company_name: Option<String>,
    office_location: Option<String>,
    business_phones: Option<Vec<String>>,
    mobile_phone: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    display_name: Option<String>,
    mail: Option<String>,
    proxy_addresses: Option<Vec<String>>,
}

impl User {
    /// Who has no mail address has no mailbox.
    fn read(self) -> Option<Entry> {
        let mailbox = Mailbox::parse(&self.mail?).ok()?;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = some(self.display_name).or(self.user_principal_name);
        Some(Entry {
            name: name.unwrap_or_else(|| mailbox.as_str().to_owned()),
            mailbox,
            kind: EntryKind::Mailbox,
            proxies: self.proxy_addresses.unwrap_or_default(),
            given_name: some(self.given_name),
            surname: some(self.surname),
            job_title: some(self.job_title),
            department: some(self.department),
            company: some(self.company_name),
            office: some(self.office_location),
            business_phone: some(self.business_phones.unwrap_or_default().into_iter().next()),
            mobile_phone: some(self.mobile_phone),
        })
    }
}

impl Group {
    /// A group without a mail address is nobody to be invited.
    fn read(self) -> Option<Entry> {
        let mailbox = Mailbox::parse(&self.mail?).ok()?;
        Some(Entry {
            name: self.display_name.unwrap_or_else(|| mailbox.as_str().to_owned()),
            mailbox,
            kind: EntryKind::Group,
            proxies: self.proxy_addresses.unwrap_or_default(),
            given_name: None,
            surname: None,
            job_title: None,
            department: None,
            company: None,
            office: None,
            business_phone: None,
            mobile_phone: None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::graph::json::{Page, decode};

    #[test]
    fn users_with_and_without_mailboxes() {
        let page: Page<User> = decode(NAME, include_bytes!("../../../fixtures/graph/users/page.json")).unwrap();
        let entries: Vec<_> = page.value.into_iter().filter_map(User::read).collect();
        assert_eq!(entries.len(), 2, "one has no address");
        assert_eq!((entries[0].name.as_str(), entries[0].mailbox.as_str()), ("Aino Korhonen", "aino@example.com"));
        assert_eq!(entries[0].proxies, ["SMTP:aino@example.com", "x500:/o=Org/cn=aino"]);
        assert_eq!(entries[0].business_phone.as_deref(), Some("+358 9 1"));
        assert_eq!((entries[1].name.as_str(), entries[1].proxies.len()), ("room@example.com", 0));
    }
}
