//! What all requests to the monitor's listener share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use axum::extract::State;
use tokio::sync::Semaphore;

use super::access::Access;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::out_of_office::Monitor;
use crate::server::failures::Failures;
use crate::server::shared::Limits;

/// What all requests to the monitor's listener share.
pub struct Front {
    /// Whose listener it is.
    pub(super) monitor: Arc<Monitor>,
    /// Who may call.
    pub(super) access: Access,
    /// Log-ins that failed, here and elsewhere.
    pub(super) failures: Arc<Failures>,
    /// What a request may be and take.
    pub(super) limits: Limits,
    /// Figures.
    pub(super) metrics: Arc<Metrics>,
    /// Places for those who read the list.
    pub(super) readers: Arc<Semaphore>,
}

/// As handlers take it.
pub(super) type FrontState = State<Arc<Front>>;

impl Front {
    /// What all requests to this monitor's listener share: who may call, log-ins that failed here and elsewhere, and
    /// what a request may be and take.
    #[must_use]
    pub fn new(
        monitor: Arc<Monitor>,
        access: Access,
        failures: Arc<Failures>,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> Self {
        let readers = Arc::new(Semaphore::new(READERS));
        Self { monitor, access, failures, limits, metrics, readers }
    }

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

/// How whoever calls is named in metrics and among failed log-ins, where clients have names of their own.
pub(super) const NAME: &str = "(monitor)";
/// How many pages of the list are read at once: each takes some megabytes, and the time to make texts of them.
const READERS: usize = 4;
