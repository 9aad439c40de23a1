//! The back wire: Microsoft Graph, as the rest of the gateway sees it.
//!
//! [`Graphs`] holds all tenants and knows which serves a mailbox. Owns what is asked, with which
//! credential, and how long answers are good. Its methods speak `calendar` types and take proofs of
//! policy. Must not know SOAP, nor who the clients are.

mod absences;
mod addresses;
mod anchors;
mod automatic_replies;
mod batch;
mod cache;
mod calls;
mod circuit;
mod claims;
mod client;
mod directory;
mod doctor;
mod event_json;
mod events;
mod fault;
mod feed;
mod fills;
mod finding;
mod free_busy;
mod generations;
mod grants;
mod grid;
mod http;
mod json;
mod lanes;
mod limit;
mod line;
mod listing;
mod people;
mod probe;
mod proof;
mod settings;
mod shelf;
mod status;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;
mod token;
mod visit;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior};

pub use self::automatic_replies::MOST_AT_ONCE;
pub use self::calls::delta::{Round, Since, Told, ToldItem};
pub use self::calls::event_reply::{Reply, ReplyKind};
pub use self::calls::subscriptions::{Arranged, Order};
pub use self::circuit::CircuitState;
pub use self::doctor::Trial;
pub use self::event_json::EventParts;
pub use self::events::NotMade;
pub use self::feed::{Meaning, Notice, notices};
pub use self::finding::{Finding, Sheet, Verdict};
pub use self::grants::{Grant, Grants};
pub use self::settings::{CacheSettings, Detail, Settings};
pub use self::status::{CredentialStatus, TenantStatus};
pub use self::token::TokenState;

use self::absences::Absences;
use self::cache::{Cache, Source};
use self::client::Client;
use self::directory::Directory;
use self::fills::Fills;
use self::free_busy::{LookUp, Tally, Want};
use self::grid::Grid;
use self::http::Http;
use self::token::{Exchange, Tokens};
use crate::calendar::domains::Domains;
use crate::calendar::free_busy::FreeBusy;
use crate::calendar::{Capability, Mailbox, Room, Window};
use crate::client::{Entitled, Permitted};
use crate::failure::Failure;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::tenant::{self, Tenant};

/// Reads a body as the answer of each call about busy times, and cuts it to a window as the cache
/// does, and of each about absences; gives how many items that came to. No body may make it panic.
#[must_use]
pub fn check(mailbox: &Mailbox, window: Window, body: &[u8]) -> usize {
    let schedules = calls::get_schedule::read(std::slice::from_ref(mailbox), window, body).unwrap_or_default();
    let listings = schedules.into_iter().filter_map(|(_, listing)| listing.ok());
    let spans = listings.chain(calls::calendar_view::read(mailbox, body)).map(|listing| listing.cut(&[window], None));
    let items: usize = spans.map(|spans| spans.iter().map(|span| span.items.len()).sum::<usize>()).sum();
    let replies = calls::mailbox_settings::read_batch(mailbox, body).unwrap_or_default();
    let away = replies.into_iter().chain(calls::mailbox_settings::read(body));
    let away = away.filter(|replies| replies.at(window.start()).is_some()).count();
    let tips = calls::mail_tips::read(std::slice::from_ref(mailbox), body).unwrap_or_default();
    items + away + tips.iter().flatten().filter(|tip| tip.is_ok()).count()
}

/// How often credentials are looked after.
const UPKEEP: Duration = Duration::from_secs(3600);

/// All tenants.
#[derive(Debug)]
pub struct Graphs {
    graphs: Vec<Graph>,
    /// Places among them.
    domains: Domains<usize>,
    /// The one that is asked where a request names neither an address nor a domain.
    default: Option<usize>,
    tally: Tally,
}

/// One tenant's Graph.
#[derive(Debug)]
pub struct Graph {
    name: String,
    client: Arc<Client>,
    fills: Arc<Fills>,
    /// Where a credential serves it.
    directory: Option<Directory>,
    absences: Absences,
    /// The credential for each capability, in the order of [`Capability::ALL`].
    serving: [Option<u16>; Capability::ALL.len()],
    /// Whether the operator was told that a credential is missing, in the same order.
    told: [AtomicBool; Capability::ALL.len()],
    /// The credentials that tell all addresses of users, and those of groups' members.
    rosters: (Option<usize>, Option<usize>),
}

impl Graphs {
    /// Gets ready; sends nothing. `clock` dates what Entra is shown.
    ///
    /// # Errors
    /// A text for the operator: a domain of two tenants, two default tenants, unusable certificates or addresses.
    pub fn new(
        tenants: Vec<Tenant>,
        settings: Settings,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, String> {
        let default = default(&tenants)?;
        let own: Vec<_> = tenants.iter().map(|tenant| tenant.limits.cache_megabytes).collect();
        let shares = settings.cache.shares(&own);
        let mut graphs = Vec::with_capacity(tenants.len());
        let (domains, problems) = tenant::by_domain(&tenants, |place, _| place);
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem);
        }
        for (tenant, share) in tenants.into_iter().zip(shares) {
            graphs.push(Graph::new(tenant, share, &settings, &metrics, clock)?);
        }
        let tally = Tally::new(&metrics);
        Ok(Self { graphs, domains, default, tally })
    }

    /// The tenant of a mailbox: the one with the longest entry that its domain falls under.
    #[must_use]
    pub fn route(&self, mailbox: &Mailbox) -> Option<&Graph> {
        self.graphs.get(*self.domains.find(mailbox)?)
    }

    /// Whether a tenant has the mailbox and a credential for the capability.
    #[must_use]
    pub fn serves(&self, mailbox: &Mailbox, capability: Capability) -> bool {
        self.route(mailbox).is_some_and(|graph| graph.credential(capability).is_some())
    }

    /// Who serves a mailbox for a capability: the tenant by its name in the configuration, and the application by its
    /// client id.
    #[must_use]
    pub fn serving(&self, mailbox: &Mailbox, capability: Capability) -> Option<(&str, &str)> {
        let graph = self.route(mailbox)?;
        graph.named(graph.credential(capability)?.into())
    }

    /// Who serves a mailbox in a request, by all that its notebook tells; as [`Self::serving`]. Busy times are read with
    /// details, where the client sees some, under [`Capability::CalendarRead`] where it is served, and mail tips have a
    /// credential of their own.
    #[must_use]
    pub fn asked(
        &self,
        mailbox: &Mailbox,
        capability: Capability,
        sees_details: bool,
        journal: &Journal,
    ) -> Option<(&str, &str)> {
        let with_details = journal.details.load(Relaxed) && sees_details;
        let other = match capability {
            Capability::FreeBusy if with_details => self.serving(mailbox, Capability::CalendarRead),
            Capability::OutOfOfficeRead if journal.mail_tips.load(Relaxed) => {
                let graph = self.route(mailbox)?;
                graph.absences.teller().and_then(|credential| graph.named(credential))
            }
            _ => None,
        };
        other.or_else(|| self.serving(mailbox, capability))
    }

    /// Whether some tenant has a way to tell who is away: its mail tips or automatic replies.
    #[must_use]
    pub fn tell_of_absence(&self) -> bool {
        self.graphs.iter().any(|graph| graph.absences.can_tell())
    }

    /// Busy times of mailboxes over a window, in their order, duplicates included. Of a mailbox whose ceiling shows
    /// times alone no more is asked, whatever the detail.
    ///
    /// # Errors
    /// For each mailbox: [`Failure::NoSuchMailbox`] outside every tenant, [`Failure::Denied`] without
    /// a credential, [`Failure::TimedOut`] at the journal's deadline, and whatever Graph's answer
    /// means (<https://learn.microsoft.com/graph/api/calendar-getschedule>).
    pub async fn free_busy<M: Borrow<Permitted> + Sync>(
        &self,
        mailboxes: &[M],
        window: Window,
        detail: Detail,
        journal: &Journal,
    ) -> Vec<Result<FreeBusy, Failure>> {
        let wanted = mailboxes.iter().map(Borrow::borrow).map(|permitted: &Permitted| {
            (permitted.mailbox(), if permitted.shows_details() { detail } else { Detail::Times })
        });
        let mut results = self.look_up(wanted, window, journal).await;
        if detail == Detail::Times || !results.iter().any(|result| matches!(result, Err(Failure::Denied))) {
            return results;
        }
        // A calendar that the reading credential may not read may yet show its busy times.
        let denied = |(permitted, result): (&Permitted, &mut Result<FreeBusy, Failure>)| {
            let is_denied = matches!(result, Err(Failure::Denied)) && permitted.shows_details();
            is_denied.then(|| permitted.mailbox().clone()).filter(|mailbox| {
                self.serves(mailbox, Capability::CalendarRead) && self.serves(mailbox, Capability::FreeBusy)
            })
        };
        let refused: Vec<_> = mailboxes.iter().map(Borrow::borrow).zip(&mut results).map(denied).collect();
        if refused.iter().any(Option::is_some) {
            let wanted = refused.iter().flatten().map(|mailbox| (mailbox, Detail::Times));
            let times = self.look_up(wanted, window, journal).await;
            let places = results.iter_mut().zip(&refused).filter(|(_, refused)| refused.is_some());
            for ((place, _), told) in places.zip(times) {
                *place = told;
            }
        }
        results
    }

    async fn look_up(
        &self,
        wanted: impl Iterator<Item = (&Mailbox, Detail)>,
        window: Window,
        journal: &Journal,
    ) -> Vec<Result<FreeBusy, Failure>> {
        let mut look_up = LookUp::new(window, journal, &self.tally, wanted.size_hint().0);
        for (mailbox, detail) in wanted {
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

    /// The mailboxes of a group and of the groups in it, each once.
    ///
    /// # Errors
    /// [`Failure::NoSuchMailbox`] if no group has the address, [`Failure::GroupTooLarge`] above a
    /// hundred, [`Failure::Denied`] without a credential for the directory
    /// (<https://learn.microsoft.com/graph/api/group-list-transitivemembers>).
    pub async fn members(&self, group: &Permitted, journal: &Journal) -> Result<Vec<Mailbox>, Failure> {
        self.directory(group.mailbox())?.members(group.mailbox(), journal).await
    }

    /// The lists of rooms of all tenants that the proof is for and that have a credential for the directory, by name. A
    /// tenant that refuses is left out; one that fails for the moment fails the whole, because a short list would look
    /// like the truth.
    ///
    /// # Errors
    /// [`Failure::Denied`] if no tenant allows it, and what failed for the moment
    /// (<https://learn.microsoft.com/graph/api/place-list>).
    pub async fn room_lists(&self, proof: &Entitled, journal: &Journal) -> Result<Vec<Room>, Failure> {
        if proof.capability() != Capability::Directory {
            return Err(Failure::Denied);
        }
        let meant = self.graphs.iter().filter(|graph| proof.is_for(&graph.name));
        let asked = meant.filter_map(|graph| Some((graph, graph.directory().ok()?)));
        let told =
            join_all(asked.map(|(graph, directory)| async move { (graph, directory.room_lists(journal).await) })).await;
        let mut lists = Vec::new();
        let mut refused = true;
        for (graph, told) in told {
            match told {
                Ok(more) => {
                    refused = false;
                    lists.extend(more);
                }
                Err(failure) if failure.allows_stale() || failure == Failure::Internal => return Err(failure),
                Err(failure) => {
                    tracing::warn!(
                        tenant = graph.name,
                        failure = failure.label(),
                        "this tenant's room lists are left out"
                    );
                }
            }
        }
        if refused {
            return Err(Failure::Denied);
        }
        lists.sort_by(|a, b| (&a.name, &a.mailbox).cmp(&(&b.name, &b.mailbox)));
        Ok(lists)
    }

    /// The rooms of a list.
    ///
    /// # Errors
    /// [`Failure::NoSuchMailbox`] if there is no such list, [`Failure::Denied`] without a credential
    /// for the directory (<https://learn.microsoft.com/graph/api/place-list>).
    pub async fn rooms(&self, list: &Permitted, journal: &Journal) -> Result<Vec<Room>, Failure> {
        self.directory(list.mailbox())?.rooms(list.mailbox(), journal).await
    }

    /// Notes that calendars have changed: nothing that was asked before is told of them any more, be
    /// it remembered or still under way. Mailboxes of nobody's tenant do no harm.
    pub fn changed<'a>(&self, mailboxes: impl IntoIterator<Item = &'a Mailbox>) {
        let mut by_tenant: BTreeMap<usize, Vec<Mailbox>> = BTreeMap::new();
        for mailbox in mailboxes {
            if let Some(place) = self.domains.find(mailbox) {
                by_tenant.entry(*place).or_default().push(mailbox.clone());
            }
        }
        for (place, own) in by_tenant {
            if let Some(graph) = self.graphs.get(place) {
                graph.fills.cache.generations.change(&own);
                graph.fills.outdate(&own);
            }
        }
    }

    /// How all tenants stand, by what is known; calls nobody.
    #[must_use]
    pub fn status(&self) -> Vec<TenantStatus> {
        let now = Instant::now();
        self.graphs.iter().map(|graph| status::of(&graph.name, &graph.client, now)).collect()
    }

    /// Examines all tenants: whether Microsoft is reached, each credential's token and what that grants, and a cheap call
    /// for what it serves, with the mailboxes of its trial. Writes nothing.
    pub async fn examine(&self, trials: &[Trial], window: Window, journal: &Journal) -> Vec<Finding> {
        let each = self.graphs.iter().map(|graph| doctor::examine(&graph.name, &graph.client, trials, window, journal));
        join_all(each).await.into_iter().flatten().collect()
    }

    /// Whether some tenant's Graph ever answered a call with a token of ours.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.graphs.iter().any(|graph| graph.client.health().answered.is_some())
    }

    /// Gets all tokens, and knocks once at each tenant's Graph, so that the first request finds
    /// them and an open connection.
    pub async fn warm(&self) {
        join_all(self.graphs.iter().map(|graph| probe::warm(&graph.client))).await;
    }

    /// Looks after all credentials, at once and then each hour, for as long as it is waited for: tells when they expire,
    /// used or not, and renews the tokens of those that nobody used for a day.
    pub async fn look_after_credentials(&self) {
        let mut hours = tokio::time::interval(UPKEEP);
        hours.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            hours.tick().await;
            for tokens in self.graphs.iter().flat_map(|graph| &graph.client.credentials) {
                tokens.look_after();
            }
        }
    }

    fn directory(&self, mailbox: &Mailbox) -> Result<&Directory, Failure> {
        let nobody = || Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() };
        self.route(mailbox).ok_or_else(nobody)?.directory()
    }
}

impl Graph {
    /// The tenant's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(
        tenant: Tenant,
        share: u64,
        settings: &Settings,
        metrics: &Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, String> {
        let serving = Capability::ALL
            .map(|capability| tenant.credential(capability).and_then(|(place, _)| u16::try_from(place).ok()));
        let readers = (tenant.credential(Capability::OutOfOfficeRead).map(|(place, _)| place), tenant.mail_tips());
        let rosters = (tenant.all_addresses(), tenant.members());
        let Tenant { name, id, cloud, domains: _, is_default: _, limits, credentials } = tenant;
        let concurrency = limits.concurrency.unwrap_or(settings.concurrency);
        let settings = &Settings { concurrency, ..settings.clone() };
        let http = Arc::new(Http::new(&cloud, settings).map_err(|problem| format!("tenant {name}: {problem}"))?);
        let tokens = credentials
            .into_iter()
            .map(|credential| {
                let exchange = Exchange::new(&id, &cloud, Arc::clone(&http), clock);
                let exchange = exchange.map_err(|problem| format!("tenant {name}: {problem}"))?;
                let metrics = Arc::clone(metrics);
                Ok(Arc::new(Tokens::new(&name, credential, exchange, settings.timeout, metrics, clock)))
            })
            .collect::<Result<_, String>>()?;
        let client = Arc::new(Client::new(&name, &cloud.graph, tokens, http, settings, Arc::clone(metrics))?);
        let [schedule, .., directory] = serving;
        let directory = directory.map(|credential| Directory::new(Arc::clone(&client), credential, settings));
        let absences = Absences::new(Arc::clone(&client), readers, settings);
        let grid = Grid::new(settings.cache.days_per_window);
        let cache = Arc::new(Cache::new(&settings.cache, share, &name, metrics));
        let fills = Arc::new(Fills::new(Arc::clone(&client), cache, grid, schedule, settings.timeout));
        Ok(Self { name, client, fills, directory, absences, serving, told: Default::default(), rosters })
    }

    /// The tenant and one of its applications, by their names.
    fn named(&self, credential: usize) -> Option<(&str, &str)> {
        let tokens = self.client.credentials.get(credential)?;
        Some((&self.name, &tokens.credential().client_id))
    }

    fn credential(&self, capability: Capability) -> Option<u16> {
        let place = Capability::ALL.iter().position(|known| *known == capability)?;
        self.serving.get(place).copied().flatten()
    }

    fn directory(&self) -> Result<&Directory, Failure> {
        if self.directory.is_none() {
            self.tell_missing(Capability::Directory);
        }
        self.directory.as_ref().ok_or(Failure::Denied)
    }

    /// Tells the operator, once, that no credential serves a capability.
    fn tell_missing(&self, capability: Capability) {
        let place = Capability::ALL.iter().position(|known| *known == capability);
        if place.and_then(|place| self.told.get(place)).is_some_and(|told| !told.swap(true, Relaxed)) {
            let (tenant, capability) = (&self.name, capability.name());
            tracing::error!(
                tenant,
                capability,
                "no credential of this tenant serves this capability: whatever needs it is denied"
            );
        }
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
        if found.is_none() {
            self.tell_missing(Capability::FreeBusy);
        }
        found
    }
}

/// The tenant that is asked where a request names none.
fn default(tenants: &[Tenant]) -> Result<Option<usize>, String> {
    let mut named = tenants.iter().enumerate().filter(|(_, tenant)| tenant.is_default);
    let first = named.next().map(|(place, _)| place);
    match named.next() {
        Some((_, second)) => Err(format!("tenant {}: another one is the default, too", second.name)),
        None => Ok(first.or_else(|| (tenants.len() == 1).then_some(0))),
    }
}
