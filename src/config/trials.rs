//! What the `check` keys of tenants and credentials mean: mailboxes that `calendar-relay check --online` tries.

use toml::Spanned;

use super::{Reader, raw};
use crate::calendar::Mailbox;
use crate::graph::Trial;

impl Reader<'_> {
    /// A trial for each credential; its own mailboxes come before its tenant's.
    pub(super) fn trials(&mut self, tenants: &[Spanned<raw::Tenant>]) -> Vec<Trial> {
        let mut trials = Vec::new();
        for tenant in tenants.iter().map(Spanned::get_ref) {
            let (allowed, forbidden) = self.tried(tenant.check.as_ref(), "tenants.check");
            for credential in tenant.credentials.iter().map(Spanned::get_ref) {
                let own = self.tried(credential.check.as_ref(), "tenants.credentials.check");
                trials.push(Trial {
                    tenant: tenant.name.clone(),
                    client_id: credential.client_id.clone(),
                    allowed: own.0.or_else(|| allowed.clone()),
                    forbidden: own.1.or_else(|| forbidden.clone()),
                });
            }
        }
        trials
    }

    fn tried(&mut self, raw: Option<&raw::Check>, key: &str) -> (Option<Mailbox>, Option<Mailbox>) {
        let Some(raw) = raw else { return (None, None) };
        let mut address = |text: &Option<Spanned<String>>| {
            let text = text.as_ref()?;
            let mailbox = Mailbox::parse(text.get_ref()).ok();
            if mailbox.is_none() {
                self.problems.add(text, key, "is no address");
            }
            mailbox
        };
        let (allowed, forbidden) = (address(&raw.allowed), address(&raw.forbidden));
        if let (Some(text), true) = (&raw.forbidden, allowed.is_some() && allowed == forbidden) {
            self.problems.add(text, key, "cannot be allowed and forbidden both");
        }
        (allowed, forbidden)
    }
}
