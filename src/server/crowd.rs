//! How many connections each address has open.
//!
//! Owns that count. Must not know what they are used for.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::failures::network;

/// The open connections of all addresses; an IPv6 /64 is one.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place, free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Arc<Crowd>,
    network: IpAddr,
}

impl Crowd {
    /// `most` connections are allowed to each address.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, open: Mutex::default() })
    }

    /// A place for one more connection, unless the address has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let network = network(address);
        let mut open = self.lock();
        let count = open.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat { crowd: Arc::clone(self), network })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.crowd.lock();
        if let Some(count) = open.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_address_has_its_share_and_takes_nobody_elses() {
        let crowd = Crowd::new(2);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let first = enter("2001:db8::1").unwrap();
        let _second = enter("2001:db8::2").unwrap();
        assert!(enter("2001:db8::3").is_none());
        let _other = enter("192.0.2.1").unwrap();
        drop(first);
        let _again = enter("2001:db8::3").unwrap();
        assert!(enter("2001:db8::1").is_none());
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let crowd = Crowd::new(1);
        drop(crowd.enter(IpAddr::from([192, 0, 2, 1])).unwrap());
        assert!(crowd.lock().is_empty());
    }
}
