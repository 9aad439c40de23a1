//! SetUserOofSettings: sets a mailbox's automatic replies, in Graph's mailbox settings.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/setuseroofsettings-operation>

use crate::calendar::{Capability, Mailbox};
use crate::ews::fault::{self, Family};
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES};
use crate::ews::types::oof_settings::OofSettings;
use crate::ews::types::value::{missing, once};
use crate::ews::types::{mailbox, response_message};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: the mailbox's address, and what is to be set.
#[derive(Debug)]
pub(super) struct SetUserOofSettings {
    address: String,
    settings: OofSettings,
}

/// The answer: done, or why not.
#[derive(Debug)]
pub(super) struct SetUserOofSettingsResponse {
    outcome: Result<(), Failure>,
}

impl Operation for SetUserOofSettings {
    const NAME: &'static str = "SetUserOofSettingsRequest";
    const CAPABILITY: Option<Capability> = Some(Capability::OutOfOfficeWrite);
    const FAMILY: Family = Family::PerItem;
    type Response = SetUserOofSettingsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut address, mut settings) = (None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "Mailbox" => once(&mut address, mailbox::address(reader)?, "Mailbox")?,
                "UserOofSettings" => once(&mut settings, OofSettings::read(reader)?, "UserOofSettings")?,
                _ => reader.skip()?,
            }
        }
        let address = address.ok_or_else(|| missing("Mailbox"))?;
        Ok(Self { address, settings: settings.ok_or_else(|| missing("UserOofSettings"))? })
    }

    async fn run(self, context: &Context<'_>) -> Result<SetUserOofSettingsResponse, Failure> {
        context.journal.mailboxes.add(1);
        let outcome = set(self, context).await;
        if let Err(failure) = &outcome {
            context.journal.fail(failure.label());
        }
        match outcome {
            Err(failure) if fault::is_passing(&failure) => Err(failure),
            outcome => Ok(SetUserOofSettingsResponse { outcome }),
        }
    }
}

async fn set(request: SetUserOofSettings, context: &Context<'_>) -> Result<(), Failure> {
    let mailbox = context.permit(&Mailbox::parse(&request.address)?, Capability::OutOfOfficeWrite)?;
    let replies = request.settings.replies(context.journal.now)?;
    context.graphs.set_automatic_replies(&mailbox, &replies, context.journal).await
}

impl Response for SetUserOofSettingsResponse {
    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:SetUserOofSettingsResponse xmlns:m=""#).raw(MESSAGES).raw(r#"">"#);
        response_message::write_only(xml, self.outcome.as_ref().copied(), SetUserOofSettings::FAMILY);
        xml.raw("</m:SetUserOofSettingsResponse>");
    }
}

#[cfg(test)]
mod tests;
