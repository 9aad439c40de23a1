//! ResolveNames: whom a name or an address means, from Graph's directory.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/resolvenames-operation>
//!
//! Nobody is looked for by an address that the client may not look up, and of what Graph finds only those are told
//! that it may.

use futures::future::join_all;

use crate::calendar::person::{Entry, EntryKind, Query};
use crate::calendar::{Capability, Mailbox};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::types::response_message;
use crate::ews::types::value::missing;
use crate::ews::xml::Xml;
use crate::failure::Failure;

mod contact;

/// The request.
#[derive(Debug)]
pub(super) struct ResolveNames {
    /// For each entry; nothing for what can be nobody's name.
    queries: Vec<Option<Query>>,
    with_contact: bool,
}

/// The answer: those that may be meant, for each entry.
#[derive(Debug)]
pub(super) struct ResolveNamesResponse {
    found: Vec<Result<Vec<Entry>, Failure>>,
    with_contact: bool,
}

impl Operation for ResolveNames {
    const NAME: &'static str = "ResolveNames";
    // Clients call it to learn the server's version, and want an ordinary answer.
    const CAPABILITY: Option<Capability> = None;
    const FAMILY: Family = Family::PerItem;
    type Response = ResolveNamesResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let with_contact = body.attribute("ReturnFullContactData")?;
        let with_contact = with_contact.is_some_and(|flag| flag == "1" || flag.eq_ignore_ascii_case("true"));
        let reader = body.reader();
        // The schema has one entry, and exchangelib sends several.
        let mut queries = Vec::new();
        while let Some(part) = reader.child()? {
            match part.local() {
                "UnresolvedEntry" => queries.push(query(&reader.text()?)),
                _ => reader.skip()?,
            }
        }
        if queries.is_empty() || queries.len() > MOST {
            return Err(missing("UnresolvedEntry"));
        }
        Ok(Self { queries, with_contact })
    }

    async fn run(self, context: &Context<'_>) -> Result<ResolveNamesResponse, Failure> {
        let found = join_all(self.queries.iter().map(|query| find(query.as_ref(), context))).await;
        Ok(ResolveNamesResponse { found, with_contact: self.with_contact })
    }
}

async fn find(query: Option<&Query>, context: &Context<'_>) -> Result<Vec<Entry>, Failure> {
    let Some(query) = query else { return Ok(Vec::new()) };
    let proof = context.entitle(Capability::Directory)?;
    if let Query::Address(mailbox) = query
        && context.permit(mailbox, Capability::Directory).is_err()
    {
        return Ok(Vec::new());
    }
    let mut found = match context.graphs.people(&proof, query, context.journal).await {
        Err(Failure::NoSuchMailbox { .. }) => Vec::new(),
        found => found?,
    };
    found.retain(|entry| context.shows(&entry.mailbox));
    // One more than is told shows that there are more.
    found.truncate(MOST + 1);
    Ok(found)
}

/// What an entry asks for: an address, a distinguished name, or the beginning of a name.
fn query(entry: &str) -> Option<Query> {
    let entry = entry.trim();
    if entry.is_empty() || entry.len() > LONGEST {
        return None;
    }
    let bare = ["smtp:", "ex:", "x500:"].iter().find_map(|prefix| {
        let (head, rest) = entry.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(rest.trim())
    });
    let bare = bare.unwrap_or(entry);
    if bare.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("/o=")) {
        return Some(Query::LegacyName(bare.to_owned()));
    }
    match Mailbox::parse(bare) {
        Ok(mailbox) => Some(Query::Address(mailbox)),
        Err(_) => Some(bare).filter(|name| !name.is_empty()).map(|name| Query::Beginning(name.to_owned())),
    }
}

impl Response for ResolveNamesResponse {
    fn size(&self) -> usize {
        self.found.iter().map(|found| 512 + 512 * found.as_ref().map_or(0, Vec::len)).sum()
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:ResolveNamesResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for found in &self.found {
            xml.raw(r#"<m:ResolveNamesResponseMessage ResponseClass=""#);
            self.write_message(xml, found.as_deref());
            xml.raw("</m:ResolveNamesResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:ResolveNamesResponse>");
    }
}

impl ResolveNamesResponse {
    /// Writes a message from its class on.
    fn write_message(&self, xml: &mut Xml, found: Result<&[Entry], &Failure>) {
        match found {
            Ok([]) => {
                xml.raw(r#"Error">"#);
                response_message::write_error(xml, "ErrorNameResolutionNoResults", "No results were found.");
            }
            Ok([one]) => {
                xml.raw(r#"Success"><m:ResponseCode>NoError</m:ResponseCode>"#);
                self.write_set(xml, std::slice::from_ref(one));
            }
            Ok(several) => {
                xml.raw(r#"Warning">"#);
                let text = "Multiple results were found.";
                response_message::write_error(xml, "ErrorNameResolutionMultipleResults", text);
                self.write_set(xml, several);
            }
            Err(failure) => {
                xml.raw(r#"Error">"#);
                response_message::write_failure(xml, failure, ResolveNames::FAMILY);
            }
        }
    }

    fn write_set(&self, xml: &mut Xml, entries: &[Entry]) {
        let told = entries.get(..MOST).unwrap_or(entries);
        xml.raw(r#"<m:ResolutionSet TotalItemsInView=""#).number(told.len()).raw(r#"" IncludesLastItemInRange=""#);
        xml.boolean(told.len() == entries.len()).raw(r#"">"#);
        for entry in told {
            xml.raw("<t:Resolution><t:Mailbox><t:Name>").text(name(entry)).raw("</t:Name><t:EmailAddress>");
            xml.text(entry.mailbox.as_str()).raw("</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType><t:MailboxType>");
            xml.raw(mailbox_type(entry.kind)).raw("</t:MailboxType></t:Mailbox>");
            if self.with_contact {
                contact::write(xml, entry, name(entry));
            }
            xml.raw("</t:Resolution>");
        }
        xml.raw("</m:ResolutionSet>");
    }
}

fn name(entry: &Entry) -> &str {
    if entry.name.is_empty() { entry.mailbox.as_str() } else { &entry.name }
}

/// `MailboxTypeType`.
fn mailbox_type(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Mailbox => "Mailbox",
        EntryKind::Group => "PublicDL",
        EntryKind::Contact => "Contact",
    }
}

/// Entries in a request, and resolutions of each: Exchange tells no more
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/resolutionset>).
const MOST: usize = 100;
/// Distinguished names are long.
const LONGEST: usize = 1000;

#[cfg(test)]
mod tests;
