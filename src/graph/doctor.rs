//! The examination that `check --online` asks for: is Microsoft reached, who do its tokens say that we are, what may each
//! credential do, and does the scope that it is meant to have hold.
//!
//! Owns the order of the examination. Writes nothing anywhere; must not know caches.

mod identity;
mod scope;
mod trial;

use tokio::time::Instant;

pub use trial::Trial;

use super::client::Client;
use super::finding::{Finding, Sheet, Verdict};
use super::probe;
use crate::calendar::Window;
use crate::journal::Journal;
use crate::tenant::Proof;
use trial::Patient;

/// Examines a tenant and each of its credentials; mailboxes to try are in `trials`.
pub(super) async fn examine(
    tenant: &str,
    client: &Client,
    trials: &[Trial],
    window: Window,
    journal: &Journal,
) -> Vec<Finding> {
    let begun = Instant::now();
    let mut findings = reach(tenant, client).await;
    // Each credential has the same time, however long the others took.
    let patience = journal.deadline.duration_since(begun);
    for (index, tokens) in client.credentials.iter().enumerate() {
        let credential = tokens.credential();
        let mut sheet = Sheet::of(format!("{tenant} / {}", credential.client_id));
        let journal = &Journal::new(journal.request_id, journal.now, Instant::now() + patience);
        if identity::establish(tokens, journal.deadline, &mut sheet).await {
            let own = |trial: &&Trial| trial.tenant == tenant && trial.client_id == credential.client_id;
            let none = Trial::default();
            let trial = trials.iter().find(own).unwrap_or(&none);
            let patient = Patient { client, index, credential, window, journal };
            let answered = trial::attempt(&patient, trial.allowed.as_ref(), &mut sheet).await;
            scope::probe(&patient, trial, &answered, &mut sheet).await;
            if trial.allowed.is_none() {
                knock(client, index, journal.deadline, &mut sheet).await;
            }
        }
        findings.extend(sheet.findings());
    }
    findings
}

/// Whether login and Graph answer at all, over a connection that is trusted.
async fn reach(tenant: &str, client: &Client) -> Vec<Finding> {
    let mut sheet = Sheet::of(tenant);
    let mut note = |check, answer: Result<u16, String>| match answer {
        Ok(status) => sheet.ok(check, format!("answers (HTTP {status})")),
        Err(problem) => {
            let remedy = if problem.contains("certificate") {
                "trust the authority of the proxy in between: tenants.extra_ca"
            } else {
                "let this host reach it, or name a proxy that may: graph.proxy"
            };
            sheet.note(check, Verdict::Failed, problem, Some(remedy.to_owned()));
        }
    };
    let asks_entra = |proof: &Proof| !matches!(proof, Proof::ManagedIdentity { .. });
    if let Some(tokens) = client.credentials.iter().find(|tokens| asks_entra(&tokens.credential().proof)) {
        note("reach_login", tokens.reach().await);
    }
    note("reach_graph", client.reach().await);
    sheet.findings()
}

/// Where there is no mailbox to try, a call that needs none.
async fn knock(client: &Client, index: usize, deadline: Instant, sheet: &mut Sheet) {
    match probe::knock(client, index, deadline).await {
        Ok(text) => sheet.ok("graph", text),
        Err(text) => sheet.note("graph", Verdict::Failed, text, None),
    }
}
