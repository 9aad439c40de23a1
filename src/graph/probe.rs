//! Trials that an operator asks for, and the knock at start.
//!
//! Owns which call is cheap. Must not know caches.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use uuid::Uuid;

use super::calls::calendar_view::{calendar_view, first_pages};
use super::calls::get_schedule::get_schedule;
use super::calls::mail_tips::{self, mail_tips};
use super::calls::mailbox_settings::mailbox_settings;
use super::calls::places;
use super::client::{Call, Client};
use super::fault::Trouble;
use super::listing::Told;
use super::status::Probe;
use super::token::TokenState;
use super::visit::Visit;
use crate::calendar::{Capability, Mailbox, Window};
use crate::failure::Failure;
use crate::journal::Journal;

/// How long the knock at start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tries each credential of a tenant.
pub(super) async fn tenant(
    name: &str,
    client: &Client,
    mailbox: Option<&Mailbox>,
    window: Window,
    journal: &Journal,
) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (index, tokens) in client.credentials.iter().enumerate() {
        let credential = tokens.credential();
        let mut note = |what: String, result| {
            probes.push(Probe { tenant: name.to_owned(), client_id: credential.client_id.clone(), what, result });
        };
        let token = tokens.get(journal.deadline).await;
        let refused = token.is_err();
        note(
            "token".into(),
            token.map(|_| token_text(&tokens.state(Instant::now()))).map_err(|why| why.told.to_string()),
        );
        if refused {
            continue;
        }
        for capability in &credential.capabilities {
            let what = |mailbox: &Mailbox| format!("{} of {mailbox}", capability.name());
            match (capability, mailbox) {
                (Capability::FreeBusy, Some(mailbox)) => {
                    let asked = std::slice::from_ref(mailbox);
                    let told =
                        get_schedule(client, index, mailbox, asked, window, journal.request_id, journal.deadline).await;
                    note(what(mailbox), items(told));
                }
                (Capability::CalendarRead, Some(mailbox)) => {
                    note(what(mailbox), items(view(client, index, mailbox, window, journal).await));
                }
                (Capability::OutOfOfficeRead, Some(mailbox)) => {
                    let told = mailbox_settings(Visit { client, credential: index, mailbox, journal }).await;
                    note(what(mailbox), told.map(|_| "automatic replies are shown".into()).map_err(words));
                }
                (Capability::Directory, _) => {
                    let lists = places::room_lists(client, index, journal).await;
                    note("room lists".into(), lists.map(|lists| format!("{} lists", lists.len())).map_err(words));
                }
                (
                    Capability::FreeBusy
                    | Capability::CalendarRead
                    | Capability::CalendarWrite
                    | Capability::OutOfOfficeRead
                    | Capability::OutOfOfficeWrite,
                    _,
                ) => {}
            }
        }
        if let (true, Some(mailbox)) = (credential.mail_tips, mailbox) {
            let asked = std::slice::from_ref(mailbox);
            let told = mail_tips(Visit { client, credential: index, mailbox, journal }, asked).await;
            note(format!("mail tips of {mailbox}"), tip(told));
        }
        if mailbox.is_none() {
            note("a call".into(), knock(client, index, journal.deadline).await);
        }
    }
    probes
}

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
async fn knock(client: &Client, credential: usize, deadline: Instant) -> Result<String, String> {
    let mut url = client.url(&["users"]);
    url.query_pairs_mut().append_pair("$select", "id").append_pair("$top", "1");
    let call = Call::get("knock", credential, &[], url, Uuid::new_v4(), deadline);
    match client.send(&call).await {
        Ok(_) => Ok("Graph answers".into()),
        Err(trouble) if matches!(trouble.status, Some(403 | 404)) => Ok("Graph answers and takes the token".into()),
        Err(trouble) => Err(words(trouble)),
    }
}

async fn view(
    client: &Client,
    credential: usize,
    mailbox: &Mailbox,
    window: Window,
    journal: &Journal,
) -> Result<Vec<Told>, Trouble> {
    let mut asks = first_pages(client, std::slice::from_ref(mailbox), window);
    loop {
        let (told, left) = calendar_view(client, credential, asks, journal.request_id, journal.deadline).await?;
        if left.is_empty() {
            return Ok(told);
        }
        asks = left;
    }
}

fn items(told: Result<Vec<Told>, Trouble>) -> Result<String, String> {
    let (_, listing) = told.map_err(words)?.into_iter().next().ok_or("no answer")?;
    listing.map(|listing| format!("{} items", listing.items.len())).map_err(|failure: Failure| failure.to_string())
}

fn tip(told: Result<Vec<Option<mail_tips::Told>>, Trouble>) -> Result<String, String> {
    let tip = told.map_err(words)?.into_iter().flatten().next().ok_or("no answer")?;
    tip.map(|_| "mail tips are shown".into()).map_err(|failure| failure.to_string())
}

fn words(trouble: Trouble) -> String {
    trouble.told.unwrap_or_else(|| trouble.failure.to_string())
}

fn token_text(state: &TokenState) -> String {
    match state {
        TokenState::Valid(left) => format!("valid for {} s", left.as_secs()),
        TokenState::None | TokenState::Expired | TokenState::Refused(_) | TokenState::Unavailable(_) => "none".into(),
    }
}
