//! What the VMO³ mediator understands.
//!
//! Owns its requests and its answers. It crashes without a `message`, even an empty one; to `setup` it answers after it
//! has asked for every watch, one after the other. Must not know letters.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::news::News;
use super::words::{Problem, words};
use crate::calendar::out_of_office::Audience;
use crate::out_of_office::spoken;
use crate::out_of_office::state::Standing;
use crate::outbound::{Answered, Outbound};

/// Where news go.
pub(super) const SET_STATUS: [&str; 2] = ["api", "setstatus"];

/// What it is told, and the gist of that: all of it.
pub(super) fn body(news: News<'_>) -> (String, String) {
    let (status, message) = said(news.now);
    // Texts alone are always written.
    let body = serde_json::to_string(&SetStatus { email: news.alias, status, message }).unwrap_or_default();
    (body.clone(), body)
}

/// Whether news have arrived: `{"result": "True"}`.
pub(super) fn arrived(answered: &Answered) -> Result<(), Problem> {
    let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    let text = match answer.get("result") {
        Some(Value::Bool(true)) if answered.status == OK => return Ok(()),
        Some(Value::String(text)) if answered.status == OK && text.trim().eq_ignore_ascii_case("true") => return Ok(()),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::from_utf8_lossy(&answered.body).into_owned(),
    };
    Err(words(answered.status, &text))
}

/// Has it ask for the watches that it wants.
pub(super) async fn synchronise(outbound: &Outbound) -> Result<(), String> {
    let here = outbound.get().await.map_err(|unreachable| unreachable.to_string())?;
    if here.status >= 500 {
        return Err(words(here.status, "").logged);
    }
    let answered = outbound.post_patiently(&["api", "setup"], "{}".to_owned(), SETUP).await;
    let answered = answered.map_err(|unreachable| unreachable.to_string())?;
    arrived(&answered).map_err(|problem| {
        tracing::debug!(problem = problem.text, "the mediator has not asked for its watches");
        if answered.status == OK { "answers 200, but not that it went well".to_owned() } else { problem.logged }
    })
}

#[derive(Serialize)]
struct SetStatus<'a> {
    email: &'a str,
    status: &'static str,
    message: String,
}

/// Status and message; to whom nobody outside is told anything, nothing is said on the telephone either.
fn said(standing: &Standing) -> (&'static str, String) {
    match &standing.away {
        Some(away) if away.audience == Audience::Nobody => ("True", String::new()),
        Some(away) => ("True", spoken::text(&away.external)),
        None => ("False", String::new()),
    }
}

const OK: u16 = 200;
/// It posts up to some thousands of users, and waits up to 10 s for each answer.
const SETUP: Duration = Duration::from_secs(3600);
