//! Which application permissions each call needs: one table, after Microsoft's permission tables.
//! Knows roles and calls, nothing of tokens or HTTP. <https://learn.microsoft.com/graph/permissions-reference>

use wildmatch::WildMatch;

use super::error::Refusal;
use super::route::Call;
use super::world::Application;

const READ_BASIC: &[&str] = &["Calendars.ReadBasic.All", "Calendars.Read", "Calendars.ReadWrite"];
const READ: &[&str] = &["Calendars.Read", "Calendars.ReadWrite"];
const WRITE: &[&str] = &["Calendars.ReadWrite"];
const SETTINGS: &[&str] = &["MailboxSettings.Read", "MailboxSettings.ReadWrite"];
const WRITE_SETTINGS: &[&str] = &["MailboxSettings.ReadWrite"];
const MAIL_TIPS: &[&str] = &["MailTips.ReadBasic.All", "Mail.Read"];
const USERS: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "User.ReadWrite.CrossCloud",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const CONTACTS: &[&str] = &["OrgContact.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Group.ManageProtection.All",
    "GroupMember.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
];
const PLACES: &[&str] = &["Place.Read.All", "Place.ReadWrite.All"];

/// The roles any one of which lets a call through; empty where a valid token is enough.
pub(super) fn needed(call: Call) -> &'static [&'static str] {
    match call {
        Call::GetSchedule | Call::CalendarView | Call::ListEvents | Call::GetEvent | Call::ListInstances => READ_BASIC,
        Call::CalendarViewDelta => READ,
        Call::CreateEvent | Call::UpdateEvent | Call::DeleteEvent | Call::RespondToEvent => WRITE,
        Call::GetMailboxSettings => SETTINGS,
        Call::UpdateMailboxSettings => WRITE_SETTINGS,
        Call::GetMailTips => MAIL_TIPS,
        Call::ListUsers | Call::GetUser => USERS,
        Call::ListContacts => CONTACTS,
        Call::ListGroups | Call::GetGroup => GROUPS,
        Call::ListMembers | Call::ListTransitiveMembers => MEMBERS,
        Call::ListRooms | Call::ListRoomLists | Call::ListRoomsOfList => PLACES,
        // What is subscribed to decides.
        Call::ListSubscriptions
        | Call::CreateSubscription
        | Call::GetSubscription
        | Call::UpdateSubscription
        | Call::DeleteSubscription
        | Call::ReauthorizeSubscription => &[],
        Call::Batch | Call::Token | Call::Unknown => &[],
    }
}

/// Whether a call is about a mailbox, and so open to Exchange RBAC.
pub(super) fn is_exchange(call: Call) -> bool {
    // Mailbox settings and mail tips are mail, too.
    needed(call).iter().any(|role| role.starts_with("Calendars.") || role.starts_with("Mail"))
}

/// What an application may do: the roles of its token, and those that Exchange grants over some mailboxes.
pub(super) struct Grants<'a> {
    pub(super) roles: &'a [String],
    pub(super) application: &'a Application,
}

impl Grants<'_> {
    /// Checks a call. `mailbox` is the primary address that the call is about, where there is one.
    pub(super) fn check(&self, call: Call, mailbox: Option<&str>) -> Result<(), Refusal> {
        let needed = needed(call);
        if needed.is_empty() || self.has_one_of(needed) {
            return Ok(());
        }
        if !is_exchange(call) {
            return Err(Refusal::new(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
            ));
        }
        match mailbox {
            Some(mailbox) if self.reaches(mailbox, needed) => Ok(()),
            Some(_) | None => Err(Refusal::access_denied()),
        }
    }

    /// Whether getSchedule may show a target's calendar.
    pub(super) fn sees_target(&self, mailbox: &str) -> bool {
        !self.application.rbac_checks_targets || self.has_one_of(READ_BASIC) || self.reaches(mailbox, READ_BASIC)
    }

    /// Whether the body of events stays hidden.
    pub(super) fn is_basic(&self, mailbox: &str) -> bool {
        !self.has_one_of(READ) && !self.reaches(mailbox, READ)
    }

    /// Whether directory objects show more than their ids.
    pub(super) fn reads_users(&self) -> bool {
        self.has_one_of(USERS)
    }

    /// Whether users show more than their basic profile.
    pub(super) fn reads_full_users(&self) -> bool {
        self.roles.iter().any(|role| USERS.contains(&role.as_str()) && role != "User.ReadBasic.All")
    }

    fn has_one_of(&self, wanted: &[&str]) -> bool {
        self.roles.iter().any(|role| wanted.contains(&role.as_str()))
    }

    fn reaches(&self, mailbox: &str, wanted: &[&str]) -> bool {
        let mailbox = mailbox.to_lowercase();
        self.application.rbac.iter().any(|grant| {
            let role = grant.role.strip_prefix("Application ").unwrap_or(&grant.role);
            let within = |pattern: &String| WildMatch::new(&pattern.to_lowercase()).matches(&mailbox);
            wanted.contains(&role) && grant.mailboxes.iter().any(within)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn application(json: &str) -> Application {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rbac_adds_mailboxes_but_never_the_directory() {
        let application = application(
            r#"{"name":"r","client_id":"c","client_secret":"s",
                "rbac":[{"role":"Application Calendars.Read","mailboxes":["room-*@t.example"]}]}"#,
        );
        let grants = Grants { roles: &[], application: &application };
        assert!(grants.check(Call::CalendarView, Some("Room-1@t.example")).is_ok());
        let refused = grants.check(Call::CalendarView, Some("anna@t.example")).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (403, "ErrorAccessDenied"));
        assert!(grants.check(Call::CreateEvent, Some("room-1@t.example")).is_err());
        let refused = grants.check(Call::ListUsers, None).unwrap_err();
        assert_eq!(refused.code, "Authorization_RequestDenied");
    }

    #[test]
    fn basic_readers_see_no_bodies() {
        let application = application(r#"{"name":"b","client_id":"c","client_secret":"s"}"#);
        let roles = ["Calendars.ReadBasic.All".to_owned()];
        let grants = Grants { roles: &roles, application: &application };
        assert!(grants.check(Call::GetEvent, Some("a@t.example")).is_ok());
        assert!(grants.is_basic("a@t.example"));
    }
}
