//! A zone as stretches of time with one rule each.
//!
//! Must not know where the stretches came from.

use super::history::History;
use super::rule::Rule;

/// Rules one after another; the first holds since ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Eras {
    first: Rule,
    later: Vec<Era>,
}

/// A rule and the instant from which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Era {
    from: i64,
    /// What the clock shows from which on this rule reads it: where the clock is put back, after
    /// the hour that it shows twice; where it is put forward, after the hour that it skips.
    from_local: i64,
    rule: Rule,
}

impl Era {
    /// `before`: the offset until then.
    pub(super) fn new(from: i64, before: i32, rule: Rule) -> Self {
        let offset = before.max(rule.offset_at(from));
        Self { from, from_local: from.saturating_add(i64::from(offset)), rule }
    }
}

impl Eras {
    /// `later` in order of time.
    pub(super) fn new(first: Rule, later: Vec<Era>) -> Self {
        Self { first, later }
    }

    pub(super) fn forever(rule: Rule) -> Self {
        Self::new(rule, Vec::new())
    }

    /// A history, whose eras begin on the clock of the era before.
    pub(super) fn of(history: &History) -> Self {
        let mut rule = history.first;
        let mut later = Vec::with_capacity(history.later.len());
        for (from_local, next) in &history.later {
            let from = rule.second_of_local(*from_local);
            later.push(Era::new(from, rule.offset_at(from.saturating_sub(1)), *next));
            rule = *next;
        }
        Self::new(history.first, later)
    }

    /// The one offset there is, if so.
    pub(super) fn fixed(&self) -> Option<i32> {
        match self.first {
            Rule::Fixed(offset) if self.later.is_empty() => Some(offset),
            _ => None,
        }
    }

    pub(super) fn rule_at(&self, second: i64) -> &Rule {
        self.last_era(|era| era.from <= second)
    }

    pub(super) fn offset_at(&self, second: i64) -> i32 {
        self.rule_at(second).offset_at(second)
    }

    pub(super) fn second_of_local(&self, local: i64) -> i64 {
        self.last_era(|era| era.from_local <= local).second_of_local(local)
    }

    fn last_era(&self, has_begun: impl Fn(&Era) -> bool) -> &Rule {
        let begun = self.later.partition_point(has_begun);
        begun.checked_sub(1).and_then(|index| self.later.get(index)).map_or(&self.first, |era| &era.rule)
    }
}
