//! Webhooks as <https://www.standardwebhooks.com/> has them: all that is known, signed.
//!
//! Owns the body and the signature
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>). Must not know letters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::Serialize;
use sha2::Sha256;

use super::{News, spoken, words};
use crate::calendar::Window;
use crate::calendar::out_of_office::{Audience, Away};
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

/// What it is told, if that is another thing than before.
pub(super) fn body(news: News<'_>, made: Timestamp) -> Option<String> {
    let away = news.now.away.as_ref();
    if news.before.is_some_and(|before| before.away.as_ref() == away) {
        return None;
    }
    let event = Event {
        kind: "out_of_office.changed",
        timestamp: made,
        data: Data {
            mailbox: news.mailbox.to_string(),
            alias: Some(news.alias).filter(|alias| !alias.is_empty()),
            state: if away.is_some() { "away" } else { "available" },
            changed_at: news.now.changed,
            scheduled: away.and_then(|away| away.window).map(Scheduled::from),
            audience: away.map(|away| audience(away.audience)),
            internal: away.and_then(|away| Message::of(&away.internal)),
            external: away.and_then(external),
        },
    };
    serde_json::to_string(&event).ok()
}

/// Whether it has arrived: any 2xx.
pub(super) fn arrived(answered: &Answered) -> Result<(), String> {
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
    state: &'static str,
    #[serde(serialize_with = "instant")]
    changed_at: Timestamp,
    scheduled: Option<Scheduled>,
    audience: Option<&'static str>,
    internal: Option<Message>,
    external: Option<Message>,
}

#[derive(Serialize)]
struct Scheduled {
    #[serde(serialize_with = "instant")]
    start: Timestamp,
    #[serde(serialize_with = "instant")]
    end: Timestamp,
}

#[derive(Serialize)]
struct Message {
    text: String,
    html: String,
}

impl From<Window> for Scheduled {
    fn from(window: Window) -> Self {
        Self { start: window.start(), end: window.end() }
    }
}

impl Message {
    /// `None` where there is no message.
    fn of(html: &str) -> Option<Self> {
        (!html.is_empty()).then(|| Self { text: spoken::text(html), html: html.to_owned() })
    }
}

fn external(away: &Away) -> Option<Message> {
    match away.audience {
        Audience::Nobody => None,
        Audience::Contacts | Audience::Everybody => Message::of(&away.external),
    }
}

fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Nobody => "nobody",
        Audience::Contacts => "contacts",
        Audience::Everybody => "everybody",
    }
}

/// RFC 3339, in UTC.
fn instant<S: serde::Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(instant)
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
