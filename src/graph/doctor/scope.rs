//! Whether the scope holds that Exchange gives a credential: no token shows it, so one mailbox inside and one outside are
//! tried. <https://learn.microsoft.com/exchange/permissions-exo/application-rbac>
//!
//! Owns what refusals prove. Must not know which calls are made.

use std::collections::BTreeMap;

use super::trial::{Patient, Trial, words};
use crate::calendar::{Capability, Mailbox};
use crate::failure::Failure;
use crate::graph::finding::{Sheet, Verdict};

/// Tries the forbidden mailbox with each capability that Exchange scopes; `answered` tells how the allowed one did.
pub(super) async fn probe(
    patient: &Patient<'_>,
    trial: &Trial,
    answered: &BTreeMap<&'static str, bool>,
    sheet: &mut Sheet,
) {
    let scoped = patient.credential.capabilities.iter().copied().filter(|one| *one != Capability::Directory);
    let scoped: Vec<Capability> = scoped.collect();
    if scoped.is_empty() {
        return;
    }
    let Some(forbidden) = &trial.forbidden else {
        if patient.credential.rbac_scoped {
            let remedy = "name a mailbox outside the scope with --forbidden, or as tenants.check.forbidden".to_owned();
            let text = "scoped by Exchange, and no forbidden mailbox to try: nothing shows that the scope holds";
            sheet.note("scope", Verdict::Warning, text, Some(remedy));
        }
        return;
    };
    if !patient.credential.rbac_scoped {
        return sheet.skip("scope", "not scoped by Exchange: it reaches all mailboxes of the tenant");
    }
    for capability in scoped {
        let is_in_force = answered.get(capability.name()) == Some(&true);
        let holds = outside(patient, capability, forbidden, is_in_force, sheet).await;
        // Where the forbidden mailbox answers by itself, or the allowed one does not, another's calendar shows nothing.
        if let (Capability::FreeBusy, true, Some(allowed)) = (capability, holds, &trial.allowed) {
            targets(patient, allowed, forbidden, sheet).await;
        }
    }
}

/// The forbidden mailbox itself; whether the scope is seen to hold.
async fn outside(
    patient: &Patient<'_>,
    capability: Capability,
    forbidden: &Mailbox,
    is_in_force: bool,
    sheet: &mut Sheet,
) -> bool {
    let name = capability.name();
    let told = patient.ask(capability, forbidden).await;
    let holds = is_in_force && told.as_ref().is_err_and(|trouble| trouble.failure == Failure::Denied);
    match told {
        Ok(_) => {
            let remedy = "find what grants it beside the scope: a consent in Entra (which holds for all mailboxes) or a \
                          wider role assignment; once removed, that takes 30 minutes to 2 hours to be in force";
            let text =
                format!("over-privileged: {name} answers for {forbidden}, which is forbidden: the scope does not hold");
            sheet.note("scope", Verdict::Failed, text, Some(remedy.to_owned()));
        }
        Err(trouble) if trouble.failure == Failure::Denied && is_in_force => {
            sheet.ok("scope", format!("{name}: {forbidden} is refused, as it should be"));
        }
        Err(trouble) if trouble.failure == Failure::Denied => {
            let text = format!("{name}: {forbidden} is refused, which shows nothing while no allowed mailbox answers");
            sheet.skip("scope", text);
        }
        Err(trouble) => {
            let text = format!("{name}: {forbidden}: {}: that shows nothing", words(&trouble));
            sheet.note("scope", Verdict::Warning, text, Some("name a forbidden mailbox that exists".to_owned()));
        }
    }
    holds
}

/// The forbidden mailbox's busy times through the allowed one's calendar: it is not documented whether Exchange checks
/// whom getSchedule asks about, or only through whom.
async fn targets(patient: &Patient<'_>, allowed: &Mailbox, forbidden: &Mailbox, sheet: &mut Sheet) {
    let refused = |failure: &Failure| matches!(failure, Failure::Denied | Failure::NoSuchMailbox { .. });
    let told = patient.schedule(allowed, forbidden).await;
    let told = told.map(|told| told.into_iter().next().map(|(_, listing)| listing));
    match told {
        Ok(Some(Ok(_))) => {
            let text = format!(
                "getSchedule through {allowed} shows {forbidden}: Exchange does not check whom it asks about. The gateway \
                 never asks so, whoever steals this credential can"
            );
            let remedy = "take busy times of the whole tenant as readable with this credential".to_owned();
            sheet.note("scope_targets", Verdict::Warning, text, Some(remedy));
        }
        Ok(Some(Err(failure))) if refused(&failure) => checked(allowed, forbidden, sheet),
        Err(trouble) if trouble.failure == Failure::Denied => checked(allowed, forbidden, sheet),
        Ok(Some(Err(failure))) => sheet.skip("scope_targets", format!("getSchedule through {allowed}: {failure}")),
        Ok(None) => sheet.skip("scope_targets", format!("getSchedule through {allowed} told nothing")),
        Err(trouble) => sheet.skip("scope_targets", format!("getSchedule through {allowed}: {}", words(&trouble))),
    }
}

fn checked(allowed: &Mailbox, forbidden: &Mailbox, sheet: &mut Sheet) {
    sheet.ok(
        "scope_targets",
        format!("getSchedule through {allowed} refuses {forbidden}: it checks whom it asks about"),
    );
}
