//! `STANDARD` and `DAYLIGHT` (RFC 5545 §3.6.5): the parts of a `VTIMEZONE`, both ways.
//!
//! Must not know which zone they belong to.

use calcard::icalendar::{
    ICalendarComponent, ICalendarComponentType, ICalendarDay, ICalendarEntry, ICalendarFrequency, ICalendarMonth,
    ICalendarProperty, ICalendarRecurrenceRule, ICalendarValue,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};

use super::moment::{self, Moment};
use super::weekday;
use crate::calendar::zone::Zone;

/// From when on a clock shows what. Offsets are minutes ahead of UTC.
#[derive(Clone, Debug)]
pub(super) struct Observance {
    pub(super) is_daylight: bool,
    /// On the clock that is left.
    pub(super) start: DateTime,
    pub(super) from: i32,
    pub(super) to: i32,
    /// When it begins again in later years.
    pub(super) yearly: Option<Yearly>,
    /// Until when it does so.
    pub(super) until: Option<Timestamp>,
}

/// A weekday of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Yearly {
    /// 1 to 12.
    pub(super) month: i8,
    pub(super) weekday: Weekday,
    /// 1 to 4; 5: the last.
    pub(super) order: i8,
}

impl Yearly {
    /// The moment in a year.
    pub(super) fn on(self, year: i16, time: Time) -> Option<DateTime> {
        let nth = if self.order == LAST { -1 } else { self.order };
        let day = Date::new(year, self.month, 1).ok()?.nth_weekday_of_month(nth, self.weekday).ok()?;
        Some(day.to_datetime(time))
    }
}

impl Observance {
    /// Nothing for other components, and for what cannot be understood.
    pub(super) fn read(component: &ICalendarComponent) -> Option<Self> {
        let is_daylight = match component.component_type {
            ICalendarComponentType::Standard => false,
            ICalendarComponentType::Daylight => true,
            _ => return None,
        };
        let value = |name| component.property(&name).and_then(|entry| entry.values.first());
        let offset = |name| value(name)?.as_partial_date_time().and_then(moment::offset).map(|seconds| seconds / 60);
        let Moment::Local(start) = Moment::read(value(ICalendarProperty::Dtstart)?.as_partial_date_time()?)? else {
            return None;
        };
        let to = offset(ICalendarProperty::Tzoffsetto)?;
        let rule = match value(ICalendarProperty::Rrule) {
            Some(ICalendarValue::RecurrenceRule(rule)) => Some(rule),
            Some(_) => return None,
            None => None,
        };
        let until = match rule.and_then(|rule| rule.until.as_ref()) {
            Some(until) => Some(match Moment::read(until)? {
                Moment::At(instant) => instant,
                day => moment::instant(&Zone::utc(), day.local(&Zone::utc())?)?,
            }),
            None => None,
        };
        let yearly = match rule {
            Some(rule) => Some(yearly(rule, start.date())?),
            None => None,
        };
        Some(Self {
            is_daylight,
            start,
            from: offset(ICalendarProperty::Tzoffsetfrom).unwrap_or(to),
            to,
            yearly,
            until,
        })
    }

    pub(super) fn write(&self) -> ICalendarComponent {
        let kind = if self.is_daylight { ICalendarComponentType::Daylight } else { ICalendarComponentType::Standard };
        let mut component = ICalendarComponent::new(kind);
        component.add_property(ICalendarProperty::Dtstart, moment::of_local(self.start));
        component.add_property(ICalendarProperty::Tzoffsetfrom, moment::of_offset(self.from));
        component.add_property(ICalendarProperty::Tzoffsetto, moment::of_offset(self.to));
        if let Some(yearly) = self.yearly {
            let nth = i16::from(if yearly.order == LAST { -1 } else { yearly.order });
            let rule = ICalendarRecurrenceRule {
                freq: ICalendarFrequency::Yearly,
                until: self.until.map(moment::of_instant),
                byday: vec![ICalendarDay { ordwk: Some(nth), weekday: weekday::write(yearly.weekday) }],
                bymonth: vec![ICalendarMonth::new(yearly.month.unsigned_abs(), false)],
                ..ICalendarRecurrenceRule::default()
            };
            component.entries.push(ICalendarEntry::new(ICalendarProperty::Rrule).with_value(rule));
        }
        component
    }
}

fn yearly(rule: &ICalendarRecurrenceRule, start: Date) -> Option<Yearly> {
    let is_plain = rule.freq == ICalendarFrequency::Yearly
        && rule.interval.unwrap_or(1) == 1
        && rule.bysetpos.is_empty()
        && rule.byyearday.is_empty()
        && rule.byweekno.is_empty();
    let month = match rule.bymonth.as_slice() {
        [] => start.month(),
        [month] => i8::try_from(month.month()).ok()?,
        _ => return None,
    };
    let [ICalendarDay { ordwk, weekday }] = *rule.byday.as_slice() else { return None };
    let order = match (ordwk, rule.bymonthday.as_slice()) {
        (Some(nth @ 1..=4), []) => i8::try_from(nth).ok()?,
        (Some(-1), []) => LAST,
        // The first such day from the first of these seven on.
        (None, [first, .., last]) if last.checked_sub(*first) == Some(6) && rule.bymonthday.len() == 7 => {
            let length = Date::new(2001, month, 1).ok()?.days_in_month();
            match first {
                1 | 8 | 15 | 22 if *last != length => first / 7 + 1,
                _ if *last == length => LAST,
                _ => return None,
            }
        }
        _ => return None,
    };
    (is_plain && (1..=12).contains(&month)).then(|| Yearly { month, weekday: weekday::read(weekday), order })
}

/// The order of the last such day of a month.
const LAST: i8 = 5;
