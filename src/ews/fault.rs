//! Failure to EWS: response code, level, back-off. One table for the whole wire.
//!
//! Owns the shapes of SOAP faults. Every fault goes out with HTTP status 500, since the EWS Managed
//! API reads a fault from no other status.

use std::time::Duration;

use super::soap::{ERRORS, MESSAGES, TYPES};
use super::xml::Xml;
use crate::failure::{Blame, Failure};

/// Families of operations that fail in the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The whole answer or a fault, never a part: callers take what is missing for deleted.
    AllOrNothing,
    /// A list of mailboxes, each with its own outcome; request-level faults carry a number instead
    /// of a response code.
    Availability,
    /// A message of its own for each thing asked for.
    PerItem,
}

/// What a failure is called on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The `ResponseCode`.
    pub name: &'static str,
    /// The number that Exchange's availability service gives the failure, where it is known
    /// (5002, 5009, 5016, 5035, 5037 and 5006 were seen; the others are the gateway's own).
    pub number: Option<u16>,
    /// The .NET exception that Exchange names in availability answers.
    pub exception: Option<&'static str>,
}

/// What a failure is called in answers of a family.
#[must_use]
pub fn code(failure: &Failure, family: Family) -> Code {
    let availability = family == Family::Availability;
    let (name, number, exception) = match failure {
        Failure::BadAddress { .. } => ("ErrorInvalidSmtpAddress", Some(5035), Some("InvalidSmtpAddressException")),
        Failure::BadChangeKey => ("ErrorInvalidChangeKey", None, None),
        Failure::BadId => ("ErrorInvalidIdMalformed", None, None),
        Failure::BadMime => ("ErrorMimeContentInvalid", None, None),
        Failure::BadProperty { .. } => ("ErrorInvalidPropertyRequest", None, None),
        Failure::BadRecurrence => ("ErrorCalendarInvalidRecurrence", None, None),
        Failure::BadScheduledDuration => ("ErrorInvalidScheduledOofDuration", None, None),
        Failure::BadSubscriptionRequest => ("ErrorInvalidSubscriptionRequest", None, None),
        Failure::BadValue => ("ErrorPropertyValidationFailure", None, None),
        Failure::BadWatermark => ("ErrorInvalidWatermark", None, None),
        Failure::ChangeKeyRequired => ("ErrorChangeKeyRequired", None, None),
        Failure::EmptyId => ("ErrorInvalidIdEmpty", None, None),
        Failure::EndBeforeStart => ("ErrorCalendarEndDateIsEarlierThanStartDate", None, None),
        Failure::InstructionMissing { code } => (*code, None, None),
        Failure::IsCancelled { code } => (*code, None, None),
        Failure::IsOrganizer { code } => (*code, None, None),
        Failure::MailboxRequired => ("ErrorMissingEmailAddress", None, None),
        Failure::MissedEvents => ("ErrorMissedNotificationEvents", None, None),
        Failure::NoSuchFolder => ("ErrorFolderNotFound", None, None),
        Failure::NoSuchSubscription => ("ErrorSubscriptionNotFound", None, None),
        Failure::NotACalendar => ("ErrorCannotCreateCalendarItemInNonCalendarFolder", None, None),
        Failure::NotAnOccurrence => ("ErrorCalendarCannotUseIdForOccurrenceId", None, None),
        Failure::NotASeries => ("ErrorCalendarCannotUseIdForRecurringMasterId", None, None),
        Failure::NotAPullSubscription => ("ErrorInvalidPullSubscriptionId", None, None),
        Failure::NotAStreamingSubscription => ("ErrorInvalidSubscription", None, None),
        Failure::NotOrganizer => ("ErrorCalendarIsNotOrganizer", None, None),
        Failure::OccurrenceBoundary => ("ErrorOccurrenceCrossingBoundary", None, None),
        Failure::OccurrenceDeleted => ("ErrorCalendarOccurrenceIsDeletedFromRecurrence", None, None),
        Failure::OccurrenceOutOfRange => ("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", None, None),
        Failure::ReadOnlyProperty { .. } => ("ErrorInvalidPropertySet", None, None),
        Failure::ReplyMissing => ("ErrorInvalidUserOofSettings", None, None),
        Failure::TooLong => ("ErrorCalendarDurationIsTooLong", None, None),
        Failure::TooManyFound => ("ErrorExceededFindCountLimit", None, None),
        Failure::TooManyProperties => ("ErrorInvalidRequest", None, None),
        Failure::TooManyRecipients { .. } => ("ErrorInvalidRecipients", None, None),
        Failure::TooManyStreams => ("ErrorExceededConnectionCount", None, None),
        Failure::TooManySubscriptions | Failure::TooManyWatches => ("ErrorExceededSubscriptionCount", None, None),
        Failure::UnsupportedQuery { .. } => ("ErrorUnsupportedPathForQuery", None, None),
        Failure::UpdateCount => ("ErrorIncorrectUpdatePropertyCount", None, None),
        Failure::UpdateMismatch => ("ErrorUpdatePropertyMismatch", None, None),
        Failure::ViewOfNoCalendar => ("ErrorCalendarFolderIsInvalidForCalendarView", None, None),
        Failure::ViewTooLarge => ("ErrorCalendarViewRangeTooBig", None, None),
        Failure::WouldNotify => ("ErrorInvalidOperation", None, None),
        Failure::BadInterval => ("ErrorInvalidMergedFreeBusyInterval", Some(5008), None),
        Failure::BadView => ("ErrorInvalidFreeBusyViewType", Some(5007), None),
        Failure::BadWindow { .. } => ("ErrorInvalidTimeInterval", Some(5004), None),
        Failure::Busy { .. } => ("ErrorServerBusy", None, None),
        Failure::Conflict => ("ErrorIrresolvableConflict", None, None),
        Failure::Denied if availability => ("ErrorNoFreeBusyAccess", Some(5037), Some("NoFreeBusyAccessException")),
        Failure::CredentialRefused | Failure::Internal | Failure::Unavailable if availability => {
            ("ErrorFreeBusyGenerationFailed", None, Some("FreeBusyGenerationFailedException"))
        }
        Failure::CredentialRefused | Failure::Denied => ("ErrorAccessDenied", None, None),
        Failure::GroupTooLarge => ("ErrorFreeBusyDLLimitReached", None, Some("FreeBusyDLLimitReachedException")),
        Failure::ImpersonationDenied => ("ErrorImpersonateUserDenied", None, None),
        Failure::ImpersonationInvalid => ("ErrorInvalidExchangeImpersonationHeaderData", None, None),
        Failure::Internal => ("ErrorInternalServerError", None, None),
        Failure::Malformed | Failure::UnsupportedVersion => ("ErrorInvalidRequest", None, None),
        Failure::NoMailboxes => ("ErrorMailboxDataArrayEmpty", Some(5001), None),
        Failure::NoSuchItem => ("ErrorItemNotFound", None, None),
        Failure::NoSuchMailbox { .. } if availability => {
            ("ErrorMailRecipientNotFound", Some(5009), Some("MailRecipientNotFoundException"))
        }
        Failure::NoSuchMailbox { .. } => ("ErrorNonExistentMailbox", None, None),
        Failure::Proxy => ("ErrorProxyRequestProcessingFailed", Some(5016), Some("ProxyWebRequestProcessingException")),
        Failure::ResultTooBig => ("ErrorResultSetTooBig", Some(5006), Some("ResultSetTooBigException")),
        Failure::Schema { .. } => ("ErrorSchemaValidation", None, None),
        Failure::TimedOut => ("ErrorTimeoutExpired", None, Some("TimeoutExpiredException")),
        Failure::TooManyMailboxes { .. } => ("ErrorMailboxDataArrayTooBig", Some(5002), None),
        Failure::Unavailable => ("ErrorMailboxStoreUnavailable", None, None),
        Failure::UnknownTimeZone => ("ErrorTimeZone", None, None),
        Failure::Unsupported { .. } => ("ErrorInvalidOperation", None, None),
        Failure::WindowTooLarge { .. } => ("ErrorTimeIntervalTooBig", Some(5003), None),
    };
    Code { name, number, exception }
}

/// What a failure says in answers of a family.
#[must_use]
pub fn message(failure: &Failure, family: Family) -> String {
    match failure {
        Failure::Denied if family == Family::Availability => {
            "The caller does not have access to free/busy data.".to_owned()
        }
        failure => failure.to_string(),
    }
}

/// The SOAP fault of a failure.
#[must_use]
pub fn fault(failure: &Failure, family: Family) -> String {
    let Code { name, number, .. } = code(failure, family);
    let text = message(failure, family);
    let mut xml = Xml::with_capacity(1024);
    xml.raw(r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a=""#);
    xml.raw(TYPES).raw(r#"">a:"#).raw(name).raw(r#"</faultcode><faultstring xml:lang="en-US">"#).text(&text);
    xml.raw("</faultstring><detail>");
    match number.filter(|_| family == Family::Availability) {
        Some(number) => {
            xml.raw(r#"<m:ErrorCode xmlns:m=""#).raw(MESSAGES).raw(r#"">"#).number(number).raw("</m:ErrorCode>");
        }
        None => {
            xml.raw(r#"<e:ResponseCode xmlns:e=""#).raw(ERRORS).raw(r#"">"#).raw(name).raw("</e:ResponseCode>");
            let message =
                if matches!(failure, Failure::Schema { .. }) { "The request failed schema validation." } else { &text };
            xml.raw(r#"<e:Message xmlns:e=""#).raw(ERRORS).raw(r#"">"#).text(message).raw("</e:Message>");
            message_xml(&mut xml, failure);
        }
    }
    xml.raw("</detail></s:Fault></s:Body></s:Envelope>");
    xml.finish()
}

/// The milliseconds that a caller should wait, where the failure says so.
#[must_use]
pub fn back_off(failure: &Failure) -> Option<u128> {
    match failure {
        Failure::Busy { retry_after } => Some(retry_after.max(&SHORTEST_BACK_OFF).as_millis()),
        _ => None,
    }
}

/// Whether a failure says nothing of the mailbox that was asked about, but that Graph or the gateway
/// could not answer: the request may as well be sent again.
#[must_use]
pub fn is_passing(failure: &Failure) -> bool {
    failure.blame() == Blame::Graph || *failure == Failure::Internal
}

fn message_xml(xml: &mut Xml, failure: &Failure) {
    if let Some(milliseconds) = back_off(failure) {
        xml.raw(r#"<t:MessageXml xmlns:t=""#).raw(TYPES).raw(r#""><t:Value Name="BackOffMilliseconds">"#);
        xml.number(milliseconds).raw("</t:Value></t:MessageXml>");
    }
    if *failure == Failure::TooManyFound {
        xml.raw(r#"<t:MessageXml xmlns:t=""#).raw(TYPES).raw(r#""><t:Value Name="PolicyLimit">1000</t:Value>"#);
        xml.raw("</t:MessageXml>");
    }
    if let Failure::Schema { path, problem } = failure {
        xml.raw(r#"<t:MessageXml xmlns:t=""#).raw(TYPES).raw(r#""><t:LineNumber>1</t:LineNumber>"#);
        xml.raw("<t:LinePosition>1</t:LinePosition><t:Violation>The element '").text(path).raw("': ").text(problem);
        xml.raw("</t:Violation></t:MessageXml>");
    }
}

/// Below this, clients would only come back too early.
const SHORTEST_BACK_OFF: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_level_availability_faults_carry_a_number_and_no_response_code() {
        let text = fault(&Failure::TooManyMailboxes { actual: 101 }, Family::Availability);
        assert!(text.contains(">a:ErrorMailboxDataArrayTooBig<"), "{text}");
        assert!(text.contains("The allowed size = 100; the actual size = 101."), "{text}");
        assert!(text.contains(">5002</m:ErrorCode>") && !text.contains("ResponseCode"), "{text}");
    }

    #[test]
    fn being_busy_tells_how_long_to_wait() {
        let text = fault(&Failure::Busy { retry_after: Duration::from_secs(7) }, Family::Availability);
        assert!(text.contains(r#"<t:Value Name="BackOffMilliseconds">7000</t:Value>"#), "{text}");
        assert!(text.contains(">ErrorServerBusy</e:ResponseCode>"), "{text}");
    }

    #[test]
    fn schema_faults_name_the_element() {
        let failure = Failure::Schema { path: "Bias".to_owned(), problem: "'<x>' is no number".to_owned() };
        let text = fault(&failure, Family::PerItem);
        assert!(text.contains("<t:Violation>The element 'Bias': '&lt;x&gt;' is no number</t:Violation>"), "{text}");
    }
}
