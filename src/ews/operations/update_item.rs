//! UpdateItem: changes to calendar items, series and single occurrences.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/updateitem-operation-calendar-item>
//!
//! An item is read before it is changed: what is set to what it is already is no change, and spares
//! the attendees a message. `update_item/*.rs` hold the steps: what the request says, what the item
//! is to be, what of it is new, who is told.

mod apply;
mod conflict;
mod difference;
mod hidden;
mod notify;
#[cfg(test)]
mod tests;
mod updates;

use futures::{StreamExt, stream};

use crate::calendar::Capability;
use crate::calendar::event::{Event, EventChange, EventId};
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::occurrence;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::pull::Pull;
use crate::ews::sight;
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::item_id::ItemName;
use crate::ews::types::time_zone::TimeZoneContext;
use crate::ews::types::{instruction, item_id, response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;
use crate::graph::EventParts;
use conflict::Resolution;
use updates::{Updates, Wanted};

/// The request.
#[derive(Debug)]
pub(super) struct UpdateItem {
    changes: Vec<ItemChange>,
    instructions: Instructions,
}

/// What the request says of all its items.
#[derive(Clone, Copy, Debug)]
struct Instructions {
    resolution: Resolution,
    /// Whether attendees are told.
    tells: Option<bool>,
}

#[derive(Debug)]
struct ItemChange {
    name: ItemName,
    updates: Updates,
}

/// The answer: each item's id and new change key.
#[derive(Debug)]
pub(super) struct UpdateItemResponse {
    outcomes: Vec<Result<(EventId, String), Failure>>,
}

impl Operation for UpdateItem {
    const NAME: &'static str = "UpdateItem";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarWrite);
    const FAMILY: Family = Family::PerItem;
    type Response = UpdateItemResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let resolution = instruction::named(body, "ConflictResolution", &conflict::NAMES)?.unwrap_or_default();
        let tells = instruction::attendees(body, "SendMeetingInvitationsOrCancellations")?;
        let reader = body.reader();
        let mut changes = Vec::new();
        while let Some(part) = reader.child()? {
            match part.local() {
                "ItemChanges" => {
                    while let Some(part) = reader.child()? {
                        match part.local() {
                            "ItemChange" => changes.push(ItemChange::read(reader)?),
                            _ => reader.skip()?,
                        }
                    }
                }
                _ => reader.skip()?,
            }
        }
        if changes.is_empty() {
            return Err(value::missing("ItemChanges"));
        }
        Ok(Self { changes, instructions: Instructions { resolution, tells } })
    }

    async fn run(self, context: &Context<'_>) -> Result<UpdateItemResponse, Failure> {
        let Self { changes, instructions } = self;
        // Two changes of one item come one after the other.
        let mut ids: Vec<_> = changes.iter().filter_map(|change| change.name.given().id.as_ref().ok()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        let at_once = if ids.len() == all { AT_ONCE } else { 1 };
        let outcomes = stream::iter(changes).map(|change| change.make(instructions, context));
        Ok(UpdateItemResponse { outcomes: outcomes.buffered(at_once).collect().await })
    }
}

impl ItemChange {
    fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let (mut name, mut updates) = (None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "Updates" => value::once(&mut updates, Updates::read(reader)?, "Updates")?,
                _ => match ItemName::read(&part, reader)? {
                    Some(found) => value::once(&mut name, found, "ItemId")?,
                    None => reader.skip()?,
                },
            }
        }
        let name = name.ok_or_else(|| value::missing("ItemId"))?;
        Ok(Self { name, updates: updates.ok_or_else(|| value::missing("Updates"))? })
    }

    async fn make(self, instructions: Instructions, context: &Context<'_>) -> Result<(EventId, String), Failure> {
        let Self { name, updates } = self;
        let missing = Failure::InstructionMissing { code: "ErrorSendMeetingInvitationsOrCancellationsRequired" };
        let tells = instructions.tells.ok_or(missing)?;
        let wanted = updates.checked()?;
        let key = instructions.resolution.expects(name.given().change_key.as_deref())?;
        let (mailbox, id) = occurrence::named(context, &name, Capability::CalendarWrite).await?;
        let attempt = || attempt(context, (&mailbox, &id), &wanted, tells, key);
        let event = match attempt().await {
            // Somebody else was faster: what was decided is decided again, for the item as it is now.
            Err(Failure::Conflict) if key.is_none() => attempt().await?,
            outcome => outcome?,
        };
        target::remember(context, &event.id, mailbox.mailbox());
        let Event { id, change_key, .. } = event;
        Ok((id, change_key))
    }
}

impl Response for UpdateItemResponse {
    fn size(&self) -> usize {
        256 + 768 * self.outcomes.len()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:UpdateItemResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for outcome in &self.outcomes {
            let class = if outcome.is_ok() { "Success" } else { "Error" };
            xml.raw(r#"<m:UpdateItemResponseMessage ResponseClass=""#).raw(class).raw(r#"">"#);
            match outcome {
                Ok((id, change_key)) => {
                    xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem>");
                    item_id::write(xml, "ItemId", id, change_key);
                    xml.raw("</t:CalendarItem></m:Items><m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>");
                }
                Err(failure) => {
                    response_message::write_failure(xml, failure, UpdateItem::FAMILY);
                    xml.raw("<m:Items/>");
                }
            }
            xml.raw("</m:UpdateItemResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:UpdateItemResponse>");
    }
}

/// Reads the item, decides, and changes it; the key is the one that the caller expects it to have.
async fn attempt(
    context: &Context<'_>,
    (mailbox, id): (&Permitted, &EventId),
    wanted: &Wanted,
    tells: bool,
    key: Option<&str>,
) -> Result<Event, Failure> {
    let parts = EventParts { body: wanted.concern_body(), exceptions: false, properties: wanted.properties() };
    let event = sight::event(context, mailbox, id, &parts).await?;
    if key.is_some_and(|key| key != event.change_key) {
        return Err(Failure::Conflict);
    }
    let sees_whole = sight::sees_whole(context.client, mailbox, &event, context.journal.now);
    let change = decide(wanted.clone(), &event, context.header.time_zone.as_ref(), tells, sees_whole)?;
    if difference::is_empty(&change) {
        return Ok(event);
    }
    sight::check_new(context, mailbox, &change, Some(&event))?;
    // What follows from the item must not be done to another one than was read.
    let is_bound = !tells || !wanted.added.is_empty() || change.attendees.is_some() || change.sensitivity.is_some();
    let expected = key.or_else(|| is_bound.then_some(event.change_key.as_str()));
    context.writes.update(mailbox, id, &change, expected, context.journal).await
}

/// What Graph is told, if anything. Of an item that the caller does not see whole, nothing is left
/// out: what the item is already would show.
fn decide(
    wanted: Wanted,
    event: &Event,
    header: Option<&TimeZoneContext>,
    tells: bool,
    sees_whole: bool,
) -> Result<EventChange, Failure> {
    if !sees_whole {
        hidden::check(&wanted)?;
    }
    let mut change = apply::apply(wanted, event, header)?;
    if sees_whole {
        difference::keep_new(&mut change, event);
    } else if !tells {
        hidden::check_quiet(&change)?;
    }
    notify::tell(&mut change, event, tells)?;
    Ok(change)
}

/// Graph does four things at once for a mailbox.
const AT_ONCE: usize = 4;
