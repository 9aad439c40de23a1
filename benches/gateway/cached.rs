//! What a look-up costs that the cache can answer, beside a bare handler with an answer of the same
//! size.

use std::error::Error;
use std::time::Duration;

use tokio_rustls::TlsConnector;

use crate::graph::Graph;
use crate::load::{Connection, Target, closed_loop};
use crate::process::{Gateway, Server, Site};
use crate::report::{Report, median};
use crate::request::{Credentials, Span, address, look_up};

/// What is asked: mailboxes, days, and the goal.
const CASES: [(usize, i64, f64); 4] = [(1, 1, 1.3), (20, 1, 1.3), (100, 1, 1.2), (20, 7, 1.3)];
/// Of one server in one round: enough that a hundredth of a second of CPU time is nothing.
const TURN: Duration = Duration::from_millis(1500);

/// One server, and connections to it.
struct Side {
    server: Server,
    connections: Vec<Connection>,
    /// Microseconds of CPU time a request, by round.
    costs: Vec<f64>,
}

/// Runs all cases in alternating rounds.
pub(crate) async fn run(
    site: &Site,
    tls: &TlsConnector,
    monday: jiff::civil::Date,
    rounds: usize,
    connections: usize,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let graph = Graph::start(Duration::ZERO).await?;
    for (mailboxes, days, goal) in CASES {
        // From Wednesday on, the week with both its edges in one window of the grid.
        let first = monday.checked_add(jiff::Span::new().days(if days == 1 { 2 } else { 0 }))?;
        let addresses: Vec<_> = (0..mailboxes).map(address).collect();
        let settings = |log| Gateway { log, lifetime: "1h", texts: false, graph: graph.address };
        let mut info = Side::new(site.gateway(settings("info"))?, tls, connections).await?;
        let mut warn = Side::new(site.gateway(settings("warn"))?, tls, connections).await?;
        let mut request = Vec::new();
        let mut bytes = 0;
        for side in [&mut info, &mut warn] {
            let token = token(side.connections.first_mut().ok_or("no connection")?).await?;
            request = look_up(&addresses, Span::days(first, days)?, "FreeBusyMerged", &Credentials::Bearer(token));
            let answer = side.connections.first_mut().ok_or("no connection")?.ask(&request).await?;
            bytes = answer.len();
        }
        let mut bare = Side::new(site.bare(bytes)?, tls, connections).await?;
        for _ in 0..rounds {
            for side in [&mut bare, &mut info, &mut warn] {
                side.turn(&request).await?;
            }
        }
        let what = format!(
            "cached, {mailboxes} mailbox{} × {days} day{} ({bytes} B): CPU / bare handler",
            if mailboxes == 1 { "" } else { "es" },
            if days == 1 { "" } else { "s" }
        );
        let ratio = info.over(&bare);
        report.row(
            &what,
            ratio,
            goal,
            &format!(
                "{:.0} / {:.0} µs; without the access line {:.2}",
                median(&info.costs),
                median(&bare.costs),
                warn.over(&bare)
            ),
        );
    }
    Ok(())
}

impl Side {
    async fn new(server: Server, tls: &TlsConnector, connections: usize) -> Result<Self, Box<dyn Error>> {
        let connections = Target::tls(server.address, tls).connect_many(connections).await?;
        Ok(Self { server, connections, costs: Vec::new() })
    }

    async fn turn(&mut self, request: &[u8]) -> Result<(), Box<dyn Error>> {
        let before = self.server.cpu()?;
        let count = closed_loop(&mut self.connections, request, TURN).await?;
        let spent = self.server.cpu()? - before;
        self.costs.push(spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(count)?));
        Ok(())
    }

    /// The median of the rounds' ratios.
    fn over(&self, floor: &Self) -> f64 {
        median(&self.costs.iter().zip(&floor.costs).map(|(cost, floor)| cost / floor).collect::<Vec<_>>())
    }
}

/// A token, as Google Calendar Interop gets one.
pub(crate) async fn token(connection: &mut Connection) -> Result<String, Box<dyn Error>> {
    let answer: serde_json::Value = serde_json::from_slice(connection.ask(&crate::request::token()).await?)?;
    Ok(answer.get("access_token").and_then(serde_json::Value::as_str).ok_or("no token")?.to_owned())
}
