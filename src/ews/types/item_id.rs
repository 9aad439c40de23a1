//! Names of items: `ItemId`, `OccurrenceItemId`, `RecurringMasterItemId`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/itemid>
//!
//! Owns the two forms of an id. Exchange's is plain base64, Graph's the same in the URL-safe
//! alphabet, so that callers may keep the ids that Exchange once gave them.

use crate::calendar::event::EventId;
use crate::ews::pull::{Pull, Start};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// An item, and the state of it that the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemId {
    /// The id; one that cannot be one fails for this item alone.
    pub id: Result<EventId, Failure>,
    /// The change key, if there is one.
    pub change_key: Option<String>,
}

/// How a request names an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemName {
    /// By its own id.
    Item(ItemId),
    /// As an occurrence of a series, counted from 1, deleted ones included.
    Occurrence {
        /// The series.
        series: ItemId,
        /// Which.
        index: u32,
    },
    /// As the series of an occurrence.
    SeriesOf(ItemId),
}

impl ItemName {
    /// Reads one of the elements that name an item; the reader stands in it and is left outside.
    /// `None` for any other element.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`].
    pub fn read(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Option<Self>, Failure> {
        let name = match start.local() {
            "ItemId" => Self::Item(ItemId::of(start, "Id")?),
            "OccurrenceItemId" => {
                let index = start.attribute("InstanceIndex")?.and_then(|index| index.trim().parse().ok());
                let index = index.ok_or_else(|| super::value::missing("InstanceIndex"))?;
                Self::Occurrence { series: ItemId::of(start, "RecurringMasterId")?, index }
            }
            "RecurringMasterItemId" => Self::SeriesOf(ItemId::of(start, "OccurrenceId")?),
            _ => return Ok(None),
        };
        reader.skip()?;
        Ok(Some(name))
    }

    /// The id that the request holds.
    #[must_use]
    pub fn given(&self) -> &ItemId {
        match self {
            Self::Item(id) | Self::Occurrence { series: id, .. } | Self::SeriesOf(id) => id,
        }
    }
}

impl ItemId {
    /// Reads the attributes of an element that names an item; the id is in `attribute`.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn of(start: &Start<'_>, attribute: &str) -> Result<Self, Failure> {
        let id = parse(&start.attribute(attribute)?.unwrap_or_default());
        let change_key = start.attribute("ChangeKey")?.filter(|key| !key.is_empty());
        Ok(Self { id, change_key })
    }
}

/// Reads an id in Exchange's form, or in Graph's.
///
/// # Errors
/// [`Failure::EmptyId`], [`Failure::BadId`].
pub fn parse(text: &str) -> Result<EventId, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::EmptyId);
    }
    EventId::parse(&text.replace('/', "-").replace('+', "_"))
}

/// An id in Exchange's form.
#[must_use]
pub fn text(id: &EventId) -> String {
    id.as_str().replace('-', "/").replace('_', "+")
}

/// Writes an element with id and change key, such as `ItemId`.
pub fn write(xml: &mut Xml, element: &str, id: &EventId, change_key: &str) {
    xml.raw("<t:").raw(element).raw(r#" Id=""#).text(&text(id)).raw(r#"" ChangeKey=""#).text(change_key).raw(r#""/>"#);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn exchange_and_graph_write_the_same_id_in_two_alphabets() {
        let id = parse(" AAMk/x+y= ").unwrap();
        assert_eq!(id.as_str(), "AAMk-x_y=");
        assert_eq!(text(&id), "AAMk/x+y=");
        assert_eq!(parse(id.as_str()).unwrap(), id, "Graph's form is understood too");
        assert_eq!(parse(""), Err(Failure::EmptyId));
        assert_eq!(parse("not an id"), Err(Failure::BadId));
    }
}
