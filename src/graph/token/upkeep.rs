//! What is looked at although nobody asks: when a credential expires, and what one grants that nobody uses.
//!
//! Owns when the operator is told of an expiry, and again. Must not know how tokens are asked for.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Tokens;
use super::said::{Said, Saying};
use crate::graph::proof::{Unusable, expiries};
use crate::metrics::CredentialLabels;

/// How long before a credential expires its operator is warned.
const WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often the operator is told the same, and how long a token that nobody needs is not renewed.
const DAY: Duration = Duration::from_secs(86_400);

impl Tokens {
    /// Looks when the credential expires, by its files and the configuration; and asks for a token where none was for a
    /// day, so that what is known of its permissions is not older.
    pub(in crate::graph) fn look_after(self: &Arc<Self>) {
        match expiries(&self.credential.proof, (self.clock)()) {
            Ok(expiries) => {
                // Entra may believe another than the first.
                let known = self.proof_expires().filter(|known| expiries.is_empty() || expiries.contains(known));
                self.note_expiry(known.or_else(|| expiries.first().copied()));
            }
            Err(Unusable { expires, problem }) => {
                self.export_expiry(expires);
                if self.may_say(Saying::Over) {
                    let (tenant, client_id) = (self.tenant.as_str(), &self.credential.client_id);
                    tracing::error!(
                        tenant,
                        client_id,
                        problem,
                        "no certificate of this credential can be used: put a new one in its place"
                    );
                }
            }
        }
        let mut state = self.lock();
        if state.asked.is_none_or(|asked| asked.elapsed() >= DAY) {
            // It goes on by itself.
            drop(self.begin(&mut state));
        }
    }

    /// Warns while there is time to act. What is not known now stays as it was known.
    pub(super) fn note_expiry(&self, expires: Option<Timestamp>) {
        let Some(expires) = expires.or_else(|| self.proof_expires()) else { return };
        self.export_expiry(Some(expires));
        let left = expires.duration_since((self.clock)());
        let (tenant, client_id, days) = (self.tenant.as_str(), &self.credential.client_id, left.as_hours() / 24);
        if !left.is_positive() {
            if self.may_say(Saying::Over) {
                tracing::error!(tenant, client_id, %expires, "this credential has expired: put a new one in its place");
            }
        } else if left < WARNING && self.may_say(Saying::Soon(expires)) {
            tracing::warn!(tenant, client_id, %expires, days, "this credential expires soon: put a new one beside it");
        }
    }

    fn export_expiry(&self, expires: Option<Timestamp>) {
        let Some(expires) = expires else { return };
        let labels = CredentialLabels { tenant: self.tenant.clone(), client_id: self.credential.client_id.clone() };
        self.metrics.credential_expires.get_or_create(&labels).set(expires.as_second());
        self.lock().proof_expires = Some(expires);
    }

    /// Whether this is news, or was said a day ago; notes that it is said.
    fn may_say(&self, what: Saying) -> bool {
        let mut state = self.lock();
        if state.said.as_ref().is_some_and(|said| said.what == what && said.at.elapsed() < DAY) {
            return false;
        }
        state.said = Some(Said { at: Instant::now(), what });
        true
    }
}
