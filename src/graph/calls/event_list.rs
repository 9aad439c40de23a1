//! `GET /users/{mailbox}/events`: all single events and series, or the one that a transaction made.
//! Least permission: `Calendars.Read`.
//!
//! <https://learn.microsoft.com/graph/api/user-list-events>
//!
//! Owns this call's address. Must not know caches.

use serde::Deserialize;
use uuid::Uuid;

use super::event_view::{MOST, sort};
use crate::calendar::event::{Event, EventId};
use crate::failure::Failure;
use crate::graph::event_json::{EventParts, Item, transaction_filter};
use crate::graph::fault::Trouble;
use crate::graph::visit::Visit;

const NAME: &str = "event_list";
/// A transaction makes one event; another that has its id by chance is none.
const FEW: usize = 10;

/// All single events and series, by start.
///
/// # Errors
/// What failed a page, [`Failure::TooManyFound`].
pub(in crate::graph) async fn event_list(visit: Visit<'_>, parts: &EventParts) -> Result<Vec<Event>, Trouble> {
    let mut url = visit.url(&["events"]);
    parts.ask_many(&mut url)?;
    let items: Vec<Item> = visit.pages(NAME, url, MOST + 1).await?;
    if items.len() > MOST {
        return Err(Failure::TooManyFound.into());
    }
    let mut events = items.into_iter().map(|item| item.read(&parts.properties)).collect::<Result<Vec<_>, _>>()?;
    sort(&mut events);
    Ok(events)
}

/// The event that a transaction made.
///
/// # Errors
/// What failed the call.
pub(in crate::graph) async fn by_transaction(visit: Visit<'_>, transaction: Uuid) -> Result<Option<EventId>, Trouble> {
    let mut url = visit.url(&["events"]);
    url.query_pairs_mut()
        .append_pair("$filter", &transaction_filter(transaction))
        .append_pair("$select", "id,transactionId")
        .append_pair("$top", &FEW.to_string());
    let found: Vec<Found> = visit.pages(NAME, url, FEW).await?;
    let ours = |found: &Found| found.transaction_id.as_ref().is_none_or(|id| id.parse() == Ok(transaction));
    let event = found.into_iter().find(ours).map(|found| EventId::parse(&found.id)).transpose();
    event.map_err(|_| Failure::Internal.into())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    id: String,
    /// Graph need not show it.
    transaction_id: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::calendar::event::EventKind;
    use crate::calendar::recurrence::{Pattern, RangeEnd};
    use crate::graph::json::{Page, decode};

    #[test]
    fn series_come_with_their_pattern() {
        let body = include_bytes!("../../../fixtures/graph/event_list/page.json");
        let page: Page<Item> = decode(NAME, body).unwrap();
        let events: Vec<_> = page.value.into_iter().map(|item| item.read(&[]).unwrap()).collect();
        assert_eq!(events[0].kind, EventKind::Master);
        let recurrence = events[0].recurrence.as_ref().unwrap();
        assert!(matches!(recurrence.pattern, Pattern::Weekly { interval: 2, .. }));
        assert_eq!(recurrence.range.end, RangeEnd::After(10));
        assert_eq!((events[1].kind, events[1].recurrence.is_none()), (EventKind::Single, true));
    }
}
