//! Busy times as a table and a time line.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::Trouble;
use crate::app;
use crate::calendar::free_busy::{BusyStatus, FreeBusy};
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Mailbox, Window};
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::ews::xml::Xml;
use crate::failure::Failure;
use crate::graph::{Detail, Graphs};
use crate::journal::Journal;

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
        .map(|address| Ok(operator.permit(&Mailbox::parse(address)?, Capability::FreeBusy, app::now())?))
        .collect::<Result<_, _>>()
        .map_err(|failure: Failure| failure.to_string())?;
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

/// Whoever can read the configuration may look up what its credentials can.
fn operator() -> Client {
    Client::without_login("operator", Policy::unlimited(&[Capability::FreeBusy], &["*"], Ceiling::Time))
}

const PATIENCE: Duration = Duration::from_secs(30);
const CELLS: usize = 48;
const CELLS_LONG: i64 = 48;
