//! Where a request comes from, as far as that can be believed.
//!
//! Owns `Forwarded` (RFC 7239), `X-Forwarded-For` and the PROXY protocol.

use std::io;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use ppp::{HeaderResult, PartialResult, v1, v2};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::limits::Caller;
use crate::client::Networks;

/// Proxies that are believed about the caller's address.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Which they are.
    pub trusted: Networks,
    /// The header in which they note it.
    pub header: ForwardedHeader,
    /// Whether they send a PROXY protocol header.
    pub protocol: bool,
}

/// Where a proxy notes the address it was called from. One alone is read: a proxy passes on the
/// other as the client wrote it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The caller behind `peer`: itself, or if it is a trusted proxy the last address in the header
/// that is not one.
pub(super) fn caller(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> Caller {
    let peer = peer.to_canonical();
    if !proxies.trusted.name(peer) {
        return Caller { address: peer, peer };
    }
    let mut address = peer;
    for hop in hops(headers, proxies.header).into_iter().rev() {
        let Some(hop) = hop else { break };
        address = hop;
        if !proxies.trusted.name(hop) {
            break;
        }
    }
    Caller { address, peer }
}

/// Reads the PROXY protocol header that a trusted proxy puts before everything else.
pub(super) async fn proxy_header(stream: &mut TcpStream) -> io::Result<Option<IpAddr>> {
    let mut buffer = Vec::with_capacity(LONGEST_PROXY_HEADER);
    loop {
        // Byte by byte, so that nothing of what follows is taken; it is some dozens of bytes.
        buffer.push(stream.read_u8().await?);
        // The parser takes half a line of version 1 for a wrong one, so it is given whole lines.
        if buffer.starts_with(b"P") && !buffer.ends_with(b"\n") && buffer.len() < LONGEST_LINE {
            continue;
        }
        let result = HeaderResult::parse(&buffer);
        let (address, length) = match &result {
            HeaderResult::V1(Ok(header)) => (v1_source(&header.addresses), header.header.len()),
            HeaderResult::V2(Ok(header)) => (v2_source(&header.addresses), header.len()),
            _ if result.is_incomplete() && buffer.len() < LONGEST_PROXY_HEADER => continue,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "no PROXY protocol header")),
        };
        if length == buffer.len() {
            return Ok(address);
        }
    }
}

fn v1_source(addresses: &v1::Addresses) -> Option<IpAddr> {
    match addresses {
        v1::Addresses::Tcp4(addresses) => Some(addresses.source_address.into()),
        v1::Addresses::Tcp6(addresses) => Some(addresses.source_address.into()),
        v1::Addresses::Unknown => None,
    }
}

fn v2_source(addresses: &v2::Addresses) -> Option<IpAddr> {
    match addresses {
        v2::Addresses::IPv4(addresses) => Some(addresses.source_address.into()),
        v2::Addresses::IPv6(addresses) => Some(addresses.source_address.into()),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    }
}

/// The addresses that proxies have noted, in order; `None` for one that cannot be read.
fn hops(headers: &HeaderMap, header: ForwardedHeader) -> Vec<Option<IpAddr>> {
    let (name, read): (_, fn(&str) -> Option<IpAddr>) = match header {
        ForwardedHeader::XForwardedFor => ("x-forwarded-for", address),
        ForwardedHeader::Forwarded => ("forwarded", forwarded_for),
    };
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(read).collect()
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for")).and_then(|(_, node)| address(node))
}

/// An address, perhaps in quotes or brackets, perhaps with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let plain = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    plain.or_else(with_port).or_else(bracketed).map(|address| address.to_canonical())
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().copied().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A line of version 1, the line break included.
const LONGEST_LINE: usize = 107;
/// A version 2 header may be longer with extensions, which are not used here.
const LONGEST_PROXY_HEADER: usize = 2048;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::ForwardedHeader::{Forwarded, XForwardedFor};
    use super::*;

    fn behind(peer: &str, header: ForwardedHeader, headers: &[(&'static str, &str)]) -> String {
        let mut trusted = Networks::default();
        trusted.add("10.0.0.0/8").unwrap();
        let proxies = Proxies { trusted, header, protocol: false };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        caller(peer.parse().unwrap(), &map, &proxies).address.to_string()
    }

    #[test]
    fn headers_are_believed_from_trusted_proxies_alone() {
        let forged = [("x-forwarded-for", "192.0.2.7")];
        let behind = |peer, headers| behind(peer, XForwardedFor, headers);
        assert_eq!(behind("203.0.113.1", &forged), "203.0.113.1");
        assert_eq!(behind("10.1.1.1", &forged), "192.0.2.7");
        assert_eq!(behind("::ffff:10.1.1.1", &forged), "192.0.2.7");
        assert_eq!(behind("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        let behind_one = |header, headers: &[_]| behind("10.1.1.1", header, headers);
        let two_lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.8:1234")];
        let quoted = [("forwarded", r#"for=6.6.6.6, for="[2001:db8::1]:80";proto=https"#)];
        let unknown = [("x-forwarded-for", "192.0.2.7, unknown, 10.2.2.2")];
        let hops = [("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.2.2.2")];
        assert_eq!(behind_one(XForwardedFor, &hops), "192.0.2.7");
        assert_eq!(behind_one(XForwardedFor, &two_lines), "192.0.2.8");
        assert_eq!(behind_one(Forwarded, &quoted), "2001:db8::1");
        assert_eq!(behind_one(XForwardedFor, &unknown), "10.2.2.2");
    }

    #[test]
    fn no_header_says_who_is_at_the_other_end() {
        let mut trusted = Networks::default();
        trusted.add("10.0.0.0/8").unwrap();
        let proxies = Proxies { trusted, ..Proxies::default() };
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "127.0.0.1".parse().unwrap())]);
        let caller = caller("10.1.1.1".parse().unwrap(), &headers, &proxies);
        assert_eq!((caller.address.to_string(), caller.peer.to_string()), ("127.0.0.1".into(), "10.1.1.1".into()));
    }

    #[test]
    fn the_header_that_the_proxy_does_not_write_is_the_clients() {
        let both = [("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(behind("10.1.1.1", XForwardedFor, &both), "192.0.2.7");
        assert_eq!(behind("10.1.1.1", Forwarded, &both), "6.6.6.6");
    }
}
