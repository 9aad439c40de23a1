//! An event of a calendar, and a change to one.
//!
//! Owns the vocabulary that both wires share. Must not know how either writes it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::free_busy::BusyStatus;
use super::recurrence::Recurrence;
use super::zone::Zone;
use crate::failure::Failure;

/// Names an event of one mailbox. It means nothing without the mailbox.
///
/// Held in Graph's form: URL-safe base64 (RFC 4648 §5) of what Exchange names it by. Case matters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Arc<str>);

/// An event: a single one, a series, or one occurrence of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name in its mailbox.
    pub id: EventId,
    /// Another one after each change; the same for a series and its occurrences.
    pub change_key: String,
    /// What it is in its series.
    pub kind: EventKind,
    /// The series of an occurrence.
    pub series: Option<EventId>,
    /// The same in all calendars that hold the meeting (RFC 5545 §3.8.4.7).
    pub uid: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was changed last.
    pub modified: Option<Timestamp>,
    /// What it is about; may be empty.
    pub subject: String,
    /// Its text, where it was asked for.
    pub body: Option<Body>,
    /// When it is; for a series, when its first occurrence is.
    pub when: When,
    /// The zone it was made in, by a Windows or IANA name.
    pub start_zone: Option<String>,
    /// The zone of its end.
    pub end_zone: Option<String>,
    /// When an occurrence would have been, had nobody moved it.
    pub original_start: Option<Timestamp>,
    /// How busy it makes its owner.
    pub show_as: BusyStatus,
    /// Where; may be empty.
    pub location: String,
    /// How private it is.
    pub sensitivity: Sensitivity,
    /// How important.
    pub importance: Importance,
    /// The owner's categories.
    pub categories: Vec<String>,
    /// Whether there is a reminder.
    pub is_reminder_on: bool,
    /// Minutes before the start at which the reminder comes.
    pub reminder_minutes: i32,
    /// Who invited.
    pub organizer: Option<Person>,
    /// Whether the mailbox's owner invited.
    pub is_organizer: bool,
    /// Who is invited.
    pub attendees: Vec<Attendee>,
    /// Whether `attendees` stand on the organizer's item only, and were never told.
    pub is_held_back: bool,
    /// The owner's own answer.
    pub response: Response,
    /// When the owner answered.
    pub responded: Option<Timestamp>,
    /// Whether the organizer wants answers.
    pub is_response_requested: bool,
    /// Whether attendees may propose another time.
    pub allows_new_time: bool,
    /// Whether the organizer called it off.
    pub is_cancelled: bool,
    /// Whether it was never sent.
    pub is_draft: bool,
    /// Whether there are attachments.
    pub has_attachments: bool,
    /// Whether it takes place online.
    pub is_online_meeting: bool,
    /// Where to join it online.
    pub join_url: Option<String>,
    /// How a series repeats.
    pub recurrence: Option<Recurrence>,
    /// The changed occurrences of a series, where they were asked for.
    pub exceptions: Vec<Occurrence>,
    /// When the deleted occurrences of a series would have been, where they were asked for: their
    /// days in the series' zone.
    pub deleted: Vec<Date>,
    /// Extended properties that were asked for and are set.
    pub properties: Vec<(PropertyId, PropertyValue)>,
}

/// What an event is in its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It belongs to none.
    Single,
    /// One occurrence, as the pattern has it.
    Occurrence,
    /// One occurrence that was changed.
    Exception,
    /// The series itself.
    Master,
}

/// A changed occurrence of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Its name.
    pub id: EventId,
    /// As the series' own.
    pub change_key: String,
    /// When it is.
    pub when: When,
    /// When it would have been.
    pub original_start: Option<Timestamp>,
}

/// When an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// From an instant to an instant.
    Timed {
        /// The first instant.
        start: Timestamp,
        /// The first instant after; never before the start.
        end: Timestamp,
    },
    /// Whole days, wherever one is.
    Days {
        /// The first day.
        first: Date,
        /// The day after the last.
        after: Date,
    },
}

/// A text, plain or HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The text.
    pub content: String,
    /// Whether it is HTML.
    pub is_html: bool,
}

/// Somebody with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The display name; may be empty.
    pub name: String,
    /// The SMTP address as it was given, not necessarily a valid one.
    pub address: String,
}

/// Somebody who is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// Who.
    pub person: Person,
    /// As what.
    pub role: Role,
    /// What they answered.
    pub response: Response,
    /// When they answered.
    pub responded: Option<Timestamp>,
}

/// As what somebody is invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Has to come.
    Required,
    /// May come.
    Optional,
    /// A room, or equipment.
    Resource,
}

/// What somebody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// There is nothing to answer.
    None,
    /// It is the organizer's own.
    Organizer,
    /// Perhaps.
    Tentative,
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Nothing yet.
    NotResponded,
}

/// How private an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Not at all.
    #[default]
    Normal,
    /// Personal.
    Personal,
    /// Private.
    Private,
    /// Confidential.
    Confidential,
}

/// How important an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Importance {
    /// Less than others.
    Low,
    /// As others.
    #[default]
    Normal,
    /// More than others.
    High,
}

/// Names an extended property: a MAPI property
/// (<https://learn.microsoft.com/graph/api/resources/extended-properties-overview>).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PropertyId {
    /// The type of its value, as EWS and Graph both call it: `String`, `Integer`, `Binary`,
    /// `StringArray` and so on.
    pub kind: &'static str,
    /// Which it is.
    pub name: PropertyName,
}

/// Which extended property.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PropertyName {
    /// By its MAPI tag, without type.
    Tag(u16),
    /// By a number in a set.
    Number(Uuid, u32),
    /// By a name in a set.
    Text(Uuid, String),
}

/// The value of an extended property, in the lexical form that EWS and Graph share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// Of a plain type.
    One(String),
    /// Of an array type.
    Many(Vec<String>),
}

/// What to set of an event; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventChange {
    /// Empty takes it away.
    pub subject: Option<String>,
    /// Empty takes it away.
    pub body: Option<Body>,
    /// The first instant, or with `is_all_day` the first day's midnight.
    pub start: Option<ZonedTime>,
    /// The first instant after, or with `is_all_day` the midnight after the last day.
    pub end: Option<ZonedTime>,
    /// Whole days.
    pub is_all_day: Option<bool>,
    /// How busy.
    pub show_as: Option<BusyStatus>,
    /// Empty takes it away.
    pub location: Option<String>,
    /// How private.
    pub sensitivity: Option<Sensitivity>,
    /// How important.
    pub importance: Option<Importance>,
    /// Empty takes them away.
    pub categories: Option<Vec<String>>,
    /// Whether there is a reminder.
    pub is_reminder_on: Option<bool>,
    /// Minutes before the start.
    pub reminder_minutes: Option<i32>,
    /// All who are to be invited from now on; Graph tells them. Empty takes them away.
    pub attendees: Option<Vec<Attendee>>,
    /// All who stand on the item without being told; empty takes them away.
    pub held_back: Option<Vec<Attendee>>,
    /// Whether answers are wanted.
    pub is_response_requested: Option<bool>,
    /// Whether another time may be proposed.
    pub allows_new_time: Option<bool>,
    /// Whether it takes place online.
    pub is_online_meeting: Option<bool>,
    /// `Some(None)` makes a single event of it.
    pub recurrence: Option<Option<Recurrence>>,
    /// The caller's own UID; only for new events.
    pub uid: Option<String>,
    /// Extended properties; `None` takes one away.
    pub properties: Vec<(PropertyId, Option<PropertyValue>)>,
}

/// A clock's reading in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonedTime {
    /// What the clock shows.
    pub local: DateTime,
    /// The zone, by a Windows or IANA name; UTC without one.
    pub zone: Option<String>,
}

impl EventId {
    /// Reads an id in Graph's form.
    ///
    /// # Errors
    /// [`Failure::BadId`] for anything but 1 to 512 characters of URL-safe base64.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
        if text.is_empty() || text.len() > LONGEST_ID || !text.bytes().all(fits) {
            return Err(Failure::BadId);
        }
        Ok(Self(text.into()))
    }

    /// The id in Graph's form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Event {
    /// Whether others may not see what it is about.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.sensitivity, Sensitivity::Private | Sensitivity::Confidential)
    }

    /// Whether anybody is invited.
    #[must_use]
    pub fn is_meeting(&self) -> bool {
        !self.attendees.is_empty()
    }
}

impl EventChange {
    /// This change with another one over it: what the upper one says counts.
    #[must_use]
    pub fn overlaid(self, upper: Self) -> Self {
        let lower = self;
        let mut properties = lower.properties;
        properties.retain(|(id, _)| upper.properties.iter().all(|(over, _)| over != id));
        properties.extend(upper.properties);
        Self {
            subject: upper.subject.or(lower.subject),
            body: upper.body.or(lower.body),
            start: upper.start.or(lower.start),
            end: upper.end.or(lower.end),
            is_all_day: upper.is_all_day.or(lower.is_all_day),
            show_as: upper.show_as.or(lower.show_as),
            location: upper.location.or(lower.location),
            sensitivity: upper.sensitivity.or(lower.sensitivity),
            importance: upper.importance.or(lower.importance),
            categories: upper.categories.or(lower.categories),
            is_reminder_on: upper.is_reminder_on.or(lower.is_reminder_on),
            reminder_minutes: upper.reminder_minutes.or(lower.reminder_minutes),
            attendees: upper.attendees.or(lower.attendees),
            held_back: upper.held_back.or(lower.held_back),
            is_response_requested: upper.is_response_requested.or(lower.is_response_requested),
            allows_new_time: upper.allows_new_time.or(lower.allows_new_time),
            is_online_meeting: upper.is_online_meeting.or(lower.is_online_meeting),
            recurrence: upper.recurrence.or(lower.recurrence),
            uid: upper.uid.or(lower.uid),
            properties,
        }
    }
}

impl When {
    /// The first instant and the first after; days are those of `zone`.
    #[must_use]
    pub fn instants(&self, zone: &Zone) -> (Timestamp, Timestamp) {
        let midnight = |day: Date| {
            let local = day.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_second());
            Timestamp::from_second(zone.second_of_local(local)).unwrap_or(Timestamp::UNIX_EPOCH)
        };
        match *self {
            Self::Timed { start, end } => (start, end),
            Self::Days { first, after } => (midnight(first), midnight(after)),
        }
    }

    /// Whether it is whole days.
    #[must_use]
    pub fn is_all_day(&self) -> bool {
        matches!(self, Self::Days { .. })
    }
}

/// EWS allows ids of 512 bytes.
const LONGEST_ID: usize = 512;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::civil::date;

    use super::*;

    #[test]
    fn ids_are_url_safe_base64() {
        assert_eq!(EventId::parse("AAMk-_9=").unwrap().as_str(), "AAMk-_9=");
        for bad in ["", "a b", "a/b", "a+b", "ä", "a'b", &"a".repeat(513)] {
            assert_eq!(EventId::parse(bad), Err(Failure::BadId), "{bad}");
        }
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        let days = When::Days { first: date(2027, 3, 28), after: date(2027, 3, 29) };
        let (start, end) = days.instants(&Zone::named("Europe/Helsinki").unwrap());
        assert_eq!(
            (start.to_string(), end.to_string()),
            ("2027-03-27T22:00:00Z".into(), "2027-03-28T21:00:00Z".into())
        );
    }
}
