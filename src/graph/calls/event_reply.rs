//! `POST /users/{mailbox}/events/{id}/accept`, `/tentativelyAccept` and `/decline`: answers to an
//! invitation. Least permission: `Calendars.ReadWrite`.
//!
//! <https://learn.microsoft.com/graph/api/event-accept>,
//! <https://learn.microsoft.com/graph/api/event-tentativelyaccept>,
//! <https://learn.microsoft.com/graph/api/event-decline>
//!
//! Owns these calls' JSON. Must not know caches.

use serde::Serialize;

use crate::calendar::event::{EventId, ZonedTime};
use crate::graph::event_json::{Time, time};
use crate::graph::fault::Trouble;
use crate::graph::json::encode;
use crate::graph::visit::Visit;

const NAME: &str = "event_reply";

/// An answer to an invitation.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Which.
    pub kind: ReplyKind,
    /// A text for the organizer; may be empty.
    pub comment: String,
    /// Whether the organizer is told.
    pub sends: bool,
    /// Another time; not with a yes, and only if the organizer is told.
    pub proposed: Option<(ZonedTime, ZonedTime)>,
}

/// Which answer to an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Yes.
    Accept,
    /// No.
    Decline,
    /// Perhaps.
    Tentative,
}

/// Answers an invitation.
///
/// # Errors
/// What failed the call; with status 400 there is nothing to answer, or not so.
pub(in crate::graph) async fn event_reply(visit: Visit<'_>, id: &EventId, reply: &Reply) -> Result<(), Trouble> {
    let action = match reply.kind {
        ReplyKind::Accept => "accept",
        ReplyKind::Decline => "decline",
        ReplyKind::Tentative => "tentativelyAccept",
    };
    let proposed = reply.proposed.as_ref().filter(|_| reply.sends && reply.kind != ReplyKind::Accept);
    let body = encode(&Sent {
        comment: &reply.comment,
        send_response: reply.sends,
        proposed_new_time: proposed.map(|(start, end)| Slot { start: time(start), end: time(end) }),
    })?;
    visit.send(&visit.call(NAME, visit.event(id, &[action])).posting(body)).await.map(drop)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    comment: &'a str,
    send_response: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed_new_time: Option<Slot<'a>>,
}

#[derive(Debug, Serialize)]
struct Slot<'a> {
    start: Time<'a>,
    end: Time<'a>,
}
