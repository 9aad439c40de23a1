//! How requests name properties: `FieldURI`, `IndexedFieldURI`, `ExtendedFieldURI`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/fielduri>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/indexedfielduri>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/extendedfielduri>
//!
//! Owns names, of whole properties and of extended ones. Must not know values.

mod extended;
mod field;

use crate::calendar::event::PropertyId;
use crate::ews::pull::{Pull, Start};
use crate::ews::xml::Xml;
use crate::failure::Failure;

pub use field::Field;

/// A property, as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyPath {
    /// One of a calendar item's that the gateway knows.
    Field(Field),
    /// One that the schema has, such as `folder:DisplayName` or `item:Culture`, and that the
    /// gateway's calendar items never have: its `FieldURI`, or that of the `IndexedFieldURI`.
    Other(String),
    /// An extended property.
    Extended(PropertyId),
}

impl PropertyPath {
    /// Reads one of the elements that name a property; the reader stands in it and is left outside.
    /// `None` for any other element.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`]; inside, [`Failure::BadProperty`] for a name that
    /// no property has.
    pub fn read(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Option<Result<Self, Failure>>, Failure> {
        let path = match start.local() {
            "FieldURI" => of_uri(&required(start, "FieldURI")?),
            "IndexedFieldURI" => {
                let uri = required(start, "FieldURI")?;
                required(start, "FieldIndex")?;
                if INDEXED.contains(&uri.as_str()) { Ok(Self::Other(uri)) } else { Err(unknown(uri)) }
            }
            "ExtendedFieldURI" => extended::read(start)?.map(Self::Extended),
            _ => return Ok(None),
        };
        reader.skip()?;
        Ok(Some(path))
    }

    /// The path as text, for failures: the URI, or what Graph calls the extended property.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Field(field) => field.uri().to_owned(),
            Self::Other(uri) => uri.clone(),
            Self::Extended(id) => extended::text(id),
        }
    }
}

/// Writes an extended property's `ExtendedFieldURI`.
pub fn write_extended(xml: &mut Xml, id: &PropertyId) {
    extended::write(xml, id);
}

fn of_uri(uri: &str) -> Result<PropertyPath, Failure> {
    if let Some(field) = Field::named(uri) {
        return Ok(PropertyPath::Field(field));
    }
    let is_known = match uri.split_once(':') {
        Some(("item", name)) => OTHER_OF_ITEMS.contains(&name),
        Some(("calendar", name)) => OTHER_OF_CALENDAR_ITEMS.contains(&name),
        Some((of, name)) => {
            OTHERS.contains(&of) && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }
        None => false,
    };
    if is_known { Ok(PropertyPath::Other(uri.to_owned())) } else { Err(unknown(uri.to_owned())) }
}

fn required(start: &Start<'_>, attribute: &str) -> Result<String, Failure> {
    start.attribute(attribute)?.ok_or_else(|| super::value::missing(attribute))
}

fn unknown(uri: String) -> Failure {
    Failure::BadProperty { path: uri.chars().take(80).collect() }
}

/// Of items, what the gateway has nothing to tell of.
#[rustfmt::skip]
const OTHER_OF_ITEMS: &[&str] = &[
    "AppliedHashtags", "AppliedHashtagsPreview", "ArchiveTag", "AtAllMention", "Attachments", "BlockStatus",
    "CanDelete", "ConversationId", "Culture", "DisplayBcc", "EntityExtractionResult", "FirstBody", "Flag",
    "HasBlockedImages", "Hashtags", "IconIndex", "InReplyTo", "InferenceClassification", "InstanceKey",
    "InternetMessageHeaders", "IsClutter", "LastModifiedName", "Likes", "LikesPreview", "MentionedMe",
    "Mentions", "MentionsEx", "MentionsPreview", "MimeContentUTF8", "NormalizedBody",
    "PendingSocialActivityTagIds", "PolicyTag", "PredictedActionReasons", "Preview", "ReminderNextTime",
    "RetentionDate", "RightsManagementLicenseData", "Size", "StoreEntryId", "UniqueBody",
    "WebClientEditFormQueryString", "WebClientReadFormQueryString",
];
/// Of calendar items.
#[rustfmt::skip]
const OTHER_OF_CALENDAR_ITEMS: &[&str] = &[
    "AdjacentMeetingCount", "AdjacentMeetings", "CalendarActivityData", "ConferenceType",
    "ConflictingMeetingCount", "ConflictingMeetings", "DoNotForwardMeeting", "EnhancedLocation",
    "InboxReminders", "IntendedFreeBusyStatus", "MeetingWorkspaceUrl", "NetShowUrl", "OnlineMeetingSettings", "When",
];
/// Other things that have properties, whose names are not looked at.
const OTHERS: &[&str] = &[
    "contacts",
    "conversation",
    "distributionlist",
    "folder",
    "meeting",
    "meetingRequest",
    "message",
    "persona",
    "postitem",
    "rolemember",
    "sharingMessage",
    "task",
];
/// Dictionaries, of which an `IndexedFieldURI` names an entry.
const INDEXED: &[&str] = &[
    "contacts:EmailAddress",
    "contacts:ImAddress",
    "contacts:PhoneNumber",
    "contacts:PhysicalAddress:City",
    "contacts:PhysicalAddress:CountryOrRegion",
    "contacts:PhysicalAddress:PostalCode",
    "contacts:PhysicalAddress:State",
    "contacts:PhysicalAddress:Street",
    "distributionlist:Members:Member",
    "item:InternetMessageHeader",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use uuid::{Uuid, uuid};

    use super::*;
    use crate::calendar::event::PropertyName;

    fn read(element: &str) -> Result<Option<Result<PropertyPath, Failure>>, Failure> {
        let document = format!("<a>{element}</a>");
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        let start = reader.child().unwrap().unwrap();
        let path = PropertyPath::read(&start, &mut reader)?;
        if path.is_some() {
            assert!(reader.child().unwrap().is_none(), "the reader is left outside");
        }
        Ok(path)
    }

    fn path(element: &str) -> Result<PropertyPath, Failure> {
        read(element)?.ok_or(Failure::Malformed)?
    }

    fn id(kind: &'static str, name: PropertyName) -> PropertyPath {
        PropertyPath::Extended(PropertyId { kind, name })
    }

    const MEETING: Uuid = uuid!("6ED8DA90-450B-11DA-98DA-00AA003F1305");

    #[test]
    fn fields_are_known_by_the_schema_s_names() {
        assert_eq!(path(r#"<FieldURI FieldURI="item:Subject"/>"#), Ok(PropertyPath::Field(Field::Subject)));
        for other in ["item:Culture", "calendar:When", "folder:DisplayName", "message:From"] {
            let found = path(&format!(r#"<FieldURI FieldURI="{other}"/>"#));
            assert_eq!(found, Ok(PropertyPath::Other(other.to_owned())));
        }
        for bad in ["", "Subject", "item:Nonsense", "calendar:", "nothing:Subject", "folder:", "item:subject"] {
            let found = path(&format!(r#"<FieldURI FieldURI="{bad}"/>"#));
            assert_eq!(found, Err(Failure::BadProperty { path: bad.to_owned() }), "{bad}");
        }
        assert_eq!(read("<Constant/>"), Ok(None));
        assert!(matches!(path("<FieldURI/>"), Err(Failure::Schema { .. })));
    }

    #[test]
    fn entries_of_dictionaries() {
        let header = r#"<IndexedFieldURI FieldURI="item:InternetMessageHeader" FieldIndex="X-A"/>"#;
        assert_eq!(path(header), Ok(PropertyPath::Other("item:InternetMessageHeader".to_owned())));
        assert!(path(r#"<IndexedFieldURI FieldURI="item:Subject" FieldIndex="1"/>"#).is_err());
        assert!(matches!(path(r#"<IndexedFieldURI FieldURI="x"/>"#), Err(Failure::Schema { .. })));
    }

    #[test]
    fn extended_properties_by_tag_number_and_name() {
        let clean = r#"<ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"/>"#;
        assert_eq!(path(clean), Ok(id("Binary", PropertyName::Number(MEETING, 35))));
        let by_id = clean.replace(
            r#"DistinguishedPropertySetId="Meeting""#,
            r#"PropertySetId="6ed8da90-450b-11da-98da-00aa003f1305""#,
        );
        assert_eq!(path(&by_id), path(clean));
        for tag in ["0x10f4", "0X10F4", "4340"] {
            let found = path(&format!(r#"<ExtendedFieldURI PropertyTag="{tag}" PropertyType="Boolean"/>"#));
            assert_eq!(found, Ok(id("Boolean", PropertyName::Tag(0x10F4))), "{tag}");
        }
        let named = r#"<ExtendedFieldURI PropertySetId="{6ED8DA90-450B-11DA-98DA-00AA003F1305}" PropertyName="a b" PropertyType="StringArray"/>"#;
        assert_eq!(path(named), Ok(id("StringArray", PropertyName::Text(MEETING, "a b".to_owned()))));
    }

    #[test]
    fn extended_properties_that_cannot_be() {
        for (bad, schema) in [
            (r#"PropertyTag="0x10f4""#, true),
            (r#"PropertyTag="0x10f4" PropertyType="Text""#, true),
            (r#"PropertyTag="0x10f4f" PropertyType="String""#, true),
            (r#"PropertySetId="x" PropertyId="1" PropertyType="String""#, true),
            (r#"DistinguishedPropertySetId="Nothing" PropertyId="1" PropertyType="String""#, true),
            (r#"PropertyTag="0x8000" PropertyType="String""#, false),
            (r#"PropertyTag="1" PropertyType="Object""#, false),
            (r#"PropertyType="String""#, false),
            (r#"DistinguishedPropertySetId="Meeting" PropertyType="String""#, false),
            (r#"DistinguishedPropertySetId="Meeting" PropertyId="1" PropertyName="a" PropertyType="String""#, false),
            (r#"PropertyTag="1" DistinguishedPropertySetId="Meeting" PropertyId="1" PropertyType="String""#, false),
        ] {
            let found = path(&format!("<ExtendedFieldURI {bad}/>"));
            assert_eq!(matches!(found, Err(Failure::Schema { .. })), schema, "{bad}: {found:?}");
            assert_eq!(matches!(found, Err(Failure::BadProperty { .. })), !schema, "{bad}: {found:?}");
        }
    }

    #[test]
    fn extended_properties_are_written_as_exchange_does() {
        for (element, expected) in [
            (
                r#"<ExtendedFieldURI PropertySetId="6ed8da90-450b-11da-98da-00aa003f1305" PropertyId="0035" PropertyType="Binary"/>"#,
                r#"<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="35" PropertyType="Binary"/>"#,
            ),
            (
                r#"<ExtendedFieldURI PropertyTag="4340" PropertyType="Boolean"/>"#,
                r#"<t:ExtendedFieldURI PropertyTag="0x10f4" PropertyType="Boolean"/>"#,
            ),
            (
                r#"<ExtendedFieldURI PropertySetId="00000000-0000-0000-0000-000000000001" PropertyName="a&amp;b" PropertyType="String"/>"#,
                r#"<t:ExtendedFieldURI PropertySetId="00000000-0000-0000-0000-000000000001" PropertyName="a&amp;b" PropertyType="String"/>"#,
            ),
        ] {
            let PropertyPath::Extended(id) = path(element).unwrap() else { panic!("{element}") };
            let mut xml = Xml::default();
            write_extended(&mut xml, &id);
            assert_eq!(xml.finish(), expected);
        }
    }
}
