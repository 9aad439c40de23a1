//! Webhooks as <https://www.standardwebhooks.com/> has them: all that is known, signed.
//!
//! Owns the frame of the body and the signature
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>). Must not know letters.

use jiff::Timestamp;
use serde::Serialize;

use super::news::News;
use super::words::{Problem, words};
use crate::out_of_office::record;
use crate::out_of_office::signing_key::SigningKey;
use crate::out_of_office::told::{Told, instant};
use crate::outbound::Answered;

/// Keys that sign, all of them each time: a receiver changes its key while both are here.
#[derive(Debug)]
pub(super) struct Keys(Vec<SigningKey>);

impl Keys {
    /// # Errors
    /// A text for the operator, if there is none.
    pub(super) fn new(keys: Vec<SigningKey>) -> Result<Self, String> {
        if keys.is_empty() { Err("needs a secret".to_owned()) } else { Ok(Self(keys)) }
    }

    /// The headers of one sending.
    pub(super) fn headers(&self, id: &str, now: Timestamp, body: &str) -> [(&'static str, String); 3] {
        let now = now.as_second();
        let signed = format!("{id}.{now}.{body}");
        let signatures: Vec<String> = self.0.iter().filter_map(|key| key.sign(&signed)).collect();
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now.to_string()),
            ("webhook-signature", signatures.join(" ")),
        ]
    }
}

/// What it is told, and the gist of that: name and state, whenever they changed.
pub(super) fn body(news: News<'_>, made: Timestamp) -> (String, String) {
    let event = Event {
        kind: "out_of_office.changed",
        timestamp: made,
        data: Data {
            mailbox: news.mailbox.to_string(),
            alias: Some(news.alias).filter(|alias| !alias.is_empty()),
            told: Told::of(Some(news.now)),
        },
    };
    // Texts alone are always written.
    let body = serde_json::to_string(&event).unwrap_or_default();
    let gist = (news.alias, record::write_told(news.now.away.as_deref()));
    (body, serde_json::to_string(&gist).unwrap_or_default())
}

/// Whether it has arrived: any 2xx.
pub(super) fn arrived(answered: &Answered) -> Result<(), Problem> {
    match answered.status {
        200..=299 => Ok(()),
        status => Err(words(status, &String::from_utf8_lossy(&answered.body))),
    }
}

/// Written as `{"type", "timestamp", "data"}`, as the specification advises.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(serialize_with = "instant")]
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    mailbox: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
    #[serde(flatten)]
    told: Told<'a>,
}
