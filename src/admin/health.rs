//! `/health`: each tenant's tokens, calls and circuit, lists that cannot be read, and how the monitor does, without secrets. What is known already is
//! told; Graph is not asked.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::views::Views;
use crate::graph::{CircuitState, CredentialStatus, Grant, TenantStatus, TokenState};
use crate::metrics::Metrics;
use crate::out_of_office::{Monitor, Tally};

pub(super) async fn health(State(views): State<Arc<Views>>) -> Json<Value> {
    let tenants: Vec<Value> = views.graphs.status().iter().map(tenant).collect();
    let monitor = views.monitor.as_ref().map(|it| monitor(it, &views.metrics));
    let lists = views.rosters.problems().into_iter().map(|(list, problem)| json!({ "list": list, "problem": problem }));
    let lists: Vec<Value> = lists.collect();
    Json(json!({ "ready": views.graphs.ready(), "tenants": tenants, "lists": lists, "monitor": monitor }))
}

/// Whom it watches and how many of them it has not seen since the start, or cannot see, and its letters.
fn monitor(monitor: &Monitor, metrics: &Metrics) -> Value {
    let Tally { watched, unseen, failing } = monitor.tally();
    json!({
        "watched": watched,
        "never_looked": unseen,
        "failing": failing,
        "letters_waiting": metrics.letters_waiting.get(),
        "letters_dead": metrics.letters_dead.get(),
    })
}

fn tenant(status: &TenantStatus) -> Value {
    let circuit = match status.circuit {
        CircuitState::Closed => json!({ "state": "closed" }),
        CircuitState::Open(left) => json!({ "state": "open", "seconds_left": seconds(left) }),
        CircuitState::HalfOpen => json!({ "state": "half_open" }),
    };
    json!({
        "name": status.name,
        "circuit": circuit,
        "graph": {
            "seconds_since_answer": status.answered.map(seconds),
            "seconds_since_failure": status.failed.map(|(ago, _)| seconds(ago)),
            "last_failure": status.failed.map(|(_, label)| label),
            "throttled_for_seconds": status.throttled.map(seconds),
        },
        "credentials": status.credentials.iter().map(credential).collect::<Vec<_>>(),
    })
}

fn credential(status: &CredentialStatus) -> Value {
    let token = match &status.token {
        TokenState::None => json!({ "state": "none" }),
        TokenState::Valid(left) => json!({ "state": "valid", "seconds_left": seconds(*left) }),
        TokenState::Expired => json!({ "state": "expired" }),
        TokenState::Refused(why) => json!({ "state": "refused", "why": why }),
        TokenState::Unavailable(why) => json!({ "state": "unavailable", "why": why }),
    };
    json!({
        "client_id": status.client_id,
        "capabilities": status.capabilities.iter().map(|capability| capability.name()).collect::<Vec<_>>(),
        "expires": status.expires.map(|expires| expires.to_string()),
        "token": token,
        "missing": status.grants.as_ref().map(|grants| names(&grants.missing)),
        "excessive": status.grants.as_ref().map(|grants| names(&grants.excessive)),
    })
}

/// Permissions.
fn names(grants: &[Grant]) -> Vec<&str> {
    grants.iter().map(|grant| grant.permission.as_str()).collect()
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}
