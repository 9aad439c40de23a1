//! Who may call the monitor's listener.
//!
//! Owns networks, names, the token, and what keeps a browser from being made use of by a page from elsewhere. Must not know what is asked, nor how a refusal is told.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::client::Networks;
use crate::server::limits::Caller;

/// Who may call: this host itself, and networks that are listed; with the token where there is one.
#[derive(Debug, Default)]
pub struct Access {
    /// From where, besides this host.
    pub networks: Networks,
    /// By which names this host may be called where there is no token, in lower case; by its addresses and as
    /// `localhost` it may be anyway.
    pub hosts: Vec<String>,
    /// What each request must bring, if anything.
    pub token: Option<SecretString>,
}

/// Why somebody may not call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Barred {
    /// They come from elsewhere.
    Network,
    /// Somebody on this host has passed it on, and is not believed about who they are.
    Proxy,
    /// A browser sends it for a page.
    Browser,
    /// They call this host by a name that others may have given it.
    Host,
    /// They have no token.
    NoToken,
    /// They have another one.
    WrongToken,
}

impl Access {
    /// Whether a request of a caller's may be answered.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self, caller: Caller, uri: &Uri, headers: &HeaderMap) -> Result<(), Barred> {
        // Nobody is this host because a header says so.
        let is_here = caller.peer.to_canonical().is_loopback() && !is_passed_on(headers);
        if !is_here && !self.networks.name(caller.address) {
            let is_of_this_host = caller.address.to_canonical().is_loopback();
            return Err(if is_of_this_host { Barred::Proxy } else { Barred::Network });
        }
        if is_of_a_page(headers) {
            return Err(Barred::Browser);
        }
        match &self.token {
            Some(token) => check_token(token, headers),
            // A page whose host's name is pointed at this host (DNS rebinding) counts as its own origin.
            None if !self.is_meant(uri, headers) => Err(Barred::Host),
            None => Ok(()),
        }
    }

    /// Whether the request names this host by an address, as `localhost`, by a name that is its own, or, being old, not
    /// at all.
    fn is_meant(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let named = headers.get(header::HOST).map(|host| Authority::try_from(host.as_bytes()).ok());
        let Some(named) = named.or_else(|| uri.authority().cloned().map(Some)) else { return true };
        let Some(host) = named.as_ref().map(Authority::host) else { return false };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_address = bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok();
        let host = host.strip_suffix('.').unwrap_or(host);
        let is = |name: &str| host.eq_ignore_ascii_case(name);
        is_address || is("localhost") || self.hosts.iter().any(|name| is(name))
    }
}

/// Whether a proxy says that it has passed the request on. Programs say neither.
fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for")
}

/// Whether a browser says that a page of another origin is behind the request
/// (<https://www.w3.org/TR/fetch-metadata/>). Programs send neither header.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != b"none" && site != b"same-origin")
}

fn check_token(token: &SecretString, headers: &HeaderMap) -> Result<(), Barred> {
    let mut lines = headers.get_all(header::AUTHORIZATION).into_iter();
    let sent = lines.next().ok_or(Barred::NoToken)?;
    if lines.next().is_some() {
        return Err(Barred::WrongToken);
    }
    let sent = sent.to_str().ok().and_then(|sent| sent.split_once(' ')).ok_or(Barred::WrongToken)?;
    let (scheme, sent) = (sent.0, sent.1.trim());
    let is_right = bool::from(sent.as_bytes().ct_eq(token.expose_secret().as_bytes()));
    if scheme.eq_ignore_ascii_case("bearer") && is_right { Ok(()) } else { Err(Barred::WrongToken) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::net::IpAddr;

    use super::*;

    fn checked(access: &Access, from: &str, headers: &[(&'static str, &str)]) -> Result<(), Barred> {
        passed_on(access, from, from, headers)
    }

    /// As a proxy's connection brings it.
    fn passed_on(access: &Access, from: &str, peer: &str, headers: &[(&'static str, &str)]) -> Result<(), Barred> {
        let [address, peer] = [from, peer].map(|address| address.parse::<IpAddr>().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        access.check(Caller { address, peer }, &Uri::from_static("/watches"), &map)
    }

    fn listed() -> Access {
        let mut networks = Networks::default();
        networks.add("192.0.2.0/24").unwrap();
        Access { networks, ..Access::default() }
    }

    #[test]
    fn this_host_and_the_listed_networks_may_call() {
        for from in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "192.0.2.9", "::ffff:192.0.2.9"] {
            assert_eq!(checked(&listed(), from, &[]), Ok(()), "{from}");
        }
        for from in ["192.0.3.1", "10.0.0.1", "2001:db8::1", "0.0.0.0"] {
            assert_eq!(checked(&listed(), from, &[]), Err(Barred::Network), "{from}");
            assert_eq!(checked(&Access::default(), from, &[]), Err(Barred::Network), "none listed: {from}");
        }
    }

    #[test]
    fn nobody_is_this_host_because_a_header_says_so() {
        let forwarded = [("x-forwarded-for", "127.0.0.1")];
        let refused = passed_on(&listed(), "127.0.0.1", "198.51.100.1", &forwarded);
        assert_eq!(refused, Err(Barred::Proxy), "a trusted proxy elsewhere");
        for header in ["x-forwarded-for", "forwarded"] {
            let refused = checked(&listed(), "127.0.0.1", &[(header, "x")]);
            assert_eq!(refused, Err(Barred::Proxy), "a proxy here that is not trusted");
        }
        let forwarded = [("x-forwarded-for", "192.0.2.9")];
        assert_eq!(passed_on(&listed(), "192.0.2.9", "127.0.0.1", &forwarded), Ok(()));
        assert_eq!(passed_on(&listed(), "192.0.3.9", "127.0.0.1", &forwarded), Err(Barred::Network));
    }

    #[test]
    fn no_page_makes_a_browser_call() {
        let with = |header| checked(&listed(), "127.0.0.1", &[header]);
        for page in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert_eq!(with(page), Err(Barred::Browser), "{page:?}");
        }
        assert_eq!(with(("sec-fetch-site", "none")), Ok(()), "an address that somebody has typed");
    }

    #[test]
    fn without_a_token_this_host_is_not_called_by_any_name() {
        let access = Access { hosts: vec!["relay".into(), "relay.internal".into()], ..listed() };
        for from in ["127.0.0.1", "192.0.2.1"] {
            let with = |host| checked(&access, from, &[("host", host)]);
            for host in ["127.0.0.1:8445", "[::1]:8445", "localhost", "LOCALHOST.:8445", "192.0.2.1"] {
                assert_eq!(with(host), Ok(()), "{host}");
            }
            for host in ["relay", "Relay:8445", "relay.internal.", "RELAY.internal.:8445"] {
                assert_eq!(with(host), Ok(()), "{host}");
                assert_eq!(checked(&listed(), from, &[("host", host)]), Err(Barred::Host), "not listed: {host}");
            }
            for host in [
                "evil.example",
                "evil.example:8445",
                "localhost.evil.example",
                "127.0.0.1.evil.example",
                "relay.evil.example",
                "evilrelay",
                "a b",
                "",
            ] {
                assert_eq!(with(host), Err(Barred::Host), "{host}");
            }
            assert_eq!(checked(&access, from, &[]), Ok(()), "no browser leaves it out");
        }
        let (address, peer) = ([127, 0, 0, 1].into(), [127, 0, 0, 1].into());
        let checked_uri = |uri| listed().check(Caller { address, peer }, &Uri::from_static(uri), &HeaderMap::new());
        assert_eq!(checked_uri("http://evil.example/watches"), Err(Barred::Host), "HTTP/2 has it in the URI");
        assert_eq!(checked_uri("http://localhost:8445/watches"), Ok(()));
        let access = Access { token: Some("t".into()), ..Access::default() };
        let right = [("host", "monitor.internal"), ("authorization", "Bearer t")];
        assert_eq!(checked(&access, "127.0.0.1", &right), Ok(()), "no page knows the token");
    }

    #[test]
    fn the_token_is_asked_of_everybody() {
        let access = Access { token: Some("the-token".into()), ..listed() };
        let with = |authorization| checked(&access, "192.0.2.1", &[("authorization", authorization)]);
        assert_eq!(checked(&access, "127.0.0.1", &[]), Err(Barred::NoToken));
        assert_eq!(checked(&access, "10.0.0.1", &[("authorization", "Bearer the-token")]), Err(Barred::Network));
        assert_eq!(with("bearer  the-token "), Ok(()));
        for wrong in ["Bearer the-tokem", "Bearer the-token2", "Bearer ", "Bearer", "Basic the-token", "the-token"] {
            assert_eq!(with(wrong), Err(Barred::WrongToken), "{wrong}");
        }
        let mut twice = HeaderMap::new();
        for token in ["Bearer the-token", "Bearer another"] {
            twice.append(header::AUTHORIZATION, token.parse().unwrap());
        }
        assert_eq!(check_token(&"the-token".into(), &twice), Err(Barred::WrongToken));
    }
}
