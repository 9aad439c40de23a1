//! `lookup`: busy times on the command line, as a table and a time line.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Trouble, load};
use crate::app;
use crate::calendar::free_busy::{BusyStatus, FreeBusy};
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Mailbox, Window};
use crate::client::{Ceiling, Client, Permitted, Policy};
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

/// A window from two instants.
pub(super) fn window(start: Timestamp, end: Timestamp) -> Result<Window, Trouble> {
    Window::new(start, end).ok_or_else(|| "the window must end after it starts".into())
}

/// Looks up each address, and draws a table and a time line of each.
pub(super) async fn table(
    graphs: &Graphs,
    addresses: &[String],
    window: Window,
    zone: &Zone,
) -> Result<String, Trouble> {
    let operator = operator();
    let permitted: Vec<Permitted> = addresses
        .iter()
        .map(|address| operator.permit(&Mailbox::parse(address)?, Capability::FreeBusy))
        .collect::<Result<_, _>>()
        .map_err(|failure| failure.to_string())?;
    let journal = Journal::new(Uuid::new_v4(), app::now(), Instant::now() + PATIENCE);
    let mut text = String::new();
    for (mailbox, found) in permitted.iter().zip(graphs.free_busy(&permitted, window, Detail::Times, &journal).await) {
        writeln!(text, "{}", mailbox.mailbox())?;
        match found {
            Ok(free_busy) => draw(&mut text, &free_busy, window, zone)?,
            Err(failure) => writeln!(text, "  {failure}")?,
        }
        writeln!(text)?;
    }
    Ok(text)
}

fn draw(text: &mut String, free_busy: &FreeBusy, window: Window, zone: &Zone) -> Result<(), std::fmt::Error> {
    let mut any = false;
    for (item, _) in free_busy.overlapping(window, zone) {
        any = true;
        let (start, end) = item.local(zone);
        let days = if item.is_all_day() { " (whole days)" } else { "" };
        writeln!(text, "  {} - {}  {}{days}", clock(start), clock(end), name(item.status()))?;
    }
    if !any {
        writeln!(text, "  free")?;
    }
    writeln!(text, "  |{}|", line(free_busy, window, zone))
}

/// A character for each forty-eighth of the window, the busiest status in it.
fn line(free_busy: &FreeBusy, window: Window, zone: &Zone) -> String {
    let (start, length) = (window.start().as_second(), window.seconds());
    let mut cells = ['.'; CELLS];
    for (item, _) in free_busy.overlapping(window, zone) {
        let (from, to) = item.instants(zone);
        let mark = match item.status() {
            BusyStatus::Free => continue,
            BusyStatus::Tentative => '?',
            BusyStatus::Busy => '#',
            BusyStatus::OutOfOffice => 'o',
            BusyStatus::WorkingElsewhere => 'w',
            BusyStatus::NoData => '-',
        };
        for (index, cell) in cells.iter_mut().enumerate() {
            let index = i64::try_from(index).unwrap_or(0);
            let (cell_start, cell_end) =
                (start + length * index / CELLS_LONG, start + length * (index + 1) / CELLS_LONG);
            if from < cell_end && to > cell_start && rank(mark) > rank(*cell) {
                *cell = mark;
            }
        }
    }
    cells.iter().collect()
}

fn rank(mark: char) -> usize {
    ".w-?#o".find(mark).unwrap_or(0)
}

fn name(status: BusyStatus) -> &'static str {
    match status {
        BusyStatus::Free => "free",
        BusyStatus::Tentative => "tentative",
        BusyStatus::Busy => "busy",
        BusyStatus::OutOfOffice => "out of office",
        BusyStatus::WorkingElsewhere => "working elsewhere",
        BusyStatus::NoData => "no data",
    }
}

fn clock(local: i64) -> String {
    let mut xml = Xml::default();
    xml.local_time(local);
    xml.finish().replace('T', " ")
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

/// Whoever can read the configuration may look up what its credentials can.
fn operator() -> Client {
    Client::without_login("operator", Policy::unlimited(&[Capability::FreeBusy], &["*"], Ceiling::Time))
}

const PATIENCE: Duration = Duration::from_secs(30);
const DAY: i64 = 86_400;
const CELLS: usize = 48;
const CELLS_LONG: i64 = 48;
