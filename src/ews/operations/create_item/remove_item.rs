//! RemoveItem: an attendee takes a meeting that was called off out of the calendar.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/removeitem>

use crate::calendar::Capability;
use crate::calendar::event::Event;
use crate::ews::operation::Context;
use crate::ews::sight;
use crate::ews::target;
use crate::failure::Failure;
use crate::graph::EventParts;

use super::response_object::ResponseObject;

/// Takes it out.
pub(super) async fn run(object: &ResponseObject, context: &Context<'_>) -> Result<Option<Event>, Failure> {
    let id = object.item()?;
    let mailbox = target::item(context, &id, Capability::CalendarWrite)?;
    let event = sight::whole_event(context, &mailbox, &id, &EventParts::default()).await?;
    if event.is_organizer {
        return Err(Failure::IsOrganizer { code: "ErrorCalendarIsOrganizerForRemove" });
    }
    if !event.is_cancelled {
        return Err(Failure::Unsupported { what: "RemoveItem of a meeting that takes place".to_owned() });
    }
    context.writes.delete(&mailbox, &id, None, context.journal).await?;
    Ok(None)
}
