//! `RRULE` (RFC 5545 §3.3.10) and the six patterns, both ways.
//!
//! RFC 5545 leaves out a day that a month does not have; Exchange takes the last one
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcical/>). So such days are
//! written as the last of those up to them, and read from either form. Must not know events.

use std::ops::RangeInclusive;

use calcard::common::{CalendarScale, PartialDateTime};
use calcard::icalendar::{ICalendarDay, ICalendarFrequency, ICalendarMonth, ICalendarRecurrenceRule, ICalendarSkip};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday};

use super::moment::{self, Moment};
use super::weekday;
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, WeekIndex, Weekdays};
use crate::calendar::zone::Zone;
use crate::failure::Failure;

/// What repeats: when it begins on the clock of its zone.
pub(super) struct Beginning<'a> {
    pub(super) local: DateTime,
    pub(super) zone: &'a Zone,
    pub(super) is_all_day: bool,
}

pub(super) fn write(recurrence: &Recurrence, beginning: &Beginning<'_>) -> ICalendarRecurrenceRule {
    let mut rule = pattern_rule(&recurrence.pattern);
    match recurrence.range.end {
        RangeEnd::Never => {}
        RangeEnd::After(count) => rule.count = Some(count),
        RangeEnd::On(last) => rule.until = Some(until(last, beginning)),
    }
    rule
}

/// # Errors
/// [`Failure::BadRecurrence`] for what none of the six patterns says.
pub(super) fn read(rule: &ICalendarRecurrenceRule, beginning: &Beginning<'_>) -> Result<Recurrence, Failure> {
    let pattern = pattern(rule, beginning.local.date()).ok_or(Failure::BadRecurrence)?;
    let start = beginning.local.date();
    let end = match (rule.count, &rule.until) {
        (None, None) => RangeEnd::Never,
        (Some(count), None) => RangeEnd::After(count),
        (None, Some(until)) => RangeEnd::On(last_day(until, beginning).ok_or(Failure::BadRecurrence)?),
        (Some(_), Some(_)) => return Err(Failure::BadRecurrence),
    };
    if matches!(end, RangeEnd::On(last) if last < start) {
        return Err(Failure::BadRecurrence);
    }
    Ok(Recurrence { pattern, range: Range { start, end }, zone: None })
}

fn pattern_rule(pattern: &Pattern) -> ICalendarRecurrenceRule {
    let rule = |freq, interval: u32| ICalendarRecurrenceRule {
        freq,
        interval: Some(u16::try_from(interval).unwrap_or(u16::MAX)).filter(|interval| *interval > 1),
        ..ICalendarRecurrenceRule::default()
    };
    match *pattern {
        Pattern::Daily { interval } => rule(ICalendarFrequency::Daily, interval),
        Pattern::Weekly { interval, days, first_day } => ICalendarRecurrenceRule {
            byday: days.iter().map(|day| ICalendarDay { ordwk: None, weekday: weekday::write(day) }).collect(),
            wkst: Some(weekday::write(first_day)),
            ..rule(ICalendarFrequency::Weekly, interval)
        },
        Pattern::AbsoluteMonthly { interval, day } => on_day(day, 28..=31, rule(ICalendarFrequency::Monthly, interval)),
        Pattern::RelativeMonthly { interval, days, index } => {
            on_weekday(days, index, rule(ICalendarFrequency::Monthly, interval))
        }
        Pattern::AbsoluteYearly { interval, month, day } => {
            in_month(month, on_day(day, lengths(month), rule(ICalendarFrequency::Yearly, interval)))
        }
        Pattern::RelativeYearly { interval, month, days, index } => {
            in_month(month, on_weekday(days, index, rule(ICalendarFrequency::Yearly, interval)))
        }
    }
}

fn in_month(month: u8, rule: ICalendarRecurrenceRule) -> ICalendarRecurrenceRule {
    ICalendarRecurrenceRule { bymonth: vec![ICalendarMonth::new(month, false)], ..rule }
}

/// On a day of months that have this many days; where one has fewer, on its last.
fn on_day(day: u8, lengths: RangeInclusive<u8>, rule: ICalendarRecurrenceRule) -> ICalendarRecurrenceRule {
    let day = day.clamp(1, *lengths.end());
    let number = i8::try_from(day).unwrap_or(1);
    if day <= *lengths.start() {
        return ICalendarRecurrenceRule { bymonthday: vec![number], ..rule };
    }
    if day == *lengths.end() {
        return ICalendarRecurrenceRule { bymonthday: vec![-1], ..rule };
    }
    ICalendarRecurrenceRule { bymonthday: (SHORTEST..=number).collect(), bysetpos: vec![-1], ..rule }
}

fn on_weekday(days: Weekdays, index: WeekIndex, rule: ICalendarRecurrenceRule) -> ICalendarRecurrenceRule {
    let nth = INDEXES.iter().find(|(_, known)| *known == index).map_or(-1, |(nth, _)| *nth);
    let mut each = days.iter();
    match (each.next(), each.next()) {
        (Some(day), None) => ICalendarRecurrenceRule {
            byday: vec![ICalendarDay { ordwk: Some(nth), weekday: weekday::write(day) }],
            ..rule
        },
        _ => ICalendarRecurrenceRule {
            byday: days.iter().map(|day| ICalendarDay { ordwk: None, weekday: weekday::write(day) }).collect(),
            bysetpos: vec![i32::from(nth)],
            ..rule
        },
    }
}

/// The last occurrence that may be: RFC 5545 wants an instant unless the series is of whole days.
fn until(last: Date, beginning: &Beginning<'_>) -> PartialDateTime {
    if beginning.is_all_day {
        return moment::of_day(last);
    }
    let instant = moment::instant(beginning.zone, last.to_datetime(beginning.local.time()));
    instant.map_or_else(|| moment::of_day(last), moment::of_instant)
}

/// The last day on which an occurrence may begin.
fn last_day(until: &PartialDateTime, beginning: &Beginning<'_>) -> Option<Date> {
    let until = Moment::read(until)?;
    let local = until.local(beginning.zone)?;
    if matches!(until, Moment::Day(_)) || beginning.is_all_day || local.time() >= beginning.local.time() {
        return Some(local.date());
    }
    local.date().checked_sub(1.day()).ok()
}

fn pattern(rule: &ICalendarRecurrenceRule, start: Date) -> Option<Pattern> {
    let has_times = !(rule.bysecond.is_empty() && rule.byminute.is_empty() && rule.byhour.is_empty());
    let has_more = !(rule.byyearday.is_empty() && rule.byweekno.is_empty());
    let is_foreign = !matches!(rule.rscale, None | Some(CalendarScale::Gregorian))
        || matches!(rule.skip, Some(ICalendarSkip::Forward));
    if has_times || has_more || is_foreign {
        return None;
    }
    let interval = u32::from(rule.interval.unwrap_or(1));
    let only_days = rule.bymonth.is_empty() && rule.bymonthday.is_empty() && rule.bysetpos.is_empty();
    match rule.freq {
        ICalendarFrequency::Daily if only_days && rule.byday.is_empty() => Some(Pattern::Daily { interval }),
        ICalendarFrequency::Daily if only_days && interval == 1 => weekly(rule, 1, start),
        ICalendarFrequency::Weekly if only_days => weekly(rule, interval, start),
        ICalendarFrequency::Monthly if rule.bymonth.is_empty() => Some(match chosen(rule, 31, start)? {
            Chosen::Day(day) => Pattern::AbsoluteMonthly { interval, day },
            Chosen::Weekday(days, index) => Pattern::RelativeMonthly { interval, days, index },
        }),
        ICalendarFrequency::Yearly => {
            let month = match rule.bymonth.as_slice() {
                [] if rule.byday.is_empty() && rule.bymonthday.is_empty() => start.month().unsigned_abs(),
                [month] if !month.is_leap() && (1..=12).contains(&month.month()) => month.month(),
                _ => return None,
            };
            Some(match chosen(rule, *lengths(month).end(), start)? {
                Chosen::Day(day) => Pattern::AbsoluteYearly { interval, month, day },
                Chosen::Weekday(days, index) => Pattern::RelativeYearly { interval, month, days, index },
            })
        }
        _ => None,
    }
}

fn weekly(rule: &ICalendarRecurrenceRule, interval: u32, start: Date) -> Option<Pattern> {
    let days = if rule.byday.is_empty() { Weekdays::default().with(start.weekday()) } else { plain_days(rule)? };
    Some(Pattern::Weekly { interval, days, first_day: rule.wkst.map_or(Weekday::Monday, weekday::read) })
}

/// Which day of a month.
enum Chosen {
    Day(u8),
    Weekday(Weekdays, WeekIndex),
}

fn chosen(rule: &ICalendarRecurrenceRule, longest: u8, start: Date) -> Option<Chosen> {
    let day = |day: i8| u8::try_from(day).ok().filter(|day| (1..=longest).contains(day)).map(Chosen::Day);
    match (rule.bymonthday.as_slice(), rule.byday.as_slice(), rule.bysetpos.as_slice()) {
        ([], [], []) => day(start.day()),
        ([-1], [], [] | [-1 | 1]) => Some(Chosen::Day(longest)),
        ([one], [], [] | [-1 | 1]) => day(*one),
        ([SHORTEST, .., last], [], [-1]) if rule.bymonthday.iter().copied().eq(SHORTEST..=*last) => day(*last),
        ([], [ICalendarDay { ordwk: Some(nth), weekday: one }], [] | [-1 | 1]) => {
            Some(Chosen::Weekday(Weekdays::default().with(weekday::read(*one)), index(i32::from(*nth))?))
        }
        ([], [_, ..], [nth]) => {
            let days = plain_days(rule)?;
            let is_known = days.iter().nth(1).is_none() || GROUPS.contains(&days);
            is_known.then_some(Chosen::Weekday(days, index(*nth)?))
        }
        _ => None,
    }
}

fn plain_days(rule: &ICalendarRecurrenceRule) -> Option<Weekdays> {
    rule.byday.iter().map(|day| day.ordwk.is_none().then(|| weekday::read(day.weekday))).collect()
}

fn index(nth: i32) -> Option<WeekIndex> {
    INDEXES.iter().find(|(known, _)| i32::from(*known) == nth).map(|(_, index)| *index)
}

/// How many days a month has, from year to year.
fn lengths(month: u8) -> RangeInclusive<u8> {
    match month {
        2 => 28..=29,
        4 | 6 | 9 | 11 => 30..=30,
        _ => 31..=31,
    }
}

const INDEXES: [(i16, WeekIndex); 5] = [
    (1, WeekIndex::First),
    (2, WeekIndex::Second),
    (3, WeekIndex::Third),
    (4, WeekIndex::Fourth),
    (-1, WeekIndex::Last),
];
/// The sets of days that EWS can count in a month, besides single days.
const GROUPS: [Weekdays; 3] = [Weekdays::ALL, Weekdays::WORKING, Weekdays::WEEKEND];
/// Days that every month has.
const SHORTEST: i8 = 28;
