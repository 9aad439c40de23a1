//! GetMailTips: what to know before writing to somebody. The gateway knows whether they are there and whether they
//! are away, and names the other tips that were asked for as pending.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getmailtips-operation>

mod tips;

use std::sync::atomic::Ordering::Relaxed;

use tips::Tips;

use crate::calendar::out_of_office::Tip;
use crate::calendar::{Capability, Mailbox};
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
    found: Vec<Found>,
}

/// What is told of a recipient; nothing where nobody can tell, or nobody asked.
type Found = Result<Option<Tip>, Failure>;

/// What is known of a recipient.
enum Known<'a> {
    /// That it is there, and what it tells.
    Tip(&'a Tip),
    /// That there is none.
    Nobody,
    Nothing,
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

async fn find(request: &GetMailTips, context: &Context<'_>) -> Vec<Found> {
    let permit = |recipient: &EmailAddress| context.permit(&recipient.mailbox()?, Capability::OutOfOfficeRead);
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
    let mut told = if request.tips.are_known() && !permitted.is_empty() {
        context.journal.mail_tips.store(true, Relaxed);
        let sender = sender(request, context);
        context.graphs.mail_tips(&permitted, sender.as_ref(), context.journal).await.into_iter()
    } else {
        vec![Ok(None); permitted.len()].into_iter()
    };
    let next = |refused: Option<Failure>| match refused {
        Some(failure) => Err(failure),
        None => told.next().unwrap_or(Err(Failure::Internal)),
    };
    refused.into_iter().map(next).collect()
}

/// Who is about to write. Who does not say so is inside each organisation, since Exchange would answer nobody else.
fn sender(request: &GetMailTips, context: &Context<'_>) -> Option<Mailbox> {
    let named = request.sender.as_ref().and_then(|sender| sender.mailbox().ok());
    named.or_else(|| target::caller(context))
}

/// The failure of the request, when nothing but Graph and the gateway kept each recipient from being
/// told of: being busy comes first, with the longest pause, since the caller can do something about it.
fn failed_as_a_whole(found: &[Found]) -> Option<&Failure> {
    let failures: Option<Vec<&Failure>> =
        found.iter().map(|found| found.as_ref().err().filter(|failure| fault::is_passing(failure))).collect();
    failures?.into_iter().max_by_key(|failure| fault::back_off(failure))
}

impl Response for GetMailTipsResponse {
    fn size(&self) -> usize {
        let message = |tip: &Found| tip.as_ref().ok().and_then(Option::as_ref).map_or(0, |tip| tip.message.len());
        512 + self.found.iter().map(|tip| 1024 + 2 * message(tip)).sum::<usize>()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetMailTipsResponse ResponseClass="Success" xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#);
        xml.raw(TYPES).raw(r#""><m:ResponseCode>NoError</m:ResponseCode><m:ResponseMessages>"#);
        for (recipient, tip) in self.recipients.iter().zip(&self.found) {
            let known = match tip {
                Ok(Some(tip)) => Ok(Known::Tip(tip)),
                Ok(None) => Ok(Known::Nothing),
                Err(Failure::NoSuchMailbox { .. }) if self.tips.invalid_recipient() => Ok(Known::Nobody),
                Err(failure) => Err(failure),
            };
            match known {
                Ok(known) => {
                    xml.raw(r#"<m:MailTipsResponseMessageType ResponseClass="Success">"#);
                    xml.raw("<m:ResponseCode>NoError</m:ResponseCode>");
                    self.write_tips(xml, recipient, &known);
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
    fn write_tips(&self, xml: &mut Xml, recipient: &EmailAddress, known: &Known<'_>) {
        xml.raw("<m:MailTips><t:RecipientAddress>");
        if !recipient.name.is_empty() {
            xml.raw("<t:Name>").text(&recipient.name).raw("</t:Name>");
        }
        xml.raw("<t:EmailAddress>")
            .text(&recipient.address)
            .raw("</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>");
        let pending = self.tips.pending(!matches!(known, Known::Nothing));
        xml.raw("</t:RecipientAddress><t:PendingMailTips>").raw(&pending).raw("</t:PendingMailTips>");
        if let (Known::Tip(tip), true) = (known, self.tips.out_of_office()) {
            xml.raw("<t:OutOfOffice>");
            oof_settings::write_reply(xml, "ReplyBody", &tip.message, tip.language.as_deref());
            if let Some(window) = tip.window {
                oof_settings::write_window(xml, window);
            }
            xml.raw("</t:OutOfOffice>");
        }
        let is_nobody = match known {
            Known::Tip(_) => Some(false),
            Known::Nobody => Some(true),
            Known::Nothing => None,
        };
        if let Some(is_nobody) = is_nobody.filter(|_| self.tips.invalid_recipient()) {
            xml.raw("<t:InvalidRecipient>").boolean(is_nobody).raw("</t:InvalidRecipient>");
        }
        xml.raw("</m:MailTips>");
    }
}

/// Recipients in one request; clients may ask how many (GetServiceConfiguration).
pub(super) const MOST_RECIPIENTS: usize = 50;

#[cfg(test)]
mod tests;
