//! GetEvents: what a pull subscription has not got yet.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getevents-operation>
//!
//! The watermark says what has arrived: only that is forgotten, so that a lost answer can be had
//! again.

use crate::calendar::Capability;
use crate::changes::{Pulled, watermark};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::{notification, response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: which subscription, and how far it was read.
#[derive(Debug)]
pub(super) struct GetEvents {
    id: String,
    watermark: String,
}

/// The answer: events, or why there are none.
#[derive(Debug)]
pub(super) struct GetEventsResponse {
    request: GetEvents,
    pulled: Result<Pulled, Failure>,
}

impl Operation for GetEvents {
    const NAME: &'static str = "GetEvents";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetEventsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut id, mut watermark) = (None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "SubscriptionId" => value::once(&mut id, reader.text()?.into_owned(), "SubscriptionId")?,
                "Watermark" => value::once(&mut watermark, reader.text()?.into_owned(), "Watermark")?,
                _ => reader.skip()?,
            }
        }
        let id = id.ok_or_else(|| value::missing("SubscriptionId"))?;
        Ok(Self { id, watermark: watermark.ok_or_else(|| value::missing("Watermark"))? })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetEventsResponse, Failure> {
        let pulled = context.changes.pull(context.client, &self.id, &self.watermark);
        for event in pulled.iter().flat_map(|pulled| &pulled.events) {
            target::remember(context, &event.change.item, &event.change.mailbox);
            context.journal.judge(Some(&event.change.mailbox), Some(Capability::CalendarRead), Ok(notification::VIEW));
        }
        Ok(GetEventsResponse { request: self, pulled })
    }
}

impl Response for GetEventsResponse {
    fn size(&self) -> usize {
        1024 + notification::SIZE * self.pulled.as_ref().map_or(0, |pulled| pulled.events.len())
    }

    fn write(&self, xml: &mut Xml) {
        let class = if self.pulled.is_ok() { "Success" } else { "Error" };
        xml.raw(r#"<m:GetEventsResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages><m:GetEventsResponseMessage ResponseClass=""#).raw(class).raw(r#"">"#);
        match &self.pulled {
            Ok(pulled) => self.write_notification(xml, pulled),
            Err(failure) => response_message::write_failure(xml, failure, GetEvents::FAMILY),
        }
        xml.raw("</m:GetEventsResponseMessage></m:ResponseMessages></m:GetEventsResponse>");
    }
}

impl GetEventsResponse {
    fn write_notification(&self, xml: &mut Xml, pulled: &Pulled) {
        let GetEvents { id, watermark } = &self.request;
        xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:Notification><t:SubscriptionId>").text(id);
        xml.raw("</t:SubscriptionId><t:PreviousWatermark>").text(watermark);
        xml.raw("</t:PreviousWatermark><t:MoreEvents>").boolean(pulled.more).raw("</t:MoreEvents>");
        for event in &pulled.events {
            notification::write_event(xml, event, Some(&watermark::write(id, event.number)));
        }
        if pulled.events.is_empty() {
            xml.raw("<t:StatusEvent><t:Watermark>").text(watermark).raw("</t:Watermark></t:StatusEvent>");
        }
        xml.raw("</m:Notification>");
    }
}
