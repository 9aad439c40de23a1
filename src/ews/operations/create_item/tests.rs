//! What recorded requests come to.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday, date, datetime};

use super::*;
use crate::calendar::event::{Body as Text, EventChange, Role, ZonedTime};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence, Weekdays};
use crate::ews::soap::Envelope;

fn changes(request: &str) -> Vec<Result<EventChange, Failure>> {
    let Envelope { header, mut body } = Envelope::parse(request).unwrap();
    let operation = CreateItem::parse(&mut body).unwrap();
    let tells = operation.instructions.tells.unwrap();
    let now: Timestamp = "2027-01-11T09:10:00Z".parse().unwrap();
    let change = |item| match item {
        Item::Calendar(draft) => new_item::of(*draft, tells, header.time_zone.as_ref(), now).map(|new| new.change),
        other => panic!("{other:?}"),
    };
    operation.items.into_iter().map(change).collect()
}

fn one(request: &str) -> EventChange {
    let [change] = <[_; 1]>::try_from(changes(request)).unwrap();
    change.unwrap()
}

fn at(local: DateTime, zone: Option<&str>) -> Option<ZonedTime> {
    Some(ZonedTime { local, zone: zone.map(str::to_owned) })
}

#[test]
fn respa_books_a_room() {
    let change = one(include_str!("../../../../fixtures/ews/respa/confirmed-CreateItem.xml"));
    let attendees = change.attendees.clone().unwrap();
    assert_eq!((attendees.len(), attendees[0].person.address.as_str()), (1, "pat.example@contoso.test"));
    let expected = EventChange {
        subject: Some("drive 41286237 åäö & <b>".into()),
        body: Some(Text { content: "line1\nline2".into(), is_html: false }),
        start: at(datetime(2026, 11, 28, 9, 0, 0, 0), None),
        end: at(datetime(2026, 11, 28, 10, 0, 0, 0), None),
        is_all_day: Some(false),
        show_as: Some(BusyStatus::Busy),
        location: Some("Room (Unit)".into()),
        is_reminder_on: Some(false),
        attendees: Some(attendees),
        ..EventChange::default()
    };
    assert_eq!(change, expected);
}

#[test]
fn exchangelib_makes_an_appointment_by_its_own_clock() {
    let change = one(include_str!("../../../../fixtures/ews/exchangelib/create-event-CreateItem.xml"));
    let romance = Some("Romance Standard Time");
    assert_eq!(change.start, at(datetime(2027, 1, 11, 9, 0, 0, 0), romance));
    assert_eq!(change.end, at(datetime(2027, 1, 11, 10, 0, 0, 0), romance));
    assert_eq!((change.attendees, change.held_back, change.reminder_minutes), (None, None, None));
    assert_eq!(change.categories, Some(vec!["x".to_owned()]));
}

#[test]
fn exchangelib_makes_a_whole_day() {
    let change = one(include_str!("../../../../fixtures/ews/exchangelib/create-allday-CreateItem.xml"));
    let romance = Some("Romance Standard Time");
    assert_eq!(change.is_all_day, Some(true));
    assert_eq!(change.start, at(datetime(2027, 1, 11, 0, 0, 0, 0), romance));
    assert_eq!(change.end, at(datetime(2027, 1, 12, 0, 0, 0, 0), romance));
}

#[test]
fn exchangelib_makes_a_series() {
    let change = one(include_str!("../../../../fixtures/ews/exchangelib/create-recurring-CreateItem.xml"));
    let days = [Weekday::Monday, Weekday::Wednesday].into_iter().collect::<Weekdays>();
    let pattern = Pattern::Weekly { interval: 1, days, first_day: Weekday::Monday };
    let range = Range { start: date(2027, 1, 11), end: RangeEnd::After(5) };
    assert_eq!(change.recurrence, Some(Some(Recurrence { pattern, range, zone: None })));
    assert_eq!(change.start, at(datetime(2027, 1, 11, 15, 0, 0, 0), Some("Romance Standard Time")));
}

#[test]
fn javascript_invites_people_of_every_kind() {
    let request = include_str!("../../../../fixtures/ews/ews-javascript-api/create-meeting-CreateItem.xml");
    let change = one(request);
    let roles: Vec<_> = change.attendees.iter().flatten().map(|it| (it.person.address.as_str(), it.role)).collect();
    let expected = [
        ("bob@example.com", Role::Required),
        ("carol@example.com", Role::Optional),
        ("room101@example.com", Role::Resource),
    ];
    assert_eq!(roles, expected);
    assert_eq!(change.body, Some(Text { content: "<p>Review</p>".into(), is_html: true }));
    let held = one(&request.replace("SendToAllAndSaveCopy", "SendToNone"));
    assert_eq!((held.attendees, held.held_back), (None, change.attendees), "nobody is told");
}

#[test]
fn several_items_are_as_many_events() {
    let request = include_str!("../../../../fixtures/ews/exchangelib/bulk-create-CreateItem.xml");
    let all = changes(&request.replacen("2027-01-12T00:00:00+01:00", "2027-01-10T00:00:00+01:00", 1));
    assert_eq!(all.len(), 3);
    assert_eq!(all[0], Err(Failure::EndBeforeStart), "of this one alone");
    assert_eq!(all[2].as_ref().unwrap().subject.as_deref(), Some("b2"));
}

fn bare(header: &str, item: &str) -> Result<EventChange, Failure> {
    let request = format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{TYPES}" xmlns:m="{MESSAGES}"><s:Header>{header}</s:Header><s:Body><m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>{item}</t:CalendarItem></m:Items></m:CreateItem></s:Body></s:Envelope>"#
    );
    changes(&request).remove(0)
}

#[test]
fn what_is_left_out_is_as_exchange_has_it() {
    let change = bare("", "").unwrap();
    assert_eq!(change.start, at(datetime(2027, 1, 11, 9, 30, 0, 0), None), "the next half hour");
    assert_eq!(change.end, at(datetime(2027, 1, 11, 10, 0, 0, 0), None));
    assert_eq!((change.is_reminder_on, change.reminder_minutes), (Some(true), Some(15)));
    assert_eq!((change.show_as, change.is_all_day), (Some(BusyStatus::Busy), Some(false)));
    let alone = bare("", "<t:Start>2027-03-01T10:00:00Z</t:Start>").unwrap();
    assert_eq!(alone.end, at(datetime(2027, 3, 1, 10, 30, 0, 0), None));
}

#[test]
fn a_time_without_an_offset_is_of_the_nearest_clock() {
    let header = r#"<t:TimeZoneContext><t:TimeZoneDefinition Id="Pacific Standard Time"/></t:TimeZoneContext>"#;
    let times = "<t:Start>2027-02-01T10:00:00</t:Start><t:End>2027-02-01T11:00:00</t:End>";
    let ten = datetime(2027, 2, 1, 10, 0, 0, 0);
    assert_eq!(bare("", times).unwrap().start, at(ten, None));
    assert_eq!(bare(header, times).unwrap().start, at(ten, Some("Pacific Standard Time")));
    let own = format!(r#"{times}<t:StartTimeZone Id="Romance Standard Time"/>"#);
    let change = bare(header, &own).unwrap();
    assert_eq!(change.start, at(ten, Some("Romance Standard Time")));
    assert_eq!(change.end, at(datetime(2027, 2, 1, 11, 0, 0, 0), Some("Romance Standard Time")));
    let old = format!(r#"{times}<t:MeetingTimeZone TimeZoneName="Romance Standard Time"/>"#);
    assert_eq!(bare("", &old).unwrap().start, change.start);
    assert_eq!(bare("", &own.replace("Romance", "No Such")), Err(Failure::UnknownTimeZone));
}

#[test]
fn an_icalendar_is_an_item_and_properties_beside_it_count() {
    let lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//x//y//EN",
        "BEGIN:VEVENT",
        "UID:abc",
        "DTSTAMP:20270101T000000Z",
        "DTSTART:20270111T090000Z",
        "DTEND:20270111T100000Z",
        "RRULE:FREQ=DAILY;COUNT=5",
        "EXDATE:20270113T090000Z",
        "SUMMARY:From MIME",
        "ATTENDEE:mailto:bob@example.com",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ];
    let draft = |text: &str| Draft { mime: Some(base64(text)), ..Draft::default() };
    let now = Timestamp::UNIX_EPOCH;
    let mut named = draft(&lines.join("\r\n"));
    named.change.location = Some("Room".into());
    let new = new_item::of(named, false, None, now).unwrap();
    assert_eq!(new.without, [date(2027, 1, 13)]);
    let change = new.change;
    assert_eq!((change.subject.as_deref(), change.location.as_deref()), (Some("From MIME"), Some("Room")));
    assert_eq!((change.uid.as_deref(), change.attendees), (Some("abc"), None));
    assert_eq!(change.held_back.unwrap()[0].person.address, "bob@example.com");
    assert_eq!(change.start, at(datetime(2027, 1, 11, 9, 0, 0, 0), None));
    let backwards = lines.join("\r\n").replace("T100000Z", "T080000Z");
    assert_eq!(new_item::of(draft(&backwards), true, None, now), Err(Failure::EndBeforeStart));
    for bad in ["", "BEGIN:VCALENDAR"] {
        assert_eq!(new_item::of(draft(bad), true, None, now), Err(Failure::BadMime), "{bad}");
    }
    let no_base64 = Draft { mime: Some("!".into()), ..Draft::default() };
    assert_eq!(new_item::of(no_base64, true, None, now), Err(Failure::BadMime));
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn response_objects_are_read_and_their_answers_written() {
    let request = include_str!("../../../../fixtures/ews/exchangelib/accept-CreateItem.xml");
    let mut body = Envelope::parse(request).unwrap().body;
    let operation = CreateItem::parse(&mut body).unwrap();
    assert_eq!(operation.instructions.disposition, Some(Disposition::SendAndSaveCopy));
    let [Item::Accept(object)] = operation.items.as_slice() else { panic!("{operation:?}") };
    assert_eq!(
        (object.comment().as_str(), object.item().unwrap().as_str()),
        ("ok", "QUFNa0FELWV4YW1wbGUtaXRlbS0wMDAwMDQ=")
    );

    let outcomes = vec![Ok(None), Err(Failure::IsOrganizer { code: "ErrorCalendarIsOrganizerForAccept" })];
    let mut xml = Xml::default();
    CreateItemResponse { outcomes }.write(&mut xml);
    let text = xml.finish();
    assert!(text.contains(r#"ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items/>"#), "{text}");
    assert!(text.contains("<m:ResponseCode>ErrorCalendarIsOrganizerForAccept</m:ResponseCode>"), "{text}");
    assert!(text.contains("<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Items/>"), "{text}");
}
