//! Failed log-ins: how many from where, and how long the next one is held up.
//!
//! Owns the counts. Must not know what was wrong, nor how long anything takes.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;

use super::refusal::Refusal;

/// What was wrong lately, by network, and by user name and network.
///
/// Only what is wrong is held up, and only the costly check of passwords is ever refused: nobody can
/// lock out a neighbour whose secret is right.
#[derive(Debug)]
pub struct Failures {
    networks: DefaultKeyedRateLimiter<IpAddr>,
    /// Networks that have had their share of failures, for a minute.
    blocked: Cache<IpAddr, ()>,
    /// How often a user name was wrong from a network since it was right, or since a while ago.
    in_a_row: Cache<u64, u32>,
    /// From where which user name was right lately.
    known: Cache<u64, ()>,
    /// Names and networks are kept as keyed hashes, so that long names take no more memory.
    hasher: RandomState,
}

/// One failed log-in.
#[derive(Debug)]
pub(super) struct Failed {
    /// What it is: wrong, or once too often.
    pub(super) refusal: Refusal,
    /// How long its answer is held up.
    pub(super) delay: Duration,
}

impl Failed {
    /// What it is, as late as it may be told.
    pub(super) async fn held_up(self) -> Refusal {
        tokio::time::sleep(self.delay).await;
        self.refusal
    }
}

impl Failures {
    /// `per_minute` wrong secrets are allowed to each network.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self {
            networks: RateLimiter::keyed(quota),
            blocked: Cache::builder().max_capacity(MOST).time_to_live(Duration::from_secs(60)).build(),
            in_a_row: Cache::builder().max_capacity(MOST).time_to_live(A_WHILE).build(),
            known: Cache::builder().max_capacity(MOST).time_to_idle(LATELY).build(),
            hasher: RandomState::new(),
        }
    }

    /// Counts a failed log-in, of a user name where there is one.
    pub(super) fn note(&self, user: Option<&str>, address: IpAddr) -> Failed {
        let network = network(address);
        let times = user.map_or(0, |user| {
            let entry = self.in_a_row.entry(self.key(user, address));
            entry.and_upsert_with(|times| times.map_or(1, |times| times.into_value().saturating_add(1))).into_value()
        });
        let refusal = if self.networks.check_key(&network).is_ok() {
            Refusal::Wrong
        } else {
            self.blocked.insert(network, ());
            Refusal::TooOften
        };
        Failed { refusal, delay: delay(times) }
    }

    /// Notes that a user name was right.
    pub(super) fn forget(&self, user: &str, address: IpAddr) {
        let key = self.key(user, address);
        // Looked at first: clients log in with every request.
        if self.known.get(&key).is_none() {
            self.known.insert(key, ());
        }
        if self.in_a_row.contains_key(&key) {
            self.in_a_row.invalidate(&key);
        }
    }

    /// Whether costly checks are made for a user name from there: not from networks that have had
    /// their share of failures, unless the user was right from there lately and has not been wrong
    /// often since. What is cheap to check is checked all the same.
    pub(super) fn allow(&self, user: &str, address: IpAddr) -> bool {
        !self.blocked.contains_key(&network(address)) || self.knows(user, address)
    }

    /// Whether the user was right from there lately and has not been wrong often since.
    pub(super) fn knows(&self, user: &str, address: IpAddr) -> bool {
        let key = self.key(user, address);
        self.known.get(&key).is_some() && self.in_a_row.get(&key).unwrap_or(0) < MOST_OF_THE_KNOWN
    }

    /// Forgets networks that have not failed for a while.
    pub fn tidy(&self) {
        self.networks.retain_recent();
    }

    fn key(&self, user: &str, address: IpAddr) -> u64 {
        self.hasher.hash_one((user.to_lowercase(), network(address)))
    }
}

/// Whom an address belongs to: an IPv6 customer has a /64 of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Nothing for those who mistype; then twice as long each time, yet shorter than clients wait for an
/// answer.
fn delay(times: u32) -> Duration {
    match times.checked_sub(FREE) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => FIRST_DELAY.saturating_mul(1 << (beyond - 1).min(16)).min(LONGEST_DELAY),
    }
}

/// Wrong ones in a row that are answered at once.
const FREE: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(4);
/// Wrong ones in a row for which somebody known is still taken for themselves.
const MOST_OF_THE_KNOWN: u32 = 10;
/// How long wrong ones are counted as one row.
const A_WHILE: Duration = Duration::from_secs(15 * 60);
/// How long a network is known for a user name that it does not use.
const LATELY: Duration = Duration::from_secs(24 * 3600);
/// How much of each is remembered.
const MOST: u64 = 100_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn the_answer_is_held_up_longer_each_time_until_the_user_is_right() {
        let failures = Failures::new(1000);
        let (here, there) = (at("192.0.2.1"), at("192.0.2.2"));
        let delays: Vec<u128> = (0..10).map(|_| failures.note(Some("u"), here).delay.as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000]);
        // Neither another user nor another network is held up for it.
        assert_eq!(failures.note(Some("v"), here).delay, Duration::ZERO);
        assert_eq!(failures.note(Some("U"), there).delay, Duration::ZERO);
        failures.forget("U", here);
        assert_eq!(failures.note(Some("u"), here).delay, Duration::ZERO);
        assert_eq!(failures.note(None, here).delay, Duration::ZERO);
        assert_eq!(delay(u32::MAX), LONGEST_DELAY);
    }

    #[test]
    fn a_customer_of_ipv6_has_one_count() {
        let failures = Failures::new(1000);
        for host in 1..=4 {
            let failed = failures.note(Some("u"), at(&format!("2001:db8:0:1::{host}")));
            assert_eq!(failed.delay.is_zero(), host < 4);
        }
        assert!(failures.note(Some("u"), at("2001:db8:0:2::1")).delay.is_zero());
        assert_eq!(network(at("::ffff:192.0.2.1")), at("192.0.2.1"));
    }

    #[test]
    fn strangers_do_not_lock_out_who_was_right_from_there() {
        let failures = Failures::new(2);
        let here = at("192.0.2.1");
        failures.forget("known", here);
        let refusals: Vec<Refusal> = (0..3).map(|_| failures.note(Some("stranger"), here).refusal).collect();
        assert_eq!(refusals, [Refusal::Wrong, Refusal::Wrong, Refusal::TooOften]);
        assert!(!failures.allow("stranger", here));
        assert!(failures.allow("stranger", at("192.0.2.2")));
        for _ in 0..MOST_OF_THE_KNOWN {
            assert!(failures.allow("known", here));
            failures.note(Some("known"), here);
        }
        assert!(!failures.allow("known", here), "whoever guesses the known one's password is no better");
    }
}
