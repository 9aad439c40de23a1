//! What is told of a mailbox, to webhooks and to whoever asks: one vocabulary, as JSON.
//!
//! Owns its members; those of a watch are described in `server/monitor/openapi.json` too. Must not know who is told, nor
//! when.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::spoken;
use super::state::{Standing, Watched};
use crate::calendar::Window;
use crate::calendar::out_of_office::{Audience, Away};
use crate::failure::Failure;

/// What correspondents hear.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    /// Null as long as it is not known.
    state: Option<&'static str>,
    #[serde(serialize_with = "maybe_instant")]
    changed_at: Option<Timestamp>,
    scheduled: Option<Scheduled>,
    audience: Option<&'static str>,
    internal: Option<Message<'a>>,
    external: Option<Message<'a>>,
}

/// A watched mailbox.
#[derive(Debug, Serialize)]
struct Watch<'a> {
    mailbox: &'a str,
    alias: &'a str,
    #[serde(serialize_with = "instant")]
    watched_since: Timestamp,
    #[serde(serialize_with = "maybe_instant")]
    looked_at: Option<Timestamp>,
    problem: Option<Problem>,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Scheduled {
    #[serde(serialize_with = "instant")]
    start: Timestamp,
    #[serde(serialize_with = "instant")]
    end: Timestamp,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    text: String,
    html: &'a str,
}

/// RFC 3339, in UTC, in whole seconds.
pub(super) fn instant<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&instant.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

impl Watched {
    /// How it stands, as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let watch = Watch {
            mailbox: self.mailbox.as_str(),
            alias: &self.alias,
            watched_since: self.since,
            looked_at: self.looked,
            problem: self.problem.as_ref().map(Problem::from),
            told: Told::of(self.standing.as_ref()),
        };
        // Texts alone are always written.
        serde_json::to_string(&watch).unwrap_or_default()
    }
}

impl<'a> Told<'a> {
    pub(super) fn of(standing: Option<&'a Standing>) -> Self {
        let away = standing.and_then(|standing| standing.away.as_deref());
        Self {
            state: standing.map(|standing| if standing.away.is_some() { "away" } else { "available" }),
            changed_at: standing.map(|standing| standing.changed),
            scheduled: away.and_then(|away| away.window).map(Scheduled::from),
            audience: away.map(|away| audience(away.audience)),
            internal: away.and_then(|away| Message::of(&away.internal)),
            external: away.and_then(external),
        }
    }
}

impl<'a> Message<'a> {
    /// `None` where there is no message.
    fn of(html: &'a str) -> Option<Self> {
        (!html.is_empty()).then(|| Self { text: spoken::text(html), html })
    }
}

impl From<Window> for Scheduled {
    fn from(window: Window) -> Self {
        Self { start: window.start(), end: window.end() }
    }
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        Self { code: failure.label(), text: failure.to_string() }
    }
}

fn external(away: &Away) -> Option<Message<'_>> {
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

fn maybe_instant<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, serializer),
        None => serializer.serialize_none(),
    }
}
