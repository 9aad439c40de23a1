//! GetUserOofSettings: a mailbox's automatic replies, from Graph's mailbox settings.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseroofsettings-operation>

use jiff::Timestamp;

use crate::calendar::out_of_office::AutomaticReplies;
use crate::calendar::{Capability, Mailbox};
use crate::ews::fault::{self, Family};
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::value::{missing, once};
use crate::ews::types::{mailbox, oof_settings, response_message};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: the mailbox's address.
#[derive(Debug)]
pub(super) struct GetUserOofSettings {
    address: String,
}

/// The answer: the settings, or why there are none.
#[derive(Debug)]
pub(super) struct GetUserOofSettingsResponse {
    replies: Result<AutomaticReplies, Failure>,
    now: Timestamp,
}

impl Operation for GetUserOofSettings {
    const NAME: &'static str = "GetUserOofSettingsRequest";
    const CAPABILITY: Option<Capability> = Some(Capability::OutOfOfficeRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetUserOofSettingsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let mut address = None;
        while let Some(part) = reader.child()? {
            match part.local() {
                "Mailbox" => once(&mut address, mailbox::address(reader)?, "Mailbox")?,
                _ => reader.skip()?,
            }
        }
        Ok(Self { address: address.ok_or_else(|| missing("Mailbox"))? })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetUserOofSettingsResponse, Failure> {
        context.journal.mailboxes.add(1);
        let replies = replies(&self.address, context).await;
        if let Err(failure) = &replies {
            context.journal.fail(failure.label());
        }
        match replies {
            Err(failure) if fault::is_passing(&failure) => Err(failure),
            replies => Ok(GetUserOofSettingsResponse { replies, now: context.journal.now }),
        }
    }
}

async fn replies(address: &str, context: &Context<'_>) -> Result<AutomaticReplies, Failure> {
    let mailbox = context.permit(&Mailbox::parse(address)?, Capability::OutOfOfficeRead)?;
    context.graphs.automatic_replies(&mailbox, context.journal).await
}

impl Response for GetUserOofSettingsResponse {
    fn size(&self) -> usize {
        1024 + self.replies.as_ref().map_or(0, |replies| 2 * (replies.internal.len() + replies.external.len()))
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetUserOofSettingsResponse xmlns:m=""#)
            .raw(MESSAGES)
            .raw(r#"" xmlns:t=""#)
            .raw(TYPES)
            .raw(r#"">"#);
        response_message::write_only(xml, self.replies.as_ref().map(drop), GetUserOofSettings::FAMILY);
        if let Ok(replies) = &self.replies {
            oof_settings::write(xml, replies, self.now);
            // Whether an organisation restricts replies to the outside is not known to Graph.
            xml.raw("<m:AllowExternalOof>All</m:AllowExternalOof>");
        }
        xml.raw("</m:GetUserOofSettingsResponse>");
    }
}

#[cfg(test)]
mod tests;
