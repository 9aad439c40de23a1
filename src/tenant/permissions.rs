//! What an application must be granted for what it serves, and what would be too much: one table.
//! <https://learn.microsoft.com/graph/permissions-reference>,
//! <https://learn.microsoft.com/exchange/permissions-exo/application-rbac>
//!
//! Owns names and ids of permissions. Must not know how grants are found out.

use std::collections::BTreeSet;

use super::Credential;
use crate::calendar::Capability;

/// Microsoft Graph's application id, the same in every cloud.
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// An application permission (app role) of Microsoft Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name, as a token's `roles` has it.
    pub name: &'static str,
    /// Its id, as a manifest's `requiredResourceAccess` wants it; where Microsoft's documents tell it.
    pub id: Option<&'static str>,
}

/// One thing that an application must be able to do.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The least permission for it.
    pub least: Role,
    /// Permissions that allow it as well, and more than it.
    pub wider: &'static [&'static str],
    /// Permissions that together allow it as well, and no more; empty where there are none.
    pub instead: &'static [Role],
    /// The role of Exchange RBAC for Applications that allows it mailbox by mailbox, where there is one.
    pub exchange: Option<&'static str>,
    /// What fails without it, for the operator.
    pub fails: &'static str,
}

/// How what is granted compares with what is needed.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// What is not granted.
    pub missing: Vec<Need>,
    /// What is granted and not needed, by name; with the permissions that would do, where lesser ones would.
    pub excessive: Vec<(String, Vec<Role>)>,
}

impl Credential {
    /// What this application needs, each thing once.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = Vec::new();
        let more = [self.mail_tips.then_some(MAIL_TIPS), self.all_addresses.then_some(ALL_ADDRESSES)];
        let all = self.capabilities.iter().flat_map(|capability| of(*capability)).copied();
        for need in all.chain(more.into_iter().flatten()) {
            // Whoever may write may read.
            needs.retain(|known| !known.wider.contains(&need.least.name));
            let is_covered = |known: &Need| known.least == need.least || need.wider.contains(&known.least.name);
            if !needs.iter().any(is_covered) {
                needs.push(need);
            }
        }
        needs
    }

    /// Compares the roles that a token shows with what is needed. What Exchange grants mailbox by mailbox no token
    /// shows: where this application is scoped so, it lacks nothing that Exchange can grant, and each role of Graph's
    /// that does the same for all mailboxes is too much.
    #[must_use]
    pub fn compare<'a>(&self, granted: impl IntoIterator<Item = &'a str>) -> Comparison {
        let granted: BTreeSet<&str> = granted.into_iter().collect();
        let mut used = BTreeSet::new();
        let mut comparison = Comparison::default();
        for need in self.needs() {
            let by_exchange = self.rbac_scoped && need.exchange.is_some();
            let wider = need.wider.iter().find(|role| granted.contains(*role));
            let has_others = !need.instead.is_empty() && need.instead.iter().all(|role| granted.contains(role.name));
            match (granted.contains(need.least.name), wider) {
                _ if by_exchange => {}
                (true, _) => {
                    used.insert(need.least.name);
                }
                (false, _) if has_others => used.extend(need.instead.iter().map(|role| role.name)),
                (false, Some(wider)) => {
                    used.insert(wider);
                    match comparison.excessive.iter_mut().find(|(role, _)| role == wider) {
                        Some((_, lesser)) => lesser.push(need.least),
                        None => comparison.excessive.push(((*wider).to_owned(), vec![need.least])),
                    }
                }
                (false, None) => comparison.missing.push(need),
            }
        }
        comparison.excessive.extend(granted.difference(&used).map(|role| ((*role).to_owned(), Vec::new())));
        comparison
    }
}

/// What a capability needs.
#[must_use]
pub fn of(capability: Capability) -> &'static [Need] {
    match capability {
        Capability::FreeBusy => &[FREE_BUSY],
        Capability::CalendarRead => &[READ],
        Capability::CalendarWrite => &[WRITE],
        Capability::OutOfOfficeRead => &[SETTINGS],
        Capability::OutOfOfficeWrite => &[WRITE_SETTINGS],
        Capability::Directory => &[PLACES, MEMBERS, USERS],
    }
}

/// The name of a permission that something here needs, by its id.
#[must_use]
pub fn named(id: &str) -> Option<&'static str> {
    let all = Capability::ALL.into_iter().flat_map(of).chain([&MAIL_TIPS, &ALL_ADDRESSES]);
    let is_it = |role: &Role| role.id.is_some_and(|known| known.eq_ignore_ascii_case(id));
    all.flat_map(|need| need.instead.iter().copied().chain([need.least])).find(is_it).map(|role| role.name)
}

const FREE_BUSY: Need = Need {
    least: Role { name: "Calendars.ReadBasic.All", id: Some("8ba4a692-bc31-4128-9094-475872af8a53") },
    wider: &["Calendars.Read", "Calendars.ReadWrite"],
    instead: &[],
    exchange: Some("Application Calendars.Read"),
    fails: "free/busy look-ups (GetUserAvailability)",
};
const READ: Need = Need {
    least: Role { name: "Calendars.Read", id: Some("798ee544-9d2d-430c-a058-570e29e34338") },
    wider: &["Calendars.ReadWrite"],
    instead: &[],
    exchange: Some("Application Calendars.Read"),
    fails: "reading calendars (FindItem, GetItem, Subscribe), and details in free/busy",
};
const WRITE: Need = Need {
    least: Role { name: "Calendars.ReadWrite", id: Some("ef54d2bf-783f-4e0f-bca1-3210c0444d99") },
    wider: &[],
    instead: &[],
    exchange: Some("Application Calendars.ReadWrite"),
    fails: "writing to calendars (CreateItem, UpdateItem, DeleteItem)",
};
const SETTINGS: Need = Need {
    least: Role { name: "MailboxSettings.Read", id: Some("40f97065-369a-49f4-947c-6a255697ae91") },
    wider: &["MailboxSettings.ReadWrite"],
    instead: &[],
    exchange: Some("Application MailboxSettings.Read"),
    fails: "reading automatic replies (GetUserOofSettings, GetMailTips, the monitor)",
};
const WRITE_SETTINGS: Need = Need {
    least: Role { name: "MailboxSettings.ReadWrite", id: Some("6931bccd-447a-43d1-b442-00a195474933") },
    wider: &[],
    instead: &[],
    exchange: Some("Application MailboxSettings.ReadWrite"),
    fails: "setting automatic replies (SetUserOofSettings)",
};
const MAIL_TIPS: Need = Need {
    least: Role { name: "MailTips.ReadBasic.All", id: None },
    wider: &["Mail.Read", "Mail.ReadWrite"],
    instead: &[],
    exchange: None,
    fails: "Microsoft's own mail tips (GetMailTips)",
};
const PLACES: Need = Need {
    least: Role { name: "Place.Read.All", id: Some("913b9306-0ce1-42b8-9137-6a7df690a760") },
    wider: &["Place.ReadWrite.All"],
    instead: &[],
    exchange: None,
    fails: "rooms and room lists (GetRooms, GetRoomLists)",
};
const MEMBERS: Need = Need {
    least: Role { name: "GroupMember.Read.All", id: Some("98830695-27a2-44f7-8c18-0c3ebc9698f6") },
    wider: &[
        "GroupMember.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    instead: &[GROUP_BASIC, MEMBER_BASIC],
    exchange: None,
    fails: "members of groups (free/busy of a distribution list, groups in a policy)",
};
/// The newest and least for members, which tells nothing of the group itself; with the one below it does.
const MEMBER_BASIC: Role = Role { name: "GroupMember.ReadBasic.All", id: Some("8222c640-cae5-4860-8d11-b32cfad95e03") };
const GROUP_BASIC: Role = Role { name: "Group.ReadBasic.All", id: Some("07d67222-3a10-4d3b-9ddc-b8aa43198a00") };
const USERS: Need = Need {
    least: Role { name: "User.ReadBasic.All", id: Some("97235f07-e226-4f63-ace3-39588e11d3a1") },
    wider: &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    instead: &[],
    exchange: None,
    fails: "names and addresses of people (ResolveNames, members of groups)",
};
/// Instead of [`USERS`], where a policy denies mailboxes and must know all their addresses.
const ALL_ADDRESSES: Need = Need {
    least: Role { name: "User.Read.All", id: Some("df021288-bdef-4463-88db-98f22de89214") },
    wider: &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    instead: &[],
    exchange: None,
    fails: "knowing all addresses of people whom a policy denies",
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use secrecy::SecretString;

    use super::*;
    use crate::tenant::{Proof, Secret};

    fn credential(capabilities: &[Capability], rbac_scoped: bool) -> Credential {
        Credential {
            client_id: "app".to_owned(),
            proof: Proof::Secret(Secret::Kept(SecretString::from("s"))),
            secret_expires: None,
            capabilities: capabilities.to_vec(),
            rbac_scoped,
            mail_tips: false,
            all_addresses: false,
        }
    }

    fn compared(credential: &Credential, granted: &[&str]) -> (Vec<&'static str>, Vec<(String, Vec<&'static str>)>) {
        let Comparison { missing, excessive } = credential.compare(granted.iter().copied());
        let excessive =
            excessive.into_iter().map(|(role, lesser)| (role, lesser.iter().map(|role| role.name).collect())).collect();
        (missing.iter().map(|need| need.least.name).collect(), excessive)
    }

    #[test]
    fn grants_are_exact_missing_or_too_much() {
        let free_busy = credential(&[Capability::FreeBusy], false);
        assert_eq!(compared(&free_busy, &["Calendars.ReadBasic.All"]), (vec![], vec![]));
        assert_eq!(compared(&free_busy, &["User.Read.All"]).0, ["Calendars.ReadBasic.All"]);
        let wider = vec![("Calendars.ReadWrite".to_owned(), vec!["Calendars.ReadBasic.All"])];
        assert_eq!(compared(&free_busy, &["Calendars.ReadWrite"]), (vec![], wider));
        let both = compared(&free_busy, &["Calendars.ReadBasic.All", "Calendars.Read"]);
        assert_eq!(both, (vec![], vec![("Calendars.Read".to_owned(), vec![])]));
    }

    #[test]
    fn whoever_may_write_needs_no_role_for_reading() {
        let all = [Capability::CalendarWrite, Capability::FreeBusy, Capability::CalendarRead];
        assert_eq!(compared(&credential(&all, false), &["Calendars.ReadWrite"]), (vec![], vec![]));
        let all = [Capability::FreeBusy, Capability::CalendarRead, Capability::CalendarWrite];
        assert_eq!(compared(&credential(&all, false), &["Calendars.ReadWrite"]), (vec![], vec![]));
    }

    #[test]
    fn what_exchange_grants_must_not_be_granted_for_all_mailboxes_too() {
        let scoped = credential(&[Capability::FreeBusy, Capability::Directory], true);
        let (missing, excessive) = compared(&scoped, &["Calendars.ReadBasic.All", "Place.Read.All"]);
        assert_eq!(missing, ["GroupMember.Read.All", "User.ReadBasic.All"]);
        assert_eq!(excessive, [("Calendars.ReadBasic.All".to_owned(), vec![])]);
    }

    #[test]
    fn one_wide_role_for_several_needs_names_all_lesser_ones() {
        let directory = credential(&[Capability::Directory], false);
        let lesser = vec!["GroupMember.Read.All", "User.ReadBasic.All"];
        let (missing, excessive) = compared(&directory, &["Directory.Read.All", "Place.Read.All"]);
        assert_eq!((missing, excessive), (vec![], vec![("Directory.Read.All".to_owned(), lesser)]));
    }

    #[test]
    fn two_basic_roles_do_for_members_of_groups() {
        let directory = credential(&[Capability::Directory], false);
        let basic = ["GroupMember.ReadBasic.All", "Group.ReadBasic.All", "Place.Read.All", "User.ReadBasic.All"];
        assert_eq!(compared(&directory, &basic), (vec![], vec![]));
        let alone = ["GroupMember.ReadBasic.All", "Place.Read.All", "User.ReadBasic.All"];
        let surplus = vec![("GroupMember.ReadBasic.All".to_owned(), vec![])];
        assert_eq!(compared(&directory, &alone), (vec!["GroupMember.Read.All"], surplus));
        assert_eq!(named("8222C640-cae5-4860-8d11-b32cfad95e03"), Some("GroupMember.ReadBasic.All"));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "tests may ask where the schema lies")]
    fn ids_and_names_are_microsofts() {
        let beside = || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
        let shared = std::env::var_os("CALENDAR_RELAY_SHARED").map_or_else(beside, std::path::PathBuf::from);
        let Ok(text) = std::fs::read_to_string(shared.join("schemas/graph/graph-permissions-slice.json")) else {
            eprintln!("skipped: no graph-permissions-slice.json");
            return;
        };
        let slice: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(slice["resourceAppId"], GRAPH);
        let needs = Capability::ALL.into_iter().flat_map(of).chain([&MAIL_TIPS, &ALL_ADDRESSES]);
        for need in needs {
            for role in need.instead.iter().chain([&need.least]) {
                let theirs = slice["appRoles"].get(role.name);
                assert_eq!(theirs.map(|it| it["id"].as_str()), Some(role.id), "{}", role.name);
            }
            // The slice has the roles of calls that are made here.
            for wider in need.wider.iter().filter(|role| **role != "Mail.ReadWrite") {
                assert!(slice["appRoles"].get(*wider).is_some(), "{wider}");
            }
        }
    }
}
