//! The first and the last occurrence of a series.
//!
//! Owns where they are looked for: Graph tells the occurrences in a stretch of time, five years at most.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::calendar::Window;
use crate::calendar::event::{Event, EventKind, When};
use crate::calendar::recurrence::{RangeEnd, Recurrence};
use crate::calendar::zone::Zone;
use crate::client::Permitted;
use crate::ews::operation::Context;
use crate::ews::types::calendar_item::Ends;
use crate::ews::types::property_path::Field;
use crate::ews::types::shape::Wanted;
use crate::failure::Failure;
use crate::graph::EventParts;

/// The ends of a series that are wanted. The last one is told of series that end on a day, and of
/// those with a number of occurrences if that is within five years.
///
/// # Errors
/// As [`crate::graph::Graphs::occurrences`].
pub(super) async fn of(
    mailbox: &Permitted,
    event: &Event,
    wanted: &Wanted,
    context: &Context<'_>,
) -> Result<Ends, Failure> {
    let Some(series) = event.recurrence.as_ref().filter(|_| event.kind == EventKind::Master) else {
        return Ok(Ends::default());
    };
    let mut ends = Ends::default();
    if wanted.has(Field::FirstOccurrence) {
        ends.first = occurrences(mailbox, event, from(series.range.start), 1, context).await?.into_iter().next();
    }
    if wanted.has(Field::LastOccurrence)
        && let Some((window, most)) = last(series)
    {
        let told = occurrences(mailbox, event, Some(window), most, context).await?;
        // Fewer than were asked for, so that none follows.
        ends.last = told.into_iter().max_by_key(|occurrence| start(&occurrence.when));
    }
    Ok(ends)
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

/// Where the last occurrence is, and how many are there at most.
fn last(series: &Recurrence) -> Option<(Window, usize)> {
    let start = series.range.start;
    match series.range.end {
        RangeEnd::Never => None,
        RangeEnd::On(day) => {
            let end = day.checked_add(MARGIN.days()).ok()?;
            let earliest = end.checked_sub(WIDEST.days()).ok()?;
            let begin = start.checked_sub(MARGIN.days()).ok()?.max(earliest);
            Some((window(begin, end)?, MOST))
        }
        RangeEnd::After(count) => Some((from(start)?, usize::try_from(count).ok()?.min(MOST))),
    }
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
/// Days in one question: what Graph is asked for is somewhat wider, and may have 1825.
const WIDEST: i64 = 1800;
/// More than one a day for five years.
const MOST: usize = 2000;
