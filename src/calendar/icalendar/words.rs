//! Names that RFC 5545 lacks, and text that it allows.
//!
//! The names are those of Microsoft's programs
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcical/>).

use crate::calendar::free_busy::BusyStatus;

/// How busy an event makes its owner.
pub(super) const BUSY_STATUS: &str = "X-MICROSOFT-CDO-BUSYSTATUS";
pub(super) const BUSY: [(&str, BusyStatus); 5] = [
    ("FREE", BusyStatus::Free),
    ("TENTATIVE", BusyStatus::Tentative),
    ("BUSY", BusyStatus::Busy),
    ("OOF", BusyStatus::OutOfOffice),
    ("WORKINGELSEWHERE", BusyStatus::WorkingElsewhere),
];
/// Whether it is whole days.
pub(super) const ALL_DAY: &str = "X-MICROSOFT-CDO-ALLDAYEVENT";
/// The body as HTML.
pub(super) const HTML: &str = "X-ALT-DESC";
/// The class between public and private.
pub(super) const PERSONAL: &str = "X-PERSONAL";

/// Without what RFC 5545 allows nowhere, and with plain ends of lines.
pub(super) fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|char| matches!(char, '\n' | '\t') || !char.is_control()).collect()
}
