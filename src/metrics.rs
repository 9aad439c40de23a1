//! The figures that operators watch, in Prometheus' terms.
//!
//! Owns names and labels. Must not know what counts them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// All figures of one running gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests by operation and outcome.
    pub requests: Family<RequestLabels, Counter>,
    /// Time to answer, by operation.
    pub request_seconds: Family<OperationLabel, Histogram, fn() -> Histogram>,
    /// Mailboxes asked for, by outcome: `ok` or a failure's label.
    pub mailboxes: Family<OutcomeLabel, Counter>,
    /// Look-ups by how the cache answered: hit, miss, joined, stale.
    pub cache: Family<OutcomeLabel, Counter>,
    /// Bytes a tenant's share of the cache holds, by its own estimate.
    pub cache_bytes: Family<TenantLabel, Gauge>,
    /// Mailbox spans a tenant's share of the cache holds.
    pub cache_entries: Family<TenantLabel, Gauge>,
    /// Calls to Graph by call and HTTP status (or `error`).
    pub graph_calls: Family<GraphLabels, Counter>,
    /// Time of calls to Graph, by call.
    pub graph_seconds: Family<CallLabel, Histogram, fn() -> Histogram>,
    /// Calls that Graph throttled, by tenant.
    pub graph_throttled: Family<TenantLabel, Counter>,
    /// Token requests to Entra by tenant and outcome.
    pub graph_tokens: Family<TenantOutcome, Counter>,
    /// When credentials expire, as far as that is known; seconds since 1970.
    pub credential_expires: Family<CredentialLabels, Gauge>,
    /// Permissions that credentials are granted and do not need; none where no token could be read.
    pub credential_excess: Family<CredentialLabels, Gauge>,
    /// Permissions that credentials need and are not granted.
    pub credential_missing: Family<CredentialLabels, Gauge>,
    /// 1 while a tenant's circuit is open.
    pub circuit_open: Family<TenantLabel, Gauge>,
    /// Calls to Graph allowed at once, as the adaptive limit has it, by tenant.
    pub graph_limit: Family<TenantLabel, Gauge>,
    /// Tokens issued to clients, and refusals, by outcome.
    pub tokens: Family<OutcomeLabel, Counter>,
    /// What was refused by limit: rate, concurrency, connections (kept waiting),
    /// connections_per_address, body, authentication.
    pub limited: Family<LimitLabels, Counter>,
    /// Tries to write to the audit log that failed.
    pub audit_failures: Counter,
    /// Denials by client and reason.
    pub denied: Family<DenialLabels, Counter>,
    /// Open connections.
    pub connections: Gauge,
    /// Calendars that are watched.
    pub watchers: Gauge,
    /// Looks at watched calendars by what came of them: `nothing`, `changes`, `afresh`, `forgotten`
    /// or a failure's label.
    pub rounds: Family<OutcomeLabel, Counter>,
    /// Subscriptions of clients.
    pub subscriptions: Gauge,
    /// Open streams.
    pub streams: Gauge,
    /// Events that clients were told.
    pub events_told: Counter,
    /// Mailboxes whose automatic replies are watched.
    pub away_watches: Gauge,
    /// Looks at automatic replies by what came of them: `nothing`, `change` or a failure's label.
    pub away_looks: Family<OutcomeLabel, Counter>,
    /// Letters to webhooks by what came of them: `delivered`, `refused`, `later`, `unreachable`, `given_up`.
    pub letters: Family<WebhookLabels, Counter>,
    /// Letters that wait for delivery.
    pub letters_waiting: Gauge,
    /// Letters that were given up.
    pub letters_dead: Gauge,
    /// Lists that policies name which were never read, or could not be read the last time.
    pub rosters_unknown: Gauge,
    /// When the list was read that has not been read for longest; seconds since 1970.
    pub rosters_read: Gauge,
}

/// Labels of a delivery.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct WebhookLabels {
    /// The webhook's name in the configuration.
    pub webhook: String,
    /// What came of it.
    pub outcome: &'static str,
}

/// Labels of a request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    /// The operation, or the route.
    pub operation: &'static str,
    /// `ok` or a failure's label.
    pub outcome: &'static str,
}

/// An operation, or a route.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OperationLabel {
    /// The operation, or the route.
    pub operation: &'static str,
}

/// An outcome.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OutcomeLabel {
    /// The outcome.
    pub outcome: &'static str,
}

/// Labels of a call to Graph.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct GraphLabels {
    /// The call's file in `graph/calls`.
    pub call: &'static str,
    /// The HTTP status, or `error` when there was none.
    pub status: String,
}

/// A call to Graph.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CallLabel {
    /// The call's file in `graph/calls`.
    pub call: &'static str,
}

/// A tenant.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TenantLabel {
    /// Its name in the configuration.
    pub tenant: String,
}

/// A tenant's application.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CredentialLabels {
    /// The tenant's name in the configuration.
    pub tenant: String,
    /// The application (client) id.
    pub client_id: String,
}

/// A tenant and an outcome.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TenantOutcome {
    /// The tenant's name in the configuration.
    pub tenant: String,
    /// The outcome.
    pub outcome: &'static str,
}

/// What was refused to whom.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct LimitLabels {
    /// The client's name in the configuration, or `-` before it is known.
    pub client: String,
    /// The limit.
    pub limit: &'static str,
}

/// What was denied to whom.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct DenialLabels {
    /// The client's name in the configuration, or `-` before it is known.
    pub client: String,
    /// Why.
    pub reason: &'static str,
}

impl Metrics {
    /// All figures at nought.
    #[must_use]
    pub fn new() -> Self {
        let latency: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("calendar_relay"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(latency),
            mailboxes: Family::default(),
            cache: Family::default(),
            cache_bytes: Family::default(),
            cache_entries: Family::default(),
            graph_calls: Family::default(),
            graph_seconds: Family::new_with_constructor(latency),
            graph_throttled: Family::default(),
            graph_tokens: Family::default(),
            credential_expires: Family::default(),
            credential_excess: Family::default(),
            credential_missing: Family::default(),
            circuit_open: Family::default(),
            graph_limit: Family::default(),
            tokens: Family::default(),
            limited: Family::default(),
            audit_failures: Counter::default(),
            denied: Family::default(),
            connections: Gauge::default(),
            watchers: Gauge::default(),
            rounds: Family::default(),
            subscriptions: Gauge::default(),
            streams: Gauge::default(),
            events_told: Counter::default(),
            away_watches: Gauge::default(),
            away_looks: Family::default(),
            letters: Family::default(),
            letters_waiting: Gauge::default(),
            letters_dead: Gauge::default(),
            rosters_unknown: Gauge::default(),
            rosters_read: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("requests", "Requests by operation and outcome", metrics.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time to answer",
            Unit::Seconds,
            metrics.request_seconds.clone(),
        );
        registry.register("mailboxes", "Mailboxes asked for, by outcome", metrics.mailboxes.clone());
        registry.register("cache_lookups", "Look-ups by how the cache answered", metrics.cache.clone());
        registry.register_with_unit(
            "cache_size",
            "Estimated size of the cache, by tenant",
            Unit::Bytes,
            metrics.cache_bytes.clone(),
        );
        registry.register("cache_entries", "Mailbox spans in the cache, by tenant", metrics.cache_entries.clone());
        registry.register("graph_calls", "Calls to Microsoft Graph by call and status", metrics.graph_calls.clone());
        registry.register_with_unit(
            "graph_call_duration",
            "Time of calls to Microsoft Graph",
            Unit::Seconds,
            metrics.graph_seconds.clone(),
        );
        registry.register("graph_throttled", "Calls that Microsoft Graph throttled", metrics.graph_throttled.clone());
        registry.register("graph_tokens", "Token requests to Microsoft Entra", metrics.graph_tokens.clone());
        let what = "When credentials expire, in seconds since 1970";
        registry.register("credential_expires", what, metrics.credential_expires.clone());
        let what = "Permissions that credentials are granted and do not need";
        registry.register("credential_excess", what, metrics.credential_excess.clone());
        let what = "Permissions that credentials need and are not granted";
        registry.register("credential_missing", what, metrics.credential_missing.clone());
        registry.register("graph_circuit_open", "1 while a tenant's circuit is open", metrics.circuit_open.clone());
        registry.register(
            "graph_concurrency_limit",
            "Calls to Microsoft Graph allowed at once",
            metrics.graph_limit.clone(),
        );
        registry.register("tokens", "Tokens issued to clients and refusals", metrics.tokens.clone());
        registry.register("limited", "Requests refused by a limit", metrics.limited.clone());
        let what = "Tries to write to the audit log that failed";
        registry.register("audit_failures", what, metrics.audit_failures.clone());
        registry.register("denied", "Denials by client and reason", metrics.denied.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("watchers", "Calendars that are watched", metrics.watchers.clone());
        registry.register("watch_rounds", "Looks at watched calendars by what came of them", metrics.rounds.clone());
        registry.register("subscriptions", "Subscriptions of clients", metrics.subscriptions.clone());
        registry.register("streams", "Open streams", metrics.streams.clone());
        registry.register("events_told", "Events that clients were told", metrics.events_told.clone());
        let what = "Mailboxes whose automatic replies are watched";
        registry.register("away_watches", what, metrics.away_watches.clone());
        registry.register("away_looks", "Looks at automatic replies by what came of them", metrics.away_looks.clone());
        registry.register("letters", "Letters to webhooks by what came of them", metrics.letters.clone());
        registry.register("letters_waiting", "Letters that wait for delivery", metrics.letters_waiting.clone());
        registry.register("letters_dead", "Letters that were given up", metrics.letters_dead.clone());
        let what = "Lists of mailboxes that policies name which could not be read";
        registry.register("rosters_unknown", what, metrics.rosters_unknown.clone());
        let what = "When the list was read that has not been read for longest, in seconds since 1970";
        registry.register("rosters_read", what, metrics.rosters_read.clone());
        metrics
    }

    /// Counts a request that a limit refused.
    pub fn limited(&self, client: &str, limit: &'static str) {
        self.limited.get_or_create(&LimitLabels { client: client.to_owned(), limit }).inc();
    }

    /// Counts a denial.
    pub fn denied(&self, client: &str, reason: &'static str) {
        self.denied.get_or_create(&DenialLabels { client: client.to_owned(), reason }).inc();
    }

    /// Counts a token request of a client's.
    pub fn token(&self, outcome: &'static str) {
        self.tokens.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// All figures as OpenMetrics text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
