//! Which addresses are public.
//!
//! Owns the list of networks that are not, as IANA keeps it
//! (<https://www.iana.org/assignments/iana-ipv4-special-registry>,
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>). Must not know names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Lets public addresses through, and those that are allowed besides.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allowed: Vec<IpNet>,
}

impl Guard {
    pub(super) fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether a connection may go there.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        // ::ffff:10.0.0.1 is connected to as 10.0.0.1.
        let address = address.to_canonical();
        self.allowed.iter().any(|network| network.contains(&address)) || is_public(address)
    }

    /// As [`Self::allows`].
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), String> {
        if self.allows(address) { Ok(()) } else { Err(refusal(&[address])) }
    }
}

/// Says that addresses are refused, and the remedy.
pub(super) fn refusal(addresses: &[IpAddr]) -> String {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    format!("{} is no public address: allow it with private_networks", addresses.join(", "))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&address))
        }
    }
}

const NOT_PUBLIC_V4: [Ipv4Net; 17] = [
    v4([0, 0, 0, 0], 8),          // this network, RFC 791 §3.2
    v4([10, 0, 0, 0], 8),         // private, RFC 1918
    v4([100, 64, 0, 0], 10),      // behind a provider's NAT, RFC 6598
    v4([127, 0, 0, 0], 8),        // loopback, RFC 1122 §3.2.1.3
    v4([168, 63, 129, 16], 32), // Azure's own services: <https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16>
    v4([169, 254, 0, 0], 16),   // link-local, RFC 3927; clouds' metadata too
    v4([172, 16, 0, 0], 12),    // private, RFC 1918
    v4([192, 0, 0, 0], 24),     // IETF protocols, RFC 6890 §2.1
    v4([192, 0, 2, 0], 24),     // documentation, RFC 5737
    v4([192, 88, 99, 0], 24),   // 6to4 relays, RFC 7526
    v4([192, 168, 0, 0], 16),   // private, RFC 1918
    v4([198, 18, 0, 0], 15),    // benchmarks, RFC 2544
    v4([198, 51, 100, 0], 24),  // documentation, RFC 5737
    v4([203, 0, 113, 0], 24),   // documentation, RFC 5737
    v4([224, 0, 0, 0], 4),      // multicast, RFC 5771
    v4([240, 0, 0, 0], 4),      // reserved, RFC 1112 §4
    v4([255, 255, 255, 255], 32), // broadcast, RFC 919 §7
];

/// All others are loopback, unspecified, unique local (RFC 4193), link-local, multicast, or nobody's (RFC 4291 §2.4).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);
/// An IPv4 address behind a translator (RFC 6052 §2.1).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0], 23),     // IETF protocols, RFC 2928: Teredo, benchmarks, ORCHID
    v6([0x2001, 0xdb8, 0], 32), // documentation, RFC 3849
    v6([0x2002, 0, 0], 16),     // an IPv4 address behind a 6to4 relay, RFC 3056
    v6([0x3fff, 0, 0], 20),     // documentation, RFC 9637
];

const fn v4(address: [u8; 4], length: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(address: [u16; 3], length: u8) -> Ipv6Net {
    let [a, b, c] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn allows(guard: &Guard, address: &str) -> bool {
        guard.allows(address.parse().unwrap())
    }

    #[test]
    fn each_network_that_is_not_public_is_refused_from_its_first_to_its_last_address() {
        let guard = Guard::new(Vec::new());
        for (first, last, after) in [
            ("0.0.0.0", "0.255.255.255", Some("1.0.0.0")),
            ("10.0.0.0", "10.255.255.255", Some("11.0.0.0")),
            ("100.64.0.0", "100.127.255.255", Some("100.128.0.0")),
            ("127.0.0.0", "127.255.255.255", Some("128.0.0.0")),
            ("168.63.129.16", "168.63.129.16", Some("168.63.129.17")),
            ("169.254.0.0", "169.254.255.255", Some("169.255.0.0")),
            ("172.16.0.0", "172.31.255.255", Some("172.32.0.0")),
            ("192.0.0.0", "192.0.0.255", Some("192.0.1.0")),
            ("192.0.2.0", "192.0.2.255", Some("192.0.3.0")),
            ("192.88.99.0", "192.88.99.255", Some("192.88.100.0")),
            ("192.168.0.0", "192.168.255.255", Some("192.169.0.0")),
            ("198.18.0.0", "198.19.255.255", Some("198.20.0.0")),
            ("198.51.100.0", "198.51.100.255", Some("198.51.101.0")),
            ("203.0.113.0", "203.0.113.255", Some("203.0.114.0")),
            ("224.0.0.0", "239.255.255.255", None),
            ("240.0.0.0", "255.255.255.255", None),
            ("::", "::1", None),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("100::", "100::ffff:ffff:ffff:ffff", None),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:200::")),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Some("2001:db9::")),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some("2003::")),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Some("3fff:1000::")),
        ] {
            assert!(!allows(&guard, first) && !allows(&guard, last), "{first} to {last}");
            assert!(after.is_none_or(|after| allows(&guard, after)), "{after:?}");
        }
        for public in ["9.255.255.255", "100.63.255.255", "172.15.255.255", "223.255.255.255", "2a00:1450:4001::1"] {
            assert!(allows(&guard, public), "{public}");
        }
    }

    #[test]
    fn an_address_within_another_is_judged_for_itself() {
        let guard = Guard::new(Vec::new());
        for refused in [
            "::ffff:10.1.2.3",
            "::ffff:127.0.0.1",
            "64:ff9b::10.1.2.3",
            "64:ff9b:1::8.8.8.8",
            "::8.8.8.8",
            "2002:a01:203::1",
        ] {
            assert!(!allows(&guard, refused), "{refused}");
        }
        assert!(allows(&guard, "::ffff:8.8.8.8") && allows(&guard, "64:ff9b::8.8.8.8"));
    }

    #[test]
    fn what_is_allowed_is_let_through_however_it_is_written() {
        let guard = Guard::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
        for allowed in ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "8.8.8.8"] {
            assert!(allows(&guard, allowed), "{allowed}");
        }
        for refused in ["10.2.0.1", "fd00:2::5", "127.0.0.1"] {
            assert!(!allows(&guard, refused), "{refused}");
        }
        assert_eq!(
            guard.check("10.2.0.1".parse().unwrap()).unwrap_err(),
            "10.2.0.1 is no public address: allow it with private_networks"
        );
    }
}
