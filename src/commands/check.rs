//! `check`: what is wrong with a configuration, on its own, at Microsoft, and on a caller's way to the gateway.
//!
//! Owns the order of checks and what the process ends with. Must not know how anything is checked.

mod caller;
mod certificate;
mod credentials;
mod files;
mod lists;
mod offline;
mod report;
mod routing;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use jiff::{Timestamp, ToSpan};
use tokio::time::Instant;
use uuid::Uuid;

pub use self::caller::Caller;

use super::{Ending, Trouble, load, table};
use crate::app;
use crate::calendar::Mailbox;
use crate::config::Config;
use crate::graph::{Finding, Graphs, Sheet, Verdict};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::rosters::{Plan, Rosters};

/// What to check, and how to report it.
#[derive(Debug)]
pub struct Settings {
    /// The configuration.
    pub config: PathBuf,
    /// What to ask others; nobody without it.
    pub online: Option<Online>,
    /// How the report looks.
    pub format: Format,
    /// Whether warnings alone are told by [`Ending::Warned`].
    pub strict: bool,
}

/// What to ask others.
#[derive(Debug)]
pub struct Online {
    /// Mailboxes to try calls with; one of each tenant.
    pub mailboxes: Vec<String>,
    /// Mailboxes that scoped credentials must not reach; one of each tenant.
    pub forbidden: Vec<String>,
    /// A client to go a caller's way as.
    pub caller: Option<Caller>,
    /// Authorities that callers trust besides the usual ones, PEM.
    pub public_ca: Option<PathBuf>,
}

/// How a report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Checks, reports to `out`, and gives what the process ends with.
///
/// # Errors
/// A configuration with mistakes, unless the report is for programs; then they are in it. What cannot be written.
pub async fn run(settings: &Settings, out: &mut impl Write) -> Result<Ending, Trouble> {
    let name = settings.config.display().to_string();
    let findings = match (load(&settings.config), settings.format) {
        (Ok(config), _) => examine(config, &name, settings.online.as_ref()).await,
        (Err(trouble), Format::Text) => return Err(trouble),
        (Err(trouble), Format::Json) => failed(&name, "configuration", trouble.text()),
    };
    match settings.format {
        Format::Text => report::text(&findings, out)?,
        Format::Json => report::json(&findings, out)?,
    }
    Ok(match report::worst(&findings) {
        Verdict::Failed => Ending::No,
        Verdict::Warning if settings.strict => Ending::Warned,
        Verdict::Warning | Verdict::Ok | Verdict::Skipped => Ending::Well,
    })
}

async fn examine(config: Config, name: &str, online: Option<&Online>) -> Vec<Finding> {
    let now = app::now();
    let mut findings = offline::findings(&config, name, now);
    if let Some(online) = online {
        findings.extend(ask(config, name, online, now).await);
    }
    findings
}

async fn ask(config: Config, name: &str, online: &Online, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Config { server, tenants, graph, policies, mut trials, clients, .. } = config;
    let [mailboxes, forbidden] = [&online.mailboxes, &online.forbidden].map(|addresses| {
        let (parsed, wrong) = parse(addresses);
        findings.extend(wrong);
        parsed
    });
    let window = match now.checked_add(24.hours()).map_err(Trouble::from).and_then(|end| table::window(now, end)) {
        Ok(window) => window,
        Err(trouble) => return [findings, failed(name, "configuration", trouble.text())].concat(),
    };
    let plan = Plan::of(&clients, &tenants);
    let metrics = Arc::new(Metrics::new());
    match Graphs::new(tenants, graph, Arc::clone(&metrics), app::now).map(Arc::new) {
        Err(problem) => findings.extend(failed(name, "configuration", &problem)),
        Ok(graphs) => {
            findings.extend(routing::assign(&graphs, &mut trials, &mailboxes, &forbidden));
            let journal = Journal::new(Uuid::new_v4(), now, Instant::now() + PATIENCE);
            findings.extend(graphs.examine(&trials, window, &journal).await);
            Rosters::new(plan, policies, graphs, metrics, app::now).refresh_once(LISTS_PATIENCE).await;
            findings.extend(lists::findings(&clients));
        }
    }
    let url = &server.public_url;
    let way = authorities(online).and_then(|pem| Ok((caller::Way::new(url, pem.as_deref(), None)?, pem)));
    let (way, pem) = match way {
        Ok(both) => both,
        Err(problem) => return [findings, failed(url, "public_url", &problem)].concat(),
    };
    findings.extend(way.reach(now).await);
    if let Some(caller) = &online.caller {
        let tried = trials.iter().filter_map(|trial| trial.allowed.clone());
        let mailboxes: Vec<Mailbox> = mailboxes.into_iter().chain(tried).collect();
        findings.extend(caller.walk(url, pem.as_deref(), &clients, &mailboxes, window, now).await);
    }
    findings
}

/// Authorities that callers trust besides the usual ones, PEM.
fn authorities(online: &Online) -> Result<Option<Vec<u8>>, String> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    online.public_ca.as_ref().map(read).transpose()
}

/// Addresses, and what is to be told of those that are none.
fn parse(addresses: &[String]) -> (Vec<Mailbox>, Vec<Finding>) {
    let (mut mailboxes, mut wrong) = (Vec::new(), Vec::new());
    for address in addresses {
        match Mailbox::parse(address) {
            Ok(mailbox) => mailboxes.push(mailbox),
            Err(problem) => wrong.extend(failed(address, "routing", &problem.to_string())),
        }
    }
    (mailboxes, wrong)
}

fn failed(subject: &str, check: &'static str, problem: &str) -> Vec<Finding> {
    let mut sheet = Sheet::of(subject);
    sheet.note(check, Verdict::Failed, problem.trim_end(), None);
    sheet.findings()
}

/// For all of Microsoft's answers about one credential together.
const PATIENCE: Duration = Duration::from_secs(60);
/// For all groups, room lists and people.
const LISTS_PATIENCE: Duration = Duration::from_secs(120);
