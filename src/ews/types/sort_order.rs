//! `SortOrder`: the order in which items are found.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/sortorder>

use std::cmp::Ordering;

use super::calendar_item::{Seen, value_of};
use super::property_path::PropertyPath;
use super::restriction::{Key, comparable};
use super::value::missing;
use crate::ews::pull::Pull;
use crate::failure::Failure;

/// Properties to sort by, the most telling first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SortOrder(Vec<(PropertyPath, Direction)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

impl SortOrder {
    /// Reads the element that the reader stands in.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`]; [`Failure::BadProperty`],
    /// [`Failure::UnsupportedQuery`] for what cannot be sorted by.
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut keys = Vec::new();
        while let Some(part) = reader.child()? {
            if part.local() != "FieldOrder" {
                reader.skip()?;
                continue;
            }
            let direction = match part.attribute("Order")?.as_deref() {
                Some("Ascending") => Direction::Ascending,
                Some("Descending") => Direction::Descending,
                _ => return Err(missing("Order")),
            };
            let mut path = None;
            while let Some(inner) = reader.child()? {
                match comparable(&inner, reader)? {
                    Some(found) => path = Some(found),
                    None => reader.skip()?,
                }
            }
            if keys.len() == MOST {
                let problem = format!("more than {MOST} properties");
                return Err(Failure::Schema { path: "SortOrder".to_owned(), problem });
            }
            keys.push((path.ok_or_else(|| missing("Path"))?, direction));
        }
        Ok(Self(keys))
    }

    /// What an item is sorted by.
    #[must_use]
    pub fn keys(&self, seen: &Seen<'_>) -> Vec<Option<Key>> {
        self.paths().map(|path| value_of(seen, path).as_ref().map(Key::of)).collect()
    }

    /// How two items are ordered by their keys; what is not set comes first.
    #[must_use]
    pub fn compare(&self, one: &[Option<Key>], other: &[Option<Key>]) -> Ordering {
        for ((_, direction), (one, other)) in self.0.iter().zip(one.iter().zip(other)) {
            let order = match (one, other) {
                (Some(one), Some(other)) => one.order(other),
                (one, other) => one.is_some().cmp(&other.is_some()),
            };
            if order.is_ne() {
                return if *direction == Direction::Ascending { order } else { order.reverse() };
            }
        }
        Ordering::Equal
    }

    /// Every property that is named.
    pub fn paths(&self) -> impl Iterator<Item = &PropertyPath> {
        self.0.iter().map(|(path, _)| path)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As many as clients have columns to sort by, and more; each is told of each item.
const MOST: usize = 8;
