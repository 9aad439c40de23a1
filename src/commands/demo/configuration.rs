//! The configuration of a demonstration, in the form that operators write.
//!
//! Owns which of the world's applications serves what. Must not know what is tried with it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::super::Trouble;
use super::super::certificate::Made;
use super::clients::Clients;
use crate::simulator::{Application, Tenant};

/// Where clients connect, and where operators look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listens {
    pub(super) gateway: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// The configuration of a demonstration.
pub(super) fn configuration(
    listens: Listens,
    certificates: &Made,
    simulator: &str,
    tenants: &[Tenant],
    clients: &Clients,
) -> Result<String, Trouble> {
    let mut text = String::new();
    writeln!(
        text,
        "[server]\nlisten = \"{}\"\npublic_url = \"https://localhost:{}\"\ncertificate = {:?}\nprivate_key = {:?}\n\
         [admin]\nlisten = \"{}\"\n[limits]\nconnections = 10000\nconnections_per_address = 10000\ndrain_delay = \"0s\"\n[cache]\nlifetime = \"5s\"\n[store]\npath = \":memory:\"\n[tokens]\nkeys = [{{ id = \"demo\", secret = {{ env = \"{SIGNING_KEY}\" }} }}]\n\
         {}",
        listens.gateway,
        listens.gateway.port(),
        certificates.files.certificate,
        certificates.files.private_key,
        listens.admin,
        clients.configuration(),
    )?;
    for tenant in tenants {
        writeln!(
            text,
            "[[tenants]]\nname = {:?}\nid = {:?}\nlogin_url = \"{simulator}/\"\ngraph_url = \"{simulator}/\"\ndomains = {:?}",
            tenant.name, tenant.id, tenant.domains
        )?;
        for (capability, roles) in NEEDS {
            if let Some(application) = narrowest(tenant, roles) {
                writeln!(
                    text,
                    "[[tenants.credentials]]\nclient_id = {:?}\nsecret = {{ env = {:?} }}\ncapabilities = [{capability:?}]",
                    application.client_id, application.client_id
                )?;
            }
        }
    }
    Ok(text)
}

/// The application with the fewest roles that has one of each set.
fn narrowest<'a>(tenant: &'a Tenant, needed: &[&[&str]]) -> Option<&'a Application> {
    let serves = |application: &&Application| {
        needed.iter().all(|any| any.iter().any(|role| application.roles.iter().any(|held| held == role)))
    };
    tenant.applications.iter().filter(serves).min_by_key(|application| application.roles.len())
}

/// What the signing key is called in the configuration.
pub(super) const SIGNING_KEY: &str = "DEMO_SIGNING_KEY";
/// The Graph permissions that each capability needs: one of each set.
const NEEDS: [(&str, &[&[&str]]); 6] = [
    ("free_busy", &[&["Calendars.ReadBasic.All", "Calendars.Read"]]),
    ("calendar_read", &[&["Calendars.Read"]]),
    ("calendar_write", &[&["Calendars.ReadWrite"]]),
    ("out_of_office_read", &[&["MailboxSettings.Read", "MailboxSettings.ReadWrite"]]),
    ("out_of_office_write", &[&["MailboxSettings.ReadWrite"]]),
    (
        "directory",
        &[
            &["Place.Read.All"],
            &["GroupMember.Read.All", "GroupMember.ReadBasic.All"],
            &["User.ReadBasic.All", "User.Read.All"],
        ],
    ),
];
