//! Events of a calendar: list, get, create, update, delete.
//! <https://learn.microsoft.com/graph/api/resources/event>

use jiff::civil::Date;
use serde_json::{Value, json};

use super::ask::Ask;
use super::draft::Draft;
use super::error::{Answer, Refusal};
use super::event::{Event, Occurrence};
use super::event_filter::EventFilter;
use super::ids;
use super::invitations::{self, Reply};
use super::json::missing;
use super::order::Order;
use super::query::Page;
use super::shape::Shape;
use super::state::{Mailbox, new_event};

/// Single events and series masters.
pub(super) fn list(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&["$filter", "$top", "$skip", "$select", "$expand", "$orderby", "$count"], ask.strict)?;
    let mailbox = ask.mailbox()?;
    let shape = Shape::of_many(ask, mailbox)?;
    let filter = ask.query.get("$filter").map(EventFilter::parse).transpose()?;
    if filter.as_ref().is_some_and(EventFilter::needs_extended) && ask.grants.is_basic(&mailbox.address) {
        return Err(Refusal::access_denied());
    }
    let order = Order::parse(ask.query.get("$orderby"))?;
    let page = Page::by_skip(ask.query, ask.preferences.page_size.unwrap_or(10), 1000)?;
    let all = mailbox.calendar.events().values().map(Event::whole);
    let mut found: Vec<Occurrence<'_>> =
        all.filter(|one| filter.as_ref().is_none_or(|filter| filter.matches(one))).collect();
    found.sort_by(|a, b| order.compare(a, b));
    let show = |one: Occurrence<'_>| shape.show(&one, mailbox);
    let context = format!("users('{}')/events", mailbox.address);
    Ok(Answer::json(200, page.cut(found, show, &context, ask.query, ask.here)))
}

pub(super) fn get(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&["$select", "$expand"], ask.strict)?;
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
        if mailbox.calendar.events().contains_key(number) {
            return show(ask, mailbox, *number, None, 201);
        }
    }
    let number = ask.state.next_number();
    let mut event = new_event(number, ask.mailbox()?, ask.now);
    draft.apply(&mut event)?;
    invitations::publish(ask.state, &key, event, ask.now);
    if let (Some(mailbox), Some(id)) = (ask.state.mailboxes.get_mut(&key), transaction) {
        mailbox.transactions.insert(id, (body, number));
    }
    show(ask, ask.mailbox()?, number, None, 201)
}

/// Changes an event, a series, or one occurrence of it, which becomes an exception.
pub(super) fn update(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let (number, day, mut event) = find(ask)?;
    let body = ask.json_body()?;
    let draft = Draft::read(&body, ask.strict)?;
    if let Some(given) = draft.properties.get("transactionId")
        && Some(given) != event.properties.get("transactionId")
    {
        return Err(Refusal::bad("ErrorInvalidRequest", "The transactionId of an event can't be changed."));
    }
    match day {
        None => change_whole(&mut event, draft)?,
        Some(day) => change_occurrence(&mut event, day, draft)?,
    }
    invitations::publish(ask.state, &key, event, ask.now);
    show(ask, ask.mailbox()?, number, day, 200)
}

pub(super) fn delete(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let (_, day, stored) = find(ask)?;
    remove(ask, &key, stored, day);
    Ok(Answer::empty(204))
}

/// The event that the path names, if the `If-Match` header agrees.
pub(super) fn find(ask: &Ask<'_>) -> Result<(u64, Option<Date>, Event), Refusal> {
    let mailbox = ask.mailbox()?;
    let (number, day) = ids::parse_item(&ask.route.item, mailbox.id)?;
    let event = mailbox.calendar.events().get(&number).ok_or_else(Refusal::no_such_item)?;
    let occurrence = occurrence(event, day)?;
    if let Some(wanted) = ask.headers.get("if-match").and_then(|value| value.to_str().ok()) {
        let key = wanted.trim().trim_start_matches("W/").trim_matches('"');
        if key != "*" && key != ids::change_key(mailbox.id, occurrence.event.change) {
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

/// Deletes an event or one occurrence; a meeting's organizer cancels it for everybody, an attendee declines it.
pub(super) fn remove(ask: &mut Ask<'_>, key: &str, mut stored: Event, day: Option<Date>) {
    if !stored.is_organizer && !stored.cancelled {
        let reply = Reply { day, response: "declined", sent: true };
        invitations::answer(ask.state, key, stored.number, &reply, ask.now);
    }
    match day {
        Some(day) => {
            stored.exceptions.insert(day, None);
            invitations::publish(ask.state, key, stored, ask.now);
        }
        None => {
            ask.state.remove(key, stored.number);
            if stored.is_organizer {
                invitations::call_off(ask.state, &stored, ask.now);
            }
        }
    }
}

fn occurrence(event: &Event, day: Option<Date>) -> Result<Occurrence<'_>, Refusal> {
    match day {
        None => Ok(event.whole()),
        Some(day) => event.on(day).ok_or_else(Refusal::no_such_item),
    }
}

fn show(ask: &Ask<'_>, mailbox: &Mailbox, number: u64, day: Option<Date>, status: u16) -> Result<Answer, Refusal> {
    let event = mailbox.calendar.events().get(&number).ok_or_else(Refusal::no_such_item)?;
    let mut shown = Shape::of_one(ask, mailbox)?.show(&occurrence(event, day)?, mailbox);
    if let Some(fields) = shown.as_object_mut() {
        let context = format!("{}/v1.0/$metadata#users('{}')/events/$entity", ask.here.origin, mailbox.address);
        fields.insert("@odata.context".to_owned(), json!(context));
    }
    Ok(Answer::json(status, shown))
}

/// Whoever was asked is asked again when the time changes, and exceptions are gone; times that are merely repeated
/// change nothing.
fn change_whole(event: &mut Event, draft: Draft) -> Result<(), Refusal> {
    let before = event.clone();
    draft.apply(event)?;
    let zone_counts = event.recurrence.is_some() && before.zone.name != event.zone.name;
    let times = |event: &Event| (event.zone.instant(event.start), event.zone.instant(event.end), event.all_day);
    if zone_counts || times(&before) != times(event) || before.recurrence != event.recurrence {
        event.exceptions.clear();
        invitations::ask_again(event);
    } else {
        event.exceptions = before.exceptions;
    }
    Ok(())
}

fn change_occurrence(series: &mut Event, day: Date, draft: Draft) -> Result<(), Refusal> {
    if draft.recurrence.is_some() {
        return Err(Refusal::bad("ErrorInvalidRequest", "An occurrence has no recurrence of its own."));
    }
    let mut exception = series.exception(day).ok_or_else(Refusal::no_such_item)?;
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
