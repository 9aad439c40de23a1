//! `GET /users/{mailbox}/calendarView`: everything in a window, series as their occurrences. Least
//! permission: `Calendars.Read`; `Calendars.ReadBasic.All` hides texts and extended properties.
//!
//! <https://learn.microsoft.com/graph/api/calendar-list-calendarview>
//!
//! Owns this call's address. Must not know caches.

use jiff::Timestamp;

use crate::calendar::Window;
use crate::calendar::event::{Event, When};
use crate::failure::Failure;
use crate::graph::event_json::{EventParts, Item};
use crate::graph::fault::Trouble;
use crate::graph::json::bounds;
use crate::graph::visit::Visit;

const NAME: &str = "event_view";
/// Events in one answer.
pub(in crate::graph) const MOST: usize = 20_000;
/// Seconds by which clocks are before UTC at most, and after it.
const EAST: i64 = 14 * 3600;
const WEST: i64 = 12 * 3600;

/// What is in a window, by start: timed events that overlap it, and whole days that may overlap it
/// somewhere, since days are those of whoever looks at them. Graph takes them for days of UTC, and is
/// asked for more on both sides.
///
/// # Errors
/// What failed a page, [`Failure::TooManyFound`].
pub(in crate::graph) async fn event_view(
    visit: Visit<'_>,
    window: Window,
    parts: &EventParts,
) -> Result<Vec<Event>, Trouble> {
    let mut url = visit.url(&["calendarView"]);
    let (start, end) = bounds(widened(window));
    // A plus in a query may be read as a space, so the zone is written as Z.
    url.query_pairs_mut()
        .append_pair("startDateTime", &format!("{start}Z"))
        .append_pair("endDateTime", &format!("{end}Z"));
    parts.ask_many(&mut url)?;
    let items: Vec<Item> = visit.pages(NAME, url, MOST + 1).await?;
    if items.len() > MOST {
        return Err(Failure::TooManyFound.into());
    }
    let mut events = Vec::with_capacity(items.len());
    for item in items {
        let event = item.read(&parts.properties)?;
        if may_overlap(&event.when, window) {
            events.push(event);
        }
    }
    sort(&mut events);
    Ok(events)
}

/// By start; days begin with their midnight in UTC.
pub(in crate::graph) fn sort(events: &mut [Event]) {
    events.sort_by(|a, b| begin(&a.when).cmp(&begin(&b.when)).then_with(|| a.id.cmp(&b.id)));
}

/// Whether an event overlaps a window, or may do so in some zone.
pub(in crate::graph) fn may_overlap(when: &When, window: Window) -> bool {
    let (from, to) = (window.start().as_nanosecond(), window.end().as_nanosecond());
    let (start, end) = match *when {
        When::Timed { start, end } => (start.as_nanosecond(), end.as_nanosecond()),
        When::Days { after, .. } => {
            let second = |seconds: i64| i128::from(seconds) * 1_000_000_000;
            let end = midnight(after);
            (begin(when).as_nanosecond() - second(EAST), end.as_nanosecond() + second(WEST))
        }
    };
    start < to && (end > from || (start == end && start >= from))
}

/// The window in which Graph must look for days.
pub(in crate::graph) fn widened(window: Window) -> Window {
    let moved = |at: Timestamp, seconds: i64| Timestamp::from_second(at.as_second().saturating_add(seconds));
    let start = moved(window.start(), -EAST).unwrap_or_else(|_| window.start());
    let end = moved(window.end(), EAST + 1).unwrap_or_else(|_| window.end());
    Window::new(start, end).unwrap_or(window)
}

fn begin(when: &When) -> Timestamp {
    match *when {
        When::Timed { start, .. } => start,
        When::Days { first, .. } => midnight(first),
    }
}

fn midnight(day: jiff::civil::Date) -> Timestamp {
    day.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::MAX, |at| at.timestamp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use jiff::civil::date;

    use super::*;
    use crate::calendar::event::{EventKind, Response, Role};
    use crate::calendar::free_busy::BusyStatus;
    use crate::graph::json::{Page, decode};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_page_of_every_kind() {
        let body = include_bytes!("../../../fixtures/graph/event_view/page.json");
        let page: Page<Item> = decode(NAME, body).unwrap();
        let events: Vec<_> = page.value.into_iter().map(|item| item.read(&[]).unwrap()).collect();
        let [meeting, days, held] = &events[..] else { panic!("three events") };
        assert_eq!((meeting.kind, meeting.change_key.as_str()), (EventKind::Exception, "CQAAABYAAAB1"));
        assert_eq!(meeting.series.as_ref().unwrap().as_str(), "AAMkAD-series=");
        assert_eq!(meeting.when, When::Timed { start: at("2026-11-23T09:00:00Z"), end: at("2026-11-23T10:30:00Z") });
        assert_eq!(meeting.original_start, Some(at("2026-11-23T08:00:00Z")));
        assert_eq!(meeting.show_as, BusyStatus::Busy, "what nobody knows");
        assert_eq!((meeting.response, meeting.responded), (Response::Accepted, Some(at("2026-11-20T07:00:00Z"))));
        assert_eq!((meeting.attendees[1].role, meeting.attendees[1].response), (Role::Resource, Response::None));
        assert_eq!(meeting.organizer.as_ref().unwrap().address, "Olli@example.com");
        assert_eq!(meeting.join_url.as_deref(), Some("https://teams.example/1"));
        assert!(!meeting.is_organizer && meeting.is_response_requested && !meeting.is_held_back);
        assert_eq!(days.when, When::Days { first: date(2026, 11, 24), after: date(2026, 11, 26) });
        assert!(days.is_private() && days.created.is_none() && days.responded.is_none());
        assert_eq!(days.start_zone.as_deref(), Some("FLE Standard Time"));
        assert!(held.is_held_back && held.is_meeting());
        assert_eq!((held.attendees[0].person.name.as_str(), held.attendees[0].role), ("Eeva", Role::Optional));
        assert_eq!(held.uid.as_deref(), Some("a-uid-of-the-caller"));
        assert!(held.properties.is_empty());
    }

    #[test]
    fn days_may_overlap_in_any_zone() {
        let window = Window::new(at("2026-11-23T10:00:00Z"), at("2026-11-23T12:00:00Z")).unwrap();
        let day = |first, after| When::Days { first, after };
        let timed = |start, end| When::Timed { start: at(start), end: at(end) };
        assert!(may_overlap(&day(date(2026, 11, 23), date(2026, 11, 24)), window));
        assert!(may_overlap(&day(date(2026, 11, 24), date(2026, 11, 25)), window), "where it is tomorrow");
        assert!(may_overlap(&day(date(2026, 11, 22), date(2026, 11, 23)), window), "where it is yesterday");
        assert!(!may_overlap(&day(date(2026, 11, 25), date(2026, 11, 26)), window));
        assert!(!may_overlap(&day(date(2026, 11, 21), date(2026, 11, 22)), window));
        assert!(may_overlap(&timed("2026-11-23T09:00:00Z", "2026-11-23T10:00:01Z"), window));
        assert!(may_overlap(&timed("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"), window));
        assert!(!may_overlap(&timed("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"), window));
        assert!(!may_overlap(&timed("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"), window));
        let wide = widened(window);
        assert_eq!((wide.start(), wide.end()), (at("2026-11-22T20:00:00Z"), at("2026-11-24T02:00:01Z")));
    }
}
