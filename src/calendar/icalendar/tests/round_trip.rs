//! What is written is read as it was.

use jiff::ToSpan;
use jiff::civil::Weekday;
use proptest::prelude::*;

use super::*;

/// With and without daylight time, of both hemispheres and names.
const ZONES: [Option<&str>; 12] = [
    None,
    Some("FLE Standard Time"),
    Some("Europe/Dublin"),
    Some("Pacific Standard Time"),
    Some("AUS Eastern Standard Time"),
    Some("America/Santiago"),
    Some("Pacific/Auckland"),
    Some("India Standard Time"),
    Some("Asia/Tokyo"),
    Some("Lord Howe Standard Time"),
    Some("SA Pacific Standard Time"),
    Some("Egypt Standard Time"),
];

fn zones() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(&ZONES[..]).prop_map(|name| name.map(str::to_owned))
}

fn weekdays() -> impl Strategy<Value = Weekday> {
    (0..7i8).prop_map(|offset| Weekday::from_monday_zero_offset(offset).unwrap())
}

fn counted_days() -> impl Strategy<Value = Weekdays> {
    let groups = prop::sample::select(&[Weekdays::ALL, Weekdays::WORKING, Weekdays::WEEKEND][..]);
    prop_oneof![weekdays().prop_map(|day| Weekdays::default().with(day)), groups]
}

fn indexes() -> impl Strategy<Value = WeekIndex> {
    use WeekIndex::{First, Fourth, Last, Second, Third};
    prop::sample::select(&[First, Second, Third, Fourth, Last][..])
}

/// A month and one of its days.
fn days_of_year() -> impl Strategy<Value = (u8, u8)> {
    (1..=366i64).prop_map(|day| {
        let day = date(2023, 12, 31).checked_add(day.days()).unwrap();
        (day.month().unsigned_abs(), day.day().unsigned_abs())
    })
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let interval = 1..100u32;
    let some_days = prop::collection::vec(weekdays(), 1..7).prop_map(|days| days.into_iter().collect::<Weekdays>());
    prop_oneof![
        interval.clone().prop_map(|interval| Pattern::Daily { interval }),
        (interval.clone(), some_days, weekdays()).prop_map(|(interval, days, first_day)| Pattern::Weekly {
            interval,
            days,
            first_day
        }),
        (interval.clone(), 1..=31u8).prop_map(|(interval, day)| Pattern::AbsoluteMonthly { interval, day }),
        (interval.clone(), counted_days(), indexes()).prop_map(|(interval, days, index)| Pattern::RelativeMonthly {
            interval,
            days,
            index
        }),
        (interval.clone(), days_of_year()).prop_map(|(interval, (month, day))| Pattern::AbsoluteYearly {
            interval,
            month,
            day
        }),
        (interval, 1..=12u8, counted_days(), indexes())
            .prop_map(|(interval, month, days, index)| Pattern::RelativeYearly { interval, month, days, index }),
    ]
}

/// A number of days after the start for `On`.
fn ends() -> impl Strategy<Value = Option<Result<u32, i32>>> {
    prop_oneof![
        Just(None),
        (1..1000u32).prop_map(|count| Some(Ok(count))),
        (0..4000i32).prop_map(|days| Some(Err(days)))
    ]
}

prop_compose! {
    fn events()(
        zone in zones(),
        end_zone in zones(),
        start in 946_684_800..2_400_000_000i64,
        minutes in 0..10_000i64,
        is_all_day in any::<bool>(),
    )(
        is_all_day in Just(is_all_day),
        when in if is_all_day {
            let first = Timestamp::from_second(start).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
            Just(When::Days { first, after: first.checked_add((minutes / 1440 + 1).days()).unwrap() })
        } else {
            let at = |second: i64| Timestamp::from_second(second).unwrap();
            Just(When::Timed { start: at(start / 60 * 60), end: at((start / 60 + minutes) * 60) })
        },
        start_zone in Just(zone),
        end_zone in Just(end_zone),
        subject in "[ -~äöå€\n]{0,200}",
        location in "\\PC{0,40}",
        body in prop::option::of(("[ -~\n]{1,300}", any::<bool>())),
        show_as in prop::sample::select(&BUSY[..]),
        sensitivity in prop::sample::select(&[Sensitivity::Normal, Sensitivity::Personal, Sensitivity::Private, Sensitivity::Confidential][..]),
        importance in prop::sample::select(&[Importance::Low, Importance::Normal, Importance::High][..]),
        categories in prop::collection::vec("[a-zä,;\\\\\"]{1,9}", 0..4),
        reminder in prop::option::of(0..100_000i32),
        attendees in prop::collection::vec((
            "[a-zA-Zäö,;:. ]{0,60}[a-z]",
            prop::sample::select(&[Role::Required, Role::Optional, Role::Resource][..]),
            prop::sample::select(&[Response::NotResponded, Response::Accepted, Response::Tentative, Response::Declined][..]),
        ), 0..4),
        is_response_requested in any::<bool>(),
    ) -> Event {
        Event {
            subject, location, when, sensitivity, importance, categories, is_response_requested,
            start_zone: start_zone.clone(),
            end_zone: if is_all_day || start_zone.is_none() { start_zone } else { end_zone },
            show_as: show_as.1,
            body: body.map(|(content, is_html)| Body { content, is_html }),
            is_reminder_on: reminder.is_some(),
            reminder_minutes: reminder.unwrap_or(0),
            organizer: Some(person("Olga", "olga@example.com")),
            attendees: attendees.into_iter().enumerate().map(|(number, (name, role, response))| {
                invited(name.trim(), &format!("a{number}@example.com"), role, response)
            }).collect(),
            ..single()
        }
    }
}

/// What a change says of when, as instants or days.
fn when(change: &EventChange) -> When {
    let (start, end) = (change.start.as_ref().unwrap(), change.end.as_ref().unwrap());
    if change.is_all_day.unwrap() {
        return When::Days { first: start.local.date(), after: end.local.date() };
    }
    let instant = |time: &ZonedTime| {
        let zone = time.zone.as_deref().map_or_else(Zone::utc, |name| Zone::named(name).unwrap());
        moment::instant(&zone, time.local).unwrap()
    };
    When::Timed { start: instant(start), end: instant(end) }
}

/// Whether the clock shows this time twice, so that only one of the two can be told.
fn is_second_of_two(when: &When, zone: Option<&str>) -> bool {
    let zone = zone.map_or_else(Zone::utc, |name| Zone::named(name).unwrap());
    let twice = |at: Timestamp| moment::instant(&zone, moment::local(&zone, at).unwrap()).unwrap() != at;
    matches!(when, When::Timed { start, end } if twice(*start) || twice(*end))
}

fn is_told_once(event: &Event) -> bool {
    !is_second_of_two(&event.when, event.start_zone.as_deref())
        && !is_second_of_two(&event.when, event.end_zone.as_deref())
}

fn is_well_formed(text: &str) -> bool {
    text.ends_with("\r\n")
        && text.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\r', '\n']))
        && !text.contains("\r\n\r\n")
}

proptest! {
    #[test]
    fn events_come_back(event in events()) {
        prop_assume!(is_told_once(&event));
        let text = written(&event, &[]);
        prop_assert!(is_well_formed(&text), "{}", text);
        let read = read(&text).unwrap();
        let change = read.change;
        prop_assert_eq!(when(&change), event.when, "{}", text);
        if !event.when.is_all_day() {
            prop_assert_eq!(&change.start.as_ref().unwrap().zone, &event.start_zone);
        }
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        prop_assert_eq!(&change.subject, &some(&event.subject), "{}", text);
        prop_assert_eq!(&change.location, &some(&event.location));
        prop_assert_eq!(&change.body, &event.body, "{}", text);
        prop_assert_eq!(change.show_as, Some(event.show_as));
        prop_assert_eq!(change.sensitivity, Some(event.sensitivity));
        prop_assert_eq!(change.importance, Some(event.importance));
        prop_assert_eq!(change.categories.unwrap_or_default(), event.categories.clone());
        prop_assert_eq!(change.is_reminder_on, Some(event.is_reminder_on));
        prop_assert_eq!(change.reminder_minutes.unwrap_or(0), event.reminder_minutes);
        prop_assert_eq!(change.attendees.unwrap_or_default(), event.attendees.clone());
        prop_assert_eq!(change.is_response_requested, event.is_meeting().then_some(event.is_response_requested));
        prop_assert_eq!(&change.uid, &event.uid);
        prop_assert_eq!(change.recurrence, None);
        prop_assert_eq!((read.excluded, read.exceptions), (Vec::new(), 0));
    }

    #[test]
    fn series_come_back(event in events(), pattern in patterns(), end in ends(), deleted in prop::collection::btree_set(0..1000i32, 0..5)) {
        let zone = event.start_zone.as_deref().map_or_else(Zone::utc, |name| Zone::named(name).unwrap());
        let start = match event.when {
            When::Days { first, .. } => first,
            When::Timed { start, .. } => moment::local(&zone, start).unwrap().date(),
        };
        let later = |days: i32| start.checked_add(days.days()).unwrap();
        let end = match end {
            None => RangeEnd::Never,
            Some(Ok(count)) => RangeEnd::After(count),
            Some(Err(days)) => RangeEnd::On(later(days)),
        };
        let recurrence = Recurrence { pattern, range: Range { start, end }, zone: None };
        let deleted: Vec<Date> = deleted.into_iter().map(later).collect();
        let event = Event {
            kind: EventKind::Master,
            recurrence: Some(Recurrence { zone: event.start_zone.clone(), ..recurrence.clone() }),
            deleted: deleted.clone(),
            ..event
        };
        prop_assume!(is_told_once(&event));
        let text = written(&event, &[]);
        prop_assert!(is_well_formed(&text), "{}", text);
        let read = read(&text).unwrap();
        prop_assert_eq!(&read.change.recurrence, &Some(Some(recurrence)), "{}", text);
        prop_assert_eq!(read.excluded, deleted, "{}", text);
        prop_assert_eq!(when(&read.change), event.when);
    }

    /// The rules that are written are those of the zone: they lead to the same instants without its name.
    #[test]
    fn rules_say_what_names_say(event in events()) {
        let event = Event { end_zone: event.start_zone.clone(), ..event };
        prop_assume!(is_told_once(&event));
        let text = written(&event, &[]);
        let nameless = event.start_zone.iter().fold(text, |text, name| {
            text.replace(&format!("TZID:{name}"), "TZID:Ours").replace(&format!("TZID=\"{name}\""), "TZID=Ours").replace(&format!("TZID={name}"), "TZID=Ours")
        });
        prop_assert_eq!(when(&read(&nameless).unwrap().change), event.when, "{}", nameless);
    }

    #[test]
    fn any_lines_are_read(lines in prop::collection::vec(any_line(), 0..30)) {
        let text = lines.join("\n");
        let _ = read(&text);
        let _ = read(&calendar("", &text));
        let _ = read(&calendar(&format!("BEGIN:VTIMEZONE\n{text}\nEND:VTIMEZONE\n"), "DTSTART;TZID=x:20270601T120000"));
    }
}

/// Something like a line of iCalendar.
fn any_line() -> impl Strategy<Value = String> {
    let names = prop::sample::select(
        &[
            "DTSTART",
            "DTEND",
            "DURATION",
            "RRULE",
            "EXDATE",
            "RDATE",
            "TRIGGER",
            "ATTENDEE",
            "CATEGORIES",
            "TZOFFSETTO",
            "TZOFFSETFROM",
            "TZID",
            "BEGIN",
            "END",
            "X-ALT-DESC",
            "PRIORITY",
        ][..],
    );
    let parameters = prop::sample::select(
        &[
            "",
            ";TZID=x",
            ";TZID=Europe/Helsinki",
            ";VALUE=DATE",
            ";VALUE=DATE-TIME",
            ";VALUE=x",
            ";ENCODING=BASE64",
            ";ENCODING=QUOTED-PRINTABLE",
            ";=",
            ";\"",
            ";RELATED=END",
        ][..],
    );
    let values = prop_oneof![
        "\\PC{0,20}",
        "[0-9]{1,9}T?[0-9]{0,7}Z?",
        "-?P[0-9]{0,20}[WDTHMS][0-9]{0,12}[WDTHMS]?",
        "(FREQ|COUNT|INTERVAL|BYDAY|BYMONTH|BYMONTHDAY|UNTIL|BYSETPOS|WKST)=[-0-9A-Z,]{0,12};FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|X)",
        "[+-][0-9]{0,9}",
        prop::sample::select(&["VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VALARM", "VCALENDAR"][..])
            .prop_map(str::to_owned),
    ];
    (names, parameters, values).prop_map(|(name, parameters, value)| format!("{name}{parameters}:{value}"))
}
