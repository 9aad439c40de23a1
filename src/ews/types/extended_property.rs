//! `ExtendedProperty`, as answers have it.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/extendedproperty>
//!
//! Owns which extended properties follow from an event where none are kept for it: those that
//! Exchange itself keeps of every calendar item (MS-OXOCAL §2.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::Offset;
use uuid::{Uuid, uuid};

use super::calendar_item::Seen;
use super::property_path::{self, Field};
use crate::calendar::event::{EventKind, PropertyId, PropertyName, PropertyValue, Sensitivity};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::global_id;
use crate::ews::xml::Xml;

/// Writes an extended property, if it is set and shown.
pub fn write(xml: &mut Xml, seen: &Seen<'_>, id: &PropertyId) {
    let Some(value) = value(seen, id) else { return };
    xml.raw("<t:ExtendedProperty>");
    property_path::write_extended(xml, id);
    match value {
        PropertyValue::One(value) => {
            xml.raw("<t:Value>").text(&value).raw("</t:Value>");
        }
        PropertyValue::Many(values) => {
            xml.raw("<t:Values>");
            for value in values {
                xml.raw("<t:Value>").text(&value).raw("</t:Value>");
            }
            xml.raw("</t:Values>");
        }
    }
    xml.raw("</t:ExtendedProperty>");
}

/// The value of an extended property, if it is set and shown.
#[must_use]
pub fn value(seen: &Seen<'_>, id: &PropertyId) -> Option<PropertyValue> {
    if !seen.shows(Field::ExtendedProperty) {
        return None;
    }
    let kept = seen.event().properties.iter().find(|(kept, _)| kept == id).map(|(_, value)| value.clone());
    kept.filter(|value| !matches!(value, PropertyValue::Many(values) if values.is_empty()))
        .or_else(|| derived(seen, id).map(PropertyValue::One))
}

fn derived(seen: &Seen<'_>, id: &PropertyId) -> Option<String> {
    let event = seen.event();
    let uid = event.uid.as_deref();
    Some(match (&id.name, id.kind) {
        (PropertyName::Number(MEETING, 0x03), "Binary") => {
            let day = seen.original_start().map(|start| day_of(seen.zone().local_of_second(start)));
            STANDARD.encode(global_id::global_object_id(uid?, day))
        }
        (PropertyName::Number(MEETING, 0x23), "Binary") => STANDARD.encode(global_id::clean_global_object_id(uid?)),
        (PropertyName::Number(APPOINTMENT, 0x8201), "Integer") => "0".to_owned(),
        (PropertyName::Number(APPOINTMENT, 0x8205), "Integer") => busy_status(event.show_as).to_owned(),
        (PropertyName::Number(APPOINTMENT, 0x8217), "Integer") if seen.shows(Field::AppointmentState) => {
            seen.state_bits().to_string()
        }
        (PropertyName::Number(APPOINTMENT, 0x8223), "Boolean") => (event.kind == EventKind::Master).to_string(),
        (PropertyName::Number(APPOINTMENT, 0x8215), "Boolean") => event.when.is_all_day().to_string(),
        (PropertyName::Text(PUBLIC_STRINGS, name), "Integer") if name == "urn:schemas:calendar:instancetype" => {
            match event.kind {
                EventKind::Single => "0",
                EventKind::Master => "1",
                EventKind::Occurrence => "2",
                EventKind::Exception => "3",
            }
            .to_owned()
        }
        (PropertyName::Tag(0x0036), "Integer") => match event.sensitivity {
            Sensitivity::Normal => "0",
            Sensitivity::Personal => "1",
            Sensitivity::Private => "2",
            Sensitivity::Confidential => "3",
        }
        .to_owned(),
        _ => return None,
    })
}

/// `PidLidBusyStatus` (MS-OXOCAL §2.2.1.2).
fn busy_status(status: BusyStatus) -> &'static str {
    match status {
        BusyStatus::Free => "0",
        BusyStatus::Tentative => "1",
        BusyStatus::Busy | BusyStatus::NoData => "2",
        BusyStatus::OutOfOffice => "3",
        BusyStatus::WorkingElsewhere => "4",
    }
}

fn day_of(local: i64) -> jiff::civil::Date {
    jiff::Timestamp::from_second(local).map_or(jiff::civil::Date::ZERO, |at| Offset::UTC.to_datetime(at).date())
}

const MEETING: Uuid = uuid!("6ed8da90-450b-11da-98da-00aa003f1305");
const APPOINTMENT: Uuid = uuid!("00062002-0000-0000-c000-000000000046");
const PUBLIC_STRINGS: Uuid = uuid!("00020329-0000-0000-c000-000000000046");
