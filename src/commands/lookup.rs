//! `lookup`: busy times on the command line, as a table and a time line.

use std::path::PathBuf;

use jiff::Timestamp;

use super::table::{table, window};
use super::{Trouble, load};
use crate::app;
use crate::calendar::Window;
use crate::calendar::zone::Zone;
use crate::config::Config;
use crate::ews::types::value::WireTime;
use crate::graph::Graphs;
use crate::metrics::Metrics;

/// What to look up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A configuration; the simulator's company without one.
    pub config: Option<PathBuf>,
    /// Whom.
    pub mailboxes: Vec<String>,
    /// From when, in the zone; today without it.
    pub from: Option<String>,
    /// To when, in the zone; a day after `from` without it.
    pub to: Option<String>,
    /// The zone, a Windows or IANA name.
    pub zone: String,
}

/// Looks up and prints.
///
/// # Errors
/// What is wrong with the configuration, the times or the zone.
pub async fn run(settings: Settings) -> Result<(), Trouble> {
    let zone = Zone::named(&settings.zone).map_err(|_| format!("{}: no such time zone", settings.zone))?;
    let window = asked(&settings, &zone)?;
    let Some(path) = &settings.config else {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let demo = super::demo::Demo::start(super::demo::Settings {
            listen,
            simulator_listen: listen,
            admin_listen: listen,
            hostnames: Vec::new(),
            monitor: None,
            world: None,
            details: None,
        });
        let demo = demo.await?;
        print!("{}", table(demo.graphs(), &settings.mailboxes, window, &zone).await?);
        demo.stop().await;
        return Ok(());
    };
    let Config { tenants, graph, .. } = load(path)?;
    let graphs = Graphs::new(tenants, graph, std::sync::Arc::new(Metrics::new()), crate::app::now)?;
    print!("{}", table(&graphs, &settings.mailboxes, window, &zone).await?);
    Ok(())
}

/// From when to when.
fn asked(settings: &Settings, zone: &Zone) -> Result<Window, Trouble> {
    let read = |text: &String| {
        WireTime::parse(text)
            .map(|time| time.second(zone))
            .ok_or_else(|| format!("{text}: write 2026-03-10 or 2026-03-10T08:00:00"))
    };
    let today = || {
        let now = zone.local_of_second(app::now().as_second());
        zone.second_of_local(now - now.rem_euclid(DAY))
    };
    let from = settings.from.as_ref().map(read).transpose()?.unwrap_or_else(today);
    let to = settings.to.as_ref().map(read).transpose()?;
    let to = to.unwrap_or_else(|| zone.second_of_local(zone.local_of_second(from) + DAY));
    window(Timestamp::from_second(from)?, Timestamp::from_second(to)?)
}

const DAY: i64 = 86_400;
