//! The tenant's applications: a small one for each part, or one for everything.
//!
//! Owns how capabilities are divided. Must not know how anything is written.

use std::path::PathBuf;

use url::Url;

use super::flags::Kind;
use crate::calendar::Capability;
use crate::commands::placeholder;
use crate::tenant::permissions::Role;
use crate::tenant::{Certificate, Credential, Proof, Secret};

/// One application.
#[derive(Debug)]
pub(super) struct Application {
    /// What files and flags call it.
    pub(super) name: &'static str,
    /// As the configuration describes it.
    pub(super) credential: Credential,
}

/// How all of them prove who they are.
#[derive(Clone, Debug)]
pub(super) enum Means {
    Secrets,
    Certificate { certificate: PathBuf, private_key: PathBuf },
    FederatedToken(PathBuf),
    ManagedIdentity,
}

/// What is to be divided.
pub(super) struct Plan<'a> {
    pub(super) capabilities: &'a [Capability],
    pub(super) mail_tips: bool,
    pub(super) all_addresses: bool,
    pub(super) single: bool,
    pub(super) rbac: bool,
    pub(super) means: &'a Means,
}

/// The applications of a plan, without their ids.
pub(super) fn divide(plan: &Plan<'_>) -> Vec<Application> {
    let groups: &[(&'static str, &[Capability])] = if plan.single { &[("gateway", &Capability::ALL)] } else { &SMALL };
    let mut applications: Vec<Application> = groups
        .iter()
        .map(|(name, group)| (*name, group.iter().copied().filter(|it| plan.capabilities.contains(it)).collect()))
        .filter(|(_, capabilities): &(_, Vec<Capability>)| !capabilities.is_empty())
        .map(|(name, capabilities)| Application::new(name, capabilities, plan))
        .collect();
    if plan.mail_tips {
        // An application of its own: where others are limited by Exchange, it cannot be.
        let mut tips = Application::new("mail-tips", Vec::new(), plan);
        tips.credential.mail_tips = true;
        applications.push(tips);
    }
    if plan.all_addresses {
        // What it may read is more than names need.
        let mut addresses = Application::new("addresses", Vec::new(), plan);
        addresses.credential.all_addresses = true;
        applications.push(addresses);
    }
    applications
}

impl Application {
    fn new(name: &'static str, capabilities: Vec<Capability>, plan: &Plan<'_>) -> Self {
        let mut credential = Credential {
            client_id: placeholder::ID.to_owned(),
            proof: plan.means.proof(name),
            secret_expires: None,
            capabilities,
            rbac_scoped: false,
            mail_tips: false,
            all_addresses: false,
        };
        credential.rbac_scoped = plan.rbac && credential.needs().iter().any(|need| need.exchange.is_some());
        Self { name, credential }
    }

    /// Whether its id is known.
    pub(super) fn is_known(&self) -> bool {
        self.credential.client_id != placeholder::ID
    }

    /// The name of its manifest.
    pub(super) fn manifest_file(&self) -> String {
        format!("entra-manifest-{}.json", self.name)
    }

    /// The permissions of Graph that it must be granted for the whole tenant.
    pub(super) fn roles(&self) -> Vec<Role> {
        let by_exchange = self.credential.rbac_scoped;
        let needs = self.credential.needs().into_iter();
        needs.filter(|need| !by_exchange || need.exchange.is_none()).map(|need| need.least).collect()
    }

    /// The roles of Exchange that it must be assigned for some mailboxes.
    pub(super) fn exchange_roles(&self) -> Vec<&'static str> {
        if !self.credential.rbac_scoped {
            return Vec::new();
        }
        let mut roles: Vec<&str> = self.credential.needs().iter().filter_map(|need| need.exchange).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

impl Means {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Secrets => Kind::Secret,
            Self::Certificate { .. } => Kind::Certificate,
            Self::FederatedToken(_) => Kind::FederatedToken,
            Self::ManagedIdentity => Kind::ManagedIdentity,
        }
    }

    fn proof(&self, name: &str) -> Proof {
        match self {
            Self::Secrets => Proof::Secret(Secret::File(PathBuf::from(format!("secrets/entra-{name}")))),
            Self::Certificate { certificate, private_key } => Proof::Certificates(vec![Certificate::Pem {
                certificate: certificate.clone(),
                private_key: private_key.clone(),
            }]),
            Self::FederatedToken(path) => Proof::FederatedToken(path.clone()),
            Self::ManagedIdentity => Proof::ManagedIdentity {
                endpoint: Url::parse("http://169.254.169.254/").unwrap_or_else(|_| unreachable!("a constant URL")),
            },
        }
    }
}

/// All names that applications may have.
pub(super) const NAMES: [&str; 9] = [
    "free-busy",
    "calendar-read",
    "calendar-write",
    "out-of-office-read",
    "out-of-office-write",
    "directory",
    "mail-tips",
    "addresses",
    "gateway",
];

/// Whoever only reads does not write: an application for each.
const SMALL: [(&str, &[Capability]); 6] = [
    ("free-busy", &[Capability::FreeBusy]),
    ("calendar-read", &[Capability::CalendarRead]),
    ("calendar-write", &[Capability::CalendarWrite]),
    ("out-of-office-read", &[Capability::OutOfOfficeRead]),
    ("out-of-office-write", &[Capability::OutOfOfficeWrite]),
    ("directory", &[Capability::Directory]),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn divided(single: bool, rbac: bool) -> Vec<Application> {
        divide(&Plan {
            capabilities: &Capability::ALL,
            mail_tips: true,
            all_addresses: true,
            single,
            rbac,
            means: &Means::ManagedIdentity,
        })
    }

    #[test]
    fn everything_is_served_once() {
        for (single, count) in [(false, 8), (true, 3)] {
            let applications = divided(single, false);
            assert_eq!(applications.len(), count);
            let served: Vec<_> = applications.iter().flat_map(|it| &it.credential.capabilities).copied().collect();
            assert_eq!(served, Capability::ALL);
            assert!(applications.iter().all(|it| NAMES.contains(&it.name) && !it.is_known()));
        }
    }

    #[test]
    fn what_exchange_grants_is_not_granted_by_graph_too() {
        let applications = divided(false, true);
        let names = |it: &Application| it.roles().iter().map(|role| role.name).collect::<Vec<_>>();
        let told: Vec<_> = applications.iter().map(|it| (it.name, names(it), it.exchange_roles())).collect();
        let expected = [
            ("free-busy", vec![], vec!["Application Calendars.Read"]),
            ("calendar-read", vec![], vec!["Application Calendars.Read"]),
            ("calendar-write", vec![], vec!["Application Calendars.ReadWrite"]),
            ("out-of-office-read", vec![], vec!["Application MailboxSettings.Read"]),
            ("out-of-office-write", vec![], vec!["Application MailboxSettings.ReadWrite"]),
            ("directory", vec!["Place.Read.All", "GroupMember.Read.All", "User.ReadBasic.All"], vec![]),
            ("mail-tips", vec!["MailTips.ReadBasic.All"], vec![]),
            ("addresses", vec!["User.Read.All"], vec![]),
        ];
        assert_eq!(told, expected);
        assert!(applications.iter().all(|it| it.credential.rbac_scoped != it.exchange_roles().is_empty()));
    }
}
