//! How tenants stand, for operators: never a token, never a secret.

use std::time::Duration;

use super::circuit::CircuitState;
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
    /// How long Graph wants to be left alone yet.
    pub throttled: Option<Duration>,
}

/// How a credential stands.
#[derive(Clone, Debug)]
pub struct CredentialStatus {
    /// Application (client) id.
    pub client_id: String,
    /// What it serves.
    pub capabilities: Vec<Capability>,
    /// Its token.
    pub token: TokenState,
}

/// What one trial of `check --online` found.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The tenant's name in the configuration.
    pub tenant: String,
    /// Application (client) id.
    pub client_id: String,
    /// What was tried, for the operator.
    pub what: String,
    /// What came of it, in Microsoft's words where it failed.
    pub result: Result<String, String>,
}
