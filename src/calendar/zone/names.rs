//! Names of zones: CLDR's Windows zones and the tz database's own.
//!
//! Owns the look-up and what is remembered of it. Must not know how rules are written.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use strum::IntoEnumIterator;
use windows_timezones::WindowsTimezone;

use super::definition::{self, ZoneDefinition};
use super::eras::Eras;
use super::history::History;

/// A zone as Windows lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowsZone {
    /// Such as `FLE Standard Time`.
    pub id: &'static str,
    /// Such as `(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius`.
    pub name: &'static str,
    /// Such as `Europe/Kiev`: CLDR's choice when no country is known.
    pub iana: &'static str,
}

/// All zones of Windows, from west to east.
pub fn windows_zones() -> impl Iterator<Item = WindowsZone> {
    WindowsTimezone::iter().map(|zone| WindowsZone { id: zone.name(), name: zone.description(), iana: zone.tzdb_id() })
}

/// The Windows zone with an id or display name in any case, or the one that CLDR pairs with an IANA
/// name where no country is known.
#[must_use]
pub fn windows_zone(name: &str) -> Option<WindowsZone> {
    let key = fold(name);
    let listed = WINDOWS.get(key.as_str()).map(|listed| listed.zone);
    listed.or_else(|| windows_zones().find(|zone| zone.iana.eq_ignore_ascii_case(&key)))
}

/// Exchange's definition of a Windows zone, by its id or display name in any case, with the real
/// transitions since 2000; `tzone://Microsoft/Utc` is UTC.
#[must_use]
pub fn definition(id: &str) -> Option<Arc<ZoneDefinition>> {
    let listed = WINDOWS.get(fold(id).as_str())?;
    let made = || {
        let history = database().get(listed.zone.iana).map(|zone| History::of(&zone)).ok()?;
        Some(Arc::new(definition::define(listed.zone.id, listed.zone.name, &history)))
    };
    listed.definition.get_or_init(made).clone()
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Known {
    /// Seconds ahead of UTC, since ever.
    Fixed(i32),
    /// A zone with a history.
    Named(Arc<Named>),
}

/// A zone of the tz database.
pub(super) struct Named {
    zone: TimeZone,
    eras: OnceLock<Eras>,
}

impl Named {
    /// As Exchange's rules.
    pub(super) fn eras(&self) -> &Eras {
        self.eras.get_or_init(|| Eras::of(&History::of(&self.zone)))
    }

    pub(super) fn offset_at(&self, second: i64) -> i32 {
        self.zone.to_offset(timestamp(second)).seconds()
    }

    pub(super) fn second_of_local(&self, local: i64) -> i64 {
        let civil = Offset::UTC.to_datetime(timestamp(local));
        let instant = |offset: Offset| local.saturating_sub(i64::from(offset.seconds()));
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => instant(offset),
            AmbiguousOffset::Gap { before, .. } => instant(before),
            // jiff also sees a fold where only the abbreviation changed.
            AmbiguousOffset::Fold { before, .. } if self.offset_at(instant(before)) == before.seconds() => {
                instant(before)
            }
            AmbiguousOffset::Fold { after, .. } => instant(after),
        }
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.zone.iana_name().unwrap_or("unnamed"))
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone
    }
}

impl Eq for Named {}

/// The zone of a name, remembered once found.
pub(super) fn known(id: &str) -> Option<Known> {
    // The longest IANA name has 32 characters, the longest display name fewer than 100.
    if id.len() > 128 {
        return None;
    }
    let key = fold(id);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(key.as_str()).cloned();
    if known.is_some() {
        return known;
    }
    let iana = WINDOWS.get(key.as_str()).map_or(key.as_str(), |listed| listed.zone.iana);
    let zone = of_database(iana)?;
    // Only names that exist get here, so the map cannot outgrow the database.
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(key, zone.clone());
    Some(zone)
}

struct Listed {
    zone: WindowsZone,
    definition: OnceLock<Option<Arc<ZoneDefinition>>>,
}

/// Ids, display names, and display names without the offset, folded.
static WINDOWS: LazyLock<HashMap<String, Arc<Listed>>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for zone in windows_zones() {
        let listed = Arc::new(Listed { zone, definition: OnceLock::new() });
        let place = zone.name.split_once(") ").map_or(zone.name, |(_, place)| place);
        for name in [zone.id, zone.name, place] {
            names.entry(fold(name)).or_insert_with(|| Arc::clone(&listed));
        }
        if zone.id == "UTC" {
            names.insert(fold("tzone://Microsoft/Utc"), listed);
        }
    }
    names
});

static KNOWN: LazyLock<RwLock<HashMap<String, Known>>> = LazyLock::new(RwLock::default);

fn fold(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// The tz database that is compiled in, whatever the host has.
fn database() -> &'static TimeZoneDatabase {
    static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    &BUNDLED
}

fn of_database(iana: &str) -> Option<Known> {
    let zone = database().get(iana).ok()?;
    if zone.is_unknown() {
        return None;
    }
    Some(match zone.following(Timestamp::MIN).next() {
        None => Known::Fixed(zone.to_offset(Timestamp::UNIX_EPOCH).seconds()),
        Some(_) => Known::Named(Arc::new(Named { zone, eras: OnceLock::new() })),
    })
}

fn timestamp(second: i64) -> Timestamp {
    let end = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(end)
}
