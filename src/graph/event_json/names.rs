//! Graph's names for what events are, both ways. Read without regard to case; a name that nobody knows
//! is taken for the one that does the least harm.
//!
//! Must not know where they stand.

use crate::calendar::event::{EventKind, Importance, Response, Role, Sensitivity};
use crate::calendar::free_busy::BusyStatus;

/// As what somebody is invited.
pub(super) fn role(name: Option<&str>) -> Role {
    match lower(name).as_str() {
        "optional" => Role::Optional,
        "resource" => Role::Resource,
        _ => Role::Required,
    }
}

/// What an event is in its series.
pub(super) fn kind(name: Option<&str>) -> EventKind {
    match lower(name).as_str() {
        "occurrence" => EventKind::Occurrence,
        "exception" => EventKind::Exception,
        "seriesmaster" => EventKind::Master,
        _ => EventKind::Single,
    }
}

/// What somebody answered.
pub(super) fn response(name: Option<&str>) -> Response {
    match lower(name).as_str() {
        "organizer" => Response::Organizer,
        "tentativelyaccepted" => Response::Tentative,
        "accepted" => Response::Accepted,
        "declined" => Response::Declined,
        "notresponded" => Response::NotResponded,
        _ => Response::None,
    }
}

/// How private; what nobody knows may be a secret.
pub(super) fn sensitivity(name: Option<&str>) -> Sensitivity {
    match lower(name).as_str() {
        "" | "normal" => Sensitivity::Normal,
        "personal" => Sensitivity::Personal,
        "confidential" => Sensitivity::Confidential,
        _ => Sensitivity::Private,
    }
}

/// How important.
pub(super) fn importance(name: Option<&str>) -> Importance {
    match lower(name).as_str() {
        "low" => Importance::Low,
        "high" => Importance::High,
        _ => Importance::Normal,
    }
}

/// A role's name.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Required => "required",
        Role::Optional => "optional",
        Role::Resource => "resource",
    }
}

/// A status' name.
pub(super) fn status_name(status: BusyStatus) -> &'static str {
    match status {
        BusyStatus::Free => "free",
        BusyStatus::Tentative => "tentative",
        BusyStatus::Busy => "busy",
        BusyStatus::OutOfOffice => "oof",
        BusyStatus::WorkingElsewhere => "workingElsewhere",
        BusyStatus::NoData => "unknown",
    }
}

/// A sensitivity's name.
pub(super) fn sensitivity_name(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Normal => "normal",
        Sensitivity::Personal => "personal",
        Sensitivity::Private => "private",
        Sensitivity::Confidential => "confidential",
    }
}

/// An importance's name.
pub(super) fn importance_name(importance: Importance) -> &'static str {
    match importance {
        Importance::Low => "low",
        Importance::Normal => "normal",
        Importance::High => "high",
    }
}

fn lower(name: Option<&str>) -> String {
    name.unwrap_or_default().to_ascii_lowercase()
}
