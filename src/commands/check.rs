//! `check`: what is wrong with a configuration, on its own and against Microsoft.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Trouble, load, table};
use crate::app;
use crate::calendar::{Capability, Mailbox};
use crate::config::Config;
use crate::graph::Graphs;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::out_of_office;
use crate::tenant::Tenant;

/// Checks a configuration; with `online` also gets every credential's token and tries what it
/// serves, busy times and automatic replies with one of `mailboxes`.
///
/// # Errors
/// What is wrong.
pub async fn run(path: &Path, online: bool, mailboxes: &[String]) -> Result<(), Trouble> {
    let config = load(path)?;
    if let Some(files) = &config.server.tls {
        files.read()?;
    }
    let (tenants, clients) = (config.tenants.len(), config.clients.len());
    println!("{}: {tenants} tenants, {clients} clients, no mistakes", path.display());
    for remark in remarks(&config) {
        println!("remark: {remark}");
    }
    if online { try_tenants(config, mailboxes).await } else { Ok(()) }
}

async fn try_tenants(config: Config, mailboxes: &[String]) -> Result<(), Trouble> {
    let mailboxes: Vec<Mailbox> = mailboxes.iter().map(|address| Mailbox::parse(address)).collect::<Result<_, _>>()?;
    let graphs = Graphs::new(config.tenants, config.graph, Arc::new(Metrics::new()), app::now)?;
    let now = app::now();
    let journal = Journal::new(Uuid::new_v4(), now, Instant::now() + PATIENCE);
    let window = table::window(now, now.checked_add(24.hours())?)?;
    let mut failed = 0;
    for probe in graphs.probe(&mailboxes, window, &journal).await {
        let (verdict, text) = match &probe.result {
            Ok(text) => ("ok", text),
            Err(text) => {
                failed += 1;
                ("FAILED", text)
            }
        };
        println!("{verdict:6}  {}  {}  {}: {text}", probe.tenant, probe.client_id, probe.what);
    }
    if failed > 0 { Err(format!("{failed} trials failed").into()) } else { Ok(()) }
}

/// What is allowed, yet is hardly meant.
fn remarks(config: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    if config.tenants.is_empty() {
        remarks.push("there is no tenant: every mailbox will be unknown".to_owned());
    }
    if config.clients.is_empty() {
        remarks.push("there is no client: nobody can call".to_owned());
    }
    for client in &config.clients {
        for capability in client.policy.grants.iter().flat_map(|grant| &grant.capabilities) {
            let served = config.tenants.iter().any(|tenant| tenant.credential(*capability).is_some());
            if !served {
                let name = capability.name();
                remarks.push(format!("client {} may use {name}, but no tenant has a credential for it", client.id));
            }
        }
        if client.policy.grants.iter().all(|grant| grant.mailboxes.is_empty()) {
            remarks.push(format!("client {} may use no mailbox", client.id));
        }
    }
    remarks.extend(config.monitor.iter().flat_map(|monitor| of_monitor(&monitor.settings, &config.tenants)));
    remarks
}

fn of_monitor(settings: &out_of_office::Settings, tenants: &[Tenant]) -> Vec<String> {
    let mut remarks = Vec::new();
    if settings.webhooks.is_empty() {
        remarks.push("the monitor has no webhook: it watches, and tells nobody".to_owned());
    }
    for pattern in &settings.mailboxes {
        let reached = |tenant: &&Tenant| tenant.domains.iter().any(|domain| pattern.reaches(domain));
        if !tenants.iter().any(|tenant| reached(&tenant)) {
            remarks.push(format!("the monitor may watch {pattern:?}, which is in no tenant's domain"));
        }
        for tenant in tenants.iter().filter(reached) {
            if tenant.credential(Capability::OutOfOfficeRead).is_none() {
                let (tenant, name) = (&tenant.name, Capability::OutOfOfficeRead.name());
                remarks.push(format!(
                    "the monitor may watch {pattern:?}, but tenant {tenant} has no credential for {name}"
                ));
            }
        }
    }
    remarks
}

const PATIENCE: Duration = Duration::from_secs(30);
