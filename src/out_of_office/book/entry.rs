//! What is known of one watched mailbox.
//!
//! Pure: the time is an argument. Must not know when it is looked at.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::calendar::Mailbox;
use crate::calendar::out_of_office::{AutomaticReplies, Status};
use crate::failure::Failure;
use crate::out_of_office::state::{Standing, Watched};

/// A watched mailbox.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) alias: String,
    pub(super) since: Timestamp,
    /// The tenant whose Graph tells of it; nobody is asked without one.
    pub(super) tenant: Option<String>,
    /// Tells this watch from an earlier one of the same mailbox.
    pub(super) born: u64,
    /// What the last look brought, as long as it matters: until it is noted, and while it is scheduled.
    pub(super) replies: Option<AutomaticReplies>,
    /// Counts what looks have brought.
    pub(super) seen: u64,
    /// Whether the store has that.
    pub(super) is_noted: bool,
    pub(super) standing: Option<Standing>,
    /// Whether the store was asked since the start if everybody has been told that.
    pub(super) is_settled: bool,
    pub(super) looked: Option<Timestamp>,
    pub(super) problem: Option<Failure>,
    /// How many looks in a row have failed.
    pub(super) failed: u32,
    /// Since when a turn of its schedule is known to have passed untold.
    pub(super) overdue: Option<Instant>,
    /// When it is to be looked at, though the look before may be under way.
    pub(super) due_by: Option<Instant>,
}

impl Entry {
    pub(super) fn watched(&self, mailbox: &Mailbox) -> Watched {
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
    pub(super) fn has(&self, replies: &AutomaticReplies, now: Timestamp) -> bool {
        let is_known = match &self.replies {
            Some(known) => known == replies,
            None => !lasts(replies),
        };
        is_known && self.is_noted && !self.is_heard(replies, now)
    }

    /// Whether replies mean another thing than what was told, or nothing was.
    pub(super) fn is_heard(&self, replies: &AutomaticReplies, now: Timestamp) -> bool {
        self.standing.as_ref().is_none_or(|standing| standing.away.as_deref() != replies.at(now).as_ref())
    }

    /// What replies mean; what was told already is not kept twice.
    pub(super) fn standing(&self, replies: &AutomaticReplies, now: Timestamp) -> Standing {
        let changed = match &self.standing {
            Some(standing) if !self.is_heard(replies, now) => return standing.clone(),
            Some(before) if self.is_noted => {
                last_turn(replies, now).filter(|turn| *turn > before.changed).unwrap_or(now)
            }
            _ => now,
        };
        // As the store keeps it.
        let changed = Timestamp::from_second(changed.as_second()).unwrap_or(changed);
        Standing { away: replies.at(now).map(Arc::new), changed }
    }

    /// Whether what was told is what the schedule says, as far as one is known. Since it was told from the same
    /// schedule, only whether somebody is away has to be compared.
    pub(super) fn is_in_step(&self, now: Timestamp) -> bool {
        let (Some(replies), Some(standing)) = (&self.replies, &self.standing) else { return true };
        let is_away = replies.window.is_some_and(|window| replies.next_turn(now) == Some(window.end()));
        standing.away.is_some() == is_away
    }
}

/// Whether replies will mean something else some time, or would if the clock were set back.
pub(super) fn lasts(replies: &AutomaticReplies) -> bool {
    replies.status == Status::Scheduled && replies.window.is_some()
}

/// When a schedule last turned.
pub(super) fn last_turn(replies: &AutomaticReplies, now: Timestamp) -> Option<Timestamp> {
    let window = replies.window?;
    [window.end(), window.start()].into_iter().find(|bound| *bound <= now)
}

/// From now until then; nothing if that is over.
pub(super) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
