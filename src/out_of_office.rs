//! The monitor: watches mailboxes' automatic replies, and tells webhooks what correspondents hear.
//!
//! Graph tells nobody when automatic replies change, so each watched mailbox is looked at again and again, twenty in one
//! call; a schedule's start and end are known beforehand and told on time. What changed and whom to tell is noted in one
//! transaction, and delivered at least once, in order for each mailbox. Must not know HTTP's server side nor SOAP.

mod book;
mod delivery;
mod lane;
mod list;
mod looking;
mod mediator;
mod pace;
mod recipient;
mod record;
mod schedule;
mod settings;
mod signing_key;
mod spoken;
mod state;
#[cfg(test)]
mod tests;
mod told;
mod turning;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use mediator::InStep;
pub use settings::{Form, Settings, Webhook};
pub use signing_key::SigningKey;
pub use state::{Asker, Standing, Tally, Watched};

use self::delivery::Delivery;
use self::list::List;
use self::mediator::Mediator;
use self::pace::Pace;
use self::recipient::Recipient;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Grant, Mailboxes, Policy, View};
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::metrics::Metrics;
use crate::store::Store;

/// The monitor.
#[derive(Debug)]
pub struct Monitor {
    graphs: Arc<Graphs>,
    store: Store,
    metrics: Arc<Metrics>,
    clock: fn() -> Timestamp,
    /// What the monitor itself may do.
    client: Client,
    default_domain: Option<String>,
    give_up: Duration,
    posts: Vec<Post>,
    mediators: Vec<Arc<Mediator>>,
    list: Arc<List>,
}

/// Where letters to a webhook are delivered.
#[derive(Debug)]
struct Post {
    recipient: Arc<Recipient>,
    /// Rings when there are new letters.
    bell: Arc<Notify>,
}

impl Monitor {
    /// Reads the watch list; sends nothing.
    ///
    /// # Errors
    /// A text for the operator.
    pub async fn open(
        settings: Settings,
        graphs: Arc<Graphs>,
        store: Store,
        metrics: Arc<Metrics>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, String> {
        let Settings { mailboxes, default_domain, interval, longest_interval, calls_per_second, give_up, webhooks } =
            settings;
        let policy = Policy::unlimited(&[], &[], Ceiling::Time);
        let capabilities = vec![Capability::OutOfOfficeRead];
        let mailboxes = Mailboxes { patterns: mailboxes, rosters: Vec::new() };
        let grants = vec![Grant { capabilities, mailboxes, view: Arc::new(View::under(Ceiling::Time)) }];
        let client = Client::without_login("monitor", Policy { grants, ..policy });
        let (mut posts, mut mediators) = (Vec::new(), Vec::new());
        for webhook in webhooks {
            let is_mediator = matches!(webhook.form, Form::Mediator);
            let recipient = Arc::new(Recipient::new(webhook)?);
            if is_mediator {
                mediators.push(Arc::new(Mediator::new(Arc::clone(&recipient))));
            }
            posts.push(Post { recipient, bell: Arc::default() });
        }
        let names = posts.iter().map(|post| post.recipient.name().to_owned()).collect();
        let strangers = store.give_up_strangers(names).await;
        let strangers = strangers.map_err(|_| "the outbox cannot be read from the store".to_owned())?;
        if strangers > 0 {
            let hint = "letters to webhooks that are not configured any more are given up: `calendar-relay outbox list` \
                        shows them";
            tracing::warn!(letters = strangers, "{hint}");
        }
        let pace = Pace { interval, longest_interval, calls_per_second };
        let now = clock();
        let tenant_of = |mailbox: &Mailbox| tenant_of(&graphs, &client, mailbox, now);
        let list = Arc::new(List::open(store.clone(), Arc::clone(&metrics), pace, clock(), tenant_of).await?);
        Ok(Self { graphs, store, metrics, clock, client, default_domain, give_up, posts, mediators, list })
    }

    /// Looks at mailboxes, delivers letters, and brings mediators into step at the start, until `end`.
    pub async fn run(self: Arc<Self>, end: CancellationToken) {
        let tasks = TaskTracker::new();
        self.list.book().begin(Instant::now());
        for Post { recipient, bell } in &self.posts {
            let delivery = Delivery {
                recipient: Arc::clone(recipient),
                store: self.store.clone(),
                give_up: self.give_up,
                metrics: Arc::clone(&self.metrics),
                clock: self.clock,
                post: Arc::clone(bell),
            };
            tasks.spawn(delivery.run(end.clone()));
        }
        for mediator in &self.mediators {
            tasks.spawn(Arc::clone(mediator).run(end.clone()));
        }
        tasks.spawn(Arc::clone(&self).turn_on(end.clone()));
        tasks.spawn(Arc::clone(&self).look_on(tasks.clone(), end.clone()));
        end.cancelled().await;
        tasks.close();
        tasks.wait().await;
    }

    /// Watches a mailbox from now on, under the name that it was asked for by, to which the domain of the settings is
    /// added where it has none. One that is watched already stays so; its name is what a mediator asked for it by last.
    /// If a mediator asks for it again, whoever lacks what was told of it last is told it. Returns before Graph was asked.
    /// Says whether it is new.
    ///
    /// # Errors
    /// [`Failure::BadAddress`]; [`Failure::NoSuchMailbox`] outside every tenant; [`Failure::Denied`] outside
    /// the settings' mailboxes; [`Failure::TooManyWatches`] when as many are watched as can be;
    /// [`Failure::Internal`] if the store fails.
    pub async fn watch(self: &Arc<Self>, name: &str, asker: Asker) -> Result<(Mailbox, bool), Failure> {
        let mailbox = self.mailbox(name)?;
        let tenant = tenant_of(&self.graphs, &self.client, &mailbox, (self.clock)())?;
        let alias = (name.trim().to_owned(), asker == Asker::Mediator);
        let is_new = self.list.watch(mailbox.clone(), alias, (self.clock)(), tenant).await?;
        if asker == Asker::Mediator && !is_new {
            self.remind(&mailbox).await?;
        }
        Ok((mailbox, is_new))
    }

    /// Watches a mailbox no more. Says whether it was watched.
    ///
    /// # Errors
    /// [`Failure::BadAddress`]; [`Failure::Internal`] if the store fails.
    pub async fn unwatch(&self, name: &str) -> Result<(Mailbox, bool), Failure> {
        let mailbox = self.mailbox(name)?;
        let was_watched = self.list.unwatch(mailbox.clone()).await?;
        Ok((mailbox, was_watched))
    }

    /// Some watched mailboxes, by address: those after one, at most so many.
    ///
    /// # Errors
    /// [`Failure::BadAddress`].
    pub fn watches_after(&self, address: Option<&str>, most: usize) -> Result<Vec<Watched>, Failure> {
        let after = address.map(Mailbox::parse).transpose()?;
        Ok(self.list.book().watches_after(after.as_ref(), most))
    }

    /// How the watched mailboxes stand together.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.list.book().tally()
    }

    /// How one watched mailbox stands.
    #[must_use]
    pub fn watched(&self, name: &str) -> Option<Watched> {
        let mailbox = self.mailbox(name).ok()?;
        self.list.book().watched(&mailbox)
    }

    /// Has all mediators brought into step, now or soon; returns at once. A mediator answers by asking for watches, so
    /// that it must not be waited for.
    #[must_use]
    pub fn synchronise(&self) -> InStep {
        self.mediators.iter().map(|mediator| mediator.bring_into_step()).max().unwrap_or(InStep::Nobody)
    }

    /// The mailbox that is meant by a name.
    fn mailbox(&self, name: &str) -> Result<Mailbox, Failure> {
        match &self.default_domain {
            Some(domain) if !name.contains('@') => Mailbox::parse(&format!("{}@{domain}", name.trim())),
            _ => Mailbox::parse(name),
        }
    }
}

/// The tenant whose Graph the monitor may ask about a mailbox.
///
/// # Errors
/// [`Failure::NoSuchMailbox`] outside every tenant; [`Failure::Denied`] outside the settings' mailboxes.
fn tenant_of(graphs: &Graphs, client: &Client, mailbox: &Mailbox, now: Timestamp) -> Result<String, Failure> {
    let nobody = || Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() };
    let tenant = graphs.tenant_of(mailbox).ok_or_else(nobody)?.to_owned();
    client.permit(mailbox, Capability::OutOfOfficeRead, now)?;
    Ok(tenant)
}
