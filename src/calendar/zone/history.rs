//! The tz database's transitions as Exchange's yearly rules.
//!
//! Windows, and so Exchange, describes a zone as eras of whole years, each with one offset or with
//! two changes per year. A year with a single change gets a second one on its first day; a year
//! with more than two is cut into parts. Must not know names.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::rule::{self, DAY, Day, On, Rule, Turn};

/// Rules one after another, each from a moment on the clock of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History {
    pub(super) first: Rule,
    /// Seconds since 1970-01-01T00:00:00 on the local clock, and what holds from then on.
    pub(super) later: Vec<(i64, Rule)>,
}

impl History {
    /// Since 2000; earlier years get the first rule. Rules that never come to rest (Ramadan in
    /// Morocco) are told until 2050.
    pub(super) fn of(zone: &TimeZone) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for part in (FIRST_YEAR..=LAST_YEAR).flat_map(|year| parts_of_year(zone, year)) {
            if !parts.last_mut().is_some_and(|last| last.absorb(&part)) {
                parts.push(part);
            }
        }
        let mut rules = parts.iter().map(|part| (part.start, part.rule()));
        let first = rules.next().map_or(Rule::Fixed(0), |(_, rule)| rule);
        Self { first, later: rules.collect() }
    }
}

const FIRST_YEAR: i64 = 2000;
const LAST_YEAR: i64 = 2050;

/// A year or more, or a part of a year.
struct Part {
    /// On the local clock.
    start: i64,
    whole_years: bool,
    /// At its beginning.
    offset: i32,
    changes: Option<[Seen; 2]>,
}

/// A change, with every yearly rule that it may follow.
struct Seen {
    offset: i32,
    may_be: Vec<On>,
}

/// A change of the clock: what it shows before, and the offset after.
#[derive(Clone, Copy)]
struct Jump {
    local: i64,
    offset: i32,
}

impl Part {
    /// Takes the next part in if one rule can say both.
    fn absorb(&mut self, next: &Self) -> bool {
        if !(self.whole_years && next.whole_years && self.offset == next.offset) {
            return false;
        }
        match (&mut self.changes, &next.changes) {
            (None, None) => true,
            (Some([a, b]), Some([c, d])) => {
                let (Some(first), Some(second)) = (a.common(c), b.common(d)) else { return false };
                a.may_be = first;
                b.may_be = second;
                true
            }
            _ => false,
        }
    }

    fn rule(&self) -> Rule {
        let turns = self.changes.as_ref().and_then(|[one, other]| Some([one.turn()?, other.turn()?]));
        turns.map_or(Rule::Fixed(self.offset), Rule::of)
    }
}

impl Seen {
    fn of(year: i64, jump: Jump) -> Self {
        Self { offset: jump.offset, may_be: descriptions(year, jump.local) }
    }

    fn common(&self, other: &Self) -> Option<Vec<On>> {
        let both: Vec<On> = self.may_be.iter().copied().filter(|on| other.may_be.contains(on)).collect();
        (self.offset == other.offset && !both.is_empty()).then_some(both)
    }

    fn turn(&self) -> Option<Turn> {
        self.may_be.first().map(|on| Turn { offset: self.offset, on: *on })
    }
}

fn parts_of_year(zone: &TimeZone, year: i64) -> Vec<Part> {
    let (mut offset, jumps) = jumps(zone, year);
    let new_year = rule::day_number(year, 1) * DAY;
    let mut start = new_year;
    let mut parts = Vec::new();
    let mut rest = jumps.as_slice();
    loop {
        let whole_years = parts.is_empty();
        match rest {
            [] if !whole_years => break,
            [] => {
                parts.push(Part { start, whole_years, offset, changes: None });
                break;
            }
            [there, back, more @ ..] if back.offset == offset => {
                let changes = Some([Seen::of(year, *there), Seen::of(year, *back)]);
                parts.push(Part { start, whole_years: whole_years && more.is_empty(), offset, changes });
                start = (back.local.div_euclid(DAY) + 1) * DAY;
                rest = more;
            }
            [only, more @ ..] => {
                let none = Seen::of(year, Jump { local: new_year, offset });
                let changes = Some([none, Seen::of(year, *only)]);
                parts.push(Part { start, whole_years: whole_years && more.is_empty(), offset, changes });
                start = (only.local.div_euclid(DAY) + 1) * DAY;
                offset = only.offset;
                rest = more;
            }
        }
    }
    parts
}

/// The offset at the beginning of a year and the changes in it.
fn jumps(zone: &TimeZone, year: i64) -> (i32, Vec<Jump>) {
    let new_year = |year| {
        let year = i16::try_from(year).unwrap_or(i16::MAX);
        let civil = jiff::civil::Date::new(year, 1, 1).unwrap_or_default().at(0, 0, 0, 0);
        zone.to_ambiguous_timestamp(civil).compatible().unwrap_or_default()
    };
    let (begin, end) = (new_year(year), new_year(year + 1));
    let before = Timestamp::from_second(begin.as_second() - 1).unwrap_or(begin);
    let first = zone.to_offset(before).seconds();
    let mut offset = first;
    let mut jumps = Vec::new();
    for transition in zone.following(before).take_while(|transition| transition.timestamp() < end) {
        let next = transition.offset().seconds();
        // Some transitions change only the abbreviation.
        if next != offset {
            jumps.push(Jump { local: transition.timestamp().as_second() + i64::from(offset), offset: next });
            offset = next;
        }
    }
    (first, jumps)
}

/// All yearly rules under which something happens at that moment of that year, best first.
fn descriptions(year: i64, local: i64) -> Vec<On> {
    let day = local.div_euclid(DAY);
    let time = i32::try_from(local.rem_euclid(DAY)).unwrap_or(0);
    let mut found = on_day(year, day, time);
    if time == 0 {
        // Midnight is also the end of the day before: "the first Saturday at 24:00" is how a change
        // on "the first Sunday from the 2nd on" becomes a rule at all.
        found.extend(on_day(year, day - 1, 86_400));
    }
    found
}

fn on_day(year: i64, day: i64, time: i32) -> Vec<On> {
    if rule::year_of(day * DAY) != year {
        return Vec::new();
    }
    let Some(month) = (1..=12).rev().find(|month| rule::day_number(year, *month) <= day) else { return Vec::new() };
    let date = rule::day_of_month(day * DAY);
    let kind = rule::weekday_of(day);
    let last = i64::from(date) + 7 > rule::month_length(year, month);
    let order = (date - 1) / 7 + 1;
    let on = |order| On { month, day: Day::Nth(order, kind), time };
    last.then(|| on(5)).into_iter().chain((order < 5).then(|| on(order))).collect()
}
