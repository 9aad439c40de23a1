//! A mailbox as several operations name it: `EmailAddressType`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/emailaddress-emailaddresstype>

use super::value::{missing, once};
use crate::calendar::{Mailbox, Room};
use crate::ews::pull::Pull;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// Somebody whom a request names, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailAddress {
    /// The display name, or nothing.
    pub name: String,
    /// The address, or nothing.
    pub address: String,
    /// What kind of address it is; nothing for SMTP too.
    pub routing: String,
}

impl EmailAddress {
    /// Reads an `EmailAddressType` element; the reader stands in it.
    ///
    /// # Errors
    /// [`Failure::Malformed`], or [`Failure::Schema`] for a part that is no text.
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut read = Self::default();
        while let Some(part) = reader.child()? {
            match part.local() {
                "Name" => read.name = reader.text()?.into_owned(),
                "EmailAddress" => read.address = reader.text()?.into_owned(),
                "RoutingType" => read.routing = reader.text()?.into_owned(),
                _ => reader.skip()?,
            }
        }
        Ok(read)
    }

    /// The mailbox that is meant.
    ///
    /// # Errors
    /// [`Failure::BadAddress`], also for an address that is not of SMTP: Graph knows no other.
    pub fn mailbox(&self) -> Result<Mailbox, Failure> {
        if self.routing.is_empty() || self.routing.eq_ignore_ascii_case("SMTP") {
            return Mailbox::parse(&self.address);
        }
        Err(Failure::BadAddress { address: self.address.chars().filter(|c| !c.is_control()).take(80).collect() })
    }
}

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

/// Reads the element of a mailbox that availability and automatic replies are asked of, and returns its
/// address; the reader stands in the element.
/// <https://learn.microsoft.com/exchange/client-developer/web-service-reference/email-emailaddresstype>
///
/// # Errors
/// [`Failure::Malformed`]; [`Failure::Schema`] without an address, or for one that is no text.
pub fn address(reader: &mut Pull<'_>) -> Result<String, Failure> {
    let mut address = None;
    while let Some(part) = reader.child()? {
        match part.local() {
            "Address" => once(&mut address, reader.text()?.into_owned(), "Address")?,
            _ => reader.skip()?,
        }
    }
    address.ok_or_else(|| missing("Address"))
}

/// Writes the children of an `EmailAddressType` element; `kind` is a `MailboxTypeType`.
pub fn write_room(xml: &mut Xml, room: &Room, kind: &str) {
    xml.raw("<t:Name>").text(&room.name).raw("</t:Name><t:EmailAddress>").text(room.mailbox.as_str());
    xml.raw("</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>").raw(kind).raw("</t:MailboxType>");
}
