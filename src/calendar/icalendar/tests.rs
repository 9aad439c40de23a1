#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod round_trip;
mod samples;

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, date, datetime};

use super::words::BUSY;
use super::*;
use crate::calendar::event::{
    Attendee, Body, Event, EventChange, EventId, EventKind, Importance, Person, Response, Role, Sensitivity, When,
    ZonedTime,
};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, WeekIndex, Weekdays};
use crate::calendar::zone::Zone;
use crate::failure::Failure;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn plain(body: &Body) -> Cow<'_, str> {
    if body.is_html { Cow::Borrowed("plain") } else { Cow::Borrowed(&body.content) }
}

fn written(event: &Event, series: &[Event]) -> String {
    write(event, series, plain, at("2027-01-01T00:00:00Z"))
}

/// An hour in Helsinki, of nobody else.
fn single() -> Event {
    Event {
        id: EventId::parse("AAMkAGI").unwrap(),
        change_key: "CQ".to_owned(),
        kind: EventKind::Single,
        series: None,
        uid: Some("a@b".to_owned()),
        created: None,
        modified: Some(at("2027-02-03T04:05:06Z")),
        subject: "Plan".to_owned(),
        body: None,
        when: When::Timed { start: at("2027-06-01T06:00:00Z"), end: at("2027-06-01T07:00:00Z") },
        start_zone: Some("FLE Standard Time".to_owned()),
        end_zone: Some("FLE Standard Time".to_owned()),
        original_start: None,
        show_as: BusyStatus::Busy,
        location: String::new(),
        sensitivity: Sensitivity::Normal,
        importance: Importance::Normal,
        categories: Vec::new(),
        is_reminder_on: false,
        reminder_minutes: 0,
        organizer: None,
        is_organizer: true,
        attendees: Vec::new(),
        is_held_back: false,
        response: Response::Organizer,
        responded: None,
        is_response_requested: true,
        allows_new_time: true,
        is_cancelled: false,
        is_draft: false,
        has_attachments: false,
        is_online_meeting: false,
        join_url: None,
        recurrence: None,
        exceptions: Vec::new(),
        deleted: Vec::new(),
        properties: Vec::new(),
    }
}

fn series(pattern: Pattern, end: RangeEnd) -> Event {
    let range = Range { start: date(2027, 6, 1), end };
    Event {
        kind: EventKind::Master,
        recurrence: Some(Recurrence { pattern, range, zone: Some("FLE Standard Time".to_owned()) }),
        ..single()
    }
}

fn invited(name: &str, address: &str, role: Role, response: Response) -> Attendee {
    Attendee { person: person(name, address), role, response, responded: None }
}

fn person(name: &str, address: &str) -> Person {
    Person { name: name.to_owned(), address: address.to_owned() }
}

/// The lines of the first component of a kind, unfolded.
fn lines(text: &str, component: &str) -> Vec<String> {
    let unfolded = text.replace("\r\n ", "");
    let (begin, end) = (format!("BEGIN:{component}"), format!("END:{component}"));
    let inside = unfolded.split("\r\n").skip_while(|line| *line != begin).skip(1);
    inside.take_while(|line| *line != end).map(str::to_owned).collect()
}

#[test]
fn an_event_is_told_whole() {
    let event = Event {
        created: Some(at("2027-02-01T00:00:00Z")),
        subject: "Plan, budget; and \\ more".to_owned(),
        body: Some(Body { content: "<p>Rätt &amp; slätt</p>".to_owned(), is_html: true }),
        location: "Room 1".to_owned(),
        show_as: BusyStatus::OutOfOffice,
        sensitivity: Sensitivity::Confidential,
        importance: Importance::High,
        categories: vec!["Red".to_owned(), "Blue, dark".to_owned()],
        is_reminder_on: true,
        reminder_minutes: 15,
        organizer: Some(person("Olga \"O\" Organizer", "olga@example.com")),
        attendees: vec![
            invited("Ann, Example", "ann@example.com", Role::Required, Response::Accepted),
            invited("", "bob@example.com", Role::Optional, Response::NotResponded),
            invited("Room 1", "room1@example.com", Role::Resource, Response::Declined),
        ],
        join_url: Some("https://meet.example/?a=b,c;d".to_owned()),
        ..single()
    };
    let text = written(&event, &[]);
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nPRODID:-//calendar-relay//calendar-relay//EN\r\nVERSION:2.0\r\n"));
    assert!(text.ends_with("END:VEVENT\r\nEND:VCALENDAR\r\n"));
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
    assert_eq!(
        lines(&text, "VTIMEZONE"),
        [
            "TZID:FLE Standard Time",
            "BEGIN:STANDARD",
            "DTSTART:19701025T040000",
            "TZOFFSETFROM:+0300",
            "TZOFFSETTO:+0200",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
            "END:STANDARD",
            "BEGIN:DAYLIGHT",
            "DTSTART:19700329T030000",
            "TZOFFSETFROM:+0200",
            "TZOFFSETTO:+0300",
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
            "END:DAYLIGHT",
        ]
    );
    assert_eq!(
        lines(&text, "VEVENT"),
        [
            "UID:a@b",
            "DTSTAMP:20270203T040506Z",
            "DTSTART;TZID=\"FLE Standard Time\":20270601T090000",
            "DTEND;TZID=\"FLE Standard Time\":20270601T100000",
            "SEQUENCE:0",
            "STATUS:CONFIRMED",
            "TRANSP:OPAQUE",
            "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
            "X-MICROSOFT-CDO-ALLDAYEVENT:FALSE",
            "CLASS:CONFIDENTIAL",
            "CREATED:20270201T000000Z",
            "LAST-MODIFIED:20270203T040506Z",
            "SUMMARY:Plan\\, budget\\; and \\\\ more",
            "LOCATION:Room 1",
            "DESCRIPTION:plain",
            "X-ALT-DESC;FMTTYPE=text/html:<p>Rätt &amp\\; slätt</p>",
            "PRIORITY:1",
            "CATEGORIES:Red,Blue\\, dark",
            "ORGANIZER;CN=\"Olga 'O' Organizer\":mailto:olga@example.com",
            "ATTENDEE;CN=\"Ann, Example\";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:ann@example.com",
            "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.com",
            "ATTENDEE;CN=\"Room 1\";CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=DECLINED;RSVP=TRUE:mailto:room1@example.com",
            "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://meet.example/?a=b\\,c\\;d",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "DESCRIPTION:Reminder",
            "TRIGGER:-PT15M",
            "END:VALARM",
        ]
    );
}

#[test]
fn a_series_tells_what_is_deleted_and_what_is_changed() {
    let weekly = Pattern::Weekly {
        interval: 1,
        days: Weekdays::default().with(jiff::civil::Weekday::Tuesday),
        first_day: jiff::civil::Weekday::Monday,
    };
    let master = Event { deleted: vec![date(2027, 6, 8)], ..series(weekly, RangeEnd::On(date(2027, 12, 31))) };
    let moved = Event {
        kind: EventKind::Exception,
        when: When::Timed { start: at("2027-11-03T07:00:00Z"), end: at("2027-11-03T08:00:00Z") },
        original_start: Some(at("2027-11-02T07:00:00Z")),
        start_zone: None,
        end_zone: None,
        ..single()
    };
    let text = written(&master, &[moved]);
    let event = lines(&text, "VEVENT");
    // The last one may begin at nine in winter.
    assert!(event.contains(&"RRULE:FREQ=WEEKLY;UNTIL=20271231T070000Z;BYDAY=TU;WKST=MO".to_owned()), "{event:#?}");
    assert!(event.contains(&"EXDATE;TZID=\"FLE Standard Time\":20270608T090000".to_owned()));
    let (_, rest) = text.split_once("END:VEVENT").unwrap();
    let changed = lines(rest, "VEVENT");
    assert!(changed.contains(&"DTSTART;TZID=\"FLE Standard Time\":20271103T090000".to_owned()), "{changed:#?}");
    assert!(changed.contains(&"RECURRENCE-ID;TZID=\"FLE Standard Time\":20271102T090000".to_owned()));
    assert_eq!(text.matches("BEGIN:VTIMEZONE").count(), 1);
    let read = read(&text).unwrap();
    assert_eq!((read.excluded, read.exceptions), (vec![date(2027, 6, 8)], 1));
}

#[test]
fn days_have_no_zone() {
    let event = Event {
        when: When::Days { first: date(2027, 3, 28), after: date(2027, 3, 30) },
        deleted: vec![date(2027, 3, 29)],
        ..series(Pattern::Daily { interval: 2 }, RangeEnd::On(date(2027, 5, 1)))
    };
    // Graph calls the midnight of its zone an occurrence's original start, or that of UTC.
    for original in ["2027-03-29T21:00:00Z", "2027-03-30T00:00:00Z", "2027-03-30T08:00:00Z"] {
        let moved = Event {
            kind: EventKind::Exception,
            when: When::Timed { start: at("2027-03-30T07:00:00Z"), end: at("2027-03-30T08:00:00Z") },
            original_start: Some(at(original)),
            ..single()
        };
        let text = written(&event, &[moved]);
        let lines = lines(&text, "VEVENT");
        for line in [
            "DTSTART;VALUE=DATE:20270328",
            "DTEND;VALUE=DATE:20270330",
            "RRULE:FREQ=DAILY;UNTIL=20270501;INTERVAL=2",
            "EXDATE;VALUE=DATE:20270329",
            "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
        ] {
            assert!(lines.iter().any(|it| it == line), "{line} in {lines:#?}");
        }
        assert!(text.contains("RECURRENCE-ID;VALUE=DATE:20270330\r\n"), "{text}");
    }
}

#[test]
fn what_has_no_zone_is_utc() {
    for zone in [None, Some("UTC"), Some("Customized Time Zone"), Some("tzone://Microsoft/Utc")] {
        let event = Event { start_zone: zone.map(str::to_owned), end_zone: None, ..single() };
        let text = written(&event, &[]);
        assert!(text.contains("DTSTART:20270601T060000Z\r\nDTEND:20270601T070000Z\r\n"), "{text}");
        assert!(!text.contains("VTIMEZONE"));
    }
}

#[test]
fn rules_follow_a_series_through_the_years() {
    let event = Event {
        start_zone: Some("America/New_York".to_owned()),
        end_zone: None,
        when: When::Timed { start: at("2006-06-01T06:00:00Z"), end: at("2006-06-01T07:00:00Z") },
        kind: EventKind::Master,
        recurrence: Some(Recurrence {
            pattern: Pattern::Daily { interval: 1 },
            range: Range { start: date(2006, 6, 1), end: RangeEnd::Never },
            zone: None,
        }),
        ..single()
    };
    let zone = lines(&written(&event, &[]), "VTIMEZONE");
    let daylight: Vec<&str> = zone.iter().filter(|line| line.starts_with("RRULE")).map(String::as_str).collect();
    assert_eq!(
        daylight,
        [
            "RRULE:FREQ=YEARLY;UNTIL=20061029T060000Z;BYDAY=-1SU;BYMONTH=10",
            "RRULE:FREQ=YEARLY;UNTIL=20060402T070000Z;BYDAY=1SU;BYMONTH=4",
            "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
            "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3",
        ]
    );
}

#[test]
fn text_cannot_break_out() {
    let event = Event {
        subject: "a\r\nATTENDEE:mailto:x@y\u{0}\u{1b}\rb".to_owned(),
        uid: Some("u\r\nX:y".to_owned()),
        organizer: Some(person("n\"\r\nX:y;", "o@x\r\nX:y")),
        attendees: vec![invited("\"\n\\", "a@b\nX:y", Role::Required, Response::None)],
        ..single()
    };
    let text = written(&event, &[]);
    let names: Vec<&str> = text
        .split("\r\n")
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split([':', ';']).next())
        .collect();
    assert!(!names.contains(&"X"), "{text}");
    assert_eq!(names.iter().filter(|name| **name == "ATTENDEE").count(), 1, "{text}");
    assert_eq!(read(&text).unwrap().change.subject.unwrap(), "a\nATTENDEE:mailto:x@yb");
}

#[test]
fn an_occurrence_stands_for_itself() {
    let event = Event {
        kind: EventKind::Occurrence,
        original_start: Some(at("2027-06-01T06:00:00Z")),
        uid: None,
        modified: None,
        ..single()
    };
    let event = lines(&written(&event, &[]), "VEVENT");
    assert!(event.contains(&"RECURRENCE-ID;TZID=\"FLE Standard Time\":20270601T090000".to_owned()), "{event:#?}");
    assert!(event.contains(&"UID:AAMkAGI".to_owned()) && event.contains(&"DTSTAMP:20270101T000000Z".to_owned()));
}

#[test]
fn days_that_months_lack_become_their_last() {
    let rule = |pattern| {
        let text = written(&series(pattern, RangeEnd::Never), &[]);
        lines(&text, "VEVENT").into_iter().find_map(|line| line.strip_prefix("RRULE:").map(str::to_owned)).unwrap()
    };
    assert_eq!(rule(Pattern::AbsoluteMonthly { interval: 1, day: 28 }), "FREQ=MONTHLY;BYMONTHDAY=28");
    assert_eq!(
        rule(Pattern::AbsoluteMonthly { interval: 3, day: 30 }),
        "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=28,29,30;BYSETPOS=-1"
    );
    assert_eq!(rule(Pattern::AbsoluteMonthly { interval: 1, day: 31 }), "FREQ=MONTHLY;BYMONTHDAY=-1");
    assert_eq!(rule(Pattern::AbsoluteYearly { interval: 1, month: 2, day: 29 }), "FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=2");
    assert_eq!(rule(Pattern::AbsoluteYearly { interval: 1, month: 4, day: 31 }), "FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=4");
    let days = Weekdays::WORKING;
    assert_eq!(
        rule(Pattern::RelativeYearly { interval: 1, month: 4, days, index: WeekIndex::Last }),
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR;BYMONTH=4;BYSETPOS=-1"
    );
}

fn zoned(local: jiff::civil::DateTime, zone: Option<&str>) -> Option<ZonedTime> {
    Some(ZonedTime { local, zone: zone.map(str::to_owned) })
}

fn noon(zone: Option<&str>) -> Option<ZonedTime> {
    zoned(datetime(2027, 6, 1, 12, 0, 0, 0), zone)
}

/// An event with these lines, after this.
fn calendar(before: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{before}BEGIN:VEVENT\r\nUID:1\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        lines.replace('\n', "\r\n")
    )
}
