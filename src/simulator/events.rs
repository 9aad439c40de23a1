//! Events of a calendar: list, get, create, update, delete, and answers to invitations.
//! <https://learn.microsoft.com/graph/api/resources/event>

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::ask::Ask;
use super::draft::Draft;
use super::error::{Answer, Refusal};
use super::event::{Event, Kind, Occurrence};
use super::ids;
use super::invitations;
use super::json::{boolean, known, missing, object};
use super::query::{Page, project};
use super::render::{self, Look};
use super::state::{Mailbox, new_event};

/// How the asking application sees a mailbox's events.
pub(super) fn look(ask: &Ask<'_>, mailbox: &Mailbox) -> Look {
    Look {
        zone: ask.preferences.zone_or_utc(),
        text_body: ask.preferences.text_body,
        basic: ask.grants.is_basic(&mailbox.address),
    }
}

/// Single events and series masters.
pub(super) fn list(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&["$top", "$skip", "$select", "$orderby", "$count"], ask.strict)?;
    let mailbox = ask.mailbox()?;
    let select = ask.query.select(&render::PROPERTIES, "event")?;
    let order = order(ask.query.get("$orderby"))?;
    let page = Page::by_skip(ask.query, ask.preferences.page_size.unwrap_or(10), 1000)?;
    let mut found: Vec<Occurrence<'_>> = mailbox.events.values().map(Event::whole).collect();
    found.sort_by(|a, b| order_of(order, a, b));
    let look = look(ask, mailbox);
    let shown = found.iter().map(|one| project(render::event(one, mailbox, &look), select.as_deref())).collect();
    let context = format!("users('{}')/events", mailbox.address);
    Ok(Answer::json(200, page.cut(shown, &context, ask.query, ask.here)))
}

pub(super) fn get(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&["$select"], ask.strict)?;
    let mailbox = ask.mailbox()?;
    let (number, day) = ids::parse_item(&ask.route.item, mailbox.id)?;
    show(ask, mailbox, number, day, 200)
}

/// Creates an event and invites its attendees. A `transactionId` makes it happen once.
pub(super) fn create(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let body = ask.json_body()?;
    let draft = Draft::read(&body, ask.strict)?;
    if draft.start.is_none() || draft.end.is_none() {
        return Err(missing("start and end"));
    }
    let transaction = draft.properties.get("transactionId").and_then(Value::as_str).map(str::to_owned);
    let mailbox = ask.mailbox()?;
    if let Some((old, number)) = transaction.as_ref().and_then(|id| mailbox.transactions.get(id)) {
        if *old != body {
            return Err(Refusal::new(
                409,
                "ErrorDuplicateTransactionId",
                "Your request can't be completed. The TransactionId specified in the request has already been used \
                 to create a different event.",
            ));
        }
        if mailbox.events.contains_key(number) {
            return show(ask, mailbox, *number, None, 201);
        }
    }
    let (number, change) = (ask.state.next_number(), ask.state.next_number());
    let mut event = new_event(number, change, ask.mailbox()?, ask.now);
    draft.apply(&mut event)?;
    if let Some(mailbox) = ask.state.mailboxes.get_mut(&key) {
        mailbox.events.insert(number, event);
        if let Some(id) = transaction {
            mailbox.transactions.insert(id, (body, number));
        }
    }
    invitations::share(ask.state, &key, number, ask.now);
    show(ask, ask.mailbox()?, number, None, 201)
}

/// Changes an event, a series, or one occurrence of it, which becomes an exception.
pub(super) fn update(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let (number, day, stored) = find(ask)?;
    let body = ask.json_body()?;
    let draft = Draft::read(&body, ask.strict)?;
    if let Some(given) = draft.properties.get("transactionId")
        && Some(given) != stored.properties.get("transactionId")
    {
        return Err(Refusal::bad("ErrorInvalidRequest", "The transactionId of an event can't be changed."));
    }
    let mut changed = stored;
    match day {
        None => {
            if draft.moves() {
                changed.exceptions.clear();
                invitations::ask_again(&mut changed);
            }
            draft.apply(&mut changed)?;
        }
        Some(day) => change_occurrence(&mut changed, day, draft)?,
    }
    changed.change = ask.state.next_number();
    changed.modified = ask.now;
    if let Some(mailbox) = ask.state.mailboxes.get_mut(&key) {
        mailbox.events.insert(number, changed);
    }
    invitations::share(ask.state, &key, number, ask.now);
    show(ask, ask.mailbox()?, number, day, 200)
}

pub(super) fn delete(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let (number, day, stored) = find(ask)?;
    match day {
        None => remove(ask, &key, &stored),
        Some(day) => {
            let change = ask.state.next_number();
            let mailbox = ask.state.mailboxes.get_mut(&key);
            if let Some(event) = mailbox.and_then(|mailbox| mailbox.events.get_mut(&number)) {
                event.exceptions.insert(day, None);
                event.change = change;
                event.modified = ask.now;
            }
            invitations::share(ask.state, &key, number, ask.now);
        }
    }
    Ok(Answer::empty(204))
}

/// `accept`, `tentativelyAccept`, `decline` and `cancel`.
pub(super) fn respond(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let (number, day, stored) = find(ask)?;
    let body = if ask.body.is_empty() { json!({}) } else { ask.json_body()? };
    let fields = object(&body, "body")?;
    let action = ask.route.last.as_str();
    let names: &[&str] = match action {
        "cancel" => &["comment", "Comment"],
        "accept" => &["comment", "sendResponse"],
        _ => &["comment", "sendResponse", "proposedNewTime"],
    };
    known(fields, names, action, ask.strict)?;
    let sends = fields.get("sendResponse").map_or(Ok(true), |value| boolean(value, "sendResponse"))?;
    if day.is_some() {
        return Err(Refusal::bad(
            "ErrorInvalidRequest",
            "Answers to one occurrence are not simulated; answer the series.",
        ));
    }
    if action == "cancel" {
        if !stored.is_organizer {
            let message = "Your request can't be completed. You need to be an organizer to cancel a meeting.";
            return Err(Refusal::bad("ErrorInvalidRequest", message));
        }
        remove(ask, &key, &stored);
        return Ok(Answer::empty(202));
    }
    if stored.is_organizer {
        let message =
            "Your request can't be completed. You can't respond to this meeting because you're the organizer.";
        return Err(Refusal::bad("ErrorInvalidRequest", message));
    }
    if fields.contains_key("proposedNewTime") && !sends {
        let message = "A new time can only be proposed when a response is sent.";
        return Err(Refusal::bad("ErrorInvalidParameter", message));
    }
    let response = match action {
        "accept" => "accepted",
        "decline" => "declined",
        _ => "tentativelyAccepted",
    };
    invitations::answer(ask.state, &key, number, response, ask.now);
    Ok(Answer::empty(202))
}

/// What `$orderby` sorts by.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Start { descending: bool },
    End { descending: bool },
    Subject { descending: bool },
}

pub(super) fn order(text: Option<&str>) -> Result<Order, Refusal> {
    let Some(text) = text else { return Ok(Order::Start { descending: false }) };
    let (property, direction) = text.trim().split_once(' ').unwrap_or_else(|| (text.trim(), "asc"));
    let problem = || Refusal::bad("BadRequest", format!("Could not sort by '{text}'."));
    let descending = match direction.trim() {
        "asc" => false,
        "desc" => true,
        _ => return Err(problem()),
    };
    match property {
        "start/dateTime" => Ok(Order::Start { descending }),
        "end/dateTime" => Ok(Order::End { descending }),
        "subject" => Ok(Order::Subject { descending }),
        _ => Err(problem()),
    }
}

pub(super) fn order_of(order: Order, a: &Occurrence<'_>, b: &Occurrence<'_>) -> Ordering {
    let (start, end) =
        (|one: &Occurrence<'_>| one.instants(&TimeZone::UTC).0, |one: &Occurrence<'_>| one.instants(&TimeZone::UTC).1);
    let (found, descending) = match order {
        Order::Start { descending } => (start(a).cmp(&start(b)), descending),
        Order::End { descending } => (end(a).cmp(&end(b)), descending),
        Order::Subject { descending } => (a.event.text("subject", "").cmp(b.event.text("subject", "")), descending),
    };
    // Equal ones keep one order, so that pages neither repeat nor lose any.
    let found = if descending { found.reverse() } else { found };
    found.then(a.series.number.cmp(&b.series.number)).then(a.day.cmp(&b.day))
}

/// The event that the path names, if the `If-Match` header agrees.
fn find(ask: &Ask<'_>) -> Result<(u64, Option<Date>, Event), Refusal> {
    let mailbox = ask.mailbox()?;
    let (number, day) = ids::parse_item(&ask.route.item, mailbox.id)?;
    let event = mailbox.events.get(&number).ok_or_else(Refusal::no_such_item)?;
    if let Some(day) = day {
        event.on(day).ok_or_else(Refusal::no_such_item)?;
    }
    if let Some(wanted) = ask.headers.get("if-match").and_then(|value| value.to_str().ok()) {
        let key = wanted.trim().trim_start_matches("W/").trim_matches('"');
        if key != "*" && key != ids::change_key(event.number, event.change) {
            return Err(Refusal::new(
                412,
                "ErrorIrresolvableConflict",
                "The send or update operation could not be performed because the change key passed in the request \
                 does not match the current change key for the item.",
            ));
        }
    }
    Ok((number, day, event.clone()))
}

fn show(ask: &Ask<'_>, mailbox: &Mailbox, number: u64, day: Option<Date>, status: u16) -> Result<Answer, Refusal> {
    let event = mailbox.events.get(&number).ok_or_else(Refusal::no_such_item)?;
    let occurrence = match day {
        None => event.whole(),
        Some(day) => event.on(day).ok_or_else(Refusal::no_such_item)?,
    };
    let select = ask.query.select(&render::PROPERTIES, "event")?;
    let mut shown = render::event(&occurrence, mailbox, &look(ask, mailbox));
    if let Some(fields) = shown.as_object_mut() {
        let asked = |name: &str| select.as_ref().is_some_and(|names| names.iter().any(|one| one == name));
        if occurrence.kind == Kind::Master && asked("cancelledOccurrences") {
            fields.insert("cancelledOccurrences".to_owned(), render::cancelled_occurrences(event, mailbox));
        }
        let context = format!("{}/v1.0/$metadata#users('{}')/events/$entity", ask.here.origin, mailbox.address);
        fields.insert("@odata.context".to_owned(), json!(context));
    }
    Ok(Answer::json(status, project(shown, select.as_deref())))
}

/// Deletes an event; a meeting's organizer cancels it for everybody.
fn remove(ask: &mut Ask<'_>, key: &str, stored: &Event) {
    if let Some(mailbox) = ask.state.mailboxes.get_mut(key) {
        mailbox.events.remove(&stored.number);
    }
    if stored.is_organizer {
        invitations::call_off(ask.state, stored);
    } else if !stored.cancelled
        && let Some(organizer) = ask.state.mailbox_of(&stored.organizer.address)
        && let Some(meeting) = organizer.events.values_mut().find(|one| one.uid == stored.uid)
    {
        // Deleting an invitation declines it.
        for attendee in meeting.attendees.iter_mut().filter(|one| one.who.address.eq_ignore_ascii_case(key)) {
            (attendee.response, attendee.answered) = ("declined", Some(ask.now));
        }
    }
}

fn change_occurrence(series: &mut Event, day: Date, draft: Draft) -> Result<(), Refusal> {
    if draft.recurrence.is_some() {
        return Err(Refusal::bad("ErrorInvalidRequest", "An occurrence has no recurrence of its own."));
    }
    let current = series.on(day).ok_or_else(Refusal::no_such_item)?;
    let mut exception = current.event.clone();
    (exception.start, exception.end) = (current.start, current.end);
    exception.recurrence = None;
    exception.exceptions.clear();
    let moves = draft.moves();
    draft.apply(&mut exception)?;
    if moves && crosses_neighbour(series, day, &exception) {
        return Err(Refusal::bad(
            "ErrorOccurrenceCrossingBoundary",
            "Modified occurrence is crossing or overlapping adjacent occurrence.",
        ));
    }
    series.exceptions.insert(day, Some(Box::new(exception)));
    Ok(())
}

/// Whether a moved occurrence would leave the place between the ones before and after it.
fn crosses_neighbour(series: &Event, day: Date, exception: &Event) -> bool {
    let Some(recurrence) = &series.recurrence else { return false };
    let near = recurrence
        .dates(day.saturating_sub(jiff::Span::new().years(2)), day.saturating_add(jiff::Span::new().years(2)));
    let on = |day: Option<&Date>| day.and_then(|day| series.on(*day));
    let before = on(near.iter().rev().find(|one| **one < day));
    let after = on(near.iter().find(|one| **one > day));
    let start = exception.zone.instant(exception.start);
    let end = exception.zone.instant(exception.end);
    before.is_some_and(|one| start < one.instants(&series.zone.rules).1)
        || after.is_some_and(|one| end > one.instants(&series.zone.rules).0)
}
