//! The knock at start: a call that shows whether Graph is there and takes a token.
//!
//! Owns which call that is. Must not know caches.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use uuid::Uuid;

use super::client::{Call, Client};

/// How long the knock at start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gets a tenant's tokens and knocks once at its Graph.
pub(super) async fn warm(client: &Client) {
    let deadline = Instant::now() + PATIENCE;
    let tokens = join_all(client.credentials.iter().map(|tokens| tokens.get(deadline))).await;
    if let Some(index) = tokens.iter().position(Result::is_ok) {
        // What it answers does not matter, only that it does.
        let _ = knock(client, index, deadline).await;
    }
}

/// Graph's answer to a call that needs no permission to be understood: a refusal shows that Graph
/// is there and takes the token.
pub(super) async fn knock(client: &Client, credential: usize, deadline: Instant) -> Result<String, String> {
    let mut url = client.url(&["users"]);
    url.query_pairs_mut().append_pair("$select", "id").append_pair("$top", "1");
    let call = Call::get("knock", credential, &[], url, Uuid::new_v4(), deadline);
    match client.send(&call).await {
        Ok(_) => Ok("Graph answers".into()),
        Err(trouble) if matches!(trouble.status, Some(403 | 404)) => Ok("Graph answers and takes the token".into()),
        Err(trouble) => Err(trouble.told.unwrap_or_else(|| trouble.failure.to_string())),
    }
}
