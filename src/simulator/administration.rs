//! `/control/applications…`: what an administrator of Entra and Exchange does while the world runs. Not part of Graph.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{Answer, Refusal};
use super::registered::Certificate;
use super::state::State;
use super::world::{Application, Federated, Parsed, Rbac};

/// What may be changed of an application; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// The tenant whose application it is; all tenants with that application when absent.
    tenant: Option<String>,
    client_secret: Option<String>,
    secret_expires: Option<Parsed<jiff::Timestamp>>,
    roles: Option<Vec<String>>,
    rbac: Option<Vec<Rbac>>,
    rbac_checks_targets: Option<bool>,
    certificates: Option<Vec<Parsed<Certificate>>>,
    federated: Option<Vec<Federated>>,
    managed_identity: Option<bool>,
}

/// A certificate to register beside the others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    certificate: Parsed<Certificate>,
}

/// Serves a request below `/control/applications`.
pub(super) fn serve(state: &mut State, method: &str, path: &str, body: &[u8]) -> Answer {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", []) => {
            let all =
                state.tenants.iter().flat_map(|tenant| tenant.applications.iter().map(|one| show(&tenant.id, one)));
            Answer::json(200, json!({ "applications": all.collect::<Vec<_>>() }))
        }
        ("PATCH", [id]) => match serde_json::from_slice::<Change>(body) {
            Ok(change) => {
                let tenant = change.tenant.clone();
                each(state, tenant.as_deref(), id, |application| change.apply(application))
            }
            Err(problem) => wrong(&problem.to_string()),
        },
        ("POST", [id, "certificates"]) => match serde_json::from_slice::<New>(body) {
            Ok(New { certificate }) => {
                each(state, None, id, |application| application.certificates.push(certificate.clone()))
            }
            Err(problem) => wrong(&problem.to_string()),
        },
        ("DELETE", [id, "certificates", thumbprint]) => {
            let mut found = false;
            let answer = each(state, None, id, |application| {
                let before = application.certificates.len();
                application.certificates.retain(|certificate| certificate.0.sha256 != *thumbprint);
                found |= application.certificates.len() < before;
            });
            if found { answer } else { missing() }
        }
        _ => missing(),
    }
}

/// Changes the application of that id, in one tenant or all.
fn each(state: &mut State, tenant: Option<&str>, id: &str, mut change: impl FnMut(&mut Application)) -> Answer {
    let tenants = state.tenants.iter_mut().filter(|one| tenant.is_none_or(|tenant| one.id == tenant));
    let applications = tenants.flat_map(|tenant| &mut tenant.applications);
    let mut found = false;
    for application in applications.filter(|application| application.client_id == id) {
        change(application);
        found = true;
    }
    if found { Answer::empty(204) } else { missing() }
}

impl Change {
    fn apply(&self, application: &mut Application) {
        let Self { tenant: _, client_secret, secret_expires, roles, rbac, .. } = self;
        set(&mut application.client_secret, client_secret.as_ref());
        application.secret_expires = secret_expires.or(application.secret_expires);
        set(&mut application.roles, roles.as_ref());
        set(&mut application.rbac, rbac.as_ref());
        set(&mut application.rbac_checks_targets, self.rbac_checks_targets.as_ref());
        set(&mut application.certificates, self.certificates.as_ref());
        set(&mut application.federated, self.federated.as_ref());
        set(&mut application.managed_identity, self.managed_identity.as_ref());
    }
}

fn set<T: Clone>(place: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        place.clone_from(given);
    }
}

/// Everything but its secret.
fn show(tenant: &str, application: &Application) -> Value {
    let certificate = |certificate: &Parsed<Certificate>| {
        json!({
            "thumbprint": certificate.0.sha256,
            "not_before": certificate.0.not_before.to_string(),
            "not_after": certificate.0.not_after.to_string(),
        })
    };
    let rbac = |rbac: &Rbac| json!({ "role": rbac.role, "mailboxes": rbac.mailboxes });
    json!({
        "tenant": tenant,
        "name": application.name,
        "client_id": application.client_id,
        "roles": application.roles,
        "rbac": application.rbac.iter().map(rbac).collect::<Vec<_>>(),
        "certificates": application.certificates.iter().map(certificate).collect::<Vec<_>>(),
    })
}

fn missing() -> Answer {
    let refusal = Refusal::new(404, "NotFound", "There is no such application or certificate.");
    refusal.answer(jiff::Timestamp::UNIX_EPOCH, "", "")
}

fn wrong(problem: &str) -> Answer {
    Answer::json(400, json!({ "error": { "code": "BadControl", "message": problem } }))
}
