//! What Graph says when it does not answer, in the gateway's words: the one table.
//!
//! Owns the meaning of statuses and codes (<https://learn.microsoft.com/graph/errors>). Branches on
//! codes, never on messages, but for one that has no code of its own. Must not send anything.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::calendar::Mailbox;
use crate::failure::Failure;

/// A failure, and what Graph itself said about it, for the operator.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) told: Option<String>,
    /// The status that came with it, if Graph answered.
    pub(super) status: Option<u16>,
    /// Whether an attempt may have been carried out all the same.
    pub(super) unsure: bool,
}

/// An error answer.
#[derive(Debug)]
pub(super) struct Refusal {
    /// HTTP status.
    pub(super) status: u16,
    /// Graph's code, empty if the body held none.
    pub(super) code: String,
    /// Graph's text.
    pub(super) message: String,
    /// How long Graph wants to be left alone, if it said so.
    pub(super) retry_after: Option<Duration>,
}

/// A call is sent so many times at most.
pub(super) const ATTEMPTS: u32 = 4;
/// The pause before the first retry, doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Graph is believed that it wants to be left alone for so many seconds at most.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// However long a failing Graph asks to be left alone: it may be back sooner.
const LONGEST_OUTAGE: Duration = Duration::from_secs(60);
/// Which operation is not supported, where the tenant's cloud lacks the call.
pub(super) const NOT_THERE: &str = "that this needs of Microsoft Graph";
/// What a throttled caller is told when Graph named no time.
pub(super) const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

impl Refusal {
    /// Reads an error body; one that cannot be read is an error without a code.
    pub(super) fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: Error,
        }
        #[derive(Deserialize)]
        struct Error {
            #[serde(default)]
            code: String,
            #[serde(default)]
            message: String,
        }
        let error = serde_json::from_slice::<Body>(body)
            .map_or_else(|_| Error { code: String::new(), message: String::new() }, |body| body.error);
        let retry_after = retry_after.map(|asked| asked.min(LONGEST_RETRY_AFTER));
        Self { status, code: error.code, message: error.message, retry_after }
    }

    /// What it means for the mailbox that the call was about.
    pub(super) fn failure(&self, about: Option<&Mailbox>) -> Failure {
        let nobody = || Failure::NoSuchMailbox { address: about.map_or("", Mailbox::as_str).to_owned() };
        let unsupported = || Failure::Unsupported { what: NOT_THERE.to_owned() };
        match (self.status, self.code.as_str()) {
            (
                400 | 404,
                "ErrorInvalidUser"
                | "ErrorNonExistentMailbox"
                | "MailboxNotEnabledForRESTAPI"
                | "MailboxNotSupportedForRESTAPI"
                | "Request_ResourceNotFound"
                | "ResourceNotFound",
            ) => nobody(),
            (400, "ErrorInvalidId" | "ErrorInvalidIdMalformed" | "ErrorInvalidIdEmpty") => Failure::BadId,
            (400, code) if code.starts_with("ErrorCalendar") || code.starts_with("ErrorOccurrence") => occurrence(code),
            (400, code) if code.contains("Recurrence") => Failure::BadRecurrence,
            (400, "ErrorIrresolvableConflict" | "ErrorStaleObject") => Failure::Conflict,
            (400, "ErrorInvalidChangeKey") => Failure::BadChangeKey,
            (400, "ErrorInvalidTimeZone" | "InvalidTimeZone" | "TimeZoneNotSupportedException") => {
                Failure::UnknownTimeZone
            }
            (
                400,
                "ErrorExceededMaxRecipientLimit"
                | "ErrorInvalidArgument"
                | "ErrorInvalidParameter"
                | "ErrorInvalidProperty"
                | "ErrorInvalidRecipients"
                | "ErrorInvalidRequest"
                | "ErrorInvalidSmtpAddress"
                | "ErrorMessageSizeExceeded"
                | "ErrorPropertyValidationFailure"
                | "InvalidArguments",
            )
            | (413, _) => Failure::BadValue,
            // The id is that of an item in another mailbox.
            (400, "ErrorInvalidMailboxItemId") => Failure::NoSuchItem,
            (400, "ErrorInvalidTimeInterval" | "ErrorTimeIntervalTooBig") => {
                Failure::BadWindow { what: "FreeBusyViewOptions.TimeWindow" }
            }
            (400, "ErrorResultSetTooBig") => Failure::ResultTooBig,
            (400, "ErrorInvalidScheduledOofDuration" | "ErrorInvalidTimeSettings") => Failure::BadScheduledDuration,
            (400, "ErrorInvalidUserOofSettings") => Failure::ReplyMissing,
            (401, _) => Failure::CredentialRefused,
            (403, _) => Failure::Denied,
            (404, "ErrorItemNotFound") => Failure::NoSuchItem,
            (404, _) => nobody(),
            (408, _) => Failure::TimedOut,
            (409 | 412, _) => Failure::Conflict,
            (429 | 509, _) => Failure::Busy { retry_after: self.retry_after.unwrap_or(DEFAULT_RETRY_AFTER) },
            // Not every national cloud has every call; that says nothing of how the rest of it is.
            (501, _) => unsupported(),
            (400, _) if self.message.starts_with("Resource not found for the segment") => unsupported(),
            // 423: the mailbox is being moved.
            (423 | 500..=599, _) => Failure::Unavailable,
            _ => Failure::Internal,
        }
    }

    /// How long Graph is left alone because it asked for it.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.retry_after.map(|asked| if self.status == 429 { asked } else { asked.min(LONGEST_OUTAGE) })
    }

    /// When to send the call again after so many attempts. Graph may ask for the same second over
    /// and over: pauses grow, and calls do not come back in step.
    pub(super) fn again_at(&self, attempts: u32, now: Instant) -> Instant {
        let growth = FIRST_PAUSE * 2_u32.saturating_pow(attempts.saturating_sub(1));
        now + self.wait().unwrap_or_default() + growth.mul_f64(rand::random_range(0.5..1.0))
    }

    /// Graph's own words.
    pub(super) fn told(&self) -> String {
        let code = if self.code.is_empty() { "no code" } else { &self.code };
        format!("{} {code}: {}", self.status, self.message)
    }
}

/// What Exchange's codes about times and occurrences mean
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode>).
fn occurrence(code: &str) -> Failure {
    match code {
        "ErrorCalendarCannotUseIdForOccurrenceId" => Failure::NotAnOccurrence,
        "ErrorCalendarCannotUseIdForRecurringMasterId" => Failure::NotASeries,
        "ErrorCalendarDurationIsTooLong" => Failure::TooLong,
        "ErrorCalendarEndDateIsEarlierThanStartDate" => Failure::EndBeforeStart,
        "ErrorCalendarInvalidRecurrence" => Failure::BadRecurrence,
        "ErrorCalendarInvalidTimeZone" => Failure::UnknownTimeZone,
        "ErrorCalendarIsNotOrganizer" => Failure::NotOrganizer,
        "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange" => Failure::OccurrenceOutOfRange,
        "ErrorCalendarOccurrenceIsDeletedFromRecurrence" => Failure::OccurrenceDeleted,
        "ErrorOccurrenceCrossingBoundary" => Failure::OccurrenceBoundary,
        _ => Failure::BadValue,
    }
}

/// What a schedule's error inside a successful getSchedule means: Exchange's availability codes as
/// decimal text.
pub(super) fn schedule(code: &str, message: &str, mailbox: &Mailbox) -> Failure {
    // Another organisation's server failed; Exchange gives it the code of an unknown mailbox.
    if message.to_ascii_lowercase().contains("proxy web request") {
        return Failure::Proxy;
    }
    match code {
        "5006" | "ErrorResultSetTooBig" => Failure::ResultTooBig,
        "5009" | "5016" | "ErrorMailRecipientNotFound" => {
            Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
        }
        "5021" | "ErrorServiceDiscoveryFailed" => Failure::Proxy,
        "5035" | "ErrorInvalidSmtpAddress" => Failure::BadAddress { address: mailbox.as_str().to_owned() },
        "5037" | "ErrorNoFreeBusyAccess" | "ErrorAccessDenied" => Failure::Denied,
        "ErrorTimeoutExpired" => Failure::TimedOut,
        "ErrorServerBusy" => Failure::Busy { retry_after: DEFAULT_RETRY_AFTER },
        _ => Failure::Unavailable,
    }
}

/// What the error in somebody's mail tips means; their codes are not documented, and taken for Exchange's.
pub(super) fn tip(code: &str, message: &str, mailbox: &Mailbox) -> Failure {
    match code {
        "ErrorInvalidRecipients" | "ErrorInvalidUser" | "ErrorNonExistentMailbox" => {
            Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
        }
        code => schedule(code, message, mailbox),
    }
}

/// What a failure means where nothing but somebody's mailbox was asked for.
pub(super) fn about(mailbox: &Mailbox, failure: Failure) -> Failure {
    match failure {
        Failure::NoSuchMailbox { .. } | Failure::NoSuchItem => {
            Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
        }
        failure => failure,
    }
}

impl Trouble {
    /// What it means where nothing but somebody's mailbox, or group, was asked for.
    pub(super) fn about(self, mailbox: &Mailbox) -> Failure {
        about(mailbox, self.failure)
    }

    /// Whether the mailbox that the call was charged to, or a single one of those asked about, may
    /// be what failed a call as a whole.
    pub(super) fn may_be_one_mailbox(&self) -> bool {
        let of_a_mailbox = matches!(
            self.failure,
            Failure::NoSuchMailbox { .. }
                | Failure::NoSuchItem
                | Failure::Denied
                | Failure::BadValue
                | Failure::Internal
                | Failure::ResultTooBig
        );
        of_a_mailbox || self.status == Some(500)
    }

    /// Whether Graph throttled the call.
    pub(super) fn is_throttled(&self) -> bool {
        self.status == Some(429)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        trouble.failure
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { failure, told: None, status: None, unsure: false }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn body(code: &str) -> Vec<u8> {
        format!(r#"{{"error":{{"code":"{code}","message":"m","innerError":{{"request-id":"x"}}}}}}"#).into_bytes()
    }

    #[test]
    fn the_whole_table() {
        let mailbox = Mailbox::parse("a@example.com").unwrap();
        let nobody = Failure::NoSuchMailbox { address: "a@example.com".into() };
        let window = Failure::BadWindow { what: "FreeBusyViewOptions.TimeWindow" };
        let rows = [
            (400, "ErrorInvalidTimeInterval", window.clone()),
            (400, "ErrorTimeIntervalTooBig", window),
            (400, "ErrorMailboxDataArrayTooBig", Failure::Internal),
            (400, "RequestBodyRead", Failure::Internal),
            (400, "ErrorInvalidIdMalformed", Failure::BadId),
            (400, "ErrorInvalidMailboxItemId", Failure::NoSuchItem),
            (400, "ErrorOccurrenceCrossingBoundary", Failure::OccurrenceBoundary),
            (400, "ErrorCalendarEndDateIsEarlierThanStartDate", Failure::EndBeforeStart),
            (400, "ErrorCalendarDurationIsTooLong", Failure::TooLong),
            (400, "ErrorCalendarOccurrenceIsDeletedFromRecurrence", Failure::OccurrenceDeleted),
            (400, "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", Failure::OccurrenceOutOfRange),
            (400, "ErrorCalendarCannotUseIdForRecurringMasterId", Failure::NotASeries),
            (400, "ErrorCalendarViewRangeTooBig", Failure::BadValue),
            (400, "ErrorInvalidRecurrencePattern", Failure::BadRecurrence),
            (400, "TimeZoneNotSupportedException", Failure::UnknownTimeZone),
            (400, "ErrorIrresolvableConflict", Failure::Conflict),
            (400, "ErrorPropertyValidationFailure", Failure::BadValue),
            (400, "ErrorInvalidRequest", Failure::BadValue),
            (400, "InvalidArguments", Failure::BadValue),
            (400, "ErrorInvalidTimeSettings", Failure::BadScheduledDuration),
            (400, "ErrorInvalidScheduledOofDuration", Failure::BadScheduledDuration),
            (400, "ErrorInvalidUserOofSettings", Failure::ReplyMissing),
            (400, "InvalidTimeZone", Failure::UnknownTimeZone),
            (413, "", Failure::BadValue),
            (401, "InvalidAuthenticationToken", Failure::CredentialRefused),
            (403, "ErrorAccessDenied", Failure::Denied),
            (403, "Authorization_RequestDenied", Failure::Denied),
            (404, "ErrorInvalidUser", nobody.clone()),
            (404, "MailboxNotEnabledForRESTAPI", nobody.clone()),
            (404, "ResourceNotFound", nobody.clone()),
            (404, "Request_ResourceNotFound", nobody.clone()),
            (404, "ErrorItemNotFound", Failure::NoSuchItem),
            (404, "", nobody),
            (408, "", Failure::TimedOut),
            (409, "ErrorIrresolvableConflict", Failure::Conflict),
            (412, "ErrorIrresolvableConflict", Failure::Conflict),
            (423, "", Failure::Unavailable),
            (429, "ApplicationThrottled", Failure::Busy { retry_after: Duration::from_secs(9) }),
            (500, "ErrorInternalServerError", Failure::Unavailable),
            (503, "serviceNotAvailable", Failure::Unavailable),
            (501, "NotImplemented", Failure::Unsupported { what: NOT_THERE.into() }),
            (504, "UnknownError", Failure::Unavailable),
            (302, "", Failure::Internal),
        ];
        for (status, code, expected) in rows {
            let refusal = Refusal::read(status, Some(Duration::from_secs(9)), &body(code));
            assert_eq!(refusal.failure(Some(&mailbox)), expected, "{status} {code}");
        }
        assert_eq!(Refusal::read(502, None, b"<html>").failure(None), Failure::Unavailable);
        let silent = Refusal::read(429, None, b"");
        assert_eq!(silent.failure(None), Failure::Busy { retry_after: DEFAULT_RETRY_AFTER });
    }

    #[test]
    fn codes_of_one_schedule() {
        let mailbox = Mailbox::parse("a@example.com").unwrap();
        let nobody = Failure::NoSuchMailbox { address: "a@example.com".into() };
        assert_eq!(schedule("5009", "Unable to resolve e-mail address", &mailbox), nobody);
        assert_eq!(schedule("5016", "", &mailbox), nobody);
        assert_eq!(
            schedule("5016", "Proxy web request failed. , inner exception: System.Net.WebException", &mailbox),
            Failure::Proxy
        );
        assert_eq!(schedule("5006", "", &mailbox), Failure::ResultTooBig);
        assert_eq!(schedule("5037", "", &mailbox), Failure::Denied);
        assert_eq!(schedule("5999", "?", &mailbox), Failure::Unavailable);
        assert_eq!(tip("ErrorNonExistentMailbox", "", &mailbox), nobody);
        assert_eq!(tip("ErrorMailRecipientNotFound", "", &mailbox), nobody);
        assert_eq!(tip("ErrorAccessDenied", "", &mailbox), Failure::Denied);
        assert_eq!(tip("?", "", &mailbox), Failure::Unavailable);
        assert_eq!(about(&mailbox, Failure::NoSuchItem), nobody);
    }
}
