#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::civil::{self, DateTime, date, time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("an instant").as_second()
}

fn clock(text: &str) -> i64 {
    Offset::UTC.to_timestamp(text.parse::<DateTime>().expect("a clock")).expect("in range").as_second()
}

fn change(bias: i32, month: i8, day_order: i8, hour: i8) -> Change {
    Change { bias, time: time(hour, 0, 0, 0), day_order, month, day_of_week: DayOfWeek::Sunday, year: None }
}

fn pacific() -> BiasRules {
    BiasRules { bias: 480, standard: change(0, 11, 1, 2), daylight: change(-60, 3, 2, 2) }
}

fn tz(iana: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(iana).expect("in the database")
}

/// The instant of a local second, from the database's offsets alone (jiff sees a fold in Nuuk on
/// 2023-10-28, where only the abbreviation changed).
fn instant(offset_at: impl Fn(i64) -> i64, local: i64) -> i64 {
    let around = [offset_at(local - DAY), offset_at(local + DAY)];
    let candidates = around.map(|offset| local - offset);
    let shown = candidates.into_iter().filter(|second| second + offset_at(*second) == local).min();
    shown.unwrap_or(local - around[0])
}

/// Whether a zone shows what jiff shows, both ways, at each step and at each half-hour of the days
/// around a change; the first difference otherwise.
fn differs(zone: &Zone, tz: &TimeZone, from: i64, until: i64, step: usize) -> Option<String> {
    let offset_at = |second| i64::from(tz.to_offset(Timestamp::from_second(second).unwrap()).seconds());
    let changes = tz.following(Timestamp::from_second(from).unwrap()).map(|change| change.timestamp().as_second());
    let changes = changes.take_while(|change| *change < until);
    let near = changes.flat_map(|change| (change - DAY..=change + DAY).step_by(1800));
    for second in (from..until).step_by(step).chain(near) {
        let (shown, expected) = (zone.local_of_second(second), second + offset_at(second));
        if shown != expected {
            return Some(format!("at {}: {shown} for {expected}", Timestamp::from_second(second).unwrap()));
        }
        // As if the step were a clock: gaps and folds are met at their times too.
        let (found, expected) = (zone.second_of_local(second), instant(offset_at, second));
        if found != expected {
            return Some(format!("clock {}: {found} for {expected}", Timestamp::from_second(second).unwrap()));
        }
    }
    None
}

#[test]
fn every_windows_zone_is_defined_with_its_real_transitions() {
    // GetServerTimeZones, protocol notes 8: what a client builds from the definition must show the
    // same clock as the tz database.
    for windows in windows_zones() {
        let definition = definition(windows.id).expect(windows.id);
        let zone = Zone::from_definition(&definition).expect(windows.id);
        let (from, until) = (at("2015-01-01T00:00:00Z"), at("2041-01-01T00:00:00Z"));
        assert_eq!(differs(&zone, &tz(windows.iana), from, until, 37 * 3600), None, "{}", windows.id);
        let named = Zone::named(windows.id).expect(windows.id);
        assert_eq!(differs(&named, &tz(windows.iana), from, until, 90 * 86_400), None, "{}", windows.id);
    }
}

#[test]
fn definitions_are_what_exchangelib_reads() {
    // exchangelib's properties.py: 1 or 2 transitions in a group, one of them into a period named
    // Standard; two are RecurringDay; groups sort by the text of their ids into order of time.
    for windows in windows_zones() {
        let definition = definition(windows.id).expect(windows.id);
        let period = |target: &Target| match target {
            Target::Period(id) => definition.periods.iter().find(|period| period.id == *id).expect("a period"),
            Target::Group(id) => panic!("{id} in a group"),
        };
        let mut ids: Vec<_> = definition.periods.iter().map(|period| &period.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), definition.periods.len(), "{}: one id, one period", windows.id);
        for group in &definition.groups {
            let names: Vec<_> = group.transitions.iter().map(|t| period(&t.to).name.as_str()).collect();
            match group.transitions.as_slice() {
                [only] => assert!(only.when == When::Always && names == ["Standard"]),
                [one, other] => {
                    assert!(names == ["Daylight", "Standard"]);
                    assert!(matches!((one.when, other.when), (When::Day { .. }, When::Day { .. })));
                    assert!(period(&one.to).bias < period(&other.to).bias, "daylight is ahead");
                }
                _ => panic!("{}: group {}", windows.id, group.id),
            }
        }
        assert!(definition.groups.is_sorted_by(|a, b| a.id < b.id), "{}", windows.id);
        assert_eq!(definition.transitions.len(), definition.groups.len());
        assert_eq!(definition.transitions[0].when, When::Always);
    }
}

#[test]
fn the_pacific_definition_is_exchanges() {
    // The sample of https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezonedefinition.
    let definition = definition("pacific standard TIME").expect("known");
    assert_eq!(definition.id, "Pacific Standard Time");
    assert_eq!(definition.name, "(UTC-08:00) Pacific Time (US & Canada)");
    let ids: Vec<_> = definition.periods.iter().map(|period| (period.id.as_str(), period.bias.as_hours())).collect();
    let prefix = "trule:Microsoft/Registry/Pacific Standard Time";
    let expected = [("2006-Standard", 8), ("2006-Daylight", 7), ("2007-Standard", 8), ("2007-Daylight", 7)];
    assert!(ids.len() == 4 && expected.iter().all(|(id, bias)| ids.contains(&(&format!("{prefix}/{id}"), *bias))));
    let whens: Vec<_> = definition.groups.iter().flat_map(|group| group.transitions.iter().map(|t| t.when)).collect();
    let day = |month, occurrence| When::Day {
        month,
        day_of_week: DayOfWeek::Sunday,
        occurrence,
        time: SignedDuration::from_hours(2),
    };
    assert_eq!(whens, [day(4, 1), day(10, -1), day(3, 2), day(11, 1)]);
    let eras: Vec<_> = definition.transitions.iter().map(|t| t.when).collect();
    assert_eq!(eras, [When::Always, When::Absolute(date(2007, 1, 1).at(0, 0, 0, 0))]);
}

#[test]
fn bias_rules_hold_in_their_year() {
    // SerializableTimeZone, protocol notes 3.2. Years that two changes cannot express are left out.
    let (mut compared, mut inexpressible) = (0, 0);
    for windows in windows_zones() {
        let zone = Zone::named(windows.id).expect(windows.id);
        let tz = tz(windows.iana);
        for year in [2015_i16, 2018, 2019, 2024, 2026, 2030, 2037, 2040] {
            let begin = zone.second_of_local(clock(&format!("{year}-01-01T00:00:00")));
            let end = zone.second_of_local(clock(&format!("{}-01-01T00:00:00", year + 1)));
            let rules = zone.bias_rules((begin + end) / 2);
            let again = Zone::from_rules(rules).expect(windows.id);
            let changes = tz
                .following(Timestamp::from_second(begin - 1).unwrap())
                .take_while(|t| t.timestamp().as_second() < end)
                .count();
            if changes > 2 {
                inexpressible += 1;
                continue;
            }
            compared += 1;
            let mut second = begin;
            while second < end {
                assert_eq!(
                    again.local_of_second(second),
                    zone.local_of_second(second),
                    "{} at {}: {rules:?}",
                    windows.id,
                    Timestamp::from_second(second).unwrap()
                );
                second += HOUR;
            }
        }
    }
    assert!(compared > 1000 && inexpressible < 20, "{compared} {inexpressible}");
}

#[test]
fn bias_rules_read_as_microsoft_writes_them() {
    let helsinki = Zone::named("FLE Standard Time").expect("known").bias_rules(at("2026-10-25T12:00:00Z"));
    // The last Sunday of October 2026 is also the fourth: the rule says "last".
    assert_eq!(helsinki, BiasRules { bias: -120, standard: change(0, 10, 5, 4), daylight: change(-60, 3, 5, 3) });
    assert_eq!(Zone::named("America/Los_Angeles").expect("known").bias_rules(at("2026-06-01T00:00:00Z")), pacific());
    // No daylight time: the form of MAPI.cs, the Java API and DavMail (notes 3.2).
    let tokyo = BiasRules { bias: -540, standard: change(0, 3, 1, 2), daylight: change(0, 10, 1, 2) };
    assert_eq!(Zone::named("Tokyo Standard Time").expect("known").bias_rules(at("2026-06-01T00:00:00Z")), tokyo);
    // Cairo changes at the end of a Thursday.
    let cairo = Zone::named("Egypt Standard Time").expect("known").bias_rules(at("2026-06-01T00:00:00Z"));
    assert_eq!((cairo.standard.time, cairo.standard.day_of_week), (time(23, 59, 59, 0), DayOfWeek::Thursday));
}

#[test]
fn rules_hold_in_both_hemispheres() {
    let pacific = Zone::from_rules(pacific()).expect("good");
    assert_eq!(
        differs(&pacific, &tz("America/Los_Angeles"), at("2008-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"), 1800),
        None
    );
    // Notes 3.2, gh:ews-java-api#592: bias -600, standard time from April, daylight from October.
    let sydney = BiasRules { bias: -600, standard: change(0, 4, 1, 3), daylight: change(-60, 10, 1, 2) };
    let sydney = Zone::from_rules(sydney).expect("good");
    assert_eq!(
        differs(&sydney, &tz("Australia/Sydney"), at("2009-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"), 1800),
        None
    );
}

#[test]
fn rules_without_daylight_time_are_one_offset() {
    // Notes 3.2: month 0 or day order 0 (evolution), or equal offsets with dates that mean nothing.
    for (standard, daylight) in [
        (change(0, 0, 0, 0), change(0, 0, 0, 0)),
        (change(0, 0, 0, 0), change(-60, 3, 2, 2)),
        (change(0, 3, 1, 2), change(0, 10, 1, 2)),
        (change(0, 11, 0, 2), change(-60, 3, 2, 2)),
    ] {
        let zone = Zone::from_rules(BiasRules { bias: 300, standard, daylight }).expect("good");
        for when in ["2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z"] {
            assert_eq!(zone.local_of_second(at(when)), at(when) - 5 * HOUR);
        }
    }
}

#[test]
fn rules_of_one_year_are_dates() {
    // Notes 3.2: with a year the day order is the day of the month.
    let dated = |year, change: Change, day_order| Change { year: Some(year), day_order, ..change };
    let north = BiasRules {
        bias: 480,
        standard: dated(2026, change(0, 11, 1, 2), 1),
        daylight: dated(2026, change(-60, 3, 2, 2), 8),
    };
    let zone = Zone::from_rules(north).expect("good");
    assert_eq!(
        differs(&zone, &tz("America/Los_Angeles"), at("2025-12-01T00:00:00Z"), at("2027-03-01T00:00:00Z"), 1800),
        None
    );
    let south = BiasRules {
        bias: -600,
        standard: dated(2026, change(0, 4, 1, 3), 5),
        daylight: dated(2026, change(-60, 10, 1, 2), 4),
    };
    let zone = Zone::from_rules(south).expect("good");
    assert_eq!(
        differs(&zone, &tz("Australia/Sydney"), at("2025-11-01T00:00:00Z"), at("2027-03-01T00:00:00Z"), 1800),
        None
    );
    // Year 0 is no year; a year on one side only says nothing.
    let zero = BiasRules { daylight: dated(0, change(-60, 3, 2, 2), 2), ..pacific() };
    assert_eq!(Zone::from_rules(zero), Zone::from_rules(pacific()));
    let half = BiasRules { daylight: dated(2026, change(-60, 3, 2, 2), 2), ..pacific() };
    assert_eq!(Zone::from_rules(half), Err(Failure::UnknownTimeZone));
}

#[test]
fn rules_out_of_range_are_refused() {
    let daylight = |daylight| BiasRules { daylight, ..pacific() };
    for bad in [
        BiasRules { bias: 1440, ..pacific() },
        BiasRules { bias: i32::MIN, ..pacific() },
        BiasRules { bias: i32::MAX, ..pacific() },
        daylight(change(i32::MAX, 3, 2, 2)),
        daylight(change(-2000, 3, 2, 2)),
        daylight(change(-60, 13, 2, 2)),
        daylight(change(-60, -1, 2, 2)),
        daylight(change(-60, 3, 6, 2)),
        daylight(change(-60, 3, -1, 2)),
        BiasRules {
            standard: Change { year: Some(2026), day_order: 32, ..change(0, 11, 1, 2) },
            ..daylight(Change { year: Some(2026), ..change(-60, 3, 2, 2) })
        },
    ] {
        assert_eq!(Zone::from_rules(bad), Err(Failure::UnknownTimeZone), "{bad:?}");
    }
}

#[test]
fn names_of_every_kind_are_known() {
    let helsinki = Zone::named("FLE Standard Time").expect("known");
    for same in
        ["fle standard time", " FLE STANDARD TIME ", "(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius"]
    {
        assert_eq!(Zone::named(same).as_ref(), Ok(&helsinki), "{same}");
    }
    for utc in ["UTC", "utc", "tzone://Microsoft/Utc", "Coordinated Universal Time", "Etc/UTC", "Etc/GMT"] {
        assert_eq!(Zone::named(utc), Ok(Zone::utc()), "{utc}");
    }
    let new_york = Zone::named("america/new_york").expect("known");
    assert_eq!(new_york.local_of_second(at("2026-07-01T12:00:00Z")), clock("2026-07-01T08:00:00"));
    assert_eq!(Zone::named("Eastern Time (US & Canada)"), Zone::named("Eastern Standard Time"));
    let long = "x".repeat(10_000);
    for unknown in ["", "Customized Time Zone", "Etc/Unknown", "Europe/Atlantis", "../etc/passwd", "+02:00", &long] {
        assert_eq!(Zone::named(unknown), Err(Failure::UnknownTimeZone), "{unknown}");
    }
    assert!(windows_zones().count() > 130 && windows_zones().all(|zone| Zone::named(zone.id).is_ok()));
    assert_eq!(definition("tzone://Microsoft/Utc").expect("known").id, "UTC");
    assert_eq!(definition("Customized Time Zone"), None);
}

#[test]
fn a_clock_that_skips_or_repeats_is_read_as_jiff_reads_it() {
    for zone in [Zone::named("Pacific Standard Time").expect("known"), Zone::from_rules(pacific()).expect("good")] {
        assert_eq!(zone.second_of_local(clock("2026-03-08T02:30:00")), at("2026-03-08T10:30:00Z"));
        assert_eq!(zone.local_of_second(at("2026-03-08T10:30:00Z")), clock("2026-03-08T03:30:00"));
        assert_eq!(zone.second_of_local(clock("2026-11-01T01:30:00")), at("2026-11-01T08:30:00Z"));
        for extreme in [i64::MIN, i64::MAX] {
            let _ = zone.local_of_second(extreme);
            let _ = zone.second_of_local(extreme);
            let _ = zone.bias_rules(extreme);
        }
    }
}

/// What evolution-ews echoes: a definition with an id, two periods and one group.
fn sent() -> ZoneDefinition {
    let period =
        |name: &str, hours| Period { id: name.into(), name: name.into(), bias: SignedDuration::from_hours(hours) };
    let to = |id: &str, month, occurrence| Transition {
        to: Target::Period(id.into()),
        when: When::Day { month, day_of_week: DayOfWeek::Sunday, occurrence, time: SignedDuration::from_hours(2) },
    };
    ZoneDefinition {
        id: "whatever".into(),
        name: String::new(),
        periods: vec![period("Standard", 8), period("Daylight", 7)],
        groups: vec![TransitionGroup {
            id: "0".into(),
            transitions: vec![to("Daylight", 3, 2), to("Standard", 11, 1)],
        }],
        transitions: vec![Transition { to: Target::Group("0".into()), when: When::Always }],
    }
}

#[test]
fn definitions_of_clients_are_understood() {
    // TimeZoneContext, notes 3.2: an id alone, or periods and transitions.
    let empty = ZoneDefinition { periods: vec![], groups: vec![], transitions: vec![], ..sent() };
    assert_eq!(Zone::from_definition(&empty), Err(Failure::UnknownTimeZone));
    let named = ZoneDefinition { id: "Pacific Standard Time".into(), ..empty };
    assert_eq!(Zone::from_definition(&named), Zone::named("Pacific Standard Time"));
    assert_eq!(Zone::from_definition(&sent()), Zone::from_rules(pacific()));
    let without_list = ZoneDefinition { transitions: vec![], ..sent() };
    assert_eq!(Zone::from_definition(&without_list), Zone::from_rules(pacific()));

    // RecurringDateTransition, and a transition straight to a period.
    let mut dated = sent();
    dated.groups[0].transitions[0].when = When::Date { month: 3, day: 8, time: SignedDuration::from_hours(2) };
    let zone = Zone::from_definition(&dated).expect("good");
    assert_eq!(zone.second_of_local(clock("2027-03-08T12:00:00")), at("2027-03-08T19:00:00Z"));
    assert_eq!(zone.second_of_local(clock("2027-03-07T12:00:00")), at("2027-03-07T20:00:00Z"));
    let rules = zone.bias_rules(at("2027-06-01T00:00:00Z"));
    assert_eq!((rules.daylight.day_order, rules.daylight.day_of_week), (2, DayOfWeek::Monday));
    let mut ended = sent();
    let end = When::Absolute(date(2026, 12, 1).at(0, 0, 0, 0));
    ended.transitions.push(Transition { to: Target::Period("Standard".into()), when: end });
    let zone = Zone::from_definition(&ended).expect("good");
    assert_eq!(zone.local_of_second(at("2026-07-01T12:00:00Z")), clock("2026-07-01T05:00:00"));
    assert_eq!(zone.local_of_second(at("2027-07-01T12:00:00Z")), clock("2027-07-01T04:00:00"));
}

#[test]
fn definitions_that_contradict_themselves_are_refused() {
    type Spoil = fn(&mut ZoneDefinition);
    let spoils: [(&str, Spoil); 9] = [
        ("no such group", |d| d.transitions[0].to = Target::Group("1".into())),
        ("no such period", |d| d.groups[0].transitions[0].to = Target::Period("1".into())),
        ("three changes", |d| {
            let more = d.groups[0].transitions[0].clone();
            d.groups[0].transitions.push(more);
        }),
        ("no change", |d| d.groups[0].transitions.clear()),
        ("a group in a group", |d| d.groups[0].transitions[0].to = Target::Group("0".into())),
        ("two beginnings", |d| {
            let again = d.transitions[0].clone();
            d.transitions.push(again);
        }),
        ("a bias of a day", |d| d.periods[0].bias = SignedDuration::from_hours(24)),
        ("occurrence 6", |d| {
            d.groups[0].transitions[0].when =
                When::Day { month: 3, day_of_week: DayOfWeek::Sunday, occurrence: 6, time: SignedDuration::ZERO };
        }),
        ("out of order", |d| {
            for year in [2020, 2010] {
                let when = When::Absolute(date(year, 1, 1).at(0, 0, 0, 0));
                d.transitions.push(Transition { to: Target::Group("0".into()), when });
            }
        }),
    ];
    for (what, spoil) in spoils {
        let mut definition = sent();
        spoil(&mut definition);
        assert_eq!(Zone::from_definition(&definition), Err(Failure::UnknownTimeZone), "{what}");
    }
}

prop_compose! {
    fn any_change()(
        bias in -120..=120_i32,
        month in 0..=12_i8,
        day_order in 0..=5_i8,
        day in 0..10_usize,
        minute in 0..96_i32,
    ) -> Change {
        let days = [
            DayOfWeek::Sunday, DayOfWeek::Monday, DayOfWeek::Tuesday, DayOfWeek::Wednesday, DayOfWeek::Thursday,
            DayOfWeek::Friday, DayOfWeek::Saturday, DayOfWeek::Day, DayOfWeek::Weekday, DayOfWeek::WeekendDay,
        ];
        let minute = minute * 15;
        let time = civil::time(i8::try_from(minute / 60).unwrap(), i8::try_from(minute % 60).unwrap(), 0, 0);
        Change { bias, time, day_order, month, day_of_week: days[day], year: None }
    }
}

proptest! {
    #[test]
    fn any_rules_convert_there_and_back(
        bias in -720..=720_i32, standard in any_change(), daylight in any_change(), second in 0..4_000_000_000_i64,
    ) {
        let zone = Zone::from_rules(BiasRules { bias, standard, daylight }).expect("in range");
        let local = zone.local_of_second(second);
        let back = zone.second_of_local(local);
        // The clock shows the same there, and it is the first such instant.
        prop_assert_eq!(zone.local_of_second(back), local);
        prop_assert!(back <= second);
        prop_assert!((local - second).abs() < DAY);
    }
}

#[test]
fn the_ends_of_time_are_survived() {
    let named = Zone::named("Europe/Helsinki").expect("known");
    for zone in [Zone::utc(), named, Zone::from_rules(pacific()).expect("good")] {
        for second in [i64::MIN, i64::MIN + 1, -EDGE, EDGE, i64::MAX] {
            assert!(zone.local_of_second(second).abs_diff(second) < 86_400, "{zone:?} {second}");
            assert!(zone.second_of_local(second).abs_diff(second) < 86_400, "{zone:?} {second}");
            assert!(Zone::from_rules(zone.bias_rules(second)).is_ok(), "{zone:?} {second}");
        }
    }
}
