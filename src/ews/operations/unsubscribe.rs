//! Unsubscribe: a subscription ends, and a stream that is open for it.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/unsubscribe-operation>

use crate::calendar::Capability;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES};
use crate::ews::types::{response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: which subscription.
#[derive(Debug)]
pub(super) struct Unsubscribe {
    id: String,
}

/// The answer: that it has ended, or why it has not. Never a fault: clients that tidy up do not
/// expect any.
#[derive(Debug)]
pub(super) struct UnsubscribeResponse {
    ended: Result<(), Failure>,
}

impl Operation for Unsubscribe {
    const NAME: &'static str = "Unsubscribe";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = UnsubscribeResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let mut id = None;
        while let Some(part) = reader.child()? {
            match part.local() {
                "SubscriptionId" => value::once(&mut id, reader.text()?.into_owned(), "SubscriptionId")?,
                _ => reader.skip()?,
            }
        }
        Ok(Self { id: id.ok_or_else(|| value::missing("SubscriptionId"))? })
    }

    async fn run(self, context: &Context<'_>) -> Result<UnsubscribeResponse, Failure> {
        Ok(UnsubscribeResponse { ended: context.changes.unsubscribe(context.client, &self.id).await })
    }
}

impl Response for UnsubscribeResponse {
    fn write(&self, xml: &mut Xml) {
        let class = if self.ended.is_ok() { "Success" } else { "Error" };
        xml.raw(r#"<m:UnsubscribeResponse xmlns:m=""#).raw(MESSAGES);
        xml.raw(r#""><m:ResponseMessages><m:UnsubscribeResponseMessage ResponseClass=""#).raw(class).raw(r#"">"#);
        match &self.ended {
            Ok(()) => {
                xml.raw("<m:ResponseCode>NoError</m:ResponseCode>");
            }
            Err(failure) => response_message::write_failure(xml, failure, Unsubscribe::FAMILY),
        }
        xml.raw("</m:UnsubscribeResponseMessage></m:ResponseMessages></m:UnsubscribeResponse>");
    }
}
