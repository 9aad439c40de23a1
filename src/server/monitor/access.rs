//! Who may call the monitor's listener.
//!
//! Owns networks, the token, and what keeps a browser on the same host from being made use of by a page from
//! elsewhere. Must not know what is asked, nor how a refusal is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::client::Networks;

/// Who may call: this host itself, and networks that are listed; with the token where there is one.
#[derive(Debug, Default)]
pub struct Access {
    /// From where, besides this host.
    pub networks: Networks,
    /// What each request must bring, if anything.
    pub token: Option<SecretString>,
}

/// Why somebody may not call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barred {
    /// They come from elsewhere.
    Network,
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
    /// Whether a request may be answered that comes from an address.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self, from: IpAddr, uri: &Uri, headers: &HeaderMap) -> Result<(), Barred> {
        let is_here = from.to_canonical().is_loopback();
        if !is_here && !self.networks.name(from) {
            return Err(Barred::Network);
        }
        if is_of_a_page(headers) {
            return Err(Barred::Browser);
        }
        match &self.token {
            Some(token) => check_token(token, headers),
            // A page whose host's name is pointed at this host (DNS rebinding) counts as its own origin.
            None if is_here && !is_addressed_plainly(uri, headers) => Err(Barred::Host),
            None => Ok(()),
        }
    }
}

/// Whether a browser says that a page of another origin is behind the request
/// (<https://www.w3.org/TR/fetch-metadata/>). Programs send neither header.
fn is_of_a_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != b"none" && site != b"same-origin")
}

/// Whether the request names the host by its address, as `localhost`, or, being old, not at all.
fn is_addressed_plainly(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = headers.get(header::HOST).map(|host| Authority::try_from(host.as_bytes()).ok());
    let Some(named) = named.or_else(|| uri.authority().cloned().map(Some)) else { return true };
    let Some(host) = named.as_ref().map(Authority::host) else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_address = bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok();
    is_address || host.trim_end_matches('.').eq_ignore_ascii_case("localhost")
}

fn check_token(token: &SecretString, headers: &HeaderMap) -> Result<(), Barred> {
    let sent = headers.get(header::AUTHORIZATION).ok_or(Barred::NoToken)?;
    let sent = sent.to_str().ok().and_then(|sent| sent.split_once(' ')).ok_or(Barred::WrongToken)?;
    let (scheme, sent) = (sent.0, sent.1.trim());
    let is_right = bool::from(sent.as_bytes().ct_eq(token.expose_secret().as_bytes()));
    if scheme.eq_ignore_ascii_case("bearer") && is_right { Ok(()) } else { Err(Barred::WrongToken) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn checked(access: &Access, from: &str, headers: &[(&'static str, &str)]) -> Result<(), Barred> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        access.check(from.parse().unwrap(), &Uri::from_static("/watches"), &map)
    }

    fn listed() -> Access {
        let mut networks = Networks::default();
        networks.add("192.0.2.0/24").unwrap();
        Access { networks, token: None }
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
        let with = |host| checked(&listed(), "127.0.0.1", &[("host", host)]);
        for host in ["127.0.0.1:8445", "[::1]:8445", "localhost", "LOCALHOST.:8445", "192.0.2.1"] {
            assert_eq!(with(host), Ok(()), "{host}");
        }
        for host in ["evil.example", "evil.example:8445", "localhost.evil.example", "127.0.0.1.evil.example", "a b"] {
            assert_eq!(with(host), Err(Barred::Host), "{host}");
        }
        assert_eq!(checked(&listed(), "192.0.2.1", &[("host", "calendar-relay:8445")]), Ok(()), "from elsewhere");
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
    }
}
