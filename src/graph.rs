//! The back wire: Microsoft Graph, as the rest of the gateway sees it.
//!
//! [`Graphs`] holds all tenants and knows which serves a mailbox. Owns what is asked, with which
//! credential, and how long answers are good. Its methods speak `calendar` types and take proofs of
//! policy. Must not know SOAP, nor who the clients are.

mod anchors;
mod cache;
mod calls;
mod circuit;
mod client;
mod fault;
mod fills;
mod free_busy;
mod grid;
mod http;
mod json;
mod lanes;
mod limit;
mod listing;
mod settings;
mod status;
mod token;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::time::Instant;

pub use self::circuit::CircuitState;
pub use self::settings::{CacheSettings, Detail, Settings};
pub use self::status::{CredentialStatus, Probe, TenantStatus};
pub use self::token::TokenState;

use self::cache::{Cache, Source};
use self::client::Client;
use self::fills::Fills;
use self::free_busy::{LookUp, Tally, Want};
use self::grid::Grid;
use self::http::Http;
use self::token::Tokens;
use crate::calendar::free_busy::FreeBusy;
use crate::calendar::{Capability, Mailbox, Room, Window};
use crate::client::{Entitled, Permitted};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::tenant::Tenant;

/// All tenants.
#[derive(Debug)]
pub struct Graphs {
    graphs: Vec<Graph>,
    by_domain: HashMap<Box<str>, usize>,
    cache: Arc<Cache>,
    tally: Tally,
    metrics: Arc<Metrics>,
}

/// One tenant's Graph.
#[derive(Debug)]
pub struct Graph {
    name: String,
    domains: Vec<String>,
    client: Arc<Client>,
    fills: Arc<Fills>,
    /// The credential for each capability, in the order of [`Capability::ALL`].
    serving: [Option<u16>; Capability::ALL.len()],
    /// Whether the operator was told that a credential is missing.
    told: AtomicBool,
}

impl Graphs {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// A text for the operator: a domain of two tenants, unusable certificates or addresses.
    pub fn new(tenants: Vec<Tenant>, settings: Settings, metrics: Arc<Metrics>) -> Result<Self, String> {
        let cache = Arc::new(Cache::new(&settings.cache));
        let mut graphs = Vec::with_capacity(tenants.len());
        let mut by_domain = HashMap::new();
        for tenant in tenants {
            for domain in &tenant.domains {
                if by_domain.insert(domain.to_lowercase().into_boxed_str(), graphs.len()).is_some() {
                    return Err(format!("tenant {}: domain {domain} belongs to another tenant, too", tenant.name));
                }
            }
            graphs.push(Graph::new(graphs.len(), tenant, &settings, &cache, &metrics)?);
        }
        let tally = Tally::new(&metrics);
        Ok(Self { graphs, by_domain, cache, tally, metrics })
    }

    /// The tenant of a mailbox: the one with the longest domain that its domain is, or lies under.
    #[must_use]
    pub fn route(&self, mailbox: &Mailbox) -> Option<&Graph> {
        let mut domain = mailbox.domain();
        loop {
            if let Some(index) = self.by_domain.get(domain) {
                return self.graphs.get(*index);
            }
            domain = domain.split_once('.')?.1;
        }
    }

    /// Whether a tenant has the mailbox and a credential for the capability.
    #[must_use]
    pub fn serves(&self, mailbox: &Mailbox, capability: Capability) -> bool {
        self.route(mailbox).is_some_and(|graph| graph.credential(capability).is_some())
    }

    /// Busy times of mailboxes over a window, in their order, duplicates included.
    ///
    /// # Errors
    /// For each mailbox: [`Failure::NoSuchMailbox`] outside every tenant, [`Failure::Denied`] without
    /// a credential, [`Failure::TimedOut`] at the journal's deadline, and whatever Graph's answer
    /// means (<https://learn.microsoft.com/graph/api/calendar-getschedule>).
    pub async fn free_busy(
        &self,
        mailboxes: &[Permitted],
        window: Window,
        detail: Detail,
        journal: &Journal,
    ) -> Vec<Result<FreeBusy, Failure>> {
        let mut look_up = LookUp::new(window, journal, &self.tally, mailboxes.len());
        for permitted in mailboxes {
            let mailbox = permitted.mailbox();
            let Some(graph) = self.route(mailbox) else {
                look_up.refuse(Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() });
                continue;
            };
            match graph.source(detail) {
                Some((source, credential)) => {
                    look_up.add(Want { mailbox, fills: &graph.fills, credential, source });
                }
                None => look_up.refuse(Failure::Denied),
            }
        }
        look_up.finish().await
    }
}

impl Graph {
    /// The tenant's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(
        index: usize,
        tenant: Tenant,
        settings: &Settings,
        cache: &Arc<Cache>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, String> {
        let index = u16::try_from(index).map_err(|_| "too many tenants".to_owned())?;
        let serving = Capability::ALL
            .map(|capability| tenant.credential(capability).and_then(|(place, _)| u16::try_from(place).ok()));
        let Tenant { name, id, cloud, domains, credentials } = tenant;
        let http = Arc::new(Http::new(&cloud, settings).map_err(|problem| format!("tenant {name}: {problem}"))?);
        let tokens = credentials
            .into_iter()
            .map(|credential| {
                let (http, metrics) = (Arc::clone(&http), Arc::clone(metrics));
                let tokens = Tokens::new(&name, &id, &cloud, credential, http, settings.timeout, metrics)?;
                Ok(Arc::new(tokens))
            })
            .collect::<Result<_, String>>()?;
        let client = Arc::new(Client::new(&name, &cloud.graph, tokens, http, settings, Arc::clone(metrics))?);
        let [schedule, ..] = serving;
        let grid = Grid::new(settings.cache.days_per_window);
        let fills =
            Fills::new(index, Arc::clone(&client), Arc::clone(cache), grid, schedule, settings.timeout);
        Ok(Self { name, domains, client, fills: Arc::new(fills), serving, told: AtomicBool::new(false) })
    }

    fn credential(&self, capability: Capability) -> Option<u16> {
        let place = Capability::ALL.iter().position(|known| *known == capability)?;
        self.serving.get(place).copied().flatten()
    }

    /// Where busy times come from: details from calendarView where a credential may read it, all
    /// else from getSchedule.
    fn source(&self, detail: Detail) -> Option<(Source, u16)> {
        if detail == Detail::Full
            && let Some(credential) = self.credential(Capability::CalendarRead)
        {
            return Some((Source::View, credential));
        }
        let found = self.credential(Capability::FreeBusy).map(|credential| (Source::Schedule, credential));
        if found.is_none() && !self.told.swap(true, Relaxed) {
            tracing::error!(tenant = self.name, "no credential of this tenant serves free_busy: its mailboxes are denied");
        }
        found
    }
}
