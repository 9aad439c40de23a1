//! A series' occurrences: the first, the last, those that were changed or deleted.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/modifiedoccurrences>

use jiff::civil::Date;
use jiff::tz::Offset;

use super::super::property_path::Field;
use super::super::{item_id, time};
use super::seen::{Seen, Viewer};
use crate::calendar::event::{Event, EventId};
use crate::calendar::zone::Zone;
use crate::ews::xml::Xml;

/// Writes `FirstOccurrence` or `LastOccurrence`.
pub(super) fn write_end(xml: &mut Xml, field: Field, occurrence: Option<&Event>, viewer: &Viewer) {
    let Some(occurrence) = occurrence else { return };
    let seen = viewer.see(occurrence);
    let times = [seen.start(), seen.end(), seen.original_start().unwrap_or_else(|| seen.start())];
    write(xml, field.element(), &occurrence.id, &occurrence.change_key, times, viewer.zone());
}

/// Writes `ModifiedOccurrences`.
pub(super) fn write_modified(xml: &mut Xml, seen: &Seen<'_>, zone: Option<&Zone>) {
    if seen.event().exceptions.is_empty() {
        return;
    }
    xml.raw("<t:ModifiedOccurrences>");
    for changed in &seen.event().exceptions {
        let (start, end) = changed.when.instants(seen.zone());
        let times = [start.as_second(), end.as_second(), seen.original(&changed.when, changed.original_start)];
        write(xml, "Occurrence", &changed.id, &changed.change_key, times, zone);
    }
    xml.raw("</t:ModifiedOccurrences>");
}

/// The zone of a series' days, if it is known.
pub(super) fn clock(event: &Event) -> Option<Zone> {
    let of_series = event.recurrence.as_ref().and_then(|series| series.zone.as_deref());
    [of_series, event.start_zone.as_deref()].into_iter().flatten().find_map(|name| Zone::named(name).ok())
}

/// Writes `DeletedOccurrences`: when they would have begun.
pub(super) fn write_deleted(xml: &mut Xml, seen: &Seen<'_>, zone: Option<&Zone>) {
    let event = seen.event();
    if event.deleted.is_empty() {
        return;
    }
    let own = clock(event).filter(|_| !event.when.is_all_day());
    let clock = own.as_ref().unwrap_or_else(|| seen.zone());
    let time_of_day = clock.local_of_second(seen.start()).rem_euclid(86_400);
    xml.raw("<t:DeletedOccurrences>");
    for day in &event.deleted {
        xml.raw("<t:DeletedOccurrence><t:Start>");
        time::write(xml, clock.second_of_local(midnight(*day) + time_of_day), zone);
        xml.raw("</t:Start></t:DeletedOccurrence>");
    }
    xml.raw("</t:DeletedOccurrences>");
}

fn write(xml: &mut Xml, element: &str, id: &EventId, key: &str, times: [i64; 3], zone: Option<&Zone>) {
    xml.raw("<t:").raw(element).raw(">");
    item_id::write(xml, "ItemId", id, key);
    for (name, second) in ["Start", "End", "OriginalStart"].into_iter().zip(times) {
        xml.raw("<t:").raw(name).raw(">");
        time::write(xml, second, zone);
        xml.raw("</t:").raw(name).raw(">");
    }
    xml.raw("</t:").raw(element).raw(">");
}

/// Seconds since 1970 on the day's own clock.
fn midnight(day: Date) -> i64 {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_or(0, |at| at.as_second())
}
