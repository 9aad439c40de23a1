//! `GET /users/{mailbox}/calendarView`, twenty to a `$batch`: what occupies a mailbox's owner, with
//! details. Least permission: `Calendars.ReadBasic.All`; only properties that it shows are asked
//! for.
//!
//! <https://learn.microsoft.com/graph/api/calendar-list-calendarview>,
//! <https://learn.microsoft.com/graph/json-batching>
//!
//! Owns this call's JSON. Must not know caches.

use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::free_busy::{BusyItem, ItemDetails};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::graph::batch::{self, Outcome};
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::graph::json::{Page, Received, bounds, item, status, text};
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
    let urls = asks.iter().map(|ask| ask.url.as_str());
    let replies = batch::get(client, NAME, (credential, &charged), urls, id, deadline).await?;
    let (mut told, mut left) = (Vec::new(), Vec::new());
    for (mut ask, reply) in asks.into_iter().zip(replies) {
        match reply.read::<Page<Event>>(NAME, &ask.mailbox) {
            Outcome::Told(page) => {
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
                match batch::put_off(client, (credential, &ask.mailbox), &refusal, ask.attempts, deadline) {
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
    for reply in batch::read(NAME, body)? {
        if let Outcome::Told(page) = reply.read::<Page<Event>>(NAME, mailbox) {
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
        let mailbox = Mailbox::parse("anna@example.com").unwrap();
        let mut outcomes = batch::read(NAME, body).unwrap().into_iter().map(|reply| reply.read(NAME, &mailbox));
        assert!(matches!(outcomes.next().unwrap(), Outcome::<Page<Event>>::Failed(Failure::Denied)));
        let Outcome::Told(page) = outcomes.next().unwrap() else { panic!("a page") };
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
