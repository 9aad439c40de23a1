//! Events as iCalendar (RFC 5545), which EWS calls the MIME content of a calendar item, both ways.
//!
//! Owns what of an event has a place there, and what Microsoft's programs call the rest
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcical/>). Must not know
//! whose calendar it is, nor how large a text may be: that is its reader's business.

mod moment;
mod observance;
mod people;
mod read;
mod recurrence;
mod time;
mod weekday;
mod words;
mod write;
mod zone;

pub use read::{Read, read};
pub use write::{Plain, write};

#[cfg(test)]
mod tests;
