#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::calendar::free_busy::{BusyItem, BusyStatus, FreeBusy, Span};

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("an instant").as_second()
}

fn window(from: &str, until: &str) -> Window {
    Window::new(from.parse().expect("an instant"), until.parse().expect("an instant")).expect("start before end")
}

/// Monday, 2 March 2026.
fn monday() -> Options {
    Options::for_window(window("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"))
}

fn busy(bounds: &[(&str, &str, BusyStatus)]) -> FreeBusy {
    let instant = |clock: &str| format!("2026-03-02T{clock}:00Z").parse().expect("an instant");
    calendar(bounds.iter().map(|(start, end, status)| BusyItem::new(instant(start), instant(end), *status)).collect())
}

fn calendar(items: Vec<BusyItem>) -> FreeBusy {
    let covers = window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    FreeBusy {
        spans: vec![Arc::new(Span { covers, items: items.into(), details: None, working_hours: None })],
        known: None,
    }
}

fn with_hours(calendar: &FreeBusy, zone: &str, start_minute: u16, end_minute: u16) -> FreeBusy {
    let zone = Zone::named(zone).expect("known");
    let days = [true, true, true, true, true, false, false];
    let working_hours = Some(Arc::new(WorkingHours { zone, days, start_minute, end_minute }));
    FreeBusy { spans: vec![Arc::new(Span { working_hours, ..Span::clone(&calendar.spans[0]) })], known: None }
}

fn required(calendar: &FreeBusy) -> Attendee<'_> {
    Attendee { who: Who::Individual(Some(calendar)), role: Role::Required, exclude_conflicts: false }
}

fn asked(options: &Options, attendees: &[Attendee<'_>]) -> Vec<SuggestionDay> {
    suggest(options, attendees, &Zone::utc(), 0).expect("good options")
}

fn clock(local: i64) -> String {
    format!("{:02}:{:02}", local.rem_euclid(DAY) / 3600, local.rem_euclid(3600) / 60)
}

fn clocks(day: &SuggestionDay) -> Vec<String> {
    day.suggestions.iter().map(|suggestion| clock(suggestion.local)).collect()
}

const BUSY: BusyStatus = BusyStatus::Busy;

#[test]
fn free_half_hours_in_working_hours_are_excellent() {
    // Notes 3.8: step of 30 minutes (sample 09:00, 09:30), default 60 minutes, 10 results, none
    // outside working hours.
    let one = busy(&[("08:00", "09:00", BUSY), ("10:30", "15:59", BUSY)]);
    let days = asked(&monday(), &[required(&one)]);
    assert_eq!(days.len(), 1);
    assert_eq!((days[0].date, days[0].quality), (date(2026, 3, 2), Quality::Excellent));
    assert_eq!(clocks(&days[0]), ["09:00", "09:30", "16:00"]);
    assert!(days[0].suggestions.iter().all(|suggestion| suggestion.is_work_time));
    assert_eq!(days[0].suggestions[0].conflicts, [Conflict::Individual(BusyStatus::Free)]);
}

#[test]
fn limits_take_the_best_then_the_first() {
    let one = busy(&[("08:00", "10:00", BUSY)]);
    let other = busy(&[]);
    let attendees = [required(&one), required(&other)];
    let options = Options { maximum_by_day: 3, ..monday() };
    assert_eq!(clocks(&asked(&options, &attendees)[0]), ["10:00", "10:30", "11:00"]);
    // Excellent first, then the fair ones, each by time.
    let options = Options { maximum_by_day: 48, ..monday() };
    let found = clocks(&asked(&options, &attendees)[0]);
    assert_eq!((found[0].as_str(), found[12].as_str(), found[13].as_str()), ("10:00", "16:00", "08:00"));
    assert_eq!(found.len(), 17);
    let options = Options { maximum_by_day: 0, ..monday() };
    assert_eq!(asked(&options, &attendees)[0].suggestions, []);
}

#[test]
fn times_outside_work_have_their_own_limit() {
    let one = busy(&[("08:00", "17:00", BUSY)]);
    let options = Options { maximum_outside_work_by_day: 2, minimum_quality: Quality::Excellent, ..monday() };
    let days = asked(&options, &[required(&one)]);
    assert_eq!(clocks(&days[0]), ["00:00", "00:30"]);
    assert!(days[0].suggestions.iter().all(|suggestion| !suggestion.is_work_time));
    // Times at work come before them, and they count in the whole.
    let free = busy(&[]);
    let options = Options { maximum_by_day: 18, maximum_outside_work_by_day: 48, ..monday() };
    let days = asked(&options, &[required(&free)]);
    assert_eq!(days[0].suggestions.iter().filter(|suggestion| !suggestion.is_work_time).count(), 1);
    assert_eq!(clocks(&days[0])[..2], ["00:00", "08:00"]);
}

#[test]
fn qualities_are_those_of_ms_oxwavls() {
    // Notes 3.8: excellent without a conflict, good below GoodThreshold percent, poor above half.
    let conflicting = busy(&[("08:00", "17:00", BusyStatus::Tentative)]);
    let free = busy(&[("08:00", "17:00", BusyStatus::WorkingElsewhere)]);
    let quality = |conflicts: usize, of: usize, good_threshold: u32| {
        let mut attendees = vec![required(&conflicting); conflicts];
        attendees.resize(of, required(&free));
        let options = Options { good_threshold, minimum_quality: Quality::Poor, ..monday() };
        asked(&options, &attendees)[0].quality
    };
    assert_eq!(quality(0, 4, 25), Quality::Excellent);
    assert_eq!(quality(1, 5, 25), Quality::Good);
    assert_eq!(quality(1, 4, 25), Quality::Fair);
    assert_eq!(quality(1, 4, 26), Quality::Good);
    assert_eq!(quality(2, 4, 25), Quality::Fair);
    assert_eq!(quality(3, 4, 25), Quality::Poor);
    assert_eq!(quality(1, 5, 0), Quality::Fair);
}

#[test]
fn every_day_is_told_even_without_suggestions() {
    // Notes 3.8, from a capture: every day of the window listed, Poor, with an empty array.
    let one = calendar(vec![BusyItem::all_day(date(2026, 3, 1), date(2026, 5, 1), BusyStatus::OutOfOffice)]);
    let options = Options::for_window(window("2026-03-02T00:00:00Z", "2026-04-13T00:00:00Z"));
    let days = asked(&options, &[required(&one)]);
    assert_eq!(days.len(), 42);
    assert_eq!((days[0].date, days[41].date), (date(2026, 3, 2), date(2026, 4, 12)));
    assert!(days.iter().all(|day| day.quality == Quality::Poor && day.suggestions.is_empty()));
}

#[test]
fn days_and_times_are_those_of_the_zone() {
    let helsinki = Zone::named("FLE Standard Time").expect("known");
    let free = with_hours(&busy(&[]), "FLE Standard Time", 8 * 60, 17 * 60);
    // Saturday to Monday around the change of the clocks, from local midnight.
    let options = Options::for_window(window("2026-03-27T22:00:00Z", "2026-03-30T21:00:00Z"));
    let days = suggest(&options, &[required(&free)], &helsinki, 0).expect("good options");
    let dates: Vec<_> = days.iter().map(|day| day.date.day()).collect();
    assert_eq!(dates, [28, 29, 30]);
    assert_eq!((days[0].suggestions.len(), days[1].suggestions.len()), (0, 0), "a weekend");
    assert_eq!(clocks(&days[2])[0], "08:00");
    let all = Options { maximum_by_day: 48, maximum_outside_work_by_day: 48, duration_minutes: 30, ..options };
    let days = suggest(&all, &[required(&free)], &helsinki, 0).expect("good options");
    let counts: Vec<_> = days.iter().map(|day| day.suggestions.len()).collect();
    assert_eq!(counts, [48, 46, 48], "an hour is skipped");
    let all = Options { window: window("2026-10-24T21:00:00Z", "2026-10-25T22:00:00Z"), ..all };
    let days = suggest(&all, &[required(&free)], &helsinki, 0).expect("good options");
    let mut clocks = clocks(&days[0]);
    clocks.dedup();
    assert_eq!(clocks.len(), 48, "an hour is shown twice and suggested once");
}

#[test]
fn meetings_begin_at_half_hours_and_end_in_the_window() {
    let free = busy(&[]);
    let options =
        Options { window: window("2026-03-02T09:10:00Z", "2026-03-02T12:00:00Z"), duration_minutes: 90, ..monday() };
    assert_eq!(clocks(&asked(&options, &[required(&free)])[0]), ["09:30", "10:00", "10:30"]);
    let options = Options { window: window("2026-03-02T09:10:00Z", "2026-03-02T10:00:00Z"), ..options };
    assert_eq!(asked(&options, &[required(&free)])[0].suggestions, []);
    // Kathmandu is 5:45 ahead.
    let kathmandu = Zone::named("Nepal Standard Time").expect("known");
    let options = Options { window: window("2026-03-02T03:00:00Z", "2026-03-02T12:00:00Z"), ..options };
    let days = suggest(&options, &[required(&free)], &kathmandu, 0).expect("good options");
    assert_eq!(clocks(&days[0])[0], "09:00");
}

#[test]
fn bounds_of_items_are_exact() {
    // 45 minutes fit from 09:00, though the half-hour from 09:30 is taken from 09:45 on.
    let one = busy(&[("08:00", "09:00", BUSY), ("09:45", "16:59", BUSY)]);
    let options = Options { duration_minutes: 45, ..monday() };
    assert_eq!(clocks(&asked(&options, &[required(&one)])[0]), ["09:00"]);
}

#[test]
fn the_past_is_not_suggested() {
    let free = busy(&[]);
    let now = at("2026-03-02T15:00:01Z");
    let days = suggest(&monday(), &[required(&free)], &Zone::utc(), now).expect("good options");
    assert_eq!(clocks(&days[0]), ["15:30", "16:00"]);
}

#[test]
fn the_meeting_that_is_moved_is_no_conflict() {
    let one = busy(&[("08:00", "09:30", BUSY), ("10:00", "11:00", BUSY), ("11:00", "17:00", BUSY)]);
    let options = Options { current_meeting: Some(at("2026-03-02T10:00:00Z")), ..monday() };
    assert_eq!(clocks(&asked(&options, &[required(&one)])[0]), ["09:30", "10:00"]);
    assert_eq!(asked(&monday(), &[required(&one)])[0].suggestions, []);
}

#[test]
fn optional_attendees_are_told_but_not_counted() {
    let free = busy(&[]);
    let taken = busy(&[("00:00", "12:00", BUSY)]);
    let optional = Attendee { role: Role::Optional, ..required(&taken) };
    let days = asked(&monday(), &[required(&free), optional.clone()]);
    assert_eq!((clocks(&days[0])[0].as_str(), days[0].quality), ("08:00", Quality::Excellent));
    let conflicts = &days[0].suggestions[0].conflicts;
    assert_eq!(*conflicts, [Conflict::Individual(BusyStatus::Free), Conflict::Individual(BUSY)]);
    // ExcludeConflicts holds for whoever has it.
    let excluding = Attendee { exclude_conflicts: true, ..optional };
    assert_eq!(clocks(&asked(&monday(), &[required(&free), excluding])[0])[0], "12:00");
}

#[test]
fn groups_count_their_members() {
    // GroupAttendeeConflictData, notes 3.8.
    let taken = busy(&[("00:00", "23:00", BUSY)]);
    let maybe = busy(&[("00:00", "23:00", BusyStatus::Tentative)]);
    let unknown = busy(&[("00:00", "23:00", BusyStatus::NoData)]);
    let elsewhere = busy(&[("00:00", "23:00", BusyStatus::WorkingElsewhere)]);
    let free = busy(&[]);
    let members = vec![Some(&taken), Some(&maybe), Some(&unknown), Some(&elsewhere), Some(&free), Some(&free), None];
    let group = Attendee { who: Who::Group(members), role: Role::Required, exclude_conflicts: false };
    let nobody = |who| Attendee { who, role: Role::Required, exclude_conflicts: true };
    let attendees = [group, nobody(Who::Unknown), nobody(Who::TooBigGroup), nobody(Who::Individual(None))];
    let days = asked(&monday(), &attendees);
    // Two of the five of whom something is known: 40 %.
    assert_eq!(days[0].quality, Quality::Fair);
    let expected = [
        Conflict::Group { members: 7, available: 3, with_conflict: 2, with_no_data: 2 },
        Conflict::Unknown,
        Conflict::TooBigGroup,
        Conflict::Individual(BusyStatus::NoData),
    ];
    assert_eq!(days[0].suggestions[0].conflicts, expected);
}

#[test]
fn the_organizers_working_hours_count() {
    let early = with_hours(&busy(&[]), "UTC", 6 * 60, 8 * 60);
    let late = with_hours(&busy(&[]), "Tokyo Standard Time", 20 * 60, 23 * 60);
    let attendees = [required(&early), Attendee { role: Role::Organizer, ..required(&late) }];
    // 20:00 to 23:00 in Tokyo.
    assert_eq!(clocks(&asked(&monday(), &attendees)[0]), ["11:00", "11:30", "12:00", "12:30", "13:00"]);
    assert_eq!(clocks(&asked(&monday(), &attendees[..1])[0]), ["06:00", "06:30", "07:00"]);
    // A night shift: Monday's goes on until Tuesday, 02:00; Sunday is free.
    let night = with_hours(&busy(&[]), "UTC", 22 * 60, 2 * 60);
    let two_days = Options::for_window(window("2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z"));
    let days = asked(&two_days, &[required(&night)]);
    assert_eq!(clocks(&days[0]), ["22:00", "22:30", "23:00", "23:30"]);
    assert_eq!(clocks(&days[1]), ["00:00", "00:30", "01:00", "22:00", "22:30", "23:00"]);
}

#[test]
fn options_out_of_range_are_refused() {
    // Ranges of the notes, 3.8.
    assert_eq!(monday().check(), Ok(()));
    for bad in [
        Options { good_threshold: 51, ..monday() },
        Options { maximum_by_day: 49, ..monday() },
        Options { maximum_outside_work_by_day: 49, ..monday() },
        Options { duration_minutes: 29, ..monday() },
        Options { duration_minutes: 1441, ..monday() },
    ] {
        assert!(matches!(suggest(&bad, &[], &Zone::utc(), 0), Err(Failure::Schema { .. })), "{bad:?}");
    }
    let long = Options::for_window(window("2026-03-02T00:00:00Z", "2026-05-03T00:00:01Z"));
    let what = "SuggestionsViewOptions.DetailedSuggestionsWindow";
    assert_eq!(long.check(), Err(Failure::WindowTooLarge { what, days: 63 }));
    let whole = Options::for_window(window("2026-03-02T00:00:00Z", "2026-05-03T00:00:00Z"));
    assert_eq!(suggest(&whole, &[], &Zone::utc(), 0).expect("62 days").len(), 62);
}

#[test]
fn the_longest_request_is_answered() {
    // 62 days, 100 mailboxes of 1000 items each, all a day has.
    let first = at("2026-03-02T00:00:00Z");
    let minute = |minute: i64| Timestamp::from_second(first + minute * 60).unwrap();
    let items = (0..1000).map(|n| BusyItem::new(minute(n * 89), minute(n * 89 + 44), BUSY)).collect();
    let one = calendar(items);
    let options = Options {
        maximum_by_day: 48,
        maximum_outside_work_by_day: 48,
        minimum_quality: Quality::Poor,
        ..Options::for_window(window("2026-03-02T00:00:00Z", "2026-05-03T00:00:00Z"))
    };
    let days = asked(&options, &vec![required(&one); 100]);
    let counts: Vec<_> = days.iter().map(|day| day.suggestions.len()).collect();
    assert_eq!(counts, [vec![48; 61], vec![47]].concat());
    assert!(days.iter().flat_map(|day| &day.suggestions).all(|suggestion| suggestion.conflicts.len() == 100));
}

proptest! {
    #[test]
    fn what_is_suggested_is_true(
        bounds in prop::collection::vec(prop::collection::vec((0..1400_i64, 0..600_i64), 0..6), 1..5),
        duration_minutes in 30..300_u32,
        maximum_by_day in 0..48_u32,
        maximum_outside_work_by_day in 0..48_u32,
        now in 0..1440_i64,
    ) {
        let midnight = at("2026-03-02T00:00:00Z");
        let minute = |minute: i64| Timestamp::from_second(midnight + minute * 60).unwrap();
        let calendars: Vec<FreeBusy> = bounds.iter().map(|bounds| {
            let mut items: Vec<_> = bounds.iter().map(|(start, length)| {
                BusyItem::new(minute(*start), minute(start + length), BUSY)
            }).collect();
            items.sort_by_key(BusyItem::stored);
            calendar(items)
        }).collect();
        let attendees: Vec<_> = calendars.iter().map(required).collect();
        let options = Options {
            duration_minutes, maximum_by_day, maximum_outside_work_by_day, minimum_quality: Quality::Poor, ..monday()
        };
        let now = midnight + now * 60;
        let days = suggest(&options, &attendees, &Zone::utc(), now).expect("good options");
        let found = &days[0].suggestions;
        let length = i64::from(duration_minutes) * 60;
        let conflicting = |start: i64| {
            let taken = |calendar: &&FreeBusy| calendar.items().any(|(item, _)| {
                let (from, until) = item.stored();
                from.max(start) < until.min(start + length)
            });
            calendars.iter().filter(taken).count()
        };
        for suggestion in found {
            let busy = suggestion.conflicts.iter().filter(|c| **c == Conflict::Individual(BUSY)).count();
            prop_assert_eq!(busy, conflicting(suggestion.local));
            prop_assert!(suggestion.local >= now && suggestion.local + length <= midnight + DAY);
            let minute = (suggestion.local - midnight) / 60;
            prop_assert_eq!(suggestion.is_work_time, minute >= 480 && minute * 60 + length <= 17 * 3600);
        }
        prop_assert!(found.is_sorted_by_key(|suggestion| (suggestion.quality, suggestion.local)));
        // Nothing better at work was left out.
        let worst = found.last().map(|suggestion| suggestion.quality);
        let full = found.len() == usize::try_from(maximum_by_day).unwrap();
        let free_at_work = (16..34).map(|half| midnight + half * HALF_HOUR).filter(|start| {
            *start >= now && *start + length <= midnight + 17 * 3600 && conflicting(*start) == 0
        });
        let told = |start: i64| found.iter().any(|suggestion| suggestion.local == start);
        for start in free_at_work {
            prop_assert!(told(start) || full && worst.is_none_or(|worst| worst == Quality::Excellent));
        }
        let outside = found.iter().filter(|suggestion| !suggestion.is_work_time).count();
        prop_assert!(outside <= usize::try_from(maximum_outside_work_by_day).unwrap());
    }
}
