//! What is remembered of one connection: the certificate that its other end has shown, whom NTLM has found there, and
//! the challenge that was given over it.
//!
//! Must not know how a challenge is made or answered, nor whose a certificate is.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::ntlm::Challenge;
use crate::client::{Certificate, Client};

/// One connection; requests carry it among their extensions.
#[derive(Debug)]
pub(super) struct Connection {
    /// Whether it comes from a trusted proxy, which may carry requests of many over it.
    pub(super) is_shared: bool,
    /// Whether the gateway itself has ended TLS on it.
    pub(super) is_tls: bool,
    /// The certificate that was shown over it, and verified.
    shown: Option<Shown>,
    state: Mutex<State>,
}

/// A certificate that was shown.
#[derive(Debug)]
struct Shown {
    certificate: Certificate,
    /// Cancelled when other authorities are trusted than those that it was verified with.
    outdated: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    client: Option<Arc<Client>>,
    challenge: Option<Arc<Challenge>>,
}

impl Connection {
    pub(super) fn new(is_shared: bool, is_tls: bool) -> Self {
        Self { is_shared, is_tls, shown: None, state: Mutex::default() }
    }

    /// With the certificate that its other end has shown, until other authorities are trusted.
    pub(super) fn showing(self, certificate: Certificate, outdated: CancellationToken) -> Self {
        Self { shown: Some(Shown { certificate, outdated }), ..self }
    }

    /// The certificate that its other end has shown, as long as it counts: till it ends, and while its authorities are
    /// those that are trusted.
    pub(super) fn certificate(&self, now: Timestamp) -> Option<&Certificate> {
        let shown = self.shown.as_ref().filter(|shown| !shown.outdated.is_cancelled());
        shown.map(|shown| &shown.certificate).filter(|certificate| now <= certificate.not_after)
    }

    /// Ends when a certificate was shown that was verified with other authorities than are trusted by then.
    pub(super) async fn outdated(&self) {
        match &self.shown {
            Some(shown) => shown.outdated.cancelled().await,
            None => pending().await,
        }
    }

    /// Whose the connection is, so that a request without credentials is that client's.
    pub(super) fn client(&self) -> Option<Arc<Client>> {
        self.state().client.clone()
    }

    /// From now on the connection is this client's, unless others may send over it too.
    pub(super) fn belongs_to(&self, client: &Arc<Client>) {
        if !self.is_shared {
            self.state().client = Some(Arc::clone(client));
        }
    }

    /// From now on the connection is nobody's.
    pub(super) fn belongs_to_nobody(&self) {
        self.state().client = None;
    }

    /// Remembers a challenge in place of any older one.
    pub(super) fn challenged(&self, challenge: Arc<Challenge>) {
        self.state().challenge = Some(challenge);
    }

    /// The challenge to be answered; there is none afterwards.
    pub(super) fn take_challenge(&self) -> Option<Arc<Challenge>> {
        self.state().challenge.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_counts_till_its_end_and_while_its_authorities_are_trusted() {
        let (end, outdated) = (Timestamp::UNIX_EPOCH, CancellationToken::new());
        let certificate = Certificate { names: vec![], common_names: vec![], fingerprint: [0; 32], not_after: end };
        let connection = Connection::new(false, true).showing(certificate, outdated.clone());
        assert!(connection.certificate(end).is_some());
        assert!(connection.certificate(end + jiff::SignedDuration::from_secs(1)).is_none());
        outdated.cancel();
        assert!(connection.certificate(end).is_none());
    }
}
