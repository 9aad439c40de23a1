//! `MimeContent`: the item as iCalendar, in base64.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/mimecontent>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::seen::{Seen, Viewer};
use crate::calendar::event::Event;
use crate::calendar::icalendar::{self, Shown};
use crate::client::Ceiling;
use crate::ews::xml::Xml;

/// Writes the element; a series with its changed occurrences, as far as they are known.
pub(super) fn write(xml: &mut Xml, seen: &Seen<'_>, viewer: &Viewer, changed: &[Event]) {
    let shown = match seen.ceiling() {
        Ceiling::Time => Shown::Time,
        Ceiling::SubjectAndLocation => Shown::SubjectAndLocation,
        Ceiling::Full => Shown::Full,
    };
    let changed: Vec<Event> = changed.iter().map(|event| viewer.see(event).event().clone()).collect();
    let text = icalendar::write(seen.event(), &changed, shown, viewer.now());
    xml.raw(r#"<t:MimeContent CharacterSet="UTF-8">"#).raw(&STANDARD.encode(text)).raw("</t:MimeContent>");
}
