//! `GET /groups?$filter=mail eq …` and `/groups/{id}/transitiveMembers`: whom a group's address
//! stands for. Permissions: `GroupMember.Read.All` (it also finds the group) and `User.ReadBasic.All`,
//! without which members come with nothing but their ids
//! (<https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects>).
//!
//! <https://learn.microsoft.com/graph/api/group-list-transitivemembers>
//!
//! Owns these calls' JSON. Must not know caches.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::journal::Journal;

/// A group with more members than one request may ask about cannot be expanded.
pub(in crate::graph) const MOST_MEMBERS: usize = 100;
const NAME: &str = "groups";
const MEMBER: &str = "id,mail,userPrincipalName";
/// Members read at most: groups and devices among them are no mailboxes.
const MOST_READ: usize = 999;

/// The mailboxes of a group and of the groups in it, each once, in order.
///
/// # Errors
/// [`Failure::NoSuchMailbox`] if no group has the address, [`Failure::GroupTooLarge`],
/// [`Failure::Denied`] if members may not be read, and what failed a page.
pub(in crate::graph) async fn members(
    client: &Client,
    credential: usize,
    group: &Mailbox,
    journal: &Journal,
) -> Result<Vec<Mailbox>, Trouble> {
    let id = find(client, credential, group, journal).await?;
    let mut url = client.url(&["groups", &id, "transitiveMembers"]);
    url.query_pairs_mut().append_pair("$select", MEMBER).append_pair("$top", &MOST_READ.to_string());
    let members = client.pages::<Member>(NAME, (credential, &[]), url, MOST_READ, journal).await?;
    if members.len() >= MOST_READ {
        return Err(Failure::GroupTooLarge.into());
    }
    if members.iter().any(Member::is_hidden) {
        // Whoever is left out of the answer would seem to be free.
        let told = Some("members' addresses cannot be read: grant User.ReadBasic.All".to_owned());
        return Err(Trouble { failure: Failure::Denied, told, status: None, unsure: false });
    }
    let mailboxes: BTreeSet<_> = members.into_iter().filter_map(Member::read).collect();
    if mailboxes.len() > MOST_MEMBERS {
        return Err(Failure::GroupTooLarge.into());
    }
    Ok(mailboxes.into_iter().collect())
}

/// The id of the group with an address.
///
/// # Errors
/// [`Failure::NoSuchMailbox`] if there is none, and what failed the call.
pub(in crate::graph) async fn find(
    client: &Client,
    credential: usize,
    group: &Mailbox,
    journal: &Journal,
) -> Result<String, Trouble> {
    let nobody = || Failure::NoSuchMailbox { address: group.as_str().to_owned() };
    let mut url = client.url(&["groups"]);
    let quoted = group.as_str().replace('\'', "''");
    url.query_pairs_mut()
        .append_pair("$filter", &format!("mail eq '{quoted}'"))
        .append_pair("$select", "id,mail")
        .append_pair("$top", "1");
    let found = client.pages::<Found>(NAME, (credential, &[]), url, 1, journal).await?;
    Ok(found.into_iter().next().ok_or_else(nobody)?.id)
}

#[derive(Debug, Deserialize)]
struct Found {
    id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    mail: Option<String>,
    user_principal_name: Option<String>,
}

impl Member {
    /// A user whose properties the credential may not read: every user has a principal name.
    fn is_hidden(&self) -> bool {
        let is_user = self.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case("#microsoft.graph.user"));
        is_user && self.mail.is_none() && self.user_principal_name.is_none()
    }

    /// A nested group is told by its members; one without a mail address has no calendar.
    fn read(self) -> Option<Mailbox> {
        if self.kind.is_some_and(|kind| kind.eq_ignore_ascii_case("#microsoft.graph.group")) {
            return None;
        }
        Mailbox::parse(&self.mail?).ok()
    }
}
