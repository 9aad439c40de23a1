//! What is left of an event.
//!
//! Owns what each ceiling shows, and what has to go with an attribute so that nothing else tells it. What is hidden is
//! taken out of the event itself.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Ceiling, Hidden, People, View, has_link, has_web_address};
use crate::calendar::event::{
    Event, EventId, Importance, Occurrence, Person, PropertyId, PropertyName, Response, Sensitivity, When,
};
use crate::calendar::zone::Zone;

impl View {
    /// An event without what is hidden at a moment; its days are those of `zone`. Whether it may be seen at all is
    /// [`Horizon::reaches`](super::Horizon::reaches).
    #[must_use]
    pub fn see<'e>(&self, event: &'e Event, zone: &Zone, now: Timestamp) -> Cow<'e, Event> {
        let mut seen = under_ceiling(event, self.ceiling_of(event.is_private()));
        if !self.is_plain() {
            self.mask(seen.to_mut());
        }
        let has_changes = !seen.exceptions.is_empty() || !seen.deleted.is_empty();
        if has_changes && !self.horizon.is_endless() {
            let reaches = |when: &When| self.horizon.reaches(when, None, zone, now);
            let days = |day: &Date| When::Days { first: *day, after: day.tomorrow().unwrap_or(*day) };
            let seen = seen.to_mut();
            seen.exceptions.retain(|changed: &Occurrence| reaches(&changed.when));
            seen.deleted.retain(|day| reaches(&days(day)));
        }
        seen
    }

    /// Takes out of an event what is hidden, and puts what is shown instead.
    fn mask(&self, event: &mut Event) {
        let Hidden { location: _, body, categories, online_meeting, extended_properties } = self.hidden;
        // The text of an online meeting tells how to join it, be it by a number and a code; so may any other.
        let is_online = event.is_online_meeting || event.join_url.is_some();
        let tells_link = is_online || has_web_address(&event.location) || event.body.as_ref().is_some_and(has_link);
        event.subject = self.subject_of(&event.subject).to_owned();
        event.location = self.location_of(&event.location).to_owned();
        if body || online_meeting && tells_link {
            event.body = None;
        }
        if body {
            event.has_attachments = false;
        }
        if categories {
            event.categories.clear();
        }
        if online_meeting {
            event.is_online_meeting = false;
        }
        // The link holds the ids of whoever has made the meeting.
        if online_meeting || self.people != People::Shown {
            event.join_url = None;
        }
        let tells_people = |id: &PropertyId| self.people == People::Hidden && tells_response(id);
        event.properties.retain(|(id, _)| !extended_properties && !may_tell(id) && !tells_people(id));
        match self.people {
            People::Shown => {}
            People::Initials => {
                let attendees = event.attendees.iter_mut().map(|attendee| &mut attendee.person);
                attendees.chain(&mut event.organizer).for_each(anonymise);
            }
            People::Hidden => {
                event.attendees.clear();
                event.organizer = None;
                // Whether somebody else has invited, and is to be answered, tells of people too.
                event.is_organizer = true;
                event.is_held_back = false;
                event.response = Response::None;
                event.responded = None;
                event.is_response_requested = false;
                event.allows_new_time = false;
            }
        }
    }
}

/// The event without what the ceiling hides.
fn under_ceiling(event: &Event, ceiling: Ceiling) -> Cow<'_, Event> {
    if ceiling == Ceiling::Full {
        return Cow::Borrowed(event);
    }
    let shown = |text: &str| if ceiling == Ceiling::Time { String::new() } else { text.to_owned() };
    // Each field by name: a new one has to be thought about here.
    let Event {
        id,
        change_key,
        kind,
        series,
        uid: _,
        created: _,
        modified: _,
        subject,
        body: _,
        when,
        start_zone,
        end_zone,
        original_start,
        show_as,
        location,
        sensitivity,
        importance: _,
        categories: _,
        is_reminder_on: _,
        reminder_minutes: _,
        organizer: _,
        is_organizer: _,
        attendees: _,
        is_held_back: _,
        response: _,
        responded: _,
        is_response_requested: _,
        allows_new_time: _,
        is_cancelled,
        is_draft: _,
        has_attachments: _,
        is_online_meeting: _,
        join_url: _,
        recurrence,
        exceptions,
        deleted,
        properties: _,
    } = event;
    let series: Option<EventId> = series.clone();
    Cow::Owned(Event {
        id: id.clone(),
        change_key: change_key.clone(),
        kind: *kind,
        series,
        uid: None,
        created: None,
        modified: None,
        subject: shown(subject),
        body: None,
        when: *when,
        start_zone: start_zone.clone(),
        end_zone: end_zone.clone(),
        original_start: *original_start,
        show_as: *show_as,
        location: shown(location),
        // That it is private is told, and no more.
        sensitivity: if event.is_private() { *sensitivity } else { Sensitivity::Normal },
        importance: Importance::Normal,
        categories: Vec::new(),
        is_reminder_on: false,
        reminder_minutes: 0,
        organizer: None,
        is_organizer: true,
        attendees: Vec::new(),
        is_held_back: false,
        response: Response::None,
        responded: None,
        is_response_requested: false,
        allows_new_time: false,
        is_cancelled: *is_cancelled,
        is_draft: false,
        has_attachments: false,
        is_online_meeting: false,
        join_url: None,
        recurrence: recurrence.clone(),
        exceptions: exceptions.clone(),
        deleted: deleted.clone(),
        properties: Vec::new(),
    })
}

/// Whether an extended property may hold what is hidden elsewhere. Exchange keeps subject, location, text and people in
/// dozens of them, whole or in part, and programs keep copies of their own: so any text may, any bytes, and what tells
/// how large the item is or whether it has attachments (`PidTagMessageSize`, `PidTagHasAttachments`, MS-OXPROPS).
fn may_tell(id: &PropertyId) -> bool {
    id.kind.starts_with("String")
        || id.kind.starts_with("Binary")
        || matches!(id.name, PropertyName::Tag(0x0e08 | 0x0e1b))
}

/// Whether an extended property tells whether others are invited or have invited, and what was answered:
/// `PidTagResponseRequested`, `PidTagReplyRequested`, `PidLidAppointmentStateFlags`, `PidLidResponseStatus`,
/// `PidLidAppointmentReplyTime`, `PidLidFInvited` and `PidLidAppointmentNotAllowPropose` (MS-OXPROPS).
fn tells_response(id: &PropertyId) -> bool {
    matches!(
        id.name,
        PropertyName::Tag(0x63 | 0x0c17) | PropertyName::Number(_, 0x8217 | 0x8218 | 0x8220 | 0x8229 | 0x825a)
    )
}

/// Leaves the initials of a name, or of an address without one.
fn anonymise(person: &mut Person) {
    let name = if person.name.is_empty() { &person.address } else { &person.name };
    let words = name.split('@').next().unwrap_or_default().split(|c: char| !c.is_alphanumeric());
    let mut initials = String::new();
    for first in words.filter_map(|word| word.chars().next()) {
        // Writing to a string cannot fail.
        let _ = write!(initials, "{}.", first.to_uppercase());
    }
    *person = Person { name: initials, address: String::new() };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_become_initials() {
        let initials = |name: &str, address: &str| {
            let mut person = Person { name: name.to_owned(), address: address.to_owned() };
            anonymise(&mut person);
            assert_eq!(person.address, "");
            person.name
        };
        assert_eq!(initials("Anna-Liisa Öberg", "a@x.example"), "A.L.Ö.");
        assert_eq!(initials("", "pat.smith@x.example"), "P.S.");
        assert_eq!(initials("", ""), "");
    }

    #[test]
    fn what_holds_text_or_bytes_may_tell() {
        let id = |kind, tag| PropertyId { kind, name: PropertyName::Tag(tag) };
        assert!(["String", "StringArray", "Binary", "BinaryArray"].into_iter().all(|kind| may_tell(&id(kind, 0x6001))));
        assert!(may_tell(&id("Integer", 0x0e08)) && may_tell(&id("Boolean", 0x0e1b)));
        assert!(["Integer", "SystemTime", "Boolean"].into_iter().all(|kind| !may_tell(&id(kind, 0x6001))));
    }
}
