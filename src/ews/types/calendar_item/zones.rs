//! The zones that an event was made in, by the names that Windows gives them.
//!
//! Owns which Windows zone stands for a zone that has only an IANA name. Zones that Windows cannot name are not told.

use super::super::property_path::Field;
use super::super::time;
use super::seen::Seen;
use crate::calendar::event::EventKind;
use crate::calendar::zone::{WindowsZone, Zone, windows_zone, windows_zones};
use crate::ews::xml::Xml;

/// Writes `StartTimeZone` or `EndTimeZone`: names only.
pub(super) fn write_definition(xml: &mut Xml, seen: &Seen<'_>, field: Field) {
    let Some(zone) = windows(seen, field) else { return };
    xml.raw("<t:").raw(field.element()).raw(r#" Id=""#).text(zone.id).raw(r#"" Name=""#).text(zone.name).raw(r#""/>"#);
}

/// Writes `StartTimeZoneId` or `EndTimeZoneId`.
pub(super) fn write_id(xml: &mut Xml, seen: &Seen<'_>, field: Field) {
    let Some(zone) = windows(seen, field) else { return };
    xml.raw("<t:").raw(field.element()).raw(">").text(zone.id).raw("</t:").raw(field.element()).raw(">");
}

/// Writes `TimeZone`, which Exchange 2016 and later have of series only.
pub(super) fn write_name(xml: &mut Xml, seen: &Seen<'_>) {
    if seen.event().kind == EventKind::Single {
        return;
    }
    let Some(zone) = windows(seen, Field::StartTimeZone) else { return };
    xml.raw("<t:TimeZone>").text(zone.name).raw("</t:TimeZone>");
}

/// Writes `StartWallClock` or `EndWallClock`: the time on the event's own clock.
pub(super) fn write_wall_clock(xml: &mut Xml, seen: &Seen<'_>, field: Field) {
    let second = if field == Field::StartWallClock { seen.start() } else { seen.end() };
    let zone = name(seen, field).and_then(|name| Zone::named(name).ok());
    xml.raw("<t:").raw(field.element()).raw(">");
    time::write(xml, second, zone.as_ref());
    xml.raw("</t:").raw(field.element()).raw(">");
}

fn windows(seen: &Seen<'_>, field: Field) -> Option<WindowsZone> {
    let name = name(seen, field)?;
    windows_zone(name).or_else(|| alike(name, seen.start()))
}

/// A Windows zone with the same rules around an instant: the one that is named after the same city,
/// if there is one.
fn alike(name: &str, second: i64) -> Option<WindowsZone> {
    let rules = Zone::named(name).ok()?.bias_rules(second);
    let city = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    let is_alike = |zone: &WindowsZone| Zone::named(zone.id).is_ok_and(|zone| zone.bias_rules(second) == rules);
    let mut alike = windows_zones().filter(is_alike).peekable();
    let first = alike.peek().copied();
    alike.find(|zone| zone.name.contains(&city)).or(first)
}

fn name<'s>(seen: &'s Seen<'_>, field: Field) -> Option<&'s str> {
    let event = seen.event();
    let start = event.start_zone.as_deref();
    match field {
        Field::EndTimeZone | Field::EndTimeZoneId | Field::EndWallClock => event.end_zone.as_deref().or(start),
        _ => start,
    }
}
