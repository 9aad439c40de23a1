//! ConvertId: ids from one form to another.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/convertid-operation>
//!
//! Of the forms only those are known that hold what the gateway's ids hold: `EwsId`, which
//! `EwsLegacyId` does not differ from, and `OwaId`, the same percent-encoded. The others are made of a
//! store's own numbers, which Graph does not tell. Clients also use it with a made-up id to learn the
//! server's version; and some take the mailbox of the answer for their own.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::calendar::{Capability, Mailbox};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::pull::Start;
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::folder::Folder;
use crate::ews::types::item_id;
use crate::ews::types::response_message;
use crate::ews::types::value;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request.
#[derive(Debug)]
pub(super) struct ConvertId {
    to: String,
    ids: Vec<Source>,
}

/// An id as it was sent; `None` for a kind of id that no calendar has.
type Source = Option<Alternate>;

/// The answer: a message for each id.
#[derive(Debug)]
pub(super) struct ConvertIdResponse {
    ids: Vec<Result<Alternate, Failure>>,
}

/// An id in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternate {
    format: String,
    id: String,
    mailbox: String,
}

impl Operation for ConvertId {
    const NAME: &'static str = "ConvertId";
    const CAPABILITY: Option<Capability> = None;
    const FAMILY: Family = Family::PerItem;
    type Response = ConvertIdResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let to = body.attribute("DestinationFormat")?.ok_or_else(|| value::missing("DestinationFormat"))?;
        let reader = body.reader();
        let mut ids = None;
        while let Some(part) = reader.child()? {
            if part.local() != "SourceIds" {
                reader.skip()?;
                continue;
            }
            let mut sources = Vec::new();
            while let Some(id) = reader.child()? {
                sources.push(Alternate::read(&id)?);
                reader.skip()?;
                if sources.len() > MOST_IDS {
                    let problem = format!("more than {MOST_IDS} ids");
                    return Err(Failure::Schema { path: "SourceIds".to_owned(), problem });
                }
            }
            value::once(&mut ids, sources, "SourceIds")?;
        }
        let ids = ids.filter(|ids| !ids.is_empty()).ok_or_else(|| value::missing("SourceIds"))?;
        Ok(Self { to, ids })
    }

    async fn run(self, context: &Context<'_>) -> Result<ConvertIdResponse, Failure> {
        let converted = |source: Source| source.ok_or(Failure::BadId)?.converted(&self.to, context);
        Ok(ConvertIdResponse { ids: self.ids.into_iter().map(converted).collect() })
    }
}

impl Alternate {
    fn read(start: &Start<'_>) -> Result<Source, Failure> {
        if start.local() != "AlternateId" {
            return Ok(None);
        }
        let attribute = |name: &str| Ok::<_, Failure>(start.attribute(name)?.unwrap_or_default());
        Ok(Some(Self { format: attribute("Format")?, id: attribute("Id")?, mailbox: attribute("Mailbox")? }))
    }

    fn converted(self, to: &str, context: &Context<'_>) -> Result<Self, Failure> {
        let id = match self.format.as_str() {
            EWS | LEGACY => self.id,
            OWA => percent_decode_str(&self.id).decode_utf8().map_err(|_| Failure::BadId)?.into_owned(),
            _ => return Err(Failure::BadId),
        };
        let owner = owner(context, id.trim())?;
        let id = match to {
            EWS | LEGACY => id.trim().to_owned(),
            OWA => utf8_percent_encode(id.trim(), NON_ALPHANUMERIC).to_string(),
            _ => return Err(Failure::BadId),
        };
        let mailbox = target::caller(context).unwrap_or(owner).to_string();
        Ok(Self { format: to.to_owned(), id, mailbox })
    }
}

/// Whose folder or item an id names that was given out, if the client may know of it.
fn owner(context: &Context<'_>, id: &str) -> Result<Mailbox, Failure> {
    let item = item_id::parse(id)?;
    if let Ok(folder) = Folder::of_id(id) {
        return target::folder(context, Some(&folder), Capability::CalendarRead).map(|it| it.mailbox().clone());
    }
    // Ids of the caller's own mailbox are not remembered, and are like those that Exchange makes.
    let is_known = context.items.owner(&item).is_some_and(|owner| target::may_read(context, &owner));
    if !is_known && !ITEMS.iter().any(|begin| id.starts_with(begin)) {
        return Err(Failure::BadId);
    }
    target::item(context, &item, Capability::CalendarRead).map(|it| it.mailbox().clone())
}

impl Response for ConvertIdResponse {
    fn size(&self) -> usize {
        512 + self.ids.len() * 1024
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:ConvertIdResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#"" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><m:ResponseMessages>"#);
        for id in &self.ids {
            match id {
                Ok(id) => {
                    xml.raw(r#"<m:ConvertIdResponseMessage ResponseClass="Success"><m:ResponseCode>NoError"#);
                    xml.raw(r#"</m:ResponseCode><m:AlternateId xsi:type="t:AlternateIdType" Format=""#)
                        .text(&id.format);
                    xml.raw(r#"" Id=""#).text(&id.id).raw(r#"" Mailbox=""#).text(&id.mailbox).raw(r#""/>"#);
                }
                Err(failure) => {
                    xml.raw(r#"<m:ConvertIdResponseMessage ResponseClass="Error">"#);
                    response_message::write_failure(xml, failure, ConvertId::FAMILY);
                }
            }
            xml.raw("</m:ConvertIdResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:ConvertIdResponse>");
    }
}

/// Each makes an answer several times its size.
const MOST_IDS: usize = 1000;
const EWS: &str = "EwsId";
const LEGACY: &str = "EwsLegacyId";
const OWA: &str = "OwaId";
/// What ids of Exchange's items begin with, whatever their form.
const ITEMS: [&str; 2] = ["AA", "AQ"];
