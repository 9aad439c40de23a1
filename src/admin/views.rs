//! What operators may look at.

use std::sync::Arc;

use crate::graph::Graphs;
use crate::metrics::Metrics;

/// What operators may look at.
#[derive(Debug)]
pub struct Views {
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Tenants.
    pub graphs: Arc<Graphs>,
}
