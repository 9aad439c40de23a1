//! Which parts of events are asked for.
//!
//! Owns `$select` and `$expand`. Must not know what comes back.

use std::collections::HashSet;

use url::Url;

use super::properties::{HELD_BACK, UID, id_text, is_many, is_own};
use crate::calendar::event::PropertyId;
use crate::failure::Failure;

/// Which parts of events are read besides the usual ones.
#[derive(Clone, Debug, Default)]
pub struct EventParts {
    /// The text.
    pub body: bool,
    /// Changed and deleted occurrences of a series; only of single events.
    pub exceptions: bool,
    /// Extended properties.
    pub properties: Vec<PropertyId>,
}

/// What is asked of every event. The documents say of calendarView that the two times of creation
/// and change cannot be selected; where they are left out of an answer, they are not known.
const SELECT: &str = "id,changeKey,createdDateTime,lastModifiedDateTime,categories,originalStartTimeZone,\
    originalEndTimeZone,iCalUId,reminderMinutesBeforeStart,isReminderOn,hasAttachments,subject,importance,sensitivity,\
    isAllDay,isCancelled,isOrganizer,responseRequested,seriesMasterId,showAs,type,isOnlineMeeting,onlineMeeting,\
    onlineMeetingUrl,allowNewTimeProposals,isDraft,responseStatus,start,end,location,recurrence,attendees,organizer,\
    originalStart";
/// Events on one page: the most that Graph gives, and fewer where each may be long.
const PAGE: &str = "1000";
const PAGE_WITH_BODIES: &str = "100";
/// Extended properties of one request. Clients ask for a handful.
const MOST_PROPERTIES: usize = 50;
/// Characters of an address, which servers limit (RFC 9110 §4.1 recommends 8000 at least): room for so many
/// properties with names of usual length.
const LONGEST: usize = 12_000;

impl EventParts {
    /// Adds what is asked of one event to its address.
    ///
    /// # Errors
    /// [`Failure::TooManyProperties`].
    pub(in crate::graph) fn ask_one(&self, url: &mut Url) -> Result<(), Failure> {
        let distinct: HashSet<_> = self.properties.iter().map(id_text).collect();
        if distinct.len() > MOST_PROPERTIES {
            return Err(Failure::TooManyProperties);
        }
        let select = if self.body { format!("{SELECT},body") } else { SELECT.to_owned() };
        url.query_pairs_mut().append_pair("$select", &select).append_pair("$expand", &self.expand());
        if url.as_str().len() > LONGEST { Err(Failure::TooManyProperties) } else { Ok(()) }
    }

    /// Adds what is asked of each event of a collection, and how they come.
    ///
    /// # Errors
    /// As [`Self::ask_one`].
    pub(in crate::graph) fn ask_many(&self, url: &mut Url) -> Result<(), Failure> {
        self.ask_one(url)?;
        let page = if self.body { PAGE_WITH_BODIES } else { PAGE };
        url.query_pairs_mut().append_pair("$orderby", "start/dateTime").append_pair("$top", page);
        Ok(())
    }

    fn expand(&self) -> String {
        let is_first = |place: usize, id| !self.properties.iter().take(place).any(|known| known == id);
        let distinct = || self.properties.iter().enumerate().filter(move |(place, id)| is_first(*place, *id));
        let wanted = || distinct().map(|(_, id)| id).filter(|id| !is_own(id));
        let asked = |ids: &mut dyn Iterator<Item = String>| {
            let conditions: Vec<_> = ids.map(|id| format!("id eq '{}'", id.replace('\'', "''"))).collect();
            conditions.join(" or ")
        };
        let own = [UID, HELD_BACK].into_iter().map(super::properties::own);
        let singles = asked(&mut own.chain(wanted().filter(|id| !is_many(id)).map(id_text)));
        let mut expand = format!("singleValueExtendedProperties($filter={singles})");
        let many = asked(&mut wanted().filter(|id| is_many(id)).map(id_text));
        if !many.is_empty() {
            expand.push_str(&format!(",multiValueExtendedProperties($filter={many})"));
        }
        expand
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use uuid::Uuid;

    use super::*;
    use crate::calendar::event::PropertyName;

    fn asked(properties: Vec<PropertyId>) -> Result<Url, Failure> {
        let mut url = Url::parse("https://graph.example/v1.0/users/a/events").unwrap();
        EventParts { properties, ..EventParts::default() }.ask_many(&mut url).map(|()| url)
    }

    fn named(name: String) -> PropertyId {
        PropertyId { kind: "String", name: PropertyName::Text(Uuid::from_u128(7), name) }
    }

    #[test]
    fn no_address_is_too_long_whoever_named_the_properties() {
        let of = |count: u32| (0..count).map(|number| named(format!("X-Some-Property {number}"))).collect::<Vec<_>>();
        assert!(asked(of(50)).is_ok());
        assert_eq!(asked(of(51)), Err(Failure::TooManyProperties));
        assert_eq!(asked(vec![named("a".repeat(12_000))]), Err(Failure::TooManyProperties));
        let twice = [of(50), of(50)].concat();
        assert_eq!(asked(twice), asked(of(50)), "each is asked for once");
    }
}
