//! The calls received, for tests and operators to look at. Knows nothing of what calls mean.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Value, json};

use super::route::Call;

/// Calls kept; older ones are counted only.
const KEPT: usize = 10_000;

/// One call as it was received and answered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    pub(super) time: String,
    pub(super) call: Call,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) tenant: Option<String>,
    pub(super) application: Option<String>,
    pub(super) mailbox: Option<String>,
    pub(super) schedules: Vec<String>,
    /// Absent when the connection was cut.
    pub(super) status: Option<u16>,
    pub(super) client_request_id: Option<String>,
    pub(super) request_id: String,
    pub(super) body: Value,
}

/// The last calls and how many there were of each.
#[derive(Default)]
pub(super) struct Ledger {
    calls: VecDeque<Entry>,
    counts: BTreeMap<Call, u64>,
}

impl Ledger {
    pub(super) fn record(&mut self, entry: Entry) {
        *self.counts.entry(entry.call).or_default() += 1;
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(entry);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn show(&self) -> Value {
        json!({ "counts": self.counts, "calls": self.calls })
    }
}
