//! A watched mailbox as JSON, in the words of the letters to webhooks.
//!
//! Owns its members, which `openapi.json` describes. Must not know how the watch was asked for.

use jiff::Timestamp;
use serde::Serialize;

use crate::calendar::out_of_office::{Audience, Away};
use crate::calendar::plain_text;
use crate::failure::Failure;
use crate::out_of_office::Watched;

/// A watched mailbox.
#[derive(Debug, Serialize)]
pub(super) struct View<'a> {
    mailbox: &'a str,
    alias: &'a str,
    watched_since: String,
    looked_at: Option<String>,
    problem: Option<Problem>,
    /// None before anything was told.
    state: Option<&'static str>,
    changed_at: Option<String>,
    scheduled: Option<Scheduled>,
    audience: Option<&'static str>,
    internal: Option<Message<'a>>,
    external: Option<Message<'a>>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Scheduled {
    start: String,
    end: String,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    text: String,
    html: &'a str,
}

/// How a mailbox stands, as JSON.
pub(super) fn view(watched: &Watched) -> String {
    // Texts and numbers alone are always written.
    serde_json::to_string(&View::new(watched)).unwrap_or_default()
}

impl<'a> View<'a> {
    fn new(watched: &'a Watched) -> Self {
        let standing = watched.standing.as_ref();
        let away = standing.and_then(|standing| standing.away.as_ref());
        let state = standing.map(|standing| if standing.away.is_some() { "away" } else { "available" });
        let scheduled = |away: &Away| {
            let window = away.window?;
            Some(Scheduled { start: instant(window.start()), end: instant(window.end()) })
        };
        Self {
            mailbox: watched.mailbox.as_str(),
            alias: &watched.alias,
            watched_since: instant(watched.since),
            looked_at: watched.looked.map(instant),
            problem: watched.problem.as_ref().map(Problem::new),
            state,
            changed_at: standing.map(|standing| instant(standing.changed)),
            scheduled: away.and_then(scheduled),
            audience: away.map(|away| audience(away.audience)),
            internal: away.map(|away| Message::new(&away.internal)),
            external: away.map(|away| Message::new(&away.external)),
        }
    }
}

impl Problem {
    fn new(failure: &Failure) -> Self {
        Self { code: failure.label(), text: failure.to_string() }
    }
}

impl<'a> Message<'a> {
    fn new(html: &'a str) -> Self {
        Self { text: plain_text::of_html(html), html }
    }
}

fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Nobody => "nobody",
        Audience::Contacts => "contacts",
        Audience::Everybody => "everybody",
    }
}

/// RFC 3339, in UTC, in whole seconds.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
