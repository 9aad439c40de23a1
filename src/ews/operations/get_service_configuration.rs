//! GetServiceConfiguration: what of mail tips and voice mail there is. Rules of an organisation are not
//! known to Graph: nothing is told of them.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getserviceconfiguration-operation>

use super::get_mail_tips::MOST_RECIPIENTS;
use crate::calendar::Capability;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::value::{missing, wrong};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request: what of that which the gateway tells of it asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GetServiceConfiguration {
    mail_tips: bool,
    voice_mail: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct GetServiceConfigurationResponse {
    /// Whether the caller may ask for mail tips and some tenant has any, if it asked that.
    mail_tips: Option<bool>,
    voice_mail: bool,
}

impl Operation for GetServiceConfiguration {
    const NAME: &'static str = "GetServiceConfiguration";
    // Clients ask what there is before they ask for it.
    const CAPABILITY: Option<Capability> = None;
    const FAMILY: Family = Family::PerItem;
    type Response = GetServiceConfigurationResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let mut names = Vec::new();
        while let Some(part) = reader.child()? {
            if part.local() != "RequestedConfiguration" {
                reader.skip()?;
                continue;
            }
            while let Some(name) = reader.child()? {
                match name.local() {
                    // Each is a list in the schema.
                    "ConfigurationName" => names.extend(reader.text()?.split_whitespace().map(str::to_owned)),
                    _ => reader.skip()?,
                }
            }
        }
        if names.is_empty() {
            return Err(missing("ConfigurationName"));
        }
        if names.iter().any(|name| !NAMES.contains(&name.as_str())) {
            return Err(wrong("ConfigurationName", "is none of its values"));
        }
        let asks_for = |wanted: &str| names.iter().any(|name| name == wanted);
        Ok(Self { mail_tips: asks_for(MAIL_TIPS), voice_mail: asks_for(VOICE_MAIL) })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetServiceConfigurationResponse, Failure> {
        let may_ask = context.client.entitle(Capability::OutOfOfficeRead).is_ok() && context.graphs.tell_of_absence();
        Ok(GetServiceConfigurationResponse {
            mail_tips: self.mail_tips.then_some(may_ask),
            voice_mail: self.voice_mail,
        })
    }
}

impl Response for GetServiceConfigurationResponse {
    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:GetServiceConfigurationResponse ResponseClass="Success" xmlns:m=""#).raw(MESSAGES);
        xml.raw(r#"" xmlns:t=""#).raw(TYPES).raw(r#""><m:ResponseCode>NoError</m:ResponseCode><m:ResponseMessages>"#);
        xml.raw(r#"<m:ServiceConfigurationResponseMessageType ResponseClass="Success">"#);
        xml.raw("<m:ResponseCode>NoError</m:ResponseCode>");
        if let Some(may_ask) = self.mail_tips {
            xml.raw("<m:MailTipsConfiguration><t:MailTipsEnabled>").boolean(may_ask);
            xml.raw("</t:MailTipsEnabled><t:MaxRecipientsPerGetMailTipsRequest>").number(MOST_RECIPIENTS);
            xml.raw("</t:MaxRecipientsPerGetMailTipsRequest><t:MaxMessageSize>").number(MAX_MESSAGE_SIZE);
            xml.raw("</t:MaxMessageSize><t:LargeAudienceThreshold>").number(LARGE_AUDIENCE);
            xml.raw("</t:LargeAudienceThreshold><t:ShowExternalRecipientCount>false</t:ShowExternalRecipientCount>");
            xml.raw("<t:InternalDomains/><t:PolicyTipsEnabled>false</t:PolicyTipsEnabled><t:LargeAudienceCap>");
            xml.number(LARGE_AUDIENCE_CAP).raw("</t:LargeAudienceCap></m:MailTipsConfiguration>");
        }
        if self.voice_mail {
            xml.raw("<m:UnifiedMessagingConfiguration><t:UmEnabled>false</t:UmEnabled><t:PlayOnPhoneDialString/>");
            xml.raw("<t:PlayOnPhoneEnabled>false</t:PlayOnPhoneEnabled></m:UnifiedMessagingConfiguration>");
        }
        xml.raw(
            "</m:ServiceConfigurationResponseMessageType></m:ResponseMessages></m:GetServiceConfigurationResponse>",
        );
    }
}

const MAIL_TIPS: &str = "MailTips";
const VOICE_MAIL: &str = "UnifiedMessagingConfiguration";
/// `ServiceConfigurationType`.
const NAMES: [&str; 6] =
    [MAIL_TIPS, VOICE_MAIL, "ProtectionRules", "PolicyNudges", "SharePointURLs", "OfficeIntegrationConfiguration"];
/// Bytes. The gateway takes no messages: as many as Exchange Online takes at most, so that nobody is
/// warned for nothing
/// (<https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits>).
const MAX_MESSAGE_SIZE: u32 = 150 * 1024 * 1024;
/// Recipients; Exchange's default
/// (<https://learn.microsoft.com/powershell/module/exchange/set-organizationconfig>).
const LARGE_AUDIENCE: u32 = 25;
/// Recipients; nobody is counted.
const LARGE_AUDIENCE_CAP: u32 = 1000;

#[cfg(test)]
mod tests;
