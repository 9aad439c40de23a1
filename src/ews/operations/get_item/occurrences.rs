//! Occurrences of a series: the first, the last, and those that were changed.
//!
//! Owns where they are looked for: Graph tells the occurrences in a stretch of time, five years at most.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::calendar::Window;
use crate::calendar::event::{Event, EventId, EventKind, When};
use crate::calendar::recurrence::Recurrence;
use crate::calendar::zone::Zone;
use crate::client::Permitted;
use crate::ews::operation::Context;
use crate::ews::types::calendar_item::Occurrences;
use crate::ews::types::property_path::Field;
use crate::ews::types::shape::Wanted;
use crate::failure::Failure;
use crate::graph::EventParts;

/// The occurrences of a series that are wanted, and within sight: days are those of `zone`.
///
/// # Errors
/// As [`crate::graph::Graphs::occurrences`].
pub(super) async fn of(
    mailbox: &Permitted,
    event: &Event,
    zone: &Zone,
    wanted: &Wanted,
    context: &Context<'_>,
) -> Result<Occurrences, Failure> {
    let Some(series) = event.recurrence.as_ref().filter(|_| event.kind == EventKind::Master) else {
        return Ok(Occurrences::default());
    };
    let reaches = |when: &When| mailbox.view().horizon.reaches(when, None, zone, context.journal.now);
    let mut found = Occurrences::default();
    if wanted.has(Field::FirstOccurrence) {
        found.first = occurrences(mailbox, event, from(series.range.start), 1, context).await?.into_iter().next();
    }
    if wanted.has(Field::LastOccurrence) {
        for window in last(series) {
            let told = occurrences(mailbox, event, Some(window), MOST, context).await?;
            found.last = told.into_iter().max_by_key(|occurrence| start(&occurrence.when));
            if found.last.is_some() {
                break;
            }
        }
    }
    let changed = event.exceptions.iter().filter(|changed| reaches(&changed.when));
    let ids: Vec<EventId> = changed.map(|changed| changed.id.clone()).collect();
    if wanted.has(Field::MimeContent) && !ids.is_empty() {
        let parts = EventParts { body: true, ..EventParts::default() };
        let told = context.graphs.events_by_id(mailbox, &ids, &parts, context.journal).await;
        found.changed = told.into_iter().collect::<Result<_, _>>()?;
    }
    found.first.take_if(|first| !reaches(&first.when));
    found.last.take_if(|last| !reaches(&last.when));
    Ok(found)
}

async fn occurrences(
    mailbox: &Permitted,
    event: &Event,
    window: Option<Window>,
    most: usize,
    context: &Context<'_>,
) -> Result<Vec<Event>, Failure> {
    let Some(window) = window else { return Ok(Vec::new()) };
    let parts = EventParts::default();
    context.graphs.occurrences(mailbox, &event.id, window, most, &parts, context.journal).await
}

/// Where the first occurrence is: it may have been moved to before the series.
fn from(start: Date) -> Option<Window> {
    let begin = start.checked_sub(MARGIN.days()).ok()?;
    window(begin, begin.checked_add(WIDEST.days()).ok()?)
}

/// Where the last occurrence is: near the day on which the pattern ends, or, if those there were
/// deleted, before. Nowhere of a series without end.
fn last(series: &Recurrence) -> Vec<Window> {
    let day = series.about_last_day();
    // As far as windows reach.
    let step = series.pattern.longest_step().min(WIDEST);
    let near = |before: i64| {
        let end = day?.checked_add((step + MARGIN).days()).ok()?;
        let earliest = series.range.start.checked_sub(MARGIN.days()).ok()?;
        window(end.checked_sub(before.min(WIDEST).days()).ok()?.max(earliest), end)
    };
    [near(4 * step + 3 * MARGIN), near(WIDEST)].into_iter().flatten().collect()
}

fn window(begin: Date, end: Date) -> Option<Window> {
    let (begin, end) = When::Days { first: begin, after: end }.instants(&Zone::utc());
    Window::new(begin, end)
}

fn start(when: &When) -> Timestamp {
    when.instants(&Zone::utc()).0
}

/// Days by which an occurrence may have been moved.
const MARGIN: i64 = 31;
/// Days in one question: some fewer than Graph allows, since whole days are looked for around it.
const WIDEST: i64 = 1800;
/// One a day.
const MOST: usize = 2000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use jiff::civil::{Weekday, date};

    use super::*;
    use crate::calendar::recurrence::{Pattern, Range, RangeEnd, WeekIndex, Weekdays};

    fn series(pattern: Pattern, end: RangeEnd) -> Recurrence {
        Recurrence { pattern, range: Range { start: date(2027, 1, 4), end }, zone: None }
    }

    #[test]
    fn the_last_of_so_many_is_near_where_it_is_looked_for() {
        let days = Weekdays::default().with(Weekday::Monday).with(Weekday::Friday);
        for (pattern, count, day) in [
            (Pattern::Daily { interval: 3 }, 5, date(2027, 1, 16)),
            (Pattern::Weekly { interval: 2, days, first_day: Weekday::Monday }, 5, date(2027, 2, 1)),
            (Pattern::AbsoluteMonthly { interval: 1, day: 31 }, 12, date(2027, 12, 31)),
            (Pattern::RelativeYearly { interval: 1, month: 5, days, index: WeekIndex::Last }, 4, date(2030, 5, 27)),
        ] {
            let windows = last(&series(pattern.clone(), RangeEnd::After(count)));
            let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
            assert!(windows[0].start() < noon && noon < windows[0].end(), "{pattern:?} {windows:?}");
            assert!(windows[0].start() >= windows[1].start() && windows[0].end() == windows[1].end());
        }
    }

    #[test]
    fn windows_are_no_wider_than_graph_allows() {
        let forever = series(Pattern::Daily { interval: 1 }, RangeEnd::Never);
        assert!(last(&forever).is_empty());
        let widest = [forever.clone(), series(Pattern::Daily { interval: u32::MAX }, RangeEnd::After(u32::MAX))];
        let long = series(Pattern::AbsoluteYearly { interval: 40, month: 1, day: 1 }, RangeEnd::On(date(2900, 1, 1)));
        for series in widest.iter().chain([&long]) {
            let windows = last(series).into_iter().chain(from(series.range.start));
            assert!(windows.into_iter().all(|window| window.seconds() <= WIDEST * 86_400));
        }
    }
}
