//! A stored event as Graph's JSON. Knows the form, not who asks or how they were let in.
//! <https://learn.microsoft.com/graph/api/resources/event>

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::event::{Address, Attendee, Event, Kind, Occurrence};
use super::ids::{self, Form};
use super::pattern;
use super::state::Mailbox;
use super::zone::{Zone, wire_in, wire_instant};

/// Every property of an event, for `$select`.
pub(super) const PROPERTIES: [&str; 42] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "transactionId",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "iCalUId",
    "reminderMinutesBeforeStart",
    "isReminderOn",
    "hasAttachments",
    "subject",
    "bodyPreview",
    "importance",
    "sensitivity",
    "isAllDay",
    "isCancelled",
    "isOrganizer",
    "responseRequested",
    "seriesMasterId",
    "showAs",
    "type",
    "webLink",
    "onlineMeetingUrl",
    "isOnlineMeeting",
    "onlineMeetingProvider",
    "allowNewTimeProposals",
    "isDraft",
    "hideAttendees",
    "responseStatus",
    "body",
    "start",
    "end",
    "location",
    "locations",
    "recurrence",
    "attendees",
    "organizer",
    "onlineMeeting",
    "originalStart",
    "cancelledOccurrences",
];

/// How a caller wants to see events, and how much of them they may see.
pub(super) struct Look {
    pub(super) zone: Zone,
    pub(super) text_body: bool,
    /// Calendars.ReadBasic: no body.
    pub(super) basic: bool,
    pub(super) ids: Form,
}

impl Look {
    /// The id of an event, or of its occurrence on a day, in the form that the caller prefers.
    pub(super) fn id(&self, owner: &Mailbox, number: u64, day: Option<Date>) -> String {
        ids::item(self.ids, owner.id, number, day)
    }
}

/// The time that stands for "never" in Graph.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// The JSON of an occurrence in its owner's calendar.
pub(super) fn event(occurrence: &Occurrence<'_>, owner: &Mailbox, look: &Look) -> Value {
    let (stored, series) = (occurrence.event, occurrence.series);
    let key = ids::change_key(owner.id, stored.change);
    let id = look.id(owner, series.number, occurrence.day);
    let (start, end) = occurrence.locals(&look.zone);
    let text = |name: &str, default: &str| json!(stored.text(name, default));
    let flag = |name: &str, default: bool| stored.properties.get(name).cloned().unwrap_or_else(|| json!(default));
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("@odata.etag", json!(format!("W/\"{key}\"")));
    set("id", json!(id));
    set("createdDateTime", json!(wire_instant(series.created)));
    set("lastModifiedDateTime", json!(wire_instant(stored.modified)));
    set("changeKey", json!(key));
    set("categories", stored.properties.get("categories").cloned().unwrap_or_else(|| json!([])));
    set("transactionId", series.properties.get("transactionId").cloned().unwrap_or(Value::Null));
    set("originalStartTimeZone", json!(stored.zone.name));
    set("originalEndTimeZone", json!(stored.end_zone));
    set("iCalUId", json!(occurrence.uid()));
    set(
        "reminderMinutesBeforeStart",
        stored.properties.get("reminderMinutesBeforeStart").cloned().unwrap_or_else(|| json!(15)),
    );
    set("isReminderOn", flag("isReminderOn", !stored.all_day));
    set("hasAttachments", json!(false));
    set("subject", text("subject", ""));
    set("importance", text("importance", "normal"));
    set("sensitivity", text("sensitivity", "normal"));
    set("isAllDay", json!(stored.all_day));
    set("isCancelled", json!(stored.cancelled));
    set("isOrganizer", json!(series.is_organizer));
    set("responseRequested", flag("responseRequested", true));
    set("showAs", text("showAs", "busy"));
    set("type", json!(kind_name(occurrence.kind)));
    set("webLink", json!(format!("https://outlook.office365.com/owa/?itemid={id}&exvsurl=1&path=/calendar/item")));
    set("onlineMeetingUrl", Value::Null);
    set("isOnlineMeeting", flag("isOnlineMeeting", false));
    set("onlineMeetingProvider", text("onlineMeetingProvider", "unknown"));
    set("onlineMeeting", Value::Null);
    set("allowNewTimeProposals", flag("allowNewTimeProposals", true));
    set("isDraft", json!(false));
    set("hideAttendees", flag("hideAttendees", false));
    set("responseStatus", response(stored.response, stored.answered));
    set("start", wire_in(start, &look.zone));
    set("end", wire_in(end, &look.zone));
    set("location", stored.properties.get("location").cloned().unwrap_or_else(no_location));
    set("locations", stored.properties.get("locations").cloned().unwrap_or_else(|| json!([])));
    set("attendees", stored.attendees.iter().map(attendee).collect());
    set("organizer", json!({ "emailAddress": address(&series.organizer) }));
    let is_master = occurrence.kind == Kind::Master;
    set("recurrence", series.recurrence.as_ref().filter(|_| is_master).map_or(Value::Null, pattern::write));
    set("seriesMasterId", occurrence.day.map_or(Value::Null, |_| json!(look.id(owner, series.number, None))));
    if let Some(day) = occurrence.day {
        let original: Timestamp = series.zone.instant(day.to_datetime(series.start.time()));
        set("originalStart", json!(wire_instant(original)));
    }
    if !look.basic {
        let body = body(stored, look.text_body);
        set("bodyPreview", json!(preview(stored)));
        set("body", body);
    }
    Value::Object(fields)
}

/// The cancelled days of a series, which Graph gives only when they are asked for.
pub(super) fn cancelled_occurrences(master: &Event, owner: &Mailbox, look: &Look) -> Value {
    let days = master.exceptions.iter().filter(|(_, exception)| exception.is_none());
    days.map(|(day, _)| json!(format!("OID.{}.{day}", look.id(owner, master.number, None)))).collect()
}

/// Without markup, for previews and text bodies.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.trim().to_owned()
}

fn content(stored: &Event) -> (&str, bool) {
    let body = stored.properties.get("body");
    let content = body.and_then(|body| body.get("content")).and_then(Value::as_str).unwrap_or_default();
    let is_html = body.and_then(|body| body.get("contentType")).and_then(Value::as_str) != Some("text");
    (content, is_html)
}

fn preview(stored: &Event) -> String {
    let (content, is_html) = content(stored);
    let text = if is_html { plain(content) } else { content.to_owned() };
    text.chars().take(255).collect()
}

fn body(stored: &Event, as_text: bool) -> Value {
    let (content, is_html) = content(stored);
    match (is_html, as_text) {
        (true, true) => json!({ "contentType": "text", "content": plain(content) }),
        (false, true) => json!({ "contentType": "text", "content": content }),
        (true, false) => json!({ "contentType": "html", "content": content }),
        (false, false) => {
            let escaped = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            json!({ "contentType": "html", "content": format!("<html><body>{escaped}</body></html>") })
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Single => "singleInstance",
        Kind::Master => "seriesMaster",
        Kind::Occurrence => "occurrence",
        Kind::Exception => "exception",
    }
}

fn attendee(attendee: &Attendee) -> Value {
    json!({
        "type": attendee.role,
        "status": response(attendee.response, attendee.answered),
        "emailAddress": address(&attendee.who),
    })
}

fn response(response: &str, answered: Option<Timestamp>) -> Value {
    json!({ "response": response, "time": answered.map_or_else(|| NEVER.to_owned(), wire_instant) })
}

fn address(who: &Address) -> Value {
    json!({ "name": who.name, "address": who.address })
}

fn no_location() -> Value {
    json!({ "displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}, "coordinates": {} })
}
