//! `ItemShape`: which properties of items are wanted.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/itemshape>
//!
//! Owns what the three base shapes hold
//! (<https://learn.microsoft.com/exchange/client-developer/exchange-web-services/property-sets-and-response-shapes-in-ews-in-exchange>).

use std::collections::BTreeSet;

use super::body::BodyForm;
use super::property_path::{Field, PropertyPath};
use super::value;
use crate::calendar::event::PropertyId;
use crate::ews::pull::Pull;
use crate::ews::soap::Version;
use crate::failure::Failure;
use crate::graph::EventParts;

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemShape {
    base: BaseShape,
    includes_mime: bool,
    body: BodyForm,
    more: Vec<PropertyPath>,
    /// The first path that names nothing.
    problem: Option<Failure>,
}

/// A set of properties to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BaseShape {
    /// The id.
    #[default]
    IdOnly,
    /// A few.
    Default,
    /// Most.
    AllProperties,
}

/// Whether items are listed, or given one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giving {
    /// Listed: no base shape has bodies or attendees.
    List,
    /// One by one.
    Items,
}

/// The properties that are wanted of each item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// In the schema's order; with extended ones if there are any.
    pub fields: BTreeSet<Field>,
    /// Extended ones, in the order of the request, each once.
    pub extended: Vec<PropertyId>,
    /// The form of the body.
    pub body: BodyForm,
}

impl ItemShape {
    /// Reads the element that the reader stands in. What asks for filtered HTML, images and the like
    /// is passed over.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`].
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut shape = Self::default();
        let mut base = None;
        while let Some(part) = reader.child()? {
            match part.local() {
                "BaseShape" => value::once(&mut base, BaseShape::read(reader)?, "BaseShape")?,
                "IncludeMimeContent" => shape.includes_mime = value::boolean(reader, "IncludeMimeContent")?,
                "BodyType" => {
                    shape.body = BodyForm::named(&reader.text()?).ok_or_else(|| wrong("BodyType"))?;
                }
                "AdditionalProperties" => {
                    while let Some(path) = reader.child()? {
                        match PropertyPath::read(&path, reader)? {
                            Some(Ok(path)) => shape.more.push(path),
                            Some(Err(problem)) => shape.problem = shape.problem.or(Some(problem)),
                            None => return Err(wrong(path.local())),
                        }
                        if shape.more.len() > MOST_PATHS {
                            return Err(wrong("AdditionalProperties"));
                        }
                    }
                }
                _ => reader.skip()?,
            }
        }
        shape.base = base.ok_or_else(|| value::missing("BaseShape"))?;
        Ok(shape)
    }

    /// What that comes to.
    ///
    /// # Errors
    /// [`Failure::BadProperty`] if a path names nothing.
    pub fn wanted(&self, giving: Giving, version: Version) -> Result<Wanted, Failure> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let mut wanted = Wanted { fields: BTreeSet::from([Field::ItemId]), extended: Vec::new(), body: self.body };
        match self.base {
            BaseShape::IdOnly => {}
            BaseShape::Default => wanted.fields.extend(DEFAULT.into_iter().filter(|field| giving.has(*field))),
            BaseShape::AllProperties => {
                let known = |field: &Field| field.since() <= version && !NOT_IN_ALL.contains(field);
                wanted.fields.extend(Field::all().filter(|field| known(field) && giving.has(*field)));
            }
        }
        if self.includes_mime {
            wanted.fields.insert(Field::MimeContent);
        }
        for path in &self.more {
            match path {
                PropertyPath::Field(field) => {
                    wanted.fields.insert(*field);
                }
                PropertyPath::Extended(id) => {
                    wanted.fields.insert(Field::ExtendedProperty);
                    if !wanted.extended.contains(id) {
                        wanted.extended.push(id.clone());
                    }
                }
                // Calendar items have none of these, and clients ask for a lot of them.
                PropertyPath::Other(_) => {}
            }
        }
        Ok(wanted)
    }
}

impl Giving {
    fn has(self, field: Field) -> bool {
        self == Self::Items || !NOT_LISTED.contains(&field)
    }
}

impl Wanted {
    /// Whether a property is wanted.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.fields.contains(&field)
    }

    /// What has to be read for it.
    #[must_use]
    pub fn parts(&self) -> EventParts {
        EventParts {
            body: [Field::Body, Field::TextBody, Field::MimeContent].iter().any(|field| self.has(*field)),
            exceptions: [Field::ModifiedOccurrences, Field::DeletedOccurrences, Field::MimeContent]
                .iter()
                .any(|field| self.has(*field)),
            properties: self.extended.clone(),
        }
    }
}

impl BaseShape {
    /// Reads the element that the reader stands in.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`].
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        match &*reader.text()? {
            "IdOnly" => Ok(Self::IdOnly),
            "Default" => Ok(Self::Default),
            "AllProperties" => Ok(Self::AllProperties),
            _ => Err(wrong("BaseShape")),
        }
    }
}

fn wrong(element: &str) -> Failure {
    Failure::Schema { path: element.to_owned(), problem: "is not what the schema allows".to_owned() }
}

/// Each has to be read for each item.
const MOST_PATHS: usize = 500;

const DEFAULT: [Field; 11] = [
    Field::Subject,
    Field::ResponseObjects,
    Field::HasAttachments,
    Field::IsAssociated,
    Field::Start,
    Field::End,
    Field::LegacyFreeBusyStatus,
    Field::Location,
    Field::CalendarItemType,
    Field::Organizer,
    Field::ItemId,
];
/// What even the largest shape leaves out.
const NOT_IN_ALL: [Field; 4] = [Field::MimeContent, Field::TextBody, Field::StartWallClock, Field::EndWallClock];
/// What lists leave out of their base shapes.
const NOT_LISTED: [Field; 10] = [
    Field::Body,
    Field::ResponseObjects,
    Field::RequiredAttendees,
    Field::OptionalAttendees,
    Field::Resources,
    Field::Recurrence,
    Field::FirstOccurrence,
    Field::LastOccurrence,
    Field::ModifiedOccurrences,
    Field::DeletedOccurrences,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(content: &str) -> Result<ItemShape, Failure> {
        let document = format!("<s>{content}</s>");
        let mut reader = Pull::new(&document);
        reader.child()?;
        ItemShape::read(&mut reader)
    }

    fn wanted(content: &str, giving: Giving, version: Version) -> Wanted {
        read(content).unwrap().wanted(giving, version).unwrap()
    }

    #[test]
    fn the_base_shapes() {
        let all = "<BaseShape>AllProperties</BaseShape>";
        let ids = wanted("<BaseShape>IdOnly</BaseShape>", Giving::Items, Version::Exchange2016);
        assert_eq!(ids.fields, BTreeSet::from([Field::ItemId]));
        let listed = wanted(all, Giving::List, Version::Exchange2016);
        let whole = wanted(all, Giving::Items, Version::Exchange2016);
        assert!(listed.fields.is_subset(&whole.fields));
        for field in [Field::Body, Field::RequiredAttendees] {
            assert!(!listed.has(field) && whole.has(field));
        }
        for field in [Field::Subject, Field::DisplayTo, Field::Organizer, Field::LastModifiedTime] {
            assert!(listed.has(field));
        }
        assert!(!listed.parts().body && !listed.parts().exceptions);
        assert!(whole.parts().body && whole.parts().exceptions);
        let old = wanted(all, Giving::Items, Version::Exchange2007);
        assert!(!old.has(Field::StartTimeZone) && !old.has(Field::IsOrganizer) && whole.has(Field::IsOrganizer));
        let few = wanted("<BaseShape>Default</BaseShape>", Giving::List, Version::Exchange2016);
        assert!(few.has(Field::Subject) && !few.has(Field::ResponseObjects) && !few.has(Field::Sensitivity));
    }

    #[test]
    fn more_properties_are_added() {
        let shape = "<BaseShape>IdOnly</BaseShape><IncludeMimeContent>1</IncludeMimeContent><BodyType>Text</BodyType>\
            <FilterHtmlContent>true</FilterHtmlContent><AdditionalProperties><FieldURI FieldURI='item:Culture'/>\
            <FieldURI FieldURI='calendar:RequiredAttendees'/><ExtendedFieldURI PropertyTag='1' PropertyType='String'/>\
            <ExtendedFieldURI PropertyTag='0x1' PropertyType='String'/></AdditionalProperties>";
        let wanted = wanted(shape, Giving::List, Version::Exchange2007);
        let fields = [Field::MimeContent, Field::ItemId, Field::ExtendedProperty, Field::RequiredAttendees];
        assert_eq!(wanted.fields, BTreeSet::from(fields));
        assert_eq!((wanted.extended.len(), wanted.body), (1, BodyForm::Text));
    }

    #[test]
    fn what_names_nothing_is_told_for_each_item_and_what_is_no_shape_at_once() {
        let more = "<BaseShape>IdOnly</BaseShape><AdditionalProperties><FieldURI FieldURI='x'/></AdditionalProperties>";
        let problem = read(more).unwrap().wanted(Giving::Items, Version::Exchange2016);
        assert_eq!(problem, Err(Failure::BadProperty { path: "x".to_owned() }));
        for bad in [
            "",
            "<BaseShape>Everything</BaseShape>",
            "<BaseShape>IdOnly</BaseShape><BaseShape>IdOnly</BaseShape>",
            "<BaseShape>IdOnly</BaseShape><BodyType>RTF</BodyType>",
            "<BaseShape>IdOnly</BaseShape><AdditionalProperties><Path/></AdditionalProperties>",
        ] {
            assert!(matches!(read(bad), Err(Failure::Schema { .. })), "{bad}");
        }
    }
}
