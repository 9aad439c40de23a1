//! `POST /users/{mailbox}/events/{id}/cancel`: calls a meeting off. Least permission:
//! `Calendars.ReadWrite`.
//!
//! <https://learn.microsoft.com/graph/api/event-cancel>
//!
//! Owns this call's JSON. Must not know caches.

use serde::Serialize;

use crate::calendar::event::EventId;
use crate::failure::Failure;
use crate::graph::fault::Trouble;
use crate::graph::json::encode;
use crate::graph::visit::Visit;

const NAME: &str = "event_cancel";

/// Calls a meeting off and tells the attendees. One that is gone after an attempt of which nothing
/// was heard is called off.
///
/// # Errors
/// What failed the call; with status 400 it is somebody else's meeting, or called off.
pub(in crate::graph) async fn event_cancel(visit: Visit<'_>, id: &EventId, comment: &str) -> Result<(), Trouble> {
    let body = encode(&Sent { comment })?;
    match visit.send(&visit.call(NAME, visit.event(id, &["cancel"])).posting(body)).await {
        Ok(_) | Err(Trouble { unsure: true, failure: Failure::NoSuchItem, .. }) => Ok(()),
        Err(trouble) => Err(trouble),
    }
}

#[derive(Debug, Serialize)]
struct Sent<'a> {
    comment: &'a str,
}
