//! From a name to the addresses that a connection may go to.
//!
//! Owns that what was judged is what is connected to: the answer is looked up once, and only what the guard lets through
//! is handed on. Must not know which addresses are public.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::public::{Guard, refusal};

/// The system's resolver, behind a guard.
#[derive(Debug)]
pub(super) struct Resolver {
    guard: Guard,
}

impl Resolver {
    pub(super) fn new(guard: Guard) -> Self {
        Self { guard }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let (open, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|address| guard.allows(address.ip()));
            if open.is_empty() {
                let refused: Vec<IpAddr> = refused.iter().map(SocketAddr::ip).collect();
                return Err(io::Error::other(refusal(&refused)).into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}
