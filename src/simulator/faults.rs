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
    pub(super) delay_ms: u64,
    pub(super) ending: Option<Ending>,
    pub(super) schedule_errors: Vec<(String, ScheduleError)>,
}

/// How a call ends instead of being served.
#[derive(Debug, PartialEq)]
pub(super) enum Ending {
    Refused { status: u16, code: String, message: String, retry_after: Option<u32> },
    Cut,
    Garbage,
}

impl Faults {
    /// Adds a fault; the error says what does not fit together.
    pub(super) fn add(&mut self, fault: Fault) -> Result<(), &'static str> {
        let endings = [fault.status.is_some(), fault.cut, fault.garbage, fault.schedule_error.is_some()];
        if endings.iter().filter(|given| **given).count() > 1 {
            return Err("only one of status, cut, garbage and schedule_error can happen");
        }
        if endings.iter().all(|given| !given) && fault.delay_ms.is_none() {
            return Err("a fault needs status, cut, garbage, schedule_error or delay_ms");
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
            let ends = fault.status.is_some() || fault.cut || fault.garbage;
            if (ends && fate.ending.is_some()) || fault.probability.is_some_and(|probability| chance() >= probability) {
                continue;
            }
            fault.times = fault.times.map(|times| times - 1);
            fate.delay_ms += fault.delay_ms.unwrap_or_default();
            if let (Some(mailbox), Some(error)) = (&fault.mailbox, &fault.schedule_error) {
                fate.schedule_errors.push((mailbox.to_lowercase(), error.clone()));
            }
            if ends {
                fate.ending = Some(fault.ending());
            }
        }
        self.waiting.retain(|fault| fault.times != Some(0));
        fate
    }
}

impl Fault {
    fn concerns(&self, call: Call, mailboxes: &[String]) -> bool {
        let this_call = self.call.is_none_or(|wanted| wanted == call)
            && (self.schedule_error.is_none() || call == Call::GetSchedule);
        let this_mailbox = |wanted: &String| mailboxes.iter().any(|mailbox| mailbox.eq_ignore_ascii_case(wanted));
        this_call && self.mailbox.as_ref().is_none_or(this_mailbox)
    }

    fn ending(&self) -> Ending {
        let Some(status) = self.status else {
            return if self.cut { Ending::Cut } else { Ending::Garbage };
        };
        let (code, message) = usual(status);
        Ending::Refused {
            status,
            code: self.code.clone().unwrap_or_else(|| code.to_owned()),
            message: self.message.clone().unwrap_or_else(|| message.to_owned()),
            retry_after: self.retry_after,
        }
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
        assert!(faults.decide(Call::CalendarView, &mine, || 0.5).ending.is_none());
        assert!(faults.decide(Call::GetSchedule, &[], || 0.5).ending.is_none());
        let fate = faults.decide(Call::GetSchedule, &mine, || 0.5);
        assert_eq!(fate.delay_ms, 20);
        let refused = fate.ending.unwrap();
        assert!(matches!(refused, Ending::Refused { status: 429, retry_after: Some(3), .. }), "{refused:?}");
        assert!(faults.decide(Call::GetSchedule, &mine, || 0.5).ending.is_none());
        assert_eq!(faults.all().len(), 1);
    }

    #[test]
    fn probability_decides() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"probability":0.3,"cut":true}"#)).unwrap();
        assert_eq!(faults.decide(Call::Token, &[], || 0.29).ending, Some(Ending::Cut));
        assert_eq!(faults.decide(Call::Token, &[], || 0.3).ending, None);
    }

    #[test]
    fn contradictions_are_refused() {
        for wrong in [r#"{"cut":true,"garbage":true}"#, r#"{"times":1}"#, r#"{"status":200}"#] {
            assert!(Faults::default().add(fault(wrong)).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Fault>(r#"{"call":"getSchedules","cut":true}"#).is_err());
    }
}
