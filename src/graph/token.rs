//! Tokens of one credential: asked for early, once at a time, and never shown.
//!
//! Owns when a token is asked for, and who waits for it; `token/exchange.rs` asks, and `token/upkeep.rs` looks after
//! credentials that nobody uses. Must not know what the tokens are for.

mod exchange;
mod said;
mod upkeep;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};

pub(super) use exchange::{Exchange, Refused};

use super::claims::Claims;
use super::grants::{Grant, Grants};
use crate::failure::Failure;
use crate::metrics::{CredentialLabels, Metrics, TenantOutcome};
use crate::tenant::Credential;
use exchange::{Answer, Issued};
use said::Said;

/// How long a refusal is believed before Entra is asked again.
const REFUSAL_HOLDS: Duration = Duration::from_secs(30);
/// How long Entra is left alone after it failed.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);
/// A token is renewed so long before it expires, or at four fifths of a short life.
const MARGIN: Duration = Duration::from_secs(300);
/// The life of a token that comes without one.
const PRESUMED_LIFE: Duration = Duration::from_secs(300);
/// No token is believed to live longer.
const LONGEST_LIFE: Duration = Duration::from_secs(86_400);

/// The tokens of one credential.
pub(super) struct Tokens {
    tenant: String,
    credential: Credential,
    exchange: Exchange,
    timeout: Duration,
    clock: fn() -> Timestamp,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

/// A token, as the header that carries it.
pub(super) struct Token {
    header: HeaderValue,
    renew_at: Instant,
    expires: Instant,
}

/// How a credential's token stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// None was asked for yet.
    None,
    /// Valid for so long.
    Valid(Duration),
    /// Expired, and no new one yet.
    Expired,
    /// Entra refused it, in these words.
    Refused(String),
    /// Entra could not be asked, or did not answer.
    Unavailable(String),
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    flight: Option<Flight>,
    trouble: Option<(Instant, Refused)>,
    proof_expires: Option<Timestamp>,
    /// When a token was last asked for.
    asked: Option<Instant>,
    /// What was said last of the expiry.
    said: Option<Said>,
    /// The certificates that Entra did not know before it believed another.
    unknown: Vec<String>,
    /// What the last token says, if it could be read.
    claims: Option<Claims>,
    /// How that compares with what is needed.
    grants: Option<Grants>,
}

type Flight = Shared<BoxFuture<'static, Result<Arc<Token>, Refused>>>;

impl Tokens {
    pub(super) fn new(
        tenant: &str,
        credential: Credential,
        exchange: Exchange,
        timeout: Duration,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self { tenant: tenant.to_owned(), credential, exchange, clock, timeout, metrics, state: Mutex::default() }
    }

    /// The credential, for its id and what it serves.
    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    /// A valid token. One that nears its end is still given while its successor is asked for.
    ///
    /// # Errors
    /// Why there is none: refused, unavailable, or not before the deadline.
    pub(super) async fn get(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Token>, Refused> {
        let flight = {
            let now = Instant::now();
            let mut state = self.lock();
            let valid = state.token.as_ref().filter(|token| now < token.expires).cloned();
            if let Some(token) = valid.as_ref().filter(|token| now < token.renew_at) {
                return Ok(Arc::clone(token));
            }
            let trouble = state.trouble.as_ref().filter(|(until, _)| now < *until).map(|(_, refused)| refused.clone());
            match (valid, trouble) {
                (Some(token), Some(_)) => return Ok(token),
                (Some(token), None) => {
                    // It goes on by itself.
                    drop(self.begin(&mut state));
                    return Ok(token);
                }
                (None, Some(refused)) => return Err(refused),
                (None, None) => self.begin(&mut state),
            }
        };
        timeout_at(deadline, flight)
            .await
            .unwrap_or_else(|_| Err(Refused::new(Failure::TimedOut, "no token before the deadline")))
    }

    /// A token other than the one that Graph refused.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub(super) async fn renew(
        self: &Arc<Self>,
        refused: &Arc<Token>,
        deadline: Instant,
    ) -> Result<Arc<Token>, Refused> {
        {
            let mut state = self.lock();
            if state.token.as_ref().is_some_and(|token| Arc::ptr_eq(token, refused)) {
                state.token = None;
            }
        }
        self.get(deadline).await
    }

    /// Graph refused a token that was fresh: Entra has no better one, and is left alone as if it had
    /// refused the credential itself.
    pub(super) fn refuse(&self, token: &Arc<Token>, told: &str) {
        let mut state = self.lock();
        if state.token.as_ref().is_some_and(|known| Arc::ptr_eq(known, token)) {
            tracing::error!(
                tenant = self.tenant,
                client_id = self.credential.client_id,
                told,
                "Graph refuses a fresh token"
            );
            let refused = Refused::new(Failure::CredentialRefused, told);
            state.token = None;
            state.trouble = Some((Instant::now() + REFUSAL_HOLDS, refused));
        }
    }

    /// How the token stands.
    pub(super) fn state(&self, now: Instant) -> TokenState {
        let state = self.lock();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.expires) {
            return TokenState::Valid(token.expires - now);
        }
        match &state.trouble {
            Some((_, refused)) if refused.failure == Failure::CredentialRefused => {
                TokenState::Refused(refused.told.to_string())
            }
            Some((_, refused)) => TokenState::Unavailable(refused.told.to_string()),
            None if state.token.is_some() => TokenState::Expired,
            None => TokenState::None,
        }
    }

    /// Joins the request under way, or begins one that outlives whoever asked.
    fn begin(self: &Arc<Self>, state: &mut State) -> Flight {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let tokens = Arc::clone(self);
        let task = tokio::spawn(async move {
            let result = tokens.fetch().await;
            tokens.land(&result);
            result
        });
        let flight = task
            .map(|joined| joined.unwrap_or_else(|_| Err(Refused::new(Failure::Internal, "token task died"))))
            .boxed()
            .shared();
        state.flight = Some(flight.clone());
        flight
    }

    fn land(&self, result: &Result<Arc<Token>, Refused>) {
        let outcome = match result {
            Ok(_) => "ok",
            Err(refused) => refused.failure.label(),
        };
        self.metrics.graph_tokens.get_or_create(&TenantOutcome { tenant: self.tenant.clone(), outcome }).inc();
        let (tenant, client_id) = (self.tenant.as_str(), self.credential.client_id.as_str());
        let now = Instant::now();
        let mut state = self.lock();
        state.flight = None;
        state.asked = Some(now);
        match result {
            Ok(token) => {
                tracing::debug!(tenant, client_id, seconds = (token.expires - now).as_secs(), "token obtained");
                state.token = Some(Arc::clone(token));
                state.trouble = None;
            }
            Err(refused) if refused.failure == Failure::CredentialRefused => {
                tracing::error!(
                    tenant,
                    client_id,
                    told = &*refused.told,
                    "Microsoft Entra refuses this credential: check its secret or certificate, its id and the tenant's id"
                );
                state.trouble = Some((now + REFUSAL_HOLDS, refused.clone()));
            }
            Err(refused) => {
                tracing::warn!(tenant, client_id, told = &*refused.told, "no token from Microsoft Entra");
                state.trouble = Some((now + FAILURE_HOLDS, refused.clone()));
            }
        }
    }

    async fn fetch(&self) -> Result<Arc<Token>, Refused> {
        let asked = Instant::now();
        let answer = timeout(self.timeout, self.exchange.ask(&self.credential)).await;
        let unanswered = || Answer::nothing(Refused::new(Failure::Unavailable, "timed out"));
        let Answer { issued, proof_expires, unknown } = answer.unwrap_or_else(|_| unanswered());
        self.note_expiry(proof_expires);
        if issued.is_ok() {
            self.note_unknown(unknown);
        }
        let Issued { secret, life } = issued?;
        self.note_grants(Claims::read(secret.expose_secret()));
        let life = life.unwrap_or(PRESUMED_LIFE).min(LONGEST_LIFE);
        let mut header = HeaderValue::try_from(format!("Bearer {}", secret.expose_secret()))
            .map_err(|_| Refused::new(Failure::Unavailable, "unusable token"))?;
        header.set_sensitive(true);
        let early = MARGIN.min(life / 5);
        Ok(Arc::new(Token { header, renew_at: asked + life - early, expires: asked + life }))
    }

    /// Tells the operator of each change among the certificates that Entra does not know although another serves.
    fn note_unknown(&self, unknown: Vec<String>) {
        let mut state = self.lock();
        if state.unknown == unknown {
            return;
        }
        state.unknown.clone_from(&unknown);
        drop(state);
        if !unknown.is_empty() {
            let (tenant, client_id) = (self.tenant.as_str(), self.credential.client_id.as_str());
            let certificates = unknown.join(", ");
            tracing::warn!(
                tenant,
                client_id,
                certificates,
                "Microsoft Entra does not know a newer certificate, and believes an older one: register the newer one"
            );
        }
    }

    /// Compares what a token grants with what is needed, and tells the operator of each change. Nothing depends on it.
    fn note_grants(&self, claims: Option<Claims>) {
        let grants = claims.as_ref().map(|claims| Grants::of(&self.credential, &claims.roles));
        let labels = CredentialLabels { tenant: self.tenant.clone(), client_id: self.credential.client_id.clone() };
        match &grants {
            Some(Grants { missing, excessive }) => {
                let count = |grants: &Vec<Grant>| i64::try_from(grants.len()).unwrap_or(i64::MAX);
                self.metrics.credential_missing.get_or_create(&labels).set(count(missing));
                self.metrics.credential_excess.get_or_create(&labels).set(count(excessive));
            }
            // What is not known is not nought.
            None => {
                self.metrics.credential_missing.remove(&labels);
                self.metrics.credential_excess.remove(&labels);
            }
        }
        let mut state = self.lock();
        let is_news = state.grants != grants;
        state.claims = claims;
        state.grants.clone_from(&grants);
        drop(state);
        let (tenant, client_id) = (self.tenant.as_str(), self.credential.client_id.as_str());
        match grants.filter(|_| is_news) {
            Some(grants) if !grants.is_exact() => {
                let (missing, excessive) = (Grant::names(&grants.missing), Grant::names(&grants.excessive));
                let remedies = grants.remedies();
                tracing::warn!(
                    tenant,
                    client_id,
                    missing,
                    excessive,
                    remedies,
                    "what this credential is granted is not what it needs"
                );
            }
            Some(_) => tracing::debug!(tenant, client_id, "this credential is granted what it needs, and no more"),
            None => {}
        }
    }

    /// How what the last token grants compares with what is needed, if it could be read.
    pub(super) fn grants(&self) -> Option<Grants> {
        self.lock().grants.clone()
    }

    /// What the last token says, if it could be read.
    pub(super) fn claims(&self) -> Option<Claims> {
        self.lock().claims.clone()
    }

    /// How far Entra's clock is ahead of ours, by its last answer.
    pub(super) fn skew(&self) -> Option<SignedDuration> {
        self.exchange.skew()
    }

    /// The tenant's id and the resource's origin that tokens are asked for.
    pub(super) fn asks_for(&self) -> (&str, String) {
        self.exchange.asks_for()
    }

    /// Whether Entra answers at all; shows it nothing.
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) async fn reach(&self) -> Result<u16, String> {
        timeout(self.timeout, self.exchange.reach()).await.unwrap_or_else(|_| Err("timed out".to_owned()))
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// When the credential itself expires, as far as that is known.
    pub(super) fn proof_expires(&self) -> Option<Timestamp> {
        self.lock().proof_expires.or(self.credential.secret_expires)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    /// The `Authorization` header.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("tenant", &self.tenant).field("credential", &self.credential).finish()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
