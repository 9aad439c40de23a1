//! `GET /users/{mailbox}/calendarView`, twenty to a `$batch`: what occupies a mailbox's owner, with
//! details. Least permission: `Calendars.ReadBasic.All`; only properties that it shows are asked
//! for.
//!
//! <https://learn.microsoft.com/graph/api/calendar-list-calendarview>,
//! <https://learn.microsoft.com/graph/json-batching>
//!
//! Owns this call's JSON. Must not know caches.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::free_busy::{BusyItem, ItemDetails};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::graph::client::{Call, Client};
use crate::graph::fault::{ATTEMPTS, Refusal, Trouble, retry_after_seconds};
use crate::graph::json::{Page, Received, bounds, decode, encode, item, status, text};
use crate::graph::listing::{Listing, Told};

const NAME: &str = "calendar_view";
const SELECT: &str = "subject,location,start,end,isAllDay,showAs,sensitivity,type,isReminderOn,attendees";
/// Events on one page; Graph's default is ten, its most a thousand.
const PAGE: usize = 500;
/// A mailbox with more pages than this in one stretch of time is asked for in smaller ones.
const MOST_PAGES: usize = 8;

/// What to ask first of each mailbox.
pub(in crate::graph) fn first_pages(client: &Client, mailboxes: &[Mailbox], window: Window) -> Vec<Ask> {
    let ask = |mailbox: &Mailbox| Ask {
        mailbox: mailbox.clone(),
        url: first_page(client, mailbox, window),
        pages: 0,
        attempts: 0,
        listing: Listing::detailed(),
    };
    mailboxes.iter().map(ask).collect()
}

/// Asks for one page of up to twenty mailboxes. Gives those that are told to their end, and what to
/// ask next of the others; the lanes of those that Graph put off are closed until they may be asked.
///
/// # Errors
/// What failed the batch as a whole.
pub(in crate::graph) async fn calendar_view(
    client: &Client,
    credential: usize,
    asks: Vec<Ask>,
    id: Uuid,
    deadline: Instant,
) -> Result<(Vec<Told>, Vec<Ask>), Trouble> {
    let charged: Vec<_> = asks.iter().map(|ask| ask.mailbox.clone()).collect();
    let batch = encode(&Batch::new(&asks))?;
    let call = Call::get("batch", credential, &charged, client.url(&["$batch"]), id, deadline).posting(batch);
    let body = client.send(&call).await?;
    let mut replies = decode::<Replies>(NAME, &body)?.by_id();
    let (mut told, mut left) = (Vec::new(), Vec::new());
    for (index, mut ask) in asks.into_iter().enumerate() {
        let reply = replies.remove(&index.to_string()).ok_or(Failure::Internal)?;
        client.count_part(NAME, reply.status);
        match reply.read(&ask.mailbox) {
            Outcome::Page(page) => {
                ask.listing.items.extend(page.value.into_iter().map(Event::read));
                ask.attempts = 0;
                ask.pages += 1;
                match page.next.map(|next| client.follow(&next)) {
                    None => told.push((ask.mailbox, Ok(ask.listing))),
                    Some(_) if ask.pages > MOST_PAGES => told.push((ask.mailbox, Err(Failure::ResultTooBig))),
                    Some(Ok(url)) => left.push(Ask { url: client.relative(&url), ..ask }),
                    Some(Err(failure)) => told.push((ask.mailbox, Err(failure))),
                }
            }
            Outcome::Later(refusal, failure) => {
                ask.attempts += 1;
                let until = refusal.again_at(ask.attempts, Instant::now());
                client.lanes.close(credential, std::slice::from_ref(&ask.mailbox), until);
                match ask.attempts < ATTEMPTS && until < deadline {
                    true => left.push(ask),
                    false => told.push((ask.mailbox, Err(failure))),
                }
            }
            Outcome::Failed(failure) => told.push((ask.mailbox, Err(failure))),
        }
    }
    Ok((told, left))
}

/// What an answer tells, if all its parts are about one mailbox; parts that failed are left out.
///
/// # Errors
/// [`Failure::Internal`] for an answer that cannot be read.
pub(in crate::graph) fn read(mailbox: &Mailbox, body: &[u8]) -> Result<Listing, Trouble> {
    let mut listing = Listing::detailed();
    for reply in decode::<Replies>(NAME, body)?.responses {
        if let Outcome::Page(page) = reply.read(mailbox) {
            listing.items.extend(page.value.into_iter().map(Event::read));
        }
    }
    Ok(listing)
}

/// One mailbox's next page.
#[derive(Debug)]
pub(in crate::graph) struct Ask {
    pub(in crate::graph) mailbox: Mailbox,
    url: String,
    /// Pages read so far, and what they told.
    pages: usize,
    listing: Listing,
    /// How often Graph put this page off.
    attempts: u32,
}

/// What one part of a batch came to.
enum Outcome {
    Page(Page<Event>),
    /// To be asked again after a while; the failure is for when there is no time for it.
    Later(Refusal, Failure),
    Failed(Failure),
}

#[derive(Debug, Serialize)]
struct Batch<'a> {
    requests: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
struct Part<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
    headers: HashMap<&'static str, &'static str>,
}

#[derive(Debug, Deserialize)]
struct Replies {
    responses: Vec<Reply>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: serde_json::Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    start: Received,
    end: Received,
    #[serde(default)]
    is_all_day: Option<bool>,
    show_as: Option<String>,
    subject: Option<String>,
    location: Option<Location>,
    sensitivity: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    is_reminder_on: Option<bool>,
    attendees: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    display_name: Option<String>,
}

impl<'a> Batch<'a> {
    fn new(asks: &'a [Ask]) -> Self {
        let part = |(index, ask): (usize, &'a Ask)| Part {
            id: index.to_string(),
            method: "GET",
            url: &ask.url,
            headers: HashMap::from([("Prefer", r#"outlook.timezone="UTC""#)]),
        };
        Self { requests: asks.iter().enumerate().map(part).collect() }
    }
}

impl Replies {
    fn by_id(self) -> HashMap<String, Reply> {
        self.responses.into_iter().map(|reply| (reply.id.clone(), reply)).collect()
    }
}

impl Reply {
    fn read(self, mailbox: &Mailbox) -> Outcome {
        if self.status == 200 {
            return match serde_json::from_value(self.body) {
                Ok(page) => Outcome::Page(page),
                Err(error) => {
                    tracing::error!(call = NAME, line = error.line(), "an event of Graph's cannot be read");
                    Outcome::Failed(Failure::Internal)
                }
            };
        }
        let retry_after = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .map(retry_after_seconds);
        let refusal = Refusal::read(self.status, retry_after, self.body.to_string().as_bytes());
        let failure = refusal.failure(Some(mailbox));
        match self.status {
            429 | 503 | 504 => Outcome::Later(refusal, failure),
            _ => Outcome::Failed(failure),
        }
    }
}

impl Event {
    fn read(self) -> (BusyItem, ItemDetails) {
        let named = |name: &Option<String>, known: &[&str]| {
            name.as_deref().is_some_and(|name| known.iter().any(|known| known.eq_ignore_ascii_case(name)))
        };
        let is_private = named(&self.sensitivity, &["private", "confidential"]);
        let shown = |given: Option<&str>| text(given.filter(|_| !is_private));
        let details = ItemDetails {
            // A REST id is not known to hold the entry id that EWS wants here.
            id: None,
            subject: shown(self.subject.as_deref()),
            location: shown(self.location.as_ref().and_then(|location| location.display_name.as_deref())),
            is_meeting: self.attendees.is_some_and(|attendees| !attendees.is_empty()),
            is_recurring: named(&self.kind, &["occurrence", "exception"]),
            is_exception: named(&self.kind, &["exception"]),
            is_reminder_set: self.is_reminder_on == Some(true),
            is_private,
        };
        let all_day = Some(self.is_all_day == Some(true));
        (item(self.start.0, self.end.0, status(self.show_as.as_deref()), all_day), details)
    }
}

fn first_page(client: &Client, mailbox: &Mailbox, window: Window) -> String {
    let (start, end) = bounds(window);
    let mut url = client.url(&["users", mailbox.as_str(), "calendarView"]);
    // A plus in a query may be read as a space, so the zone is written as Z.
    url.query_pairs_mut()
        .append_pair("startDateTime", &format!("{start}Z"))
        .append_pair("endDateTime", &format!("{end}Z"))
        .append_pair("$select", SELECT)
        .append_pair("$top", &PAGE.to_string());
    client.relative(&url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::calendar::free_busy::BusyStatus;

    #[test]
    fn every_kind_of_event() {
        let body = include_bytes!("../../../fixtures/graph/calendar_view/batch.json");
        let mut replies = decode::<Replies>(NAME, body).unwrap().by_id();
        let mailbox = Mailbox::parse("anna@example.com").unwrap();
        assert!(matches!(replies.remove("1").unwrap().read(&mailbox), Outcome::Failed(Failure::Denied)));
        let Outcome::Page(page) = replies.remove("0").unwrap().read(&mailbox) else { panic!("a page") };
        let items: Vec<_> = page.value.into_iter().map(Event::read).collect();
        let kinds: Vec<_> = items.iter().map(|(item, _)| (item.status(), item.is_all_day())).collect();
        let expected = [(BusyStatus::Tentative, false), (BusyStatus::OutOfOffice, true), (BusyStatus::Busy, false)];
        assert_eq!(kinds, expected, "midnight to midnight is all-day only if it says so");
        let weekly = ItemDetails {
            id: None,
            subject: Some("Weekly".into()),
            location: Some("Room 7".into()),
            is_meeting: true,
            is_recurring: true,
            is_exception: true,
            is_reminder_set: true,
            is_private: false,
        };
        assert_eq!(items[0].1, weekly);
        assert_eq!(items[1].1, ItemDetails { is_private: true, ..ItemDetails::default() }, "texts are dropped");
        let run = ItemDetails { subject: Some("Night run".into()), is_recurring: true, ..ItemDetails::default() };
        assert_eq!(items[2].1, run);
    }
}
