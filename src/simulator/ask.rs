//! One checked Graph call on its way to what serves it: who asks, for what, in which world.
//! Knows none of the files that serve.

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use super::delta_token::DeltaTokens;
use super::error::Refusal;
use super::faults::ScheduleError;
use super::json;
use super::permissions::Grants;
use super::query::{Here, Preferences, Query};
use super::route::Route;
use super::state::{Mailbox, State};
use super::world::Kind;

pub(super) struct Ask<'a> {
    pub(super) state: &'a mut State,
    pub(super) grants: Grants<'a>,
    pub(super) tenant: &'a str,
    pub(super) route: &'a Route,
    pub(super) query: &'a Query,
    pub(super) preferences: Preferences,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) here: &'a Here,
    pub(super) now: Timestamp,
    pub(super) strict: bool,
    pub(super) delta_tokens: &'a DeltaTokens,
    pub(super) schedule_errors: &'a [(String, ScheduleError)],
}

impl Ask<'_> {
    /// The calendar that the path names, by user id or principal name.
    pub(super) fn mailbox(&self) -> Result<&Mailbox, Refusal> {
        let name = &self.route.owner;
        let named = |mailbox: &&Mailbox| !mailbox.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name));
        let mailbox =
            self.state.resolve(self.tenant, name).filter(named).ok_or_else(|| {
                Refusal::new(404, "ErrorInvalidUser", format!("The requested user '{name}' is invalid."))
            })?;
        if mailbox.kind == Kind::NoMailbox {
            return Err(Refusal::no_rest());
        }
        Ok(mailbox)
    }

    /// The key of the calendar in the world.
    pub(super) fn mailbox_key(&self) -> Result<String, Refusal> {
        Ok(self.mailbox()?.address.to_lowercase())
    }

    pub(super) fn json_body(&self) -> Result<Value, Refusal> {
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if self.strict && !kind.to_ascii_lowercase().starts_with("application/json") {
            let message = "A valid media type is required; send the body as application/json.";
            return Err(Refusal::new(415, "UnsupportedMediaType", message));
        }
        if self.headers.contains_key("content-encoding") {
            return Err(Refusal::bad("BadRequest", "Compressed request bodies are not supported."));
        }
        json::body(self.body)
    }
}
