//! GetDelegate: who acts for the owner of a mailbox.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getdelegate-operation>
//!
//! Graph does not tell delegates to applications, so that nobody is one: lists are empty, and whoever is asked about
//! is none.

use crate::calendar::{Capability, Mailbox};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::value::{missing, once};
use crate::ews::types::{mailbox, response_message};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: the mailbox, and how many delegates are asked about by name.
#[derive(Debug)]
pub(super) struct GetDelegate {
    mailbox: String,
    users: usize,
}

/// The answer.
#[derive(Debug)]
pub(super) struct GetDelegateResponse {
    users: Result<usize, Failure>,
}

impl Operation for GetDelegate {
    const NAME: &'static str = "GetDelegate";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetDelegateResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut mailbox, mut users) = (None, 0);
        while let Some(part) = reader.child()? {
            match part.local() {
                "Mailbox" => once(&mut mailbox, mailbox::email_address(reader)?, "Mailbox")?,
                "UserIds" => {
                    while reader.child()?.is_some() {
                        reader.skip()?;
                        users += 1;
                    }
                }
                _ => reader.skip()?,
            }
        }
        if users > MOST {
            return Err(Failure::Schema { path: "UserIds".to_owned(), problem: format!("more than {MOST} users") });
        }
        Ok(Self { mailbox: mailbox.flatten().ok_or_else(|| missing("Mailbox"))?, users })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetDelegateResponse, Failure> {
        let permitted =
            Mailbox::parse(&self.mailbox).and_then(|mailbox| context.permit(&mailbox, Capability::CalendarRead));
        Ok(GetDelegateResponse { users: permitted.map(|_| self.users) })
    }
}

impl Response for GetDelegateResponse {
    fn write(&self, xml: &mut Xml) {
        let class = if self.users.is_ok() { "Success" } else { "Error" };
        xml.raw(r#"<m:GetDelegateResponse ResponseClass=""#).raw(class).raw(r#"" xmlns:m=""#).raw(MESSAGES);
        xml.raw(r#"" xmlns:t=""#).raw(TYPES).raw(r#"">"#);
        match &self.users {
            Ok(users) => {
                xml.raw("<m:ResponseCode>NoError</m:ResponseCode>");
                // The schema has no empty list.
                xml.raw(if *users > 0 { "<m:ResponseMessages>" } else { "" });
                for _ in 0..*users {
                    xml.raw(r#"<m:DelegateUserResponseMessageType ResponseClass="Error">"#);
                    response_message::write_error(xml, "ErrorNotDelegate", "The user is not a delegate.");
                    xml.raw("</m:DelegateUserResponseMessageType>");
                }
                xml.raw(if *users > 0 { "</m:ResponseMessages>" } else { "" });
                xml.raw("<m:DeliverMeetingRequests>NoForward</m:DeliverMeetingRequests>");
            }
            Err(failure) => response_message::write_failure(xml, failure, GetDelegate::FAMILY),
        }
        xml.raw("</m:GetDelegateResponse>");
    }
}

/// Each has a message of its own.
const MOST: usize = 1000;
