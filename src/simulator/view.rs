//! calendarView and instances: what happens in a window, occurrences of series included.
//! <https://learn.microsoft.com/graph/api/calendar-list-calendarview>

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::event::{Event, Occurrence};
use super::events::{look, order, order_of};
use super::ids;
use super::query::{Page, project};
use super::render;
use super::state::Mailbox;

const OPTIONS: [&str; 7] = ["startDateTime", "endDateTime", "$top", "$skip", "$select", "$orderby", "$count"];
/// Longest window.
const MOST_DAYS: i64 = 1825;

/// Events and occurrences in a window.
pub(super) fn calendar_view(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = ask.mailbox()?;
    let context = format!("users('{}')/calendarView", mailbox.address);
    collection(ask, mailbox, mailbox.events.values(), &context)
}

/// The occurrences of one series in a window.
pub(super) fn instances(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = ask.mailbox()?;
    let (number, _) = ids::parse_item(&ask.route.item, mailbox.id)?;
    let event = mailbox.events.get(&number).ok_or_else(Refusal::no_such_item)?;
    let context = format!("users('{}')/events('{}')/instances", mailbox.address, ask.route.item);
    collection(ask, mailbox, std::iter::once(event), &context)
}

fn collection<'a>(
    ask: &Ask<'_>,
    mailbox: &Mailbox,
    events: impl Iterator<Item = &'a Event>,
    context: &str,
) -> Result<Answer, Refusal> {
    ask.query.allow(&OPTIONS, ask.strict)?;
    let (from, to) = window(ask)?;
    let select = ask.query.select(&render::PROPERTIES, "event")?;
    let order = order(ask.query.get("$orderby"))?;
    let page = Page::by_skip(ask.query, ask.preferences.page_size.unwrap_or(10), 1000)?;
    // All-day events float, and Graph matches them to the window as days of UTC.
    let mut found: Vec<Occurrence<'_>> = events.flat_map(|event| event.between(from, to, &TimeZone::UTC)).collect();
    found.sort_by(|a, b| order_of(order, a, b));
    let look = look(ask, mailbox);
    let shown = found.iter().map(|one| project(render::event(one, mailbox, &look), select.as_deref()));
    let shown: Vec<Value> = shown.collect();
    Ok(Answer::json(200, page.cut(shown, context, ask.query, ask.here)))
}

fn window(ask: &Ask<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
    let read = |name: &str| {
        let text = ask.query.get(name).ok_or_else(|| {
            Refusal::bad(
                "ErrorInvalidRequest",
                "This request requires a time window specified by the query string \
                 parameters StartDateTime and EndDateTime.",
            )
        })?;
        instant(text).ok_or_else(|| {
            Refusal::bad("ErrorInvalidParameter", format!("The value '{text}' of parameter '{name}' is invalid."))
        })
    };
    let (from, to) = (read("startDateTime")?, read("endDateTime")?);
    if to < from {
        return Err(Refusal::bad("ErrorInvalidRequest", "The end of the window is before its start."));
    }
    if to.duration_since(from) > SignedDuration::from_hours(24 * MOST_DAYS) {
        let message = format!("The requested time window exceeds the maximum of {MOST_DAYS} days.");
        return Err(Refusal::bad("ErrorInvalidRequest", message));
    }
    Ok((from, to))
}

/// A date-time with its own offset; none means UTC.
fn instant(text: &str) -> Option<Timestamp> {
    if text.contains('[') {
        return None;
    }
    let with_offset = text.parse::<Timestamp>().ok();
    with_offset.or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn windows_have_their_own_offsets() {
        let nine = instant("2026-11-23T09:00:00Z");
        assert!(nine.is_some());
        assert_eq!(instant("2026-11-23T11:00:00+02:00"), nine);
        assert_eq!(instant("2026-11-23T09:00:00.0000000"), nine);
        assert_eq!(instant("tomorrow"), None);
        assert_eq!(instant("2026-11-23T11:00:00+02:00[Europe/Helsinki]"), None);
    }
}
