//! CancelCalendarItem: the organizer calls a meeting off, and the attendees are told why.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/cancelcalendaritem>

use crate::calendar::Capability;
use crate::calendar::event::{Event, EventId};
use crate::client::Permitted;
use crate::ews::operation::Context;
use crate::ews::sight;
use crate::ews::target;
use crate::ews::types::instruction::Disposition;
use crate::failure::Failure;
use crate::graph::EventParts;

use super::response_object::ResponseObject;

/// Calls it off. An appointment without attendees, or with none who was ever told, is deleted: nobody
/// is there to tell.
pub(super) async fn run(
    object: &ResponseObject,
    disposition: Option<Disposition>,
    context: &Context<'_>,
) -> Result<Option<Event>, Failure> {
    let missing = Failure::InstructionMissing { code: "ErrorMessageDispositionRequired" };
    let disposition = disposition.ok_or(missing)?;
    let id = object.item()?;
    let mailbox = target::item(context, &id, Capability::CalendarWrite)?;
    let attempt = || attempt(context, &mailbox, &id, object, disposition);
    let event = match attempt().await {
        Err(Failure::Conflict) => attempt().await?,
        outcome => outcome?,
    };
    Ok(Some(event).filter(|_| disposition != Disposition::SendOnly))
}

async fn attempt(
    context: &Context<'_>,
    mailbox: &Permitted,
    id: &EventId,
    object: &ResponseObject,
    disposition: Disposition,
) -> Result<Event, Failure> {
    let event = sight::whole_event(context, mailbox, id, &EventParts::default()).await?;
    if !event.is_organizer {
        return Err(Failure::NotOrganizer);
    }
    match (event.is_meeting() && !event.is_held_back, disposition) {
        // Only as it is: whoever was invited meanwhile would be told, without the text.
        (false, _) => context.writes.delete(mailbox, id, Some(&event.change_key), context.journal).await?,
        (true, Disposition::SaveOnly) => return Err(Failure::WouldNotify),
        (true, _) => context.writes.cancel(mailbox, id, &object.comment(), context.journal).await?,
    }
    Ok(event)
}
