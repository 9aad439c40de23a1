//! Meeting suggestions: when people and rooms are free together.
//!
//! Owns what MS-OXWAVLS and Microsoft's documents say about qualities and limits, and our choices
//! where they say nothing. Must not know where busy times came from; now is an argument.

mod attendee;
mod conflicts;

use jiff::civil;

use crate::failure::Failure;

use super::Window;
use super::free_busy::{self, Slots, WorkingHours};
use super::zone::Zone;

use conflicts::Conflicts;

pub use attendee::{Attendee, Role, Who};
pub use conflicts::{Conflict, Quality};

/// What is asked for
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/suggestionsviewoptions>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `GoodThreshold`: a time is good when fewer than this many percent are in conflict; 0 to 50.
    pub good_threshold: u32,
    /// `MaximumResultsByDay`: 0 to 48, those outside working hours among them.
    pub maximum_by_day: u32,
    /// `MaximumNonWorkHourResultsByDay`: 0 to 48.
    pub maximum_outside_work_by_day: u32,
    /// `MeetingDurationInMinutes`: 30 to 1440.
    pub duration_minutes: u32,
    /// `MinimumSuggestionQuality`.
    pub minimum_quality: Quality,
    /// `DetailedSuggestionsWindow`: at most 62 days. Meetings begin and end in it.
    pub window: Window,
    /// `CurrentMeetingTime`, in seconds since 1970: where the meeting to be moved begins. Items
    /// that begin just then are taken for it and are no conflicts.
    pub current_meeting: Option<i64>,
}

/// `SuggestionDayResult`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestionDay {
    /// On the clock of the zone that was asked in.
    pub date: civil::Date,
    /// Of its best suggestion; poor without any.
    pub quality: Quality,
    /// The best first, those of one quality by time.
    pub suggestions: Vec<Suggestion>,
}

/// `Suggestion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// When the meeting begins: seconds since 1970-01-01T00:00:00 on the zone's clock.
    pub local: i64,
    /// All of it is in working hours.
    pub is_work_time: bool,
    /// How well it suits.
    pub quality: Quality,
    /// One for each attendee, in their order.
    pub conflicts: Vec<Conflict>,
}

impl Options {
    /// Exchange's defaults for a window: an hour, ten results a day in working hours, fair ones
    /// included.
    #[must_use]
    pub fn for_window(window: Window) -> Self {
        Self {
            good_threshold: 25,
            maximum_by_day: 10,
            maximum_outside_work_by_day: 0,
            duration_minutes: 60,
            minimum_quality: Quality::Fair,
            window,
            current_meeting: None,
        }
    }

    /// # Errors
    /// [`Failure::Schema`] for a number out of its range, [`Failure::WindowTooLarge`] for a window
    /// of more than 62 days.
    pub fn check(&self) -> Result<(), Failure> {
        let ranges = [
            ("GoodThreshold", self.good_threshold, 0..=50),
            ("MaximumResultsByDay", self.maximum_by_day, 0..=48),
            ("MaximumNonWorkHourResultsByDay", self.maximum_outside_work_by_day, 0..=48),
            ("MeetingDurationInMinutes", self.duration_minutes, 30..=1440),
        ];
        for (name, value, range) in ranges {
            if !range.contains(&value) {
                let problem = format!("{name} is {value}; it must be from {} to {}.", range.start(), range.end());
                return Err(Failure::Schema { path: format!("SuggestionsViewOptions/{name}"), problem });
            }
        }
        let seconds = self.window.seconds();
        if seconds > MAXIMUM_DAYS * DAY {
            let days = seconds / DAY + i64::from(seconds % DAY != 0);
            return Err(Failure::WindowTooLarge { what: "SuggestionsViewOptions.DetailedSuggestionsWindow", days });
        }
        Ok(())
    }
}

/// Suggests meetings, one result for each day of the window.
///
/// Meetings begin at full and half hours of the zone's clock, not before `now` (seconds since
/// 1970). Of a day's times the best are taken, those in working hours before others of the same
/// quality and earlier before later ones, until the limits are reached. Working hours are the
/// organizer's, else those of the first attendee who has any, else Exchange's default: Monday to
/// Friday, 8 to 17, in the zone.
///
/// A group's members count in the quality one by one; those of whom nothing is known do not count.
///
/// # Errors
/// As [`Options::check`].
pub fn suggest(
    options: &Options,
    attendees: &[Attendee<'_>],
    zone: &Zone,
    now: i64,
) -> Result<Vec<SuggestionDay>, Failure> {
    options.check()?;
    let slots = slots(options, zone);
    let conflicts = Conflicts::of(attendees, &slots, options.current_meeting, zone);
    let hours = working_hours(attendees, zone);
    let length = slots.length;

    let mut days = days(options.window, zone);
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut slot = 0;
    for day in &mut days {
        candidates.clear();
        let next_day = day.midnight.saturating_add(DAY);
        while slot < slots.count {
            let second = slots.beginning(slot);
            let local = zone.local_of_second(second);
            if local >= next_day {
                break;
            }
            let quality = conflicts.quality(slot, options.good_threshold);
            // What the clock shows for the second time could not be told from the first.
            let is_first = zone.second_of_local(local) == second;
            if second >= now && is_first && quality <= options.minimum_quality && !conflicts.is_excluded(slot) {
                let outside_work = !hours.hold(second, length);
                candidates.push(Candidate { quality, outside_work, slot, local });
            }
            slot += 1;
        }
        day.choose(options, &mut candidates, &conflicts);
    }
    Ok(days.into_iter().map(|day| day.result).collect())
}

const DAY: i64 = 86_400;
const HALF_HOUR: i64 = 1800;
const MAXIMUM_DAYS: i64 = 62;

/// A time for the meeting, ordered as they are chosen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    quality: Quality,
    outside_work: bool,
    slot: usize,
    local: i64,
}

struct Day {
    /// On the local clock.
    midnight: i64,
    result: SuggestionDay,
}

impl Day {
    fn choose(&mut self, options: &Options, candidates: &mut [Candidate], conflicts: &Conflicts<'_>) {
        candidates.sort_unstable();
        let mut outside_work_left = options.maximum_outside_work_by_day;
        let mut chosen: Vec<&Candidate> = candidates
            .iter()
            .filter(|candidate| {
                if !candidate.outside_work {
                    return true;
                }
                let left = outside_work_left > 0;
                outside_work_left = outside_work_left.saturating_sub(1);
                left
            })
            .take(usize::try_from(options.maximum_by_day).unwrap_or(usize::MAX))
            .collect();
        chosen.sort_unstable_by_key(|candidate| (candidate.quality, candidate.slot));
        self.result.quality = chosen.first().map_or(Quality::Poor, |best| best.quality);
        let suggestion = |candidate: &Candidate| Suggestion {
            local: candidate.local,
            is_work_time: !candidate.outside_work,
            quality: candidate.quality,
            conflicts: conflicts.at(candidate.slot),
        };
        self.result.suggestions = chosen.into_iter().map(suggestion).collect();
    }
}

/// All times for the meeting. A clock that changes by half hours stays in step with them.
fn slots(options: &Options, zone: &Zone) -> Slots {
    let (from, until) = free_busy::seconds_of(options.window);
    let first = from + (-zone.local_of_second(from)).rem_euclid(HALF_HOUR);
    let length = i64::from(options.duration_minutes) * 60;
    let last = until - length;
    let count = if last < first { 0 } else { (last - first) / HALF_HOUR + 1 };
    Slots { first, step: HALF_HOUR, length, count: usize::try_from(count).unwrap_or(0) }
}

/// The days of the window on the zone's clock, without suggestions.
fn days(window: Window, zone: &Zone) -> Vec<Day> {
    let (from, until) = free_busy::seconds_of(window);
    let day = |second: i64| zone.local_of_second(second).div_euclid(DAY);
    (day(from)..=day(until - 1))
        .filter_map(|day| {
            let midnight = jiff::Timestamp::from_second(day * DAY).ok()?;
            let date = jiff::tz::Offset::UTC.to_datetime(midnight).date();
            let result = SuggestionDay { date, quality: Quality::Poor, suggestions: Vec::new() };
            Some(Day { midnight: day * DAY, result })
        })
        .collect()
}

fn working_hours(attendees: &[Attendee<'_>], zone: &Zone) -> WorkingHours {
    let hours_of = |attendee: &Attendee<'_>| match attendee.who {
        Who::Individual(Some(calendar)) => calendar.working_hours().map(|hours| WorkingHours::clone(hours)),
        _ => None,
    };
    let organizer = attendees.iter().filter(|attendee| attendee.role == Role::Organizer).find_map(hours_of);
    organizer.or_else(|| attendees.iter().find_map(hours_of)).unwrap_or_else(|| WorkingHours {
        zone: zone.clone(),
        days: [true, true, true, true, true, false, false],
        start_minute: 8 * 60,
        end_minute: 17 * 60,
    })
}

#[cfg(test)]
mod tests;
