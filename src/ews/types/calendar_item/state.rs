//! What an event is, in EWS's words and numbers.

use crate::calendar::event::{Event, EventKind, Importance, Response, Sensitivity};
use crate::calendar::free_busy::BusyStatus;
use crate::ews::soap::Version;

/// `CalendarItemTypeType`.
pub(super) fn item_type(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Single => "Single",
        EventKind::Occurrence => "Occurrence",
        EventKind::Exception => "Exception",
        EventKind::Master => "RecurringMaster",
    }
}

/// `ResponseTypeType`.
pub(super) fn response_type(response: Response) -> &'static str {
    match response {
        Response::None => "Unknown",
        Response::Organizer => "Organizer",
        Response::Tentative => "Tentative",
        Response::Accepted => "Accept",
        Response::Declined => "Decline",
        Response::NotResponded => "NoResponseReceived",
    }
}

/// `SensitivityChoicesType`.
pub(super) fn sensitivity(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Normal => "Normal",
        Sensitivity::Personal => "Personal",
        Sensitivity::Private => "Private",
        Sensitivity::Confidential => "Confidential",
    }
}

/// `ImportanceChoicesType`.
pub(super) fn importance(importance: Importance) -> &'static str {
    match importance {
        Importance::Low => "Low",
        Importance::Normal => "Normal",
        Importance::High => "High",
    }
}

/// `LegacyFreeBusyType`; schemas before Exchange 2013's have no working elsewhere.
pub(super) fn busy_type(status: BusyStatus, version: Version) -> &'static str {
    match status {
        BusyStatus::WorkingElsewhere if version < Version::Exchange2013 => "Free",
        BusyStatus::Free => "Free",
        BusyStatus::Tentative => "Tentative",
        BusyStatus::Busy => "Busy",
        BusyStatus::OutOfOffice => "OOF",
        BusyStatus::WorkingElsewhere => "WorkingElsewhere",
        BusyStatus::NoData => "NoData",
    }
}

/// Whether it is a meeting: somebody is invited, the mailbox's owner at least.
pub(super) fn is_meeting(event: &Event) -> bool {
    event.is_meeting() || !event.is_organizer
}

/// `IsRecurring`, which is false of an organizer's own series
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/isrecurring>).
pub(super) fn is_recurring(event: &Event) -> bool {
    match event.kind {
        EventKind::Single => false,
        EventKind::Occurrence | EventKind::Exception => true,
        EventKind::Master => !event.is_organizer,
    }
}

/// Whether the attendees were told.
pub(super) fn request_was_sent(event: &Event) -> bool {
    is_meeting(event) && !event.is_draft && !event.is_held_back
}

/// `AppointmentState`: a meeting, received, cancelled.
pub(super) fn bits(event: &Event) -> i32 {
    let meeting = i32::from(is_meeting(event));
    let received = i32::from(!event.is_organizer) << 1;
    let cancelled = i32::from(event.is_cancelled) << 2;
    meeting | received | cancelled
}
