//! `ResponseMessageType`: the outcome of one thing asked for.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsemessage>

use crate::ews::fault::{self, Family};
use crate::ews::soap::TYPES;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// Writes the children of a failed response message, the prefix `m:` being bound to the messages
/// namespace: text, code and link key in this order, which the EWS Managed API insists on.
pub fn write_failure(xml: &mut Xml, failure: &Failure, family: Family) {
    xml.note_failure(failure.label());
    write_error(xml, fault::code(failure, family).name, &failure.to_string());
    if let Some(milliseconds) = fault::back_off(failure) {
        xml.raw(r#"<m:MessageXml><t:Value xmlns:t=""#).raw(TYPES).raw(r#"" Name="BackOffMilliseconds">"#);
        xml.number(milliseconds).raw("</t:Value></m:MessageXml>");
    }
}

/// Writes the one `ResponseMessage` of an answer that is about one mailbox.
pub fn write_only(xml: &mut Xml, outcome: Result<(), &Failure>, family: Family) {
    match outcome {
        Ok(()) => {
            xml.raw(r#"<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>"#);
        }
        Err(failure) => {
            xml.raw(r#"<m:ResponseMessage ResponseClass="Error">"#);
            write_failure(xml, failure, family);
        }
    }
    xml.raw("</m:ResponseMessage>");
}

/// Writes the children of a failed response message that no [`Failure`] stands for.
pub fn write_error(xml: &mut Xml, code: &str, text: &str) {
    xml.raw("<m:MessageText>").text(text).raw("</m:MessageText><m:ResponseCode>").raw(code);
    xml.raw("</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>");
}
