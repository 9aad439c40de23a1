//! Which parts of events are asked for.
//!
//! Owns `$select` and `$expand`. Must not know what comes back.

use url::Url;

use super::properties::{HELD_BACK, UID, id_text, is_many, is_own};
use crate::calendar::event::PropertyId;

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

impl EventParts {
    /// Adds what is asked of one event to its address.
    pub(in crate::graph) fn ask_one(&self, url: &mut Url) {
        let select = if self.body { format!("{SELECT},body") } else { SELECT.to_owned() };
        url.query_pairs_mut().append_pair("$select", &select).append_pair("$expand", &self.expand());
    }

    /// Adds what is asked of each event of a collection, and how they come.
    pub(in crate::graph) fn ask_many(&self, url: &mut Url) {
        self.ask_one(url);
        let page = if self.body { PAGE_WITH_BODIES } else { PAGE };
        url.query_pairs_mut().append_pair("$orderby", "start/dateTime").append_pair("$top", page);
    }

    fn expand(&self) -> String {
        let wanted = || self.properties.iter().filter(|id| !is_own(id));
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
