//! What programs send, and what they should not.

use super::*;

const DAVMAIL: &str = include_str!("../../../../fixtures/icalendar/davmail.ics");
const EVOLUTION: &str = include_str!("../../../../fixtures/icalendar/evolution.ics");

fn change(lines: &str) -> EventChange {
    read(&calendar("", lines)).unwrap().change
}

fn refused(lines: &str) -> Failure {
    read(&calendar("", lines)).unwrap_err()
}

fn rule(rule: &str) -> Result<Recurrence, Failure> {
    let read = read(&calendar("", &format!("DTSTART;TZID=Europe/Helsinki:20270601T120000\nRRULE:{rule}")))?;
    Ok(read.change.recurrence.unwrap().unwrap())
}

#[test]
fn as_davmail_hands_it_on() {
    let Read { change, excluded, exceptions } = read(&DAVMAIL.replace('\n', "\r\n")).unwrap();
    let zone = Some("Romance Standard Time");
    assert_eq!((change.start, change.end), (noon(zone), zoned(datetime(2027, 6, 1, 13, 0, 0, 0), zone)));
    assert_eq!((change.is_all_day, change.show_as), (Some(false), Some(BusyStatus::Tentative)));
    assert_eq!(change.subject.unwrap(), "Réunion d'équipe");
    assert_eq!(change.body.unwrap(), Body { content: "Première\nseconde, et ;".to_owned(), is_html: false });
    assert_eq!((change.location.unwrap().as_str(), change.sensitivity), ("Salle", Some(Sensitivity::Private)));
    assert_eq!(
        (change.categories.unwrap(), change.importance),
        (vec!["Rouge".into(), "Bleu".into()], Some(Importance::Normal))
    );
    assert_eq!((change.is_reminder_on, change.reminder_minutes), (Some(true), Some(90)));
    assert_eq!(change.is_response_requested, Some(true));
    assert_eq!(
        change.attendees.unwrap(),
        [
            invited("", "ann@example.com", Role::Optional, Response::NotResponded),
            invited("Room: 1", "room1@example.com", Role::Resource, Response::NotResponded),
        ]
    );
    assert_eq!(change.uid.unwrap(), "7d5c2a0a-1a2b-4c3d-8e9f-0123456789ab");
    let recurrence = change.recurrence.unwrap().unwrap();
    assert_eq!(recurrence.range, Range { start: date(2027, 6, 1), end: RangeEnd::On(date(2027, 8, 1)) });
    assert_eq!(excluded, [date(2027, 6, 3), date(2027, 6, 8), date(2027, 6, 10)]);
    assert_eq!(exceptions, 0);
}

#[test]
fn as_evolution_sends_it() {
    let change = read(EVOLUTION).unwrap().change;
    assert_eq!(change.start, noon(Some("Europe/Helsinki")));
    assert_eq!((change.show_as, change.reminder_minutes), (Some(BusyStatus::Free), Some(15)));
}

#[test]
fn unknown_names_are_found_by_their_rules() {
    let zone = |id: &str, standard: &str, daylight: &str| {
        let part =
            |kind: &str, lines: &str| format!("BEGIN:{kind}\r\n{}\r\nEND:{kind}\r\n", lines.replace('\n', "\r\n"));
        let parts = [("STANDARD", standard), ("DAYLIGHT", daylight)];
        let parts: String =
            parts.iter().filter(|part| !part.1.is_empty()).map(|(kind, lines)| part(kind, lines)).collect();
        format!("BEGIN:VTIMEZONE\r\nTZID:{id}\r\n{parts}END:VTIMEZONE\r\n")
    };
    let start = |zone: &str, more: &str| {
        read(&calendar(zone, &format!("DTSTART;TZID=Our own:20270601T120000\nDURATION:PT1H{more}")))
    };
    let sydney = zone(
        "Our own",
        "DTSTART:20000402T030000\nTZOFFSETFROM:+1100\nTZOFFSETTO:+1000\nRRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU",
        "DTSTART:20001001T020000\nTZOFFSETFROM:+1000\nTZOFFSETTO:+1100\nRRULE:FREQ=YEARLY;BYMONTHDAY=1,2,3,4,5,6,7;BYDAY=SU;BYMONTH=10",
    );
    let found = start(&sydney, "\nRRULE:FREQ=DAILY").unwrap().change;
    assert_eq!(found.start, noon(Some("AUS Eastern Standard Time")));
    let fixed = zone("Our own", "DTSTART:16010101T000000\nTZOFFSETFROM:+0545\nTZOFFSETTO:+0545", "");
    assert_eq!(start(&fixed, "").unwrap().change.start, noon(Some("Nepal Standard Time")));
    let odd = zone("Our own", "DTSTART:16010101T000000\nTZOFFSETFROM:+0123\nTZOFFSETTO:+0123", "");
    let found = start(&odd, "").unwrap().change;
    assert_eq!(found.start, zoned(datetime(2027, 6, 1, 10, 37, 0, 0), None));
    assert_eq!(found.end, zoned(datetime(2027, 6, 1, 11, 37, 0, 0), None));
    assert_eq!(start(&odd, "\nRRULE:FREQ=DAILY"), Err(Failure::UnknownTimeZone), "its days would be others in UTC");
    assert_eq!(start(&zone("Another", "", ""), ""), Err(Failure::UnknownTimeZone));
    assert_eq!(start("", ""), Err(Failure::UnknownTimeZone));
}

#[test]
fn days_in_any_form() {
    let days = |lines: &str| {
        let change = change(lines);
        (change.is_all_day.unwrap(), change.start.unwrap(), change.end.unwrap())
    };
    let midnight = |day| zoned(datetime(2027, 6, day, 0, 0, 0, 0), None).unwrap();
    for (lines, after) in [
        ("DTSTART;VALUE=DATE:20270601\nDTEND;VALUE=DATE:20270603", 3),
        ("DTSTART;VALUE=DATE:20270601", 2),
        ("DTSTART;VALUE=DATE:20270601\nDTEND;VALUE=DATE:20270601", 2),
        ("DTSTART;VALUE=DATE:20270601\nDURATION:P3D", 4),
        ("DTSTART:20270601\nDTEND:20270602", 2),
        ("DTSTART;VALUE=DATE:20270601\nDTEND:20270602T100000", 3),
        (
            "DTSTART;TZID=Europe/Helsinki:20270601T000000\nDTEND;TZID=Europe/Helsinki:20270603T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:true",
            3,
        ),
    ] {
        assert_eq!(days(lines), (true, midnight(1), midnight(after)), "{lines}");
    }
    let lines = "DTSTART:20270601T000000Z\nDTEND:20270601T013000Z\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE";
    assert!(!days(lines).0, "no days");
}

#[test]
fn ends_in_any_form() {
    let end = |lines: &str| change(&format!("DTSTART;TZID=Europe/Helsinki:20270327T120000\n{lines}")).end.unwrap();
    let helsinki = |day, hour| zoned(datetime(2027, 3, day, hour, 0, 0, 0), Some("Europe/Helsinki")).unwrap();
    assert_eq!(end("SUMMARY:x"), helsinki(27, 12));
    // The clock is put forward on the 28th.
    assert_eq!(end("DURATION:P1D"), helsinki(28, 12));
    assert_eq!(end("DURATION:PT24H"), helsinki(28, 13));
    assert_eq!(end("DTEND;VALUE=DATE:20270328"), helsinki(28, 0));
    assert_eq!(end("DTEND:20270327T130000Z"), zoned(datetime(2027, 3, 27, 13, 0, 0, 0), None).unwrap());
    assert_eq!(change("DTSTART:20270601T120000\nDTEND:20270601T130000").start, noon(None), "floating");
}

#[test]
fn html_is_the_better_body() {
    let body = |lines: &str| {
        change(&format!("DTSTART:20270601T120000Z\n{lines}")).body.map(|body| (body.is_html, body.content))
    };
    assert_eq!(body("SUMMARY:x"), None);
    assert_eq!(body("DESCRIPTION:x"), Some((false, "x".to_owned())));
    let html = "DESCRIPTION:x\nX-ALT-DESC;FMTTYPE=text/html:<p>a&nbsp;b\\; c\\, d</p>";
    assert_eq!(body(html), Some((true, "<p>a&nbsp;b; c, d</p>".to_owned())));
    assert_eq!(body("DESCRIPTION:x\nX-ALT-DESC;FMTTYPE=text/rtf:{}"), Some((false, "x".to_owned())));
}

#[test]
fn classes_priorities_and_statuses() {
    let read = |line: &str| change(&format!("DTSTART:20270601T120000Z\n{line}"));
    assert_eq!(read("CLASS:X-PERSONAL").sensitivity, Some(Sensitivity::Personal));
    assert_eq!(read("CLASS:confidential").sensitivity, Some(Sensitivity::Confidential));
    assert_eq!(read("CLASS:X-SECRET").sensitivity, Some(Sensitivity::Private));
    assert_eq!(read("SUMMARY:x").sensitivity, None);
    for (priority, importance) in [
        (1, Importance::High),
        (4, Importance::High),
        (5, Importance::Normal),
        (6, Importance::Low),
        (9, Importance::Low),
    ] {
        assert_eq!(read(&format!("PRIORITY:{priority}")).importance, Some(importance));
    }
    assert_eq!(
        read("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:workingelsewhere").show_as,
        Some(BusyStatus::WorkingElsewhere)
    );
    assert_eq!(read("STATUS:TENTATIVE\nTRANSP:OPAQUE").show_as, Some(BusyStatus::Tentative));
    assert_eq!(read("TRANSP:OPAQUE").show_as, Some(BusyStatus::Busy));
    assert_eq!(read("SUMMARY:x").show_as, None);
}

#[test]
fn the_first_alarm_that_shows_counts() {
    let minutes = |lines: &str| {
        let alarms: String =
            lines.lines().map(|line| format!("\nBEGIN:VALARM\n{}\nEND:VALARM", line.replace('|', "\n"))).collect();
        let change = change(&format!("DTSTART;TZID=Europe/Helsinki:20270601T120000\nDURATION:PT1H{alarms}"));
        assert_eq!(change.is_reminder_on, Some(change.reminder_minutes.is_some()));
        change.reminder_minutes
    };
    assert_eq!(minutes(""), None);
    assert_eq!(minutes("ACTION:DISPLAY|TRIGGER:-P1W"), Some(10_080));
    assert_eq!(minutes("ACTION:AUDIO|TRIGGER:PT0S"), Some(0));
    assert_eq!(minutes("ACTION:DISPLAY|TRIGGER;VALUE=DATE-TIME:20270601T080000Z"), Some(60));
    assert_eq!(
        minutes(
            "ACTION:EMAIL|TRIGGER:-PT5M\nACTION:NONE|TRIGGER;VALUE=DATE-TIME:19760401T005545Z\nACTION:DISPLAY|TRIGGER:-PT20M"
        ),
        Some(20)
    );
    assert_eq!(minutes("ACTION:DISPLAY|TRIGGER:PT5M"), None, "afterwards is too late");
}

#[test]
fn rules_that_ews_has() {
    let helsinki = |pattern, end| Ok(Recurrence { pattern, range: Range { start: date(2027, 6, 1), end }, zone: None });
    let tuesday = Weekdays::default().with(jiff::civil::Weekday::Tuesday);
    let first_day = jiff::civil::Weekday::Monday;
    let monthly = |day| Pattern::AbsoluteMonthly { interval: 1, day };
    let relative = |days, index| Pattern::RelativeMonthly { interval: 1, days, index };
    let yearly = |month, day| Pattern::AbsoluteYearly { interval: 1, month, day };
    for (text, pattern) in [
        ("FREQ=DAILY", Pattern::Daily { interval: 1 }),
        ("FREQ=DAILY;BYDAY=TU", Pattern::Weekly { interval: 1, days: tuesday, first_day }),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
            Pattern::Weekly { interval: 2, days: tuesday, first_day: jiff::civil::Weekday::Sunday },
        ),
        ("FREQ=MONTHLY", monthly(1)),
        ("FREQ=MONTHLY;BYMONTHDAY=31", monthly(31)),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", monthly(31)),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", monthly(30)),
        ("FREQ=MONTHLY;BYDAY=1TU", relative(tuesday, WeekIndex::First)),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=-1", relative(tuesday, WeekIndex::Last)),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2", relative(Weekdays::WEEKEND, WeekIndex::Second)),
        ("FREQ=YEARLY", yearly(6, 1)),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", yearly(2, 29)),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", yearly(2, 29)),
        (
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=3;BYDAY=-1TU",
            Pattern::RelativeYearly { interval: 2, month: 3, days: tuesday, index: WeekIndex::Last },
        ),
    ] {
        assert_eq!(rule(text), helsinki(pattern, RangeEnd::Never), "{text}");
    }
    let daily = Pattern::Daily { interval: 1 };
    for (text, end) in [
        ("COUNT=7", RangeEnd::After(7)),
        ("UNTIL=20270610", RangeEnd::On(date(2027, 6, 10))),
        ("UNTIL=20270610T090000Z", RangeEnd::On(date(2027, 6, 10))),
        ("UNTIL=20270610T085959Z", RangeEnd::On(date(2027, 6, 9))),
        ("UNTIL=20270610T120000", RangeEnd::On(date(2027, 6, 10))),
        ("UNTIL=20270610T000000", RangeEnd::On(date(2027, 6, 9))),
    ] {
        assert_eq!(rule(&format!("FREQ=DAILY;{text}")), helsinki(daily.clone(), end), "{text}");
    }
}

#[test]
fn rules_that_ews_lacks_are_refused() {
    for text in [
        "FREQ=HOURLY",
        "FREQ=DAILY;BYHOUR=9,12",
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
        "FREQ=DAILY;BYMONTH=1",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYMONTHDAY=1,15",
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "FREQ=MONTHLY;BYMONTHDAY=40",
        "FREQ=MONTHLY;BYDAY=5MO",
        "FREQ=MONTHLY;BYDAY=1MO,3MO",
        "FREQ=MONTHLY;BYDAY=MO,WE;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=MONTHLY;BYDAY=MO",
        "FREQ=MONTHLY;BYMONTH=1;BYMONTHDAY=1",
        "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=YEARLY;BYMONTHDAY=15",
        "FREQ=YEARLY;BYMONTH=1,7",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYYEARDAY=100",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=DAILY;UNTIL=20270531",
        "FREQ=DAILY;UNTIL=20270701;COUNT=3",
        "FREQ=YEARLY;RSCALE=CHINESE",
        "nonsense",
        "",
    ] {
        assert_eq!(rule(text), Err(Failure::BadRecurrence), "{text}");
    }
    assert_eq!(refused("DTSTART:20270601T120000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY"), Failure::BadRecurrence);
    assert_eq!(refused("DTSTART:20270601T120000Z\nRDATE:20270701T120000Z"), Failure::BadRecurrence);
}

#[test]
fn what_is_no_event_is_refused() {
    let event = calendar("", "DTSTART:20270601T120000Z");
    assert!(read(&event).is_ok() && read(&format!("\u{feff}{}\n\n", event.replace("\r\n", "\n"))).is_ok());
    let doubled =
        event.replace("END:VCALENDAR\r\n", "BEGIN:VEVENT\r\nDTSTART:20270601T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR");
    let occurrence = event.replace("UID:1", "RECURRENCE-ID:20270601T120000Z");
    let cut = event.replace("END:VEVENT\r\nEND:VCALENDAR\r\n", "");
    let mail = format!("Content-Type: text/calendar\r\n\r\n{event}");
    let card = "BEGIN:VCARD\r\nFN:x\r\nEND:VCARD\r\n";
    let task = event.replace("VEVENT", "VTODO");
    let bare = "BEGIN:VEVENT\r\nDTSTART:20270601T120000Z\r\nEND:VEVENT\r\n";
    let two = format!("{event}{event}");
    for bad in
        ["", "x", "BEGIN:VCALENDAR\r\nEND:VCALENDAR", &doubled, &occurrence, &cut, &mail, card, &task, bare, &two]
    {
        assert_eq!(read(bad), Err(Failure::BadMime), "{bad}");
    }
    for bad in [
        "SUMMARY:x",
        "DTSTART:x",
        "DTSTART:20270231T120000Z",
        "DTSTART:20270601T250000Z",
        "DTSTART:20270601T120000Z\nDTEND:never",
    ] {
        assert_eq!(refused(bad), Failure::BadMime, "{bad}");
    }
}

#[test]
fn much_text_is_read_in_little_time() {
    let floods = [
        format!("DTSTART:20270601T120000Z\nRRULE:FREQ=DAILY\nEXDATE:{}", "20270602T120000Z,".repeat(60_000)),
        format!(
            "DTSTART:20270601T120000Z\nRRULE:FREQ=DAILY{}",
            "\nEXDATE;TZID=Europe/Helsinki:20270602T120000".repeat(20_000)
        ),
        format!("DTSTART:20270601T120000Z{}", "\nATTENDEE:mailto:a@example.com".repeat(30_000)),
        format!("DTSTART:20270601T120000Z{}", "\nBEGIN:VALARM\nTRIGGER:PT5M\nEND:VALARM".repeat(20_000)),
        format!("DTSTART:20270601T120000Z\nDESCRIPTION:{}", "x\n ".repeat(300_000)),
        format!("DTSTART:20270601T120000Z\nCATEGORIES:{}", ",\\,".repeat(300_000)),
        format!("DTSTART:20270601T120000Z{}", "\nBEGIN:X".repeat(100_000)),
        format!("DTSTART;{}:20270601T120000Z", "X=\"y\";".repeat(150_000)),
        format!("DTSTART:20270601T120000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY={}", "1,".repeat(400_000)),
    ];
    for flood in floods {
        // What is quadratic takes minutes.
        let _ = read(&calendar("", &flood));
    }
}
