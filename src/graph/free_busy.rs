//! The path of a free/busy look-up: cache first, then one common question for all that is missing,
//! then what may stand in for a failure.
//!
//! Owns which source answers which need, and the counts of hits and misses. Must not know JSON.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use tokio::time::{Instant, timeout_at};

use super::cache::{Kept, Key, Look, Source};
use super::fills::{Answer, Fills, Lot, Outcome};
use super::grid::{Grid, Stretch};
use super::line::Ticket;
use crate::calendar::free_busy::{FreeBusy, Span};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::journal::{CacheOutcome, Journal};
use crate::metrics::{Metrics, OutcomeLabel};

/// Counters of how look-ups were answered, found once.
#[derive(Debug)]
pub(super) struct Tally {
    hit: Counter,
    miss: Counter,
    joined: Counter,
    stale: Counter,
}

/// A mailbox to look up, and where.
pub(super) struct Want<'a> {
    pub(super) mailbox: &'a Mailbox,
    pub(super) fills: &'a Arc<Fills>,
    pub(super) credential: u16,
    pub(super) source: Source,
}

/// What is known of one window of a mailbox.
enum Held {
    Fresh(Arc<Span>),
    Old(Arc<Span>),
    Nothing,
}

/// A mailbox that the cache could not answer alone.
struct Missing<'a> {
    /// Its place in the answer.
    index: usize,
    want: Want<'a>,
    /// The first window of the grid that the look-up touches.
    first: i32,
    /// What is known, by window from the first on; empty to ask for the exact window.
    held: Vec<Held>,
    tickets: Vec<Ticket<Outcome>>,
    joined: bool,
}

/// A look-up under way.
pub(super) struct LookUp<'a> {
    window: Window,
    journal: &'a Journal,
    tally: &'a Tally,
    now: Instant,
    results: Vec<Result<FreeBusy, Failure>>,
    missing: Vec<Missing<'a>>,
    hits: u32,
    /// Fills whose calls were counted.
    counted: Vec<(u64, u32)>,
}

impl<'a> LookUp<'a> {
    pub(super) fn new(window: Window, journal: &'a Journal, tally: &'a Tally, mailboxes: usize) -> Self {
        Self {
            window,
            journal,
            tally,
            now: Instant::now(),
            results: Vec::with_capacity(mailboxes),
            missing: Vec::new(),
            hits: 0,
            counted: Vec::new(),
        }
    }

    /// A mailbox that cannot be looked up.
    pub(super) fn refuse(&mut self, failure: Failure) {
        self.results.push(Err(failure));
    }

    /// Looks a mailbox up in the cache; what is missing waits for [`Self::finish`].
    pub(super) fn add(&mut self, want: Want<'a>) {
        let (first, last) = want.fills.grid.touched(self.window);
        let mut key = want.key(first);
        let mut spans = Vec::with_capacity(usize::try_from(last - first).unwrap_or(0) + 1);
        let mut ageing = false;
        for window in first..=last {
            key.window = window;
            match want.fills.cache.look(&key, self.now) {
                Look::Fresh(Kept::Span(span)) => spans.push(span),
                Look::Ageing(span) => {
                    ageing = true;
                    spans.push(span);
                }
                Look::Fresh(Kept::Nobody) => return self.refuse_by_cache(nobody(want.mailbox)),
                Look::Fresh(Kept::Denied) => return self.refuse_by_cache(Failure::Denied),
                Look::Fresh(Kept::TooBig) => return self.miss(want, first, Vec::new()),
                Look::Old(_) | Look::Nothing => {
                    let held = self.held(&want, key, last, spans);
                    return self.miss(want, first, held);
                }
            }
        }
        if ageing {
            for stretch in want.fills.grid.aligned(first, last) {
                let lot = Lot { credential: want.credential, source: want.source, stretch };
                want.fills.refresh(lot, want.mailbox, self.journal.request_id);
            }
        }
        self.hits += 1;
        self.results.push(Ok(FreeBusy { spans, known: None }));
    }

    /// Asks for what is missing, and waits for it.
    pub(super) async fn finish(mut self) -> Vec<Result<FreeBusy, Failure>> {
        if self.hits > 0 {
            self.journal.hits.add(self.hits);
            self.tally.hit.inc_by(u64::from(self.hits));
        }
        if self.missing.is_empty() {
            return self.results;
        }
        let missing = std::mem::take(&mut self.missing);
        let (aligned, mut exact): (Vec<_>, Vec<_>) = missing.into_iter().partition(|missing| !missing.held.is_empty());
        for missing in self.ask(aligned, |missing| missing.stretches()) {
            let outcome = self.wait(&missing).await;
            if matches!(outcome, Err(Failure::ResultTooBig)) {
                exact.push(Missing { held: Vec::new(), tickets: Vec::new(), ..missing });
                continue;
            }
            self.settle(&missing, outcome);
        }
        let window = self.window;
        for missing in self.ask(exact, |_| Grid::exact(window).collect()) {
            let outcome = self.wait(&missing).await;
            self.settle(&missing, outcome);
        }
        self.journal.graph_calls.add(self.counted.iter().map(|(_, calls)| calls).sum());
        self.results
    }

    fn refuse_by_cache(&mut self, failure: Failure) {
        self.hits += 1;
        self.refuse(failure);
    }

    /// What is known of all windows, once one of them is found missing.
    fn held(&self, want: &Want<'_>, mut key: Key, last: i32, spans: Vec<Arc<Span>>) -> Vec<Held> {
        let mut held: Vec<_> = spans.into_iter().map(Held::Fresh).collect();
        for window in key.window..=last {
            key.window = window;
            held.push(match want.fills.cache.look(&key, self.now) {
                Look::Fresh(Kept::Span(span)) | Look::Ageing(span) => Held::Fresh(span),
                Look::Old(span) => Held::Old(span),
                Look::Fresh(_) | Look::Nothing => Held::Nothing,
            });
        }
        held
    }

    fn miss(&mut self, want: Want<'a>, first: i32, held: Vec<Held>) {
        let index = self.results.len();
        // Overwritten when the answer is there.
        self.results.push(Err(Failure::TimedOut));
        self.missing.push(Missing { index, want, first, held, tickets: Vec::new(), joined: true });
    }

    /// Asks for all that is missing at once, so that mailboxes of one request share calls.
    fn ask(&mut self, mut all: Vec<Missing<'a>>, stretches: impl Fn(&Missing<'a>) -> Vec<Stretch>) -> Vec<Missing<'a>> {
        let mut groups: Vec<(&Arc<Fills>, Lot, Vec<usize>)> = Vec::new();
        for (index, missing) in all.iter().enumerate() {
            let want = &missing.want;
            for stretch in stretches(missing) {
                let lot = Lot { credential: want.credential, source: want.source, stretch };
                match groups.iter_mut().find(|(fills, known, _)| *known == lot && Arc::ptr_eq(fills, want.fills)) {
                    Some((_, _, members)) => members.push(index),
                    None => groups.push((want.fills, lot, vec![index])),
                }
            }
        }
        for (fills, lot, members) in groups {
            let mailboxes: Vec<_> = members
                .iter()
                .filter_map(|index| all.get(*index))
                .map(|missing| missing.want.mailbox.clone())
                .collect();
            for (index, (ticket, joined)) in
                members.into_iter().zip(fills.ask(lot, &mailboxes, self.journal.request_id))
            {
                let Some(missing) = all.get_mut(index) else { continue };
                missing.tickets.push(ticket);
                missing.joined &= joined;
            }
        }
        all
    }

    /// Waits until a mailbox's questions are answered, one is refused, or the time is up. One that
    /// failed for the moment does not hide that another was refused.
    async fn wait(&mut self, missing: &Missing<'_>) -> Result<Vec<Answer>, Failure> {
        let mut answers = Vec::with_capacity(missing.tickets.len());
        let mut failed = None;
        for ticket in &missing.tickets {
            let Ok(outcome) = timeout_at(self.journal.deadline, ticket.clone()).await else {
                failed.get_or_insert(Failure::TimedOut);
                continue;
            };
            let Outcome { answer, fill, calls } = outcome.map_err(|_| Failure::Internal)?;
            match self.counted.iter_mut().find(|(known, _)| *known == fill) {
                Some((_, counted)) => *counted = calls.max(*counted),
                None => self.counted.push((fill, calls)),
            }
            match answer {
                Ok(answer) => answers.push(answer),
                Err(failure) if failure.allows_stale() => _ = failed.get_or_insert(failure),
                Err(failure) => return Err(failure),
            }
        }
        failed.map_or(Ok(answers), Err)
    }

    /// Puts a mailbox's answer together, from what was kept where Graph failed.
    fn settle(&mut self, missing: &Missing<'_>, outcome: Result<Vec<Answer>, Failure>) {
        let (result, how) = match outcome {
            Ok(answers) => {
                let how = if missing.joined { CacheOutcome::Joined } else { CacheOutcome::Miss };
                (Ok(FreeBusy { spans: missing.assemble(&answers), known: None }), how)
            }
            Err(failure) if failure.allows_stale() && missing.can_stand_in(self.now) => {
                let spans = missing.held.iter().filter_map(Held::span).collect();
                (Ok(FreeBusy { spans, known: None }), CacheOutcome::Stale)
            }
            Err(failure) => (Err(failure), if missing.joined { CacheOutcome::Joined } else { CacheOutcome::Miss }),
        };
        self.journal.cache(how);
        self.tally.count(how);
        if let Some(place) = self.results.get_mut(missing.index) {
            *place = result;
        }
    }
}

impl Want<'_> {
    fn key(&self, window: i32) -> Key {
        Key { mailbox: self.mailbox.clone(), window, credential: self.credential, source: self.source }
    }
}

impl Missing<'_> {
    /// From the first window that is not fresh to the last.
    fn stretches(&self) -> Vec<Stretch> {
        let grid = self.want.fills.grid;
        let fresh = |held: &Held| matches!(held, Held::Fresh(_));
        let (Some(from), Some(to)) =
            (self.held.iter().position(|held| !fresh(held)), self.held.iter().rposition(|held| !fresh(held)))
        else {
            return Vec::new();
        };
        let index = |offset: usize| self.first.saturating_add(i32::try_from(offset).unwrap_or(i32::MAX));
        grid.aligned(index(from), index(to)).collect()
    }

    /// Whether every window is known, if of old, and Graph has not said no meanwhile.
    fn can_stand_in(&self, now: Instant) -> bool {
        let good = |(window, held): (i32, &Held)| match held {
            Held::Fresh(_) => true,
            Held::Old(_) => matches!(
                self.want.fills.cache.look(&self.want.key(window), now),
                Look::Fresh(Kept::Span(_)) | Look::Ageing(_) | Look::Old(_)
            ),
            Held::Nothing => false,
        };
        !self.held.is_empty() && (self.first..).zip(&self.held).all(good)
    }

    /// The spans in order of time: those just told, and around them those that were fresh.
    fn assemble(&self, answers: &[Answer]) -> Vec<Arc<Span>> {
        let told = |window: i32| {
            answers.iter().find_map(|(stretch, spans)| match stretch {
                Stretch::Aligned { first, last } if (*first..=*last).contains(&window) => {
                    spans.get(usize::try_from(window - first).ok()?).cloned()
                }
                Stretch::Aligned { .. } | Stretch::Exact(_) => None,
            })
        };
        if self.held.is_empty() {
            return answers.iter().flat_map(|(_, spans)| spans.iter().cloned()).collect();
        }
        (self.first..).zip(&self.held).filter_map(|(window, held)| told(window).or_else(|| held.span())).collect()
    }
}

impl Held {
    fn span(&self) -> Option<Arc<Span>> {
        match self {
            Self::Fresh(span) | Self::Old(span) => Some(Arc::clone(span)),
            Self::Nothing => None,
        }
    }
}

impl Tally {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let counter = |how: CacheOutcome| metrics.cache.get_or_create_owned(&OutcomeLabel { outcome: how.label() });
        Self {
            hit: counter(CacheOutcome::Hit),
            miss: counter(CacheOutcome::Miss),
            joined: counter(CacheOutcome::Joined),
            stale: counter(CacheOutcome::Stale),
        }
    }

    fn count(&self, how: CacheOutcome) {
        match how {
            CacheOutcome::Hit => self.hit.inc(),
            CacheOutcome::Miss => self.miss.inc(),
            CacheOutcome::Joined => self.joined.inc(),
            CacheOutcome::Stale => self.stale.inc(),
        };
    }
}

fn nobody(mailbox: &Mailbox) -> Failure {
    Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() }
}
