//! The monitor and its listener, built and started together.
//!
//! Owns their order: the listener takes requests before mediators are asked for theirs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::config;
use crate::out_of_office::Monitor;
use crate::server::monitor::{self, Front};
use crate::server::tls::Certificates;
use crate::server::{Proxies, Shared, Terms, listen};
use crate::store::Store;

/// A monitor whose port is open, and which does not run yet.
#[derive(Debug)]
pub(super) struct Watchman {
    pub(super) monitor: Arc<Monitor>,
    pub(super) address: SocketAddr,
    listener: TcpListener,
    tls: Option<Arc<Certificates>>,
    front: Front,
    terms: Terms,
}

impl Watchman {
    /// Reads the watch list and opens the port; `tls` is the gateway's own, where it has it.
    pub(super) async fn open(
        config: config::Monitor,
        store: Store,
        shared: &Shared,
        tls: Option<&Arc<Certificates>>,
        clock: fn() -> Timestamp,
    ) -> io::Result<Self> {
        let (graphs, metrics) = (Arc::clone(&shared.services.graphs), Arc::clone(&shared.metrics));
        let monitor = Monitor::open(config.settings, graphs, store, Arc::clone(&metrics), clock).await;
        let monitor = Arc::new(monitor.map_err(io::Error::other)?);
        let listener = listen::bind(config.listen).await?;
        let failures = Arc::clone(&shared.failures);
        let front = Front::new(Arc::clone(&monitor), config.access, failures, shared.limits, metrics);
        // Mediators beside a proxy that is trusted connect by themselves, without a PROXY protocol header; and none
        // could make its sender this host.
        let proxies = Proxies { protocol: false, ..shared.proxies.clone() };
        let terms = Terms { proxies, speaks_ntlm: false, ..shared.terms() };
        let address = listener.local_addr()?;
        Ok(Self { monitor, address, listener, tls: tls.filter(|_| config.tls).map(Arc::clone), front, terms })
    }

    /// Takes requests, then watches.
    pub(super) fn run(self, tasks: &mut JoinSet<()>) {
        let end = self.terms.end.clone();
        tasks.spawn(listen::serve(self.listener, self.tls, monitor::router(self.front), self.terms));
        tasks.spawn(self.monitor.run(end));
    }
}
