//! Misses joined into common calls.
//!
//! A look-up that the cache cannot answer is asked for here. When nothing is under way for the same
//! credential, source and stretch of time, it goes at once; else it waits for company until the call
//! under way is done, or has taken long. Calls run as detached tasks with their own deadline: a
//! caller that leaves cancels nobody.
//!
//! Owns queues, batches and their halving. Must not know who asks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::anchors::Anchors;
use super::cache::{Asked, Cache, Kept, Key, Look, Source};
use super::calls::calendar_view::{Ask, calendar_view, first_pages};
use super::calls::get_schedule::{self, get_schedule};
use super::client::Client;
use super::fault::Trouble;
use super::grid::{Grid, Stretch};
use super::line::{self, Asker, Line, Ticket, Waiters};
use super::listing::{KnownHours, Listing, Told};
use crate::calendar::Mailbox;
use crate::calendar::free_busy::{Span, WorkingHours};
use crate::failure::Failure;

/// A call holds back others of its kind so long; then they no longer wait for it.
const PATIENCE: Duration = Duration::from_millis(50);
/// Calls of one kind under way at once.
const MOST_CALLS: usize = 16;
/// What is told when too many wait already.
const FULL: Failure = Failure::Busy { retry_after: Duration::from_secs(1) };

/// A tenant's misses.
#[derive(Debug)]
pub(super) struct Fills {
    pub(super) client: Arc<Client>,
    pub(super) cache: Arc<Cache>,
    pub(super) grid: Grid,
    /// The credential that serves free/busy, if any: view answers take working hours from it.
    pub(super) schedule_credential: Option<u16>,
    anchors: Anchors,
    hours: KnownHours,
    /// How long a fill may take.
    patience: Duration,
    lines: Mutex<HashMap<Kind, Line<Outcome>>>,
    count: AtomicU64,
}

/// What a common call may have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lot {
    pub(super) credential: u16,
    pub(super) source: Source,
    pub(super) stretch: Stretch,
}

/// A stretch of time, and a span for each of its windows.
pub(super) type Answer = (Stretch, Arc<[Arc<Span>]>);

/// What became of one mailbox.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// What was told.
    pub(super) answer: Result<Answer, Failure>,
    /// Which fill answered, and the calls that it took until then.
    pub(super) fill: u64,
    pub(super) calls: u32,
}

/// What waits in one line: all that may share a call.
type Kind = (u16, Source, Option<Stretch>);

/// A call's place among those under way; free again on drop, also by panic.
struct Place {
    fills: Arc<Fills>,
    lot: Lot,
    holds: bool,
}

/// One fill under way; on drop, also by panic, its mailboxes may be asked for again.
struct Fill {
    fills: Arc<Fills>,
    lot: Lot,
    id: u64,
    /// The request that it was begun for.
    asker: Uuid,
    waiters: Waiters<Outcome>,
}

/// What the calls of one fill have in common.
#[derive(Clone, Copy)]
struct Errand<'a> {
    lot: Lot,
    asker: Uuid,
    deadline: Instant,
    calls: &'a AtomicU32,
}

/// Mailboxes asked about in one call, those found unfit to be charged for it, and what came back:
/// what was told, and what is to be asked next.
type Part = (Vec<Mailbox>, Vec<Mailbox>, Result<(Vec<Told>, Vec<Ask>), Trouble>);

impl Fills {
    pub(super) fn new(
        client: Arc<Client>,
        cache: Arc<Cache>,
        grid: Grid,
        schedule_credential: Option<u16>,
        call_timeout: Duration,
    ) -> Self {
        Self {
            client,
            cache,
            grid,
            schedule_credential,
            anchors: Anchors::new(),
            hours: KnownHours::default(),
            patience: call_timeout * 3,
            lines: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    /// Asks for mailboxes. Says of each whether it joined what somebody else had asked for. What
    /// waits is not asked for any more when all who asked have left.
    pub(super) fn ask(self: &Arc<Self>, lot: Lot, mailboxes: &[Mailbox], asker: Uuid) -> Vec<(Ticket<Outcome>, bool)> {
        self.enlist(lot, mailboxes, Asker { id: asker, may_leave: true })
    }

    /// Asks for a mailbox whose answer grows old. Nobody need wait: the next look-up finds it.
    pub(super) fn refresh(self: &Arc<Self>, lot: Lot, mailbox: &Mailbox, asker: Uuid) {
        drop(self.enlist(lot, std::slice::from_ref(mailbox), Asker { id: asker, may_leave: false }));
    }

    /// Nobody joins what is under way about mailboxes: they have changed since it was asked.
    pub(super) fn outdate(&self, mailboxes: &[Mailbox]) {
        let mut lines = self.lock();
        for line in lines.values_mut() {
            mailboxes.iter().for_each(|mailbox| line.outdate(mailbox));
        }
    }

    fn enlist(self: &Arc<Self>, lot: Lot, mailboxes: &[Mailbox], asker: Asker) -> Vec<(Ticket<Outcome>, bool)> {
        let mut lines = self.lock();
        let line = lines.entry(lot.kind()).or_default();
        let full = || (line::answered(Outcome { answer: Err(FULL), fill: u64::MAX, calls: 0 }), false);
        let tickets =
            mailboxes.iter().map(|mailbox| line.join(mailbox, lot.stretch, asker).unwrap_or_else(full)).collect();
        let due = self.due(lot, line);
        drop(lines);
        begin(due);
        tickets
    }

    /// The calls that may begin now. They begin when the lock is given back: a runtime that shuts
    /// down drops them at once, and their drop needs the lock.
    fn due(self: &Arc<Self>, lot: Lot, line: &mut Line<Outcome>) -> Vec<(Fill, Place)> {
        let mut due = Vec::new();
        let most = self.batch_size(lot);
        while line.running < MOST_CALLS && (line.len() >= most || line.holding == 0) {
            let Some((stretch, asker, waiters)) = line.take(most, self.grid) else { break };
            let lot = Lot { stretch, ..lot };
            line.running += 1;
            line.holding += 1;
            let place = Place { fills: Arc::clone(self), lot, holds: true };
            let fill = Fill { fills: Arc::clone(self), lot, id: self.count.fetch_add(1, Relaxed), asker, waiters };
            due.push((fill, place));
        }
        due
    }

    /// The calls about some mailboxes.
    fn parts<'a>(&'a self, errand: Errand<'a>, mailboxes: Vec<Mailbox>, bad: Vec<Mailbox>) -> Vec<BoxFuture<'a, Part>> {
        match errand.lot.source {
            Source::Schedule => vec![self.schedule(errand, mailboxes, bad).boxed()],
            Source::View => {
                let window = self.grid.asked(errand.lot.stretch);
                self.views(errand, first_pages(&self.client, &mailboxes, window))
            }
        }
    }

    /// One call for the next pages of all, but for mailboxes whose lanes are closed: each of them
    /// waits by itself, and holds nobody back.
    fn views<'a>(&'a self, errand: Errand<'a>, asks: Vec<Ask>) -> Vec<BoxFuture<'a, Part>> {
        let (credential, now) = (usize::from(errand.lot.credential), Instant::now());
        let is_open = |ask: &Ask| self.client.lanes.is_open(credential, &ask.mailbox, now);
        let (open, closed): (Vec<_>, Vec<_>) = asks.into_iter().partition(is_open);
        let batches = closed.into_iter().map(|ask| vec![ask]).chain([open]).filter(|asks| !asks.is_empty());
        let call = |asks: Vec<Ask>| async move {
            let mailboxes = asks.iter().map(|ask| ask.mailbox.clone()).collect();
            errand.calls.fetch_add(1, Relaxed);
            let result = calendar_view(&self.client, credential, asks, errand.asker, errand.deadline).await;
            (mailboxes, Vec::new(), result)
        };
        batches.map(|asks| call(asks).boxed()).collect()
    }

    async fn schedule(&self, errand: Errand<'_>, mailboxes: Vec<Mailbox>, mut bad: Vec<Mailbox>) -> Part {
        let Errand { lot, asker, deadline, calls } = errand;
        let (window, credential) = (self.grid.asked(lot.stretch), usize::from(lot.credential));
        let alone = mailboxes.iter().all(|mailbox| bad.contains(mailbox));
        let stand_in = alone.then(|| self.anchors.stand_in(credential, &bad)).flatten();
        let Some(anchor) =
            stand_in.as_ref().or_else(|| self.anchors.pick(&self.client.lanes, credential, &mailboxes, &bad))
        else {
            return (mailboxes, bad, Ok((Vec::new(), Vec::new())));
        };
        calls.fetch_add(1, Relaxed);
        let result = get_schedule(&self.client, credential, anchor, &mailboxes, window, asker, deadline).await;
        match &result {
            Ok(told) => {
                self.anchors.served(credential, anchor);
                for (mailbox, _) in told.iter().filter(|(_, told)| told.is_ok()) {
                    self.anchors.answered(credential, mailbox);
                }
            }
            Err(trouble) if trouble.may_be_one_mailbox() || trouble.is_throttled() => {
                self.anchors.failed(credential, anchor);
                bad.push(anchor.clone());
            }
            Err(_) => {}
        }
        (mailboxes, bad, result.map(|told| (told, Vec::new())))
    }

    /// Working hours for calendarView's answers, which tell none: from getSchedule, for the same
    /// stretch of time, through the same cache. None where no credential serves free/busy.
    fn hours_for(
        self: &Arc<Self>,
        lot: Lot,
        mailboxes: &[Mailbox],
        asker: Uuid,
        deadline: Instant,
    ) -> BoxFuture<'static, HashMap<Mailbox, Arc<WorkingHours>>> {
        let (Source::View, Some(credential)) = (lot.source, self.schedule_credential) else {
            return futures::future::ready(HashMap::new()).boxed();
        };
        let lot = Lot { credential, source: Source::Schedule, ..lot };
        let now = Instant::now();
        let mut known = HashMap::new();
        let mut missing = Vec::new();
        for mailbox in mailboxes {
            let span = match self.keys(lot, mailbox).next().map(|key| self.cache.look(&key, now)) {
                Some(Look::Fresh(Kept::Span(span)) | Look::Ageing(span)) => span,
                Some(Look::Fresh(_)) => continue,
                Some(Look::Old(_) | Look::Nothing) | None => {
                    missing.push(mailbox.clone());
                    continue;
                }
            };
            known.extend(span.working_hours.clone().map(|hours| (mailbox.clone(), hours)));
        }
        let tickets = self.ask(lot, &missing, asker);
        async move {
            for (mailbox, (ticket, _)) in missing.into_iter().zip(tickets) {
                let Ok(Ok(Outcome { answer: Ok((_, spans)), .. })) = timeout_at(deadline, ticket).await else {
                    continue;
                };
                let hours = spans.iter().find_map(|span| span.working_hours.clone());
                known.extend(hours.map(|hours| (mailbox, hours)));
            }
            known
        }
        .boxed()
    }

    fn remember(&self, lot: Lot, mailbox: &Mailbox, answer: &Result<Answer, Failure>, told: Asked) {
        match answer {
            Ok((_, spans)) => {
                for (key, span) in self.keys(lot, mailbox).zip(spans.iter()) {
                    self.cache.keep(key, Arc::clone(span), told);
                }
            }
            // Of several windows together; each by itself may be small enough.
            Err(Failure::ResultTooBig) if !lot.is_one_window() => {}
            Err(failure) => {
                self.cache.refuse((lot.credential, lot.source), mailbox, failure, told.at);
                self.keys(lot, mailbox).for_each(|key| self.cache.fail(key, failure, told));
            }
        }
    }

    /// What a lot's answer for a mailbox is kept under: one key for each window, none for an exact
    /// stretch.
    fn keys(&self, lot: Lot, mailbox: &Mailbox) -> impl Iterator<Item = Key> + use<> {
        let windows = match lot.stretch {
            Stretch::Aligned { first, last } => Some(first..=last),
            Stretch::Exact(_) => None,
        };
        let mailbox = mailbox.clone();
        windows.into_iter().flatten().map(move |window| Key {
            mailbox: mailbox.clone(),
            window,
            credential: lot.credential,
            source: lot.source,
        })
    }

    fn forget_waiting<'a>(&self, lot: Lot, mailboxes: impl IntoIterator<Item = &'a Mailbox>) {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&lot.kind()) else { return };
        for mailbox in mailboxes {
            line.leave(mailbox, lot.stretch);
        }
    }

    fn batch_size(&self, lot: Lot) -> usize {
        // A credential scoped by Exchange RBAC asks about one mailbox a call, itself in the URL.
        let scoped = self
            .client
            .credentials
            .get(usize::from(lot.credential))
            .is_none_or(|tokens| tokens.credential().rbac_scoped);
        match lot.source {
            Source::Schedule if scoped => 1,
            Source::Schedule | Source::View => get_schedule::MOST_MAILBOXES,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Line<Outcome>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lot {
    fn is_one_window(self) -> bool {
        matches!(self.stretch, Stretch::Aligned { first, last } if first == last)
    }

    /// Aligned schedules may share a call whichever their windows; all else only with its like.
    fn kind(self) -> Kind {
        let alone = match (self.source, self.stretch) {
            (Source::Schedule, Stretch::Aligned { .. }) => None,
            (Source::View, _) | (_, Stretch::Exact(_)) => Some(self.stretch),
        };
        (self.credential, self.source, alone)
    }
}

impl Fill {
    /// Boxed, because a fill may ask for another.
    fn run(mut self, mut place: Place) -> BoxFuture<'static, ()> {
        async move {
            let mut work = std::pin::pin!(self.work());
            if timeout(PATIENCE, &mut work).await.is_err() {
                place.let_others_go();
                work.await;
            }
        }
        .boxed()
    }

    /// Asks, and asks again by halves where a single mailbox may have spoilt the call.
    async fn work(&mut self) {
        let (fills, lot) = (Arc::clone(&self.fills), self.lot);
        let asked = fills.cache.ask();
        let begun = asked.at;
        let deadline = begun + fills.patience;
        let calls = AtomicU32::new(0);
        let mut mailboxes: Vec<_> = self.waiters.keys().cloned().collect();
        mailboxes.sort_unstable();
        // Items do not wait for working hours longer than one call may take.
        let hours = fills.hours_for(lot, &mailboxes, self.asker, begun + fills.patience / 3).shared();
        let errand = Errand { lot, asker: self.asker, deadline, calls: &calls };
        let mut parts: FuturesUnordered<_> = fills.parts(errand, mailboxes, Vec::new()).into_iter().collect();
        while let Some((mailboxes, bad, result)) = parts.next().await {
            match result {
                Ok((told, left)) => {
                    parts.extend(fills.views(errand, left));
                    let hours = hours.clone().await;
                    for (mailbox, told) in told {
                        let shared = hours.get(&mailbox).cloned();
                        self.deliver(&mailbox, told, shared, asked, calls.load(Relaxed));
                    }
                }
                // Graph throttles by the mailbox that a call is charged to: another may do.
                Err(trouble) if mailboxes.len() > 1 && trouble.is_throttled() && bad.len() == 1 => {
                    parts.extend(fills.parts(errand, mailboxes, bad));
                }
                Err(trouble) if mailboxes.len() > 1 && trouble.may_be_one_mailbox() => {
                    let (left, right) = mailboxes.split_at(mailboxes.len() / 2);
                    parts.extend(fills.parts(errand, left.to_vec(), bad.clone()));
                    parts.extend(fills.parts(errand, right.to_vec(), bad));
                }
                Err(Trouble { failure: Failure::NoSuchMailbox { .. }, .. })
                    if fills.batch_size(lot) > 1
                        && bad.len() == 1
                        && fills.anchors.stand_in(usize::from(lot.credential), &bad).is_some() =>
                {
                    parts.extend(fills.parts(errand, mailboxes, bad));
                }
                Err(trouble) => {
                    for mailbox in mailboxes {
                        let failure = match &trouble.failure {
                            Failure::NoSuchMailbox { .. } | Failure::NoSuchItem => {
                                Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
                            }
                            other => other.clone(),
                        };
                        self.deliver(&mailbox, Err(failure), None, asked, calls.load(Relaxed));
                    }
                }
            }
        }
    }

    /// Remembers an answer, then hands it to those who wait.
    fn deliver(
        &mut self,
        mailbox: &Mailbox,
        told: Result<Listing, Failure>,
        hours: Option<Arc<WorkingHours>>,
        asked: Asked,
        calls: u32,
    ) {
        let (fills, lot) = (&self.fills, self.lot);
        let answer = told.map(|mut listing| {
            let hours = listing.hours.take().map(|hours| fills.hours.share(hours)).or(hours);
            (lot.stretch, Arc::from(listing.cut(&fills.grid.cuts(lot.stretch), hours)))
        });
        fills.remember(lot, mailbox, &answer, asked);
        let Some(waiters) = self.waiters.remove(mailbox) else { return };
        fills.forget_waiting(lot, [mailbox]);
        for waiter in waiters {
            // Nobody may be waiting any more; the cache knows.
            let _ = waiter.send(Outcome { answer: answer.clone(), fill: self.id, calls });
        }
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        self.fills.forget_waiting(self.lot, self.waiters.keys());
    }
}

impl Place {
    /// Others of the lot need no longer wait for this call.
    fn let_others_go(&mut self) {
        if !std::mem::take(&mut self.holds) {
            return;
        }
        let mut lines = self.fills.lock();
        let Some(line) = lines.get_mut(&self.lot.kind()) else { return };
        line.holding -= 1;
        let due = self.fills.due(self.lot, line);
        drop(lines);
        begin(due);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.fills.lock();
        let Some(line) = lines.get_mut(&self.lot.kind()) else { return };
        line.running -= 1;
        line.holding -= usize::from(self.holds);
        let due = self.fills.due(self.lot, line);
        if line.running == 0 && line.len() == 0 {
            lines.remove(&self.lot.kind());
        }
        drop(lines);
        begin(due);
    }
}

fn begin(due: Vec<(Fill, Place)>) {
    // Without a runtime they are dropped, and whoever waits learns it.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    for (fill, place) in due {
        runtime.spawn(fill.run(place));
    }
}
