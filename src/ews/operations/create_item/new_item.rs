//! A new calendar item: what a draft leaves out is filled in as Exchange does it.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/createitem-operation-calendar-item>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::calendar::event::{EventChange, ZonedTime};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::icalendar::{self, Read};
use crate::calendar::zone::Zone;
use crate::ews::types::calendar_item_draft::Draft;
use crate::ews::types::calendar_item_draft::span::{Clocks, span};
use crate::ews::types::time_zone::TimeZoneContext;
use crate::ews::types::value::WireTime;
use crate::failure::Failure;

/// What Graph is told.
#[derive(Debug, PartialEq)]
pub(super) struct NewItem {
    /// Attendees who are not to be told stand on the item only.
    pub(super) change: EventChange,
    /// Days that a series does without.
    pub(super) without: Vec<Date>,
}

/// What a draft comes to.
pub(super) fn of(
    mut draft: Draft,
    tells: bool,
    header: Option<&TimeZoneContext>,
    now: Timestamp,
) -> Result<NewItem, Failure> {
    if let Some(problem) = draft.problem.take() {
        return Err(problem);
    }
    let mime = draft.mime.take().map(|mime| read_mime(&mime)).transpose()?;
    let (mime, without) = mime.map(|read| (read.change, read.excluded)).unzip();
    let is_all_day = draft.change.is_all_day.or_else(|| mime.as_ref()?.is_all_day).unwrap_or_default();
    let attendees = draft.all_attendees();
    let has_times = draft.start.is_some() || draft.end.is_some();
    let times = if mime.is_some() && !has_times { None } else { Some(times(&draft, is_all_day, header, now)?) };
    let mut change = mime.unwrap_or_default().overlaid(draft.change);
    if let Some((start, end)) = times {
        (change.start, change.end) = (Some(start), Some(end));
    } else if ends_before_it_starts(&change) {
        return Err(Failure::EndBeforeStart);
    }
    let known = change.attendees.take();
    let invited = attendees.or(known).filter(|attendees| !attendees.is_empty());
    *(if tells { &mut change.attendees } else { &mut change.held_back }) = invited;
    change.is_all_day = Some(is_all_day);
    change.show_as = change.show_as.or(Some(BusyStatus::Busy));
    let reminds = *change.is_reminder_on.get_or_insert(true);
    change.reminder_minutes = reminds.then(|| change.reminder_minutes.unwrap_or(DEFAULT_REMINDER));
    Ok(NewItem { change, without: without.unwrap_or_default() })
}

fn times(
    draft: &Draft,
    is_all_day: bool,
    header: Option<&TimeZoneContext>,
    now: Timestamp,
) -> Result<(ZonedTime, ZonedTime), Failure> {
    let about = match draft.start {
        Some(WireTime::Instant(second) | WireTime::Local(second)) => second,
        None => now.as_second(),
    };
    let clocks = match Clocks::of(draft, about)? {
        Some(clocks) => clocks,
        None => Clocks::of_header(header, about)?,
    };
    let start = draft.start.map_or_else(|| next_half_hour(now), |start| start.second(clocks.start.zone()));
    let end = draft.end.map_or(start + DEFAULT_LENGTH, |end| end.second(clocks.end.zone()));
    let first = draft.change.recurrence.as_ref().and_then(Option::as_ref).map(|recurrence| recurrence.range.start);
    span((start, end), is_all_day, &clocks, first)
}

fn read_mime(mime: &str) -> Result<Read, Failure> {
    let plain: String = mime.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(plain).map_err(|_| Failure::BadMime)?;
    let text = String::from_utf8(bytes).map_err(|_| Failure::BadMime)?;
    icalendar::read(&text)
}

fn ends_before_it_starts(change: &EventChange) -> bool {
    let second = |time: &ZonedTime| {
        let clock = time.zone.as_deref().map_or_else(|| Ok(Zone::utc()), Zone::named).ok()?;
        Some(clock.second_of_local(Offset::UTC.to_timestamp(time.local).ok()?.as_second()))
    };
    let (start, end) = (change.start.as_ref().and_then(second), change.end.as_ref().and_then(second));
    start.zip(end).is_some_and(|(start, end)| end < start)
}

fn next_half_hour(now: Timestamp) -> i64 {
    (now.as_second().div_euclid(DEFAULT_LENGTH) + 1) * DEFAULT_LENGTH
}

/// Seconds.
const DEFAULT_LENGTH: i64 = 1800;
/// Minutes.
const DEFAULT_REMINDER: i32 = 15;
