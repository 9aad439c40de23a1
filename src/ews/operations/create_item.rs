//! CreateItem: new calendar items, and answers to invitations.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-calendar-item>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-meeting-request>
//!
//! Each item has an outcome of its own, in the request's order.

mod accept_item;
mod cancel_calendar_item;
mod decline_item;
mod new_item;
mod remove_item;
mod reply;
mod response_object;
mod tentatively_accept_item;
#[cfg(test)]
mod tests;

use futures::{StreamExt, stream};

use crate::calendar::Capability;
use crate::calendar::event::Event;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::pull::{Pull, Start};
use crate::ews::sight;
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::calendar_item_draft::Draft;
use crate::ews::types::folder::Folder;
use crate::ews::types::instruction::{self, Disposition};
use crate::ews::types::{item_id, response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;
use response_object::ResponseObject;

/// The request.
#[derive(Debug)]
pub(super) struct CreateItem {
    items: Vec<Item>,
    instructions: Instructions,
}

/// What the request says of all its items.
#[derive(Debug)]
struct Instructions {
    /// Whether attendees are told.
    tells: Option<bool>,
    disposition: Option<Disposition>,
    folder: Option<Result<Folder, Failure>>,
}

#[derive(Debug)]
enum Item {
    Calendar(Box<Draft>),
    Accept(ResponseObject),
    Cancel(ResponseObject),
    Decline(ResponseObject),
    Remove(ResponseObject),
    Tentative(ResponseObject),
    /// Any other kind.
    Other(String),
}

/// The answer: what became of each item.
#[derive(Debug)]
pub(super) struct CreateItemResponse {
    outcomes: Vec<Result<Option<Event>, Failure>>,
}

impl Operation for CreateItem {
    const NAME: &'static str = "CreateItem";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarWrite);
    const FAMILY: Family = Family::PerItem;
    type Response = CreateItemResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let tells = instruction::attendees(body, "SendMeetingInvitations")?;
        let disposition = instruction::disposition(body)?;
        let reader = body.reader();
        let (mut folder, mut items) = (None, Vec::new());
        while let Some(part) = reader.child()? {
            match part.local() {
                "SavedItemFolderId" => {
                    while let Some(part) = reader.child()? {
                        match Folder::read(&part, reader)? {
                            Some(found) => folder = Some(found),
                            None => reader.skip()?,
                        }
                    }
                }
                "Items" => {
                    while let Some(part) = reader.child()? {
                        items.push(Item::read(&part, reader)?);
                    }
                }
                _ => reader.skip()?,
            }
        }
        if items.is_empty() {
            return Err(value::missing("Items"));
        }
        Ok(Self { items, instructions: Instructions { tells, disposition, folder } })
    }

    async fn run(self, context: &Context<'_>) -> Result<CreateItemResponse, Failure> {
        let Self { items, instructions } = self;
        let outcomes = stream::iter(items).map(|item| item.create(&instructions, context));
        Ok(CreateItemResponse { outcomes: outcomes.buffered(AT_ONCE).collect().await })
    }
}

impl Item {
    fn read(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Self, Failure> {
        Ok(match start.local() {
            "CalendarItem" => Self::Calendar(Box::new(Draft::read(reader)?)),
            "AcceptItem" => Self::Accept(ResponseObject::read(reader)?),
            "CancelCalendarItem" => Self::Cancel(ResponseObject::read(reader)?),
            "DeclineItem" => Self::Decline(ResponseObject::read(reader)?),
            "RemoveItem" => Self::Remove(ResponseObject::read(reader)?),
            "TentativelyAcceptItem" => Self::Tentative(ResponseObject::read(reader)?),
            name => {
                let name = name.to_owned();
                reader.skip()?;
                Self::Other(name)
            }
        })
    }

    /// What was made, or answered; `None` where nothing is left of it.
    async fn create(self, instructions: &Instructions, context: &Context<'_>) -> Result<Option<Event>, Failure> {
        match self {
            Self::Calendar(draft) => instructions.calendar_item(*draft, context).await.map(Some),
            Self::Accept(object) => accept_item::run(&object, instructions.disposition, context).await,
            Self::Cancel(object) => cancel_calendar_item::run(&object, instructions.disposition, context).await,
            Self::Decline(object) => decline_item::run(&object, instructions.disposition, context).await,
            Self::Remove(object) => remove_item::run(&object, context).await,
            Self::Tentative(object) => tentatively_accept_item::run(&object, instructions.disposition, context).await,
            Self::Other(what) => Err(Failure::Unsupported { what: format!("CreateItem of {what}") }),
        }
    }
}

impl Instructions {
    async fn calendar_item(&self, draft: Draft, context: &Context<'_>) -> Result<Event, Failure> {
        let missing = Failure::InstructionMissing { code: "ErrorSendMeetingInvitationsRequired" };
        let tells = self.tells.ok_or(missing)?;
        let folder = self.folder.as_ref().map(|folder| folder.as_ref().map_err(Clone::clone)).transpose()?;
        let mailbox = target::calendar(context, folder, Capability::CalendarWrite)?;
        let new = new_item::of(draft, tells, context.header.time_zone.as_ref(), context.journal.now)?;
        sight::check_new(context, &mailbox, &new.change, None)?;
        let event = context.writes.create(&mailbox, &new.change, &new.without, context.journal).await?;
        target::remember(context, &event.id, mailbox.mailbox());
        Ok(event)
    }
}

impl Response for CreateItemResponse {
    fn size(&self) -> usize {
        256 + 768 * self.outcomes.len()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:CreateItemResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for outcome in &self.outcomes {
            let class = if outcome.is_ok() { "Success" } else { "Error" };
            xml.raw(r#"<m:CreateItemResponseMessage ResponseClass=""#).raw(class).raw(r#"">"#);
            match outcome {
                Ok(Some(event)) => {
                    xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem>");
                    item_id::write(xml, "ItemId", &event.id, &event.change_key);
                    xml.raw("</t:CalendarItem></m:Items>");
                }
                Ok(None) => {
                    xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:Items/>");
                }
                Err(failure) => {
                    response_message::write_failure(xml, failure, CreateItem::FAMILY);
                    xml.raw("<m:Items/>");
                }
            }
            xml.raw("</m:CreateItemResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:CreateItemResponse>");
    }
}

/// Graph does four things at once for a mailbox.
const AT_ONCE: usize = 4;
