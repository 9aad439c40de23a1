//! Who is in conflict with a meeting at each of its possible times.
//!
//! Each calendar is walked once, for all times together. Must not know limits or days.

use crate::calendar::free_busy::{BusyStatus, FreeBusy, Slots};
use crate::calendar::zone::Zone;

use super::attendee::{Attendee, Role, Who};

/// How well a time suits, best first, so that the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Nobody is in conflict.
    Excellent,
    /// Fewer are than the threshold says.
    Good,
    /// At most half are.
    Fair,
    /// More than half are.
    Poor,
}

/// How an attendee stands to a suggestion
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/attendeeconflictdataarray>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// How busy one mailbox is.
    Individual(BusyStatus),
    /// How many members of a group are what.
    Group {
        /// All.
        members: u32,
        /// Free, or working elsewhere.
        available: u32,
        /// Tentative, busy or out of office.
        with_conflict: u32,
        /// Of whom nothing is known.
        with_no_data: u32,
    },
    /// Nobody that could be found.
    Unknown,
    /// A group of too many members.
    TooBigGroup,
}

/// How every attendee stands to every time.
pub(super) struct Conflicts<'a> {
    attendees: &'a [Attendee<'a>],
    /// One for each attendee.
    states: Vec<State>,
    /// Of those who count in the quality: how many have a conflict, at each time.
    conflicting: Vec<u32>,
    /// And of how many anything is known.
    known: Vec<u32>,
    excluded: Vec<bool>,
}

/// At each time; empty for those of whom nothing is known.
enum State {
    Individual(Vec<BusyStatus>),
    Group(Vec<Tally>),
    Nothing,
}

/// Members of a group at one time.
#[derive(Clone, Copy, Default)]
struct Tally {
    with_conflict: u32,
    with_no_data: u32,
}

impl<'a> Conflicts<'a> {
    pub(super) fn of(attendees: &'a [Attendee<'a>], slots: &Slots, moved: Option<i64>, zone: &Zone) -> Self {
        let mut conflicts = Self {
            attendees,
            states: Vec::with_capacity(attendees.len()),
            conflicting: vec![0; slots.count],
            known: vec![0; slots.count],
            excluded: vec![false; slots.count],
        };
        let busiest = |calendar: &FreeBusy| {
            let items = calendar.told(zone);
            slots.busiest(items.filter(|item| item.is_all_day() || moved != Some(item.stored().0)), zone)
        };
        for attendee in attendees {
            let state = match &attendee.who {
                Who::Individual(Some(calendar)) => {
                    let statuses = busiest(calendar);
                    conflicts.count(attendee, &statuses);
                    State::Individual(statuses)
                }
                Who::Group(members) => {
                    let mut tallies = vec![Tally::default(); slots.count];
                    for member in members {
                        let Some(calendar) = member else {
                            tallies.iter_mut().for_each(|tally| tally.with_no_data += 1);
                            continue;
                        };
                        let statuses = busiest(calendar);
                        for (tally, status) in tallies.iter_mut().zip(&statuses) {
                            tally.with_conflict += u32::from(status.is_conflict());
                            tally.with_no_data += u32::from(*status == BusyStatus::NoData);
                        }
                        conflicts.count(attendee, &statuses);
                    }
                    State::Group(tallies)
                }
                Who::Individual(None) | Who::Unknown | Who::TooBigGroup => State::Nothing,
            };
            conflicts.states.push(state);
        }
        conflicts
    }

    /// MS-OXWAVLS: excellent without a conflict, good below the threshold, fair up to a half.
    pub(super) fn quality(&self, slot: usize, good_threshold: u32) -> Quality {
        let at = |counts: &[u32]| u64::from(counts.get(slot).copied().unwrap_or(0));
        let (conflicting, known) = (at(&self.conflicting), at(&self.known));
        if conflicting == 0 {
            Quality::Excellent
        } else if conflicting * 100 < known * u64::from(good_threshold) {
            Quality::Good
        } else if conflicting * 2 <= known {
            Quality::Fair
        } else {
            Quality::Poor
        }
    }

    /// Whether somebody whose conflicts exclude a time has one.
    pub(super) fn is_excluded(&self, slot: usize) -> bool {
        self.excluded.get(slot).copied().unwrap_or(true)
    }

    /// One for each attendee.
    pub(super) fn at(&self, slot: usize) -> Vec<Conflict> {
        self.attendees.iter().zip(&self.states).map(|(attendee, state)| conflict(attendee, state, slot)).collect()
    }

    fn count(&mut self, attendee: &Attendee<'_>, statuses: &[BusyStatus]) {
        if attendee.role != Role::Optional {
            for ((conflicting, known), status) in self.conflicting.iter_mut().zip(&mut self.known).zip(statuses) {
                *conflicting += u32::from(status.is_conflict());
                *known += u32::from(*status != BusyStatus::NoData);
            }
        }
        if attendee.exclude_conflicts {
            for (excluded, status) in self.excluded.iter_mut().zip(statuses) {
                *excluded |= status.is_conflict();
            }
        }
    }
}

fn conflict(attendee: &Attendee<'_>, state: &State, slot: usize) -> Conflict {
    match (&attendee.who, state) {
        (Who::Group(members), State::Group(tallies)) => {
            let members = u32::try_from(members.len()).unwrap_or(u32::MAX);
            let Tally { with_conflict, with_no_data } = tallies.get(slot).copied().unwrap_or_default();
            let available = members.saturating_sub(with_conflict).saturating_sub(with_no_data);
            Conflict::Group { members, available, with_conflict, with_no_data }
        }
        (_, State::Individual(statuses)) => {
            Conflict::Individual(statuses.get(slot).copied().unwrap_or(BusyStatus::NoData))
        }
        (Who::Unknown, _) => Conflict::Unknown,
        (Who::TooBigGroup, _) => Conflict::TooBigGroup,
        (Who::Individual(_) | Who::Group(_), _) => Conflict::Individual(BusyStatus::NoData),
    }
}
