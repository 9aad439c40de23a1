//! What a call told of one mailbox, and how it is cut into the spans that are kept.
//!
//! Must not know which call told it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::calendar::free_busy::{BusyItem, ItemDetails, Span, WorkingHours};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;

/// What a call told of one mailbox.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In any order.
    pub(super) items: Vec<(BusyItem, ItemDetails)>,
    /// Whether the details are worth keeping.
    pub(super) detailed: bool,
    /// Working hours, if told.
    pub(super) hours: Option<WorkingHours>,
}

/// A mailbox, and what a call told of it.
pub(super) type Told = (Mailbox, Result<Listing, Failure>);

/// Working hours that were told before: most people of an organisation keep the same.
#[derive(Debug, Default)]
pub(super) struct KnownHours(Mutex<Vec<Arc<WorkingHours>>>);

/// Different working hours remembered.
const MOST_HOURS: usize = 128;

impl Listing {
    /// An empty one whose items will come with details.
    pub(super) fn detailed() -> Self {
        Self { detailed: true, ..Self::default() }
    }

    /// Cuts the listing into spans; an item is in each span that it overlaps.
    pub(super) fn cut(mut self, cuts: &[Window], hours: Option<Arc<WorkingHours>>) -> Box<[Arc<Span>]> {
        self.items.sort_by_key(|(item, _)| item.stored());
        cuts.iter().map(|covers| Arc::new(self.span(*covers, hours.clone()))).collect()
    }

    fn span(&self, covers: Window, working_hours: Option<Arc<WorkingHours>>) -> Span {
        let (from, to) = (covers.start().as_second(), covers.end().as_second());
        let inside = || {
            self.items.iter().filter(move |(item, _)| {
                let (start, end) = item.stored();
                start < to && (end > from || (start == end && start >= from))
            })
        };
        Span {
            covers,
            items: inside().map(|(item, _)| *item).collect(),
            details: self.detailed.then(|| inside().map(|(_, details)| details.clone()).collect()),
            working_hours,
        }
    }
}

impl KnownHours {
    /// The same hours, shared.
    pub(super) fn share(&self, hours: WorkingHours) -> Arc<WorkingHours> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().find(|same| ***same == hours) {
            return Arc::clone(same);
        }
        if known.len() >= MOST_HOURS {
            known.clear();
        }
        let hours = Arc::new(hours);
        known.push(Arc::clone(&hours));
        hours
    }
}
