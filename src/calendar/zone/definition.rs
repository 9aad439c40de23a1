//! Exchange's `TimeZoneDefinition`: periods, groups of transitions, and transitions between groups.
//!
//! Owns the plain form and its meaning. Must not know XML.

use jiff::{SignedDuration, civil};

use super::history::History;
use super::rule::{self, DAY, Day, DayOfWeek, On, Rule, Turn};

/// Exchange's `TimeZoneDefinition`
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezonedefinition>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneDefinition {
    /// The zone's id, a Windows name mostly.
    pub id: String,
    /// Its display name; may be empty.
    pub name: String,
    /// Its offsets.
    pub periods: Vec<Period>,
    /// Its rules. Without any, and without transitions, only the id counts.
    pub groups: Vec<TransitionGroup>,
    /// Which rule holds when, in order of time.
    pub transitions: Vec<Transition>,
}

/// One offset under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// What transitions name.
    pub id: String,
    /// `Standard` or `Daylight`.
    pub name: String,
    /// UTC = local + bias.
    pub bias: SignedDuration,
}

/// What happens in every year: a plain transition to the only period, or changes between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionGroup {
    /// What transitions name.
    pub id: String,
    /// In any order.
    pub transitions: Vec<Transition>,
}

/// Something begins to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What.
    pub to: Target,
    /// From when on.
    pub when: When,
}

/// What a transition leads to, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A period.
    Period(String),
    /// A group of transitions.
    Group(String),
}

/// When a transition happens, on the clock that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `Transition`: since ever.
    Always,
    /// `AbsoluteDateTransition`.
    Absolute(civil::DateTime),
    /// `RecurringDayTransition`.
    Day {
        /// 1 to 12.
        month: i8,
        /// The weekday.
        day_of_week: DayOfWeek,
        /// 1 to 4: which such weekday of the month; -1: the last (5 is understood too).
        occurrence: i8,
        /// After midnight; 23:59:59.999 stands for the end of the day, as in Windows.
        time: SignedDuration,
    },
    /// `RecurringDateTransition`.
    Date {
        /// 1 to 12.
        month: i8,
        /// Day of the month.
        day: i8,
        /// As above.
        time: SignedDuration,
    },
}

/// What a definition means; nothing if it contradicts itself.
pub(super) fn history(definition: &ZoneDefinition) -> Option<History> {
    let mut first = None;
    let mut later: Vec<(i64, Rule)> = Vec::new();
    for transition in &definition.transitions {
        let rule = match &transition.to {
            Target::Period(id) => Rule::Fixed(offset(definition, id)?),
            Target::Group(id) => group(definition, id)?,
        };
        match transition.when {
            When::Always if first.is_none() => first = Some(rule),
            When::Absolute(at) => {
                let at = jiff::tz::Offset::UTC.to_timestamp(at).ok()?.as_second();
                if later.last().is_some_and(|(previous, _)| *previous >= at) {
                    return None;
                }
                later.push((at, rule));
            }
            _ => return None,
        }
    }
    if first.is_none() && definition.transitions.is_empty() {
        // Clients leave the list out when there is but one group.
        let [only] = definition.groups.as_slice() else { return None };
        first = group(definition, &only.id);
    }
    let first = first.or_else(|| later.first().map(|(_, rule)| *rule))?;
    Some(History { first, later })
}

/// A history as Exchange writes it.
pub(super) fn define(id: &str, name: &str, history: &History) -> ZoneDefinition {
    let mut definition = ZoneDefinition {
        id: id.to_owned(),
        name: name.to_owned(),
        periods: Vec::new(),
        groups: Vec::new(),
        transitions: Vec::new(),
    };
    // exchangelib sorts groups by the text of their ids, so all have the same length.
    let width = history.later.len().to_string().len();
    // Exchange names the periods of the only group with year 1, those of the first of several
    // groups with the year before the second.
    let first_year = history.later.first().map_or(1, |(start, _)| rule::year_of(*start) - 1);
    let mut part = 0;
    let mut previous_year = 0;
    let starts =
        std::iter::once((None, &history.first)).chain(history.later.iter().map(|(at, rule)| (Some(*at), rule)));
    for (index, (start, rule)) in starts.enumerate() {
        let year = start.map_or(first_year, rule::year_of);
        part = if year == previous_year { part + 1 } else { 0 };
        previous_year = year;
        let suffix = if part == 0 { String::new() } else { format!(".{part}") };
        let mut period = |name: &str, offset: i32| {
            let period = Period {
                id: format!("trule:Microsoft/Registry/{id}/{year}{suffix}-{name}"),
                name: name.to_owned(),
                bias: SignedDuration::from_secs(-i64::from(offset)),
            };
            let target = Target::Period(period.id.clone());
            definition.periods.push(period);
            target
        };
        let transitions = match rule {
            Rule::Fixed(offset) => vec![Transition { to: period("Standard", *offset), when: When::Always }],
            Rule::Yearly([one, other]) => {
                let (standard, daylight) = if one.offset < other.offset { (one, other) } else { (other, one) };
                // The year's order is the one in which readers that know no better apply them.
                let standard = Transition { to: period("Standard", standard.offset), when: recurring(&standard.on) };
                let daylight = Transition { to: period("Daylight", daylight.offset), when: recurring(&daylight.on) };
                vec![daylight, standard]
            }
        };
        let group = format!("{index:0width$}");
        definition.groups.push(TransitionGroup { id: group.clone(), transitions });
        let when = start.and_then(civil_of_local).map_or(When::Always, When::Absolute);
        definition.transitions.push(Transition { to: Target::Group(group), when });
    }
    definition
}

/// No offset reaches a day; in seconds.
const GREATEST_OFFSET: u64 = 86_400;

fn offset(definition: &ZoneDefinition, period: &str) -> Option<i32> {
    let bias = definition.periods.iter().find(|candidate| candidate.id == period)?.bias.as_secs();
    if bias.unsigned_abs() >= GREATEST_OFFSET {
        return None;
    }
    i32::try_from(-bias).ok()
}

fn group(definition: &ZoneDefinition, id: &str) -> Option<Rule> {
    let group = definition.groups.iter().find(|group| group.id == id)?;
    let target = |transition: &Transition| match &transition.to {
        Target::Period(id) => offset(definition, id),
        Target::Group(_) => None,
    };
    match group.transitions.as_slice() {
        [only] => Some(Rule::Fixed(target(only)?)),
        [one, other] => {
            let turn = |transition| Some(Turn { offset: target(transition)?, on: on(&transition.when)? });
            Some(Rule::of([turn(one)?, turn(other)?]))
        }
        _ => None,
    }
}

fn on(when: &When) -> Option<On> {
    let (month, day, time) = match *when {
        When::Always | When::Absolute(_) => return None,
        When::Day { month, day_of_week, occurrence, time } => {
            let order = match occurrence {
                -1 => 5,
                1..=5 => occurrence,
                _ => return None,
            };
            (month, Day::Nth(order, day_of_week), time)
        }
        When::Date { month, day, time } if (1..=31).contains(&day) => (month, Day::Date(day), time),
        When::Date { .. } => return None,
    };
    // 23:59:59.999, or 23:59:59 from those who cut it off, is the end of the day.
    let time = match time.as_secs() {
        86_399 => 86_400,
        time => time,
    };
    if !(1..=12).contains(&month) || !(0..=DAY).contains(&time) {
        return None;
    }
    Some(On { month, day, time: i32::try_from(time).ok()? })
}

fn recurring(on: &On) -> When {
    let time = match i64::from(on.time) {
        DAY => SignedDuration::from_millis(DAY * 1000 - 1),
        time => SignedDuration::from_secs(time),
    };
    match on.day {
        Day::Nth(order, day_of_week) => {
            When::Day { month: on.month, day_of_week, occurrence: if order == 5 { -1 } else { order }, time }
        }
        Day::Date(day) => When::Date { month: on.month, day, time },
    }
}

fn civil_of_local(local: i64) -> Option<civil::DateTime> {
    Some(jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_second(local).ok()?))
}
