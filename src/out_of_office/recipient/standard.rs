//! Webhooks as <https://www.standardwebhooks.com/> has them: all that is known, signed.
//!
//! Owns the frame of the body and the signature
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>). Must not know letters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serialize;
use sha2::Sha256;

use super::news::News;
use super::words::{Problem, words};
use crate::out_of_office::record;
use crate::out_of_office::told::{Told, instant};
use crate::outbound::Answered;

/// Keys that sign, all of them each time: a receiver changes its key while both are here.
#[derive(Debug)]
pub(super) struct Keys(Vec<SecretSlice<u8>>);

impl Keys {
    /// Reads keys as they are written, `whsec_` and base64.
    ///
    /// # Errors
    /// A text for the operator, without the key.
    pub(super) fn parse(secrets: &[SecretString]) -> Result<Self, String> {
        if secrets.is_empty() {
            return Err("needs a secret".to_owned());
        }
        secrets.iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The headers of one sending.
    pub(super) fn headers(&self, id: &str, now: Timestamp, body: &str) -> [(&'static str, String); 3] {
        let now = now.as_second();
        let signed = format!("{id}.{now}.{body}");
        let signatures: Vec<String> = self.0.iter().filter_map(|key| sign(key, &signed)).collect();
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

fn key(secret: &SecretString) -> Result<SecretSlice<u8>, String> {
    let encoded = secret.expose_secret().trim();
    let encoded = encoded.strip_prefix(PREFIX).ok_or_else(|| format!("a secret does not begin with {PREFIX}"))?;
    let key = STANDARD.decode(encoded).map_err(|_| format!("a secret is no base64 after {PREFIX}"))?;
    if !(SHORTEST_KEY..=LONGEST_KEY).contains(&key.len()) {
        return Err(format!("a secret has {} bytes; it needs {SHORTEST_KEY} to {LONGEST_KEY}", key.len()));
    }
    Ok(SecretSlice::from(key))
}

/// `None` never: HMAC takes keys of every length.
fn sign(key: &SecretSlice<u8>, text: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok()?;
    mac.update(text.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

const PREFIX: &str = "whsec_";
/// In bytes, as the specification has it.
const SHORTEST_KEY: usize = 24;
const LONGEST_KEY: usize = 64;
