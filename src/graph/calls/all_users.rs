//! `GET /users?$top=999`: the addresses of everybody in a tenant, page by page. Permission: `User.Read.All`.
//!
//! <https://learn.microsoft.com/graph/api/user-list>
//!
//! Owns this call. Must not know caches.

use super::addresses::{Addresses, SELECT, hidden};
use crate::calendar::Mailbox;
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::journal::Journal;

const NAME: &str = "all_users";
/// The most that Graph puts in a page.
const PAGE: &str = "999";

/// Tells `each` all addresses of each user who has some.
///
/// # Errors
/// [`crate::failure::Failure::Denied`] if Graph does not tell all of a user's addresses, and what failed a page; what
/// was told until then is not everybody.
pub(in crate::graph) async fn all_users(
    client: &Client,
    credential: usize,
    journal: &Journal,
    mut each: impl FnMut(Vec<Mailbox>),
) -> Result<(), Trouble> {
    let mut url = client.url(&["users"]);
    url.query_pairs_mut().append_pair("$select", SELECT).append_pair("$top", PAGE);
    let mut is_told = false;
    let take = |page: Vec<Addresses>, _| {
        // Nobody's being told may be that there is nothing to tell of one, but not of all.
        is_told |= page.iter().any(Addresses::tell_proxies);
        if page.iter().any(|user| user.lack_proxies() || (!is_told && user.are_hidden())) {
            return Err(hidden());
        }
        page.iter().map(Addresses::read).filter(|addresses| !addresses.is_empty()).for_each(&mut each);
        Ok(true)
    };
    client.each_page(NAME, (credential, &[]), url, journal, take).await
}
