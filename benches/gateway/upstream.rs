//! What reaches Graph, and what the gateway adds to Graph's own time.

use std::error::Error;
use std::time::Duration;

use jiff::civil::Date;
use tokio_rustls::TlsConnector;

use crate::cached::token;
use crate::graph::{Graph, schedule_request};
use crate::load::Target;
use crate::process::{Gateway, Site};
use crate::report::{Report, milliseconds};
use crate::request::{Credentials, Span, Users, address, look_up};

/// What getSchedule takes in these scenarios: about its usual time.
pub(crate) const LATENCY: Duration = Duration::from_millis(100);

/// Each look-up is for a mailbox that was never asked for. All at the busy rate fall into one week,
/// so that the gateway joins what waits while a call is under way; at the quiet rate there is
/// nothing to join.
pub(crate) async fn added(
    site: &Site,
    tls: &TlsConnector,
    monday: Date,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let graph = Graph::start(LATENCY).await?;
    let gateway = site.gateway(Gateway { log: "info", lifetime: "1h", texts: false, graph: graph.address })?;
    let target = Target::tls(gateway.address, tls);
    let credentials = Credentials::Bearer(token(&mut target.connect().await?).await?);
    let span = Span::days(monday.checked_add(jiff::Span::new().days(2))?, 1)?;
    let mut next = 0;
    for (what, per_second, seconds, goal) in [
        ("added to Graph's p50, uncached, 200 look-ups/s", 200, 10, 0.8),
        ("added to Graph's p50, uncached, 5 look-ups/s", 5, 20, 0.8),
    ] {
        let count = per_second * seconds;
        let direct =
            (0..count).map(|number| schedule_request(&address(number), &span.start.to_string(), &span.end.to_string()));
        let direct = Target::plain(graph.address).open_loop(u32::try_from(per_second)?, direct).await?;
        let before = graph.calls.schedules();
        let through =
            (next..next + count).map(|number| look_up(&[address(number)], span, "FreeBusyMerged", &credentials));
        let through = target.open_loop(u32::try_from(per_second)?, through).await?;
        next += count;
        let calls = graph.calls.schedules() - before;
        let (direct, through) = (milliseconds(&direct), milliseconds(&through));
        report.row(
            what,
            through - direct,
            goal,
            &format!("ms; {through:.2} against {direct:.2} ms; {calls} calls for {count} look-ups"),
        );
    }
    Ok(())
}

/// A morning of Google's users.
pub(crate) async fn calls(
    site: &Site,
    tls: &TlsConnector,
    monday: Date,
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let graph = Graph::start(LATENCY).await?;
    let gateway = site.gateway(Gateway { log: "info", lifetime: "2m", texts: false, graph: graph.address })?;
    let target = Target::tls(gateway.address, tls);
    let credentials = Credentials::Bearer(token(&mut target.connect().await?).await?);
    let mut users = Users::new(2000, monday);
    let mut requests = (0..LOOK_UPS)
        .map(|_| users.next().map(|(mailbox, span)| look_up(&[address(mailbox)], span, "FreeBusyMerged", &credentials)))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let (tokens, others) = (graph.calls.tokens(), graph.calls.others());
    let first: Vec<_> = requests.by_ref().take(1000).collect();
    target.open_loop(300, first.into_iter()).await?;
    let cold = graph.calls.schedules();
    target.open_loop(300, requests).await?;
    let all = graph.calls.schedules() as f64 / LOOK_UPS as f64 * 1000.0;
    report.row(
        "getSchedule calls per 1,000 realistic look-ups at 300/s",
        all,
        90.0,
        &format!("the first 1,000 from an empty cache {cold}; mean of {LOOK_UPS}"),
    );
    let (tokens, others) = (graph.calls.tokens() - tokens, graph.calls.others() - others);
    report.row("other upstream calls meanwhile", others as f64, 0.0, &format!("and {tokens} token requests"));
    Ok(())
}

const LOOK_UPS: usize = 9000;
