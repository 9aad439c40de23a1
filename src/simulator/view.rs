//! calendarView and instances: what happens in a window, occurrences of series included.
//! <https://learn.microsoft.com/graph/api/calendar-list-calendarview>

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::event::{Event, Occurrence};
use super::event_filter::instant;
use super::ids;
use super::order::Order;
use super::query::Page;
use super::shape::Shape;
use super::state::Mailbox;

const OPTIONS: [&str; 8] =
    ["startDateTime", "endDateTime", "$top", "$skip", "$select", "$expand", "$orderby", "$count"];
/// Longest window.
const MOST_DAYS: i64 = 1825;

/// Events and occurrences in a window.
pub(super) fn calendar_view(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = ask.mailbox()?;
    let context = format!("users('{}')/calendarView", mailbox.address);
    collection(ask, mailbox, mailbox.calendar.events().values(), &context)
}

/// The occurrences of one series in a window.
pub(super) fn instances(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let mailbox = ask.mailbox()?;
    let (number, _) = ids::parse_item(&ask.route.item, mailbox.id)?;
    let event = mailbox.calendar.events().get(&number).ok_or_else(Refusal::no_such_item)?;
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
    let shape = Shape::of_many(ask, mailbox)?;
    let order = Order::parse(ask.query.get("$orderby"))?;
    let page = Page::by_skip(ask.query, ask.preferences.page_size.unwrap_or(10), 1000)?;
    // All-day events float, and Graph matches them to the window as days of UTC.
    let mut found: Vec<Occurrence<'_>> = events.flat_map(|event| event.between(from, to, &TimeZone::UTC)).collect();
    found.sort_by(|a, b| order.compare(a, b));
    let show = |one: Occurrence<'_>| shape.show(&one, mailbox);
    Ok(Answer::json(200, page.cut(found, show, context, ask.query, ask.here)))
}

/// The window that the parameters give, each with its own offset.
pub(super) fn window(ask: &Ask<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
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
