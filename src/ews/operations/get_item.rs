//! GetItem: calendar items by their ids.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation-calendar-item>

mod ends;

use futures::future::join_all;

use crate::calendar::Capability;
use crate::calendar::event::Event;
use crate::ews::fault::Family;
use crate::ews::occurrence;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::calendar_item::{self, Ends, Viewer};
use crate::ews::types::item_id::ItemName;
use crate::ews::types::response_message;
use crate::ews::types::shape::{Giving, ItemShape, Wanted};
use crate::ews::types::value::{missing, once};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request.
#[derive(Debug)]
pub(super) struct GetItem {
    shape: ItemShape,
    items: Vec<ItemName>,
}

/// The answer: a message for each item, in the request's order.
#[derive(Debug)]
pub(super) struct GetItemResponse {
    wanted: Wanted,
    items: Vec<Result<Found, Failure>>,
}

/// An item.
#[derive(Debug)]
struct Found {
    event: Event,
    ends: Ends,
    viewer: Viewer,
}

impl Operation for GetItem {
    const NAME: &'static str = "GetItem";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetItemResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut shape, mut items) = (None, Vec::new());
        while let Some(part) = reader.child()? {
            match part.local() {
                "ItemShape" => once(&mut shape, ItemShape::read(reader)?, "ItemShape")?,
                "ItemIds" => {
                    while let Some(id) = reader.child()? {
                        match ItemName::read(&id, reader)? {
                            Some(name) => items.push(name),
                            None => return Err(missing("ItemId")),
                        }
                    }
                }
                _ => reader.skip()?,
            }
        }
        if items.is_empty() || items.len() > MOST_ITEMS {
            return Err(missing("ItemIds"));
        }
        Ok(Self { shape: shape.ok_or_else(|| missing("ItemShape"))?, items })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetItemResponse, Failure> {
        let (wanted, problem) = match self.shape.wanted(Giving::Items, context.header.version) {
            Ok(wanted) => (wanted, None),
            Err(problem) => (Wanted::default(), Some(problem)),
        };
        let items = match problem {
            Some(problem) => self.items.iter().map(|_| Err(problem.clone())).collect(),
            None => join_all(self.items.iter().map(|name| find(name, &wanted, context))).await,
        };
        Ok(GetItemResponse { wanted, items })
    }
}

async fn find(name: &ItemName, wanted: &Wanted, context: &Context<'_>) -> Result<Found, Failure> {
    let (mailbox, id) = occurrence::named(context, name, Capability::CalendarRead).await?;
    let viewer = Viewer::new(context.client, &context.header, mailbox.clone())?;
    let event = context.graphs.event(&mailbox, &id, &wanted.parts(), context.journal).await?;
    let ends = ends::of(&mailbox, &event, wanted, context).await?;
    for id in [&event.id].into_iter().chain(event.series.as_ref()) {
        target::remember(context, id, mailbox.mailbox());
    }
    for changed in &event.exceptions {
        target::remember(context, &changed.id, mailbox.mailbox());
    }
    for end in [&ends.first, &ends.last].into_iter().flatten() {
        target::remember(context, &end.id, mailbox.mailbox());
    }
    Ok(Found { event, ends, viewer })
}

impl Response for GetItemResponse {
    fn size(&self) -> usize {
        512 + self.items.len() * (512 + 64 * self.wanted.fields.len())
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetItemResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for item in &self.items {
            match item {
                Ok(Found { event, ends, viewer }) => {
                    xml.raw(r#"<m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError"#);
                    xml.raw("</m:ResponseCode><m:Items>");
                    calendar_item::write(xml, &viewer.see(event), &self.wanted, viewer, ends);
                    xml.raw("</m:Items>");
                }
                Err(failure) => {
                    xml.raw(r#"<m:GetItemResponseMessage ResponseClass="Error">"#);
                    response_message::write_failure(xml, failure, GetItem::FAMILY);
                    xml.raw("<m:Items/>");
                }
            }
            xml.raw("</m:GetItemResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:GetItemResponse>");
    }
}

/// Each may take a call of its own.
const MOST_ITEMS: usize = 1000;
