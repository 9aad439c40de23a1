//! NTLM over HTTP ([MS-NTHT]): a challenge, its answer, and whose connection it is then.
//!
//! Owns the header's form, and challenges that wait for their answers. Must not know what a client
//! may do.
//!
//! [MS-NTHT]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-ntht/

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use jiff::Timestamp;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretBox};
use serde::Deserialize;
use uuid::Uuid;

use super::callers::Callers;
use super::connection::Connection;
use super::failures::Failures;
use super::ntlm::{Answer, Challenge, Message, Names};
use super::refusal::{Leg, Refusal};
use super::tls::Certificates;
use crate::client::{Client, Clients};

/// What NTLM needs besides the connections; there is none where no client has an NT hash.
pub struct Handshakes {
    names: Names,
    channel_binding: ChannelBinding,
    /// What an answer is tried with when there is no such client.
    decoy: SecretBox<[u8; 16]>,
    /// Challenges by the cookie that was given with them, for connections that others share.
    carried: Cache<String, Arc<Challenge>>,
    failures: Arc<Failures>,
    /// What answers may be bound to, where the gateway ends TLS itself.
    certificates: Option<Arc<Certificates>>,
}

/// A request that brings a message.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) callers: &'a Callers<'a>,
    pub(super) token: &'a Token,
    pub(super) headers: &'a HeaderMap,
    pub(super) address: IpAddr,
    pub(super) connection: &'a Connection,
    pub(super) now: Timestamp,
}

/// Whether a log-in by NTLM must be bound to the TLS connection it comes over.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ChannelBinding {
    /// A binding is checked where there is one, unless a trusted proxy has ended TLS.
    #[default]
    Accepted,
    /// There must be one, and it must be right.
    Required,
}

/// A message as a header brings it: under `NTLM`, or without any wrapping under `Negotiate`.
#[derive(Debug)]
pub(super) struct Token {
    scheme: &'static str,
    message: Vec<u8>,
}

impl Token {
    /// The message of an `Authorization` header, if it holds one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let scheme = ["NTLM", "Negotiate"].into_iter().find(|name| scheme.eq_ignore_ascii_case(name))?;
        let message = STANDARD.decode(rest.trim()).ok()?;
        message.starts_with(super::ntlm::SIGNATURE).then_some(Self { scheme, message })
    }
}

impl Handshakes {
    /// Handshakes for these clients, if one of them can log in that way. `host` is what they call
    /// the gateway.
    #[must_use]
    pub fn new(
        clients: &Clients,
        host: &str,
        channel_binding: ChannelBinding,
        failures: Arc<Failures>,
        certificates: Option<Arc<Certificates>>,
    ) -> Option<Self> {
        clients.iter().any(|client| !client.nt_hashes.is_empty()).then(|| Self {
            names: Names::of(host),
            channel_binding,
            decoy: SecretBox::new(Box::new(rand::random())),
            carried: Cache::builder().max_capacity(MOST_CARRIED).time_to_live(CARRIED_FOR).build(),
            failures,
            certificates,
        })
    }

    /// One leg: the client whose answer is right, a challenge, or nobody.
    pub(super) async fn take(&self, step: Step<'_>) -> Result<Arc<Client>, Refusal> {
        let Step { connection, address, .. } = step;
        match Message::parse(&step.token.message) {
            Ok(Message::Negotiate) => Err(self.challenge(step)),
            Ok(Message::Answer(answer)) => {
                let challenge = self.challenge_of(step).ok_or(Refusal::Outdated)?;
                let client = self.prove(step, &answer, &challenge).await?;
                if !self.is_bound(&answer, connection) {
                    tracing::warn!(client = client.id, %address, "an NTLM answer is not bound to this TLS connection: is TLS ended on the way?");
                    return Err(Refusal::Missing);
                }
                connection.belongs_to(&client);
                Ok(client)
            }
            Err(unfit) => {
                tracing::info!(%address, "an NTLM message cannot be used: {unfit}");
                Err(Refusal::Missing)
            }
        }
    }

    fn challenge(&self, step: Step<'_>) -> Refusal {
        let Step { token, connection, now, .. } = step;
        let challenge = Arc::new(Challenge::new(&token.message, &self.names, rand::random(), now));
        let cookie = connection.is_shared.then(|| {
            let key = Uuid::new_v4().simple().to_string();
            self.carried.insert(key.clone(), Arc::clone(&challenge));
            format!("{COOKIE}={key}; Path=/; Max-Age={}; HttpOnly; Secure", CARRIED_FOR.as_secs())
        });
        let challenge_header = format!("{} {}", token.scheme, STANDARD.encode(challenge.message()));
        connection.challenged(challenge);
        Refusal::Challenged(Box::new(Leg { challenge: challenge_header, cookie }))
    }

    /// The challenge that is answered: the connection's, or on one that others share that of the
    /// cookie, since the legs of a handshake may come over several.
    fn challenge_of(&self, step: Step<'_>) -> Option<Arc<Challenge>> {
        let given = step.connection.take_challenge();
        let carried = || self.carried.remove(cookie(step.headers)?);
        let carried = if step.connection.is_shared { carried() } else { None };
        carried.or(given).filter(|challenge| challenge.use_up())
    }

    /// The client whom the answer names, if it is right.
    async fn prove(&self, step: Step<'_>, answer: &Answer<'_>, challenge: &Challenge) -> Result<Arc<Client>, Refusal> {
        let client = step.callers.named(answer.user());
        let hashes = client.map(|client| client.nt_hashes.as_slice()).filter(|hashes| !hashes.is_empty());
        let hashes = hashes.unwrap_or_else(|| std::slice::from_ref(&self.decoy));
        // No early end: the time must not tell which of several it was.
        let is_right =
            hashes.iter().fold(false, |found, hash| found | answer.is_proven(hash.expose_secret(), challenge));
        match client.filter(|client| is_right && !client.nt_hashes.is_empty()) {
            Some(client) => {
                self.failures.forget(answer.user(), step.address);
                Ok(Arc::clone(client))
            }
            None => Err(self.failures.note(Some(answer.user()), step.address).held_up().await),
        }
    }

    fn is_bound(&self, answer: &Answer<'_>, connection: &Connection) -> bool {
        let is_ours = |binding| self.certificates.as_ref().is_some_and(|ours| ours.are_bound_by(binding));
        match (self.channel_binding, answer.binding()) {
            (ChannelBinding::Required, binding) => binding.is_some_and(is_ours),
            // The proxy's own certificate is not known here.
            (ChannelBinding::Accepted, Some(binding)) if connection.is_tls && !connection.is_shared => is_ours(binding),
            (ChannelBinding::Accepted, _) => true,
        }
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes").finish_non_exhaustive()
    }
}

/// The cookie of a challenge. Clients may send its attributes back too, as if they were cookies.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

const COOKIE: &str = "calendar-relay-ntlm";
/// The legs of a handshake follow each other at once.
const CARRIED_FOR: Duration = Duration::from_secs(30);
const MOST_CARRIED: u64 = 10_000;
