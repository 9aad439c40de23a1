//! `policy explain`: what a client's policy would say, and why, without asking for a calendar.

mod explanation;
mod serving;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::explanation::{Explanation, Outcome};
use self::serving::Serving;
use super::{Ending, Trouble, load};
use crate::app;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Client, Source};
use crate::config::Config;
use crate::ews;
use crate::graph::Graphs;
use crate::metrics::Metrics;
use crate::rosters::{self, Plan, Rosters};

/// What is to be explained.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub config: PathBuf,
    /// The client, by its id or a user name.
    pub client: String,
    /// The mailbox's address.
    pub mailbox: String,
    /// An operation, or a capability.
    pub operation: String,
    /// When, as RFC 3339 has it; now without it.
    pub at: Option<String>,
    /// Whether Graph is asked for lists first.
    pub online: bool,
    /// As JSON.
    pub json: bool,
}

/// Explains; says whether it is allowed: [`Ending::Trouble`] where that cannot be told.
///
/// # Errors
/// What is wrong with the configuration or the question.
pub async fn explain(settings: Settings, out: &mut impl Write) -> Result<Ending, Trouble> {
    let config = load(&settings.config)?;
    let mailbox = Mailbox::parse(&settings.mailbox)?;
    let capability = capability(&settings.operation)?;
    let at = match &settings.at {
        Some(text) => text.parse::<Timestamp>().map_err(|_| format!("{text}: write 2027-03-10T18:30:00Z"))?,
        None => app::now(),
    };
    let serving = Serving::of(&config.tenants, &mailbox, capability);
    let (client, not_read) = known(config, &settings.client, settings.online).await?;
    let mut explanation = Explanation::of(&client, &mailbox, capability, at, &serving, settings.online);
    explanation.add(serving.sentences(explanation.view()));
    explanation.add(not_read);
    if settings.json {
        let json = explanation.json(&settings.operation, &serving);
        writeln!(out, "{json:#}")?;
    } else {
        explanation.sentences().iter().try_for_each(|sentence| writeln!(out, "{sentence}"))?;
    }
    Ok(match explanation.outcome() {
        Outcome::Allowed(_) => Ending::Well,
        Outcome::Denied(_) | Outcome::NoTenant | Outcome::NoCredential => Ending::No,
        Outcome::Unknown => Ending::Trouble,
    })
}

/// The client, its lists read as far as they are to be; and a sentence about those that were not.
async fn known(config: Config, name: &str, online: bool) -> Result<(Client, Option<String>), Trouble> {
    let Config { tenants, graph, policies, clients, .. } = config;
    let names: Vec<String> = clients.iter().map(|client| client.id.clone()).collect();
    let is_named = |client: &Client| {
        client.id.eq_ignore_ascii_case(name) || client.users.iter().any(|user| user.eq_ignore_ascii_case(name))
    };
    let client = clients.into_iter().find(is_named);
    let client = client.ok_or_else(|| format!("{name}: no such client; there are {}", names.join(", ")))?;
    let plan = Plan::of([&client], &tenants);
    if online {
        let metrics = Arc::new(Metrics::new());
        let graphs = Arc::new(Graphs::new(tenants, graph, Arc::clone(&metrics), app::now)?);
        let rosters = Rosters::new(plan, policies, graphs, metrics, app::now);
        rosters.refresh_once(PATIENCE).await;
        let unknown = rosters.unknown();
        let sentence = format!("{unknown} of its lists could not be read; see `check --online`.");
        return Ok((client, (unknown > 0).then_some(sentence)));
    }
    for roster in client.policy.mailboxes().flat_map(|mailboxes| &mailboxes.rosters) {
        if let Source::File(path) = roster.source() {
            roster.replace(rosters::read(path)?);
        }
    }
    let is_known = client.policy.mailboxes().all(|mailboxes| mailboxes.are_known())
        && client.policy.denied.as_ref().is_none_or(|denied| denied.knows_addresses());
    let sentence = "Groups, room lists and other addresses of denied mailboxes were not read: add --online.";
    Ok((client, (!is_known).then(|| sentence.to_owned())))
}

/// What an operation needs, or the capability of that name; `None` if being a client is enough. Operations that any
/// client may ask, and that tell of a mailbox, need for that what decides whether they do.
fn capability(name: &str) -> Result<Option<Capability>, Trouble> {
    if let Some(capability) = Capability::ALL.into_iter().find(|capability| capability.name() == name) {
        return Ok(Some(capability));
    }
    let known = ews::capability_of(name).or_else(|| ews::capability_of(&format!("{name}Request")));
    let known = known.map(|capability| match name {
        "ResolveNames" => Some(Capability::Directory),
        "ConvertId" => Some(Capability::CalendarRead),
        _ => capability,
    });
    known.ok_or_else(|| {
        let capabilities = Capability::ALL.map(Capability::name).join(", ");
        let operations: Vec<&str> = ews::operations().collect();
        format!("{name}: neither an operation ({}) nor a capability ({capabilities})", operations.join(", ")).into()
    })
}

/// For lists of groups and people.
const PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
