//! Whether there is a token, for how long there will be, and what it says: who we are, and what we may do.
//!
//! Owns what Entra's refusals ask of an operator. Nothing here depends on a token that cannot be read.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::failure::Failure;
use crate::graph::claims::Claims;
use crate::graph::finding::{Sheet, Verdict};
use crate::graph::grants::Grants;
use crate::graph::proof;
use crate::graph::token::{Refused, TokenState, Tokens};
use crate::tenant::permissions::GRAPH;
use crate::tenant::{Credential, Proof};

/// Entra accepts assertions that are five minutes off; from a minute on something is wrong with the clock.
const SKEW: [(SignedDuration, Verdict); 2] =
    [(SignedDuration::from_secs(300), Verdict::Failed), (SignedDuration::from_secs(60), Verdict::Warning)];
/// How long before a credential expires its operator is warned.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Gets the token, and notes all that can be learned from it and about its credential; whether there is one.
pub(super) async fn establish(tokens: &Arc<Tokens>, deadline: Instant, sheet: &mut Sheet) -> bool {
    let token = tokens.get(deadline).await;
    match &token {
        Ok(_) => {
            let left = match tokens.state(Instant::now()) {
                TokenState::Valid(left) => left.as_secs(),
                TokenState::None | TokenState::Expired | TokenState::Refused(_) | TokenState::Unavailable(_) => 0,
            };
            sheet.ok("token", format!("valid for {left} s"));
        }
        Err(refused) => sheet.note("token", Verdict::Failed, &*refused.told, remedy(refused)),
    }
    clock(tokens.skew(), sheet);
    expiry(tokens.credential(), tokens.proof_expires(), tokens.now(), sheet);
    if token.is_err() {
        return false;
    }
    match tokens.claims() {
        Some(claims) => {
            speaker(tokens, &claims, sheet);
            permissions(tokens.credential(), &claims, sheet);
        }
        None => {
            let text = "the token cannot be read, which Microsoft reserves the right to: nothing is compared";
            sheet.skip("permissions", text);
        }
    }
    true
}

fn clock(skew: Option<SignedDuration>, sheet: &mut Sheet) {
    let Some(skew) = skew else {
        return sheet.skip("clock", "no answer of Microsoft Entra's tells the time");
    };
    let seconds = skew.as_secs();
    let place = if seconds < 0 { "ahead of" } else { "behind" };
    let text = match seconds.abs() {
        0..=1 => "as Microsoft Entra's".to_owned(),
        seconds => format!("{seconds} s {place} Microsoft Entra's"),
    };
    match SKEW.iter().find(|(most, _)| skew.abs() > *most) {
        Some((_, verdict)) => {
            let remedy = "set this host's clock, and keep it by NTP: tokens and assertions are dated";
            sheet.note("clock", *verdict, text, Some(remedy.to_owned()));
        }
        None => sheet.ok("clock", text),
    }
}

fn expiry(credential: &Credential, known: Option<Timestamp>, now: Timestamp, sheet: &mut Sheet) {
    match &credential.proof {
        Proof::Certificates(certificates) => {
            let read: Vec<_> = certificates.iter().map(proof::validity).collect();
            let holds = |(_, validity): &(String, Result<(Timestamp, Timestamp), String>)| matches!(validity, Ok((from, until)) if *from <= now && now < *until);
            // While certificates are changed, one that holds is enough.
            let any = read.iter().any(holds);
            let worst = if any { Verdict::Warning } else { Verdict::Failed };
            for (name, validity) in read {
                match validity {
                    Ok((from, _)) if now < from => {
                        sheet.note("expiry", worst, format!("{name} holds from {from} on"), None);
                    }
                    Ok((_, until)) => until_when(&name, until, now, worst, sheet),
                    Err(problem) => sheet.note("expiry", worst, format!("{name}: {problem}"), None),
                }
            }
        }
        Proof::Secret(_) => match known {
            Some(until) => until_when("the secret", until, now, Verdict::Failed, sheet),
            None => sheet.skip("expiry", "only Entra knows when the secret expires; write it as secret_expires"),
        },
        Proof::FederatedToken(_) | Proof::ManagedIdentity { .. } => {
            sheet.skip("expiry", "renewed by the platform");
        }
    }
}

fn until_when(what: &str, until: Timestamp, now: Timestamp, over: Verdict, sheet: &mut Sheet) {
    let left = until.duration_since(now);
    let remedy =
        || Some("put a new one beside it, register that with the application, then remove this one".to_owned());
    if left <= SignedDuration::ZERO {
        sheet.note("expiry", over, format!("{what} expired at {until}"), remedy());
    } else if left < SOON {
        let text = format!("{what} expires at {until}, in {} days", left.as_hours() / 24);
        sheet.note("expiry", Verdict::Warning, text, remedy());
    } else {
        sheet.ok("expiry", format!("{what} holds until {until}"));
    }
}

/// Whether the token is the one that was asked for.
fn speaker(tokens: &Tokens, claims: &Claims, sheet: &mut Sheet) {
    let (tenant, resource) = tokens.asks_for();
    let mut odd = Vec::new();
    let mut compare = |claim: &str, told: &Option<String>, expected: &[&str]| {
        let Some(told) = told else { return };
        let told_plain = told.trim_end_matches('/');
        if !expected.iter().any(|expected| expected.eq_ignore_ascii_case(told_plain)) {
            odd.push(format!("its {claim} is {told}, not {}", expected.first().copied().unwrap_or_default()));
        }
    };
    compare("appid", &claims.application, &[&tokens.credential().client_id]);
    // A tenant may be written by its domain too, which no token shows.
    if !tenant.contains('.') {
        compare("tid", &claims.tenant, &[tenant]);
    }
    compare("aud", &claims.audience, &[&resource, GRAPH]);
    if claims.expires.is_some_and(|expires| expires <= tokens.now()) {
        odd.push("it is over already by this host's clock".to_owned());
    }
    if odd.is_empty() {
        let proof = match claims.proof.as_deref() {
            Some("1") => ", proven by a secret",
            Some("2") => ", proven by a certificate or a federated token",
            _ => "",
        };
        sheet.ok("claims", format!("application, tenant and audience are as expected{proof}"));
    } else {
        let remedy = "check tenants.id, tenants.cloud and client_id".to_owned();
        sheet.note("claims", Verdict::Warning, format!("the token is odd: {}", odd.join("; ")), Some(remedy));
    }
}

fn permissions(credential: &Credential, claims: &Claims, sheet: &mut Sheet) {
    let Grants { missing, excessive } = Grants::of(credential, &claims.roles);
    if missing.is_empty() && excessive.is_empty() {
        let roles = if claims.roles.is_empty() { "none".to_owned() } else { claims.roles.join(", ") };
        let scoped = if credential.rbac_scoped { "; Exchange grants the rest, which no token shows" } else { "" };
        sheet.ok("permissions", format!("exactly what is needed: {roles}{scoped}"));
    }
    for grant in missing {
        sheet.note("permission_missing", Verdict::Failed, grant.meaning, Some(grant.remedy));
    }
    for grant in excessive {
        sheet.note("permission_excessive", Verdict::Warning, grant.meaning, Some(grant.remedy));
    }
}

/// What an operator can do (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
fn remedy(refused: &Refused) -> Option<String> {
    if refused.failure != Failure::CredentialRefused {
        return None;
    }
    let code = refused.code?;
    let remedy = match code {
        7_000_215 => "use the value of one of the application's client secrets, not its id",
        7_000_222 => "the secret has expired: make a new one in Entra",
        700_016 => "check client_id and tenants.id: this tenant has no such application, or nobody has consented to it",
        90002 | 900_023 => "check tenants.id and tenants.cloud",
        700_027 => "register the certificate with the application, or renew it",
        700_024 => "set this host's clock",
        700_021 | 70021 | 700_213 => "check the federated credential: its issuer, subject and audience",
        500_011 | 1_002_012 => "check tenants.cloud",
        _ => return Some(format!("see https://login.microsoftonline.com/error?code={code}")),
    };
    Some(remedy.to_owned())
}
