//! A mailbox as several operations name it: `EmailAddressType`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/emailaddress-emailaddresstype>

use crate::calendar::Room;
use crate::ews::pull::Pull;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// Reads an `EmailAddressType` element and returns its address; the reader stands in the element.
///
/// # Errors
/// [`Failure::Malformed`], or [`Failure::Schema`] for an address that is no text.
pub fn email_address(reader: &mut Pull<'_>) -> Result<Option<String>, Failure> {
    let mut address = None;
    while let Some(part) = reader.child()? {
        match part.local() {
            "EmailAddress" => address = Some(reader.text()?.into_owned()),
            _ => reader.skip()?,
        }
    }
    Ok(address)
}

/// Writes the children of an `EmailAddressType` element; `kind` is a `MailboxTypeType`.
pub fn write_room(xml: &mut Xml, room: &Room, kind: &str) {
    xml.raw("<t:Name>").text(&room.name).raw("</t:Name><t:EmailAddress>").text(room.mailbox.as_str());
    xml.raw("</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>").raw(kind).raw("</t:MailboxType>");
}
