//! The gateway as a whole: long-lived parts, built once from a configuration, and their end.
//!
//! Owns the order of start and end. Below it nothing reads the clock or the environment.

mod monitor;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::audit::Audit;
use crate::changes::Changes;
use crate::client::Clients;
use crate::config::{self, Config};
use crate::ews::Services;
use crate::graph::Graphs;
use crate::items::Items;
use crate::metrics::Metrics;
use crate::rosters::{self, Rosters};
use crate::server::tls::Certificates;
use crate::server::{self, Capture, Failures, Gates, Handshakes, Logins, Shared, Tokens, listen};
use crate::store::Store;
use crate::writes::Writes;

use monitor::Watchman;

/// A running gateway.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    admin_address: SocketAddr,
    monitor_address: Option<SocketAddr>,
    certificates: Option<Arc<Certificates>>,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl App {
    /// Builds every part, then opens the ports.
    ///
    /// # Errors
    /// When certificates, secrets or ports cannot be used; the text is for the operator.
    pub async fn start(config: Config) -> io::Result<Self> {
        let metrics = Arc::new(Metrics::new());
        let plan = rosters::Plan::of(&config.clients, &config.tenants);
        let graphs = Graphs::new(config.tenants, config.graph, Arc::clone(&metrics), now).map_err(io::Error::other)?;
        let graphs = Arc::new(graphs);
        let store = config.store.as_deref().map_or_else(Store::in_memory, Store::open).map_err(io::Error::other)?;
        let clients = Clients::new(config.clients);
        let rosters = Arc::new(Rosters::new(plan, config.policies, Arc::clone(&graphs), Arc::clone(&metrics), now));
        rosters.refresh_once(FIRST_LISTS).await;
        let unreadable = |_| io::Error::other("the store cannot be read");
        let changes =
            Changes::open(Arc::clone(&graphs), store.clone(), &clients, config.changes, Arc::clone(&metrics), now);
        let changes = Arc::new(changes.await.map_err(unreadable)?);
        let items = Arc::new(Items::open(store.clone()).await.map_err(unreadable)?);
        let services = Services {
            graphs: Arc::clone(&graphs),
            writes: Arc::new(Writes::new(Arc::clone(&graphs), store.clone())),
            changes: Arc::clone(&changes),
            items: Arc::clone(&items),
        };
        let failures = Arc::new(Failures::new(config.limits.failures_per_minute));
        let certificates = config.server.tls.map(Certificates::new).transpose().map_err(io::Error::other)?;
        let (end, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let open = |it: config::Capture| Capture::open(it.directory, it.addresses, it.files, config.limits.body_bytes);
        let capture = config.capture.map(open).transpose()?;
        let audit = config.audit.map(|settings| {
            let failures = metrics.audit_failures.clone();
            Audit::open(settings, move || _ = failures.inc())
        });
        let audit = audit.transpose().map_err(|error| io::Error::other(format!("the audit log: {error}")))?;
        let shared = Arc::new(Shared {
            audit,
            logins: Logins::new(&clients, config.limits.password_checks, Arc::clone(&failures)),
            handshakes: Handshakes::new(
                &clients,
                &config.server.host,
                config.ntlm.channel_binding,
                Arc::clone(&failures),
                certificates.clone(),
            ),
            gates: Arc::new(Gates::new(&clients)),
            clients,
            services,
            tokens: Tokens::new(&config.tokens.keys, &config.server.public_url, config.tokens.lifetime),
            failures,
            metrics: Arc::clone(&metrics),
            limits: config.limits,
            clock: now,
            capture: capture.map(Arc::new),
            proxies: config.server.proxies,
            networks: config.server.networks,
            leaving: AtomicBool::new(false),
            end: end.clone(),
        });
        let listener = listen::bind(config.server.listen).await?;
        let admin_listener = listen::bind(config.admin_listen).await?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);
        let watchman = match config.monitor {
            Some(monitor) => Some(Watchman::open(monitor, store, &shared, certificates.as_ref(), now).await?),
            None => None,
        };
        let monitor_address = watchman.as_ref().map(|watchman| watchman.address);

        let router = server::router(&shared);
        tasks.spawn(listen::serve(listener, certificates.clone(), router, shared.terms()));
        let views = admin::Views {
            metrics,
            graphs: Arc::clone(&graphs),
            rosters: Arc::clone(&rosters),
            monitor: watchman.as_ref().map(|watchman| Arc::clone(&watchman.monitor)),
        };
        tasks.spawn(admin::serve(admin_listener, views, end.clone()));
        if let Some(watchman) = watchman {
            watchman.run(&mut tasks);
        }
        if let Some(certificates) = &certificates {
            tasks.spawn(Arc::clone(certificates).watch(end.clone()));
        }
        let stop = end.clone();
        tasks.spawn(async move { rosters.run(stop).await });
        tasks.spawn(changes.run(end.clone()));
        let stop = end.clone();
        tasks.spawn(async move { items.run(stop, now).await });
        let (failures, stop) = (Arc::clone(&shared.failures), end.clone());
        tasks.spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(TIDY)).await.is_some() {
                failures.tidy();
            }
        });
        tasks.spawn(Arc::clone(&shared.services.writes).run(shared.limits.deadline, now, end.clone()));
        let (cared_for, stop) = (Arc::clone(&graphs), end.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(cared_for.look_after_credentials()).await;
        });
        let stop = end.clone();
        tasks.spawn(async move {
            // Readiness waits for Graph's first answer, so it must not depend on requests.
            loop {
                let warm = stop.run_until_cancelled(graphs.warm()).await;
                if warm.is_none() || graphs.ready() {
                    break;
                }
                stop.run_until_cancelled(tokio::time::sleep(KNOCK_AGAIN)).await;
            }
        });
        Ok(Self { address, admin_address, monitor_address, certificates, shared, tasks })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators look.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Where the monitor is told whom to watch, if it is on.
    #[must_use]
    pub fn monitor_address(&self) -> Option<SocketAddr> {
        self.monitor_address
    }

    /// Whose calendars there are.
    #[must_use]
    pub fn graphs(&self) -> &Graphs {
        &self.shared.services.graphs
    }

    /// Reads the certificate files again.
    pub fn reload_certificates(&self) {
        if let Some(certificates) = &self.certificates {
            certificates.reload();
        }
    }

    /// Tells load balancers to look elsewhere, then stops accepting, lets open requests finish, and
    /// ends.
    pub async fn stop(mut self) {
        let limits = self.shared.limits;
        self.shared.leaving.store(true, Relaxed);
        tokio::time::sleep(limits.drain_delay).await;
        self.shared.end.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever hangs on the operators' listener hangs up with the last task.
        let _ = tokio::time::timeout(limits.drain + A_MOMENT, all).await;
        // What is left is broken off now, and what was done of it is written down.
        self.tasks.shutdown().await;
        let Some(audit) = &self.shared.audit else { return };
        let lost = audit.finish(LAST_LINES).await;
        if lost > 0 {
            tracing::error!(lost, "lines of the audit log could not be written");
        }
    }
}

/// The time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// While Graph has never answered.
const KNOCK_AGAIN: Duration = Duration::from_secs(10);
/// For lists of mailboxes that policies name; clients who need what is not known by then are denied until it is.
const FIRST_LISTS: Duration = Duration::from_secs(10);
const TIDY: Duration = Duration::from_secs(60);
/// For the audit log's last lines.
const LAST_LINES: Duration = Duration::from_secs(5);
/// The server's listener ends by itself when the time to drain is over.
const A_MOMENT: Duration = Duration::from_secs(1);
