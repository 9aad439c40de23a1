//! Faults on demand: which call fails next, how, and how often. Knows nothing of how calls are served.

use serde::{Deserialize, Serialize};

use super::route::Call;

/// A fault as the control endpoint takes it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// Any call when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<Call>,
    /// A mailbox in the URL or among getSchedule's schedules; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    /// How often; unlimited when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    /// 0..1; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Graph's code, or the AADSTS number for the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    /// Close the connection without an answer.
    #[serde(default)]
    cut: bool,
    /// Answer with JSON that breaks off.
    #[serde(default)]
    garbage: bool,
    /// Send the first half of the answer, then close the connection. The call has been served.
    #[serde(default)]
    half: bool,
    /// Serve the call first: what was to be written is written, then the fault happens.
    #[serde(default)]
    after_commit: bool,
    /// Give `mailbox` this error inside a getSchedule answer that is otherwise served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule_error: Option<ScheduleError>,
}

/// The error of one schedule.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleError {
    pub(super) code: String,
    pub(super) message: String,
}

/// The faults that wait for calls.
#[derive(Default)]
pub(super) struct Faults {
    waiting: Vec<Fault>,
}

/// What happens to one call.
#[derive(Default)]
pub(super) struct Fate {
    /// Before the call is served, or instead of that.
    pub(super) before: Turn,
    /// When the call has been served.
    pub(super) after: Turn,
    pub(super) schedule_errors: Vec<(String, ScheduleError)>,
}

/// What happens at one point of a call.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Turn {
    pub(super) delay_ms: u64,
    pub(super) ending: Option<Ending>,
}

/// How a call ends instead of being answered.
#[derive(Debug, PartialEq)]
pub(super) enum Ending {
    Refused { status: u16, code: String, message: String, retry_after: Option<u32> },
    Cut,
    Garbage,
    Half,
}

impl Faults {
    /// Adds a fault; the error says what does not fit together.
    pub(super) fn add(&mut self, fault: Fault) -> Result<(), &'static str> {
        let endings = [fault.status.is_some(), fault.cut, fault.garbage, fault.half, fault.schedule_error.is_some()];
        if endings.iter().filter(|given| **given).count() > 1 {
            return Err("only one of status, cut, garbage, half and schedule_error can happen");
        }
        if fault.after_commit && (fault.schedule_error.is_some() || fault.call == Some(Call::Token)) {
            return Err("after_commit does not go with schedule_error or token");
        }
        if endings.iter().all(|given| !given) && fault.delay_ms.is_none() {
            return Err("a fault needs status, cut, garbage, half, schedule_error or delay_ms");
        }
        if fault.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err("status must be from 400 to 599");
        }
        if fault.schedule_error.is_some() && fault.mailbox.is_none() {
            return Err("schedule_error needs a mailbox");
        }
        self.waiting.push(fault);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn all(&self) -> &[Fault] {
        &self.waiting
    }

    /// Decides a call's fate. Delays add up, the first ending counts. `chance` gives numbers in 0..1.
    pub(super) fn decide(&mut self, call: Call, mailboxes: &[String], chance: impl Fn() -> f64) -> Fate {
        let mut fate = Fate::default();
        for fault in &mut self.waiting {
            if !fault.concerns(call, mailboxes) || fault.times == Some(0) {
                continue;
            }
            let ending = fault.ending();
            let turn = if fault.after_commit || fault.half { &mut fate.after } else { &mut fate.before };
            if (ending.is_some() && turn.ending.is_some())
                || fault.probability.is_some_and(|probability| chance() >= probability)
            {
                continue;
            }
            fault.times = fault.times.map(|times| times - 1);
            turn.delay_ms += fault.delay_ms.unwrap_or_default();
            if turn.ending.is_none() {
                turn.ending = ending;
            }
            if let (Some(mailbox), Some(error)) = (&fault.mailbox, &fault.schedule_error) {
                fate.schedule_errors.push((mailbox.to_lowercase(), error.clone()));
            }
        }
        self.waiting.retain(|fault| fault.times != Some(0));
        fate
    }
}

impl Fault {
    fn concerns(&self, call: Call, mailboxes: &[String]) -> bool {
        let this_call = self.call.is_none_or(|wanted| wanted == call)
            && (self.schedule_error.is_none() || call == Call::GetSchedule)
            && !((self.after_commit || self.half) && call == Call::Token);
        let this_mailbox = |wanted: &String| mailboxes.iter().any(|mailbox| mailbox.eq_ignore_ascii_case(wanted));
        this_call && self.mailbox.as_ref().is_none_or(this_mailbox)
    }

    fn ending(&self) -> Option<Ending> {
        let Some(status) = self.status else {
            let plain = [(self.cut, Ending::Cut), (self.garbage, Ending::Garbage), (self.half, Ending::Half)];
            return plain.into_iter().find(|(given, _)| *given).map(|(_, ending)| ending);
        };
        let (code, message) = usual(status);
        Some(Ending::Refused {
            status,
            code: self.code.clone().unwrap_or_else(|| code.to_owned()),
            message: self.message.clone().unwrap_or_else(|| message.to_owned()),
            retry_after: self.retry_after,
        })
    }
}

/// Graph's usual code and message of a status.
fn usual(status: u16) -> (&'static str, &'static str) {
    match status {
        401 => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
        403 => ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
        404 => ("ErrorItemNotFound", "The specified object was not found in the store."),
        409 | 412 => ("ErrorIrresolvableConflict", "The send or update operation could not be performed."),
        429 => ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
        503 => ("serviceNotAvailable", "The service is temporarily unavailable."),
        504 => ("UnknownError", "The upstream service did not answer in time."),
        _ => ("UnknownError", "An internal server error occurred."),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_fault_waits_for_its_call_and_mailbox_and_wears_out() {
        let mut faults = Faults::default();
        faults
            .add(fault(r#"{"call":"getSchedule","mailbox":"A@t.example","times":1,"status":429,"retry_after":3}"#))
            .unwrap();
        faults.add(fault(r#"{"delay_ms":20}"#)).unwrap();
        let mine = ["a@t.example".to_owned()];
        assert!(faults.decide(Call::CalendarView, &mine, || 0.5).before.ending.is_none());
        assert!(faults.decide(Call::GetSchedule, &[], || 0.5).before.ending.is_none());
        let fate = faults.decide(Call::GetSchedule, &mine, || 0.5);
        assert_eq!(fate.before.delay_ms, 20);
        let refused = fate.before.ending.unwrap();
        assert!(matches!(refused, Ending::Refused { status: 429, retry_after: Some(3), .. }), "{refused:?}");
        assert!(faults.decide(Call::GetSchedule, &mine, || 0.5).before.ending.is_none());
        assert_eq!(faults.all().len(), 1);
    }

    #[test]
    fn probability_decides() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"probability":0.3,"cut":true}"#)).unwrap();
        assert_eq!(faults.decide(Call::Token, &[], || 0.29).before.ending, Some(Ending::Cut));
        assert_eq!(faults.decide(Call::Token, &[], || 0.3).before.ending, None);
    }

    #[test]
    fn what_happens_after_the_commit_is_apart() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"delay_ms":5,"after_commit":true}"#)).unwrap();
        faults.add(fault(r#"{"cut":true,"after_commit":true,"times":1}"#)).unwrap();
        faults.add(fault(r#"{"status":503,"times":1}"#)).unwrap();
        assert_eq!(faults.decide(Call::Token, &[], || 0.5).after, Turn::default());
        let mut faults = Faults::default();
        faults.add(fault(r#"{"delay_ms":5,"after_commit":true}"#)).unwrap();
        faults.add(fault(r#"{"half":true,"times":1}"#)).unwrap();
        let fate = faults.decide(Call::CreateEvent, &[], || 0.5);
        assert_eq!(fate.before, Turn::default());
        assert_eq!(fate.after, Turn { delay_ms: 5, ending: Some(Ending::Half) });
        assert_eq!(faults.decide(Call::CreateEvent, &[], || 0.5).after, Turn { delay_ms: 5, ending: None });
    }

    #[test]
    fn contradictions_are_refused() {
        for wrong in [
            r#"{"cut":true,"garbage":true}"#,
            r#"{"times":1}"#,
            r#"{"status":200}"#,
            r#"{"call":"token","cut":true,"after_commit":true}"#,
        ] {
            assert!(Faults::default().add(fault(wrong)).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Fault>(r#"{"call":"getSchedules","cut":true}"#).is_err());
    }
}
