//! `GET /users/{mailbox}/events/{id}`, also twenty to a `$batch`: single events. Least permission:
//! `Calendars.Read`.
//!
//! <https://learn.microsoft.com/graph/api/event-get>
//!
//! Owns this call's addresses and JSON. Must not know caches.

use std::collections::VecDeque;
use std::slice;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::calendar::Mailbox;
use crate::calendar::event::{Event, EventId, EventKind};
use crate::failure::Failure;
use crate::graph::batch::{self, Outcome};
use crate::graph::event_json::{Changed, EventParts, Item};
use crate::graph::fault::Trouble;
use crate::graph::visit::Visit;

const NAME: &str = "event_get";

/// One event.
///
/// # Errors
/// What failed the call.
pub(in crate::graph) async fn event_get(visit: Visit<'_>, id: &EventId, parts: &EventParts) -> Result<Event, Trouble> {
    let item: Item = visit.ask(&visit.call(NAME, address(visit, id, parts)?)).await?;
    let mut event = item.read(&parts.properties)?;
    if parts.exceptions && event.kind == EventKind::Master {
        let changed: Changed = visit.ask(&visit.call(NAME, changes(visit, id))).await?;
        changed.fill(&mut event)?;
    }
    Ok(event)
}

/// Events, each with its own outcome, in their order.
pub(in crate::graph) async fn events_get(
    visit: Visit<'_>,
    ids: &[EventId],
    parts: &EventParts,
) -> Vec<Result<Event, Failure>> {
    let urls: Result<_, Failure> =
        ids.iter().map(|id| Ok(visit.client.relative(&address(visit, id, parts)?))).collect();
    let urls = match urls {
        Ok(urls) => urls,
        Err(failure) => return ids.iter().map(|_| Err(failure.clone())).collect(),
    };
    let items = all::<Item>(visit, urls).await.into_iter();
    let mut events: Vec<_> = items.map(|item| item.and_then(|item| item.read(&parts.properties))).collect();
    if !parts.exceptions {
        return events;
    }
    let mut series: Vec<_> =
        events.iter_mut().filter(|event| event.as_ref().is_ok_and(|event| event.kind == EventKind::Master)).collect();
    let of = |event: &&mut Result<Event, Failure>| {
        event.as_ref().ok().map(|event| visit.client.relative(&changes(visit, &event.id)))
    };
    let urls = series.iter().filter_map(of).collect();
    for (place, changed) in series.iter_mut().zip(all::<Changed>(visit, urls).await) {
        let filled = match (changed, &mut **place) {
            (Ok(changed), Ok(event)) => changed.fill(event),
            (Err(failure), _) => Err(failure),
            (Ok(_), Err(_)) => Ok(()),
        };
        if let Err(failure) = filled {
            **place = Err(failure);
        }
    }
    events
}

/// Whose busy times a change of an event concerns: its organizer's and its attendees'.
///
/// # Errors
/// What failed the call.
pub(in crate::graph) async fn people(visit: Visit<'_>, id: &EventId) -> Result<Vec<Mailbox>, Trouble> {
    let mut url = visit.event(id, &[]);
    url.query_pairs_mut().append_pair("$select", "organizer,attendees");
    let concerned: Concerned = visit.ask(&visit.call(NAME, url)).await?;
    let all = concerned.organizer.into_iter().chain(concerned.attendees.into_iter().flatten());
    Ok(all.filter_map(|one| Mailbox::parse(&one.email_address?.address?).ok()).collect())
}

#[derive(Debug, Deserialize)]
struct Concerned {
    organizer: Option<Recipient>,
    attendees: Option<Vec<Recipient>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: Option<Address>,
}

#[derive(Debug, Deserialize)]
struct Address {
    address: Option<String>,
}

fn address(visit: Visit<'_>, id: &EventId, parts: &EventParts) -> Result<Url, Failure> {
    let mut url = visit.event(id, &[]);
    parts.ask_one(&mut url)?;
    Ok(url)
}

/// Only a series has changed occurrences, and only for one does Graph say that they can be asked for
/// (<https://learn.microsoft.com/graph/api/event-get#example-3-get-and-expand-a-series-master-event-with-exceptions-and-cancelled-occurrences>).
fn changes(visit: Visit<'_>, id: &EventId) -> Url {
    let mut url = visit.event(id, &[]);
    url.query_pairs_mut()
        .append_pair("$select", "id,cancelledOccurrences")
        .append_pair("$expand", "exceptionOccurrences");
    url
}

/// Asks for all addresses, twenty at a time, and again for those that Graph puts off. Batches go one
/// after the other: Graph itself opens a batch's parts four at a time, which is what a mailbox may
/// have.
async fn all<T: DeserializeOwned>(visit: Visit<'_>, urls: Vec<String>) -> Vec<Result<T, Failure>> {
    let Visit { client, credential, mailbox, journal } = visit;
    let mut told: Vec<Result<T, Failure>> = urls.iter().map(|_| Err(Failure::TimedOut)).collect();
    let mut waiting: VecDeque<_> =
        urls.into_iter().enumerate().map(|(place, url)| Ask { place, url, attempts: 0 }).collect();
    while !waiting.is_empty() {
        let round: Vec<_> = waiting.drain(..waiting.len().min(batch::MOST)).collect();
        journal.graph_calls.add(1);
        let urls = round.iter().map(|ask| ask.url.as_str());
        let charged = (credential, slice::from_ref(mailbox));
        let replies = match batch::get(client, NAME, charged, urls, journal.request_id, journal.deadline).await {
            Ok(replies) => replies,
            Err(trouble) => {
                for ask in round.iter().chain(&waiting) {
                    if let Some(place) = told.get_mut(ask.place) {
                        *place = Err(trouble.failure.clone());
                    }
                }
                break;
            }
        };
        for (mut ask, reply) in round.into_iter().zip(replies) {
            let outcome = match reply.read(NAME, mailbox) {
                Outcome::Told(answer) => Ok(answer),
                Outcome::Failed(failure) => Err(failure),
                Outcome::Later(refusal, failure) => {
                    ask.attempts += 1;
                    if batch::put_off(client, (credential, mailbox), &refusal, ask.attempts, journal.deadline) {
                        waiting.push_back(ask);
                        continue;
                    }
                    Err(failure)
                }
            };
            if let Some(place) = told.get_mut(ask.place) {
                *place = outcome;
            }
        }
    }
    told
}

/// An address, whose answer has a place.
struct Ask {
    place: usize,
    url: String,
    /// How often Graph put it off.
    attempts: u32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use jiff::civil::date;

    use super::*;
    use crate::calendar::event::When;
    use crate::graph::json::decode;

    #[test]
    fn a_series_with_its_changed_and_deleted_occurrences() {
        let item: Item = decode(NAME, include_bytes!("../../../fixtures/graph/event_get/series.json")).unwrap();
        let mut series = item.read(&[]).unwrap();
        assert_eq!((series.kind, series.deleted.len()), (EventKind::Master, 0));
        let body = series.body.as_ref().unwrap();
        assert!(body.is_html && body.content.contains("agenda"));
        let changed: Changed = decode(NAME, include_bytes!("../../../fixtures/graph/event_get/changes.json")).unwrap();
        changed.fill(&mut series).unwrap();
        assert_eq!(series.deleted, [date(2026, 11, 30), date(2026, 12, 14)]);
        let [moved] = &series.exceptions[..] else { panic!("one") };
        assert_eq!(moved.original_start, Some("2026-12-07T07:00:00Z".parse().unwrap()));
        assert!(matches!(moved.when, When::Timed { start, .. } if start == "2026-12-08T07:00:00Z".parse().unwrap()));
    }
}
