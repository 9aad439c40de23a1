//! `DELETE /users/{mailbox}/events/{id}`: an organizer's meeting is called off with it. Least
//! permission: `Calendars.ReadWrite`.
//!
//! <https://learn.microsoft.com/graph/api/event-delete>
//!
//! Owns this call. Must not know caches.

use http::Method;

use crate::calendar::event::EventId;
use crate::failure::Failure;
use crate::graph::client::Call;
use crate::graph::fault::Trouble;
use crate::graph::visit::Visit;

const NAME: &str = "event_delete";

/// Deletes an event, if it still has the change key that is expected. One that is gone after an
/// attempt of which nothing was heard is deleted.
///
/// # Errors
/// What failed the call; with status 409 or 412 the event has another change key.
pub(in crate::graph) async fn event_delete(
    visit: Visit<'_>,
    id: &EventId,
    expected: Option<&str>,
) -> Result<(), Trouble> {
    let call = Call { method: Method::DELETE, if_match: expected, ..visit.call(NAME, visit.event(id, &[])) };
    match visit.send(&call).await {
        Ok(_) | Err(Trouble { unsure: true, failure: Failure::NoSuchItem, .. }) => Ok(()),
        Err(trouble) => Err(trouble),
    }
}
