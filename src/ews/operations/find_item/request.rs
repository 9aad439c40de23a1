//! The request, and reading it.

use super::page::View;
use crate::ews::pull::Start;
use crate::ews::soap::Body;
use crate::ews::types::folder::{self, Folder};
use crate::ews::types::restriction::Restriction;
use crate::ews::types::shape::ItemShape;
use crate::ews::types::sort_order::SortOrder;
use crate::ews::types::value::{WireTime, missing, once};
use crate::failure::Failure;

/// What is to be found.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) shape: ItemShape,
    pub(super) traversal: Traversal,
    pub(super) view: View,
    pub(super) restriction: Option<Restriction>,
    pub(super) sort: SortOrder,
    pub(super) folders: Vec<Result<Folder, Failure>>,
}

/// Among which items of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traversal {
    /// The ones that are seen.
    Shallow,
    /// Hidden ones, of which the gateway shows none.
    Associated,
}

/// Reads the operation's element.
///
/// # Errors
/// [`Failure::Malformed`], [`Failure::Schema`]; what the shape, the restriction and the order fail with;
/// [`Failure::UnsupportedQuery`] for views and groups that the gateway does not make.
pub(super) fn parse(body: &mut Body<'_>) -> Result<Request, Failure> {
    let traversal = match body.attribute("Traversal")?.as_deref() {
        Some("Shallow") => Traversal::Shallow,
        Some("Associated") => Traversal::Associated,
        // What was deleted for good is nothing that Graph shows.
        Some("SoftDeleted") => return Err(Failure::UnsupportedQuery { path: "Traversal".to_owned() }),
        _ => return Err(missing("Traversal")),
    };
    let reader = body.reader();
    let (mut shape, mut view, mut restriction, mut sort, mut folders) = (None, None, None, None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "ItemShape" => once(&mut shape, ItemShape::read(reader)?, "ItemShape")?,
            "CalendarView" | "IndexedPageItemView" | "FractionalPageItemView" => {
                once(&mut view, read_view(&part)?, part.local())?;
                reader.skip()?;
            }
            "SeekToConditionPageItemView" | "ContactsView" | "GroupBy" | "DistinguishedGroupBy" => {
                return Err(Failure::UnsupportedQuery { path: part.local().to_owned() });
            }
            "Restriction" => once(&mut restriction, Restriction::read(reader)?, "Restriction")?,
            "QueryString" => {
                let query = reader.text()?;
                if !query.is_empty() {
                    once(&mut restriction, Restriction::of_query(&query)?, "QueryString")?;
                }
            }
            "SortOrder" => once(&mut sort, SortOrder::read(reader)?, "SortOrder")?,
            "ParentFolderIds" => once(&mut folders, folder::read_list(reader)?, "ParentFolderIds")?,
            _ => reader.skip()?,
        }
    }
    let folders = folders.filter(|folders| !folders.is_empty()).ok_or_else(|| missing("ParentFolderIds"))?;
    let shape = shape.ok_or_else(|| missing("ItemShape"))?;
    let (view, sort) = (view.unwrap_or(View::All), sort.unwrap_or_default());
    Ok(Request { shape, traversal, view, restriction, sort, folders })
}

fn read_view(start: &Start<'_>) -> Result<View, Failure> {
    let most = match start.attribute("MaxEntriesReturned")? {
        Some(text) => Some(count("MaxEntriesReturned", &text)?).filter(|most| *most > 0),
        None => None,
    };
    if most.is_none() && start.attribute("MaxEntriesReturned")?.is_some() {
        return Err(wrong("MaxEntriesReturned"));
    }
    let number = |name: &str| count(name, &start.attribute(name)?.ok_or_else(|| missing(name))?);
    match start.local() {
        "CalendarView" => {
            let time = |name: &str| {
                let text = start.attribute(name)?.ok_or_else(|| missing(name))?;
                WireTime::parse(text.trim()).ok_or_else(|| wrong(name))
            };
            Ok(View::Calendar { start: time("StartDate")?, end: time("EndDate")?, most })
        }
        "IndexedPageItemView" => {
            let from_end = match start.attribute("BasePoint")?.as_deref() {
                Some("Beginning") => false,
                Some("End") => true,
                _ => return Err(wrong("BasePoint")),
            };
            Ok(View::Indexed { offset: number("Offset")?, from_end, most })
        }
        _ => {
            let (numerator, denominator) = (number("Numerator")?, number("Denominator")?);
            if denominator == 0 || numerator > denominator {
                return Err(wrong("Denominator"));
            }
            Ok(View::Fractional { numerator, denominator, most })
        }
    }
}

/// An `xs:int` that counts something.
fn count(name: &str, text: &str) -> Result<usize, Failure> {
    let number: Option<u32> = text.trim().parse().ok().filter(|number| *number <= i32::MAX.cast_unsigned());
    number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| wrong(name))
}

fn wrong(attribute: &str) -> Failure {
    Failure::Schema { path: attribute.to_owned(), problem: "is not what the schema allows".to_owned() }
}
