//! How much each client may ask for.
//!
//! Owns rates and concurrency. Must not know what is asked for.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, NotUntil, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::{Client, Clients};

/// From where a request came, as far as that is believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
    /// The other end of the connection: the caller, or a proxy. No header of a request has a say in it.
    pub(super) peer: IpAddr,
}

/// A limit that a request would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    /// Its name in metrics.
    pub(super) limit: &'static str,
    /// When it is worth asking again.
    pub(super) retry_after: Duration,
}

/// The limits of all clients.
#[derive(Debug)]
pub struct Gates {
    clients: HashMap<String, Gate>,
    clock: DefaultClock,
}

#[derive(Debug)]
struct Gate {
    rate: DefaultDirectRateLimiter,
    places: Arc<Semaphore>,
}

impl Gates {
    /// The limits of these clients' policies.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        let gate = |client: &Client| {
            let quota = Quota::per_second(client.policy.requests_per_second).allow_burst(client.policy.burst);
            Gate { rate: RateLimiter::direct(quota), places: Arc::new(Semaphore::new(client.policy.concurrency)) }
        };
        Self {
            clients: clients.iter().map(|client| (client.id.clone(), gate(client))).collect(),
            clock: DefaultClock::default(),
        }
    }

    /// Lets a client in for one request; its place is free again when the permit is dropped.
    ///
    /// # Errors
    /// Above the client's rate or concurrency.
    pub(super) fn enter(&self, client: &Client) -> Result<OwnedSemaphorePermit, Beyond> {
        let gate = self.clients.get(&client.id).ok_or(Beyond { limit: "rate", retry_after: A_MOMENT })?;
        let rate = |until: NotUntil<_>| Beyond { limit: "rate", retry_after: until.wait_time_from(self.clock.now()) };
        gate.rate.check().map_err(rate)?;
        let place = Arc::clone(&gate.places).try_acquire_owned();
        place.map_err(|_| Beyond { limit: "concurrency", retry_after: A_MOMENT })
    }
}

/// How long whoever is one too many at once should wait.
pub(super) const A_MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::num::NonZeroU32;

    use super::*;
    use crate::client::{Ceiling, Policy};

    fn entered(policy: Policy) -> Vec<Result<OwnedSemaphorePermit, &'static str>> {
        let clients = Clients::new([Client::without_login("c", policy)]);
        let gates = Gates::new(&clients);
        let client = clients.named("c").unwrap();
        (0..2).map(|_| gates.enter(client).map_err(|beyond| beyond.limit)).collect()
    }

    #[test]
    fn each_limit_has_its_name() {
        let free = || Policy::unlimited(&[], &[], Ceiling::Time);
        let one = NonZeroU32::MIN;
        let rate = entered(Policy { requests_per_second: one, burst: one, ..free() });
        assert!(matches!(rate.as_slice(), [Ok(_), Err("rate")]), "{rate:?}");
        let concurrency = entered(Policy { concurrency: 1, ..free() });
        assert!(matches!(concurrency.as_slice(), [Ok(_), Err("concurrency")]), "{concurrency:?}");
    }
}
