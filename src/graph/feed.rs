//! What has changed in calendars: asking for it, and being told of it.
//!
//! Owns where in the stream of changes a reader stands, and what Graph's notices mean. Nothing is
//! remembered here.

use serde::Deserialize;

use super::Graphs;
use super::calls::delta::{Round, Since};
use super::calls::subscriptions::{Arranged, Order};
use super::calls::{delta, subscriptions};
use super::fault::Trouble;
use crate::calendar::Mailbox;
use crate::client::Permitted;
use crate::failure::Failure;
use crate::journal::Journal;

/// What Graph says by itself, about one of our subscriptions with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The subscription's id with Graph.
    pub subscription: String,
    /// The secret that was given to Graph when it was made.
    pub client_state: String,
    /// What to do.
    pub meaning: Meaning,
}

/// What to do after a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Ask what has changed.
    Changed,
    /// Renew the subscription at once.
    Renew,
    /// Make it again, and ask what has changed.
    Removed,
}

impl Graphs {
    /// What has happened in a calendar since then; `None` if Graph does not remember that far, and
    /// one has to begin afresh.
    ///
    /// # Errors
    /// [`Failure::Denied`] without a credential, and whatever Graph's answer means
    /// (<https://learn.microsoft.com/graph/api/event-delta>).
    pub async fn round(&self, mailbox: &Permitted, since: &Since, journal: &Journal) -> Result<Option<Round>, Failure> {
        match delta::delta(self.reading(mailbox, journal)?, since).await {
            Ok(round) => Ok(Some(round)),
            Err(trouble) if is_forgotten(&trouble) => Ok(None),
            Err(trouble) => Err(trouble.failure),
        }
    }

    /// Has Graph tell of changes in a calendar by itself, at these addresses, until then.
    ///
    /// # Errors
    /// As [`Self::round`] (<https://learn.microsoft.com/graph/api/subscription-post-subscriptions>).
    pub async fn arrange(
        &self,
        mailbox: &Permitted,
        order: &Order<'_>,
        journal: &Journal,
    ) -> Result<Arranged, Failure> {
        Ok(subscriptions::create(self.reading(mailbox, journal)?, order).await?)
    }

    /// Has Graph go on telling until then.
    ///
    /// # Errors
    /// [`Failure::NoSuchItem`] if Graph has ended it; else as [`Self::round`]
    /// (<https://learn.microsoft.com/graph/api/subscription-update>).
    pub async fn prolong(
        &self,
        mailbox: &Permitted,
        id: &str,
        until: jiff::Timestamp,
        journal: &Journal,
    ) -> Result<Arranged, Failure> {
        let renewed = subscriptions::renew(self.reading(mailbox, journal)?, id, until).await;
        renewed.map_err(|trouble| if trouble.status == Some(404) { Failure::NoSuchItem } else { trouble.failure })
    }

    /// Has Graph tell no more.
    ///
    /// # Errors
    /// As [`Self::round`] (<https://learn.microsoft.com/graph/api/subscription-delete>).
    pub async fn call_off(&self, mailbox: &Permitted, id: &str, journal: &Journal) -> Result<(), Failure> {
        Ok(subscriptions::delete(self.reading(mailbox, journal)?, id).await?)
    }

    /// The tenant of a mailbox, by its name in the configuration.
    #[must_use]
    pub fn tenant_of(&self, mailbox: &Mailbox) -> Option<&str> {
        self.route(mailbox).map(super::Graph::name)
    }
}

/// Reads what Graph posted; entries that cannot be read are left out. `None` if nothing can be read.
/// <https://learn.microsoft.com/graph/api/resources/changenotificationcollection>
#[must_use]
pub fn notices(body: &[u8]) -> Option<Vec<Notice>> {
    #[derive(Deserialize)]
    struct Collection {
        value: Vec<serde_json::Value>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry {
        subscription_id: String,
        #[serde(default)]
        client_state: Option<String>,
        #[serde(default)]
        lifecycle_event: Option<String>,
    }
    let collection: Collection = serde_json::from_slice(body).ok()?;
    let read = |entry| {
        let entry: Entry = serde_json::from_value(entry).ok()?;
        let meaning = match entry.lifecycle_event.as_deref() {
            Some("reauthorizationRequired") => Meaning::Renew,
            Some("subscriptionRemoved") => Meaning::Removed,
            // "missed", a change, and whatever else there may be some day.
            _ => Meaning::Changed,
        };
        let client_state = entry.client_state.unwrap_or_default();
        Some(Notice { subscription: entry.subscription_id, client_state, meaning })
    };
    Some(collection.value.into_iter().filter_map(read).collect())
}

/// Whether a link is too old, or of no use any more
/// (<https://learn.microsoft.com/graph/delta-query-overview#synchronization-reset>).
fn is_forgotten(trouble: &Trouble) -> bool {
    let code = trouble.told.as_deref().and_then(|told| told.split(' ').nth(1)).unwrap_or_default();
    let known = ["syncStateNotFound", "syncStateInvalid", "resyncRequired", "ErrorInvalidSyncStateData"];
    trouble.status == Some(410) || known.iter().any(|known| code.trim_end_matches(':').eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn changes_and_lifecycle_events_are_understood() {
        let body = br##"{"value":[
            {"id":"1","subscriptionId":"s1","clientState":"c","changeType":"updated",
             "resource":"Users/u/Events/e","resourceData":{"@odata.type":"#Microsoft.Graph.Event","id":"e"}},
            {"subscriptionId":"s2","clientState":"c","lifecycleEvent":"reauthorizationRequired"},
            {"subscriptionId":"s3","lifecycleEvent":"subscriptionRemoved"},
            {"subscriptionId":"s4","clientState":"c","lifecycleEvent":"missed"},
            {"clientState":"c"}, 7]}"##;
        let found = notices(body).unwrap();
        let meanings: Vec<_> = found.iter().map(|notice| (&*notice.subscription, notice.meaning)).collect();
        let expected =
            [("s1", Meaning::Changed), ("s2", Meaning::Renew), ("s3", Meaning::Removed), ("s4", Meaning::Changed)];
        assert_eq!(meanings, expected);
        assert_eq!(found.iter().map(|notice| &*notice.client_state).collect::<Vec<_>>(), ["c", "c", "", "c"]);
        assert_eq!(notices(b"{}"), None);
        assert_eq!(notices(b"\xff"), None);
    }

    #[test]
    fn links_that_graph_has_forgotten() {
        let trouble = |status: u16, code: &str| Trouble {
            told: Some(format!("{status} {code}: a text")),
            status: Some(status),
            ..Failure::Internal.into()
        };
        assert!(is_forgotten(&trouble(410, "SyncStateNotFound")));
        assert!(is_forgotten(&trouble(400, "SyncStateInvalid")));
        assert!(!is_forgotten(&trouble(400, "ErrorInvalidRequest")));
        assert!(!is_forgotten(&Failure::TimedOut.into()));
    }
}
