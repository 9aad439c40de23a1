//! The busiest status in each of many equally spaced stretches of time.
//!
//! Merged views and suggestions are both made of this. Must not know digits or attendees.

use crate::calendar::zone::Zone;

use super::item::{BusyItem, BusyStatus};

/// Stretches of time that begin at equal distances; they may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::calendar) struct Slots {
    /// Where the first begins, in seconds since 1970.
    pub(in crate::calendar) first: i64,
    /// From one beginning to the next, in seconds; more than 0.
    pub(in crate::calendar) step: i64,
    /// Of each, in seconds.
    pub(in crate::calendar) length: i64,
    /// How many.
    pub(in crate::calendar) count: usize,
}

impl Slots {
    /// Slots side by side that cover `from` to `until`; none without a length.
    pub(in crate::calendar) fn covering(from: i64, until: i64, step: i64) -> Option<Self> {
        if step <= 0 {
            return None;
        }
        let count = usize::try_from(ceiling(until.checked_sub(from)?, step)).ok()?;
        Some(Self { first: from, step, length: step, count })
    }

    /// Where a slot begins, in seconds since 1970.
    pub(in crate::calendar) fn beginning(&self, slot: usize) -> i64 {
        i64::try_from(slot)
            .ok()
            .and_then(|slot| slot.checked_mul(self.step))
            .map_or(i64::MAX, |after| self.first + after)
    }

    /// The weightiest status of the items that overlap each slot.
    ///
    /// Time grows with the number of items and of slots, not with how much items overlap, as long
    /// as the items come by start.
    pub(in crate::calendar) fn busiest(
        &self,
        items: impl IntoIterator<Item = BusyItem>,
        zone: &Zone,
    ) -> Vec<BusyStatus> {
        let mut busiest = vec![BusyStatus::Free; self.count];
        // All-day items are in order among themselves only, since the zone moves them.
        let mut lanes = [[Lane::default(); 2]; STATUSES];
        for item in items {
            let (start, end) = item.instants(zone);
            if start >= end || item.status() == BusyStatus::Free {
                continue;
            }
            let (from, until) = self.range(start, end);
            let lane =
                lanes.get_mut(item.status() as usize).and_then(|lanes| lanes.get_mut(usize::from(item.is_all_day())));
            let from = lane.map_or(from, |lane| lane.extend(from, until));
            for slot in busiest.get_mut(from..until).unwrap_or_default() {
                if item.status().outweighs(*slot) {
                    *slot = item.status();
                }
            }
        }
        busiest
    }

    /// The slots that overlap a stretch of time.
    fn range(&self, start: i64, end: i64) -> (usize, usize) {
        let from = (start - self.length - self.first).div_euclid(self.step) + 1;
        let until = ceiling(end - self.first, self.step);
        let index = |value: i64| usize::try_from(value.max(0)).unwrap_or(usize::MAX).min(self.count);
        (index(from), index(until))
    }
}

/// As many as [`BusyStatus`] has.
const STATUSES: usize = 6;

/// The slots that already have a status, as far as they are known to be without a gap.
#[derive(Clone, Copy, Default)]
struct Lane {
    from: usize,
    until: usize,
}

impl Lane {
    /// Adds slots and says from which on they are new.
    fn extend(&mut self, from: usize, until: usize) -> usize {
        if from < self.from {
            return from;
        }
        let new = from.max(self.until);
        *self = Self { from, until: until.max(self.until) };
        new
    }
}

fn ceiling(value: i64, by: i64) -> i64 {
    value.div_euclid(by) + i64::from(value.rem_euclid(by) != 0)
}
