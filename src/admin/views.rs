//! What operators may look at.

use std::sync::Arc;

use crate::graph::Graphs;
use crate::metrics::Metrics;
use crate::out_of_office::Monitor;
use crate::rosters::Rosters;

/// What operators may look at.
#[derive(Debug)]
pub struct Views {
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Tenants.
    pub graphs: Arc<Graphs>,
    /// Lists of mailboxes that policies name.
    pub rosters: Arc<Rosters>,
    /// Watched mailboxes, where the monitor is on.
    pub monitor: Option<Arc<Monitor>>,
}
