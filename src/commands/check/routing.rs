//! Which mailbox is tried with which tenant's credentials.
//!
//! Owns how mailboxes of the command line and of the configuration meet. Tries nothing itself.

use crate::calendar::Mailbox;
use crate::graph::{Finding, Graphs, Sheet, Trial, Verdict};

/// Gives each tenant's trials the mailboxes of the command line that are the tenant's; those of the configuration stay
/// where there is none. Tells of mailboxes that are another's tenant's, or nobody's.
pub(super) fn assign(
    graphs: &Graphs,
    trials: &mut [Trial],
    mailboxes: &[Mailbox],
    forbidden: &[Mailbox],
) -> Vec<Finding> {
    let tenant_of = |mailbox: &Mailbox| graphs.route(mailbox).map(|graph| graph.name());
    for trial in &mut *trials {
        let own = |mailbox: &&Mailbox| tenant_of(mailbox) == Some(&trial.tenant);
        if let Some(mailbox) = mailboxes.iter().find(own) {
            trial.allowed = Some(mailbox.clone());
        }
        if let Some(mailbox) = forbidden.iter().find(own) {
            trial.forbidden = Some(mailbox.clone());
        }
    }
    let given = mailboxes.iter().chain(forbidden).map(|mailbox| (mailbox, None));
    let tried = trials.iter().flat_map(|trial| {
        let both = trial.allowed.iter().chain(&trial.forbidden);
        both.map(|mailbox| (mailbox, Some(trial.tenant.as_str())))
    });
    let mut findings: Vec<Finding> = Vec::new();
    for (mailbox, expected) in tried.chain(given) {
        let mut sheet = Sheet::of(mailbox.to_string());
        match (tenant_of(mailbox), expected) {
            (Some(tenant), Some(expected)) if tenant != expected => {
                let text = format!("is looked for in tenant {tenant}, but is to be tried with {expected}");
                let remedy = "name a mailbox of the tenant's own domains".to_owned();
                sheet.note("routing", Verdict::Failed, text, Some(remedy));
            }
            (Some(tenant), _) => sheet.ok("routing", format!("is looked for in tenant {tenant}")),
            (None, _) => {
                let remedy = "list its domain as one of tenants.domains".to_owned();
                sheet.note("routing", Verdict::Failed, "is in no tenant's domain", Some(remedy));
            }
        }
        for finding in sheet.findings() {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}
