//! Proofs that a policy was checked.

use std::sync::Arc;

use super::view::{Ceiling, View};
use crate::calendar::{Capability, Mailbox};

/// A mailbox that a client may use for a capability, and how much of it it sees; proof of the policy check.
#[derive(Clone, Debug)]
pub struct Permitted {
    mailbox: Mailbox,
    capability: Capability,
    view: Arc<View>,
}

/// A capability that a client has, where no single mailbox is concerned; proof of the check.
#[derive(Clone, Debug)]
pub struct Entitled {
    capability: Capability,
    /// Where it is not for all.
    tenants: Option<Arc<[String]>>,
}

impl Permitted {
    pub(super) fn new(mailbox: Mailbox, capability: Capability, view: Arc<View>) -> Self {
        Self { mailbox, capability, view }
    }

    /// The mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// What for.
    #[must_use]
    pub fn capability(&self) -> Capability {
        self.capability
    }

    /// How much is seen.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The most that may be seen of an item that is not private.
    #[must_use]
    pub fn ceiling(&self) -> Ceiling {
        self.view.ceiling
    }

    /// Whether anything besides times may be seen of some item.
    #[must_use]
    pub fn shows_details(&self) -> bool {
        self.ceiling() > Ceiling::Time
    }

    /// The most that may be seen of an item.
    #[must_use]
    pub fn ceiling_of(&self, is_private: bool) -> Ceiling {
        self.view.ceiling_of(is_private)
    }
}

impl Entitled {
    pub(super) fn new(capability: Capability, tenants: Option<Arc<[String]>>) -> Self {
        Self { capability, tenants }
    }

    /// What for.
    #[must_use]
    pub fn capability(&self) -> Capability {
        self.capability
    }

    /// Whether the client is for a tenant, by its name in the configuration: nobody is asked for it in another.
    #[must_use]
    pub fn is_for(&self, tenant: &str) -> bool {
        self.tenants.as_ref().is_none_or(|tenants| tenants.iter().any(|name| name == tenant))
    }
}
