//! Items as clients of each ceiling see them; events for other tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use jiff::civil::{Weekday, date};
use uuid::uuid;

use super::*;
use crate::calendar::event::{
    Attendee, Body, EventId, EventKind, Importance, Occurrence, Person, PropertyId, PropertyName, PropertyValue, Role,
    Sensitivity, When,
};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, Weekdays};
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Policy, View};
use crate::ews::soap::Header;
use crate::ews::types::shape::{Giving, ItemShape};

/// A meeting with everything set, on 2027-01-12 from 8 to 9.
pub(in crate::ews) fn meeting() -> Event {
    let person = |name: &str, address: &str| Person { name: name.to_owned(), address: address.to_owned() };
    let attendee = |person, role| Attendee {
        person,
        role,
        response: Response::Accepted,
        responded: Some("2027-01-02T03:04:05Z".parse().unwrap()),
    };
    Event {
        id: EventId::parse("AAMk-_9=").unwrap(),
        change_key: "DwAA+/==".to_owned(),
        kind: EventKind::Single,
        series: None,
        uid: Some("uid@example".to_owned()),
        created: Some("2027-01-01T00:00:00.9Z".parse().unwrap()),
        modified: Some("2027-01-03T00:00:00Z".parse().unwrap()),
        subject: "Budget <secret>".to_owned(),
        body: Some(Body { content: "<p>secret</p>".to_owned(), is_html: true }),
        when: When::Timed {
            start: "2027-01-12T08:00:00Z".parse().unwrap(),
            end: "2027-01-12T09:00:00Z".parse().unwrap(),
        },
        start_zone: Some("FLE Standard Time".to_owned()),
        end_zone: Some("Europe/Helsinki".to_owned()),
        original_start: None,
        show_as: BusyStatus::WorkingElsewhere,
        location: "secret place".to_owned(),
        sensitivity: Sensitivity::Normal,
        importance: Importance::High,
        categories: vec!["secret one".to_owned(), "two".to_owned()],
        is_reminder_on: true,
        reminder_minutes: 15,
        organizer: Some(person("Secret Olga", "olga@example.com")),
        is_organizer: true,
        attendees: vec![
            attendee(person("Secret Ann", "ann@example.com"), Role::Required),
            attendee(person("", "ben@example.com"), Role::Required),
            attendee(person("Cy", ""), Role::Optional),
            attendee(person("Room", "room@example.com"), Role::Resource),
            attendee(person("", ""), Role::Resource),
        ],
        is_held_back: false,
        response: Response::Organizer,
        responded: None,
        is_response_requested: true,
        allows_new_time: true,
        is_cancelled: false,
        is_draft: false,
        has_attachments: true,
        is_online_meeting: true,
        join_url: Some("https://secret.example/".to_owned()),
        recurrence: None,
        exceptions: Vec::new(),
        deleted: Vec::new(),
        properties: vec![(tag(), PropertyValue::Many(vec!["secret".to_owned(), "x".to_owned()]))],
    }
}

/// A series on Mondays at eight in Helsinki, one moved and one deleted.
pub(in crate::ews) fn series() -> Event {
    let days = Weekdays::default().with(Weekday::Monday);
    Event {
        kind: EventKind::Master,
        recurrence: Some(Recurrence {
            pattern: Pattern::Weekly { interval: 1, days, first_day: Weekday::Monday },
            range: Range { start: date(2027, 3, 22), end: RangeEnd::After(4) },
            zone: Some("FLE Standard Time".to_owned()),
        }),
        when: When::Timed {
            start: "2027-03-22T06:00:00Z".parse().unwrap(),
            end: "2027-03-22T07:00:00Z".parse().unwrap(),
        },
        exceptions: vec![Occurrence {
            id: EventId::parse("AAMkmoved").unwrap(),
            change_key: "CK".to_owned(),
            when: When::Timed {
                start: "2027-04-06T06:00:00Z".parse().unwrap(),
                end: "2027-04-06T07:00:00Z".parse().unwrap(),
            },
            original_start: Some("2027-04-05T05:00:00Z".parse().unwrap()),
        }],
        deleted: vec![date(2027, 3, 29)],
        ..meeting()
    }
}

/// What a client of a ceiling sees, with a `TimeZoneContext` if there is a zone.
pub(in crate::ews) fn viewer(ceiling: Ceiling, zone: Option<&str>) -> Viewer {
    let capabilities = [Capability::CalendarRead];
    client_viewer(Policy::unlimited(&capabilities, &["*@example.com"], ceiling), zone)
}

pub(super) fn client_viewer(policy: Policy, zone: Option<&str>) -> Viewer {
    let client = Client::without_login("c", policy);
    let mailbox = client
        .permit(&Mailbox::parse("room@example.com").unwrap(), Capability::CalendarRead, jiff::Timestamp::UNIX_EPOCH)
        .unwrap();
    let context = zone.map(|zone| {
        let document = format!("<c><TimeZoneDefinition Id='{zone}'/></c>");
        let mut reader = crate::ews::pull::Pull::new(&document);
        reader.child().unwrap();
        crate::ews::types::time_zone::TimeZoneContext::parse(&mut reader).unwrap().unwrap()
    });
    let header = Header { version: crate::ews::soap::Version::Exchange2016, time_zone: context, ..Header::default() };
    Viewer::new(&client, &header, mailbox, "2027-01-05T00:00:00Z".parse().unwrap()).unwrap()
}

fn tag() -> PropertyId {
    PropertyId { kind: "StringArray", name: PropertyName::Tag(0x6001) }
}

fn everything() -> Wanted {
    let fields: BTreeSet<Field> = Field::all().chain([Field::ExtendedProperty]).collect();
    Wanted { fields, extended: vec![tag()], ..Wanted::default() }
}

fn written(event: &Event, wanted: &Wanted, viewer: &Viewer, ends: &Occurrences) -> String {
    let mut xml = Xml::default();
    write(&mut xml, &viewer.see(event), wanted, viewer, ends);
    xml.finish()
}

/// What is in an element, or nothing.
fn part<'t>(text: &'t str, element: &str) -> Option<&'t str> {
    let from = text.split_once(&format!("<t:{element}>"))?.1;
    from.split_once(&format!("</t:{element}>")).map(|(inside, _)| inside)
}

fn of(fields: &[Field]) -> Wanted {
    Wanted { fields: fields.iter().copied().collect(), ..Wanted::default() }
}

fn all_day(first: jiff::civil::Date, after: jiff::civil::Date, zone: Option<&str>) -> Event {
    Event { when: When::Days { first, after }, start_zone: zone.map(str::to_owned), ..meeting() }
}

#[test]
fn a_whole_meeting_in_the_schema_s_order() {
    let viewer = viewer(Ceiling::Full, None);
    let text = written(&meeting(), &everything(), &viewer, &Occurrences::default());
    let ids = r#"</t:MimeContent><t:ItemId Id="AAMk/+9=" ChangeKey="DwAA+/=="/><t:ParentFolderId Id=""#;
    assert!(text.starts_with("<t:CalendarItem><t:MimeContent ") && text.contains(ids), "{text}");
    for (element, expected) in [
        ("ItemClass", "IPM.Appointment"),
        ("Subject", "Budget &lt;secret&gt;"),
        ("Categories", "<t:String>secret one</t:String><t:String>two</t:String>"),
        ("DateTimeCreated", "2027-01-01T00:00:00Z"),
        ("ResponseObjects", "<t:CancelCalendarItem/>"),
        ("ReminderDueBy", "2027-01-12T08:00:00Z"),
        ("DisplayTo", "Secret Ann; ben@example.com"),
        ("DisplayCc", "Cy"),
        ("Value", "secret"),
        ("UID", "uid@example"),
        ("LegacyFreeBusyStatus", "WorkingElsewhere"),
        ("IsMeeting", "true"),
        ("MeetingRequestWasSent", "true"),
        ("MyResponseType", "Organizer"),
        (
            "Organizer",
            "<t:Mailbox><t:Name>Secret Olga</t:Name><t:EmailAddress>olga@example.com</t:EmailAddress>\
             <t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox>",
        ),
        ("Duration", "PT1H"),
        ("AppointmentState", "1"),
        ("StartTimeZoneId", "FLE Standard Time"),
        ("EndTimeZoneId", "FLE Standard Time"),
        ("StartWallClock", "2027-01-12T10:00:00+02:00"),
        ("JoinOnlineMeetingUrl", "https://secret.example/"),
    ] {
        assert_eq!(part(&text, element), Some(expected), "{element}");
    }
    assert_eq!(part(&text, "Resources").unwrap().matches("<t:Attendee>").count(), 1, "nobody is left out");
    assert_eq!(part(&text, "OptionalAttendees").unwrap().matches("EmailAddress").count(), 0);
    let absent = ["TimeZone>", "OriginalStart", "RecurrenceId", "Recurrence>", "AppointmentReplyTime"];
    assert!(absent.iter().all(|element| !text.contains(&format!("<t:{element}"))), "{text}");
    let order: Vec<usize> = [
        "ItemClass",
        "Body ",
        "Importance",
        "DisplayCc",
        "DisplayTo",
        "EffectiveRights",
        "TextBody",
        "UID",
        "Start>",
        "Organizer",
        "IsOrganizer",
    ]
    .iter()
    .map(|element| text.find(&format!("<t:{element}")).unwrap())
    .collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn only_what_is_wanted_is_told() {
    let viewer = viewer(Ceiling::Full, None);
    let text = written(&meeting(), &of(&[Field::ItemId, Field::Subject]), &viewer, &Occurrences::default());
    assert_eq!(
        text,
        r#"<t:CalendarItem><t:ItemId Id="AAMk/+9=" ChangeKey="DwAA+/=="/><t:Subject>Budget &lt;secret&gt;</t:Subject></t:CalendarItem>"#
    );
}

#[test]
fn low_ceilings_and_private_items_tell_no_more_than_times() {
    let private = Event { sensitivity: Sensitivity::Private, ..meeting() };
    let master = Event { sensitivity: Sensitivity::Confidential, ..series() };
    let asked = "<s><BaseShape>AllProperties</BaseShape><IncludeMimeContent>true</IncludeMimeContent></s>";
    let mut reader = crate::ews::pull::Pull::new(asked);
    reader.child().unwrap();
    let shape = ItemShape::read(&mut reader).unwrap();
    for wanted in [everything(), shape.wanted(Giving::Items, viewer(Ceiling::Full, None).version()).unwrap()] {
        for (event, ceiling) in [
            (meeting(), Ceiling::Time),
            (private.clone(), Ceiling::Full),
            (private.clone(), Ceiling::SubjectAndLocation),
            (master.clone(), Ceiling::Full),
        ] {
            let viewer = viewer(ceiling, None);
            let text = written(&event, &wanted, &viewer, &Occurrences::default()).to_lowercase();
            for hidden in ["secret", "example.com<", "uid@", "2027-01-03", "ismeeting", "<t:importance", "attendee"] {
                assert!(!text.contains(hidden), "{hidden}: {text}");
            }
            assert!(text.contains("<t:subject></t:subject>") && text.contains("<t:start>"), "{text}");
            let told = if event.is_private() { "private|confidential" } else { "normal" };
            assert!(told.contains(part(&text, "sensitivity").unwrap()));
        }
        let texts = written(&meeting(), &wanted, &viewer(Ceiling::SubjectAndLocation, None), &Occurrences::default());
        assert!(texts.contains("Budget") && texts.contains("secret place") && !texts.contains("Olga"), "{texts}");
    }
}

#[test]
fn who_may_see_private_items_does() {
    let mut policy = Policy::unlimited(&[Capability::CalendarRead], &["*@example.com"], Ceiling::Full);
    let view = std::sync::Arc::new(View { shows_private: true, ..View::under(Ceiling::Full) });
    policy.grants.iter_mut().for_each(|grant| grant.view = std::sync::Arc::clone(&view));
    let private = Event { sensitivity: Sensitivity::Private, ..meeting() };
    let text = written(&private, &everything(), &client_viewer(policy, None), &Occurrences::default());
    assert!(text.contains("Secret Olga") && text.contains("<t:ViewPrivateItems>true"));
}

#[test]
fn times_are_shown_in_the_caller_s_zone() {
    let fields = of(&[Field::Start, Field::End]);
    let text =
        written(&meeting(), &fields, &viewer(Ceiling::Full, Some("Romance Standard Time")), &Occurrences::default());
    assert_eq!(part(&text, "Start"), Some("2027-01-12T09:00:00+01:00"));
    let text = written(&meeting(), &fields, &viewer(Ceiling::Full, Some("UTC")), &Occurrences::default());
    assert_eq!(part(&text, "Start"), Some("2027-01-12T08:00:00Z"));
}

#[test]
fn days_begin_at_midnight_where_they_were_made() {
    let fields = of(&[Field::Start, Field::End, Field::IsAllDayEvent, Field::Duration]);
    for (zone, context, start, end) in [
        (Some("FLE Standard Time"), None, "2027-03-27T22:00:00Z", "2027-03-28T21:00:00Z"),
        (Some("UTC"), None, "2027-03-28T00:00:00Z", "2027-03-29T00:00:00Z"),
        (Some("No Such Zone"), None, "2027-03-28T00:00:00Z", "2027-03-29T00:00:00Z"),
        (None, Some("Romance Standard Time"), "2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00"),
        (Some("UTC"), Some("Romance Standard Time"), "2027-03-28T00:00:00+01:00", "2027-03-29T00:00:00+02:00"),
        (
            Some("FLE Standard Time"),
            Some("Romance Standard Time"),
            "2027-03-27T23:00:00+01:00",
            "2027-03-28T23:00:00+02:00",
        ),
    ] {
        let event = all_day(date(2027, 3, 28), date(2027, 3, 29), zone);
        let text = written(&event, &fields, &viewer(Ceiling::Full, context), &Occurrences::default());
        assert_eq!((part(&text, "Start"), part(&text, "End")), (Some(start), Some(end)), "{zone:?} {context:?}");
        assert_eq!((part(&text, "IsAllDayEvent"), part(&text, "Duration")), (Some("true"), Some("P1D")));
    }
}

#[test]
fn a_series_and_what_became_of_its_occurrences() {
    let moved = Event {
        kind: EventKind::Exception,
        original_start: Some("2027-03-29T05:00:00Z".parse().unwrap()),
        ..meeting()
    };
    let ends = Occurrences {
        first: Some(Event { kind: EventKind::Occurrence, ..meeting() }),
        last: Some(moved),
        changed: Vec::new(),
    };
    let text = written(&series(), &everything(), &viewer(Ceiling::Full, None), &ends);
    assert_eq!(part(&text, "CalendarItemType"), Some("RecurringMaster"));
    assert_eq!(part(&text, "IsRecurring"), Some("false"), "of an organizer's own series");
    assert!(text.contains("<t:NumberOfOccurrences>4</t:NumberOfOccurrences>"));
    assert_eq!(
        part(&text, "ModifiedOccurrences"),
        Some(
            r#"<t:Occurrence><t:ItemId Id="AAMkmoved" ChangeKey="CK"/><t:Start>2027-04-06T06:00:00Z</t:Start><t:End>2027-04-06T07:00:00Z</t:End><t:OriginalStart>2027-04-05T05:00:00Z</t:OriginalStart></t:Occurrence>"#
        )
    );
    // Eight in Helsinki is five after the change of its clocks.
    assert_eq!(
        part(&text, "DeletedOccurrences"),
        Some("<t:DeletedOccurrence><t:Start>2027-03-29T05:00:00Z</t:Start></t:DeletedOccurrence>")
    );
    assert!(
        part(&text, "FirstOccurrence").unwrap().ends_with("<t:OriginalStart>2027-01-12T08:00:00Z</t:OriginalStart>")
    );
    assert!(
        part(&text, "LastOccurrence").unwrap().ends_with("<t:OriginalStart>2027-03-29T05:00:00Z</t:OriginalStart>")
    );
    assert!(part(&text, "TimeZone").unwrap().contains("Helsinki"));
}

#[test]
fn an_attendee_s_copy() {
    let copy = Event { is_organizer: false, response: Response::NotResponded, ..meeting() };
    let text = written(&copy, &everything(), &viewer(Ceiling::Full, None), &Occurrences::default());
    assert_eq!(part(&text, "ResponseObjects"), Some("<t:AcceptItem/><t:TentativelyAcceptItem/><t:DeclineItem/>"));
    assert_eq!(
        (part(&text, "AppointmentState"), part(&text, "MyResponseType")),
        (Some("3"), Some("NoResponseReceived"))
    );
    let cancelled = Event { is_cancelled: true, ..copy };
    let text = written(&cancelled, &everything(), &viewer(Ceiling::Full, None), &Occurrences::default());
    assert_eq!((part(&text, "ResponseObjects"), part(&text, "AppointmentState")), (Some("<t:RemoveItem/>"), Some("7")));
}

#[test]
fn an_organizer_without_a_usable_address_is_left_out() {
    for address in ["", "nobody", "/o=Org/cn=x"] {
        let organizer = Some(Person { name: "X".to_owned(), address: address.to_owned() });
        let text = written(
            &Event { organizer, ..meeting() },
            &everything(),
            &viewer(Ceiling::Full, None),
            &Occurrences::default(),
        );
        assert!(!text.contains("<t:Organizer>"), "{address}");
    }
}

#[test]
fn an_appointment_of_nobody_else() {
    let plain = Event {
        attendees: Vec::new(),
        organizer: None,
        location: String::new(),
        categories: Vec::new(),
        subject: String::new(),
        body: None,
        ..meeting()
    };
    let text = written(&plain, &everything(), &viewer(Ceiling::Full, None), &Occurrences::default());
    assert!(text.contains("<t:Subject></t:Subject>"));
    assert_eq!((part(&text, "IsMeeting"), part(&text, "AppointmentState")), (Some("false"), Some("0")));
    for absent in ["Attendees", "Resources", "Organizer>", "Location", "Categories", "Body", "ResponseObjects"] {
        assert!(!text.contains(&format!("<t:{absent}")) || absent == "Organizer>", "{absent}: {text}");
    }
}

#[test]
fn mime_content_tells_no_more_than_the_ceiling() {
    let of = |event: &Event, ceiling, changed: Vec<Event>| {
        let occurrences = Occurrences { changed, ..Occurrences::default() };
        let text = written(event, &of(&[Field::MimeContent]), &viewer(ceiling, None), &occurrences);
        let encoded = text.split_once("CharacterSet=\"UTF-8\">").unwrap().1.split_once('<').unwrap().0;
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
        String::from_utf8(bytes).unwrap().replace("\r\n ", "")
    };
    let whole = of(&meeting(), Ceiling::Full, Vec::new());
    assert!(
        whole.starts_with("BEGIN:VCALENDAR") && whole.contains("SUMMARY:Budget") && whole.contains("BEGIN:VTIMEZONE")
    );
    let private = Event { sensitivity: Sensitivity::Private, ..series() };
    let moved = Event { kind: EventKind::Exception, subject: "moved secret".to_owned(), ..private.clone() };
    let times = of(&private, Ceiling::Full, vec![moved]);
    assert!(times.contains("DTSTART") && times.contains("RRULE"), "{times}");
    for hidden in ["secret", "Budget", "uid@", "mailto", "ATTENDEE"] {
        assert!(!times.contains(hidden), "{hidden}: {times}");
    }
}

#[test]
fn extended_properties_that_follow_from_the_event() {
    const MEETING: uuid::Uuid = uuid!("6ed8da90-450b-11da-98da-00aa003f1305");
    const APPOINTMENT: uuid::Uuid = uuid!("00062002-0000-0000-c000-000000000046");
    let number = |kind, set, number| PropertyId { kind, name: PropertyName::Number(set, number) };
    let clean = number("Binary", MEETING, 0x23);
    let extended = vec![
        clean.clone(),
        number("Integer", APPOINTMENT, 0x8205),
        number("Integer", APPOINTMENT, 0x8217),
        number("String", APPOINTMENT, 0x8205),
        number("Boolean", APPOINTMENT, 0x8223),
    ];
    let wanted = Wanted { extended, ..of(&[Field::ExtendedProperty]) };
    let viewer = viewer(Ceiling::Full, None);
    let text = written(&meeting(), &wanted, &viewer, &Occurrences::default());
    let values: Vec<&str> =
        text.split("<t:Value>").skip(1).filter_map(|rest| rest.split_once('<').map(|(value, _)| value)).collect();
    let id = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        crate::calendar::global_id::clean_global_object_id("uid@example"),
    );
    assert_eq!(values, [id.as_str(), "4", "1", "false"], "and none of another type");
    let kept = Event { properties: vec![(clean, PropertyValue::One("kept".to_owned()))], ..meeting() };
    assert!(written(&kept, &wanted, &viewer, &Occurrences::default()).contains("<t:Value>kept</t:Value>"));
}
