//! Reading an event that a caller sent, and applying it to a stored one. Strict about names and types.
//! Knows nothing of mailboxes or HTTP. <https://learn.microsoft.com/graph/api/resources/event>

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::error::Refusal;
use super::event::{Address, Attendee, Event};
use super::extended::Changes;
use super::json::{array, boolean, integer, known, missing, object, one_of, text, wrong_type};
use super::pattern;
use super::recurrence::Recurrence;
use super::zone::Zone;

/// The members of freeBusyStatus.
pub(super) const STATUSES: [&str; 6] = ["free", "tentative", "busy", "oof", "workingElsewhere", "unknown"];
const SENSITIVITIES: [&str; 4] = ["normal", "personal", "private", "confidential"];
const ROLES: [&str; 3] = ["required", "optional", "resource"];
const LOCATION: [&str; 8] = [
    "displayName",
    "locationType",
    "locationEmailAddress",
    "locationUri",
    "uniqueId",
    "uniqueIdType",
    "address",
    "coordinates",
];
/// Most attendees of an event.
const MOST_ATTENDEES: usize = 500;

enum Reader {
    Text,
    Boolean,
    Integer,
    OneOf(&'static [&'static str]),
    Body,
    Location,
    Locations,
    Texts,
}

/// Properties that need no more than a check of their type.
const PLAIN: [(&str, Reader); 16] = [
    ("subject", Reader::Text),
    ("body", Reader::Body),
    ("importance", Reader::OneOf(&["low", "normal", "high"])),
    ("sensitivity", Reader::OneOf(&SENSITIVITIES)),
    ("showAs", Reader::OneOf(&STATUSES)),
    ("isReminderOn", Reader::Boolean),
    ("reminderMinutesBeforeStart", Reader::Integer),
    ("responseRequested", Reader::Boolean),
    ("allowNewTimeProposals", Reader::Boolean),
    ("hideAttendees", Reader::Boolean),
    ("isOnlineMeeting", Reader::Boolean),
    ("onlineMeetingProvider", Reader::OneOf(&["unknown", "teamsForBusiness", "skypeForBusiness", "skypeForConsumer"])),
    ("categories", Reader::Texts),
    ("location", Reader::Location),
    ("locations", Reader::Locations),
    ("transactionId", Reader::Text),
];
/// Properties that are kept in a form of their own.
const OTHERS: [&str; 7] = [
    "start",
    "end",
    "isAllDay",
    "recurrence",
    "attendees",
    "singleValueExtendedProperties",
    "multiValueExtendedProperties",
];

/// A wall-clock time and its zone.
pub(super) type Local = (DateTime, Zone);

/// The part of an event that a body gives.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) properties: Map<String, Value>,
    pub(super) start: Option<Local>,
    pub(super) end: Option<Local>,
    pub(super) all_day: Option<bool>,
    pub(super) recurrence: Option<Option<Recurrence>>,
    pub(super) attendees: Option<Vec<Attendee>>,
    pub(super) extended: Changes,
}

impl Draft {
    pub(super) fn read(body: &Value, strict: bool) -> Result<Self, Refusal> {
        let body = object(body, "event")?;
        let names: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).chain(OTHERS).collect();
        known(body, &names, "event", strict)?;
        let mut draft = Self::default();
        for (name, reader) in &PLAIN {
            if let Some(value) = body.get(*name) {
                draft.properties.insert((*name).to_owned(), reader.read(value, name, strict)?);
            }
        }
        if let Some(location) = draft.properties.get("location").cloned() {
            draft.properties.insert("locations".to_owned(), json!([location]));
        }
        draft.start = body.get("start").map(|value| local(value, "start", strict)).transpose()?;
        draft.end = body.get("end").map(|value| local(value, "end", strict)).transpose()?;
        draft.all_day = body.get("isAllDay").map(|value| boolean(value, "isAllDay")).transpose()?;
        draft.recurrence = match body.get("recurrence") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => Some(Some(pattern::read(value, strict)?)),
        };
        draft.attendees = body.get("attendees").map(|value| attendees(value, strict)).transpose()?;
        let [singles, lists] =
            ["singleValueExtendedProperties", "multiValueExtendedProperties"].map(|name| body.get(name));
        draft.extended = Changes::read(singles, lists, strict)?;
        Ok(draft)
    }

    /// Whether applying it moves the event.
    pub(super) fn moves(&self) -> bool {
        self.start.is_some() || self.end.is_some() || self.all_day.is_some() || self.recurrence.is_some()
    }

    /// Writes the draft over an event. Answers given before survive for attendees who stay.
    pub(super) fn apply(self, event: &mut Event) -> Result<(), Refusal> {
        if let Some((start, zone)) = self.start {
            let end = zone.local(event.zone.instant(event.end));
            (event.start, event.zone, event.end) = (start, zone, end);
        }
        if let Some((end, zone)) = self.end {
            let same = zone.name == event.zone.name;
            event.end = if same { end } else { event.zone.local(zone.instant(end)) };
            event.end_zone = zone.name;
        }
        event.all_day = self.all_day.unwrap_or(event.all_day);
        check_times(event)?;
        if let Some(recurrence) = self.recurrence {
            event.recurrence = recurrence;
            event.exceptions.clear();
        }
        begin_with_the_series(event)?;
        if let Some(mut attendees) = self.attendees {
            for attendee in &mut attendees {
                let before = event.attendees.iter().find(|old| old.who.address == attendee.who.address);
                if let Some(old) = before {
                    (attendee.response, attendee.answered) = (old.response, old.answered);
                }
            }
            event.attendees = attendees;
        }
        event.properties.extend(self.properties);
        self.extended.apply(&mut event.extended);
        // The simulated calendars allow no provider of online meetings, and then Graph ignores the wish.
        event.properties.insert("isOnlineMeeting".to_owned(), json!(false));
        Ok(())
    }
}

impl Reader {
    fn read(&self, value: &Value, name: &str, strict: bool) -> Result<Value, Refusal> {
        Ok(match self {
            Self::Text if value.is_null() => Value::Null,
            Self::Text => json!(text(value, name)?),
            Self::Boolean => json!(boolean(value, name)?),
            Self::Integer => json!(integer(value, name)?),
            Self::OneOf(members) => json!(one_of(value, name, members)?),
            Self::Body => {
                let body = object(value, name)?;
                known(body, &["contentType", "content"], "itemBody", strict)?;
                let kind = body.get("contentType").map_or(Ok("text"), |kind| one_of(kind, name, &["text", "html"]))?;
                let content = body.get("content").map_or(Ok(""), |content| text(content, name))?;
                json!({ "contentType": kind, "content": content })
            }
            Self::Location => location(value, strict)?,
            Self::Locations => array(value, name)?.iter().map(|one| location(one, strict)).collect::<Result<_, _>>()?,
            Self::Texts => {
                let texts = array(value, name)?.iter().map(|one| text(one, name).map(|text| json!(text)));
                texts.collect::<Result<_, _>>()?
            }
        })
    }
}

/// Reads a dateTimeTimeZone.
pub(super) fn local(value: &Value, what: &str, strict: bool) -> Result<Local, Refusal> {
    let fields = object(value, what)?;
    known(fields, &["dateTime", "timeZone"], "dateTimeTimeZone", strict)?;
    let given = text(fields.get("dateTime").ok_or_else(|| missing("dateTime"))?, "dateTime")?;
    let zone = match fields.get("timeZone") {
        None | Some(Value::Null) => Zone::utc(),
        Some(name) => {
            let name = text(name, "timeZone")?;
            Zone::named(name).ok_or_else(|| Refusal::unknown_zone(name))?
        }
    };
    let problem = || wrong_type("dateTime", "a date and time without an offset");
    let (bare, is_utc) = given.strip_suffix('Z').map_or((given, false), |bare| (bare, true));
    // jiff would read offsets and zone annotations past the time and drop them.
    let has_time = bare.split_once('T').is_some_and(|(_, time)| !time.contains(['+', '-', '[']));
    let parsed: DateTime = bare.parse().ok().filter(|_| has_time).ok_or_else(problem)?;
    if is_utc {
        return Ok((zone.local(TimeZone::UTC.to_timestamp(parsed).map_err(|_| problem())?), zone));
    }
    Ok((parsed, zone))
}

fn location(value: &Value, strict: bool) -> Result<Value, Refusal> {
    let given = object(value, "location")?;
    known(given, &LOCATION, "location", strict)?;
    let name = given.get("displayName").map_or(Ok(""), |name| text(name, "displayName"))?;
    let mut location = Map::new();
    location.insert("displayName".to_owned(), json!(name));
    location.insert("locationType".to_owned(), json!("default"));
    location.insert("uniqueId".to_owned(), json!(name));
    location.insert("uniqueIdType".to_owned(), json!("private"));
    location.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(Value::Object(location))
}

fn attendees(value: &Value, strict: bool) -> Result<Vec<Attendee>, Refusal> {
    let given = array(value, "attendees")?;
    if given.len() > MOST_ATTENDEES {
        return Err(Refusal::bad("ErrorExceededMaxRecipientLimit", "An event has at most 500 attendees."));
    }
    let read = |value: &Value| -> Result<Attendee, Refusal> {
        let fields = object(value, "attendees")?;
        known(fields, &["emailAddress", "type", "status", "proposedNewTime"], "attendee", strict)?;
        let mail = object(fields.get("emailAddress").ok_or_else(|| missing("emailAddress"))?, "emailAddress")?;
        known(mail, &["address", "name"], "emailAddress", strict)?;
        let address = text(mail.get("address").ok_or_else(|| missing("address"))?, "address")?.to_owned();
        let name = mail.get("name").and_then(Value::as_str).unwrap_or(&address).to_owned();
        let role = fields.get("type").map_or(Ok("required"), |role| one_of(role, "type", &ROLES))?;
        Ok(Attendee { who: Address { name, address }, role, response: "none", answered: None })
    };
    given.iter().map(read).collect()
}

fn check_times(event: &Event) -> Result<(), Refusal> {
    if event.all_day {
        let midnight = event.start.time() == Time::midnight() && event.end.time() == Time::midnight();
        if !midnight || event.end < event.start.saturating_add(1.day()) {
            return Err(Refusal::bad(
                "ErrorPropertyValidationFailure",
                "The Event.Start and Event.End properties of an all-day event must be midnight. \
                 The duration of an event marked as All day must be at least 24 hours.",
            ));
        }
    }
    if event.end < event.start {
        let message = "The end date of the event is earlier than its start date.";
        return Err(Refusal::bad("ErrorCalendarEndDateIsEarlierThanStartDate", message));
    }
    Ok(())
}

/// A series starts on the first day that its pattern gives.
fn begin_with_the_series(event: &mut Event) -> Result<(), Refusal> {
    let Some(recurrence) = &mut event.recurrence else { return Ok(()) };
    if recurrence.zone.is_empty() {
        recurrence.zone.clone_from(&event.zone.name);
    }
    let first = recurrence.dates(recurrence.start, recurrence.start.saturating_add(20.years())).first().copied();
    let Some(first) = first else {
        return Err(Refusal::bad("ErrorPropertyValidationFailure", "The recurrence has no occurrence."));
    };
    let length = event.start.until(event.end).unwrap_or_default();
    event.start = first.to_datetime(event.start.time());
    event.end = event.start.saturating_add(length);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn times_carry_no_offset_and_a_known_zone() {
        let read = |time: &str, zone: &str| local(&json!({ "dateTime": time, "timeZone": zone }), "start", true);
        assert_eq!(read("2026-11-23T09:00:00.0000000", "UTC").unwrap().0.to_string(), "2026-11-23T09:00:00");
        let (converted, _) = read("2026-11-23T09:00:00Z", "Tokyo Standard Time").unwrap();
        assert_eq!(converted.to_string(), "2026-11-23T18:00:00");
        assert!(read("2026-11-23T09:00:00+02:00", "UTC").is_err());
        assert!(read("2026-11-23", "UTC").is_err());
        assert_eq!(read("2026-11-23T09:00", "Moon").unwrap_err().code, "TimeZoneNotSupportedException");
    }

    #[test]
    fn names_and_types_are_checked() {
        for wrong in [
            json!({ "subjekt": "x" }),
            json!({ "subject": 1 }),
            json!({ "showAs": "occupied" }),
            json!({ "id": "x" }),
            json!({ "location": { "name": "x" } }),
            json!({ "attendees": [{ "emailAddress": { "mail": "x" } }] }),
        ] {
            assert!(Draft::read(&wrong, true).is_err(), "{wrong}");
        }
        let draft = Draft::read(&json!({ "showAs": "OOF", "body": { "contentType": "HTML", "content": "" } }), true);
        assert_eq!(draft.unwrap().properties["showAs"], "oof");
    }
}
