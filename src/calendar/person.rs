//! Whom a directory knows.

use super::Mailbox;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// Whoever has an address, also as an alias.
    Address(Mailbox),
    /// Whoever had a distinguished name in an Exchange organisation (`/o=…`), without prefix.
    LegacyName(String),
    /// Whose name or address begins like this.
    Beginning(String),
}

/// Somebody, or something, with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The display name.
    pub name: String,
    /// The main address.
    pub mailbox: Mailbox,
    /// What it is.
    pub kind: EntryKind,
    /// All proxy addresses that may be read, as they are written there: `SMTP:a@b`, `smtp:c@d`,
    /// `x500:/o=…`.
    pub proxies: Vec<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Office.
    pub office: Option<String>,
    /// Business phone.
    pub business_phone: Option<String>,
    /// Mobile phone.
    pub mobile_phone: Option<String>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A mailbox: of a person or a room.
    Mailbox,
    /// A group.
    Group,
    /// Somebody outside.
    Contact,
}
