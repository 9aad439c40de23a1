//! `GET /groups/{id}/transitiveMembers?$top=999`: the addresses of everybody in a group and in the groups in it, however
//! many. Permissions: `GroupMember.Read.All`, `User.ReadBasic.All`, and `User.Read.All` for all of their addresses.
//!
//! <https://learn.microsoft.com/graph/api/group-list-transitivemembers>
//!
//! Owns this call's JSON. Must not know caches.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::addresses::{Addresses, hidden};
use super::groups::find;
use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::journal::Journal;

const NAME: &str = "group_people";
const BASIC: &str = "id,mail,userPrincipalName";
const ALL: &str = "id,mail,userPrincipalName,proxyAddresses";
/// The most that Graph puts in a page.
const PAGE: &str = "999";

/// The addresses of a group's members, in order, each once: all of theirs if `all` is asked for.
///
/// # Errors
/// [`Failure::NoSuchMailbox`] if no group has the address, [`Failure::GroupTooLarge`] above `most` members that have
/// one, [`Failure::Denied`] if Graph does not tell what is asked for, and what failed a page.
pub(in crate::graph) async fn group_people(
    client: &Client,
    (credential, all): (usize, bool),
    group: &Mailbox,
    most: usize,
    journal: &Journal,
) -> Result<Vec<Mailbox>, Trouble> {
    let id = find(client, credential, group, journal).await?;
    let mut url = client.url(&["groups", &id, "transitiveMembers"]);
    url.query_pairs_mut().append_pair("$select", if all { ALL } else { BASIC }).append_pair("$top", PAGE);
    let (mut addresses, mut members, mut is_told) = (BTreeSet::new(), 0_usize, false);
    let take = |page: Vec<Member>, _| {
        let page: Vec<_> = page.into_iter().filter(|member| !member.is_a("group")).collect();
        is_told |= page.iter().any(|member| member.addresses.tell_proxies());
        let is_hidden = |member: &Member| {
            let addresses = &member.addresses;
            let lacks_some = all && (addresses.lack_proxies() || (!is_told && addresses.are_hidden()));
            // Contacts are shown to those alone who may read contacts; they have no calendar.
            member.is_user() && (addresses.are_of_nobody() || lacks_some)
        };
        if page.iter().any(is_hidden) {
            return Err(if all { hidden() } else { nameless() });
        }
        for found in page.iter().map(|member| member.addresses.read()).filter(|found| !found.is_empty()) {
            members += 1;
            addresses.extend(found);
        }
        if members > most { Err(Failure::GroupTooLarge.into()) } else { Ok(true) }
    };
    client.each_page(NAME, (credential, &[]), url, journal, take).await?;
    Ok(addresses.into_iter().collect())
}

#[derive(Debug, Deserialize)]
struct Member {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    #[serde(flatten)]
    addresses: Addresses,
}

impl Member {
    fn is_a(&self, kind: &str) -> bool {
        let of = self.kind.as_deref().and_then(|of| of.strip_prefix("#microsoft.graph."));
        of.is_some_and(|of| of.eq_ignore_ascii_case(kind))
    }

    /// Whoever does not say so may be one.
    fn is_user(&self) -> bool {
        self.kind.is_none() || self.is_a("user")
    }
}

fn nameless() -> Trouble {
    let told = Some("members' addresses cannot be read: grant User.ReadBasic.All".to_owned());
    Trouble { failure: Failure::Denied, told, status: None, unsure: false }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::json::{Page, decode};

    #[test]
    fn members_of_all_kinds() {
        let body = include_bytes!("../../../fixtures/graph/groups/members.json");
        let page: Page<Member> = decode(NAME, body).unwrap();
        let kinds: Vec<_> = page.value.iter().map(|member| (member.is_user(), member.is_a("group"))).collect();
        let user = (true, false);
        assert_eq!(kinds, [user, (false, true), user, user, user]);
        let found: Vec<_> = page.value.iter().map(|member| member.addresses.read().len()).collect();
        assert_eq!(found, [1, 1, 1, 1, 2]);
        let bare = r##"{"value":[{"id":"1"},{"@odata.type":"#microsoft.graph.orgContact","id":"2"}]}"##;
        let page: Page<Member> = decode(NAME, bare.as_bytes()).unwrap();
        let kinds: Vec<_> = page.value.iter().map(|member| (member.is_user(), member.is_a("group"))).collect();
        assert_eq!(kinds, [user, (false, false)]);
        assert!(page.value.iter().all(|member| member.addresses.are_of_nobody()));
    }
}
