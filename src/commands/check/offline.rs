//! What can be told of a configuration without asking anybody: files, domains, and what is allowed, yet is hardly meant.
//!
//! Owns remarks on configurations. Must not open a connection.

use jiff::Timestamp;

use super::{certificate, credentials, files};
use crate::calendar::Capability;
use crate::client::{Client, Pattern};
use crate::config::{Config, Server};
use crate::graph::{Finding, Sheet, Verdict};
use crate::out_of_office;
use crate::tenant::Tenant;

/// All that can be told.
pub(super) fn findings(config: &Config, name: &str, now: Timestamp) -> Vec<Finding> {
    let mut sheet = Sheet::of(name);
    let (tenants, clients) = (config.tenants.len(), config.clients.len());
    sheet.ok("configuration", format!("{tenants} tenants, {clients} clients, no mistakes"));
    if config.tenants.is_empty() {
        warn(&mut sheet, "configuration", "there is no tenant: every mailbox will be unknown".to_owned());
    }
    if config.clients.is_empty() && config.monitor.is_none() {
        warn(&mut sheet, "configuration", "there is no client: nobody can call".to_owned());
    }
    let mut findings = sheet.findings();
    findings.extend(of_server(&config.server, now));
    findings.extend(files::findings(config, name));
    findings.extend(config.tenants.iter().flat_map(of_tenant));
    findings.extend(config.tenants.iter().flat_map(credentials::findings));
    findings.extend(config.clients.iter().flat_map(|client| of_client(client, &config.tenants)));
    findings.extend(config.monitor.iter().flat_map(|monitor| of_monitor(&monitor.settings, &config.tenants)));
    findings
}

fn of_server(server: &Server, now: Timestamp) -> Vec<Finding> {
    let mut sheet = Sheet::of("server");
    let Some(files) = &server.tls else {
        sheet.skip("server_certificate", "plain HTTP: the proxy in front has the certificate");
        return sheet.findings();
    };
    match files.read().map(|pair| pair.cert.into_iter().next()) {
        Err(problem) => sheet.note("server_certificate", Verdict::Failed, problem.to_string(), None),
        Ok(None) => {}
        Ok(Some(own)) => {
            certificate::expiry("server_certificate", &own, now, &mut sheet);
            match certificate::covers(&own, &server.host) {
                Ok(()) => sheet.ok("server_name", format!("the certificate is for {}", server.host)),
                Err(problem) => {
                    let remedy = format!("have one made for {}, the host of server.public_url", server.host);
                    let text = format!("the certificate is not for {}: {problem}", server.host);
                    // A proxy in front may have one that is.
                    sheet.note("server_name", Verdict::Warning, text, Some(remedy));
                }
            }
        }
    }
    sheet.findings()
}

fn of_tenant(tenant: &Tenant) -> Vec<Finding> {
    let mut sheet = Sheet::of(&tenant.name);
    let domains: Vec<String> = tenant.domains.iter().map(ToString::to_string).collect();
    if domains.is_empty() {
        warn(&mut sheet, "domains", "has no domain: no mailbox is looked for here".to_owned());
    } else {
        sheet.ok("domains", format!("mailboxes of {}", domains.join(", ")));
    }
    sheet.findings()
}

fn of_client(client: &Client, tenants: &[Tenant]) -> Vec<Finding> {
    let mut sheet = Sheet::of(format!("client {}", client.id));
    for capability in client.policy.grants.iter().flat_map(|grant| &grant.capabilities) {
        if !tenants.iter().any(|tenant| tenant.credential(*capability).is_some()) {
            let name = capability.name();
            warn(&mut sheet, "capabilities", format!("may use {name}, but no tenant has a credential for it"));
        }
    }
    let mailboxes = || client.policy.grants.iter().map(|grant| &grant.mailboxes);
    if mailboxes().all(|mailboxes| mailboxes.is_empty()) {
        warn(&mut sheet, "mailboxes", "may use no mailbox".to_owned());
    }
    for (narrow, wide, capability) in client.policy.shadowed() {
        let (narrow, wide, name) = (place(narrow), place(wide), capability.name());
        let text = format!("for {name}, another address of a mailbox that {narrow} names is shown as {wide} has it");
        let remedy = "name all addresses of those mailboxes, or single mailboxes in the wider one".to_owned();
        sheet.note("views", Verdict::Warning, text, Some(remedy));
    }
    let mut lost: Vec<&Pattern> = Vec::new();
    for pattern in mailboxes().flat_map(|mailboxes| &mailboxes.patterns) {
        if !tenants.iter().any(|tenant| reaches(pattern, tenant)) && !lost.contains(&pattern) {
            lost.push(pattern);
            warn(&mut sheet, "mailboxes", format!("may use {pattern:?}, which is in no tenant's domain"));
        }
    }
    sheet.findings()
}

/// What a grant of a client is called: the first is written in its own keys.
fn place(grant: usize) -> String {
    if grant == 0 { "the client's own grant".to_owned() } else { format!("grant {grant} of its grants") }
}

fn of_monitor(settings: &out_of_office::Settings, tenants: &[Tenant]) -> Vec<Finding> {
    let mut sheet = Sheet::of("monitor");
    if settings.webhooks.is_empty() {
        warn(&mut sheet, "webhooks", "has no webhook: it watches, and tells nobody".to_owned());
    }
    for pattern in &settings.mailboxes {
        if !tenants.iter().any(|tenant| reaches(pattern, tenant)) {
            warn(&mut sheet, "mailboxes", format!("may watch {pattern:?}, which is in no tenant's domain"));
        }
        for tenant in tenants.iter().filter(|tenant| reaches(pattern, tenant)) {
            if tenant.credential(Capability::OutOfOfficeRead).is_none() {
                let (tenant, name) = (&tenant.name, Capability::OutOfOfficeRead.name());
                let text = format!("may watch {pattern:?}, but tenant {tenant} has no credential for {name}");
                warn(&mut sheet, "mailboxes", text);
            }
        }
    }
    sheet.findings()
}

fn reaches(pattern: &Pattern, tenant: &Tenant) -> bool {
    tenant.domains.iter().any(|domain| pattern.reaches(domain))
}

fn warn(sheet: &mut Sheet, check: &'static str, text: String) {
    sheet.note(check, Verdict::Warning, text, None);
}
