//! Names of extended properties: `ExtendedFieldURI`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/extendedfielduri>
//!
//! Owns the property sets that have names of their own
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxprops/cc9d955b-1492-47de-9dce-5bdea80a3323>).

use uuid::{Uuid, uuid};

use crate::calendar::event::{PropertyId, PropertyName};
use crate::ews::pull::Start;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// Reads the attributes. Inside, [`Failure::BadProperty`] for combinations that name nothing, and
/// for types that have no values.
pub(super) fn read(start: &Start<'_>) -> Result<Result<PropertyId, Failure>, Failure> {
    let kind = start.attribute("PropertyType")?.ok_or_else(|| wrong("PropertyType", "is required"))?;
    let tag = start.attribute("PropertyTag")?;
    let set = match (start.attribute("DistinguishedPropertySetId")?, start.attribute("PropertySetId")?) {
        (Some(name), None) => Some(set_named(&name)?),
        (None, Some(id)) => Some(Uuid::parse_str(id.trim()).map_err(|_| wrong("PropertySetId", "is no GUID"))?),
        (None, None) => None,
        (Some(name), Some(_)) => return Ok(Err(Failure::BadProperty { path: name })),
    };
    let name = start.attribute("PropertyName")?;
    let number = start.attribute("PropertyId")?;
    let of_tag = tag.as_deref().map(read_tag).transpose()?;
    let of_number = number.as_deref().map(read_number).transpose()?;
    let Some(kind) = KINDS.iter().copied().find(|known| *known == kind) else {
        let has_no_values = NO_VALUES.contains(&kind.as_str());
        return if has_no_values { Ok(Err(bad(kind))) } else { Err(wrong("PropertyType", "is no type")) };
    };
    let name = match (of_tag, set, of_number, name) {
        (Some(tag), None, None, None) if tag < FIRST_NAMED => PropertyName::Tag(tag),
        (None, Some(set), Some(number), None) => PropertyName::Number(set, number),
        (None, Some(set), None, Some(name)) if !name.is_empty() => PropertyName::Text(set, name),
        (.., name) => return Ok(Err(bad(name.or(number).or(tag).unwrap_or_default()))),
    };
    Ok(Ok(PropertyId { kind, name }))
}

pub(super) fn write(xml: &mut Xml, id: &PropertyId) {
    xml.raw("<t:ExtendedFieldURI ");
    match &id.name {
        PropertyName::Tag(tag) => xml.raw(r#"PropertyTag=""#).number(format_args!("{tag:#x}")),
        PropertyName::Number(set, number) => write_set(xml, set).raw(r#" PropertyId=""#).number(number.cast_signed()),
        PropertyName::Text(set, name) => write_set(xml, set).raw(r#" PropertyName=""#).text(name),
    };
    xml.raw(r#"" PropertyType=""#).raw(id.kind).raw(r#""/>"#);
}

/// As Graph names it (<https://learn.microsoft.com/graph/api/resources/extended-properties-overview>).
pub(super) fn text(id: &PropertyId) -> String {
    match &id.name {
        PropertyName::Tag(tag) => format!("{} {tag:#x}", id.kind),
        PropertyName::Number(set, number) => format!("{} {{{set}}} Id {number:#x}", id.kind),
        PropertyName::Text(set, name) => format!("{} {{{set}}} Name {name}", id.kind),
    }
}

fn write_set<'x>(xml: &'x mut Xml, set: &Uuid) -> &'x mut Xml {
    match SETS.iter().find(|(_, id)| id == set) {
        Some((name, _)) => xml.raw(r#"DistinguishedPropertySetId=""#).raw(name).raw(r#"""#),
        None => xml.raw(r#"PropertySetId=""#).number(set.hyphenated()).raw(r#"""#),
    }
}

fn set_named(name: &str) -> Result<Uuid, Failure> {
    let found = SETS.iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
    found.ok_or_else(|| wrong("DistinguishedPropertySetId", "is no property set"))
}

fn read_tag(tag: &str) -> Result<u16, Failure> {
    let tag = tag.trim();
    let number = match tag.strip_prefix("0x").or_else(|| tag.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => tag.parse(),
    };
    number.map_err(|_| wrong("PropertyTag", "is no tag"))
}

/// An `xs:int`, of which MAPI takes the bits.
fn read_number(number: &str) -> Result<u32, Failure> {
    let number: Result<i32, _> = number.trim().parse();
    number.map(i32::cast_unsigned).map_err(|_| wrong("PropertyId", "is no number"))
}

fn bad(path: String) -> Failure {
    Failure::BadProperty { path: path.chars().take(80).collect() }
}

fn wrong(attribute: &str, problem: &str) -> Failure {
    Failure::Schema { path: attribute.to_owned(), problem: problem.to_owned() }
}

/// Tags from here on stand for named properties, in one mailbox only.
const FIRST_NAMED: u16 = 0x8000;

/// `DistinguishedPropertySetType`.
const SETS: [(&str, Uuid); 10] = [
    ("Meeting", uuid!("6ed8da90-450b-11da-98da-00aa003f1305")),
    ("Appointment", uuid!("00062002-0000-0000-c000-000000000046")),
    ("Common", uuid!("00062008-0000-0000-c000-000000000046")),
    ("PublicStrings", uuid!("00020329-0000-0000-c000-000000000046")),
    ("Address", uuid!("00062004-0000-0000-c000-000000000046")),
    ("InternetHeaders", uuid!("00020386-0000-0000-c000-000000000046")),
    ("CalendarAssistant", uuid!("11000e07-b51b-40d6-af21-caa85edab1d0")),
    ("UnifiedMessaging", uuid!("4442858e-a9e3-4e80-b900-317a210cc15b")),
    ("Task", uuid!("00062003-0000-0000-c000-000000000046")),
    ("Sharing", uuid!("00062040-0000-0000-c000-000000000046")),
];

/// `MapiPropertyTypeType`, as far as there are values.
#[rustfmt::skip]
const KINDS: [&str; 23] = [
    "ApplicationTime", "ApplicationTimeArray", "Binary", "BinaryArray", "Boolean", "CLSID", "CLSIDArray", "Currency",
    "CurrencyArray", "Double", "DoubleArray", "Float", "FloatArray", "Integer", "IntegerArray", "Long", "LongArray",
    "Short", "ShortArray", "SystemTime", "SystemTimeArray", "String", "StringArray",
];
const NO_VALUES: [&str; 4] = ["Error", "Null", "Object", "ObjectArray"];
