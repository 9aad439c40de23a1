//! `GET /places/microsoft.graph.roomList` and `/places/{list}/microsoft.graph.roomList/rooms`:
//! lists of rooms, and the rooms of one. Permission: `Place.Read.All`.
//!
//! <https://learn.microsoft.com/graph/api/place-list>
//!
//! Owns these calls' JSON. Must not know caches.

use serde::Deserialize;

use crate::calendar::{Mailbox, Room};
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::journal::Journal;

const NAME: &str = "places";
const PAGE: &str = "100";

/// All lists of rooms.
///
/// # Errors
/// What failed a page.
pub(in crate::graph) async fn room_lists(
    client: &Client,
    credential: usize,
    journal: &Journal,
) -> Result<Vec<Room>, Trouble> {
    read(client, credential, &["places", "microsoft.graph.roomList"], journal).await
}

/// The rooms of a list.
///
/// # Errors
/// What failed a page; 404 where there is no such list.
pub(in crate::graph) async fn rooms(
    client: &Client,
    credential: usize,
    list: &Mailbox,
    journal: &Journal,
) -> Result<Vec<Room>, Trouble> {
    read(client, credential, &["places", list.as_str(), "microsoft.graph.roomList", "rooms"], journal).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    display_name: Option<String>,
    email_address: Option<String>,
}

async fn read(client: &Client, credential: usize, segments: &[&str], journal: &Journal) -> Result<Vec<Room>, Trouble> {
    let mut url = client.url(segments);
    url.query_pairs_mut().append_pair("$select", "displayName,emailAddress").append_pair("$top", PAGE);
    let places = client.pages::<Place>(NAME, (credential, &[]), url, usize::MAX, journal).await?;
    Ok(places.into_iter().filter_map(Place::read).collect())
}

impl Place {
    /// A place without an address cannot be asked about.
    fn read(self) -> Option<Room> {
        let mailbox = Mailbox::parse(&self.email_address?).ok()?;
        let name = self.display_name.unwrap_or_else(|| mailbox.as_str().to_owned());
        Some(Room { name, mailbox })
    }
}
