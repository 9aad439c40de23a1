//! calendarView/delta: what a window holds, and then what changed in it.
//! <https://learn.microsoft.com/graph/api/event-delta>
//!
//! A series that changed is given as a whole: its master and every occurrence in the window. What left the
//! window, or changed outside it, is said to be removed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::ask::Ask;
use super::delta_token::Mark;
use super::error::{Answer, Refusal};
use super::event::{Event, Occurrence};
use super::shape::Shape;
use super::state::Mailbox;
use super::view::window;

const OPTIONS: [&str; 4] = ["startDateTime", "endDateTime", "$skiptoken", "$deltatoken"];
const USUAL_PAGE: usize = 10;

/// An event, or its occurrence on a day of its pattern; masters come before their occurrences.
type Key = (u64, Option<Date>);

pub(super) fn calendar_view(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    if ask.query.allow(&OPTIONS, true).is_err() {
        let message = "The following parameters are not supported with change tracking over the 'CalendarView' \
            resource: '$orderby, $filter, $select, $expand, $search, $top'.";
        return Err(Refusal::bad("ErrorInvalidUrlQuery", message));
    }
    let mailbox = ask.mailbox()?;
    let mut mark = mark(ask, mailbox)?;
    let until = mark.until.unwrap_or_else(|| ask.state.last_change());
    let shape = Shape::of_many(ask, mailbox)?;
    let all = entries(mailbox, &mark)?;
    let given = mark.given;
    let mut left = all.into_iter().filter(|(key, _)| given.is_none_or(|given| *key > given)).peekable();
    let size = ask.preferences.page_size.unwrap_or(USUAL_PAGE).min(1000);
    let mut value = Vec::new();
    while let Some(((number, day), entry)) = left.next_if(|_| value.len() < size) {
        mark.given = Some((number, day));
        value.push(match entry {
            Some(occurrence) => shape.show(&occurrence, mailbox),
            None => json!({ "@removed": { "reason": "deleted" }, "id": shape.id(mailbox, number, day) }),
        });
    }
    let (link, option) = if left.peek().is_some() {
        mark.until = Some(until);
        ("@odata.nextLink", "$skiptoken")
    } else {
        (mark.since, mark.until, mark.given) = (Some(until), None, None);
        ("@odata.deltaLink", "$deltatoken")
    };
    let (origin, path, token) = (&ask.here.origin, &ask.here.path, ask.delta_tokens.seal(&mark));
    Ok(Answer::json(
        200,
        json!({
            "@odata.context": format!("{origin}/v1.0/$metadata#Collection(event)"),
            link: format!("{origin}{path}?{option}={token}"),
            "value": value,
        }),
    ))
}

/// Where the caller stands: at a new window, or where its token says.
fn mark(ask: &Ask<'_>, mailbox: &Mailbox) -> Result<Mark, Refusal> {
    let token = ask.query.get("$skiptoken").or_else(|| ask.query.get("$deltatoken"));
    let Some(token) = token else {
        let (from, to) = window(ask)?;
        return Ok(Mark { mailbox: mailbox.id, from, to, since: None, until: None, given: None });
    };
    if ask.query.get("startDateTime").is_some() || ask.query.get("endDateTime").is_some() {
        let message = "The window belongs to the token and cannot be given together with it.";
        return Err(Refusal::bad("ErrorInvalidUrlQuery", message));
    }
    let mark = ask.delta_tokens.open(token).filter(|mark| mark.mailbox == mailbox.id);
    let is_between = ask.query.get("$deltatoken").is_some();
    mark.filter(|mark| mark.until.is_none() == is_between).ok_or_else(gone)
}

/// What there is to tell: occurrences as they are, `None` for what is gone.
fn entries<'a>(mailbox: &'a Mailbox, mark: &Mark) -> Result<BTreeMap<Key, Option<Occurrence<'a>>>, Refusal> {
    let events = mailbox.calendar.events();
    let mut entries = BTreeMap::new();
    let Some(since) = mark.since else {
        entries.extend(events.values().flat_map(|event| inside(event, mark)).map(|(key, one)| (key, Some(one))));
        return Ok(entries);
    };
    for (number, before) in mailbox.calendar.since(since).ok_or_else(gone)? {
        let after = events.get(&number);
        if before.is_none() && after.is_none() {
            continue;
        }
        entries.extend(before.into_iter().flat_map(|before| inside(before, mark)).map(|(key, _)| (key, None)));
        let present: Vec<_> = after.into_iter().flat_map(|after| inside(after, mark)).collect();
        if present.is_empty() {
            entries.insert((number, None), None);
        }
        entries.extend(present.into_iter().map(|(key, one)| (key, Some(one))));
    }
    Ok(entries)
}

/// What of an event is in the window: itself, or its occurrences and then its master, too.
fn inside<'a>(event: &'a Event, mark: &Mark) -> Vec<(Key, Occurrence<'a>)> {
    let mut found = event.between(mark.from, mark.to, &TimeZone::UTC);
    if event.recurrence.is_some() && !found.is_empty() {
        found.push(event.whole());
    }
    found.into_iter().map(|one| ((event.number, one.day), one)).collect()
}

/// <https://learn.microsoft.com/graph/delta-query-overview#synchronization-reset>
fn gone() -> Refusal {
    Refusal::new(410, "syncStateNotFound", "The sync state generation is not found.")
}
