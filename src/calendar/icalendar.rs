//! Events as iCalendar (RFC 5545), which EWS calls the MIME content of a calendar item, both ways.
//!
//! Owns what of an event has a place there, and what Microsoft's programs call the rest
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcical/>). Must not know
//! whose calendar it is, nor how large a text may be: that is its reader's business.

mod moment;
mod observance;
mod read;
mod recurrence;
mod time;
mod weekday;
mod write;
mod zone;

use jiff::Timestamp;
use jiff::civil::Date;

use super::event::{Event, EventChange};
use super::free_busy::BusyStatus;
use crate::failure::Failure;

/// How much of an event is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// When, how busy and how private.
    Time,
    /// Also what and where.
    SubjectAndLocation,
    /// Everything.
    Full,
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The event. Ends before starts are left to whoever makes an event of it.
    pub change: EventChange,
    /// The days, on the clock of the start's zone, of the series' occurrences that are deleted; in
    /// order, each once.
    pub excluded: Vec<Date>,
    /// How many changed occurrences came along and were not read.
    pub exceptions: usize,
}

/// Writes an event, with the changed occurrences of a series, where they are known.
///
/// A series' deleted occurrences are those of [`Event::deleted`]. Times are told on the clock of the
/// event's zone, with its rules, or in UTC when its name is unknown. The text has no `METHOD`: it
/// stands for an item, not for a message. `now` is its date where the event has none.
#[must_use]
pub fn write(event: &Event, series: &[Event], shown: Shown, now: Timestamp) -> String {
    write::write(event, series, shown, now)
}

/// Reads an event or a series. Unknown content is skipped.
///
/// Times without a zone are UTC. Who organizes it is not read, nor are its changed occurrences.
///
/// # Errors
/// [`Failure::BadMime`] for anything but one whole iCalendar with one event that is no changed
/// occurrence, and a start; [`Failure::BadRecurrence`] for what no pattern of EWS says;
/// [`Failure::UnknownTimeZone`] for a zone without a known name or rules that can be understood, and
/// for a series in a zone that shows the same as none that is known.
pub fn read(text: &str) -> Result<Read, Failure> {
    read::read(text)
}

/// How busy an event makes its owner.
const BUSY_STATUS: &str = "X-MICROSOFT-CDO-BUSYSTATUS";
const BUSY: [(&str, BusyStatus); 5] = [
    ("FREE", BusyStatus::Free),
    ("TENTATIVE", BusyStatus::Tentative),
    ("BUSY", BusyStatus::Busy),
    ("OOF", BusyStatus::OutOfOffice),
    ("WORKINGELSEWHERE", BusyStatus::WorkingElsewhere),
];
/// Whether it is whole days.
const ALL_DAY: &str = "X-MICROSOFT-CDO-ALLDAYEVENT";
/// The body as HTML.
const HTML: &str = "X-ALT-DESC";
/// The class between public and private.
const PERSONAL: &str = "X-PERSONAL";

#[cfg(test)]
mod tests;
