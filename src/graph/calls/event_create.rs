//! `POST /users/{mailbox}/events`: a new event; Graph invites its attendees at once. Least permission:
//! `Calendars.ReadWrite`.
//!
//! <https://learn.microsoft.com/graph/api/user-post-events>
//!
//! Owns this call. Must not know caches.

use uuid::Uuid;

use crate::calendar::event::{Event, EventChange};
use crate::graph::event_json::{Item, Sent};
use crate::graph::fault::Trouble;
use crate::graph::json::encode;
use crate::graph::visit::Visit;

const NAME: &str = "event_create";

/// Makes an event. Sent again with the same transaction and change, it makes no second one. What is
/// kept in extended properties is not in what comes back.
///
/// # Errors
/// What failed the call; with status 409 the transaction made an event already.
pub(in crate::graph) async fn event_create(
    visit: Visit<'_>,
    change: &EventChange,
    transaction: Uuid,
) -> Result<Event, Trouble> {
    let body = encode(&Sent::new_event(change, transaction)?)?;
    let call = visit.call(NAME, visit.url(&["events"])).posting(body);
    Item::written(NAME, &visit.send(&call).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::graph::json::decode;

    #[test]
    fn what_was_made_comes_back_without_extended_properties() {
        let item: Item = decode(NAME, include_bytes!("../../../fixtures/graph/event_create/created.json")).unwrap();
        let event = item.read(&[]).unwrap();
        assert_eq!((event.subject.as_str(), event.is_organizer, event.is_held_back), ("Planning", true, false));
        assert_eq!(event.uid.as_deref(), Some("040000008200E00074C5B7101A82E008"));
    }
}
