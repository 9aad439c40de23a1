//! The clock that an item is made by: a zone, and what Graph calls it.
//!
//! Owns how zones that callers define find a name: Graph takes names only.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::calendar::event::ZonedTime;
use crate::calendar::zone::{self, Zone};
use crate::ews::types::time_zone::TimeZoneContext;
use crate::failure::Failure;

/// A clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    zone: Zone,
    /// A Windows or IANA name; `None` for UTC, and for a zone that has none.
    name: Option<String>,
}

impl Clock {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self { zone: Zone::utc(), name: None }
    }

    /// The clock of a Windows or IANA name.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`].
    pub fn named(name: &str) -> Result<Self, Failure> {
        let zone = Zone::named(name)?;
        if zone == Zone::utc() {
            return Ok(Self::utc());
        }
        let name = zone::definition(name).map_or_else(|| name.trim().to_owned(), |definition| definition.id.clone());
        Ok(Self { zone, name: Some(name) })
    }

    /// The clock of a definition: of its id if that is known, else of the zone of Windows that has
    /// the same rules in the year of an instant (seconds since 1970).
    ///
    /// # Errors
    /// As [`TimeZoneContext::zone`].
    pub fn defined(definition: &TimeZoneContext, at_second: i64) -> Result<Self, Failure> {
        if let Ok(clock) = Self::named(definition.id()) {
            return Ok(clock);
        }
        let zone = definition.zone()?;
        if zone == Zone::utc() {
            return Ok(Self::utc());
        }
        let rules = zone.bias_rules(at_second);
        let same = |id: &&str| Zone::named(id).is_ok_and(|named| named.bias_rules(at_second) == rules);
        let name = zone::windows_zones().map(|zone| zone.id).find(same);
        Ok(Self { zone, name: name.map(str::to_owned) })
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether Graph can be told of it.
    #[must_use]
    pub fn has_name(&self) -> bool {
        self.name.is_some() || self.zone == Zone::utc()
    }

    /// What the clock shows at an instant (seconds since 1970).
    ///
    /// # Errors
    /// [`Failure::Schema`] at the ends of time.
    pub fn reading(&self, second: i64) -> Result<DateTime, Failure> {
        civil(self.zone.local_of_second(second))
    }

    /// A reading of it, for Graph.
    #[must_use]
    pub fn at(&self, local: DateTime) -> ZonedTime {
        ZonedTime { local, zone: self.name.clone() }
    }

    /// An instant (seconds since 1970), for Graph: by this clock, but in UTC if the clock has no
    /// name, or shows the same again at another instant.
    ///
    /// # Errors
    /// [`Failure::Schema`] at the ends of time.
    pub fn instant(&self, second: i64) -> Result<ZonedTime, Failure> {
        let local = self.zone.local_of_second(second);
        if self.has_name() && self.zone.second_of_local(local) == second {
            Ok(self.at(civil(local)?))
        } else {
            Ok(Self::utc().at(civil(second)?))
        }
    }
}

fn civil(local: i64) -> Result<DateTime, Failure> {
    let wrong = |_| Failure::Schema { path: "Start".to_owned(), problem: "is out of range".to_owned() };
    Timestamp::from_second(local).map(|at| Offset::UTC.to_datetime(at)).map_err(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil::datetime;

    use super::*;
    use crate::ews::pull::Pull;
    use crate::ews::types::time_zone::write_definition;
    use crate::ews::xml::Xml;

    const WINTER: i64 = 1_799_658_000; // 2027-01-11T09:00:00Z

    fn defined(xml: &str) -> Result<Clock, Failure> {
        let mut reader = Pull::new(xml);
        let start = reader.child().unwrap().unwrap();
        Clock::defined(&TimeZoneContext::of(&start, &mut reader).unwrap(), WINTER)
    }

    #[test]
    fn names_become_those_of_windows() {
        for (name, expected) in [
            ("romance standard time", Some("Romance Standard Time")),
            ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", Some("Romance Standard Time")),
            ("Europe/Helsinki", Some("Europe/Helsinki")),
            ("UTC", None),
            ("tzone://Microsoft/Utc", None),
        ] {
            let clock = Clock::named(name).unwrap();
            assert_eq!((clock.name.as_deref(), clock.has_name()), (expected, true), "{name}");
        }
        assert_eq!(Clock::named("Nowhere").unwrap_err(), Failure::UnknownTimeZone);
    }

    #[test]
    fn definitions_are_known_by_id_else_by_their_rules() {
        let mut xml = Xml::default();
        write_definition(&mut xml, &zone::definition("Romance Standard Time").unwrap(), true);
        let whole = xml.finish();
        assert_eq!(defined(&whole).unwrap(), Clock::named("Romance Standard Time").unwrap());
        let own = defined(&whole.replace(r#"Id="Romance Standard Time""#, r#"Id="Mine""#)).unwrap();
        assert!(own.has_name());
        assert_eq!(own.reading(WINTER).unwrap(), datetime(2027, 1, 11, 10, 0, 0, 0));
        assert_eq!(
            defined(r#"<t:StartTimeZone Id="Pacific Standard Time"/>"#).unwrap().name.unwrap(),
            "Pacific Standard Time"
        );
        assert_eq!(defined(r#"<t:StartTimeZone Id="Nowhere"/>"#).unwrap_err(), Failure::UnknownTimeZone);
    }

    #[test]
    fn what_a_clock_shows_twice_is_told_in_utc() {
        let clock = Clock::named("Romance Standard Time").unwrap();
        let first = 1_824_942_600; // 2027-10-31T00:30:00Z, 02:30 in summer
        assert_eq!(clock.instant(first).unwrap(), clock.at(datetime(2027, 10, 31, 2, 30, 0, 0)));
        let again = first + 3600;
        assert_eq!(clock.instant(again).unwrap(), Clock::utc().at(datetime(2027, 10, 31, 1, 30, 0, 0)));
    }
}
