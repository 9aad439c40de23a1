//! Time zones: Windows and IANA names, Exchange's bias rules and definitions, and conversion
//! between clocks.
//!
//! Owns every rule about zones; names and transitions come from CLDR and the tz database, both
//! compiled in. Must not know the clock, nor how a zone is written on either wire.

mod bias;
mod definition;
mod eras;
mod history;
mod names;
mod rule;

use std::sync::Arc;

use crate::failure::Failure;

use eras::Eras;
use names::{Known, Named};
use rule::Rule;

pub use bias::{BiasRules, Change};
pub use definition::{Period, Target, Transition, TransitionGroup, When, ZoneDefinition};
pub use names::{WindowsZone, definition, windows_zone, windows_zones};
pub use rule::DayOfWeek;

/// A time zone. Cheap to clone.
///
/// Zones are equal when they were made from the same name, from the same rules, or have the same
/// offset for ever; a name and rules that show the same clock stay different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Always the same number of seconds ahead of UTC.
    Fixed(i32),
    Named(Arc<Named>),
    Ruled(Arc<Eras>),
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self(Kind::Fixed(0))
    }

    /// A zone by its Windows id, its Windows display name (with or without the offset in front),
    /// its IANA name, or `tzone://Microsoft/Utc`; case is ignored.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`], for `Customized Time Zone` too: the name says nothing.
    pub fn named(id: &str) -> Result<Self, Failure> {
        match names::known(id).ok_or(Failure::UnknownTimeZone)? {
            Known::Fixed(offset) => Ok(Self(Kind::Fixed(offset))),
            Known::Named(named) => Ok(Self(Kind::Named(named))),
        }
    }

    /// A zone by Exchange's `SerializableTimeZone`
    /// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezone-availability>).
    ///
    /// The rules hold for every year, unless both changes name a year: then they are two dates, and
    /// what holds after the later one holds before the earlier one too.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`] when a number is out of its range or only one change names a year.
    pub fn from_rules(rules: BiasRules) -> Result<Self, Failure> {
        bias::eras(&rules).map(Self::of_eras)
    }

    /// A zone by Exchange's `TimeZoneDefinition`
    /// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezonedefinition>).
    ///
    /// A definition that holds only an id, as clients send it in `TimeZoneContext`, is looked up.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`] when the name is unknown or the rules contradict themselves.
    pub fn from_definition(definition: &ZoneDefinition) -> Result<Self, Failure> {
        if definition.groups.is_empty() && definition.transitions.is_empty() {
            return Self::named(&definition.id);
        }
        let history = definition::history(definition).ok_or(Failure::UnknownTimeZone)?;
        Ok(Self::of_eras(Eras::of(&history)))
    }

    /// Exchange's rules for the year of an instant (seconds since 1970).
    ///
    /// A zone without daylight time, or without it in that year, gets the form that Microsoft's own
    /// clients send: both biases 0, with dates that mean nothing. A year that two changes cannot
    /// express (Ramadan in Morocco, some years) gets the rules of its part around the instant.
    #[must_use]
    pub fn bias_rules(&self, at_second: i64) -> BiasRules {
        let at_second = at_second.clamp(-EDGE, EDGE);
        let rule = match &self.0 {
            Kind::Fixed(offset) => Rule::Fixed(*offset),
            Kind::Named(named) => *named.eras().rule_at(at_second),
            Kind::Ruled(eras) => *eras.rule_at(at_second),
        };
        bias::rules(&rule, rule::year_of(self.local_of_second(at_second)))
    }

    /// The instant (seconds since 1970) at which a clock in the zone shows `local` (seconds since
    /// 1970-01-01T00:00:00 on that clock).
    ///
    /// What the clock shows twice is taken as the first; what it skips is moved on by the gap.
    #[must_use]
    pub fn second_of_local(&self, local: i64) -> i64 {
        let inside = local.clamp(-EDGE, EDGE);
        let second = match &self.0 {
            Kind::Fixed(offset) => inside - i64::from(*offset),
            Kind::Named(named) => named.second_of_local(inside),
            Kind::Ruled(eras) => eras.second_of_local(inside),
        };
        local.saturating_add(second - inside)
    }

    /// What a clock in the zone shows at an instant; units as in [`Self::second_of_local`].
    #[must_use]
    pub fn local_of_second(&self, second: i64) -> i64 {
        let inside = second.clamp(-EDGE, EDGE);
        let offset = match &self.0 {
            Kind::Fixed(offset) => *offset,
            Kind::Named(named) => named.offset_at(inside),
            Kind::Ruled(eras) => eras.offset_at(inside),
        };
        second.saturating_add(i64::from(offset))
    }

    fn of_eras(eras: Eras) -> Self {
        match eras.fixed() {
            Some(offset) => Self(Kind::Fixed(offset)),
            None => Self(Kind::Ruled(Arc::new(eras))),
        }
    }
}

/// Some 300,000 years from 1970: further away a zone is as it is there.
const EDGE: i64 = 10_000_000_000_000;

#[cfg(test)]
mod tests;
