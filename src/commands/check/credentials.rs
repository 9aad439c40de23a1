//! Credentials that cannot be used as they are written, or never are.
//!
//! Owns what is told of them without asking Microsoft.

use secrecy::ExposeSecret;

use crate::calendar::Capability;
use crate::commands::placeholder;
use crate::graph::{Finding, Sheet, Verdict};
use crate::tenant::{Credential, Proof, Secret, Tenant};

/// What there is to tell of a tenant's credentials.
pub(super) fn findings(tenant: &Tenant) -> Vec<Finding> {
    let each = tenant.credentials.iter().enumerate();
    each.flat_map(|(place, credential)| {
        let mut sheet = Sheet::of(format!("{} / {}", tenant.name, credential.client_id));
        placeholders(credential, &mut sheet);
        idle(tenant, place, credential, &mut sheet);
        sheet.findings()
    })
    .collect()
}

fn placeholders(credential: &Credential, sheet: &mut Sheet) {
    let mut warn = |text, remedy: &str| {
        sheet.note("placeholder", Verdict::Warning, text, Some(remedy.to_owned()));
    };
    if credential.client_id == placeholder::ID {
        warn("its id is still to be written", "register the application, and write its application (client) id");
    }
    let is_placeholder = match &credential.proof {
        // One that cannot be read is told of where it is used.
        Proof::Secret(Secret::File(path)) => {
            std::fs::read_to_string(path).is_ok_and(|text| placeholder::is_secret(&text))
        }
        Proof::Secret(Secret::Kept(secret)) => placeholder::is_secret(secret.expose_secret()),
        Proof::Certificates(_) | Proof::FederatedToken(_) | Proof::ManagedIdentity { .. } => false,
    };
    if is_placeholder {
        warn("its secret is still to be written", "write the value of the application's client secret into its file");
    }
}

/// Tells of a credential that nothing is asked with, because others are narrower.
fn idle(tenant: &Tenant, place: usize, credential: &Credential, sheet: &mut Sheet) {
    let serving = |capability: &Capability| {
        let narrower = tenant.credential(*capability).map(|(place, _)| place);
        // Groups are looked into with one that can tell all addresses, where there is one.
        let is_members = *capability == Capability::Directory && tenant.members() == Some(place);
        (capability.name(), if is_members { Some(place) } else { narrower })
    };
    let mut duties: Vec<(&str, Option<usize>)> = credential.capabilities.iter().map(serving).collect();
    duties.extend(credential.mail_tips.then(|| ("mail_tips", tenant.mail_tips())));
    duties.extend(credential.all_addresses.then(|| ("all_addresses", tenant.all_addresses())));
    if duties.is_empty() || duties.iter().any(|(_, serving)| *serving == Some(place)) {
        return;
    }
    for (duty, serving) in duties {
        let Some(narrower) = serving.and_then(|place| tenant.credentials.get(place)) else { continue };
        let text = format!("is never used for {duty}, because {} is narrower", narrower.client_id);
        let remedy = "take it out, or take out what the other need not serve".to_owned();
        sheet.note("credential_unused", Verdict::Warning, text, Some(remedy));
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::tenant::{Cloud, Limits};

    fn credential(client_id: &str, secret: &str, capabilities: &[Capability]) -> Credential {
        Credential {
            client_id: client_id.to_owned(),
            proof: Proof::Secret(Secret::Kept(SecretString::from(secret))),
            secret_expires: None,
            capabilities: capabilities.to_vec(),
            rbac_scoped: false,
            mail_tips: false,
            all_addresses: false,
        }
    }

    #[track_caller]
    fn told(credentials: Vec<Credential>) -> Vec<String> {
        let cloud = Cloud::named("global").unwrap_or_else(|| unreachable!("a known cloud"));
        let (name, id) = ("t".to_owned(), "i".to_owned());
        let tenant =
            Tenant { name, id, cloud, domains: Vec::new(), is_default: false, limits: Limits::default(), credentials };
        findings(&tenant).iter().map(|it| format!("{}: {}: {}", it.subject, it.check, it.text)).collect()
    }

    #[test]
    fn what_setup_left_open_is_told() {
        let secret = placeholder::secret("free-busy") + "\n";
        let open = credential(placeholder::ID, &secret, &[Capability::FreeBusy]);
        let checks: Vec<String> = told(vec![open]);
        assert_eq!(checks.len(), 2, "{checks:?}");
        assert!(checks.iter().all(|it| it.contains("placeholder: its ")), "{checks:?}");
        assert!(told(vec![credential("a", "s", &[Capability::FreeBusy])]).is_empty());
    }

    #[test]
    fn a_credential_that_never_serves_is_told_with_the_narrower_one() {
        let wide = || credential("wide", "s", &[Capability::FreeBusy, Capability::CalendarWrite]);
        let narrow = || credential("narrow", "s", &[Capability::FreeBusy]);
        assert!(told(vec![wide(), narrow()]).is_empty(), "it still writes");
        let writer = credential("writer", "s", &[Capability::CalendarWrite]);
        let expected = ["free_busy", "calendar_write"].map(|duty| {
            let narrower = if duty == "free_busy" { "narrow" } else { "writer" };
            format!("t / wide: credential_unused: is never used for {duty}, because {narrower} is narrower")
        });
        assert_eq!(told(vec![wide(), narrow(), writer]), expected);
        let addresses = Credential { all_addresses: true, ..credential("all", "s", &[Capability::Directory]) };
        let basic = credential("basic", "s", &[Capability::Directory]);
        assert!(told(vec![basic, addresses]).is_empty(), "it looks into groups");
    }
}
