//! The clients that can be at the other end of a connection: those that need no certificate, and those whose it has
//! shown.
//!
//! Owns that rule, for every scheme alike. To whoever lacks the certificate, a client that needs one does not exist: its
//! secrets are not even compared, and the answer is that to an unknown name.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use crate::client::{Certificate, Client, Clients};
use crate::metrics::Metrics;

/// The clients that can be at the other end of one connection.
pub(super) struct Callers<'a> {
    clients: &'a Clients,
    shown: Option<&'a Certificate>,
    /// The first that was named and cannot be there.
    withheld: OnceLock<Arc<Client>>,
}

impl<'a> Callers<'a> {
    /// Those of `clients` that can have shown this certificate, or none.
    pub(super) fn new(clients: &'a Clients, shown: Option<&'a Certificate>) -> Self {
        Self { clients, shown, withheld: OnceLock::new() }
    }

    /// The certificate.
    pub(super) fn shown(&self) -> Option<&'a Certificate> {
        self.shown
    }

    /// The client with this id or user name, if it can be there.
    pub(super) fn named(&self, name: &str) -> Option<&'a Arc<Client>> {
        let client = self.clients.named(name)?;
        if client.may_show(self.shown) {
            return Some(client);
        }
        self.withhold(client);
        None
    }

    /// Notes that a client was named that cannot be there.
    pub(super) fn withhold(&self, client: &Arc<Client>) {
        // The first one is told of.
        let _ = self.withheld.set(Arc::clone(client));
    }

    /// Tells the operator of a client that was named and cannot be there: the caller is not told.
    pub(super) fn tell(&self, metrics: &Metrics, address: IpAddr) {
        let Some(client) = self.withheld.get() else { return };
        let shown = if self.shown.is_some() { "another certificate" } else { "no certificate" };
        tracing::warn!(
            client = client.id, %address, shown,
            "refused: clients.certificate_names lists none that the connection has shown"
        );
        metrics.denied(&client.id, "certificate");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::client::{Ceiling, CertificateName, Policy};

    #[test]
    fn a_client_that_needs_a_certificate_is_unknown_without_it() {
        let policy = || Policy::unlimited(&[], &[], Ceiling::Time);
        let certificates = vec![CertificateName::parse("a.example").unwrap()];
        let bound = Client { certificates, users: vec!["u@x".to_owned()], ..Client::without_login("bound", policy()) };
        let clients = Clients::new([bound, Client::without_login("free", policy())]);
        let certificate = |name: &str| Certificate {
            names: vec![name.to_owned()],
            common_names: Vec::new(),
            fingerprint: [0; 32],
            not_after: jiff::Timestamp::MAX,
        };
        let (own, other) = (certificate("a.example"), certificate("b.example"));
        for (shown, is_there) in [(None, false), (Some(&other), false), (Some(&own), true)] {
            let callers = Callers::new(&clients, shown);
            assert!(callers.named("free").is_some());
            assert!(callers.withheld.get().is_none());
            for name in ["bound", "BOUND", "u@x"] {
                assert_eq!(callers.named(name).is_some(), is_there, "{shown:?} {name}");
            }
            assert_eq!(callers.withheld.get().is_some(), !is_there);
        }
        let metrics = Metrics::new();
        let callers = Callers::new(&clients, None);
        let _ = callers.named("bound");
        callers.tell(&metrics, IpAddr::from([192, 0, 2, 1]));
        assert!(
            metrics.render().contains("denied_total{client=\"bound\",reason=\"certificate\"} 1"),
            "{}",
            metrics.render()
        );
    }
}
