//! GetMailTips: what to know before writing to somebody. The gateway knows whether they are away, and
//! names the other tips that were asked for as pending.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getmailtips-operation>

mod tips;

use tips::Tips;

use crate::calendar::Capability;
use crate::calendar::out_of_office::Tip;
use crate::ews::fault::{self, Family};
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target;
use crate::ews::types::mailbox::EmailAddress;
use crate::ews::types::value::{missing, once};
use crate::ews::types::{oof_settings, response_message};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request.
#[derive(Debug)]
pub(super) struct GetMailTips {
    /// Who is about to write, if it says so.
    sender: Option<EmailAddress>,
    recipients: Vec<EmailAddress>,
    tips: Tips,
}

/// The answer: what is told of each recipient, in their order.
#[derive(Debug)]
pub(super) struct GetMailTipsResponse {
    recipients: Vec<EmailAddress>,
    tips: Tips,
    found: Vec<Result<Tip, Failure>>,
}

impl Operation for GetMailTips {
    const NAME: &'static str = "GetMailTips";
    const CAPABILITY: Option<Capability> = Some(Capability::OutOfOfficeRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetMailTipsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut sender, mut recipients, mut tips) = (None, None, None);
        // Before its children exchangelib sends a text, and means `MailTipsRequested` by it.
        while let Some(part) = reader.child()? {
            match part.local() {
                "SendingAs" => once(&mut sender, EmailAddress::read(reader)?, "SendingAs")?,
                "Recipients" => {
                    let mut read = Vec::new();
                    while let Some(recipient) = reader.child()? {
                        match recipient.local() {
                            "Mailbox" => read.push(EmailAddress::read(reader)?),
                            _ => reader.skip()?,
                        }
                    }
                    once(&mut recipients, read, "Recipients")?;
                }
                "MailTipsRequested" => once(&mut tips, Tips::parse(&reader.text()?)?, "MailTipsRequested")?,
                _ => reader.skip()?,
            }
        }
        let recipients = recipients.ok_or_else(|| missing("Recipients"))?;
        Ok(Self { sender, recipients, tips: tips.unwrap_or_else(Tips::all) })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetMailTipsResponse, Failure> {
        match self.recipients.len() {
            0 => return Err(Failure::NoMailboxes),
            1..=MOST_RECIPIENTS => {}
            _ => return Err(Failure::TooManyRecipients { most: MOST_RECIPIENTS }),
        }
        context.journal.mailboxes.add(u32::try_from(self.recipients.len()).unwrap_or(u32::MAX));
        let found = find(&self, context).await;
        for failure in found.iter().filter_map(|found| found.as_ref().err()) {
            context.journal.fail(failure.label());
        }
        match failed_as_a_whole(&found) {
            Some(failure) => Err(failure.clone()),
            None => Ok(GetMailTipsResponse { recipients: self.recipients, tips: self.tips, found }),
        }
    }
}

async fn find(request: &GetMailTips, context: &Context<'_>) -> Vec<Result<Tip, Failure>> {
    let permit = |recipient: &EmailAddress| context.client.permit(&recipient.mailbox()?, Capability::OutOfOfficeRead);
    let mut refused = Vec::with_capacity(request.recipients.len());
    let mut permitted = Vec::with_capacity(request.recipients.len());
    for recipient in &request.recipients {
        match permit(recipient) {
            Ok(mailbox) => {
                permitted.push(mailbox);
                refused.push(None);
            }
            Err(failure) => refused.push(Some(failure)),
        }
    }
    let mut told = if request.tips.out_of_office() && !permitted.is_empty() {
        context.graphs.mail_tips(&permitted, is_inside(request, context), context.journal).await.into_iter()
    } else {
        vec![Ok(Tip::default()); permitted.len()].into_iter()
    };
    let next = |refused: Option<Failure>| match refused {
        Some(failure) => Err(failure),
        None => told.next().unwrap_or(Err(Failure::Internal)),
    };
    refused.into_iter().map(next).collect()
}

/// Whether somebody inside the organisation is about to write; who does not say so is, since Exchange
/// would answer nobody else.
fn is_inside(request: &GetMailTips, context: &Context<'_>) -> bool {
    let named = request.sender.as_ref().and_then(|sender| sender.mailbox().ok());
    named.or_else(|| target::caller(context)).is_none_or(|sender| context.graphs.route(&sender).is_some())
}

/// The failure of the request, when nothing but Graph and the gateway kept each recipient from being
/// told of: being busy comes first, with the longest pause, since the caller can do something about it.
fn failed_as_a_whole(found: &[Result<Tip, Failure>]) -> Option<&Failure> {
    let failures: Option<Vec<&Failure>> =
        found.iter().map(|found| found.as_ref().err().filter(|failure| fault::is_passing(failure))).collect();
    failures?.into_iter().max_by_key(|failure| fault::back_off(failure))
}

impl Response for GetMailTipsResponse {
    fn size(&self) -> usize {
        512 + self.found.iter().map(|tip| 1024 + tip.as_ref().map_or(0, |tip| 2 * tip.message.len())).sum::<usize>()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetMailTipsResponse ResponseClass="Success" xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#);
        xml.raw(TYPES).raw(r#""><m:ResponseCode>NoError</m:ResponseCode><m:ResponseMessages>"#);
        for (recipient, tip) in self.recipients.iter().zip(&self.found) {
            match tip {
                Ok(tip) => {
                    xml.raw(r#"<m:MailTipsResponseMessageType ResponseClass="Success">"#);
                    xml.raw("<m:ResponseCode>NoError</m:ResponseCode>");
                    self.write_tips(xml, recipient, tip);
                }
                Err(failure) => {
                    xml.raw(r#"<m:MailTipsResponseMessageType ResponseClass="Error">"#);
                    response_message::write_failure(xml, failure, GetMailTips::FAMILY);
                }
            }
            xml.raw("</m:MailTipsResponseMessageType>");
        }
        xml.raw("</m:ResponseMessages></m:GetMailTipsResponse>");
    }
}

impl GetMailTipsResponse {
    fn write_tips(&self, xml: &mut Xml, recipient: &EmailAddress, tip: &Tip) {
        xml.raw("<m:MailTips><t:RecipientAddress>");
        if !recipient.name.is_empty() {
            xml.raw("<t:Name>").text(&recipient.name).raw("</t:Name>");
        }
        xml.raw("<t:EmailAddress>")
            .text(&recipient.address)
            .raw("</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>");
        xml.raw("</t:RecipientAddress><t:PendingMailTips>").raw(&self.tips.pending()).raw("</t:PendingMailTips>");
        if self.tips.out_of_office() {
            xml.raw("<t:OutOfOffice>");
            oof_settings::write_reply(xml, "ReplyBody", &tip.message, tip.language.as_deref());
            if let Some(window) = tip.window {
                oof_settings::write_window(xml, window);
            }
            xml.raw("</t:OutOfOffice>");
        }
        xml.raw("</m:MailTips>");
    }
}

/// Recipients in one request; clients may ask how many (GetServiceConfiguration).
pub(super) const MOST_RECIPIENTS: usize = 50;

#[cfg(test)]
mod tests;
