//! Where a client may call from.
//!
//! Owns the named presets of networks. Must not know how an address was found out.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks; none of them means anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads one entry of the configuration, a network or a preset's name, and adds it.
    ///
    /// # Errors
    /// The entry, when it is neither.
    pub fn add(&mut self, entry: &str) -> Result<(), String> {
        let texts: &[&str] = if entry == GOOGLE { &GOOGLE_NETWORKS } else { &[entry] };
        for text in texts {
            let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            self.0.push(network.map_err(|_| entry.to_owned())?);
        }
        Ok(())
    }

    /// Whether an address may call.
    #[must_use]
    pub fn admit(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.name(address)
    }

    /// Whether an address is in one of the networks; in none of none.
    #[must_use]
    pub fn name(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

/// The preset of the ranges from which Google Calendar Interop looks up free/busy.
const GOOGLE: &str = "google-calendar-interop";

/// Google's published ranges (<https://support.google.com/a/answer/7437483>).
const GOOGLE_NETWORKS: [&str; 7] = [
    "74.125.88.0/27",
    "2001:4860:4::/64",
    "2404:6800:4::/64",
    "2607:f8b0:4::/64",
    "2800:3f0:4::/64",
    "2a00:1450:4::/64",
    "2c0f:fb50:4::/64",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn presets_networks_and_single_addresses_are_read() {
        let mut networks = Networks::default();
        assert!(networks.admit("192.0.2.1".parse().unwrap()));
        networks.add(GOOGLE).unwrap();
        networks.add("192.0.2.9").unwrap();
        for admitted in ["74.125.88.31", "::ffff:74.125.88.1", "2404:6800:4::7", "192.0.2.9"] {
            assert!(networks.admit(admitted.parse().unwrap()), "{admitted}");
        }
        for refused in ["74.125.88.32", "192.0.2.1", "2404:6800:5::1"] {
            assert!(!networks.admit(refused.parse().unwrap()), "{refused}");
        }
        assert_eq!(networks.add("google"), Err("google".to_owned()));
    }
}
