#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn window(from: i64, until: i64) -> Window {
    Window::new(at(from), at(until)).expect("start before end")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn calendar(mut items: Vec<BusyItem>) -> FreeBusy {
    items.sort_by_key(BusyItem::stored);
    let covers = window(0, i64::from(u32::MAX));
    FreeBusy {
        spans: vec![Arc::new(Span { covers, items: items.into(), details: None, working_hours: None })],
        known: None,
    }
}

/// A day in 2026, as an hour and minute in UTC.
fn item(start: &str, end: &str, status: BusyStatus) -> BusyItem {
    let on = |clock: &str| instant(&format!("2026-03-02T{clock}:00Z"));
    BusyItem::new(on(start), on(end), status)
}

fn day(from: &str, until: &str) -> Window {
    Window::new(instant(&format!("2026-03-02T{from}Z")), instant(&format!("2026-03-02T{until}Z"))).expect("a window")
}

#[test]
fn digits_are_those_of_exchange() {
    // MergedFreeBusy, protocol notes 3.5.
    let calendar = calendar(vec![
        item("09:00", "10:00", BusyStatus::Tentative),
        item("09:30", "10:00", BusyStatus::Busy),
        item("11:00", "11:01", BusyStatus::OutOfOffice),
        item("12:00", "13:00", BusyStatus::Free),
        item("13:00", "14:00", BusyStatus::WorkingElsewhere),
        item("14:00", "15:00", BusyStatus::NoData),
    ]);
    let digits = |digits| calendar.merged(day("08:30:00", "15:00:00"), 30, &Zone::utc(), digits);
    assert_eq!(digits(Digits::Exchange2007), "0120030000044");
    assert_eq!(digits(Digits::Exchange2013), "0120030004455");
}

#[test]
fn the_last_interval_may_be_short() {
    // The sample of the notes, 3.5: 00:00:00 to 23:59:59 at 60 minutes has 24 digits.
    let calendar = calendar(vec![item("23:59", "23:59", BusyStatus::Busy), item("23:30", "23:31", BusyStatus::Busy)]);
    let merged = calendar.merged(day("00:00:00", "23:59:59"), 60, &Zone::utc(), Digits::Exchange2007);
    assert_eq!(merged, format!("{}2", "0".repeat(23)));
    assert_eq!(calendar.merged(day("23:59:00", "23:59:59"), 60, &Zone::utc(), Digits::Exchange2007), "0");
    assert_eq!(calendar.merged(day("00:00:00", "23:59:59"), 0, &Zone::utc(), Digits::Exchange2007), "");
}

#[test]
fn a_meeting_shows_through_a_day_elsewhere() {
    let elsewhere = BusyItem::all_day(date(2026, 3, 2), date(2026, 3, 3), BusyStatus::WorkingElsewhere);
    let calendar = calendar(vec![elsewhere, item("09:00", "10:00", BusyStatus::Tentative)]);
    let merged = calendar.merged(day("08:00:00", "11:00:00"), 60, &Zone::utc(), Digits::Exchange2013);
    assert_eq!(merged, "414");
}

#[test]
fn a_group_is_as_busy_as_its_busiest_member() {
    let one = calendar(vec![item("09:00", "11:00", BusyStatus::Tentative)]);
    let other = calendar(vec![item("10:00", "12:00", BusyStatus::Busy)]);
    let merged = merged([&one, &other], day("09:00:00", "13:00:00"), 60, &Zone::utc(), Digits::Exchange2013);
    assert_eq!(merged, "1220");
}

#[test]
fn all_day_items_are_days_of_the_zone_that_asks() {
    // Protocol notes, graph.md 1: an all-day event floats.
    let calendar = calendar(vec![BusyItem::all_day(date(2026, 3, 29), date(2026, 3, 30), BusyStatus::OutOfOffice)]);
    let window = Window::new(instant("2026-03-28T20:00:00Z"), instant("2026-03-30T00:00:00Z")).expect("a window");
    let merged = |zone: &Zone| calendar.merged(window, 60, zone, Digits::Exchange2013);
    // 23 hours in Helsinki, where the clock is put forward that day.
    let helsinki = Zone::named("Europe/Helsinki").expect("known");
    assert_eq!(merged(&helsinki), format!("{}{}{}", "0".repeat(2), "3".repeat(23), "0".repeat(3)));
    assert_eq!(merged(&Zone::utc()), format!("{}{}", "0".repeat(4), "3".repeat(24)));
}

#[test]
fn edges_do_not_overlap_and_moments_do() {
    let calendar = calendar(vec![
        item("07:00", "08:00", BusyStatus::Busy),
        item("08:00", "08:00", BusyStatus::Busy),
        item("07:30", "08:30", BusyStatus::Busy),
        item("08:45", "08:45", BusyStatus::Free),
        item("09:00", "09:00", BusyStatus::Busy),
        item("09:00", "09:30", BusyStatus::Busy),
    ]);
    let found: Vec<_> = calendar
        .overlapping(day("08:00:00", "09:00:00"), &Zone::utc())
        .map(|(item, _)| item.stored().0.rem_euclid(86_400) / 60)
        .collect();
    assert_eq!(found, [7 * 60 + 30, 8 * 60, 8 * 60 + 45]);
    assert_eq!(calendar.overlapping(day("06:00:00", "07:00:00"), &Zone::utc()).count(), 0);
}

#[test]
fn beyond_what_is_known_there_is_no_data_and_items_are_cut() {
    let items = vec![
        item("07:00", "08:30", BusyStatus::Busy),
        item("09:00", "09:30", BusyStatus::Tentative),
        item("09:45", "11:00", BusyStatus::OutOfOffice),
        item("11:00", "12:00", BusyStatus::Busy),
    ];
    let hour = |time: &str| day(time, "23:59:00").start().as_second();
    let known = FreeBusy { known: Some(hour("08:00:00")..hour("10:00:00")), ..calendar(items.clone()) };
    let window = day("07:00:00", "12:00:00");
    let digits = |calendar: &FreeBusy, digits| calendar.merged(window, 30, &Zone::utc(), digits);
    assert_eq!(digits(&known, Digits::Exchange2007), "4420134444");
    assert_eq!(digits(&known, Digits::Exchange2013), "5520135555");
    let found: Vec<_> = known.overlapping(window, &Zone::utc()).map(|(item, _)| item).collect();
    let expected = [
        item("08:00", "08:30", BusyStatus::Busy),
        item("09:00", "09:30", BusyStatus::Tentative),
        item("09:45", "10:00", BusyStatus::OutOfOffice),
    ];
    assert_eq!(found, expected);
    let nothing = FreeBusy { known: Some(hour("08:00:00")..hour("08:00:00")), ..calendar(items) };
    assert_eq!(digits(&nothing, Digits::Exchange2007), "4".repeat(10));
    assert_eq!(nothing.overlapping(window, &Zone::utc()).count(), 0);
}

#[test]
fn whole_days_are_cut_on_the_clock_of_the_zone() {
    let helsinki = Zone::named("Europe/Helsinki").unwrap();
    let day = jiff::civil::date(2026, 1, 12);
    let whole = BusyItem::all_day(day, day.tomorrow().unwrap(), BusyStatus::OutOfOffice);
    let (start, end) = whole.instants(&helsinki);
    let known = FreeBusy { known: Some(start + 3600..end + 3600), ..calendar(vec![whole]) };
    let around = window(start - 7200, end + 7200);
    let found: Vec<_> = known.overlapping(around, &helsinki).map(|(item, _)| item.instants(&helsinki)).collect();
    assert_eq!(found, [(start + 3600, end)]);
    assert_eq!(known.merged(around, 60, &helsinki, Digits::Exchange2007), format!("444{}04", "3".repeat(23)));
}

#[test]
fn the_longest_view_has_all_its_digits() {
    // 62 days at 5 minutes, and a thousand items (Exchange's most) that all cover all of it.
    let items = (0..1000).map(|n| BusyItem::new(at(n), at(6_000_000), BusyStatus::Busy)).collect();
    let merged = calendar(items).merged(window(0, 62 * 86_400), 5, &Zone::utc(), Digits::Exchange2007);
    assert_eq!(merged, "2".repeat(17_856));
}

const STATUSES: [BusyStatus; 6] = [
    BusyStatus::Free,
    BusyStatus::Tentative,
    BusyStatus::Busy,
    BusyStatus::OutOfOffice,
    BusyStatus::WorkingElsewhere,
    BusyStatus::NoData,
];

/// Around the change of Europe's clocks in March 2026.
const BASE: i64 = 1_774_569_600;

prop_compose! {
    fn any_item()(start in 0..400_000_i64, length in 0..200_000_i64, status in 0..6_usize, days in 0..4_i8)
        -> BusyItem
    {
        match days {
            0 | 1 => BusyItem::new(at(BASE + start), at(BASE + start + length), STATUSES[status]),
            _ => {
                let first = date(2026, 3, 27).saturating_add(jiff::Span::new().days(start / 86_400));
                BusyItem::all_day(first, first.saturating_add(jiff::Span::new().days(days - 1)), STATUSES[status])
            }
        }
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(vec!["UTC", "Europe/Helsinki", "America/St_Johns", "Pacific/Kiritimati"])
        .prop_map(|name| Zone::named(name).expect("known"))
}

#[test]
fn of_neighbours_that_overlap_each_tells_its_own_half() {
    const DAY: i64 = 86_400;
    let span = |from: i64, to: i64, items: &[BusyItem]| {
        Arc::new(Span { covers: window(from, to), items: items.into(), details: None, working_hours: None })
    };
    let item = |hour: i64| BusyItem::new(at(7 * DAY + hour * 3600), at(7 * DAY + hour * 3600 + 1800), BusyStatus::Busy);
    // Two weeks, each with a day on both sides; the first was told before a meeting was moved from
    // an hour before the boundary to an hour after it, the second afterwards, and the reverse.
    let weeks = |first: &[BusyItem], second: &[BusyItem]| FreeBusy {
        spans: vec![span(-DAY, 8 * DAY, first), span(6 * DAY, 15 * DAY, second)],
        known: None,
    };
    let told = |weeks: FreeBusy| weeks.items().map(|(item, _)| *item).collect::<Vec<_>>();
    assert_eq!(told(weeks(&[item(1), item(2)], &[item(1), item(3)])), [item(1), item(3)]);
    assert_eq!(told(weeks(&[item(-2), item(-1)], &[item(-3), item(-1), item(4)])), [item(-2), item(-1), item(4)]);
}

proptest! {
    #[test]
    fn merged_is_what_each_slot_says_alone(
        items in prop::collection::vec(any_item(), 0..12),
        start in 0..300_000_i64,
        length in 1..300_000_i64,
        interval in 5..1440_u32,
        zone in any_zone(),
    ) {
        let calendar = calendar(items.clone());
        let (from, until) = (BASE + start, BASE + start + length);
        let merged = calendar.merged(window(from, until), interval, &zone, Digits::Exchange2013);
        let step = i64::from(interval) * 60;
        let expected: String = (from..until).step_by(usize::try_from(step).unwrap()).map(|slot| {
            let digit = |status| items.iter().any(|item| {
                let (start, end) = item.instants(&zone);
                item.status() == status && start.max(slot) < end.min(slot + step)
            });
            [
                (BusyStatus::OutOfOffice, '3'), (BusyStatus::Busy, '2'), (BusyStatus::Tentative, '1'),
                (BusyStatus::NoData, '5'), (BusyStatus::WorkingElsewhere, '4'),
            ].into_iter().find(|(status, _)| digit(*status)).map_or('0', |(_, digit)| digit)
        }).collect();
        prop_assert_eq!(merged, expected);
    }

    #[test]
    fn spans_tell_each_item_once(
        items in prop::collection::vec(any_item(), 0..12),
        cuts in prop::collection::btree_set(BASE..BASE + 600_000, 0..5),
    ) {
        let whole = calendar(items);
        let bounds: Vec<i64> = std::iter::once(BASE - 1).chain(cuts).chain([BASE + 700_000]).collect();
        let spans = bounds.windows(2).map(|bound| {
            let covers = window(bound[0], bound[1]);
            // Stored bounds: what the cache keeps knows no zone.
            let inside = |item: &&BusyItem| {
                let (start, end) = item.stored();
                start < bound[1] && (end > bound[0] || (start == end && start >= bound[0]))
            };
            let items: Box<[_]> = whole.spans[0].items.iter().filter(inside).copied().collect();
            Arc::new(Span { covers, items, details: None, working_hours: None })
        });
        let cut = FreeBusy { spans: spans.collect(), known: None };
        let told = |calendar: &FreeBusy| calendar.items().map(|(item, _)| *item).collect::<Vec<_>>();
        prop_assert_eq!(told(&cut), told(&whole));
    }

    #[test]
    fn overlapping_is_what_the_bounds_say(
        items in prop::collection::vec(any_item(), 0..12),
        start in 0..300_000_i64,
        length in 1..300_000_i64,
        zone in any_zone(),
    ) {
        let (from, until) = (BASE + start, BASE + start + length);
        let calendar = calendar(items);
        let found: Vec<_> = calendar.overlapping(window(from, until), &zone).map(|(item, _)| item).collect();
        let inside = |item: &BusyItem| {
            let (start, end) = item.instants(&zone);
            // An item without length is as good as one of a second.
            start.max(from) < end.max(start + 1).min(until)
        };
        let expected: Vec<_> = calendar.items().map(|(item, _)| *item).filter(inside).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn only_spans_with_items_say_whether_details_were_given() {
    let span = |items: &[BusyItem], detailed: bool| {
        let details = detailed.then(|| vec![ItemDetails::default(); items.len()].into());
        Arc::new(Span { covers: day("08:00:00", "17:00:00"), items: items.into(), details, working_hours: None })
    };
    let busy = [item("09:00", "10:00", BusyStatus::Busy)];
    for (spans, expected) in [
        (vec![span(&busy, true), span(&[], false)], true),
        (vec![span(&busy, true), span(&busy, false)], false),
        (vec![span(&busy, false), span(&[], true)], false),
        (vec![span(&[], false), span(&[], true)], true),
        (vec![span(&[], false)], false),
    ] {
        assert_eq!(FreeBusy { spans: spans.clone(), known: None }.is_detailed(), expected, "{spans:?}");
    }
}
