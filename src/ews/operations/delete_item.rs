//! DeleteItem: calendar items, series and single occurrences.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/deleteitem-operation-calendar-item>
//!
//! However the request wants an item deleted, Graph moves it to Deleted Items. What is not there is
//! an error of its own, never a fault: callers who delete twice would stop.

use futures::{StreamExt, stream};

use crate::calendar::Capability;
use crate::calendar::event::EventId;
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::occurrence;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::sight;
use crate::ews::soap::{Body, MESSAGES};
use crate::ews::types::item_id::ItemName;
use crate::ews::types::{instruction, response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;
use crate::graph::EventParts;

/// The request.
#[derive(Debug)]
pub(super) struct DeleteItem {
    items: Vec<ItemName>,
    /// Whether attendees are told.
    tells: Option<bool>,
}

/// The answer: what became of each item.
#[derive(Debug)]
pub(super) struct DeleteItemResponse {
    outcomes: Vec<Result<(), Failure>>,
}

impl Operation for DeleteItem {
    const NAME: &'static str = "DeleteItem";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarWrite);
    const FAMILY: Family = Family::PerItem;
    type Response = DeleteItemResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let tells = instruction::attendees(body, "SendMeetingCancellations")?;
        let kinds = [("HardDelete", ()), ("SoftDelete", ()), ("MoveToDeletedItems", ())];
        instruction::named(body, "DeleteType", &kinds)?.ok_or_else(|| value::missing("DeleteType"))?;
        let reader = body.reader();
        let mut items = Vec::new();
        while let Some(part) = reader.child()? {
            match part.local() {
                "ItemIds" => {
                    while let Some(part) = reader.child()? {
                        match ItemName::read(&part, reader)? {
                            Some(name) => items.push(name),
                            None => reader.skip()?,
                        }
                    }
                }
                _ => reader.skip()?,
            }
        }
        if items.is_empty() {
            return Err(value::missing("ItemIds"));
        }
        Ok(Self { items, tells })
    }

    async fn run(self, context: &Context<'_>) -> Result<DeleteItemResponse, Failure> {
        let Self { items, tells } = self;
        // Occurrences of one series are one item: one after the other.
        let at_once = if are_different(&items) { AT_ONCE } else { 1 };
        let outcomes = stream::iter(items).map(|name| delete(name, tells, context));
        Ok(DeleteItemResponse { outcomes: outcomes.buffered(at_once).collect().await })
    }
}

fn are_different(items: &[ItemName]) -> bool {
    let mut ids: Vec<_> = items.iter().filter_map(|name| name.given().id.as_ref().ok()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    ids.len() == all
}

async fn delete(name: ItemName, tells: Option<bool>, context: &Context<'_>) -> Result<(), Failure> {
    let missing = Failure::InstructionMissing { code: "ErrorSendMeetingCancellationsRequired" };
    let tells = tells.ok_or(missing)?;
    let (mailbox, id) = occurrence::named(context, &name, Capability::CalendarWrite).await?;
    if tells {
        sight::check(context, &mailbox, &id).await?;
        return context.writes.delete(&mailbox, &id, None, context.journal).await;
    }
    match quietly(context, &mailbox, &id).await {
        // Somebody has changed it meanwhile, and may have invited others.
        Err(Failure::Conflict) => quietly(context, &mailbox, &id).await,
        outcome => outcome,
    }
}

/// Deletes what nobody has to be told of, as it was when it was looked at: Graph tells the attendees of
/// whatever their organizer deletes. Of an item that the caller does not see whole, the answer would tell whether there
/// are any.
async fn quietly(context: &Context<'_>, mailbox: &Permitted, id: &EventId) -> Result<(), Failure> {
    let event = sight::whole_event(context, mailbox, id, &EventParts::default()).await?;
    if event.is_meeting() && event.is_organizer && !event.is_held_back && !event.is_cancelled {
        return Err(Failure::WouldNotify);
    }
    context.writes.delete(mailbox, id, Some(&event.change_key), context.journal).await
}

impl Response for DeleteItemResponse {
    fn size(&self) -> usize {
        256 + 256 * self.outcomes.len()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:DeleteItemResponse xmlns:m=""#).raw(MESSAGES).raw(r#""><m:ResponseMessages>"#);
        for outcome in &self.outcomes {
            let class = if outcome.is_ok() { "Success" } else { "Error" };
            xml.raw(r#"<m:DeleteItemResponseMessage ResponseClass=""#).raw(class).raw(r#"">"#);
            match outcome {
                Ok(()) => {
                    xml.raw("<m:ResponseCode>NoError</m:ResponseCode>");
                }
                Err(failure) => response_message::write_failure(xml, failure, DeleteItem::FAMILY),
            }
            xml.raw("</m:DeleteItemResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:DeleteItemResponse>");
    }
}

/// Graph does four things at once for a mailbox.
const AT_ONCE: usize = 4;
