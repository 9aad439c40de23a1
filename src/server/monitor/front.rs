//! What all requests to the monitor's listener share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::extract::State;

use super::access::Access;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::out_of_office::Monitor;
use crate::server::failures::Failures;
use crate::server::shared::Limits;

/// What all requests to the monitor's listener share.
pub struct Front {
    /// Whose listener it is.
    pub monitor: Arc<Monitor>,
    /// Who may call.
    pub access: Access,
    /// Log-ins that failed, here and elsewhere.
    pub failures: Arc<Failures>,
    /// What a request may be and take.
    pub limits: Limits,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

/// As handlers take it.
pub(super) type FrontState = State<Arc<Front>>;

impl Front {
    /// What the monitor says, if it says it in time.
    pub(super) async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::time::timeout(self.limits.deadline, work).await.unwrap_or(Err(Failure::TimedOut))
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}
