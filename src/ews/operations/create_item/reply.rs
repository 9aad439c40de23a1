//! Answers to invitations: what AcceptItem, TentativelyAcceptItem and DeclineItem have in common.
//!
//! Exchange makes a meeting response and answers its id. Graph keeps none that could be named: the
//! answer has the calendar item's own id, in an element that the schema allows there too.

use crate::calendar::Capability;
use crate::calendar::event::{Event, ZonedTime};
use crate::ews::operation::Context;
use crate::ews::sight;
use crate::ews::target;
use crate::ews::types::calendar_item_draft::span::{self, Clocks};
use crate::ews::types::instruction::Disposition;
use crate::failure::Failure;
use crate::graph::{EventParts, Reply, ReplyKind};

use super::response_object::ResponseObject;

/// An answer, and how Exchange calls what stands against it.
pub(super) struct Answer {
    pub(super) kind: ReplyKind,
    /// The mailbox itself invited.
    pub(super) is_organizer: &'static str,
    /// The meeting was called off.
    pub(super) is_cancelled: &'static str,
}

impl Answer {
    /// Gives the answer.
    pub(super) async fn give(
        &self,
        object: &ResponseObject,
        disposition: Option<Disposition>,
        context: &Context<'_>,
    ) -> Result<Option<Event>, Failure> {
        let missing = Failure::InstructionMissing { code: "ErrorMessageDispositionRequired" };
        let disposition = disposition.ok_or(missing)?;
        let id = object.item()?;
        let mailbox = target::item(context, &id, Capability::CalendarWrite)?;
        let parts = EventParts::default();
        let event = sight::whole_event(context, &mailbox, &id, &parts).await?;
        if event.is_cancelled {
            return Err(Failure::IsCancelled { code: self.is_cancelled });
        }
        if event.is_organizer {
            return Err(Failure::IsOrganizer { code: self.is_organizer });
        }
        let reply = Reply {
            kind: self.kind,
            comment: object.comment(),
            sends: disposition != Disposition::SaveOnly,
            proposed: proposed(object, context)?,
        };
        context.writes.reply(&mailbox, &id, &reply, context.journal).await?;
        target::remember(context, &id, mailbox.mailbox());
        match (disposition, self.kind) {
            (Disposition::SendOnly, _) => Ok(None),
            // What is declined leaves the calendar.
            (_, ReplyKind::Decline) => Ok(Some(event)),
            // It is given, whatever becomes of reading what the item is now.
            _ => Ok(Some(context.graphs.event(&mailbox, &id, &parts, context.journal).await.unwrap_or(event))),
        }
    }
}

fn proposed(object: &ResponseObject, context: &Context<'_>) -> Result<Option<(ZonedTime, ZonedTime)>, Failure> {
    let Some((from, to)) = object.proposed else { return Ok(None) };
    let clocks = Clocks::of_header(context.header.time_zone.as_ref(), context.journal.now.as_second())?;
    let times = (from.second(clocks.start.zone()), to.second(clocks.end.zone()));
    span::span(times, false, &clocks, None).map(Some)
}
