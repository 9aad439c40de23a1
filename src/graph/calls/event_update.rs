//! `PATCH /users/{mailbox}/events/{id}`: changes to an event; Graph tells its attendees. Least
//! permission: `Calendars.ReadWrite`.
//!
//! <https://learn.microsoft.com/graph/api/event-update>
//!
//! Owns this call. Must not know caches.

use http::Method;

use crate::calendar::event::{Event, EventChange, EventId};
use crate::graph::client::Call;
use crate::graph::event_json::{Item, Sent};
use crate::graph::fault::Trouble;
use crate::graph::json::encode;
use crate::graph::visit::Visit;

const NAME: &str = "event_update";

/// Changes an event, if it still has the change key that is expected. Done twice it does no more than
/// once, but for the change key. What is kept in extended properties is not in what comes back.
///
/// # Errors
/// What failed the call; with status 409 or 412 the event has another change key.
pub(in crate::graph) async fn event_update(
    visit: Visit<'_>,
    id: &EventId,
    change: &EventChange,
    expected: Option<&str>,
) -> Result<Event, Trouble> {
    let body = Some(encode(&Sent::update(change)?)?);
    let call = Call { method: Method::PATCH, body, if_match: expected, ..visit.call(NAME, visit.event(id, &[])) };
    Item::written(NAME, &visit.send(&call).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::json::decode;

    #[test]
    fn what_was_changed_comes_back() {
        let item: Item = decode(NAME, include_bytes!("../../../fixtures/graph/event_update/updated.json")).unwrap();
        let event = item.read(&[]).unwrap();
        assert_eq!((event.subject.as_str(), event.change_key.as_str()), ("Planning, later", "CQAAABYAAAB9"));
    }
}
