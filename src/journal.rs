//! One request's clock and notebook: when it must be done, and what happened on its way.
//!
//! Filled in by the operation and by `graph/`, read by the access line. Must not know either wire.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::{Capability, Mailbox};

/// How one mailbox's look-up was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheOutcome {
    /// From the cache.
    Hit,
    /// By a call to Graph made for it.
    Miss,
    /// By a call that another request had begun.
    Joined,
    /// From the cache, past its lifetime, because Graph failed.
    Stale,
}

impl CacheOutcome {
    /// The outcome as a metric label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Joined => "joined",
            Self::Stale => "stale",
        }
    }
}

/// What a policy said, mostly about a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judged {
    /// The mailbox; none where the client may do for none what it asks.
    pub mailbox: Option<Mailbox>,
    /// What for; none for being taken for somebody else.
    pub capability: Option<Capability>,
    /// The view that is given, or the reason why nothing is.
    pub verdict: Result<&'static str, &'static str>,
}

/// One request's clock and notebook.
#[derive(Debug)]
pub struct Journal {
    /// Identifies the request in our log and, as `client-request-id`, in Microsoft's: on the calls
    /// that it was the first to need. What it joins goes by the id of the request that began it.
    pub request_id: Uuid,
    /// When the request arrived.
    pub now: Timestamp,
    /// When it must be answered.
    pub deadline: Instant,
    /// The request carries `ExchangeImpersonation`, whatever becomes of it.
    pub impersonation: AtomicBool,
    /// Whether all that the policy says is noted for the audit log.
    is_audited: bool,
    /// Mailboxes asked for.
    pub mailboxes: Counter,
    /// Of these, how many failed, by the failure's label.
    failures: Mutex<BTreeMap<&'static str, u32>>,
    /// What the policy was asked, and what it said.
    judged: Mutex<Vec<Judged>>,
    /// How many failures the answer tells of, by their labels.
    told: Mutex<BTreeMap<&'static str, u32>>,
    /// Entries of the directory that were found, and that the policy withholds.
    pub withheld: Counter,
    /// The operation, as soon as it is known.
    pub operation: OnceLock<&'static str>,
    /// Whether details of busy times were asked for.
    pub details: AtomicBool,
    /// Whether mail tips were asked for.
    pub mail_tips: AtomicBool,
    /// Look-ups answered from the cache.
    pub hits: Counter,
    /// Look-ups that called Graph.
    pub misses: Counter,
    /// Look-ups that joined another request's call.
    pub joined: Counter,
    /// Look-ups answered past their lifetime.
    pub stale: Counter,
    /// Calls to Graph that this request waited for.
    pub graph_calls: Counter,
}

impl Journal {
    /// A new notebook.
    #[must_use]
    pub fn new(request_id: Uuid, now: Timestamp, deadline: Instant) -> Self {
        Self {
            request_id,
            now,
            deadline,
            impersonation: AtomicBool::new(false),
            is_audited: false,
            mailboxes: Counter::default(),
            failures: Mutex::default(),
            judged: Mutex::default(),
            told: Mutex::default(),
            withheld: Counter::default(),
            operation: OnceLock::new(),
            details: AtomicBool::new(false),
            mail_tips: AtomicBool::new(false),
            hits: Counter::default(),
            misses: Counter::default(),
            joined: Counter::default(),
            stale: Counter::default(),
            graph_calls: Counter::default(),
        }
    }

    /// The same notebook, in which all that the policy says is noted or not.
    #[must_use]
    pub fn audited(self, is_audited: bool) -> Self {
        Self { is_audited, ..self }
    }

    /// Notes that a mailbox failed.
    pub fn fail(&self, label: &'static str) {
        *self.lock().entry(label).or_default() += 1;
    }

    /// How many mailboxes failed, by the failure's label.
    #[must_use]
    pub fn failures(&self) -> BTreeMap<&'static str, u32> {
        self.lock().clone()
    }

    /// Notes what the policy said, mostly about a mailbox: denials always, all else for the audit log.
    pub fn judge(
        &self,
        mailbox: Option<&Mailbox>,
        capability: Option<Capability>,
        verdict: Result<&'static str, &'static str>,
    ) {
        if self.is_audited || verdict.is_err() {
            let judged = Judged { mailbox: mailbox.cloned(), capability, verdict };
            self.judged.lock().unwrap_or_else(PoisonError::into_inner).push(judged);
        }
    }

    /// Notes failures that the answer tells of, by their labels.
    pub fn told(&self, labels: &[&'static str]) {
        if labels.is_empty() {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for label in labels {
            *told.entry(label).or_default() += 1;
        }
    }

    /// How many failures the answer tells of, by their labels.
    #[must_use]
    pub fn all_told(&self) -> BTreeMap<&'static str, u32> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the policy said since this was last asked, in the order in which it was asked, the same but once.
    #[must_use]
    pub fn take_judged(&self) -> Vec<Judged> {
        let mut judged = std::mem::take(&mut *self.judged.lock().unwrap_or_else(PoisonError::into_inner));
        let mut known = HashSet::new();
        judged.retain(|judged| known.insert(judged.clone()));
        judged
    }

    /// Notes how a look-up was answered.
    pub fn cache(&self, outcome: CacheOutcome) {
        match outcome {
            CacheOutcome::Hit => self.hits.add(1),
            CacheOutcome::Miss => self.misses.add(1),
            CacheOutcome::Joined => self.joined.add(1),
            CacheOutcome::Stale => self.stale.add(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, u32>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU32);

impl Counter {
    /// Adds.
    pub fn add(&self, more: u32) {
        self.0.fetch_add(more, Relaxed);
    }

    /// Reads.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
}
