//! `check`: what is wrong with a configuration, on its own, at Microsoft, and on a caller's way to the gateway.
//!
//! Owns the order of checks and what the process ends with. Must not know how anything is checked.

mod caller;
mod certificate;
mod offline;
mod report;
mod routing;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use jiff::ToSpan;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Trouble, load, table};
use crate::app;
use crate::calendar::Mailbox;
use crate::config::Config;
use crate::graph::{Finding, Graphs, Sheet, Trial, Verdict};
use crate::journal::Journal;
use crate::metrics::Metrics;

/// What to check, and how to report it.
#[derive(Debug)]
pub struct Settings {
    /// The configuration.
    pub config: PathBuf,
    /// What to ask others; nobody without it.
    pub online: Option<Online>,
    /// How the report looks.
    pub format: Format,
    /// Whether warnings alone are told by [`WARNED`].
    pub strict: bool,
}

/// What to ask others.
#[derive(Debug)]
pub struct Online {
    /// Mailboxes to try calls with; one of each tenant.
    pub mailboxes: Vec<String>,
    /// Mailboxes that scoped credentials must not reach; one of each tenant.
    pub forbidden: Vec<String>,
    /// A client, and the file with its secret, to go a caller's way with.
    pub caller: Option<(String, PathBuf)>,
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

/// Nothing failed.
pub const PASSED: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// There are warnings, and nothing failed; told where that was asked for.
pub const WARNED: u8 = 3;

/// Checks, reports to `out`, and gives what the process ends with.
///
/// # Errors
/// A configuration with mistakes, unless the report is for programs; then they are in it. Mailboxes that are none.
pub async fn run(settings: &Settings, out: &mut impl Write) -> Result<u8, Trouble> {
    let name = settings.config.display().to_string();
    let findings = match (load(&settings.config), settings.format) {
        (Ok(config), _) => examine(config, &name, settings.online.as_ref()).await?,
        (Err(trouble), Format::Text) => return Err(trouble),
        (Err(trouble), Format::Json) => {
            let mut sheet = Sheet::of(name);
            sheet.note("configuration", Verdict::Failed, trouble.text().trim_end(), None);
            sheet.findings()
        }
    };
    match settings.format {
        Format::Text => report::text(&findings, out)?,
        Format::Json => report::json(&findings, out)?,
    }
    Ok(match report::worst(&findings) {
        Verdict::Failed => FAILED,
        Verdict::Warning if settings.strict => WARNED,
        Verdict::Warning | Verdict::Ok | Verdict::Skipped => PASSED,
    })
}

async fn examine(config: Config, name: &str, online: Option<&Online>) -> Result<Vec<Finding>, Trouble> {
    let now = app::now();
    let mut findings = offline::findings(&config, name, now);
    let Some(online) = online else { return Ok(findings) };
    let [mailboxes, forbidden] = [&online.mailboxes, &online.forbidden].map(|addresses| parse(addresses));
    let (mailboxes, forbidden) = (mailboxes?, forbidden?);
    let public_url = config.server.public_url;
    let graphs = Graphs::new(config.tenants, config.graph, Arc::new(Metrics::new()), app::now)?;
    let mut trials = config.trials;
    findings.extend(routing::assign(&graphs, &mut trials, &mailboxes, &forbidden));
    let journal = Journal::new(Uuid::new_v4(), now, Instant::now() + PATIENCE);
    let window = table::window(now, now.checked_add(24.hours())?)?;
    findings.extend(graphs.examine(&trials, window, &journal).await);

    let authorities = online
        .public_ca
        .as_ref()
        .map(|path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())));
    let way = caller::Way::new(&public_url, authorities.transpose()?.as_deref())?;
    findings.extend(way.reach(now).await);
    if let Some((client, secret_file)) = &online.caller {
        let secret =
            std::fs::read_to_string(secret_file).map_err(|error| format!("{}: {error}", secret_file.display()))?;
        let of_configuration = |trial: &Trial| trial.allowed.clone();
        let mailbox = mailboxes.first().cloned().or_else(|| trials.iter().find_map(of_configuration));
        findings.extend(way.walk(client, &secret.trim().into(), mailbox.as_ref(), window).await);
    }
    Ok(findings)
}

fn parse(addresses: &[String]) -> Result<Vec<Mailbox>, Trouble> {
    addresses.iter().map(|address| Ok(Mailbox::parse(address)?)).collect()
}

/// For all of Microsoft's answers together.
const PATIENCE: Duration = Duration::from_secs(60);
