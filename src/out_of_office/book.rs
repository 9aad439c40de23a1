//! The watch list as it is known: how each mailbox stands, what is still to be noted of it, and when it is looked at.
//!
//! Pure: the time is an argument, and what becomes of the store is told to it. Must not know who is told what.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::lane::Lane;
use super::pace::{Pace, jittered};
use super::state::{Standing, Tally, Watched};
use crate::calendar::Mailbox;
use crate::calendar::out_of_office::{AutomaticReplies, Status};
use crate::failure::Failure;

/// The watch list.
#[derive(Debug)]
pub(super) struct Book {
    pace: Pace,
    entries: BTreeMap<Mailbox, Entry>,
    /// By tenant.
    lanes: BTreeMap<String, Lane>,
    /// How many watches have begun.
    births: u64,
}

/// A watched mailbox, when it is taken up.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) alias: String,
    pub(super) since: Timestamp,
    /// The tenant whose Graph tells of it; nobody is asked without one.
    pub(super) tenant: Option<String>,
    /// Its automatic replies as the store has them.
    pub(super) replies: Option<AutomaticReplies>,
    pub(super) standing: Option<Standing>,
    /// Whether all of that could be read.
    pub(super) is_sound: bool,
}

/// A watched mailbox.
#[derive(Debug)]
struct Entry {
    alias: String,
    since: Timestamp,
    tenant: Option<String>,
    /// Tells this watch from an earlier one of the same mailbox.
    born: u64,
    /// What the last look brought, as long as it matters: until it is noted, and while it is scheduled.
    replies: Option<AutomaticReplies>,
    /// Counts what looks have brought.
    seen: u64,
    /// Whether the store has that.
    is_noted: bool,
    standing: Option<Standing>,
    looked: Option<Timestamp>,
    problem: Option<Failure>,
    /// How many looks in a row have failed.
    failed: u32,
    /// Since when a turn of its schedule is known to have passed untold.
    overdue: Option<Instant>,
}

/// A look at a mailbox that is to be made.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) mailbox: Mailbox,
    born: u64,
}

/// What a look has brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// The mailbox is not watched any more, or was watched anew.
    Outdated,
    Nothing,
    /// Something is to be noted.
    News,
    /// It failed; said is whether it did otherwise, or not at all, before.
    Failed {
        is_new: bool,
    },
}

/// What is to be noted of a mailbox.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    born: u64,
    seen: u64,
    pub(super) alias: String,
    pub(super) replies: AutomaticReplies,
    pub(super) before: Option<Standing>,
    pub(super) now: Standing,
    /// Whether it is told: correspondents hear something else, or nobody was told yet.
    pub(super) is_heard: bool,
}

/// What is to be done at an instant without having looked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turns {
    /// Mailboxes with something to be noted.
    pub(super) of: Vec<Mailbox>,
    /// How long nothing will have to be, as far as is known.
    pub(super) rest: Duration,
}

impl Book {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, entries: BTreeMap::new(), lanes: BTreeMap::new(), births: 0 }
    }

    /// Takes up a watch that the store has. It is looked at after [`Self::begin`].
    pub(super) fn restore(&mut self, mailbox: Mailbox, known: Known, now: Timestamp, instant: Instant) {
        self.births += 1;
        let Known { alias, since, tenant, replies, standing, is_sound } = known;
        let problem = tenant.is_none().then(|| Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() });
        let mut entry = Entry {
            alias,
            since,
            tenant,
            born: self.births,
            // Of what is damaged nothing is believed.
            replies: replies.filter(|replies| is_sound && lasts(replies)),
            seen: 0,
            is_noted: is_sound && standing.is_some(),
            standing,
            looked: None,
            problem,
            failed: 0,
            overdue: None,
        };
        // It turned while nobody watched, and may have been set otherwise meanwhile.
        entry.overdue = (!entry.is_in_step(now)).then_some(instant);
        self.entries.insert(mailbox, entry);
    }

    /// Spreads the first looks over an interval; those come first of which most is not known.
    pub(super) fn begin(&mut self, now: Instant) {
        let mut by_tenant: BTreeMap<&str, Vec<&Mailbox>> = BTreeMap::new();
        for (mailbox, entry) in &self.entries {
            let Some(tenant) = entry.tenant.as_deref() else { continue };
            let lane = self.lanes.entry(tenant.to_owned()).or_insert_with(|| Lane::new(tenant, now));
            if entry.standing.is_none() || entry.overdue.is_some() || !entry.is_noted {
                lane.schedule.put(mailbox.clone(), now);
            } else {
                by_tenant.entry(tenant).or_default().push(mailbox);
            }
        }
        for (tenant, mailboxes) in by_tenant {
            let Some(lane) = self.lanes.get_mut(tenant) else { continue };
            let span = self.pace.round(mailboxes.len(), crate::graph::MOST_AT_ONCE);
            let share = span / u32::try_from(mailboxes.len()).unwrap_or(u32::MAX);
            for (place, mailbox) in (0_u32..).zip(mailboxes) {
                lane.schedule.put(mailbox.clone(), now + share * place);
            }
        }
    }

    /// Watches a mailbox that the store watches from now on, or under another alias.
    pub(super) fn watch(&mut self, mailbox: Mailbox, alias: String, since: Timestamp, tenant: String, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&mailbox) {
            entry.alias = alias;
            return;
        }
        let lane = self.lanes.entry(tenant.clone()).or_insert_with(|| Lane::new(&tenant, now));
        lane.schedule.put(mailbox.clone(), now);
        let known = Known { alias, since, tenant: Some(tenant), replies: None, standing: None, is_sound: true };
        self.restore(mailbox, known, since, now);
    }

    /// Watches a mailbox no more.
    pub(super) fn unwatch(&mut self, mailbox: &Mailbox) {
        let entry = self.entries.remove(mailbox);
        let tenant = entry.and_then(|entry| entry.tenant);
        if let Some(lane) = tenant.and_then(|tenant| self.lanes.get_mut(&tenant)) {
            lane.schedule.remove(mailbox);
        }
    }

    /// The calls that are to be made now, each to one tenant, and when to come back if nothing happens before.
    pub(super) fn take(&mut self, now: Instant) -> (Vec<(String, Vec<Ticket>)>, Option<Instant>) {
        let mut calls = Vec::new();
        for (tenant, lane) in &mut self.lanes {
            while let Some(mailboxes) = lane.take(&self.pace, now) {
                let ticket = |mailbox| {
                    let born = self.entries.get(&mailbox)?.born;
                    Some(Ticket { mailbox, born })
                };
                calls.push((tenant.clone(), mailboxes.into_iter().filter_map(ticket).collect()));
            }
        }
        (calls, self.lanes.values().filter_map(Lane::wake).min())
    }

    /// Notes what a look has brought, and when the next one is due. What it brought while the mailbox was not watched,
    /// or for an earlier watch, is nobody's.
    pub(super) fn learn(
        &mut self,
        ticket: &Ticket,
        answer: Result<AutomaticReplies, Failure>,
        now: Timestamp,
        instant: Instant,
    ) -> Learned {
        let entry = self.entries.get_mut(&ticket.mailbox).filter(|entry| entry.born == ticket.born);
        let Some(entry) = entry else { return Learned::Outdated };
        let (learned, wait) = match answer {
            Ok(replies) => {
                entry.looked = Some(now);
                (entry.problem, entry.failed) = (None, 0);
                let turn = replies.next_turn(now).map(|turn| until(turn, now));
                let (learned, quiet) = if entry.has(&replies, now) {
                    (Learned::Nothing, entry.standing.as_ref().map_or(Duration::ZERO, |it| until(now, it.changed)))
                } else {
                    entry.is_noted &= entry.replies.as_ref() == Some(&replies);
                    entry.replies = Some(replies);
                    entry.seen += 1;
                    (Learned::News, Duration::ZERO)
                };
                let wait = jittered(self.pace.after_success(quiet));
                // What is told at a turn without asking should not be old.
                let before_turn =
                    turn.and_then(|turn| turn.checked_sub(BEFORE_TURN)).filter(|left| *left > BEFORE_TURN);
                (learned, before_turn.map_or(wait, |left| left.min(wait)))
            }
            Err(failure) => {
                entry.failed = entry.failed.saturating_add(1);
                let wait = jittered(self.pace.after_failure(entry.failed, &failure));
                let former = entry.problem.replace(failure);
                let label = |failure: &Failure| failure.label();
                let is_new = former.as_ref().map(label) != entry.problem.as_ref().map(label);
                (Learned::Failed { is_new }, wait)
            }
        };
        if let Some(lane) = entry.tenant.as_ref().and_then(|tenant| self.lanes.get_mut(tenant)) {
            lane.schedule.put(ticket.mailbox.clone(), instant + wait);
        }
        learned
    }

    /// What is to be noted of a mailbox at an instant, by what is known.
    pub(super) fn finding(&self, mailbox: &Mailbox, now: Timestamp) -> Option<Finding> {
        let entry = self.entries.get(mailbox)?;
        let replies = entry.replies.as_ref()?;
        let (away, before) = (replies.at(now), entry.standing.clone());
        let is_heard = before.as_ref().is_none_or(|before| before.away != away);
        if entry.is_noted && !is_heard {
            return None;
        }
        let changed = match &before {
            Some(before) if !is_heard => before.changed,
            Some(before) if entry.is_noted => {
                last_turn(replies, now).filter(|turn| *turn > before.changed).unwrap_or(now)
            }
            _ => now,
        };
        // As the store keeps it.
        let changed = Timestamp::from_second(changed.as_second()).unwrap_or(changed);
        Some(Finding {
            born: entry.born,
            seen: entry.seen,
            alias: entry.alias.clone(),
            replies: replies.clone(),
            before,
            now: Standing { away, changed },
            is_heard,
        })
    }

    /// Notes that the store has a finding.
    pub(super) fn noted(&mut self, mailbox: &Mailbox, finding: Finding) {
        let entry = self.entries.get_mut(mailbox).filter(|entry| entry.born == finding.born);
        let Some(entry) = entry else { return };
        entry.standing = Some(finding.now);
        entry.overdue = None;
        // Unless another look came between.
        if entry.seen == finding.seen {
            entry.is_noted = true;
            entry.replies = entry.replies.take().filter(lasts);
        }
    }

    /// What is to be noted at an instant by what is known: turns of schedules, and what could not be noted before.
    ///
    /// A turn that is late, because nobody watched or the clock jumped, waits for a look, but not for long.
    pub(super) fn turns(&mut self, now: Timestamp, instant: Instant) -> Turns {
        let mut turns = Turns { of: Vec::new(), rest: MOST_REST };
        for (mailbox, entry) in &mut self.entries {
            let Some(replies) = &entry.replies else { continue };
            if !entry.is_noted {
                turns.of.push(mailbox.clone());
                continue;
            }
            if entry.is_in_step(now) {
                entry.overdue = None;
                let next = replies.next_turn(now).map_or(MOST_REST, |turn| until(turn, now));
                turns.rest = turns.rest.min(next);
                continue;
            }
            let is_well = entry.problem.is_none();
            let mut hasten = |due| {
                let lane = entry.tenant.as_ref().and_then(|tenant| self.lanes.get_mut(tenant));
                lane.into_iter().for_each(|lane| lane.schedule.hasten(mailbox, due));
            };
            let is_fresh = last_turn(replies, now).is_some_and(|turn| until(now, turn) < LATE);
            let left = match entry.overdue {
                None if is_fresh => Duration::ZERO,
                None => {
                    entry.overdue = Some(instant);
                    hasten(instant);
                    LATE
                }
                Some(since) => LATE.saturating_sub(instant.duration_since(since)),
            };
            if left.is_zero() {
                turns.of.push(mailbox.clone());
                // It may have been set otherwise since the last look.
                if is_well {
                    hasten(instant + AFTER_TURN);
                }
            } else {
                turns.rest = turns.rest.min(left);
            }
        }
        turns
    }

    /// Notes how a call went.
    pub(super) fn done(&mut self, tenant: &str, outcomes: &[Option<&Failure>], now: Instant) {
        if let Some(lane) = self.lanes.get_mut(tenant) {
            lane.done(&self.pace, outcomes, now);
        }
    }

    /// Whether the operator is to be told of a failure of a tenant's.
    pub(super) fn may_tell(&mut self, tenant: &str, failure: &'static str, now: Instant) -> bool {
        self.lanes.get_mut(tenant).is_some_and(|lane| lane.may_tell(failure, now))
    }

    pub(super) fn has(&self, mailbox: &Mailbox) -> bool {
        self.entries.contains_key(mailbox)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn watched(&self, mailbox: &Mailbox) -> Option<Watched> {
        self.entries.get(mailbox).map(|entry| entry.watched(mailbox))
    }

    pub(super) fn watches(&self) -> Vec<Watched> {
        self.entries.iter().map(|(mailbox, entry)| entry.watched(mailbox)).collect()
    }

    /// Some watched mailboxes, by address: those after one, at most so many.
    pub(super) fn watches_after(&self, after: Option<&Mailbox>, most: usize) -> Vec<Watched> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.entries.range::<Mailbox, _>((begin, Bound::Unbounded));
        entries.take(most).map(|(mailbox, entry)| entry.watched(mailbox)).collect()
    }

    pub(super) fn tally(&self) -> Tally {
        Tally {
            watched: self.entries.len(),
            unseen: self.entries.values().filter(|entry| entry.looked.is_none()).count(),
            failing: self.entries.values().filter(|entry| entry.problem.is_some()).count(),
        }
    }
}

impl Entry {
    fn watched(&self, mailbox: &Mailbox) -> Watched {
        Watched {
            mailbox: mailbox.clone(),
            alias: self.alias.clone(),
            since: self.since,
            looked: self.looked,
            problem: self.problem.clone(),
            standing: self.standing.clone(),
        }
    }

    /// Whether all that replies mean is noted and told.
    fn has(&self, replies: &AutomaticReplies, now: Timestamp) -> bool {
        let is_known = match &self.replies {
            Some(known) => known == replies,
            None => !lasts(replies),
        };
        is_known && self.is_noted && self.standing.as_ref().is_some_and(|standing| standing.away == replies.at(now))
    }

    /// Whether what was told is what the schedule says, as far as one is known. Since it was told from the same
    /// schedule, only whether somebody is away has to be compared.
    fn is_in_step(&self, now: Timestamp) -> bool {
        let (Some(replies), Some(standing)) = (&self.replies, &self.standing) else { return true };
        let is_away = replies.window.is_some_and(|window| replies.next_turn(now) == Some(window.end()));
        standing.away.is_some() == is_away
    }
}

/// Whether replies will mean something else some time, or would if the clock were set back.
fn lasts(replies: &AutomaticReplies) -> bool {
    replies.status == Status::Scheduled && replies.window.is_some()
}

/// When a schedule last turned.
fn last_turn(replies: &AutomaticReplies, now: Timestamp) -> Option<Timestamp> {
    let window = replies.window?;
    [window.end(), window.start()].into_iter().find(|bound| *bound <= now)
}

/// From now until then; nothing if that is over.
fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

/// The clock may be set meanwhile.
const MOST_REST: Duration = Duration::from_secs(60);
/// A turn that is noticed so much too late was missed; and so long a look is waited for then.
const LATE: Duration = Duration::from_secs(60);
/// So long before a turn it is looked whether it still holds.
const BEFORE_TURN: Duration = Duration::from_secs(30);
/// So soon after a turn.
const AFTER_TURN: Duration = Duration::from_secs(3);
