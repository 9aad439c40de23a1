//! `POST /users/{mailbox}/calendar/getSchedule`: busy times and working hours of up to twenty
//! mailboxes. Least permission: `Calendars.ReadBasic.All`.
//!
//! <https://learn.microsoft.com/graph/api/calendar-getschedule>
//!
//! Owns this call's JSON. Must not know caches or batches.

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::free_busy::{BusyItem, ItemDetails, WorkingHours};
use crate::calendar::zone::{BiasRules, Change, DayOfWeek, Zone};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::graph::client::{Call, Client};
use crate::graph::fault::{self, Trouble};
use crate::graph::json::{Page, Received, SentTime, decode, encode, item, minute_of_day, status, text, time_of_day};
use crate::graph::listing::{Listing, Told};

/// Mailboxes that one call may ask about, as documented; the service itself takes 100, slowly.
pub(in crate::graph) const MOST_MAILBOXES: usize = 20;
const NAME: &str = "get_schedule";

/// Asks about mailboxes; the call is charged to `anchor`.
///
/// # Errors
/// What failed the call as a whole, also when it tells nothing of one of the mailboxes.
pub(in crate::graph) async fn get_schedule(
    client: &Client,
    credential: usize,
    anchor: &Mailbox,
    mailboxes: &[Mailbox],
    window: Window,
    id: Uuid,
    deadline: Instant,
) -> Result<Vec<Told>, Trouble> {
    let url = client.url(&["users", anchor.as_str(), "calendar", "getSchedule"]);
    let body = encode(&Request::new(mailboxes, window))?;
    let call = Call::get(NAME, credential, std::slice::from_ref(anchor), url, id, deadline).posting(body);
    read(mailboxes, window, &client.send(&call).await?)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    schedules: Vec<&'a str>,
    start_time: SentTime,
    end_time: SentTime,
    availability_view_interval: u16,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    schedule_id: Option<String>,
    availability_view: Option<String>,
    schedule_items: Option<Vec<Item>>,
    working_hours: Option<Hours>,
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    response_code: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    start: Option<Received>,
    end: Option<Received>,
    status: Option<String>,
    subject: Option<String>,
    location: Option<String>,
    is_private: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hours {
    days_of_week: Option<Vec<String>>,
    start_time: Option<String>,
    end_time: Option<String>,
    time_zone: Option<HoursZone>,
}

/// `timeZoneBase`, or `customTimeZone` when it has a bias.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HoursZone {
    name: Option<String>,
    bias: Option<i32>,
    standard_offset: Option<Offset>,
    daylight_offset: Option<Offset>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offset {
    time: Option<String>,
    day_occurrence: Option<i8>,
    day_of_week: Option<String>,
    month: Option<i8>,
    year: Option<i16>,
    daylight_bias: Option<i32>,
}

impl<'a> Request<'a> {
    fn new(mailboxes: &'a [Mailbox], window: Window) -> Self {
        let (start_time, end_time) = SentTime::of(window);
        let schedules = mailboxes.iter().map(Mailbox::as_str).collect();
        Self { schedules, start_time, end_time, availability_view_interval: interval(window) }
    }
}

/// The view's interval in minutes. The view only shows whether items are kept back, so it is as
/// short as is allowed.
fn interval(window: Window) -> u16 {
    match window.seconds() {
        86_401.. => 1440,
        1801.. => 30,
        _ => 5,
    }
}

/// Gives each mailbox its schedule of the window by the id that it was asked under.
///
/// # Errors
/// [`Failure::Internal`] for an answer that cannot be read, or lacks a mailbox.
pub(in crate::graph) fn read(mailboxes: &[Mailbox], window: Window, body: &[u8]) -> Result<Vec<Told>, Trouble> {
    let told_of = |schedule: Schedule, mailbox: &Mailbox| (mailbox.clone(), schedule.told(mailbox, window));
    let mut schedules = decode::<Page<Schedule>>(NAME, body)?.value;
    if let ([mailbox], 1) = (mailboxes, schedules.len()) {
        // The only one, even if Graph calls it by its primary address.
        return Ok(schedules.pop().map(|schedule| told_of(schedule, mailbox)).into_iter().collect());
    }
    let mut told = Vec::with_capacity(mailboxes.len());
    for mailbox in mailboxes {
        let named = |schedule: &Schedule| {
            schedule.schedule_id.as_ref().is_some_and(|id| id.trim().to_lowercase() == mailbox.as_str())
        };
        let Some(index) = schedules.iter().position(named) else {
            tracing::warn!(asked = mailboxes.len(), "getSchedule's answer lacks a mailbox");
            return Err(Failure::Internal.into());
        };
        told.push(told_of(schedules.swap_remove(index), mailbox));
    }
    Ok(told)
}

impl Schedule {
    fn told(self, mailbox: &Mailbox, window: Window) -> Result<Listing, Failure> {
        if let Some(problem) = self.error {
            let code = problem.response_code.unwrap_or_default();
            return Err(fault::schedule(&code, &problem.message.unwrap_or_default(), mailbox));
        }
        let keeps_back = self.keeps_back(window);
        // Neither items nor an error: Graph may not show this calendar.
        let items = self.schedule_items.filter(|items| !items.is_empty() || !keeps_back).ok_or(Failure::Denied)?;
        let detailed =
            items.iter().any(|item| text(item.subject.as_deref()).or_else(|| text(item.location.as_deref())).is_some());
        let Some(items) = items.into_iter().map(Item::read).collect() else {
            tracing::error!(call = NAME, "an item of Graph's has no start or no end");
            return Err(Failure::Internal);
        };
        Ok(Listing { items, detailed, hours: self.working_hours.and_then(Hours::read) })
    }

    /// Whether the view shows busy times, be there items or not. Its last interval is not looked at
    /// where it ends after the window; nor is working elsewhere (4), which keeps nobody away.
    fn keeps_back(&self, window: Window) -> bool {
        let whole = usize::try_from(window.seconds() / (i64::from(interval(window)) * 60)).unwrap_or(usize::MAX);
        self.availability_view.iter().flat_map(|view| view.chars().take(whole)).any(|digit| !matches!(digit, '0' | '4'))
    }
}

impl Item {
    fn read(self) -> Option<(BusyItem, ItemDetails)> {
        let (start, end) = (self.start?.0, self.end?.0);
        let is_private = self.is_private == Some(true);
        let shown = |given: &Option<String>| text(given.as_deref().filter(|_| !is_private));
        let details = ItemDetails {
            subject: shown(&self.subject),
            location: shown(&self.location),
            is_private,
            ..ItemDetails::default()
        };
        Some((item(start, end, status(self.status.as_deref()), None), details))
    }
}

impl Hours {
    /// Working hours that make no sense are as good as none.
    fn read(self) -> Option<WorkingHours> {
        let mut days = [false; 7];
        for name in self.days_of_week? {
            let day = day_of_week(&name)?;
            let place = [
                DayOfWeek::Monday,
                DayOfWeek::Tuesday,
                DayOfWeek::Wednesday,
                DayOfWeek::Thursday,
                DayOfWeek::Friday,
                DayOfWeek::Saturday,
                DayOfWeek::Sunday,
            ]
            .iter()
            .position(|known| *known == day)?;
            *days.get_mut(place)? = true;
        }
        let hours = WorkingHours {
            zone: self.time_zone?.read()?,
            days,
            start_minute: minute_of_day(&self.start_time?)?,
            end_minute: minute_of_day(&self.end_time?)?,
        };
        Some(hours)
    }
}

impl HoursZone {
    fn read(self) -> Option<Zone> {
        let named = |name: Option<String>| Zone::named(&name?).ok();
        let Some(bias) = self.bias else { return named(self.name) };
        let change = |offset: Option<Offset>| offset.unwrap_or_default().read();
        let rules =
            BiasRules { bias, standard: change(self.standard_offset)?, daylight: change(self.daylight_offset)? };
        Zone::from_rules(rules).ok().or_else(|| named(self.name))
    }
}

impl Offset {
    fn read(self) -> Option<Change> {
        Some(Change {
            bias: self.daylight_bias.unwrap_or(0),
            time: time_of_day(self.time.as_deref().unwrap_or("00:00:00"))?,
            day_order: self.day_occurrence.unwrap_or(0),
            month: self.month.unwrap_or(0),
            day_of_week: day_of_week(self.day_of_week.as_deref().unwrap_or("sunday"))?,
            year: self.year.filter(|year| *year != 0),
        })
    }
}

fn day_of_week(name: &str) -> Option<DayOfWeek> {
    Some(match name.to_ascii_lowercase().as_str() {
        "monday" => DayOfWeek::Monday,
        "tuesday" => DayOfWeek::Tuesday,
        "wednesday" => DayOfWeek::Wednesday,
        "thursday" => DayOfWeek::Thursday,
        "friday" => DayOfWeek::Friday,
        "saturday" => DayOfWeek::Saturday,
        "sunday" => DayOfWeek::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::calendar::free_busy::BusyStatus;

    fn ask(addresses: &[&str]) -> Vec<Mailbox> {
        addresses.iter().map(|address| Mailbox::parse(address).unwrap()).collect()
    }

    fn week() -> Window {
        let start = jiff::Timestamp::UNIX_EPOCH;
        Window::new(start, start + jiff::SignedDuration::from_hours(7 * 24)).unwrap()
    }

    #[test]
    fn every_kind_of_schedule() {
        let body = include_bytes!("../../../fixtures/graph/get_schedule/kinds.json");
        let mailboxes = ask(&[
            "room1@example.com",
            "anna.aalto@example.com",
            "nobody@example.com",
            "partner@example.com",
            "crowded@example.com",
            "hidden@example.com",
        ]);
        let told = read(&mailboxes, week(), body).unwrap();
        assert!(told.iter().zip(&mailboxes).all(|((told, _), asked)| told == asked), "in the order asked");
        let [room, anna, nobody, partner, crowded, hidden] = &told[..] else { panic!("six") };
        let anna = anna.1.as_ref().unwrap();
        assert!(anna.detailed);
        let statuses: Vec<_> = anna.items.iter().map(|(item, _)| (item.status(), item.is_all_day())).collect();
        let expected = [
            (BusyStatus::Busy, false),
            (BusyStatus::OutOfOffice, true),
            (BusyStatus::Tentative, false),
            (BusyStatus::WorkingElsewhere, false),
        ];
        assert_eq!(statuses, expected);
        assert_eq!(anna.items[0].1.subject.as_deref(), Some("Budget review"));
        assert_eq!(anna.items[0].1.location.as_deref(), Some("Room 7"));
        let private = &anna.items[2].1;
        assert!(private.is_private && private.subject.is_none() && private.location.is_none());
        let hours = anna.hours.as_ref().unwrap();
        assert_eq!((hours.start_minute, hours.end_minute), (480, 990));
        assert_eq!(hours.days, [true, true, true, true, true, false, false]);

        let room = room.1.as_ref().unwrap();
        assert!(!room.detailed && room.items.is_empty());
        assert_eq!(room.hours.as_ref().unwrap().days, [true, false, false, false, false, true, false]);
        assert_eq!(nobody.1.as_ref().unwrap_err(), &Failure::NoSuchMailbox { address: "nobody@example.com".into() });
        assert_eq!(partner.1.as_ref().unwrap_err(), &Failure::Proxy);
        assert_eq!(crowded.1.as_ref().unwrap_err(), &Failure::ResultTooBig);
        assert_eq!(hidden.1.as_ref().unwrap_err(), &Failure::Denied);
    }

    #[test]
    fn nobody_is_free_whose_items_are_kept_back_or_broken() {
        let busy = r#"{"status":"busy","start":{"dateTime":"2026-11-18T09:00:00","timeZone":"UTC"}}"#;
        for (view, items, expected) in [
            ("0000000", "[]", Ok(0)),
            ("0002000", "[]", Err(Failure::Denied)),
            ("0000001", "null", Err(Failure::Denied)),
            ("0404000", "[]", Ok(0)),
            // The eighth interval begins where the week ends.
            ("00000002", "[]", Ok(0)),
            ("0002000", &format!("[{busy}]"), Err(Failure::Internal)),
        ] {
            let body = format!(r#"{{"value":[{{"availabilityView":"{view}","scheduleItems":{items}}}]}}"#);
            let (_, told) = read(&ask(&["a@example.com"]), week(), body.as_bytes()).unwrap().remove(0);
            assert_eq!(told.map(|listing| listing.items.len()), expected, "{view} {items}");
        }
    }

    #[test]
    fn an_answer_that_lacks_a_mailbox_is_refused_unless_it_can_only_mean_the_one() {
        let body = br#"{"value":[{"scheduleId":"primary@example.com","scheduleItems":[]}]}"#;
        assert!(read(&ask(&["alias@example.com"]), week(), body).unwrap()[0].1.is_ok());
        assert!(read(&ask(&["alias@example.com", "primary@example.com"]), week(), body).is_err());
        assert!(read(&ask(&["a@example.com"]), week(), br#"{"value":[]}"#).is_err());
    }

    #[test]
    fn an_undecodable_answer_names_the_place_but_not_the_value() {
        let body = br#"{"value":[{"scheduleId":"a@example.com","scheduleItems":[{"status":1,"subject":"hush"}]}]}"#;
        let trouble = read(&ask(&["a@example.com"]), week(), body).unwrap_err();
        assert_eq!(trouble.failure, Failure::Internal);
        let told = trouble.told.unwrap();
        assert!(told.contains("value[0].scheduleItems[0].status") && !told.contains("hush"), "{told}");
    }

    #[test]
    fn the_interval_is_less_than_the_window() {
        for (minutes, interval) in [(6, 5), (30, 5), (31, 30), (1440, 30), (1441, 1440)] {
            let start = jiff::Timestamp::UNIX_EPOCH;
            let window = Window::new(start, start + jiff::SignedDuration::from_mins(minutes)).unwrap();
            assert_eq!(Request::new(&[], window).availability_view_interval, interval, "{minutes}");
        }
    }
}
