//! How tenants stand, for operators: never a token, never a secret.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::circuit::CircuitState;
use super::client::Client;
use super::grants::Grants;
use super::token::TokenState;
use crate::calendar::Capability;

/// How a tenant stands. Times are measured back, or forward, from the moment of asking.
#[derive(Clone, Debug)]
pub struct TenantStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its credentials.
    pub credentials: Vec<CredentialStatus>,
    /// Its circuit.
    pub circuit: CircuitState,
    /// How long ago Graph last answered.
    pub answered: Option<Duration>,
    /// How long ago Graph last failed, and the failure's label.
    pub failed: Option<(Duration, &'static str)>,
    /// How long Graph wants to be left alone yet, by one kind of call or more.
    pub throttled: Option<Duration>,
}

/// How a credential stands.
#[derive(Clone, Debug)]
pub struct CredentialStatus {
    /// Application (client) id.
    pub client_id: String,
    /// What it serves.
    pub capabilities: Vec<Capability>,
    /// When what it shows to Entra expires: its certificate, or its secret where the configuration says so.
    pub expires: Option<Timestamp>,
    /// How what its last token shows to be granted compares with what it needs; nothing while no token could be read.
    pub grants: Option<Grants>,
    /// Its token.
    pub token: TokenState,
}

/// How a tenant stands at `now`.
pub(super) fn of(name: &str, client: &Client, now: Instant) -> TenantStatus {
    let health = client.health();
    let ago = |at: Instant| now.saturating_duration_since(at);
    let credentials = client.credentials.iter().map(|tokens| CredentialStatus {
        client_id: tokens.credential().client_id.clone(),
        capabilities: tokens.credential().capabilities.clone(),
        expires: tokens.proof_expires(),
        grants: tokens.grants(),
        token: tokens.state(now),
    });
    TenantStatus {
        name: name.to_owned(),
        credentials: credentials.collect(),
        circuit: client.circuit.state(now),
        answered: health.answered.map(ago),
        failed: health.failed.map(|(at, label)| (ago(at), label)),
        throttled: client
            .throttled_until()
            .and_then(|until| until.checked_duration_since(now))
            .filter(|left| !left.is_zero()),
    }
}
