//! `MimeContent`: the item as iCalendar, in base64.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/mimecontent>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::body;
use super::seen::{Seen, Viewer};
use crate::calendar::event::Event;
use crate::calendar::icalendar;
use crate::ews::xml::Xml;

/// Writes the element; a series with its changed occurrences, as far as they are known. Each has
/// lost what is hidden before.
pub(super) fn write(xml: &mut Xml, seen: &Seen<'_>, viewer: &Viewer, changed: &[Event]) {
    let changed: Vec<Event> = changed.iter().map(|event| viewer.see(event).event().clone()).collect();
    let text = icalendar::write(seen.event(), &changed, body::text, viewer.now());
    xml.raw(r#"<t:MimeContent CharacterSet="UTF-8">"#).raw(&STANDARD.encode(text)).raw("</t:MimeContent>");
}
