//! `/subscriptions`: Graph tells of changes by itself. Least permission: `Calendars.Read`.
//!
//! <https://learn.microsoft.com/graph/api/resources/subscription>
//!
//! Owns this call's JSON. Must not know what is done with notices.

use http::Method;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::graph::client::Call;
use crate::graph::fault::Trouble;
use crate::graph::json::{decode, encode};
use crate::graph::visit::Visit;

const NAME: &str = "subscriptions";

/// What Graph is to do.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Where it posts changes.
    pub notification_url: &'a str,
    /// Where it posts what becomes of the subscription.
    pub lifecycle_url: &'a str,
    /// Comes back with whatever is posted.
    pub client_state: &'a SecretString,
    /// Until when.
    pub until: Timestamp,
}

/// What Graph will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// The subscription's id with Graph.
    pub id: String,
    /// Until when.
    pub until: Timestamp,
}

/// Subscribes to a calendar's events.
pub(in crate::graph) async fn create(visit: Visit<'_>, order: &Order<'_>) -> Result<Arranged, Trouble> {
    let resource = visit.client.relative(&visit.url(&["events"]));
    let body = encode(&Sent {
        change_type: "created,updated,deleted",
        notification_url: order.notification_url,
        lifecycle_notification_url: order.lifecycle_url,
        resource: &resource,
        expiration_date_time: order.until.to_string(),
        client_state: order.client_state.expose_secret(),
    })?;
    read(&visit.send(&visit.call(NAME, visit.client.url(&["subscriptions"])).posting(body)).await?)
}

/// Moves a subscription's end.
pub(in crate::graph) async fn renew(visit: Visit<'_>, id: &str, until: Timestamp) -> Result<Arranged, Trouble> {
    let body = encode(&Renewed { expiration_date_time: until.to_string() })?;
    let call = visit.call(NAME, visit.client.url(&["subscriptions", id])).posting(body);
    read(&visit.send(&Call { method: Method::PATCH, ..call }).await?)
}

/// Ends a subscription.
pub(in crate::graph) async fn delete(visit: Visit<'_>, id: &str) -> Result<(), Trouble> {
    let call = visit.call(NAME, visit.client.url(&["subscriptions", id]));
    visit.send(&Call { method: Method::DELETE, ..call }).await.map(drop)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    change_type: &'static str,
    notification_url: &'a str,
    lifecycle_notification_url: &'a str,
    resource: &'a str,
    expiration_date_time: String,
    client_state: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Renewed {
    expiration_date_time: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    id: String,
    expiration_date_time: String,
}

fn read(body: &[u8]) -> Result<Arranged, Trouble> {
    let received: Received = decode(NAME, body)?;
    let until = received.expiration_date_time.parse().map_err(|_| Failure::Internal)?;
    Ok(Arranged { id: received.id, until })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_graph_answers() {
        let body = br#"{"@odata.context":"x","id":"7f105c7d","resource":"users/a@example.com/events",
            "changeType":"created,updated,deleted","clientState":"c","notificationUrl":"https://x/graph/notifications",
            "expirationDateTime":"2027-03-12T11:00:00.0000000Z","creatorId":"8ee44408","latestSupportedTlsVersion":"v1_2"}"#;
        let until = "2027-03-12T11:00:00Z".parse().unwrap();
        assert_eq!(read(body).unwrap(), Arranged { id: "7f105c7d".into(), until });
    }
}
