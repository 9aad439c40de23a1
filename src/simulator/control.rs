//! `/control/…`: faults, the ledger, the limits. Not part of Graph; for tests and operators.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde_json::json;

use super::delta_token::DeltaTokens;
use super::error::{Answer, Refusal};
use super::faults::{Fault, Faults};
use super::ledger::Ledger;
use super::lock::lock;
use super::throttle::{Limits, Throttle};

/// What the control endpoint shows and changes.
#[derive(Default)]
pub(super) struct Controls {
    pub(super) faults: Mutex<Faults>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) throttle: Arc<Throttle>,
    pub(super) delta_tokens: DeltaTokens,
}

impl Controls {
    pub(super) fn serve(&self, method: &str, path: &str, body: &[u8], now: Timestamp) -> Answer {
        match (method, path) {
            ("POST", "faults") => match serde_json::from_slice::<Fault>(body) {
                Ok(fault) => match lock(&self.faults).add(fault) {
                    Ok(()) => Answer::empty(204),
                    Err(problem) => refused(problem),
                },
                Err(problem) => refused(&problem.to_string()),
            },
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
            ("POST", "throttle") => match serde_json::from_slice::<Limits>(body) {
                Ok(limits) => {
                    self.throttle.set(limits);
                    Answer::empty(204)
                }
                Err(problem) => refused(&problem.to_string()),
            },
            ("POST", "expire-delta-tokens") => {
                self.delta_tokens.expire();
                Answer::empty(204)
            }
            _ => Refusal::new(
                404,
                "NotFound",
                "The control endpoint has faults, ledger, throttle and expire-delta-tokens.",
            )
            .answer(now, "", ""),
        }
    }
}

fn refused(problem: &str) -> Answer {
    Answer::json(400, json!({ "error": { "code": "BadControl", "message": problem } }))
}
