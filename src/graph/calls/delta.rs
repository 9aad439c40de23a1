//! `GET /users/{mailbox}/calendarView/delta`: what has changed in a calendar. Least permission:
//! `Calendars.Read`.
//!
//! <https://learn.microsoft.com/graph/api/event-delta>
//!
//! Owns this call's JSON. Must not know what is done with changes.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::calendar::Window;
use crate::calendar::event::EventId;
use crate::failure::Failure;
use crate::graph::client::Call;
use crate::graph::fault::Trouble;
use crate::graph::json::{Received, bounds};
use crate::graph::visit::Visit;

const NAME: &str = "delta";
/// Graph's own default is 10 events a page, and its most is not documented.
const PAGE: &str = "odata.maxpagesize=500";
/// Pages of one round; more cannot come from a calendar that anybody uses.
const MOST_PAGES: usize = 400;

/// From where on changes are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// Everything in a window, as if it had just happened.
    Beginning(Window),
    /// What has happened since a round that gave this link.
    Link(String),
}

/// What a round has told.
#[derive(Debug, Default)]
pub struct Round {
    /// Items, in Graph's order; the same one may be told of several times.
    pub told: Vec<Told>,
    /// From where the next round goes on.
    pub link: String,
}

/// An item that was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: EventId,
    /// How it is now; `None` if it is gone, or out of the window.
    pub item: Option<ToldItem>,
}

/// How an item is, as far as readers of changes need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldItem {
    /// Another one after each change.
    pub mark: String,
    /// Its change key; empty where Graph did not give it.
    pub change_key: String,
    /// The series of an occurrence.
    pub series: Option<EventId>,
    /// When it begins; seconds since 1970.
    pub start: i64,
    /// When it ends; seconds since 1970.
    pub end: i64,
}

/// Reads a round to its end.
///
/// # Errors
/// What failed a call; [`Failure::Internal`] for a link that leads elsewhere.
pub(in crate::graph) async fn delta(visit: Visit<'_>, since: &Since) -> Result<Round, Trouble> {
    let mut url = match since {
        Since::Beginning(window) => {
            let (start, end) = text(*window);
            let mut url = visit.url(&["calendarView", "delta"]);
            url.query_pairs_mut().append_pair("startDateTime", &start).append_pair("endDateTime", &end);
            url
        }
        Since::Link(link) => visit.client.follow(link)?,
    };
    let mut told = Vec::new();
    for _ in 0..MOST_PAGES {
        let page: Page = visit.ask(&Call { prefer: &[PAGE], ..visit.call(NAME, url) }).await?;
        told.extend(page.value.into_iter().filter_map(Wire::read));
        match (page.next, page.link) {
            (Some(next), _) => url = visit.client.follow(&next)?,
            (None, Some(link)) => {
                visit.client.follow(&link)?;
                return Ok(Round { told, link });
            }
            (None, None) => {
                tracing::error!(call = NAME, "the last page of a round has no link for the next one");
                return Err(Failure::Internal.into());
            }
        }
    }
    Err(Failure::ResultTooBig.into())
}

#[derive(Debug, Deserialize)]
struct Page {
    value: Vec<Wire>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    link: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    #[serde(rename = "@removed")]
    removed: Option<IgnoredAny>,
    #[serde(rename = "@odata.etag")]
    etag: Option<String>,
    change_key: Option<String>,
    series_master_id: Option<String>,
    start: Option<Received>,
    end: Option<Received>,
}

impl Wire {
    fn read(self) -> Option<Told> {
        let Ok(id) = EventId::parse(&self.id) else {
            tracing::error!(call = NAME, "an event's id cannot be read; it is left out");
            return None;
        };
        if self.removed.is_some() {
            return Some(Told { id, item: None });
        }
        let second = |time: Option<Received>| time.map_or(0, |time| time.0.as_second());
        let (start, end) = (second(self.start), second(self.end));
        let etag = self.etag.as_deref().map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
        let change_key = self.change_key.filter(|key| !key.is_empty()).or(etag).unwrap_or_default();
        // Occurrences may come without a change key: when they are is all there is to them then.
        let mark = format!("{change_key} {start} {end}");
        let series = self.series_master_id.and_then(|series| EventId::parse(&series).ok());
        Some(Told { id, item: Some(ToldItem { mark, change_key, series, start, end }) })
    }
}

fn text(window: Window) -> (String, String) {
    let (start, end) = bounds(window);
    // A plus in a query may be read as a space, so the zone is written as Z.
    (format!("{start}Z"), format!("{end}Z"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::json::decode;

    #[test]
    fn events_occurrences_and_what_is_gone() {
        let body = br#"{"@odata.context":"x","value":[
          {"@odata.etag":"W/\"CK1\"","id":"AAMkA-1=","changeKey":"CK1","subject":"s","type":"singleInstance",
           "start":{"dateTime":"2027-03-10T09:00:00.0000000","timeZone":"UTC"},
           "end":{"dateTime":"2027-03-10T10:00:00.0000000","timeZone":"UTC"}},
          {"@odata.etag":"W/\"CK2\"","id":"AAMkA-2","seriesMasterId":"AAMkA-S","type":"occurrence",
           "start":{"dateTime":"2027-03-11T09:00:00.0000000","timeZone":"UTC"},
           "end":{"dateTime":"2027-03-11T10:00:00.0000000","timeZone":"UTC"}},
          {"@removed":{"reason":"deleted"},"id":"AAMkA-3"},
          {"id":"not an id"}],
         "@odata.deltaLink":"https://graph/v1.0/users/u/calendarView/delta?$deltatoken=t"}"#;
        let page: Page = decode(NAME, body).unwrap();
        assert!(page.next.is_none() && page.link.is_some());
        let told: Vec<_> = page.value.into_iter().filter_map(Wire::read).collect();
        let [one, two, three] = &told[..] else { panic!("{told:?}") };
        let start = 1_804_669_200;
        let item = one.item.as_ref().unwrap();
        assert_eq!(
            (one.id.as_str(), &*item.change_key, item.start, item.end),
            ("AAMkA-1=", "CK1", start, start + 3600)
        );
        assert_eq!(item.series, None);
        let occurrence = two.item.as_ref().unwrap();
        assert_eq!((&*occurrence.change_key, occurrence.series.as_ref().unwrap().as_str()), ("CK2", "AAMkA-S"));
        assert_eq!((three.id.as_str(), &three.item), ("AAMkA-3", &None));
    }
}
