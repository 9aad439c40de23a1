//! `lookup`: busy times on the command line, as a table and a time line.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Trouble, load, simulate};
use crate::app;
use crate::calendar::free_busy::{BusyStatus, FreeBusy};
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Mailbox, Window};
use crate::client::{Ceiling, Client, Networks, Pattern, Permitted, Policy};
use crate::config::Config;
use crate::ews::types::value::WireTime;
use crate::ews::xml::Xml;
use crate::graph::{Detail, Graphs};
use crate::journal::Journal;
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
            world: None,
            details: None,
        });
        let demo = demo.await?;
        print!("{}", table(demo.graphs(), &settings.mailboxes, window, &zone).await?);
        demo.stop().await;
        return Ok(());
    };
    let Config { tenants, graph, .. } = load(path)?;
    let graphs = Graphs::new(tenants, graph, std::sync::Arc::new(Metrics::new()))?;
    print!("{}", table(&graphs, &settings.mailboxes, window, &zone).await?);
    Ok(())
}
