//! Views of a list: all of it, or a part.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarview>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/indexedpageitemview>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/fractionalpageitemview>
//!
//! Owns how many items an answer may hold.

use crate::calendar::event::Event;
use crate::ews::types::value::WireTime;
use crate::failure::Failure;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All of it.
    All,
    /// What is in a stretch of time, series as their occurrences; `most` of it.
    Calendar { start: WireTime, end: WireTime, most: Option<usize> },
    /// From an offset on, counted from the beginning or backwards from the end.
    Indexed { offset: usize, from_end: bool, most: Option<usize> },
    /// From a fraction of the list on.
    Fractional { numerator: usize, denominator: usize, most: Option<usize> },
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<Event>,
    /// Of the whole list.
    pub(super) total: usize,
    /// Whether nothing follows.
    pub(super) is_last: bool,
    /// How to ask for what follows.
    pub(super) rest: Rest,
}

/// How to ask for what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// There is no way.
    None,
    /// With this offset.
    Indexed { next: usize },
    /// With this fraction.
    Fractional { next: usize, of: usize },
}

impl View {
    /// The part of a list.
    ///
    /// # Errors
    /// [`Failure::TooManyFound`] if the answer would be too long, and the request does not say that
    /// a part will do.
    pub(super) fn page(&self, mut events: Vec<Event>) -> Result<Page, Failure> {
        let total = events.len();
        let (from, until, rest) = match *self {
            Self::All | Self::Calendar { most: None, .. } if total > MOST => return Err(Failure::TooManyFound),
            Self::All => (0, total, Rest::None),
            Self::Calendar { most, .. } => (0, most.unwrap_or(total).min(total), Rest::None),
            Self::Indexed { offset, from_end, most } => {
                let offset = offset.min(total);
                let length = most.unwrap_or(MOST).min(MOST).min(total - offset);
                let from = if from_end { total - offset - length } else { offset };
                (from, from + length, Rest::Indexed { next: offset + length })
            }
            Self::Fractional { numerator, denominator, most } => {
                let from = total.saturating_mul(numerator) / denominator.max(1);
                let from = from.min(total);
                let until = from + most.unwrap_or(MOST).min(MOST).min(total - from);
                (from, until, Rest::Fractional { next: until, of: total.max(1) })
            }
        };
        let is_last = match self {
            Self::Indexed { from_end: true, .. } => from == 0,
            _ => until == total,
        };
        events.truncate(until);
        events.drain(..from.min(events.len()));
        Ok(Page { events, total, is_last, rest })
    }
}

/// What Exchange's throttling policy allows (`EWSFindCountLimit`).
const MOST: usize = 1000;
