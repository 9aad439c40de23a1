//! `GET /users/{mailbox}/events/{id}/instances`: the occurrences of a series. Least permission:
//! `Calendars.Read`.
//!
//! <https://learn.microsoft.com/graph/api/event-list-instances>
//!
//! Owns this call's address. Must not know caches.

use super::event_view::{may_overlap, sort, widened};
use crate::calendar::Window;
use crate::calendar::event::{Event, EventId, EventKind};
use crate::failure::Failure;
use crate::graph::event_json::{EventParts, Item};
use crate::graph::fault::Trouble;
use crate::graph::json::bounds;
use crate::graph::visit::Visit;

const NAME: &str = "event_instances";

/// The first occurrences of a series in a window; whole days as in a view.
///
/// # Errors
/// What failed a page, [`Failure::NotASeries`].
pub(in crate::graph) async fn event_instances(
    visit: Visit<'_>,
    series: &EventId,
    window: Window,
    most: usize,
    parts: &EventParts,
) -> Result<Vec<Event>, Trouble> {
    let mut url = visit.event(series, &["instances"]);
    let (start, end) = bounds(widened(window));
    url.query_pairs_mut()
        .append_pair("startDateTime", &format!("{start}Z"))
        .append_pair("endDateTime", &format!("{end}Z"));
    parts.ask_many(&mut url)?;
    // What begins before the window comes first, and is not counted.
    let items: Vec<Item> = visit.pages(NAME, url, most.saturating_add(MARGIN)).await?;
    let events = items.into_iter().map(|item| item.read(&parts.properties)).collect::<Result<Vec<_>, _>>()?;
    let is_of_it = |event: &Event| event.kind != EventKind::Single && event.series.as_ref() == Some(series);
    if !events.iter().all(is_of_it) {
        return Err(Failure::NotASeries.into());
    }
    let mut events: Vec<_> = events.into_iter().filter(|event| may_overlap(&event.when, window)).collect();
    sort(&mut events);
    events.truncate(most);
    Ok(events)
}

/// Occurrences that the widened window may hold before the true one: at most one a day.
const MARGIN: usize = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::graph::json::{Page, decode};

    #[test]
    fn occurrences_name_their_series() {
        let body = include_bytes!("../../../fixtures/graph/event_instances/page.json");
        let page: Page<Item> = decode(NAME, body).unwrap();
        let events: Vec<_> = page.value.into_iter().map(|item| item.read(&[]).unwrap()).collect();
        assert_eq!((events[0].kind, events[1].kind), (EventKind::Occurrence, EventKind::Exception));
        assert!(events.iter().all(|event| event.series == events[0].series && event.series.is_some()));
    }
}
