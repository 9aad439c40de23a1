//! What all requests share: the long-lived parts, and the limits; and what holds for all connections of a listener.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::State;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::capture::Capture;
use super::failures::Failures;
use super::handshake::Handshakes;
use super::limits::Gates;
use super::logins::Logins;
use super::networks::RouteNetworks;
use super::peer::Proxies;
use super::tokens::Tokens;
use crate::audit::Audit;
use crate::client::Clients;
use crate::ews::Services;
use crate::metrics::Metrics;

/// What all requests share.
pub struct Shared {
    /// Who may call.
    pub clients: Clients,
    /// Calendars, and what is done with them.
    pub services: Services,
    /// Tokens of clients.
    pub tokens: Tokens,
    /// Names and secrets.
    pub logins: Logins,
    /// NTLM, where a client has an NT hash.
    pub handshakes: Option<Handshakes>,
    /// Log-ins that failed.
    pub failures: Arc<Failures>,
    /// Rates and concurrency.
    pub gates: Arc<Gates>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// What a request may be and take.
    pub limits: Limits,
    /// The time.
    pub clock: fn() -> Timestamp,
    /// The audit log.
    pub audit: Option<Audit>,
    /// Capture mode.
    pub capture: Option<Arc<Capture>>,
    /// Proxies that are believed about the caller's address.
    pub proxies: Proxies,
    /// From where each route may be called.
    pub networks: RouteNetworks,
    /// Whether the process is about to end, so that load balancers should look elsewhere.
    pub leaving: AtomicBool,
    /// Cancelled when no more requests are taken.
    pub end: CancellationToken,
}

/// What holds for all connections of a listener.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How many there may be, and how long each may take for what.
    pub limits: Limits,
    /// Proxies that are believed about the caller's address.
    pub proxies: Proxies,
    /// Whether callers may log in by NTLM, which is for HTTP/1.1 alone.
    pub speaks_ntlm: bool,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Cancelled when no more requests are taken.
    pub end: CancellationToken,
}

/// What a request may be and take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A body's bytes, packed and unpacked.
    pub body_bytes: usize,
    /// A header's bytes.
    pub header_bytes: usize,
    /// Open connections.
    pub connections: usize,
    /// Open connections of one address (IPv6: a /64).
    pub connections_per_address: usize,
    /// Time for a handshake, and for the first request's header.
    pub header_timeout: Duration,
    /// Time for a body.
    pub body_timeout: Duration,
    /// Time between an answer and the end of the next request's header.
    pub idle_timeout: Duration,
    /// Time for an answer.
    pub deadline: Duration,
    /// Time for load balancers to look elsewhere before the process ends.
    pub drain_delay: Duration,
    /// Time for open requests to finish when the process or the connection ends.
    pub drain: Duration,
    /// Wrong secrets that an address may send in a minute.
    pub failures_per_minute: u32,
    /// Passwords that may be verified at once.
    pub password_checks: usize,
}

impl Shared {
    /// What holds for the connections over which these requests come.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            limits: self.limits,
            proxies: self.proxies.clone(),
            speaks_ntlm: self.handshakes.is_some(),
            metrics: Arc::clone(&self.metrics),
            end: self.end.clone(),
        }
    }

    /// Whether the process is about to end; until it drains, requests are served as ever.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// Whether no more requests are taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.end.is_cancelled()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// As handlers take it.
pub(super) type SharedState = State<Arc<Shared>>;
