//! Several GETs in one `$batch`, each with an outcome of its own.
//!
//! <https://learn.microsoft.com/graph/json-batching>
//!
//! Owns the envelope around them. Must not know what they ask for, nor when they are asked again.

use std::collections::HashMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use uuid::Uuid;

use super::client::{Call, Client};
use super::fault::{ATTEMPTS, Refusal, Trouble};
use super::json::{decode, encode};
use crate::calendar::Mailbox;
use crate::failure::Failure;

/// Graph takes no more in one batch.
pub(super) const MOST: usize = 20;

/// What one part came to.
pub(super) enum Outcome<T> {
    /// The answer.
    Told(T),
    /// To be asked again after a while; the failure is for when there is no time for it.
    Later(Refusal, Failure),
    /// Refused for good.
    Failed(Failure),
}

/// The answer to one part.
#[derive(Debug, Deserialize)]
pub(super) struct Reply {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: serde_json::Value,
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

/// Asks for up to [`MOST`] addresses, relative to `/v1.0`, and gives their answers in their order.
/// Each is counted as the call `name`; the whole is charged to `mailboxes`.
///
/// # Errors
/// What failed the batch as a whole.
pub(super) async fn get(
    client: &Client,
    name: &'static str,
    (credential, mailboxes): (usize, &[Mailbox]),
    urls: impl Iterator<Item = &str>,
    id: Uuid,
    deadline: Instant,
) -> Result<Vec<Reply>, Trouble> {
    let part = |(index, url): (usize, _)| Part {
        id: index.to_string(),
        method: "GET",
        url,
        headers: HashMap::from([("Prefer", r#"outlook.timezone="UTC""#)]),
    };
    let requests: Vec<_> = urls.enumerate().map(part).collect();
    let asked = requests.len();
    let body = encode(&Batch { requests })?;
    let call = Call::get("batch", credential, mailboxes, client.url(&["$batch"]), id, deadline).posting(body);
    let mut replies: HashMap<_, _> = read(name, &client.send(&call).await?)?
        .into_iter()
        .map(|reply| {
            client.count_part(name, reply.status);
            (reply.id.clone(), reply)
        })
        .collect();
    let in_order = (0..asked).map(|index| replies.remove(&index.to_string()).ok_or_else(|| Failure::Internal.into()));
    in_order.collect()
}

/// The parts of an answer, in any order.
///
/// # Errors
/// [`Failure::Internal`] for an answer that cannot be read.
pub(super) fn read(name: &'static str, body: &[u8]) -> Result<Vec<Reply>, Trouble> {
    Ok(decode::<Replies>(name, body)?.responses)
}

/// Notes that Graph put a part off for the so-manieth time, so that the mailbox is left alone until
/// it may be asked again. Says whether there is time for it, and was not enough.
pub(super) fn put_off(
    client: &Client,
    (credential, mailbox): (usize, &Mailbox),
    refusal: &Refusal,
    attempts: u32,
    deadline: Instant,
) -> bool {
    let until = refusal.again_at(attempts, Instant::now());
    client.lanes.close(credential, std::slice::from_ref(mailbox), until);
    attempts < ATTEMPTS && until < deadline
}

impl Reply {
    /// What it means for the mailbox that was asked about.
    pub(super) fn read<T: DeserializeOwned>(self, name: &'static str, about: &Mailbox) -> Outcome<T> {
        if self.status == 200 {
            return match serde_json::from_value(self.body) {
                Ok(told) => Outcome::Told(told),
                // The text of a serde error may quote the value, and a value may be somebody's subject.
                Err(_) => {
                    tracing::error!(call = name, "a part of an answer of Graph's cannot be read");
                    Outcome::Failed(Failure::Internal)
                }
            };
        }
        let retry_after = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .map(Duration::from_secs);
        let refusal = Refusal::read(self.status, retry_after, self.body.to_string().as_bytes());
        let failure = refusal.failure(Some(about));
        match self.status {
            429 | 503 | 504 => Outcome::Later(refusal, failure),
            _ => Outcome::Failed(failure),
        }
    }
}
