//! Events as Graph tells them, read.
//!
//! What Graph leaves out or names as nobody knows does not make an event unreadable: only an event
//! without id or times is no event. Must not know who asks.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::names::{importance, kind, response, role, sensitivity};
use super::properties::{Many, Single, found};
use super::recurrence::Patterned;
use crate::calendar::event::{Attendee, Body, Event, EventId, Occurrence, Person, PropertyId, Response, When};
use crate::failure::Failure;
use crate::graph::fault::Trouble;
use crate::graph::json::{Received, decode, status};

/// An event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graph) struct Item {
    id: String,
    change_key: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    series_master_id: Option<String>,
    #[serde(rename = "iCalUId")]
    uid: Option<String>,
    created_date_time: Option<String>,
    last_modified_date_time: Option<String>,
    subject: Option<String>,
    body: Option<SentBody>,
    start: Received,
    end: Received,
    is_all_day: Option<bool>,
    original_start_time_zone: Option<String>,
    original_end_time_zone: Option<String>,
    original_start: Option<String>,
    show_as: Option<String>,
    location: Option<Location>,
    sensitivity: Option<String>,
    importance: Option<String>,
    categories: Option<Vec<String>>,
    is_reminder_on: Option<bool>,
    reminder_minutes_before_start: Option<i32>,
    organizer: Option<Recipient>,
    is_organizer: Option<bool>,
    attendees: Option<Vec<Invited>>,
    response_status: Option<Answer>,
    response_requested: Option<bool>,
    allow_new_time_proposals: Option<bool>,
    is_cancelled: Option<bool>,
    is_draft: Option<bool>,
    has_attachments: Option<bool>,
    is_online_meeting: Option<bool>,
    online_meeting: Option<OnlineMeeting>,
    online_meeting_url: Option<String>,
    recurrence: Option<Patterned>,
    #[serde(default)]
    single_value_extended_properties: Option<Vec<Single>>,
    #[serde(default)]
    multi_value_extended_properties: Option<Vec<Many>>,
}

/// What became of the occurrences of a series.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::graph) struct Changed {
    cancelled_occurrences: Option<Vec<String>>,
    exception_occurrences: Option<Vec<Item>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentBody {
    content: Option<String>,
    content_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: Option<Address>,
}

#[derive(Debug, Deserialize)]
struct Address {
    name: Option<String>,
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invited {
    email_address: Option<Address>,
    #[serde(rename = "type")]
    role: Option<String>,
    status: Option<Answer>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    response: Option<String>,
    time: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnlineMeeting {
    join_url: Option<String>,
}

impl Item {
    /// The event in the answer to a write, without extended properties.
    ///
    /// # Errors
    /// What cannot be read; it was written all the same.
    pub(in crate::graph) fn written(call: &'static str, answer: &[u8]) -> Result<Event, Trouble> {
        let item = decode::<Self>(call, answer);
        let event = item.and_then(|item| item.read(&[]).map_err(Trouble::from));
        event.map_err(|trouble| Trouble { unsure: true, ..trouble })
    }

    /// The event, with those of the properties that were asked for.
    ///
    /// # Errors
    /// [`Failure::Internal`] for an id that cannot be one.
    pub(in crate::graph) fn read(self, asked: &[PropertyId]) -> Result<Event, Failure> {
        let when = self.when();
        let found = found(
            self.single_value_extended_properties.unwrap_or_default(),
            self.multi_value_extended_properties.unwrap_or_default(),
            asked,
        );
        let mut attendees: Vec<_> = self.attendees.unwrap_or_default().into_iter().filter_map(Invited::read).collect();
        let is_held_back = attendees.is_empty() && !found.held_back.is_empty();
        if is_held_back {
            attendees = found.held_back;
        }
        let (own, responded) = self.response_status.map_or((Response::None, None), Answer::read);
        Ok(Event {
            id: id(&self.id)?,
            change_key: self.change_key.unwrap_or_default(),
            kind: kind(self.kind.as_deref()),
            series: self.series_master_id.as_deref().map(id).transpose()?,
            uid: found.uid.or(self.uid),
            created: instant(self.created_date_time.as_deref()),
            modified: instant(self.last_modified_date_time.as_deref()),
            subject: self.subject.unwrap_or_default(),
            body: self.body.map(SentBody::read),
            when,
            start_zone: self.original_start_time_zone,
            end_zone: self.original_end_time_zone,
            original_start: instant(self.original_start.as_deref()),
            show_as: status(self.show_as.as_deref()),
            location: self.location.and_then(|location| location.display_name).unwrap_or_default(),
            sensitivity: sensitivity(self.sensitivity.as_deref()),
            importance: importance(self.importance.as_deref()),
            categories: self.categories.unwrap_or_default(),
            is_reminder_on: self.is_reminder_on == Some(true),
            reminder_minutes: self.reminder_minutes_before_start.unwrap_or_default(),
            organizer: self.organizer.and_then(|organizer| organizer.email_address).and_then(Address::read),
            is_organizer: self.is_organizer != Some(false),
            attendees,
            is_held_back,
            response: own,
            responded,
            is_response_requested: self.response_requested != Some(false),
            allows_new_time: self.allow_new_time_proposals != Some(false),
            is_cancelled: self.is_cancelled == Some(true),
            is_draft: self.is_draft == Some(true),
            has_attachments: self.has_attachments == Some(true),
            is_online_meeting: self.is_online_meeting == Some(true),
            join_url: self
                .online_meeting
                .and_then(|meeting| meeting.join_url)
                .or(self.online_meeting_url)
                .filter(|url| !url.is_empty()),
            recurrence: self.recurrence.and_then(Patterned::read),
            exceptions: Vec::new(),
            deleted: Vec::new(),
            properties: found.properties,
        })
    }

    fn when(&self) -> When {
        let (start, end) = (self.start.0, self.end.0.max(self.start.0));
        if self.is_all_day != Some(true) {
            return When::Timed { start, end };
        }
        let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let first = day(start);
        When::Days { first, after: day(end).max(first.tomorrow().unwrap_or(first)) }
    }
}

impl Changed {
    /// Writes what became of the occurrences into their series.
    ///
    /// # Errors
    /// As [`Item::read`].
    pub(in crate::graph) fn fill(self, series: &mut Event) -> Result<(), Failure> {
        // Each is `OID.`, the id of the series, a dot and the day.
        let day = |text: &String| text.rsplit_once('.').and_then(|(_, day)| day.parse::<Date>().ok());
        series.deleted = self.cancelled_occurrences.iter().flatten().filter_map(day).collect();
        series.deleted.sort_unstable();
        let exceptions = self.exception_occurrences.unwrap_or_default().into_iter().map(|item| {
            let Event { id, change_key, when, original_start, .. } = item.read(&[])?;
            Ok(Occurrence { id, change_key, when, original_start })
        });
        series.exceptions = exceptions.collect::<Result<_, Failure>>()?;
        series.exceptions.sort_by_key(|exception| exception.original_start);
        Ok(())
    }
}

impl SentBody {
    fn read(self) -> Body {
        let is_html = self.content_type.is_none_or(|kind| kind.eq_ignore_ascii_case("html"));
        Body { content: self.content.unwrap_or_default(), is_html }
    }
}

impl Address {
    /// Nobody without an address or a name.
    fn read(self) -> Option<Person> {
        let (name, address) = (self.name.unwrap_or_default(), self.address.unwrap_or_default());
        (!name.is_empty() || !address.is_empty()).then_some(Person { name, address })
    }
}

impl Invited {
    fn read(self) -> Option<Attendee> {
        let person = self.email_address?.read()?;
        let (response, responded) = self.status.map_or((Response::None, None), Answer::read);
        Some(Attendee { person, role: role(self.role.as_deref()), response, responded })
    }
}

impl Answer {
    fn read(self) -> (Response, Option<Timestamp>) {
        (response(self.response.as_deref()), instant(self.time.as_deref()))
    }
}

fn id(text: &str) -> Result<EventId, Failure> {
    EventId::parse(text).map_err(|_| {
        tracing::error!("an event of Graph's has an id that cannot be one");
        Failure::Internal
    })
}

/// An instant; Graph writes the first day of year 1 for none.
fn instant(text: Option<&str>) -> Option<Timestamp> {
    let at: Timestamp = text?.parse().ok()?;
    (at > FIRST).then_some(at)
}

/// 1601, when Exchange's own time begins.
const FIRST: Timestamp = Timestamp::constant(-11_644_473_600, 0);
