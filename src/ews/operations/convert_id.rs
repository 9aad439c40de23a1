//! ConvertId: ids from one form to another.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/convertid-operation>
//!
//! Clients use it with a made-up id to learn the server's version. The gateway has given out no
//! ids, so no id is one of its own, and each is answered as malformed, as Exchange answers a
//! made-up one.

use crate::calendar::Capability;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES};
use crate::ews::types::response_message;
use crate::ews::types::value;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: how many ids.
#[derive(Debug)]
pub(super) struct ConvertId {
    ids: usize,
}

/// The answer: a message for each id.
#[derive(Debug)]
pub(super) struct ConvertIdResponse {
    ids: usize,
}

impl Operation for ConvertId {
    const NAME: &'static str = "ConvertId";
    const CAPABILITY: Option<Capability> = None;
    const FAMILY: Family = Family::PerItem;
    type Response = ConvertIdResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let mut ids = None;
        while let Some(part) = reader.child()? {
            if part.local() != "SourceIds" {
                reader.skip()?;
                continue;
            }
            let mut count = 0;
            while reader.child()?.is_some() {
                reader.skip()?;
                count += 1;
            }
            value::once(&mut ids, count, "SourceIds")?;
        }
        match ids {
            None | Some(0) => Err(value::missing("SourceIds")),
            Some(ids) if ids > MOST_IDS => {
                Err(Failure::Schema { path: "SourceIds".to_owned(), problem: format!("more than {MOST_IDS} ids") })
            }
            Some(ids) => Ok(Self { ids }),
        }
    }

    async fn run(self, _context: &Context<'_>) -> Result<ConvertIdResponse, Failure> {
        Ok(ConvertIdResponse { ids: self.ids })
    }
}

impl Response for ConvertIdResponse {
    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:ConvertIdResponse xmlns:m=""#).raw(MESSAGES).raw(r#""><m:ResponseMessages>"#);
        for _ in 0..self.ids {
            xml.raw(r#"<m:ConvertIdResponseMessage ResponseClass="Error">"#);
            response_message::write_error(xml, "ErrorInvalidIdMalformed", "Id is malformed.");
            xml.raw("</m:ConvertIdResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:ConvertIdResponse>");
    }
}

/// Each makes an answer several times its size.
const MOST_IDS: usize = 1000;
