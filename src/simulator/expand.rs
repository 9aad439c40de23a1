//! `$expand` of events: extended properties by their ids, and a series' exceptions.
//! Knows the option's text, not how events are shown.

use super::error::Refusal;
use super::extended::Id;
use super::filter::{quoted, split};

/// What is asked for beside the properties.
#[derive(Default)]
pub(super) struct Expand {
    pub(super) singles: Vec<Id>,
    pub(super) lists: Vec<Id>,
    pub(super) exceptions: bool,
}

impl Expand {
    /// Reads the option. `of_one` is for an event that the path names: only then exceptions can be asked for.
    pub(super) fn parse(given: Option<&str>, of_one: bool) -> Result<Self, Refusal> {
        let mut expand = Self::default();
        for item in given.map(|given| split(given, ",")).into_iter().flatten() {
            let item = item.trim();
            let (name, options) = match item.split_once('(') {
                Some((name, rest)) => (name.trim(), rest.strip_suffix(')').ok_or_else(|| wrong(item))?),
                None => (item, ""),
            };
            match name {
                "singleValueExtendedProperties" => expand.singles.extend(ids(options, false)?),
                "multiValueExtendedProperties" => expand.lists.extend(ids(options, true)?),
                "exceptionOccurrences" if of_one && options.is_empty() => expand.exceptions = true,
                _ => return Err(wrong(item)),
            }
        }
        Ok(expand)
    }
}

/// The ids of `$filter=id eq '…' or id eq '…'`. Without it nothing can be expanded.
fn ids(options: &str, is_list: bool) -> Result<Vec<Id>, Refusal> {
    let filter = options.trim().strip_prefix("$filter=").ok_or_else(|| {
        Refusal::bad("ErrorInvalidUrlQuery", "Extended properties can be expanded by a $filter over their ids only.")
    })?;
    let id = |part: &str| {
        let literal = part.trim().strip_prefix("id ").and_then(|rest| rest.trim_start().strip_prefix("eq "));
        Id::parse(&literal.and_then(quoted).ok_or_else(|| wrong(part))?, is_list)
    };
    split(filter, " or ").into_iter().map(id).collect()
}

fn wrong(item: &str) -> Refusal {
    Refusal::bad("BadRequest", format!("Parsing OData Select and Expand failed: '{item}'."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn several_expands_and_several_ids() {
        let text = "singleValueExtendedProperties($filter=id eq 'String {66f5a359-4659-4830-9070-00047ec6ac6e} Name A, (B)' or id eq 'Integer 0x8216'),\
            multiValueExtendedProperties($filter=id eq 'StringArray 0x36'),exceptionOccurrences";
        let expand = Expand::parse(Some(text), true).unwrap();
        assert_eq!((expand.singles.len(), expand.lists.len(), expand.exceptions), (2, 1, true));
        assert!(Expand::parse(Some(text), false).is_err(), "no exceptions of a collection");
        for wrong in [
            "singleValueExtendedProperties",
            "singleValueExtendedProperties($filter=id ne 'String 0x36')",
            "multiValueExtendedProperties($filter=id eq 'String 0x36')",
            "attachments",
        ] {
            assert!(Expand::parse(Some(wrong), true).is_err(), "{wrong}");
        }
    }
}
