//! Days that a new series does without: Graph makes a series whole, and its occurrences are deleted
//! afterwards.

use std::collections::HashSet;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::Window;
use crate::calendar::event::{Event, EventChange, When};
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
    let Some(window) = around(days, &zone) else { return Ok(series) };
    let wanted: HashSet<_> = days.iter().copied().collect();
    let parts = EventParts::default();
    let occurrences = graphs.occurrences(mailbox, &series.id, window, MOST, &parts, journal).await?;
    let gone = occurrences.into_iter().filter(|event| wanted.contains(&day(event, &zone)));
    // One after the other: they are one item.
    let deleted =
        stream::iter(gone).then(|event| async move { graphs.delete_event(mailbox, &event.id, None, journal).await });
    deleted.try_collect::<()>().await?;
    graphs.event(mailbox, &series.id, &parts, journal).await
}

fn around(days: &[Date], zone: &Zone) -> Option<Window> {
    let day = SignedDuration::from_hours(24);
    let first = days.iter().min()?.checked_sub(day).ok()?;
    let after = days.iter().max()?.checked_add(day + day).ok()?;
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

/// Exchange keeps no series with more occurrences.
const MOST: usize = 999;
