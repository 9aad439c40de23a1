//! The watch list as it is known: how each mailbox stands, what is still to be noted of it, and when it is looked at.
//!
//! Pure: the time is an argument, and what becomes of the store is told to it. Must not know who is told what.

mod entry;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::lane::Lane;
use super::pace::{HOPELESS, Pace, jittered};
use super::schedule::Schedule;
use super::state::{Standing, Tally, Watched};
use crate::calendar::Mailbox;
use crate::calendar::out_of_office::AutomaticReplies;
use crate::failure::Failure;
use entry::{Entry, last_turn, lasts, until};

/// The watch list.
#[derive(Debug)]
pub(super) struct Book {
    pace: Pace,
    entries: BTreeMap<Mailbox, Entry>,
    /// By tenant.
    lanes: BTreeMap<String, Lane>,
    /// When something is to be done about mailboxes without a look; in the past where it is not done yet.
    turning: Schedule<Timestamp>,
    /// The latest time that was; the clock may be set back.
    latest: Timestamp,
    /// How many watches have begun.
    births: u64,
}

/// A watched mailbox, when it is taken up.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) alias: String,
    pub(super) since: Timestamp,
    /// The tenant whose Graph tells of it, or why nobody may be asked: then what the store has of it is of no use.
    pub(super) tenant: Result<String, Failure>,
    /// Its automatic replies as the store has them.
    pub(super) replies: Option<AutomaticReplies>,
    pub(super) standing: Option<Standing>,
    /// Whether all of that could be read.
    pub(super) is_sound: bool,
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
    pub(super) now: Standing,
    /// Whether correspondents hear something else than what was told, or nobody was told yet.
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
        Self {
            pace,
            entries: BTreeMap::new(),
            lanes: BTreeMap::new(),
            turning: Schedule::default(),
            latest: Timestamp::MIN,
            births: 0,
        }
    }

    /// Takes up a watch that the store has. It is looked at after [`Self::begin`].
    pub(super) fn restore(&mut self, mailbox: Mailbox, known: Known, now: Timestamp, instant: Instant) {
        self.births += 1;
        let Known { alias, since, tenant, replies, standing, is_sound } = known;
        let (tenant, problem) = tenant.map_or_else(|why| (None, Some(why)), |tenant| (Some(tenant), None));
        // Of what is damaged nothing is believed, and of whom nobody may ask any more nothing is told.
        let is_told = problem.is_none();
        let mut entry = Entry {
            alias,
            since,
            tenant,
            born: self.births,
            replies: replies.filter(|replies| is_told && is_sound && lasts(replies)),
            seen: 0,
            is_noted: is_sound && standing.is_some(),
            standing: standing.filter(|_| is_told),
            is_settled: false,
            looked: None,
            problem,
            failed: 0,
            overdue: None,
            due_by: None,
        };
        // It turned while nobody watched, and may have been set otherwise meanwhile.
        entry.overdue = (!entry.is_in_step(now)).then_some(instant);
        self.entries.insert(mailbox.clone(), entry);
        self.plan(&mailbox, now);
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
            // It may have been created meanwhile.
            if matches!(entry.problem, Some(Failure::NoSuchMailbox { .. })) {
                self.hasten(&mailbox, now + HOPELESS);
            }
            return;
        }
        let lane = self.lanes.entry(tenant.clone()).or_insert_with(|| Lane::new(&tenant, now));
        lane.schedule.put(mailbox.clone(), now);
        let known = Known { alias, since, tenant: Ok(tenant), replies: None, standing: None, is_sound: true };
        self.restore(mailbox, known, since, now);
    }

    /// Watches a mailbox no more.
    pub(super) fn unwatch(&mut self, mailbox: &Mailbox) {
        self.turning.remove(mailbox);
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
                let by = now + self.pace.early();
                let ticket = |mailbox| {
                    let entry = self.entries.get_mut(&mailbox)?;
                    entry.due_by = entry.due_by.filter(|due| *due > by);
                    Some(Ticket { mailbox, born: entry.born })
                };
                calls.push((tenant.clone(), mailboxes.into_iter().filter_map(ticket).collect()));
            }
        }
        (calls, self.lanes.values().filter_map(|lane| lane.wake(&self.pace)).min())
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
                let is_new = entry.problem.as_ref().map(Failure::label) != Some(failure.label());
                // That Graph was down says nothing of whether somebody is known.
                let is_other = is_new && matches!(failure, Failure::NoSuchMailbox { .. });
                entry.failed = if is_other { 1 } else { entry.failed.saturating_add(1) };
                let wait = jittered(self.pace.after_failure(entry.failed, &failure));
                entry.problem = Some(failure);
                (Learned::Failed { is_new }, wait)
            }
        };
        let due = entry.due_by.take().map_or(instant + wait, |due| due.min(instant + wait));
        if let Some(lane) = entry.tenant.as_ref().and_then(|tenant| self.lanes.get_mut(tenant)) {
            lane.schedule.put(ticket.mailbox.clone(), due);
        }
        self.plan(&ticket.mailbox, now);
        learned
    }

    /// What is to be noted of a mailbox at an instant, by what is known.
    pub(super) fn finding(&self, mailbox: &Mailbox, now: Timestamp) -> Option<Finding> {
        let entry = self.entries.get(mailbox)?;
        let replies = entry.replies.as_ref()?;
        let is_heard = entry.is_heard(replies, now);
        if entry.is_noted && !is_heard {
            return None;
        }
        Some(Finding {
            born: entry.born,
            seen: entry.seen,
            alias: entry.alias.clone(),
            replies: replies.clone(),
            now: entry.standing(replies, now),
            is_heard,
        })
    }

    /// What everybody should have been told of a mailbox, under which name, if nothing is to be noted of it.
    pub(super) fn told(&self, mailbox: &Mailbox, now: Timestamp) -> Option<(String, Standing)> {
        let entry = self.entries.get(mailbox).filter(|entry| entry.is_noted && entry.is_in_step(now))?;
        Some((entry.alias.clone(), entry.standing.clone()?))
    }

    /// Whether the store has not been asked yet if everybody was told that.
    pub(super) fn is_unsettled(&self, mailbox: &Mailbox) -> bool {
        self.entries.get(mailbox).is_some_and(|entry| !entry.is_settled)
    }

    /// Notes that everybody is told, or was.
    pub(super) fn settled(&mut self, mailbox: &Mailbox) {
        self.entries.get_mut(mailbox).into_iter().for_each(|entry| entry.is_settled = true);
    }

    /// Under which name a mailbox is watched.
    pub(super) fn alias(&self, mailbox: &Mailbox) -> Option<&str> {
        self.entries.get(mailbox).map(|entry| entry.alias.as_str())
    }

    /// Notes that the store has a finding, and letters about it for whoever lacks them. Says whether it will turn.
    pub(super) fn noted(&mut self, mailbox: &Mailbox, finding: Finding, now: Timestamp) -> bool {
        let entry = self.entries.get_mut(mailbox).filter(|entry| entry.born == finding.born);
        let Some(entry) = entry else { return false };
        entry.standing = Some(finding.now);
        (entry.overdue, entry.is_settled) = (None, true);
        // Unless another look came between.
        if entry.seen == finding.seen {
            entry.is_noted = true;
            entry.replies = entry.replies.take().filter(lasts);
        }
        let will_turn = entry.replies.is_some();
        self.plan(mailbox, now);
        will_turn
    }

    /// What is to be noted at an instant by what is known: turns of schedules, and what could not be noted before.
    ///
    /// A turn that is late, because nobody watched or the clock jumped, waits for a look, but not for long.
    pub(super) fn turns(&mut self, now: Timestamp, instant: Instant) -> Turns {
        if now < self.latest {
            let scheduled: Vec<Mailbox> =
                self.entries.iter().filter(|(_, entry)| entry.replies.is_some()).map(|(it, _)| it.clone()).collect();
            scheduled.iter().for_each(|mailbox| self.plan(mailbox, now));
        }
        self.latest = now;
        let mut turns = Turns { of: Vec::new(), rest: MOST_REST };
        let due: Vec<Mailbox> = self.turning.until(now).cloned().collect();
        for mailbox in due {
            let left = self.turn(&mailbox, now, instant);
            if left.is_some_and(|left| left.is_zero()) {
                turns.of.push(mailbox);
                continue;
            }
            turns.rest = turns.rest.min(left.unwrap_or(MOST_REST));
            self.plan(&mailbox, now);
        }
        let next = self.turning.first_after(now).map_or(MOST_REST, |turn| until(turn, now));
        turns.rest = turns.rest.min(next);
        turns
    }

    /// How long what is to be noted of a mailbox waits for a look, if anything is.
    fn turn(&mut self, mailbox: &Mailbox, now: Timestamp, instant: Instant) -> Option<Duration> {
        let entry = self.entries.get_mut(mailbox)?;
        let replies = entry.replies.as_ref()?;
        if !entry.is_noted {
            return Some(Duration::ZERO);
        }
        if entry.is_in_step(now) {
            entry.overdue = None;
            return None;
        }
        let is_fresh = last_turn(replies, now).is_some_and(|turn| until(now, turn) < LATE);
        let left = match entry.overdue {
            None if is_fresh => Duration::ZERO,
            None => {
                entry.overdue = Some(instant);
                self.hasten(mailbox, instant);
                return Some(LATE);
            }
            Some(since) => LATE.saturating_sub(instant.duration_since(since)),
        };
        // It may have been set otherwise since the last look.
        if left.is_zero() && entry.problem.is_none() {
            self.hasten(mailbox, instant + AFTER_TURN);
        }
        Some(left)
    }

    /// Notes when something is to be done about a mailbox without a look.
    fn plan(&mut self, mailbox: &Mailbox, now: Timestamp) {
        let Some(entry) = self.entries.get(mailbox) else { return };
        let due = match &entry.replies {
            None => None,
            Some(replies) if entry.is_noted && entry.is_in_step(now) => replies.next_turn(now),
            Some(_) => Some(Timestamp::MIN),
        };
        match due {
            Some(due) => self.turning.put(mailbox.clone(), due),
            None => self.turning.remove(mailbox),
        }
    }

    /// Has a mailbox looked at by an instant; a look that is under way is followed by another.
    fn hasten(&mut self, mailbox: &Mailbox, due: Instant) {
        let Some(entry) = self.entries.get_mut(mailbox) else { return };
        entry.due_by = Some(entry.due_by.map_or(due, |former| former.min(due)));
        if let Some(lane) = entry.tenant.as_ref().and_then(|tenant| self.lanes.get_mut(tenant)) {
            lane.schedule.hasten(mailbox, due);
        }
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

/// The clock may be set meanwhile.
const MOST_REST: Duration = Duration::from_secs(60);
/// A turn that is noticed so much too late was missed; and so long a look is waited for then.
const LATE: Duration = Duration::from_secs(60);
/// So long before a turn it is looked whether it still holds.
const BEFORE_TURN: Duration = Duration::from_secs(30);
/// So soon after a turn.
const AFTER_TURN: Duration = Duration::from_secs(3);
