//! What a token shows to be granted beside what is needed, in words for operators.
//!
//! Owns the words and the remedies. The table of permissions is `tenant::permissions`; must not know how tokens are had.

use crate::tenant::Credential;

/// How what a credential is granted compares with what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// What is not granted.
    pub missing: Vec<Grant>,
    /// What is granted and not needed.
    pub excessive: Vec<Grant>,
}

/// A permission that is missing, or too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub permission: String,
    /// What that means.
    pub meaning: String,
    /// What to do about it.
    pub remedy: String,
}

impl Grants {
    /// Whether exactly what is needed is granted.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.missing.is_empty() && self.excessive.is_empty()
    }

    /// What to do, in one line.
    #[must_use]
    pub fn remedies(&self) -> String {
        let all: Vec<&str> = self.missing.iter().chain(&self.excessive).map(|grant| grant.remedy.as_str()).collect();
        all.join("; ")
    }

    /// Compares the roles that a token shows.
    pub(super) fn of(credential: &Credential, roles: &[String]) -> Self {
        let comparison = credential.compare(roles.iter().map(String::as_str));
        let missing = comparison.missing.into_iter().map(|need| {
            let permission = need.least.name.to_owned();
            let meaning = format!("{permission} is not granted: {} will fail", need.fails);
            let remedy = format!(
                "grant application {} the application permission {permission} of Microsoft Graph, with admin consent",
                credential.client_id
            );
            Grant { permission, meaning, remedy }
        });
        let excessive = comparison.excessive.into_iter().map(|(permission, lesser)| {
            let names: Vec<&str> = lesser.iter().map(|role| role.name).collect();
            let names = names.join(" and ");
            let (meaning, remedy) = match lesser.as_slice() {
                [_, ..] => (
                    format!("over-privileged: holds {permission} where {names} would do"),
                    format!("grant {names} instead, then remove the consent to {permission}"),
                ),
                [] if is_exchange(credential, &permission) => (
                    format!("over-privileged: {permission} holds for all mailboxes, beside the scope in Exchange"),
                    format!("remove the consent to {permission} in Entra: Exchange grants it, mailbox by mailbox"),
                ),
                [] => (
                    format!("over-privileged: holds {permission}, which nothing that it serves needs"),
                    format!("remove the consent to {permission}"),
                ),
            };
            Grant { permission, meaning, remedy }
        });
        Self { missing: missing.collect(), excessive: excessive.collect() }
    }
}

impl Grant {
    /// The permissions' names, in one line.
    #[must_use]
    pub fn names(grants: &[Self]) -> String {
        let names: Vec<&str> = grants.iter().map(|grant| grant.permission.as_str()).collect();
        names.join(", ")
    }
}

/// Whether Exchange grants for some mailboxes what this permission grants for all.
fn is_exchange(credential: &Credential, permission: &str) -> bool {
    let by_exchange = credential.needs().into_iter().filter(|need| need.exchange.is_some());
    let mut allows = by_exchange.filter(|need| need.least.name == permission || need.wider.contains(&permission));
    credential.rbac_scoped && allows.next().is_some()
}
