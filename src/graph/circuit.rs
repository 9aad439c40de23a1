//! A tenant's circuit: after several failures in a row, Graph is left alone for a while.
//!
//! Owns when to stop and when to try again. Must not know what is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open the circuit.
const THRESHOLD: u32 = 5;
/// How long it stays open at first; doubled by each trial that fails.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that it stays open.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A tenant's circuit.
#[derive(Debug, Default)]
pub(super) struct Circuit(Mutex<State>);

/// Whether calls go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// They do.
    Closed,
    /// They do not, for so long.
    Open(Duration),
    /// One may, to see whether Graph is back.
    HalfOpen,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    pause: Duration,
    open_until: Option<Instant>,
    trial: bool,
}

/// Leave to make a call. Dropped without a verdict, it leaves the circuit as it was.
#[derive(Debug)]
pub(super) struct Admission<'a> {
    circuit: &'a Circuit,
    trial: bool,
}

impl Circuit {
    /// Asks for leave to make a call; while the circuit is open, says how long it stays so.
    pub(super) fn admit(&self, now: Instant) -> Result<Admission<'_>, Duration> {
        let mut state = self.lock();
        let Some(until) = state.open_until else {
            return Ok(Admission { circuit: self, trial: false });
        };
        if now < until {
            return Err(until - now);
        }
        if state.trial {
            return Err(FIRST_PAUSE);
        }
        state.trial = true;
        Ok(Admission { circuit: self, trial: true })
    }

    /// Whether calls go through.
    pub(super) fn state(&self, now: Instant) -> CircuitState {
        match self.lock().open_until {
            None => CircuitState::Closed,
            Some(until) if now < until => CircuitState::Open(until - now),
            Some(_) => CircuitState::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Graph answered.
    pub(super) fn succeeded(self) {
        *self.circuit.lock() = State::default();
    }

    /// Graph did not answer, or could not.
    pub(super) fn failed(self, now: Instant) {
        let mut state = self.circuit.lock();
        state.failures += 1;
        if state.failures >= THRESHOLD && (self.trial || state.open_until.is_none()) {
            state.pause = (state.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            state.open_until = Some(now + state.pause);
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.circuit.lock().trial = false;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_trial_through() {
        let circuit = Circuit::default();
        let start = Instant::now();
        for _ in 0..4 {
            circuit.admit(start).unwrap().failed(start);
        }
        circuit.admit(start).unwrap().succeeded();
        for _ in 0..5 {
            circuit.admit(start).unwrap().failed(start);
        }
        assert_eq!(circuit.state(start), CircuitState::Open(FIRST_PAUSE));
        assert_eq!(circuit.admit(start).unwrap_err(), FIRST_PAUSE);

        let later = start + FIRST_PAUSE;
        assert_eq!(circuit.state(later), CircuitState::HalfOpen);
        let trial = circuit.admit(later).unwrap();
        assert!(circuit.admit(later).is_err(), "one trial at a time");
        trial.failed(later);
        assert_eq!(circuit.state(later), CircuitState::Open(FIRST_PAUSE * 2));

        let again = later + FIRST_PAUSE * 2;
        drop(circuit.admit(again).unwrap());
        circuit.admit(again).unwrap().succeeded();
        assert_eq!(circuit.state(again), CircuitState::Closed);
    }

    #[test]
    fn the_pause_grows_to_a_bound() {
        let circuit = Circuit::default();
        let mut now = Instant::now();
        for _ in 0..THRESHOLD {
            circuit.admit(now).unwrap().failed(now);
        }
        for _ in 0..10 {
            now += LONGEST_PAUSE;
            circuit.admit(now).unwrap().failed(now);
        }
        assert_eq!(circuit.state(now), CircuitState::Open(LONGEST_PAUSE));
    }
}
