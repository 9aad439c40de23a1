//! Which tenant and which application would be asked, and what that application needs for it.

use serde_json::{Value, json};

use crate::calendar::domains::Domains;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, View};
use crate::tenant::{Credential, Proof, Tenant, permissions};

/// Who would be asked.
#[derive(Debug, Default)]
pub(super) struct Serving {
    tenant: Option<String>,
    application: Option<Application>,
    /// The one that reads what is beyond times.
    details: Option<Application>,
    /// Without it nobody is asked for a mailbox.
    is_asked: bool,
}

/// Why nobody would be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The mailbox is in no tenant's domain.
    Tenant,
    /// Its tenant has no credential for the capability.
    Credential,
}

#[derive(Debug)]
struct Application {
    client_id: String,
    proof: &'static str,
    needs: Vec<&'static str>,
}

impl Serving {
    pub(super) fn of(tenants: &[Tenant], mailbox: &Mailbox, capability: Option<Capability>) -> Self {
        let Some(capability) = capability else { return Self::default() };
        let mut domains = Domains::default();
        for (place, tenant) in tenants.iter().enumerate() {
            for domain in &tenant.domains {
                // A checked configuration lists each once.
                let _ = domains.insert(domain, place);
            }
        }
        let tenant = domains.find(mailbox).and_then(|place| tenants.get(*place));
        let application = |capability| {
            let (_, credential) = tenant?.credential(capability)?;
            Some(Application::of(credential, capability))
        };
        let details = (capability == Capability::FreeBusy).then_some(Capability::CalendarRead);
        Self {
            tenant: tenant.map(|tenant| tenant.name.clone()),
            application: application(capability),
            details: details.and_then(application),
            is_asked: true,
        }
    }

    /// Why nobody would be asked, where somebody should be.
    pub(super) fn lack(&self) -> Option<Lack> {
        match (&self.tenant, &self.application) {
            (None, _) if self.is_asked => Some(Lack::Tenant),
            (Some(_), None) => Some(Lack::Credential),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }

    pub(super) fn sentences(&self, view: Option<&View>) -> Vec<String> {
        if !self.is_asked {
            return Vec::new();
        }
        let Some(tenant) = &self.tenant else {
            return vec!["The address is in no tenant's domain: nobody is asked, and it is unknown.".to_owned()];
        };
        let Some(application) = &self.application else {
            return vec![format!(
                "Tenant {tenant} has no credential for this capability: nobody is asked, and it is denied."
            )];
        };
        let needs = application.needs.join(", ");
        let mut sentences = vec![format!(
            "Tenant {tenant} would be asked with the application {} ({}), which needs {needs}.",
            application.client_id, application.proof
        )];
        if let (Some(details), true) = (&self.details, view.is_some_and(|view| view.ceiling > Ceiling::Time)) {
            let (id, needs) = (&details.client_id, details.needs.join(", "));
            sentences.push(format!("What is beyond times is read with the application {id}, which needs {needs}."));
        }
        sentences
    }

    pub(super) fn json(&self) -> Value {
        let application = self.application.as_ref().map(|application| {
            json!({
                "client_id": application.client_id, "proof": application.proof, "permissions": application.needs,
            })
        });
        json!({ "tenant": self.tenant, "credential": application })
    }
}

impl Application {
    fn of(credential: &Credential, capability: Capability) -> Self {
        let name = |need: &permissions::Need| match need.exchange {
            Some(role) if credential.rbac_scoped => role,
            _ => need.least.name,
        };
        Self {
            client_id: credential.client_id.clone(),
            proof: match credential.proof {
                Proof::Secret(_) => "secret",
                Proof::Certificates(_) => "certificate",
                Proof::FederatedToken(_) => "federated token",
                Proof::ManagedIdentity { .. } => "managed identity",
            },
            needs: permissions::of(capability).iter().map(name).collect(),
        }
    }
}
