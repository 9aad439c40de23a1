//! `/control/…`: faults, the ledger, the limits. Not part of Graph; for tests and operators.

use serde_json::json;

use super::error::{Answer, Refusal};
use super::faults::Fault;
use super::service::{Service, lock};
use super::throttle::Limits;

pub(super) fn serve(service: &Service, method: &str, path: &str, body: &[u8]) -> Answer {
    match (method, path) {
        ("POST", "faults") => match serde_json::from_slice::<Fault>(body) {
            Ok(fault) => match lock(&service.faults).add(fault) {
                Ok(()) => Answer::empty(204),
                Err(problem) => refused(problem),
            },
            Err(problem) => refused(&problem.to_string()),
        },
        ("GET", "faults") => Answer::json(200, json!({ "faults": lock(&service.faults).all() })),
        ("DELETE", "faults") => {
            lock(&service.faults).clear();
            Answer::empty(204)
        }
        ("GET", "ledger") => Answer::json(200, lock(&service.ledger).show()),
        ("DELETE", "ledger") => {
            lock(&service.ledger).clear();
            Answer::empty(204)
        }
        ("POST", "throttle") => match serde_json::from_slice::<Limits>(body) {
            Ok(limits) => {
                service.throttle.set(limits);
                Answer::empty(204)
            }
            Err(problem) => refused(&problem.to_string()),
        },
        _ => Refusal::new(404, "NotFound", "The control endpoint has faults, ledger and throttle.").answer(
            (service.clock)(),
            "",
            "",
        ),
    }
}

fn refused(problem: &str) -> Answer {
    Answer::json(400, json!({ "error": { "code": "BadControl", "message": problem } }))
}
