//! How much each client and each address may ask for.
//!
//! Owns rates, concurrency and the count of failed log-ins. Must not know what is asked for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;
use crate::client::{Client, Clients};

/// From where a request came, as far as that is believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) address: IpAddr,
}

/// A limit that a request would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    /// Its name in metrics.
    pub(super) limit: &'static str,
    /// When it is worth asking again.
    pub(super) retry_after: Duration,
}

/// The limits of all clients and addresses.
#[derive(Debug)]
pub struct Gates {
    clients: HashMap<String, Gate>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    /// Addresses that have had their share of failures, for a minute.
    blocked: Cache<IpAddr, ()>,
    clock: DefaultClock,
}

#[derive(Debug)]
struct Gate {
    rate: DefaultDirectRateLimiter,
    places: Arc<Semaphore>,
}

impl Gates {
    /// `failures_per_minute` wrong secrets are allowed to each address.
    #[must_use]
    pub fn new(clients: &Clients, failures_per_minute: u32) -> Self {
        let gate = |client: &Client| {
            let quota = Quota::per_second(client.policy.requests_per_second).allow_burst(client.policy.burst);
            Gate { rate: RateLimiter::direct(quota), places: Arc::new(Semaphore::new(client.policy.concurrency)) }
        };
        let failures = Quota::per_minute(NonZeroU32::new(failures_per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            clients: clients.iter().map(|client| (client.id.clone(), gate(client))).collect(),
            failures: RateLimiter::keyed(failures),
            blocked: Cache::builder().max_capacity(MOST_BLOCKED).time_to_live(Duration::from_secs(60)).build(),
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

    /// Counts a failed log-in, and tells what it is: wrong, or once too often.
    pub(super) fn note_failure(&self, address: IpAddr) -> Refusal {
        let network = network(address);
        if self.failures.check_key(&network).is_ok() {
            return Refusal::Wrong;
        }
        self.blocked.insert(network, ());
        Refusal::TooOften
    }

    /// Whether an address has had its share of failed log-ins, so that costly checks are not made
    /// for it. What is cheap to check is checked all the same: nobody can lock out a neighbour
    /// whose secret is right.
    pub(super) fn has_failed_too_often(&self, address: IpAddr) -> bool {
        self.blocked.contains_key(&network(address))
    }

    /// Forgets addresses that have not failed for a while.
    pub fn tidy(&self) {
        self.failures.retain_recent();
    }
}

/// Whom an address belongs to: an IPv6 customer has a /64 of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

const MOST_BLOCKED: u64 = 100_000;
/// How long whoever is one too many at once should wait.
pub(super) const A_MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::client::{Ceiling, Policy};

    fn entered(policy: Policy) -> Vec<Result<OwnedSemaphorePermit, &'static str>> {
        let clients = Clients::new([Client::without_login("c", policy)]);
        let gates = Gates::new(&clients, 1);
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
