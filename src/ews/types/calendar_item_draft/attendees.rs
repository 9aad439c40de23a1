//! Lists of attendees as callers send them.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/attendee>

use crate::calendar::Mailbox;
use crate::calendar::event::{Attendee, Person, Response, Role};
use crate::ews::pull::Pull;
use crate::failure::Failure;

/// Reads a list of attendees; the reader stands in it. Attendees without an SMTP address are left
/// out, and the first of them is the failure: the gateway knows no `EX` addresses, and Graph no
/// private distribution lists.
///
/// # Errors
/// [`Failure::Malformed`], [`Failure::Schema`]; [`Failure::BadAddress`] beside the list.
pub fn read(reader: &mut Pull<'_>, role: Role) -> Result<(Vec<Attendee>, Option<Failure>), Failure> {
    let (mut attendees, mut problem) = (Vec::new(), None);
    while reader.child()?.is_some() {
        let mut found = Address::default();
        while let Some(part) = reader.child()? {
            match part.local() {
                "Mailbox" => found = address(reader)?,
                // What they answered is not the organizer's to say.
                _ => reader.skip()?,
            }
        }
        match found.person() {
            Ok(person) => attendees.push(Attendee { person, role, response: Response::None, responded: None }),
            Err(failure) => {
                problem.get_or_insert(failure);
            }
        }
    }
    Ok((attendees, problem))
}

/// An `EmailAddressType`.
#[derive(Debug, Default)]
struct Address {
    name: String,
    address: String,
    is_smtp: bool,
}

impl Address {
    fn person(self) -> Result<Person, Failure> {
        let Self { name, address, is_smtp } = self;
        Mailbox::parse(&address)?;
        match is_smtp {
            true => Ok(Person { name, address }),
            false => Err(Failure::BadAddress { address }),
        }
    }
}

fn address(reader: &mut Pull<'_>) -> Result<Address, Failure> {
    let mut found = Address { is_smtp: true, ..Address::default() };
    while let Some(part) = reader.child()? {
        match part.local() {
            "Name" => found.name = reader.text()?.into_owned(),
            "EmailAddress" => found.address = reader.text()?.into_owned(),
            "RoutingType" => {
                let kind = reader.text()?;
                found.is_smtp = kind.is_empty() || kind.eq_ignore_ascii_case("SMTP");
            }
            _ => reader.skip()?,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn attendees(mailboxes: &[&str]) -> (Vec<Attendee>, Option<Failure>) {
        let one = |mailbox: &&str| {
            format!("<t:Attendee><t:Mailbox>{mailbox}</t:Mailbox><t:ResponseType>Accept</t:ResponseType></t:Attendee>")
        };
        let document =
            format!("<t:RequiredAttendees>{}</t:RequiredAttendees>", mailboxes.iter().map(one).collect::<String>());
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        read(&mut reader, Role::Optional).unwrap()
    }

    #[test]
    fn names_are_kept_and_answers_are_not() {
        let (found, problem) = attendees(&[
            "<t:Name>Bob</t:Name><t:EmailAddress>Bob@Example.com</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>",
            "<t:EmailAddress>c@example.com</t:EmailAddress>",
        ]);
        let person = |name: &str, address: &str| Attendee {
            person: Person { name: name.into(), address: address.into() },
            role: Role::Optional,
            response: Response::None,
            responded: None,
        };
        assert_eq!((found, problem), (vec![person("Bob", "Bob@Example.com"), person("", "c@example.com")], None));
    }

    #[test]
    fn only_smtp_addresses_can_be_invited() {
        for bad in [
            "<t:EmailAddress>/O=X/CN=bob</t:EmailAddress><t:RoutingType>EX</t:RoutingType>",
            "<t:EmailAddress>bob@example.com</t:EmailAddress><t:RoutingType>EX</t:RoutingType>",
            "<t:Name>Friends</t:Name><t:MailboxType>PrivateDL</t:MailboxType>",
            "<t:EmailAddress>bob</t:EmailAddress>",
        ] {
            let (found, problem) = attendees(&[bad, "<t:EmailAddress>c@example.com</t:EmailAddress>"]);
            assert_eq!(found.len(), 1, "{bad}");
            assert!(matches!(problem, Some(Failure::BadAddress { .. })), "{bad}");
        }
    }
}
