//! Events in Graph's JSON, both ways (<https://learn.microsoft.com/graph/api/resources/event>).
//! Private to `graph`.
//!
//! Owns what is asked of events, and how it is read and written. Must not know calls.

mod compare;
mod decode;
mod encode;
mod names;
mod parts;
mod properties;
mod recurrence;

pub(super) use compare::holds;
pub(super) use decode::{Changed, Item};
pub(super) use encode::{Sent, Time, time};
pub use parts::EventParts;
pub(super) use properties::transaction_filter;
