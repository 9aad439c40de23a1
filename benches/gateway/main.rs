//! Measures the gateway against the goals in README.md, as a process of its own on a core of its
//! own, with the load generator and a stub of Microsoft Graph on the other.
//!
//! `cargo bench --bench gateway [-- [--gateway PATH] [--only SCENARIO] [--rounds N]]`

mod bare;
mod cached;
mod footprint;
mod graph;
mod load;
mod process;
mod report;
mod request;
mod upstream;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::process::Site;
use crate::report::Report;

#[derive(Parser)]
struct Arguments {
    /// The gateway to measure, instead of the one just built.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_calendar-relay"))]
    gateway: PathBuf,
    /// Only this.
    #[arg(long)]
    only: Vec<Scenario>,
    /// Alternating rounds of the cached look-ups.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections that the cached look-ups share.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Serve as the bare handler at this address; how the bench starts itself.
    #[arg(long, hide = true, requires_all = ["bytes", "certificate", "key"])]
    bare: Option<SocketAddr>,
    #[arg(long, hide = true, default_value_t = 0)]
    bytes: usize,
    #[arg(long, hide = true)]
    certificate: Option<PathBuf>,
    #[arg(long, hide = true)]
    key: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Scenario {
    /// CPU time of cached look-ups.
    Cached,
    /// What is added to Graph's time.
    Added,
    /// Calls to Graph.
    Calls,
    /// Resident memory.
    Memory,
    /// Time to start, and size.
    Start,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let (Some(address), Some(certificate), Some(key)) = (arguments.bare, arguments.certificate, arguments.key) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(bare::serve(address, certificate, key, arguments.bytes));
    }
    let site = Site::new(arguments.gateway)?;
    let wanted = |scenario| arguments.only.is_empty() || arguments.only.contains(&scenario);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(measure(&site, wanted, arguments.rounds, arguments.connections))?;
    let pinning = if site.is_pinned() {
        "servers on one core, load on another"
    } else {
        "not pinned: taskset is missing or there is one core"
    };
    println!("{}\n{pinning}; {} rounds", report.table(), arguments.rounds);
    Ok(())
}

async fn measure(
    site: &Site,
    wanted: impl Fn(Scenario) -> bool,
    rounds: usize,
    connections: usize,
) -> Result<Report, Box<dyn Error>> {
    let tls = load::connector(&site.certificates.authority)?;
    let monday = request::monday(calendar_relay::app::now())?;
    let mut report = Report::default();
    if wanted(Scenario::Cached) {
        cached::run(site, &tls, monday, rounds, connections, &mut report).await?;
    }
    if wanted(Scenario::Added) {
        upstream::added(site, &tls, monday, &mut report).await?;
    }
    if wanted(Scenario::Calls) {
        upstream::calls(site, &tls, monday, &mut report).await?;
    }
    if wanted(Scenario::Memory) {
        footprint::memory(site, &tls, monday, &mut report).await?;
    }
    if wanted(Scenario::Start) {
        footprint::start(site, &tls, monday, &mut report).await?;
        footprint::size(site, &mut report)?;
    }
    Ok(report)
}
