//! Whose midnights an event's days begin at. Reading and writing must agree on it, or days move.

use crate::calendar::event::Event;
use crate::calendar::zone::Zone;

/// The name of the zone whose midnights an event's days begin at: the one that it was made in. `None`,
/// which means the caller's, where that is unknown or UTC: in UTC programs make days that are meant
/// for anywhere.
#[must_use]
pub fn zone_of_days(event: &Event) -> Option<&str> {
    event.start_zone.as_deref().filter(|name| Zone::named(name).is_ok_and(|zone| zone != Zone::utc()))
}

/// The zone of an event's days, for a caller with a zone of its own.
#[must_use]
pub fn zone_of(event: &Event, callers: Option<&Zone>) -> Zone {
    let own = zone_of_days(event).and_then(|name| Zone::named(name).ok());
    own.or_else(|| callers.cloned()).unwrap_or_else(Zone::utc)
}
