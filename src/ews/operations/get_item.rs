//! GetItem: calendar items by their ids.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation-calendar-item>

mod occurrences;

use futures::future::join_all;

use crate::calendar::Capability;
use crate::calendar::event::{Event, EventId};
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::occurrence;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::calendar_item::{self, Occurrences, Viewer};
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
    occurrences: Occurrences,
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
            None => find(&self.items, &wanted, context).await,
        };
        Ok(GetItemResponse { wanted, items })
    }
}

/// The items that are named, in their order; those of one mailbox are asked for together.
async fn find(names: &[ItemName], wanted: &Wanted, context: &Context<'_>) -> Vec<Result<Found, Failure>> {
    let named = join_all(names.iter().map(|name| occurrence::named(context, name, Capability::CalendarRead))).await;
    let mut found: Vec<_> = named.iter().map(|_| Err(Failure::Internal)).collect();
    let mut groups: Vec<Group> = Vec::new();
    for (place, (named, outcome)) in named.into_iter().zip(&mut found).enumerate() {
        match named {
            Ok((mailbox, id)) => match groups.iter_mut().find(|group| group.mailbox.mailbox() == mailbox.mailbox()) {
                Some(group) => group.add(place, id),
                None => groups.push(Group { mailbox, places: vec![place], ids: vec![id] }),
            },
            Err(failure) => *outcome = Err(failure),
        }
    }
    let told = join_all(groups.iter().map(|group| group.find(wanted, context))).await;
    for (group, told) in groups.iter().zip(told) {
        for (place, told) in group.places.iter().zip(told) {
            if let Some(outcome) = found.get_mut(*place) {
                *outcome = told;
            }
        }
    }
    found
}

/// Items of one mailbox, and where they stand in the request.
struct Group {
    mailbox: Permitted,
    places: Vec<usize>,
    ids: Vec<EventId>,
}

impl Group {
    fn add(&mut self, place: usize, id: EventId) {
        self.places.push(place);
        self.ids.push(id);
    }

    async fn find(&self, wanted: &Wanted, context: &Context<'_>) -> Vec<Result<Found, Failure>> {
        let parts = wanted.parts();
        let events = context.graphs.events_by_id(&self.mailbox, &self.ids, &parts, context.journal).await;
        join_all(events.into_iter().map(|event| self.complete(event, wanted, context))).await
    }

    /// An event with what else is wanted of it; its ids are remembered.
    async fn complete(
        &self,
        event: Result<Event, Failure>,
        wanted: &Wanted,
        context: &Context<'_>,
    ) -> Result<Found, Failure> {
        let event = event?;
        let viewer = Viewer::new(context.client, &context.header, self.mailbox.clone(), context.journal.now)?;
        if !viewer.reaches(&event) {
            return Err(Failure::NoSuchItem);
        }
        let occurrences = occurrences::of(&self.mailbox, &event, &viewer.zone_of(&event), wanted, context).await?;
        let of_series = event.series.iter().chain(event.exceptions.iter().map(|changed| &changed.id));
        let of_ends = [&occurrences.first, &occurrences.last].into_iter().flatten().map(|end| &end.id);
        for id in of_series.chain(of_ends).chain([&event.id]) {
            target::remember(context, id, self.mailbox.mailbox());
        }
        Ok(Found { event, occurrences, viewer })
    }
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
                Ok(Found { event, occurrences, viewer }) => {
                    xml.raw(r#"<m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError"#);
                    xml.raw("</m:ResponseCode><m:Items>");
                    calendar_item::write(xml, &viewer.see(event), &self.wanted, viewer, occurrences);
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

#[cfg(test)]
mod tests;
