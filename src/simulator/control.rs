//! `/control/…`: faults, the ledger, limits, tokens, subscriptions. Not part of Graph; for tests and operators.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::delta_token::DeltaTokens;
use super::error::{Answer, Refusal};
use super::faults::{Fault, Faults};
use super::ledger::Ledger;
use super::lock::lock;
use super::subscriptions::{Lifecycle, Subscriptions, Withheld};
use super::throttle::{Limits, Throttle};

/// What the control endpoint shows and changes.
#[derive(Default)]
pub(super) struct Controls {
    pub(super) faults: Mutex<Faults>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) throttle: Arc<Throttle>,
    pub(super) delta_tokens: DeltaTokens,
    pub(super) subscriptions: Subscriptions,
}

impl Controls {
    pub(super) fn serve(&self, method: &str, path: &str, body: &[u8], now: Timestamp) -> Answer {
        match (method, path) {
            ("POST", "faults") => taken(body, |fault: Fault| match lock(&self.faults).add(fault) {
                Ok(()) => Answer::empty(204),
                Err(problem) => refused(problem),
            }),
            ("GET", "faults") => Answer::json(200, json!({ "faults": lock(&self.faults).all() })),
            ("DELETE", "faults") => {
                lock(&self.faults).clear();
                Answer::empty(204)
            }
            ("GET", "ledger") => Answer::json(200, lock(&self.ledger).show()),
            ("DELETE", "ledger") => {
                lock(&self.ledger).clear();
                Answer::empty(204)
            }
            ("POST", "throttle") => taken(body, |limits: Limits| {
                self.throttle.set(limits);
                Answer::empty(204)
            }),
            ("POST", "expire-delta-tokens") => {
                self.delta_tokens.expire();
                Answer::empty(204)
            }
            ("GET", "subscriptions") => Answer::json(200, self.subscriptions.show(now)),
            ("DELETE", "subscriptions") => {
                self.subscriptions.clear();
                Answer::empty(204)
            }
            ("POST", "notifications") => taken(body, |withheld: Withheld| {
                self.subscriptions.set_withheld(withheld);
                Answer::empty(204)
            }),
            ("POST", "lifecycle") => taken(body, |lifecycle: Lifecycle| {
                Answer::json(200, json!({ "sent": self.subscriptions.send_lifecycle(&lifecycle) }))
            }),
            ("POST", "trust") => {
                taken(body, |trust: Trust| match self.subscriptions.courier.trust(&trust.authorities) {
                    Ok(()) => Answer::empty(204),
                    Err(problem) => refused(&problem),
                })
            }
            _ => Refusal::new(404, "NotFound", "The control endpoint has no such thing.").answer(now, "", ""),
        }
    }
}

/// Whom to trust when sending to subscribers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trust {
    /// PEM.
    authorities: String,
}

fn taken<T: DeserializeOwned>(body: &[u8], take: impl FnOnce(T) -> Answer) -> Answer {
    serde_json::from_slice(body).map_or_else(|problem| refused(&problem.to_string()), take)
}

fn refused(problem: &str) -> Answer {
    Answer::json(400, json!({ "error": { "code": "BadControl", "message": problem } }))
}
