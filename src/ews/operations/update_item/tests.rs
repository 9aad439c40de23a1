//! What requests come to, for an item as it is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use jiff::civil::{Weekday, date, datetime};

use super::*;
use crate::calendar::Mailbox;
use crate::calendar::event::{
    Attendee, Body as Text, EventChange, EventKind, Importance, Person, Response as Answer, Role, Sensitivity, When,
    ZonedTime,
};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, Weekdays};
use crate::client::{Ceiling, Client, Policy, View};
use crate::ews::soap::Envelope;

const RESPA: &str = include_str!("../../../../fixtures/ews/respa/saved-UpdateItem.xml");
const EXCHANGELIB: &str = include_str!("../../../../fixtures/ews/exchangelib/update-event-UpdateItem.xml");
const RESEND: &str = include_str!("../../../../fixtures/ews/pyexchange/resend-UpdateItem.xml");

/// As Graph is told, if it is told anything.
fn told(request: &str, event: &Event) -> Result<EventChange, Failure> {
    told_to(request, event, true)
}

fn told_to(request: &str, event: &Event, sees_whole: bool) -> Result<EventChange, Failure> {
    let Envelope { header, mut body } = Envelope::parse(request).unwrap();
    let operation = UpdateItem::parse(&mut body).unwrap();
    let [change] = <[ItemChange; 1]>::try_from(operation.changes).unwrap();
    let tells = operation.instructions.tells.unwrap();
    decide(change.updates.checked()?, event, header.time_zone.as_ref(), tells, sees_whole)
}

fn update(tells: &str, updates: &[(&str, &str, &str)]) -> String {
    let update = |(kind, uri, inside): &(&str, &str, &str)| {
        format!(r#"<t:{kind}><t:FieldURI FieldURI="{uri}"/><t:CalendarItem>{inside}</t:CalendarItem></t:{kind}>"#)
    };
    let updates: String = updates.iter().map(update).collect();
    format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{TYPES}" xmlns:m="{MESSAGES}"><s:Body><m:UpdateItem SendMeetingInvitationsOrCancellations="{tells}"><m:ItemChanges><t:ItemChange><t:ItemId Id="AAMk"/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem></s:Body></s:Envelope>"#
    )
}

fn attendee(address: &str, name: &str, role: Role) -> Attendee {
    let person = Person { name: name.into(), address: address.into() };
    Attendee { person, role, response: Answer::NotResponded, responded: None }
}

/// As Respa's update wants it.
fn event() -> Event {
    Event {
        id: EventId::parse("AAMk").unwrap(),
        change_key: "DwAAABYA".into(),
        kind: EventKind::Single,
        series: None,
        uid: Some("u".into()),
        created: None,
        modified: None,
        subject: "drive 41286237 åäö & <b>".into(),
        body: Some(Text { content: "<html><body></body></html>".into(), is_html: true }),
        when: When::Timed {
            start: "2026-11-28T11:00:00Z".parse().unwrap(),
            end: "2026-11-28T13:00:00Z".parse().unwrap(),
        },
        start_zone: Some("UTC".into()),
        end_zone: Some("UTC".into()),
        original_start: None,
        show_as: BusyStatus::Busy,
        location: "Room".into(),
        sensitivity: Sensitivity::Normal,
        importance: Importance::Normal,
        categories: Vec::new(),
        is_reminder_on: false,
        reminder_minutes: 15,
        organizer: None,
        is_organizer: true,
        attendees: vec![attendee("Pat.Example@contoso.test", "Pat Example", Role::Required)],
        is_held_back: false,
        response: Answer::Organizer,
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

fn utc(hour: i8) -> Option<ZonedTime> {
    Some(ZonedTime { local: datetime(2026, 11, 28, hour, 0, 0, 0), zone: None })
}

#[test]
fn respa_saves_without_a_change_and_nobody_is_mailed() {
    assert_eq!(told(RESPA, &event()), Ok(EventChange::default()));
}

#[test]
fn respa_moves_a_booking() {
    let moved = RESPA.replace("T13:00:00Z", "T14:00:00Z");
    let expected = EventChange { start: utc(11), end: utc(14), ..EventChange::default() };
    assert_eq!(told(&moved, &event()), Ok(expected));
}

#[test]
fn each_value_that_is_new_is_told_alone() {
    let texts = [("Room</t:Location>", "Hall</t:Location>"), ("\"Text\"></t:Body>", "\"Text\">x</t:Body>")];
    let change = told(&RESPA.replace(texts[0].0, texts[0].1), &event()).unwrap();
    assert_eq!(change, EventChange { location: Some("Hall".into()), ..EventChange::default() });
    let change = told(&RESPA.replace(texts[1].0, texts[1].1), &event()).unwrap();
    let body = Some(Text { content: "x".into(), is_html: false });
    assert_eq!(change, EventChange { body, ..EventChange::default() });
    let change = told(&RESPA.replace("pat.example", "sam.example"), &event()).unwrap();
    let people: Vec<_> = change.attendees.iter().flatten().map(|it| it.person.address.as_str()).collect();
    assert_eq!(people, ["sam.example@contoso.test"]);
}

#[test]
fn plain_text_is_known_again_in_the_html_that_graph_makes_of_it() {
    let request = RESPA.replace("\"Text\"></t:Body>", "\"Text\">a &lt; b\nc</t:Body>");
    let html = |content: &str| Event { body: Some(Text { content: content.into(), is_html: true }), ..event() };
    let same = html("<html><head><style>p {}</style></head><body><div>a &lt; b<br>\r\nc</div></body></html>");
    assert_eq!(told(&request, &same), Ok(EventChange::default()));
    assert!(told(&request, &html("<html><body>a &lt; b c</body></html>")).unwrap().body.is_some());
}

#[test]
fn exchangelib_names_the_clock_again() {
    let when =
        When::Timed { start: "2027-01-11T08:30:00Z".parse().unwrap(), end: "2027-01-11T09:30:00Z".parse().unwrap() };
    let zone = |name: &str| Some(name.to_owned());
    let same = Event {
        when,
        subject: "Planning v2".into(),
        attendees: Vec::new(),
        start_zone: zone("romance standard time"),
        end_zone: zone("Romance Standard Time"),
        ..event()
    };
    assert_eq!(told(EXCHANGELIB, &same), Ok(EventChange::default()));
    let other = Event { start_zone: zone("UTC"), ..same };
    let change = told(EXCHANGELIB, &other).unwrap();
    let local = datetime(2027, 1, 11, 9, 30, 0, 0);
    assert_eq!(change.start, Some(ZonedTime { local, zone: zone("Romance Standard Time") }));
}

#[test]
fn one_end_alone_keeps_the_other_and_the_clock() {
    let zone = Some("Romance Standard Time".to_owned());
    let event = Event { start_zone: zone.clone(), end_zone: zone.clone(), ..event() };
    let start = |start: &str| {
        update("SendToAllAndSaveCopy", &[("SetItemField", "calendar:Start", &format!("<t:Start>{start}</t:Start>"))])
    };
    let change = told(&start("2026-11-28T12:00:00Z"), &event).unwrap();
    let at = |hour| Some(ZonedTime { local: datetime(2026, 11, 28, hour, 0, 0, 0), zone: zone.clone() });
    assert_eq!((change.start, change.end), (at(13), at(14)));
    assert_eq!(told(&start("2026-11-28T13:00:01Z"), &event), Err(Failure::EndBeforeStart));
}

#[test]
fn whole_days_come_and_go() {
    let zone = Some("Romance Standard Time".to_owned());
    let timed = Event { start_zone: zone.clone(), end_zone: zone.clone(), ..event() };
    let toggle = |on: &str| {
        update(
            "SendToAllAndSaveCopy",
            &[("SetItemField", "calendar:IsAllDayEvent", &format!("<t:IsAllDayEvent>{on}</t:IsAllDayEvent>"))],
        )
    };
    let at = |day| Some(ZonedTime { local: datetime(2026, 11, day, 0, 0, 0, 0), zone: zone.clone() });
    let change = told(&toggle("true"), &timed).unwrap();
    assert_eq!(change, EventChange { start: at(28), end: at(29), is_all_day: Some(true), ..EventChange::default() });
    let days = Event { when: When::Days { first: date(2026, 11, 28), after: date(2026, 11, 29) }, ..timed };
    assert_eq!(told(&toggle("true"), &days), Ok(EventChange::default()));
    let change = told(&toggle("false"), &days).unwrap();
    assert_eq!(change, EventChange { start: at(28), end: at(29), is_all_day: Some(false), ..EventChange::default() });
}

#[test]
fn days_of_no_zone_are_the_caller_s() {
    let days = Event { when: When::Days { first: date(2026, 11, 28), after: date(2026, 11, 29) }, ..event() };
    let header = format!(
        r#"<s:Header xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><t:TimeZoneContext xmlns:t="{TYPES}"><t:TimeZoneDefinition Id="Romance Standard Time"/></t:TimeZoneContext></s:Header><s:Body>"#
    );
    let set = |start: &str, end: &str| {
        let (start, end) = (format!("<t:Start>{start}</t:Start>"), format!("<t:End>{end}</t:End>"));
        let both = [("SetItemField", "calendar:Start", &*start), ("SetItemField", "calendar:End", &*end)];
        update("SendToAllAndSaveCopy", &both).replace("<s:Body>", &header)
    };
    let same = set("2026-11-27T23:00:00Z", "2026-11-28T23:00:00Z");
    assert_eq!(told(&same, &days), Ok(EventChange::default()), "as they were read");
    let at = |day| Some(ZonedTime { local: datetime(2026, 11, day, 0, 0, 0, 0), zone: None });
    let next = told(&set("2026-11-28T23:00:00Z", "2026-11-29T23:00:00Z"), &days).unwrap();
    assert_eq!((next.start, next.end), (at(29), at(30)));
    let whole = r#"<t:Updates><t:SetItemField><t:FieldURI FieldURI="calendar:IsAllDayEvent"/><t:CalendarItem><t:IsAllDayEvent>true</t:IsAllDayEvent></t:CalendarItem></t:SetItemField>"#;
    let becomes = told(&same.replace("<t:Updates>", whole), &event()).unwrap();
    assert_eq!((becomes.start, becomes.end, becomes.is_all_day), (at(28), at(29), Some(true)));
}

#[test]
fn attendees_of_other_kinds_stay_and_names_are_kept() {
    let one = |address: &str| {
        format!("<t:Attendee><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox></t:Attendee>")
    };
    let required = format!("<t:RequiredAttendees>{}</t:RequiredAttendees>", one("pat.example@contoso.test"));
    let optional = format!("<t:OptionalAttendees>{}</t:OptionalAttendees>", one("sam@contoso.test"));
    let mut event = event();
    event.attendees.push(attendee("room@contoso.test", "Room", Role::Resource));
    let request = update(
        "SendToAllAndSaveCopy",
        &[
            ("SetItemField", "calendar:RequiredAttendees", &required),
            ("AppendToItemField", "calendar:OptionalAttendees", &optional),
        ],
    );
    let people = told(&request, &event).unwrap().attendees.unwrap();
    let people: Vec<_> =
        people.iter().map(|it| (it.person.name.as_str(), it.person.address.as_str(), it.role)).collect();
    let expected = [
        ("Pat Example", "pat.example@contoso.test", Role::Required),
        ("Room", "room@contoso.test", Role::Resource),
        ("", "sam@contoso.test", Role::Optional),
    ];
    assert_eq!(people, expected);
}

#[test]
fn who_must_not_be_told_is_not_mailed() {
    let silent = |uri, inside| update("SendToNone", &[("SetItemField", uri, inside)]);
    let subject = silent("item:Subject", "<t:Subject>new</t:Subject>");
    assert_eq!(told(&subject, &event()), Err(Failure::WouldNotify));
    let own = silent("item:Categories", "<t:Categories><t:String>x</t:String></t:Categories>");
    assert_eq!(told(&own, &event()).unwrap().categories, Some(vec!["x".to_owned()]));
    assert!(told(&RESPA.replace("SendToAllAndSaveCopy", "SendToNone"), &event()).is_ok(), "nothing is new");
    let invited = Event { is_organizer: false, ..event() };
    assert_eq!(told(&subject, &invited).unwrap().subject.as_deref(), Some("new"), "one's own copy");
    let appointment = Event { attendees: Vec::new(), ..event() };
    assert_eq!(told(&subject, &appointment).unwrap().subject.as_deref(), Some("new"));
    let change = told(&RESPA.replace("SendToAllAndSaveCopy", "SendToNone"), &appointment).unwrap();
    assert_eq!((change.attendees, change.held_back.map(|people| people.len())), (None, Some(1)));
}

#[test]
fn who_was_held_back_is_told_when_somebody_wants_it() {
    let held = Event { is_held_back: true, ..event() };
    let change = told(RESEND, &held).unwrap();
    assert_eq!((change.attendees, change.held_back), (Some(held.attendees.clone()), Some(Vec::new())));
    assert_eq!(told(RESEND, &event()), Ok(EventChange::default()));
    let quiet = update("SendToNone", &[("SetItemField", "item:Subject", "<t:Subject>new</t:Subject>")]);
    let change = told(&quiet, &held).unwrap();
    assert_eq!((change.subject.as_deref(), change.attendees, change.held_back), (Some("new"), None, None));
}

#[test]
fn a_text_is_added_inside_the_document() {
    let more = update(
        "SendToAllAndSaveCopy",
        &[("AppendToItemField", "item:Body", r#"<t:Body BodyType="Text">&lt;more&gt;</t:Body>"#)],
    );
    let event = Event { body: Some(Text { content: "<html><body>a</body></html>".into(), is_html: true }), ..event() };
    let body = told(&more, &event).unwrap().body.unwrap();
    assert_eq!((body.content.as_str(), body.is_html), ("<html><body>a&lt;more&gt;</body></html>", true));
}

#[test]
fn a_series_that_is_moved_begins_on_its_new_day() {
    let days = Weekdays::default().with(Weekday::Saturday);
    let pattern = Pattern::Weekly { interval: 1, days, first_day: Weekday::Sunday };
    let range = Range { start: date(2026, 11, 28), end: RangeEnd::Never };
    let series = Recurrence { pattern, range, zone: None };
    let event = Event { kind: EventKind::Master, recurrence: Some(series.clone()), ..event() };
    let moved = |start: &str, end: &str| {
        update(
            "SendToAllAndSaveCopy",
            &[
                ("SetItemField", "calendar:Start", &format!("<t:Start>{start}</t:Start>")),
                ("SetItemField", "calendar:End", &format!("<t:End>{end}</t:End>")),
            ],
        )
    };
    let later = told(&moved("2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z"), &event).unwrap();
    assert_eq!((later.start, later.recurrence), (utc(12), None));
    let next = told(&moved("2026-12-05T12:00:00Z", "2026-12-05T13:00:00Z"), &event).unwrap();
    assert_eq!(next.recurrence.unwrap().unwrap().range.start, date(2026, 12, 5));
    let none = r#"<t:DeleteItemField><t:FieldURI FieldURI="calendar:Recurrence"/></t:DeleteItemField>"#;
    let none = update("SendToAllAndSaveCopy", &[]).replace("<t:Updates>", &format!("<t:Updates>{none}"));
    assert_eq!(told(&none, &event).unwrap().recurrence, Some(None));
}

#[test]
fn the_uid_is_what_it_is() {
    let uid = |uid: &str| update("SendToNone", &[("SetItemField", "calendar:UID", &format!("<t:UID>{uid}</t:UID>"))]);
    assert_eq!(told(&uid("u"), &event()), Ok(EventChange::default()));
    assert_eq!(told(&uid("v"), &event()), Err(Failure::ReadOnlyProperty { path: "calendar:UID".into() }));
}

#[test]
fn who_does_not_see_an_item_whole_can_neither_uncover_it_nor_invite() {
    let one =
        "<t:Attendee><t:Mailbox><t:EmailAddress>pat.example@contoso.test</t:EmailAddress></t:Mailbox></t:Attendee>";
    let required = format!("<t:RequiredAttendees>{one}</t:RequiredAttendees>");
    for (kind, uri, inside) in [
        ("SetItemField", "item:Sensitivity", "<t:Sensitivity>Normal</t:Sensitivity>"),
        ("SetItemField", "calendar:RequiredAttendees", required.as_str()),
        ("AppendToItemField", "calendar:RequiredAttendees", required.as_str()),
    ] {
        let request = update("SendToAllAndSaveCopy", &[(kind, uri, inside)]);
        assert_eq!(told_to(&request, &event(), false), Err(Failure::Denied), "{kind} {uri}");
        assert!(told_to(&request, &event(), true).is_ok(), "{kind} {uri}");
        let away = format!(r#"<t:DeleteItemField><t:FieldURI FieldURI="{uri}"/></t:DeleteItemField>"#);
        let away = update("SendToAllAndSaveCopy", &[]).replace("<t:Updates>", &format!("<t:Updates>{away}"));
        assert_eq!(told_to(&away, &event(), false), Err(Failure::Denied), "{uri}");
    }
    for path in [
        r#"PropertyTag="0x36" PropertyType="Integer""#,
        r#"DistinguishedPropertySetId="Common" PropertyId="34054" PropertyType="Boolean""#,
    ] {
        let away = format!("<t:Updates><t:DeleteItemField><t:ExtendedFieldURI {path}/></t:DeleteItemField>");
        let away = update("SendToNone", &[]).replace("<t:Updates>", &away);
        assert_eq!(told_to(&away, &event(), false), Err(Failure::Denied), "{path}");
    }
}

#[test]
fn what_is_hidden_cannot_be_guessed() {
    let outcome = |tells, uri, inside: &str, event: &Event| {
        told_to(&update(tells, &[("SetItemField", uri, inside)]), event, false)
    };
    let guesses = ["<t:Subject>drive 41286237 åäö &amp; &lt;b&gt;</t:Subject>", "<t:Subject>other</t:Subject>"];
    for guess in guesses {
        // Nobody learns whether others are invited, or have invited.
        let alone = Event { attendees: Vec::new(), ..event() };
        for event in [event(), alone, Event { is_organizer: false, ..event() }] {
            assert_eq!(outcome("SendToNone", "item:Subject", guess, &event), Err(Failure::Denied));
        }
        let change = outcome("SendToAllAndSaveCopy", "item:Subject", guess, &event()).unwrap();
        assert!(!difference::is_empty(&change), "sent, right or wrong");
    }
    let read_only = Err(Failure::ReadOnlyProperty { path: "calendar:UID".into() });
    for guess in ["<t:UID>u</t:UID>", "<t:UID>v</t:UID>"] {
        assert_eq!(outcome("SendToNone", "calendar:UID", guess, &event()), read_only);
        assert_eq!(outcome("SendToNone", "calendar:UID", guess, &Event { uid: None, ..event() }), read_only);
    }
}

#[test]
fn a_client_sees_what_both_its_grants_show() {
    let (room, private) =
        (Mailbox::parse("room@contoso.test").unwrap(), Event { sensitivity: Sensitivity::Private, ..event() });
    let grants = |capabilities: &[Capability], ceiling| Policy::unlimited(capabilities, &["*"], ceiling).grants;
    let sees = |grants: Vec<_>, event: &Event| {
        let policy = Policy { grants, ..Policy::unlimited(&[], &[], Ceiling::Full) };
        let client = Client::without_login("c", policy);
        let mailbox = client.permit(&room, Capability::CalendarWrite, jiff::Timestamp::UNIX_EPOCH).unwrap();
        sight::sees_whole(&client, &mailbox, event, jiff::Timestamp::UNIX_EPOCH)
    };
    let (writes, reads) = (&[Capability::CalendarWrite], &[Capability::CalendarRead]);
    let full = grants(writes, Ceiling::Full);
    assert!(sees(full.clone(), &event()) && !sees(full.clone(), &private));
    assert!(!sees(grants(writes, Ceiling::SubjectAndLocation), &event()));
    assert!(!sees([full.clone(), grants(reads, Ceiling::Time)].concat(), &event()));
    let masked = |mut grants: Vec<crate::client::Grant>| {
        let view = View { subject: Some("Busy".into()), ..View::under(Ceiling::Full) };
        grants.iter_mut().for_each(|grant| grant.view = std::sync::Arc::new(view.clone()));
        grants
    };
    assert!(!sees(masked(full.clone()), &event()));
    assert!(!sees([full, masked(grants(reads, Ceiling::Full))].concat(), &event()));
}

#[test]
fn answers_hold_the_id_and_the_new_change_key() {
    let outcomes = vec![Ok((EventId::parse("AAMk-x_").unwrap(), "DwAA".into())), Err(Failure::Conflict)];
    let mut xml = Xml::default();
    UpdateItemResponse { outcomes }.write(&mut xml);
    let text = xml.finish();
    assert!(text.contains(r#"<t:CalendarItem><t:ItemId Id="AAMk/x+" ChangeKey="DwAA"/></t:CalendarItem></m:Items><m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>"#), "{text}");
    assert!(text.contains("ErrorIrresolvableConflict"), "{text}");
}
