//! Policies that forbid, each with a client of its own.

use calendar_relay::calendar::Capability;
use calendar_relay::commands::credentials::sha256;

use super::rows::{Cell, Row, Told};
use super::world::{DENIED, NINA, PERMITTED};
use crate::harness::SECRET;
use crate::matrix::Way;

/// A file with those whom all clients may use.
pub(super) const ROSTER: &str = "roster.txt";

/// A client that may not do something.
pub(super) struct Policy {
    pub(super) client: String,
    /// Its keys in the configuration.
    keys: String,
    forbids: Forbids,
    has_own_mailbox: bool,
}

/// What a policy forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forbids {
    /// A capability, in all mailboxes.
    Capability(Capability),
    /// The hidden mailbox, for everything.
    Mailbox,
    /// The whole tenant, for everything.
    Tenant,
    /// To change anything.
    Changes,
}

impl Policy {
    fn new(client: &str, forbids: Forbids, keys: String) -> Self {
        Self { client: client.to_owned(), keys, forbids, has_own_mailbox: false }
    }

    /// Without one capability, in whichever mailboxes; one client for each.
    pub(super) fn without_a_capability() -> Vec<Self> {
        let without = |missing: Capability| {
            let others = Capability::ALL.into_iter().filter(|capability| *capability != missing);
            let keys = keys(others, &["\"*@contoso.example\"", "\"*@elsewhere.example\""], "");
            Self::new(&format!("without-{}", missing.name()), Forbids::Capability(missing), keys)
        };
        Capability::ALL.into_iter().map(without).collect()
    }

    /// For other mailboxes alone, without a mailbox of its own and with one.
    pub(super) fn for_others() -> Vec<Self> {
        let keys = |more: &str| keys(Capability::ALL.into_iter(), &permitted(), more);
        let own = format!("mailbox = \"{NINA}\"");
        vec![
            Self::new("others", Forbids::Mailbox, keys("")),
            Self { has_own_mailbox: true, ..Self::new("own", Forbids::Mailbox, keys(&own)) },
        ]
    }

    /// For everybody but those on a list, which names each by the main address alone.
    pub(super) fn deny_list() -> Vec<Self> {
        let mut mailboxes = permitted();
        mailboxes.push("\"*@contoso.example\"".to_owned());
        let more = format!("deny = [{}]", quoted(&DENIED).join(", "));
        vec![Self::new("denied", Forbids::Mailbox, keys(Capability::ALL.into_iter(), &mailboxes, &more))]
    }

    /// For the members of a group which the hidden mailbox is not in.
    pub(super) fn group() -> Vec<Self> {
        let mut mailboxes = permitted();
        mailboxes.push("{ group = \"team@contoso.example\" }".to_owned());
        vec![Self::new("group", Forbids::Mailbox, keys(Capability::ALL.into_iter(), &mailboxes, ""))]
    }

    /// For the rooms of a list which the hidden mailbox is not in.
    pub(super) fn room_list() -> Vec<Self> {
        let mut mailboxes = permitted();
        mailboxes.push("{ room_list = \"room-list@contoso.example\" }".to_owned());
        vec![Self::new("rooms", Forbids::Mailbox, keys(Capability::ALL.into_iter(), &mailboxes, ""))]
    }

    /// For those in a file, in which the hidden mailbox is not.
    pub(super) fn file() -> Vec<Self> {
        let mailboxes = [format!("{{ file = \"{ROSTER}\" }}")];
        vec![Self::new("file", Forbids::Mailbox, keys(Capability::ALL.into_iter(), &mailboxes, ""))]
    }

    /// For another tenant's mailboxes, be the patterns as wide as they may.
    pub(super) fn another_tenant() -> Vec<Self> {
        let keys = keys(Capability::ALL.into_iter(), &["\"*\""], "tenants = [\"fabrikam\"]");
        vec![Self::new("another-tenant", Forbids::Tenant, keys)]
    }

    /// For looking alone, at all hours.
    pub(super) fn read_only() -> Vec<Self> {
        let hours = "read_only_hours = { from = \"00:00\", to = \"00:00\", time_zone = \"UTC\" }";
        let keys = keys(Capability::ALL.into_iter(), &["\"*@contoso.example\""], hours);
        vec![Self::new("read-only", Forbids::Changes, keys)]
    }

    /// `[[clients]]` in the configuration.
    pub(super) fn text(&self) -> String {
        format!(
            "[[clients]]\nid = \"{}\"\nsecrets_sha256 = [\"{}\"]\nceiling = \"full\"\nrequests_per_second = 100000\n\
             burst = 100000\n{}\n",
            self.client,
            sha256(SECRET),
            self.keys
        )
    }

    /// Whether it forbids something that an operation takes when it names a mailbox in some way.
    pub(super) fn concerns(&self, row: &Row, cell: &Cell) -> bool {
        match self.forbids {
            Forbids::Capability(capability) => row.capability == Some(capability),
            Forbids::Mailbox => true,
            // Where nobody else is named, who would be denied as well.
            Forbids::Tenant => !matches!(cell.denied, Told::Codes(_)),
            Forbids::Changes => row.capability.is_some_and(Capability::changes),
        }
    }

    /// What its client is told.
    pub(super) fn expects(&self, row: &Row, cell: &Cell) -> Told {
        match self.forbids {
            // Nobody but its own tenant is asked, which has no application for its directory.
            Forbids::Tenant if matches!(cell.way, Way::Name | Way::LegacyName) => Told::Each("ErrorAccessDenied"),
            Forbids::Tenant => cell.denied,
            Forbids::Mailbox => cell.with_own.filter(|_| self.has_own_mailbox).unwrap_or(cell.denied),
            Forbids::Capability(_) => row.missing.unwrap_or(match cell.denied {
                // The one beside is forbidden too.
                Told::Codes([.., code]) => Told::Each(code),
                told => told,
            }),
            // What its client sees anyway need not look as if it were not there.
            Forbids::Changes => Told::Each("ErrorAccessDenied"),
        }
    }

    /// Whether nobody must learn by the client that there is such a mailbox, or such an item in it.
    pub(super) fn hides(&self, cell: &Cell) -> bool {
        self.forbids != Forbids::Changes || !cell.way.is_by_id()
    }
}

fn keys(capabilities: impl Iterator<Item = Capability>, mailboxes: &[impl AsRef<str>], more: &str) -> String {
    let capabilities: Vec<String> = capabilities.map(|capability| format!("\"{}\"", capability.name())).collect();
    let mailboxes: Vec<&str> = mailboxes.iter().map(AsRef::as_ref).collect();
    format!("capabilities = [{}]\nmailboxes = [{}]\n{more}", capabilities.join(", "), mailboxes.join(", "))
}

fn permitted() -> Vec<String> {
    quoted(&PERMITTED)
}

fn quoted(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| format!("\"{address}\"")).collect()
}
