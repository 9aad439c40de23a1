//! What the gateway takes: memory, time to start, size.

use std::error::Error;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use tokio_rustls::TlsConnector;

use crate::graph::Graph;
use crate::load::Target;
use crate::process::{Gateway, Site};
use crate::report::{Report, median};
use crate::request::{Credentials, Span, address, look_up};

const MAILBOXES: usize = 100_000;
const STARTS: usize = 11;

/// Resident memory after a hundred thousand mailboxes were looked up, twenty items each.
pub(crate) async fn memory(
    site: &Site,
    tls: &TlsConnector,
    monday: Date,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let graph = Graph::start(Duration::ZERO).await?;
    for (texts, view, what, goal) in [
        (false, "FreeBusyMerged", "RSS with 100,000 mailboxes cached, times only", 100.0),
        (true, "DetailedMerged", "RSS with 100,000 mailboxes cached, with texts", 280.0),
    ] {
        let gateway = site.gateway(Gateway { log: "warn", lifetime: "1h", texts, graph: graph.address })?;
        let mut connection = Target::tls(gateway.address, tls).connect().await?;
        let span = Span::days(monday.checked_add(jiff::Span::new().days(1))?, 4)?;
        connection.ask(&look_up(&[address(0)], span, view, &Credentials::Basic)).await?;
        let idle = gateway.resident()?;
        for first in (0..MAILBOXES).step_by(100) {
            let mailboxes: Vec<_> = (first..first + 100).map(address).collect();
            connection.ask(&look_up(&mailboxes, span, view, &Credentials::Basic)).await?;
        }
        report.row(what, gateway.resident()?, goal, "MB");
        if !texts {
            report.row("idle RSS", idle, 20.0, "MB, after one look-up");
        }
    }
    Ok(())
}

/// From exec to the first look-up answered over TLS, an uncached one.
pub(crate) async fn start(
    site: &Site,
    tls: &TlsConnector,
    monday: Date,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let graph = Graph::start(Duration::ZERO).await?;
    let request = look_up(&[address(0)], Span::days(monday, 1)?, "FreeBusyMerged", &Credentials::Basic);
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let gateway =
            site.begin_gateway(Gateway { log: "info", lifetime: "1h", texts: false, graph: graph.address })?;
        let target = Target::tls(gateway.address, tls);
        let mut connection = loop {
            match target.connect().await {
                Ok(connection) => break connection,
                Err(_) if begun.elapsed() < Duration::from_secs(10) => {
                    tokio::time::sleep(Duration::from_millis(1)).await
                }
                Err(error) => return Err(error.into()),
            }
        };
        connection.ask(&request).await?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    report.row("exec to first TLS SOAP answer", median(&times), 80.0, "ms");
    Ok(())
}

/// The binary as it is.
pub(crate) fn size(site: &Site, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let megabytes = site.binary()? as f64 / 1e6;
    report.row("binary", megabytes, 20.0, "MB as built for this run; the goal is for profile dist");
    Ok(())
}
