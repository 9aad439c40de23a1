//! `Restriction`: which items are found.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/restriction>
//!
//! Owns the search expressions, and how they hold of an item. They are asked of items as the client
//! may see them, so that no search tells what is hidden.

mod compare;

use std::cmp::Ordering;

use super::calendar_item::{Seen, is_comparable, value_of};
use super::property_path::{Field, PropertyPath};
use super::value::missing;
use crate::calendar::event::PropertyId;
use crate::calendar::zone::Zone;
use crate::ews::pull::{Pull, Start};
use crate::failure::Failure;

use compare::{Comparison, Constant, Mode, Wanted, excludes, order, same_kind};

pub use compare::Key;

/// A search expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Restriction {
    /// All of these.
    And(Vec<Self>),
    /// Any of these.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// The property is set.
    Exists(PropertyPath),
    /// The property stands in a relation to something.
    Compare(PropertyPath, Relation, Operand),
    /// The text of the property holds another.
    Contains(PropertyPath, Wanted),
    /// None of these bits of the property is set.
    Excludes(PropertyPath, i64),
}

/// `IsEqualTo` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `IsEqualTo`.
    Equal,
    /// `IsNotEqualTo`.
    NotEqual,
    /// `IsGreaterThan`.
    Greater,
    /// `IsGreaterThanOrEqualTo`.
    GreaterOrEqual,
    /// `IsLessThan`.
    Less,
    /// `IsLessThanOrEqualTo`.
    LessOrEqual,
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// What the request says.
    Constant(Constant),
    /// Another property.
    Path(PropertyPath),
}

impl Restriction {
    /// Reads the one expression in the element that the reader stands in.
    ///
    /// # Errors
    /// [`Failure::Malformed`], [`Failure::Schema`]; [`Failure::BadProperty`],
    /// [`Failure::UnsupportedQuery`] for what cannot be searched by.
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let mut left = MOST;
        one(reader, &mut left)
    }

    /// Whether it holds of an item; times without a zone are those of `zone`.
    #[must_use]
    pub fn holds(&self, seen: &Seen<'_>, zone: &Zone) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(seen, zone)),
            Self::Or(any) => any.iter().any(|one| one.holds(seen, zone)),
            Self::Not(one) => !one.holds(seen, zone),
            Self::Exists(path) => value_of(seen, path).is_some(),
            Self::Compare(path, relation, operand) => {
                let Some(value) = value_of(seen, path) else { return *relation == Relation::NotEqual };
                let order = match operand {
                    Operand::Constant(constant) => constant.order_of(&value, zone),
                    Operand::Path(path) => {
                        value_of(seen, path).filter(|other| same_kind(&value, other)).map(|other| order(&value, &other))
                    }
                };
                order.map_or(*relation == Relation::NotEqual, |order| relation.holds(order))
            }
            Self::Contains(path, wanted) => value_of(seen, path).is_some_and(|value| wanted.is_in(&value)),
            Self::Excludes(path, mask) => value_of(seen, path).is_none_or(|value| excludes(&value, *mask)),
        }
    }

    /// A search for words of the subject, in a `QueryString`: `subject:words` or `subject:"words"`.
    ///
    /// # Errors
    /// [`Failure::UnsupportedQuery`] for any other query.
    pub fn of_query(query: &str) -> Result<Self, Failure> {
        let unsupported = || Failure::UnsupportedQuery { path: "QueryString".to_owned() };
        let (property, words) = query.split_once(':').ok_or_else(unsupported)?;
        let words = words.trim();
        let quoted = words.strip_prefix('"').and_then(|words| words.strip_suffix('"'));
        let plain = quoted.unwrap_or(words);
        let is_simple = quoted.is_some() || !plain.contains([' ', '(', ':', '*']);
        if !property.trim().eq_ignore_ascii_case("subject") || plain.is_empty() || plain.contains('"') || !is_simple {
            return Err(unsupported());
        }
        let subject = PropertyPath::Field(Field::Subject);
        let comparison = Comparison { case: false, marks: false };
        Ok(Self::Contains(subject, Wanted::new(Mode::Substring, comparison, plain)))
    }

    /// Calls `each` with every property that is named.
    pub fn paths<'p>(&'p self, each: &mut impl FnMut(&'p PropertyPath)) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|one| one.paths(each)),
            Self::Not(one) => one.paths(each),
            Self::Compare(path, _, Operand::Path(other)) => {
                each(path);
                each(other);
            }
            Self::Exists(path) | Self::Compare(path, ..) | Self::Contains(path, ..) | Self::Excludes(path, _) => {
                each(path)
            }
        }
    }
}

impl Relation {
    fn named(element: &str) -> Option<Self> {
        Some(match element {
            "IsEqualTo" => Self::Equal,
            "IsNotEqualTo" => Self::NotEqual,
            "IsGreaterThan" => Self::Greater,
            "IsGreaterThanOrEqualTo" => Self::GreaterOrEqual,
            "IsLessThan" => Self::Less,
            "IsLessThanOrEqualTo" => Self::LessOrEqual,
            _ => return None,
        })
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

/// The extended properties and whether the body have to be read for some paths.
pub fn needs<'p>(paths: impl Iterator<Item = &'p PropertyPath>) -> (Vec<PropertyId>, bool) {
    let (mut extended, mut body) = (Vec::new(), false);
    for path in paths {
        match path {
            PropertyPath::Extended(id) if !extended.contains(id) => extended.push(id.clone()),
            PropertyPath::Field(Field::Body | Field::TextBody) => body = true,
            _ => {}
        }
    }
    (extended, body)
}

/// Reads the path of a property that can be searched or sorted by.
///
/// # Errors
/// As [`Restriction::read`].
pub fn comparable(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Option<PropertyPath>, Failure> {
    let Some(path) = PropertyPath::read(start, reader)? else { return Ok(None) };
    let path = path?;
    if is_comparable(&path) { Ok(Some(path)) } else { Err(Failure::UnsupportedQuery { path: path.text() }) }
}

/// The one expression in the element that the reader stands in, where so many more may follow.
fn one(reader: &mut Pull<'_>, left: &mut usize) -> Result<Restriction, Failure> {
    let mut all = list(reader, left)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(missing("SearchExpression")),
    }
}

fn list(reader: &mut Pull<'_>, left: &mut usize) -> Result<Vec<Restriction>, Failure> {
    let mut all = Vec::new();
    while let Some(start) = reader.child()? {
        *left = left.checked_sub(1).ok_or_else(|| Failure::Schema {
            path: "Restriction".to_owned(),
            problem: format!("more than {MOST} search expressions"),
        })?;
        all.push(expression(&start, reader, left)?);
    }
    Ok(all)
}

fn expression(start: &Start<'_>, reader: &mut Pull<'_>, left: &mut usize) -> Result<Restriction, Failure> {
    let element = start.local().to_owned();
    match element.as_str() {
        "And" => list(reader, left).map(Restriction::And),
        "Or" => list(reader, left).map(Restriction::Or),
        "Not" => Ok(Restriction::Not(Box::new(one(reader, left)?))),
        "Exists" => Ok(Restriction::Exists(operands(reader)?.0)),
        "Contains" => {
            let mode = Mode::named(start.attribute("ContainmentMode")?.as_deref())?;
            let comparison = Comparison::named(start.attribute("ContainmentComparison")?.as_deref())?;
            match operands(reader)? {
                (path, Some(Operand::Constant(constant))) => {
                    Ok(Restriction::Contains(path, Wanted::new(mode, comparison, constant.text())))
                }
                _ => Err(missing("Constant")),
            }
        }
        "Excludes" => match operands(reader)? {
            (path, Some(Operand::Constant(mask))) => Ok(Restriction::Excludes(path, bits(mask.text())?)),
            _ => Err(missing("Bitmask")),
        },
        element => {
            let relation = Relation::named(element).ok_or_else(|| Failure::Schema {
                path: element.to_owned(),
                problem: "is no search expression".to_owned(),
            })?;
            let (path, operand) = operands(reader)?;
            Ok(Restriction::Compare(path, relation, operand.ok_or_else(|| missing("FieldURIOrConstant"))?))
        }
    }
}

/// The property, and what it is compared with.
fn operands(reader: &mut Pull<'_>) -> Result<(PropertyPath, Option<Operand>), Failure> {
    let (mut path, mut operand) = (None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "Constant" | "Bitmask" => {
                operand = part.attribute("Value")?.map(Constant::new).map(Operand::Constant);
                reader.skip()?;
            }
            "FieldURIOrConstant" => {
                while let Some(inner) = reader.child()? {
                    if inner.local() == "Constant" {
                        operand = inner.attribute("Value")?.map(Constant::new).map(Operand::Constant);
                        reader.skip()?;
                    } else {
                        operand = comparable(&inner, reader)?.map(Operand::Path);
                    }
                }
            }
            _ => match comparable(&part, reader)? {
                Some(found) => path = Some(found),
                None => reader.skip()?,
            },
        }
    }
    Ok((path.ok_or_else(|| missing("Path"))?, operand))
}

/// `ExcludesAttributeType`: decimal, or hexadecimal after `0x`.
fn bits(mask: &str) -> Result<i64, Failure> {
    let mask = mask.trim();
    let number = match mask.strip_prefix("0x").or_else(|| mask.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => mask.parse(),
    };
    number.map_err(|_| Failure::Schema { path: "Bitmask".to_owned(), problem: "is no number".to_owned() })
}

/// Search expressions of one request; each is asked of each item.
const MOST: usize = 100;

#[cfg(test)]
mod tests;
