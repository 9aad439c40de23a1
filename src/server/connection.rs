//! What is remembered of one connection: the certificate that its other end has shown, whom NTLM has found there, and
//! the challenge that was given over it.
//!
//! Must not know how a challenge is made or answered, nor whose a certificate is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    certificate: Option<Certificate>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    client: Option<Arc<Client>>,
    challenge: Option<Arc<Challenge>>,
}

impl Connection {
    pub(super) fn new(is_shared: bool, is_tls: bool) -> Self {
        Self { is_shared, is_tls, certificate: None, state: Mutex::default() }
    }

    /// With the certificate that its other end has shown, if it has.
    pub(super) fn showing(self, certificate: Option<Certificate>) -> Self {
        Self { certificate, ..self }
    }

    /// The certificate that its other end has shown.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
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
