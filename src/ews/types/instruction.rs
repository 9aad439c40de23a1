//! What a request says about telling others: the attributes `SendMeetingInvitations`,
//! `SendMeetingInvitationsOrCancellations`, `SendMeetingCancellations` and `MessageDisposition`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem>
//!
//! Graph knows no copies in Sent Items, and finds out by itself who is told of what: all that is left
//! of each is whether somebody is.

use crate::ews::soap::Body;
use crate::failure::Failure;

/// Whether the attendees are told; `None` if the request does not say it in `attribute`.
///
/// # Errors
/// [`Failure::Malformed`]; [`Failure::Schema`] for another value than the schema's.
pub fn attendees(body: &Body<'_>, attribute: &str) -> Result<Option<bool>, Failure> {
    named(
        body,
        attribute,
        &[
            ("SendToNone", false),
            ("SendOnlyToAll", true),
            ("SendToAllAndSaveCopy", true),
            ("SendOnlyToChanged", true),
            ("SendToChangedAndSaveCopy", true),
        ],
    )
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is kept.
    SaveOnly,
    /// It is sent.
    SendOnly,
    /// Both.
    SendAndSaveCopy,
}

/// What becomes of a message; `None` if the request does not say it.
///
/// # Errors
/// As [`attendees`].
pub fn disposition(body: &Body<'_>) -> Result<Option<Disposition>, Failure> {
    named(
        body,
        "MessageDisposition",
        &[
            ("SaveOnly", Disposition::SaveOnly),
            ("SendOnly", Disposition::SendOnly),
            ("SendAndSaveCopy", Disposition::SendAndSaveCopy),
        ],
    )
}

/// The value with a name.
///
/// # Errors
/// As [`attendees`].
pub fn named<T: Copy>(body: &Body<'_>, attribute: &str, values: &[(&str, T)]) -> Result<Option<T>, Failure> {
    let Some(name) = body.attribute(attribute)? else { return Ok(None) };
    let found = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let wrong = || Failure::Schema { path: attribute.to_owned(), problem: "is none of its values".to_owned() };
    found.map(Some).ok_or_else(wrong)
}
