//! Sends calls to one tenant's Graph; nothing else does.
//!
//! Owns the token on a call, who may call when (lanes, limit, circuit), deadlines, retries and
//! what is noted of each call. Must not know what the calls mean.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;
use uuid::Uuid;

use super::circuit::Circuit;
use super::fault::{ATTEMPTS, Refusal, Trouble};
use super::http::{Cut, Http, read};
use super::json::{Page, decode};
use super::lanes::Lanes;
use super::limit::Limit;
use super::settings::Settings;
use super::token::{Token, Tokens};
use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::https::retry_after;
use crate::journal::Journal;
use crate::metrics::{CallLabel, GraphLabels, Metrics, TenantLabel};

/// One tenant's Graph.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) tenant: Arc<str>,
    /// The credentials, in the configuration's order.
    pub(super) credentials: Vec<Arc<Tokens>>,
    pub(super) lanes: Lanes,
    pub(super) circuit: Circuit,
    base: Url,
    http: Arc<Http>,
    limit: Limit,
    timeout: Duration,
    /// Bytes that all pages of a collection may have together.
    collection_bytes: usize,
    health: Mutex<Health>,
    /// Which calls of which credential Graph wants none of, until when.
    throttled: Mutex<HashMap<(usize, &'static str), Instant>>,
    metrics: Arc<Metrics>,
}

/// When Graph last answered and failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    pub(super) answered: Option<Instant>,
    pub(super) failed: Option<(Instant, &'static str)>,
}

/// One call.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The call's file in `graph/calls`, or `batch` for several of them together.
    pub(super) name: &'static str,
    /// Index of the credential that it is made with.
    pub(super) credential: usize,
    /// The mailboxes that it is charged to, sorted; the first is the one that it is about.
    pub(super) mailboxes: &'a [Mailbox],
    pub(super) url: Url,
    pub(super) method: Method,
    /// JSON.
    pub(super) body: Option<Bytes>,
    /// More preferences, besides UTC.
    pub(super) prefer: &'a [&'a str],
    /// The change key that the event must still have.
    pub(super) if_match: Option<&'a str>,
    /// `client-request-id`: the request that it was made for first.
    pub(super) id: Uuid,
    pub(super) deadline: Instant,
}

/// What became of one attempt.
enum Attempt {
    Answered(Vec<u8>),
    Refused(Refusal),
    Cut(Cut),
}

impl<'a> Call<'a> {
    /// A GET.
    pub(super) fn get(
        name: &'static str,
        credential: usize,
        mailboxes: &'a [Mailbox],
        url: Url,
        id: Uuid,
        deadline: Instant,
    ) -> Self {
        let method = Method::GET;
        Self { name, credential, mailboxes, url, method, body: None, prefer: &[], if_match: None, id, deadline }
    }

    /// The same with a body to post.
    pub(super) fn posting(self, body: Bytes) -> Self {
        Self { method: Method::POST, body: Some(body), ..self }
    }
}

impl Client {
    pub(super) fn new(
        tenant: &str,
        graph: &Url,
        credentials: Vec<Arc<Tokens>>,
        http: Arc<Http>,
        settings: &Settings,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        let mut base = graph.clone();
        base.path_segments_mut()
            .map_err(|()| format!("tenant {tenant}: {graph} cannot be a Graph address"))?
            .pop_if_empty()
            .push("v1.0");
        let label = TenantLabel { tenant: tenant.to_owned() };
        metrics.circuit_open.get_or_create(&label).set(0);
        let limit = Limit::new(settings.concurrency, metrics.graph_limit.get_or_create_owned(&label));
        Ok(Self {
            tenant: tenant.into(),
            credentials,
            lanes: Lanes::new(),
            circuit: Circuit::default(),
            base,
            http,
            limit,
            timeout: settings.timeout,
            collection_bytes: settings.collection_bytes,
            health: Mutex::default(),
            throttled: Mutex::default(),
            metrics,
        })
    }

    /// The address of a resource: `segments` below `/v1.0`, percent-encoded.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url
    }

    /// The address as `$batch` wants it, without origin and version.
    pub(super) fn relative(&self, url: &Url) -> String {
        let path = url.path().strip_prefix(self.base.path()).unwrap_or_else(|| url.path());
        url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
    }

    /// The next page, if it lies at the tenant's own Graph.
    ///
    /// # Errors
    /// [`Failure::Internal`] for any other address: a token never goes there.
    pub(super) fn follow(&self, link: &str) -> Result<Url, Failure> {
        let same = |url: &Url| {
            url.origin() == self.base.origin()
                && url.path().strip_prefix(self.base.path()).is_some_and(|rest| rest.starts_with('/'))
        };
        Url::parse(link).ok().filter(same).ok_or_else(|| {
            tracing::error!(tenant = &*self.tenant, "Graph names a next page at another origin; refused");
            Failure::Internal
        })
    }

    /// Whether Graph answers at all; shows it no token.
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) async fn reach(&self) -> Result<u16, String> {
        let sent = tokio::time::timeout(self.timeout, self.http.client().get(self.base.clone()).send()).await;
        let response = sent.map_err(|_| "timed out".to_owned())?.map_err(|error| Cut::from(error).to_string())?;
        Ok(response.status().as_u16())
    }

    /// Sends a call until it is answered, refused for good, or out of time. Any call may be sent
    /// several times: a write must be one that does no harm when it is done twice.
    ///
    /// # Errors
    /// The failure that it means, with Graph's own words where there were any.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Vec<u8>, Trouble> {
        let admission = self.circuit.admit(Instant::now()).map_err(|_| Failure::Unavailable)?;
        // Whether an attempt was made, and whether Graph may have done what was asked without our knowing.
        let (mut sent, mut unsure) = (false, false);
        let mut result = self.attempts(call, &mut sent, &mut unsure).await;
        if let Err(trouble) = &mut result {
            trouble.unsure = unsure;
        }
        let now = Instant::now();
        match &result {
            Err(trouble) if trouble.failure.allows_stale() => {
                self.note(|health| health.failed = Some((now, trouble.failure.label())));
            }
            Err(Trouble { failure: Failure::CredentialRefused, .. }) => {}
            Ok(_) | Err(_) if sent => self.note(|health| health.answered = Some(now)),
            Ok(_) | Err(_) => {}
        }
        match &result {
            _ if !sent => {}
            Err(Trouble { failure: Failure::Unavailable | Failure::TimedOut, .. }) => admission.failed(now),
            // A limit of our own: it says nothing of Graph.
            Err(Trouble { failure: Failure::Busy { .. }, status: None, .. }) => {}
            // Also one who throttles, refuses or lacks what was asked for is there.
            Ok(_) | Err(_) => admission.succeeded(),
        }
        let open = i64::from(self.circuit.state(now) != super::circuit::CircuitState::Closed);
        self.metrics.circuit_open.get_or_create(&self.label()).set(open);
        result
    }

    /// Reads a collection to its end, or until `enough` values are there, with a credential and
    /// charged to mailboxes.
    ///
    /// # Errors
    /// As [`Self::send`]; [`Failure::TooManyFound`] if the pages are larger together than what may be
    /// held for one request.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        name: &'static str,
        (credential, mailboxes): (usize, &[Mailbox]),
        first: Url,
        enough: usize,
        journal: &Journal,
    ) -> Result<Vec<T>, Trouble> {
        let mut values = Vec::new();
        let mut left = self.collection_bytes;
        let take = |page: Vec<T>, bytes| {
            left = left.checked_sub(bytes).ok_or(Failure::TooManyFound)?;
            values.extend(page);
            Ok(values.len() < enough)
        };
        self.each_page(name, (credential, mailboxes), first, journal, take).await?;
        Ok(values)
    }

    /// Reads a collection page by page, each with the bytes that it took, while `take` wants more.
    ///
    /// # Errors
    /// As [`Self::send`], and what `take` says.
    pub(super) async fn each_page<T: DeserializeOwned>(
        &self,
        name: &'static str,
        (credential, mailboxes): (usize, &[Mailbox]),
        first: Url,
        journal: &Journal,
        mut take: impl FnMut(Vec<T>, usize) -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        let mut next = Some(first);
        while let Some(url) = next.take() {
            let (id, deadline) = (journal.request_id, journal.deadline);
            journal.graph_calls.add(1);
            let body = self.send(&Call::get(name, credential, mailboxes, url, id, deadline)).await?;
            let page: Page<T> = decode(name, &body)?;
            if take(page.value, body.len())? {
                next = page.next.map(|link| self.follow(&link)).transpose()?;
            }
        }
        Ok(())
    }

    /// Counts a part of a batch as the call that it is.
    pub(super) fn count_part(&self, call: &'static str, status: u16) {
        self.metrics.graph_calls.get_or_create(&GraphLabels { call, status: status.to_string() }).inc();
        if status == 429 {
            self.count_throttled();
        }
        if matches!(status, 429 | 503 | 504) {
            self.limit.tighten(Instant::now());
        }
    }

    /// When Graph last answered and failed.
    pub(super) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Until when Graph wants to be left alone by some call.
    pub(super) fn throttled_until(&self) -> Option<Instant> {
        self.throttled.lock().unwrap_or_else(PoisonError::into_inner).values().max().copied()
    }

    async fn attempts(&self, call: &Call<'_>, sent: &mut bool, unsure: &mut bool) -> Result<Vec<u8>, Trouble> {
        let tokens = self.credentials.get(call.credential).ok_or(Failure::Internal)?;
        let mut token = tokens.get(call.deadline).await.map_err(Trouble::from)?;
        let (mut renewed, mut reconnected) = (false, false);
        let mut attempt = 0;
        loop {
            self.wait_while_throttled(call).await?;
            let places = self.lanes.enter(call.credential, call.mailboxes, call.deadline).await?;
            let permit = self.limit.acquire(call.deadline).await?;
            let http = self.http.client();
            *sent = true;
            let begun = Instant::now();
            let until = call.deadline.min(begun + self.timeout);
            let outcome = timeout_at(until, self.exchange(call, &http, &token, attempt)).await;
            drop((permit, places));
            let refusal = match outcome {
                Ok(Attempt::Answered(body)) => {
                    self.limit.ease();
                    return Ok(body);
                }
                Ok(Attempt::Refused(refusal)) => refusal,
                Ok(Attempt::Cut(Cut::TooLong)) => {
                    *unsure = true;
                    return Err(Failure::Internal.into());
                }
                Ok(Attempt::Cut(_)) if !reconnected => {
                    (reconnected, *unsure) = (true, true);
                    self.http.reconnect(&http);
                    continue;
                }
                Ok(Attempt::Cut(cut)) => {
                    *unsure = true;
                    return Err(Trouble { told: Some(cut.to_string()), ..Failure::Unavailable.into() });
                }
                Err(_) => {
                    self.observe(call, "error", begun.elapsed());
                    tracing::warn!(tenant = &*self.tenant, call = call.name, client_request_id = %call.id, "Graph is slow");
                    self.limit.tighten(Instant::now());
                    *unsure = true;
                    return Err(Failure::TimedOut.into());
                }
            };
            *unsure |= matches!(refusal.status, 500 | 502 | 504);
            match refusal.status {
                401 if !renewed => {
                    renewed = true;
                    token = tokens.renew(&token, call.deadline).await.map_err(Trouble::from)?;
                    continue;
                }
                401 => tokens.refuse(&token, &refusal.told()),
                429 | 503 | 504 => {
                    self.limit.tighten(Instant::now());
                    if refusal.status == 503 {
                        self.http.reconnect(&http);
                    }
                    attempt += 1;
                    if self.pause(call, &refusal, attempt).await {
                        continue;
                    }
                }
                _ => self.limit.ease(),
            }
            return Err(Trouble {
                failure: refusal.failure(call.mailboxes.first()),
                told: Some(refusal.told()),
                status: Some(refusal.status),
                unsure: false,
            });
        }
    }

    /// Sends once and reads the answer.
    async fn exchange(&self, call: &Call<'_>, http: &reqwest::Client, token: &Token, attempt: u32) -> Attempt {
        let begun = Instant::now();
        let mut prefer = r#"outlook.timezone="UTC""#.to_owned();
        for preference in call.prefer {
            prefer.push_str(", ");
            prefer.push_str(preference);
        }
        let mut request = http
            .request(call.method.clone(), call.url.clone())
            .header(header::AUTHORIZATION, token.header())
            .header(header::ACCEPT, "application/json")
            .header("client-request-id", call.id.to_string())
            .header("prefer", prefer);
        if attempt > 0 {
            request = request.header("retry-attempt", attempt);
        }
        if let Some(change_key) = call.if_match {
            request = request.header(header::IF_MATCH, format!("W/\"{change_key}\""));
        }
        if let Some(body) = &call.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        let outcome = self.receive(request).await;
        let taken = begun.elapsed();
        let (status, headers, outcome) = match outcome {
            Ok((status, headers, body)) if status.is_success() => (status, headers, Attempt::Answered(body)),
            Ok((status, headers, body)) => {
                let refusal = Refusal::read(status.as_u16(), retry_after(&headers), &body);
                (status, headers, Attempt::Refused(refusal))
            }
            Err(cut) => {
                self.observe(call, "error", taken);
                tracing::warn!(tenant = &*self.tenant, call = call.name, id = %call.id, problem = %cut, "call to Graph failed");
                return Attempt::Cut(cut);
            }
        };
        self.observe(call, status.as_str(), taken);
        let request_id = headers.get("request-id").and_then(|id| id.to_str().ok()).unwrap_or("-");
        let (tenant, ms) = (&*self.tenant, taken.as_millis());
        match &outcome {
            Attempt::Refused(refusal) => tracing::info!(
                tenant, call = call.name, status = refusal.status, code = refusal.code, ms, request_id,
                client_request_id = %call.id, attempt, "Graph refused a call"
            ),
            Attempt::Answered(_) | Attempt::Cut(_) => tracing::info!(
                tenant, call = call.name, status = status.as_u16(), ms, request_id,
                client_request_id = %call.id, attempt, "Graph answered"
            ),
        }
        outcome
    }

    async fn receive(&self, request: reqwest::RequestBuilder) -> Result<(StatusCode, HeaderMap, Vec<u8>), Cut> {
        let mut response = request.send().await?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok((status, headers, read(response).await?))
    }

    /// Waits before a retry. Says no when there is no time for one, or there were enough; then the
    /// mailboxes, or calls of the kind, are left alone as long as Graph asked for.
    async fn pause(&self, call: &Call<'_>, refusal: &Refusal, attempt: u32) -> bool {
        if refusal.status == 429 {
            self.count_throttled();
        }
        let now = Instant::now();
        let until = refusal.again_at(attempt, now);
        if attempt < ATTEMPTS && until < call.deadline {
            sleep_until(until).await;
            return true;
        }
        if let Some(wait) = refusal.wait() {
            let until = now + wait;
            if refusal.status == 429 && !call.mailboxes.is_empty() {
                self.lanes.close(call.credential, call.mailboxes, until);
            } else {
                let mut throttled = self.throttled.lock().unwrap_or_else(PoisonError::into_inner);
                let known = throttled.entry((call.credential, call.name)).or_insert(until);
                *known = until.max(*known);
            }
        }
        false
    }

    async fn wait_while_throttled(&self, call: &Call<'_>) -> Result<(), Failure> {
        let kind = (call.credential, call.name);
        let until = self.throttled.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).copied();
        let Some(until) = until else { return Ok(()) };
        let now = Instant::now();
        if until <= now {
            return Ok(());
        }
        if until >= call.deadline {
            return Err(Failure::Busy { retry_after: until - now });
        }
        sleep_until(until).await;
        Ok(())
    }

    fn observe(&self, call: &Call<'_>, status: &str, taken: Duration) {
        let labels = GraphLabels { call: call.name, status: status.to_owned() };
        self.metrics.graph_calls.get_or_create(&labels).inc();
        self.metrics.graph_seconds.get_or_create(&CallLabel { call: call.name }).observe(taken.as_secs_f64());
    }

    fn count_throttled(&self) {
        self.metrics.graph_throttled.get_or_create(&self.label()).inc();
    }

    fn note(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn label(&self) -> TenantLabel {
        TenantLabel { tenant: self.tenant.to_string() }
    }
}

impl From<super::token::Refused> for Trouble {
    fn from(refused: super::token::Refused) -> Self {
        Self { told: Some(refused.told.to_string()), ..refused.failure.into() }
    }
}
