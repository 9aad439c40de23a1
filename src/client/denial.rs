//! Why a policy does not allow something.

use crate::failure::Failure;

/// Why a policy does not allow something. Callers are told no more than that it is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// No grant names the capability.
    Capability,
    /// No grant for the capability names the mailbox.
    Mailbox,
    /// The deny list names the mailbox, by this address or another of its own.
    DenyList,
    /// The mailbox is of a tenant that the client is not for.
    Tenant,
    /// Nothing may be changed at this hour.
    ReadOnlyHours,
    /// Who is in a group, or which addresses a denied mailbox has, is not known yet.
    NotKnownYet,
}

impl Denial {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Capability, Self::Mailbox, Self::DenyList, Self::Tenant, Self::ReadOnlyHours, Self::NotKnownYet];

    /// Its name in metrics and in the audit log.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Capability => "capability",
            Self::Mailbox => "mailbox",
            Self::DenyList => "deny_list",
            Self::Tenant => "tenant",
            Self::ReadOnlyHours => "read_only_hours",
            Self::NotKnownYet => "not_known_yet",
        }
    }
}

impl From<Denial> for Failure {
    fn from(_: Denial) -> Self {
        Self::Denied
    }
}
