//! Request id, access line, metrics.
//!
//! Owns what is told of each request. Must not know how it was answered: handlers leave a note.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;
use uuid::Uuid;

use super::limits::Caller;
use crate::client::Client;
use crate::journal::Journal;
use crate::metrics::{Metrics, OperationLabel, OutcomeLabel, RequestLabels};

/// What a handler leaves for the access line.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    operation: &'static str,
    outcome: &'static str,
    client: Option<String>,
    journal: Option<Arc<Journal>>,
}

impl Seen {
    pub(super) fn route(operation: &'static str, outcome: &'static str) -> Self {
        Self { operation, outcome, client: None, journal: None }
    }

    pub(super) fn by_client(client: &Client) -> Self {
        Self::route("-", "ok").by(client)
    }

    pub(super) fn by(self, client: &Client) -> Self {
        Self { client: Some(client.id.clone()), ..self }
    }

    pub(super) fn with(self, journal: Arc<Journal>) -> Self {
        Self { journal: Some(journal), ..self }
    }

    pub(super) fn operation(self, operation: &'static str, outcome: &'static str) -> Self {
        Self { operation, outcome, ..self }
    }
}

/// The outermost layer.
pub(super) async fn observe(State(metrics): State<Arc<Metrics>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let request_id = Uuid::new_v4();
    request.extensions_mut().insert(request_id);
    let caller = request.extensions().get::<Caller>().copied();
    let anchor_mailbox = request.headers().contains_key("x-anchormailbox").then_some(true);
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let seen = response.extensions_mut().remove::<Seen>().unwrap_or_else(|| Seen::route("other", "other"));
    let elapsed = begun.elapsed();
    metrics.requests.get_or_create(&RequestLabels { operation: seen.operation, outcome: seen.outcome }).inc();
    metrics.request_seconds.get_or_create(&OperationLabel { operation: seen.operation }).observe(elapsed.as_secs_f64());
    let client = seen.client.as_deref().unwrap_or("-");
    let milliseconds = elapsed.as_secs_f64() * 1000.0;
    let status = response.status().as_u16();
    let address = caller.map(|caller| tracing::field::display(caller.address));
    let Some(journal) = seen.journal else {
        tracing::info!(%request_id, client, address, operation = seen.operation, outcome = seen.outcome, status, milliseconds, anchor_mailbox, "request");
        return response;
    };
    let failures = journal.failures();
    count_mailboxes(&metrics, &journal, &failures);
    tracing::info!(
        %request_id,
        client,
        address,
        operation = seen.operation,
        outcome = seen.outcome,
        status,
        milliseconds,
        anchor_mailbox,
        impersonation = journal.impersonation.load(Relaxed).then_some(true),
        mailboxes = journal.mailboxes.get(),
        failures = (!failures.is_empty()).then(|| tracing::field::debug(&failures)),
        hits = journal.hits.get(),
        misses = journal.misses.get(),
        joined = journal.joined.get(),
        stale = journal.stale.get(),
        graph_calls = journal.graph_calls.get(),
        "request"
    );
    response
}

fn count_mailboxes(metrics: &Metrics, journal: &Journal, failures: &std::collections::BTreeMap<&'static str, u32>) {
    let failed: u32 = failures.values().sum();
    let answered = journal.mailboxes.get().saturating_sub(failed);
    if answered > 0 {
        metrics.mailboxes.get_or_create(&OutcomeLabel { outcome: "ok" }).inc_by(answered.into());
    }
    for (outcome, count) in failures {
        metrics.mailboxes.get_or_create(&OutcomeLabel { outcome }).inc_by((*count).into());
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
