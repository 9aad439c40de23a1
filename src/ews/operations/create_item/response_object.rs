//! What response objects have in common: the item that they are about, and a text.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/acceptitem>
//!
//! What becomes of one tells who has invited whom: they are for items that the caller sees whole.

use crate::calendar::event::{Body, EventId};
use crate::ews::pull::Pull;
use crate::ews::types::item_id::ItemId;
use crate::ews::types::value::{self, WireTime};
use crate::ews::types::{body, calendar_item_draft};
use crate::failure::Failure;

/// A response object.
#[derive(Debug)]
pub(super) struct ResponseObject {
    reference: ItemId,
    body: Option<Body>,
    /// Another time: from, to.
    pub(super) proposed: Option<(WireTime, WireTime)>,
}

impl ResponseObject {
    /// Reads the object that the reader stands in.
    pub(super) fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let (mut reference, mut body, mut from, mut to) = (None, None, None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "ReferenceItemId" => {
                    reference = Some(ItemId::of(&part, "Id")?);
                    reader.skip()?;
                }
                // A cancellation's text is in the second; some clients put it in the first.
                "Body" | "NewBodyContent" => {
                    body = Some(calendar_item_draft::body(&part, reader)?).filter(|it| !it.content.is_empty()).or(body);
                }
                "ProposedStart" => from = WireTime::parse(&reader.text()?),
                "ProposedEnd" => to = WireTime::parse(&reader.text()?),
                _ => reader.skip()?,
            }
        }
        let reference = reference.ok_or_else(|| value::missing("ReferenceItemId"))?;
        Ok(Self { reference, body, proposed: from.zip(to) })
    }

    /// The item that it is about.
    pub(super) fn item(&self) -> Result<EventId, Failure> {
        self.reference.id.clone()
    }

    /// Its text, as Graph takes it.
    pub(super) fn comment(&self) -> String {
        self.body.as_ref().map_or_else(String::new, |text| body::text(text).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(inside: &str) -> Result<ResponseObject, Failure> {
        let document = format!("<t:AcceptItem>{inside}</t:AcceptItem>");
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        ResponseObject::read(&mut reader)
    }

    #[test]
    fn the_text_is_plain_wherever_it_stands() {
        let id = r#"<t:ReferenceItemId Id="AAMk/x=" ChangeKey="CwAA"/>"#;
        let comment = |body: &str| read(&format!("{id}{body}")).unwrap().comment();
        assert_eq!(comment(r#"<t:Body BodyType="Text">ok</t:Body>"#), "ok");
        assert_eq!(
            comment(r#"<t:NewBodyContent BodyType="HTML"><p>so</p><p>sorry</p></t:NewBodyContent>"#),
            "so\n\nsorry"
        );
        assert_eq!(comment(r#"<t:Body BodyType="Text">a</t:Body><t:NewBodyContent BodyType="Text"/>"#), "a");
        assert_eq!(comment(""), "");
        assert_eq!(read(id).unwrap().item().unwrap().as_str(), "AAMk-x=");
        assert!(matches!(read(""), Err(Failure::Schema { .. })));
    }

    #[test]
    fn another_time_needs_both_ends() {
        let id = r#"<t:ReferenceItemId Id="AAMk"/>"#;
        let proposed = |times: &str| read(&format!("{id}{times}")).unwrap().proposed;
        let start = "<t:ProposedStart>2027-01-11T09:00:00Z</t:ProposedStart>";
        assert_eq!(proposed(start), None);
        assert!(proposed(&format!("{start}<t:ProposedEnd>2027-01-11T10:00:00Z</t:ProposedEnd>")).is_some());
    }
}
