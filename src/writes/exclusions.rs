//! Days that a new series does without: Graph makes a series whole, and its occurrences are deleted
//! afterwards.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::Window;
use crate::calendar::event::{Event, EventChange, When};
use crate::calendar::recurrence::{RangeEnd, Recurrence};
use crate::calendar::zone::Zone;
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::{EventParts, Graphs};
use crate::journal::Journal;

/// Deletes the occurrences of a new series on some days, and gives the series as it is then.
pub(super) async fn leave_out(
    graphs: &Graphs,
    mailbox: &Permitted,
    (series, change): (Event, &EventChange),
    days: &[Date],
    journal: &Journal,
) -> Result<Event, Failure> {
    let zone = change.start.as_ref().and_then(|start| start.zone.as_deref());
    let zone = zone.map(Zone::named).transpose()?.unwrap_or_else(Zone::utc);
    let parts = EventParts::default();
    let mut gone = Vec::new();
    for days in clusters(days, change.recurrence.as_ref().and_then(Option::as_ref)) {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { continue };
        let Some(window) = around(*first, *last, &zone) else { continue };
        let occurrences = graphs.occurrences(mailbox, &series.id, window, MOST, &parts, journal).await?;
        gone.extend(occurrences.into_iter().filter(|event| days.contains(&day(event, &zone))));
    }
    // One after the other: they are one item.
    let deleted =
        stream::iter(gone).then(|event| async move { graphs.delete_event(mailbox, &event.id, None, journal).await });
    deleted.try_collect::<()>().await?;
    graphs.event(mailbox, &series.id, &parts, journal).await
}

/// The days that the series may have, by order, in stretches of which Graph gives all occurrences. A
/// day outside its range is one that it does without anyway.
fn clusters(days: &[Date], series: Option<&Recurrence>) -> Vec<Vec<Date>> {
    let first = series.map_or(Date::MIN, |series| series.range.start);
    let last = match series.map(|series| series.range.end) {
        Some(RangeEnd::On(day)) => day.min(LATEST),
        _ => LATEST,
    };
    let days: BTreeSet<_> = days.iter().copied().filter(|day| (first..=last).contains(day)).collect();
    let mut clusters: Vec<Vec<Date>> = Vec::new();
    for day in days {
        let is_near = |begin: &&Date| (day - **begin).get_days() < WIDEST;
        match clusters.last_mut() {
            Some(cluster) if cluster.first().as_ref().is_some_and(is_near) => cluster.push(day),
            _ => clusters.push(vec![day]),
        }
    }
    clusters
}

fn around(first: Date, last: Date, zone: &Zone) -> Option<Window> {
    let day = SignedDuration::from_hours(24);
    let (first, after) = (first.checked_sub(day).ok()?, last.checked_add(day + day).ok()?);
    let (start, end) = When::Days { first, after }.instants(zone);
    Window::new(start, end)
}

fn day(event: &Event, zone: &Zone) -> Date {
    match event.when {
        When::Days { first, .. } => first,
        When::Timed { start, .. } => {
            let local = Timestamp::from_second(zone.local_of_second(start.as_second()));
            local.map_or(Date::MAX, |local| Offset::UTC.to_datetime(local).date())
        }
    }
}

/// Occurrences in one answer: more than the widest stretch can hold, with one a day.
const MOST: usize = 999;
/// Days in one stretch.
const WIDEST: i32 = 900;
/// No calendar goes further.
const LATEST: Date = jiff::civil::date(4500, 9, 1);
