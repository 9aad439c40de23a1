//! `NotificationType`: what has happened, as subscribers are told it.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/notification-ex15websvcsotherref>
//!
//! Owns the names of kinds of events.

use super::{folder, item_id};
use crate::changes::{Event, EventType, EventTypes};
use crate::ews::target::CALENDAR;
use crate::ews::xml::Xml;

/// The same and one more kind, by its name; kinds that there never are in a calendar change nothing.
/// `None` for a name that is none.
#[must_use]
pub fn with_type(types: EventTypes, name: &str) -> Option<EventTypes> {
    match name {
        "CreatedEvent" => Some(types.with(EventType::Created)),
        "ModifiedEvent" => Some(types.with(EventType::Modified)),
        "DeletedEvent" => Some(types.with(EventType::Deleted)),
        "FreeBusyChangedEvent" => Some(types.with(EventType::FreeBusyChanged)),
        "NewMailEvent" | "CopiedEvent" | "MovedEvent" => Some(types),
        _ => None,
    }
}

/// Writes one event; pullers are told its watermark.
pub fn write_event(xml: &mut Xml, event: &Event, watermark: Option<&str>) {
    let name = name(event.kind);
    xml.raw("<t:").raw(name).raw(">");
    if let Some(watermark) = watermark {
        xml.raw("<t:Watermark>").raw(watermark).raw("</t:Watermark>");
    }
    xml.raw("<t:TimeStamp>").local_time(event.change.at.as_second()).raw("Z</t:TimeStamp>");
    if event.change.change_key.is_empty() {
        xml.raw(r#"<t:ItemId Id=""#).text(&item_id::text(&event.change.item)).raw(r#""/>"#);
    } else {
        item_id::write(xml, "ItemId", &event.change.item, &event.change.change_key);
    }
    folder::write(xml, "ParentFolderId", CALENDAR, &event.change.mailbox);
    xml.raw("</t:").raw(name).raw(">");
}

/// About how many bytes an event takes.
pub const SIZE: usize = 700;

/// What is seen of an item by an event, as the audit log calls it: its id alone, whatever the view.
pub const VIEW: &str = "id";

fn name(kind: EventType) -> &'static str {
    match kind {
        EventType::Created => "CreatedEvent",
        EventType::Modified => "ModifiedEvent",
        EventType::Deleted => "DeletedEvent",
        EventType::FreeBusyChanged => "FreeBusyChangedEvent",
    }
}
