//! getSchedule: free/busy of up to 100 calendars, computed from their events.
//! <https://learn.microsoft.com/graph/api/calendar-getschedule>

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::draft::{Local, local};
use super::error::{Answer, Refusal};
use super::event::Occurrence;
use super::json::{array, known, missing, object, text, wrong_type};
use super::state::Mailbox;
use super::world::Kind;
use super::zone::{Zone, custom, wire_in, wire_time};

const MOST_SCHEDULES: usize = 100;
const MOST_DAYS: i64 = 62;
const MOST_ENTRIES: usize = 1000;

/// A request after reading.
struct Wanted {
    schedules: Vec<String>,
    from: Timestamp,
    to: Timestamp,
    interval: SignedDuration,
    /// The zone in whose midnights all-day items are given.
    floating: TimeZone,
    /// The zone of the items' times.
    shown: Zone,
}

pub(super) fn get(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    ask.mailbox()?;
    let wanted = read(ask)?;
    let value: Vec<Value> = wanted.schedules.iter().map(|address| one(ask, &wanted, address)).collect();
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.scheduleInformation)", ask.here.origin);
    Ok(Answer::json(200, json!({ "@odata.context": context, "value": value })))
}

/// The addresses that a body asks about, schedules or recipients, read leniently, for faults and the ledger.
pub(super) fn asked_for(body: &Value) -> Vec<String> {
    let fields = body.as_object().into_iter().flatten();
    let schedules = fields
        .filter(|(name, _)| name.eq_ignore_ascii_case("schedules") || name.eq_ignore_ascii_case("emailAddresses"));
    let addresses = schedules.filter_map(|(_, value)| value.as_array()).flatten();
    addresses.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn read(ask: &Ask<'_>) -> Result<Wanted, Refusal> {
    const NAMES: [&str; 4] = ["schedules", "startTime", "endTime", "availabilityViewInterval"];
    let body = ask.json_body()?;
    // The metadata says Schedules, the reference says schedules, and the service takes both.
    let canonical = |name: &String| {
        let found = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
        found.map_or_else(|| name.clone(), |name| (*name).to_owned())
    };
    let fields: Map<String, Value> =
        object(&body, "body")?.iter().map(|(name, value)| (canonical(name), value.clone())).collect();
    known(&fields, &NAMES, "getScheduleRequestBody", ask.strict)?;
    let interval = interval(fields.get("availabilityViewInterval"), ask.strict)?;
    let schedules = match fields.get("schedules") {
        None | Some(Value::Null) => {
            let message = "When trying to read a null collection parameter value in JSON Light, a node of type \
                 'PrimitiveValue' with the value 'null' was read from the JSON reader; however, a start array was expected.";
            return Err(Refusal::bad("RequestBodyRead", message));
        }
        Some(value) => array(value, "schedules")?,
    };
    let schedules: Vec<String> =
        schedules.iter().map(|one| text(one, "schedules").map(str::to_owned)).collect::<Result<_, _>>()?;
    if schedules.is_empty() {
        return Err(Refusal::bad("ErrorInvalidParameter", "The schedules collection must not be empty."));
    }
    if schedules.len() > MOST_SCHEDULES {
        return Err(Refusal::bad(
            "ErrorMailboxDataArrayTooBig",
            format!(
                "There are too many target users in the EmailAddress array. The allowed size = {MOST_SCHEDULES}; \
                 the actual size = {}.",
                schedules.len()
            ),
        ));
    }
    let time = |name: &str| -> Result<Local, Refusal> {
        local(fields.get(name).ok_or_else(|| missing(name))?, name, ask.strict)
    };
    let ((start, start_zone), (end, end_zone)) = (time("startTime")?, time("endTime")?);
    let (from, to) = (start_zone.instant(start), end_zone.instant(end));
    if to <= from {
        return Err(Refusal::bad(
            "ErrorInvalidTimeInterval",
            "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid.",
        ));
    }
    if to.duration_since(from) > SignedDuration::from_hours(24 * MOST_DAYS) {
        return Err(Refusal::bad(
            "ErrorTimeIntervalTooBig",
            format!(
                "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. The allowed limit = {MOST_DAYS} days."
            ),
        ));
    }
    let preferred = ask.preferences.zone.clone();
    let floating = preferred.as_ref().map_or(start_zone.rules, |zone| zone.rules.clone());
    Ok(Wanted { schedules, from, to, interval, floating, shown: preferred.unwrap_or_else(Zone::utc) })
}

fn interval(value: Option<&Value>, strict: bool) -> Result<SignedDuration, Refusal> {
    let minutes = match value {
        None => 30,
        // Observed on the real service.
        Some(Value::Null) => return Err(Refusal::new(500, "UnknownError", "An internal server error occurred.")),
        Some(Value::String(text)) if !strict => {
            text.parse().map_err(|_| wrong_type("availabilityViewInterval", "an integer"))?
        }
        Some(value) => value.as_i64().ok_or_else(|| wrong_type("availabilityViewInterval", "an integer"))?,
    };
    if !(5..=1440).contains(&minutes) {
        return Err(Refusal::bad(
            "ErrorInvalidMergedFreeBusyInterval",
            "The interval of the availability view must be from 5 to 1440 minutes.",
        ));
    }
    Ok(SignedDuration::from_mins(minutes))
}

fn one(ask: &Ask<'_>, wanted: &Wanted, address: &str) -> Value {
    let injected = ask.schedule_errors.iter().find(|(mailbox, _)| mailbox.eq_ignore_ascii_case(address));
    if let Some((_, error)) = injected {
        return failed(address, &error.code, &error.message);
    }
    let Some(mailbox) = ask.state.resolve(ask.tenant, address).filter(|_| address.contains('@')) else {
        return unresolved(ask, address);
    };
    if mailbox.kind == Kind::NoMailbox || !ask.grants.sees_target(&mailbox.address) {
        return failed(address, "5016", "The recipient's mailbox could not be found or cannot be read.");
    }
    let mut found: Vec<Occurrence<'_>> = mailbox
        .calendar
        .events()
        .values()
        .flat_map(|event| event.between(wanted.from, wanted.to, &wanted.floating))
        .collect();
    if found.len() > MOST_ENTRIES {
        let message = format!(
            "The result set contains too many calendar entries. The allowed size = {MOST_ENTRIES}; the actual size = {}.",
            found.len()
        );
        return failed(address, "5006", &message);
    }
    found.sort_by_key(|one| (one.instants(&wanted.floating), one.series.number));
    json!({
        "scheduleId": address,
        "availabilityView": view(&found, wanted, ask.state.working_elsewhere_digit),
        "scheduleItems": found.iter().map(|one| item(one, wanted, mailbox)).collect::<Vec<_>>(),
        "workingHours": working_hours(mailbox, ask.now),
    })
}

/// 5009 for an address of an own domain that is nobody's (or a group's, whose real answer nobody has published);
/// 5016 for other domains.
fn unresolved(ask: &Ask<'_>, address: &str) -> Value {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default();
    let own = ask.state.tenants.iter().any(|tenant| tenant.id == ask.tenant && tenant.domains.contains(&domain));
    if own || domain.is_empty() {
        let message = format!("Unable to resolve e-mail address {address} to an Active Directory object.");
        return failed(address, "5009", &message);
    }
    failed(address, "5016", "The recipient's mailbox could not be found or cannot be read.")
}

fn failed(address: &str, code: &str, message: &str) -> Value {
    json!({
        "scheduleId": address,
        "availabilityView": "",
        "scheduleItems": null,
        "error": { "responseCode": code, "message": message },
    })
}

fn view(found: &[Occurrence<'_>], wanted: &Wanted, elsewhere: u8) -> String {
    let digits = found.iter().map(|one| {
        let digit = match one.event.show_as() {
            "tentative" => 1,
            "busy" => 2,
            "oof" => 3,
            "workingElsewhere" => elsewhere,
            _ => 0,
        };
        (one.instants(&wanted.floating), digit)
    });
    let digits: Vec<_> = digits.collect();
    let mut view = String::new();
    let mut slot = wanted.from;
    while slot < wanted.to {
        let next = slot.checked_add(wanted.interval).unwrap_or(wanted.to);
        let over = digits.iter().filter(|((start, end), _)| *start < next && *end > slot);
        view.push(char::from(b'0' + over.map(|(_, digit)| *digit).max().unwrap_or(0)));
        slot = next;
    }
    view
}

fn item(one: &Occurrence<'_>, wanted: &Wanted, mailbox: &Mailbox) -> Value {
    let (start, end) = one.instants(&wanted.floating);
    let zone = &wanted.shown;
    let mut item = json!({
        "status": one.event.show_as(),
        "start": wire_in(zone.local(start), zone),
        "end": wire_in(zone.local(end), zone),
    });
    if !mailbox.shares_details {
        return item;
    }
    if let Some(fields) = item.as_object_mut() {
        let is_private = one.event.is_private();
        fields.insert("isPrivate".to_owned(), json!(is_private));
        if !is_private {
            let location = one.event.properties.get("location").and_then(|location| location.get("displayName"));
            fields.insert("subject".to_owned(), json!(one.event.text("subject", "")));
            fields.insert("location".to_owned(), location.cloned().unwrap_or_else(|| json!("")));
        }
    }
    item
}

/// When somebody works, as Graph writes it.
pub(super) fn working_hours(mailbox: &Mailbox, now: Timestamp) -> Value {
    let zone =
        if mailbox.custom_zone { custom(&mailbox.zone.rules, now) } else { json!({ "name": mailbox.zone.name }) };
    json!({
        "daysOfWeek": mailbox.hours.days.iter().map(|day| day.to_lowercase()).collect::<Vec<_>>(),
        "startTime": wire_time(mailbox.hours.start.0),
        "endTime": wire_time(mailbox.hours.end.0),
        "timeZone": zone,
    })
}
