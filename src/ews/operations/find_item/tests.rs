#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use futures::FutureExt;

use super::*;
use crate::client::Ceiling;
use crate::ews::soap::Envelope;
use crate::ews::types::calendar_item::tests::{meeting, viewer};
use crate::ews::types::restriction::Restriction;

fn parse(request: &str) -> Result<Request, Failure> {
    request::parse(&mut Envelope::parse(request)?.body)
}

fn find(attributes: &str, content: &str) -> Result<Request, Failure> {
    parse(&format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:FindItem xmlns:m="{MESSAGES}" xmlns:t="{TYPES}" {attributes}><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>{content}</m:FindItem></s:Body></s:Envelope>"#
    ))
}

const CALENDARS: &str = r#"<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds>"#;

fn with_view(view: &str) -> Result<View, Failure> {
    find(r#"Traversal="Shallow""#, &format!("{view}{CALENDARS}")).map(|find| find.view)
}

fn many(count: usize) -> Vec<Event> {
    (0..count).map(|_| meeting()).collect()
}

#[test]
fn requests_of_clients() {
    let respa = parse(include_str!("../../../../fixtures/ews/respa/FindItem.xml")).unwrap();
    let View::Calendar { start, most, .. } = respa.view else { panic!("{:?}", respa.view) };
    assert_eq!((start, most), (WireTime::Instant(20_778 * 86_400), Some(1_048_576)));
    let folder = respa.folders[0].as_ref().unwrap();
    assert_eq!((folder.name.as_str(), folder.mailbox.as_deref()), ("calendar", Some("room1@contoso.test")));
    let filter = parse(include_str!("../../../../fixtures/ews/exchangelib/calendar-filter-FindItem.xml")).unwrap();
    assert_eq!(filter.view, View::Indexed { offset: 0, from_end: false, most: Some(100) });
    assert!(matches!(filter.restriction, Some(Restriction::And(both)) if both.len() == 2));
    assert!(!filter.sort.is_empty());
}

#[test]
fn views() {
    let calendar = r#"<m:CalendarView StartDate="2027-01-01T00:00:00" EndDate="2027-01-02"/>"#;
    let day = 20_819 * 86_400;
    let (start, end) = (WireTime::Local(day), WireTime::Local(day + DAY));
    assert_eq!(with_view(calendar), Ok(View::Calendar { start, end, most: None }));
    assert_eq!(with_view(""), Ok(View::All));
    let fraction = r#"<m:FractionalPageItemView Numerator="1" Denominator="2" MaxEntriesReturned="5"/>"#;
    assert_eq!(with_view(fraction), Ok(View::Fractional { numerator: 1, denominator: 2, most: Some(5) }));
    for bad in [
        r#"<m:CalendarView StartDate="2027-01-01T00:00:00Z"/>"#,
        r#"<m:CalendarView StartDate="today" EndDate="2027-01-01T00:00:00Z"/>"#,
        r#"<m:CalendarView StartDate="2027-01-01T00:00:00Z" EndDate="2027-01-01T00:00:00Z" MaxEntriesReturned="0"/>"#,
        r#"<m:IndexedPageItemView Offset="-1" BasePoint="Beginning"/>"#,
        r#"<m:IndexedPageItemView Offset="0" BasePoint="Middle"/>"#,
        r#"<m:FractionalPageItemView Numerator="3" Denominator="2"/>"#,
        r#"<m:FractionalPageItemView Numerator="0" Denominator="0"/>"#,
    ] {
        assert!(matches!(with_view(bad), Err(Failure::Schema { .. })), "{bad}");
    }
    for unsupported in ["SeekToConditionPageItemView", "ContactsView", "GroupBy"] {
        let found = with_view(&format!("<m:{unsupported}/>"));
        assert_eq!(found, Err(Failure::UnsupportedQuery { path: unsupported.to_owned() }));
    }
}

#[test]
fn what_is_missing() {
    assert!(matches!(find("", CALENDARS), Err(Failure::Schema { .. })));
    assert!(matches!(find(r#"Traversal="Deep""#, CALENDARS), Err(Failure::Schema { .. })));
    assert!(matches!(find(r#"Traversal="SoftDeleted""#, CALENDARS), Err(Failure::UnsupportedQuery { .. })));
    assert!(matches!(find(r#"Traversal="Shallow""#, ""), Err(Failure::Schema { .. })));
    assert!(matches!(find(r#"Traversal="Shallow""#, "<m:ParentFolderIds/>"), Err(Failure::Schema { .. })));
}

#[test]
fn stretches_of_time() {
    let of = |start: i64, end: i64| Stretch::of(WireTime::Instant(start), WireTime::Instant(end), &Zone::utc());
    assert_eq!(of(10, 9).unwrap_err(), Failure::EndBeforeStart);
    assert!(of(10, 10).is_ok());
    let two_years = 731 * DAY; // 2027 and the leap year 2028
    let start = 20_819 * DAY;
    assert!(of(start, start + two_years).is_ok());
    assert_eq!(of(start, start + two_years + 1).unwrap_err(), Failure::ViewTooLarge);
    assert_eq!(of(i64::MAX - 1, i64::MAX).unwrap_err(), Failure::ViewTooLarge);
    let viewer = viewer(Ceiling::Full, None);
    let meeting = meeting();
    let seen = viewer.see(&meeting);
    let has = |start: i64, end: i64| of(start, end).unwrap().has(&seen);
    let (from, until) = (seen.start(), seen.end());
    assert!(has(from, until) && has(from + 60, from + 61) && has(from + 60, from + 60));
    assert!(!has(until, until + 60), "what ends when it begins is outside");
    assert!(!has(from - 60, from), "what begins when it ends, too");
}

#[test]
fn too_many_items_are_a_failure_unless_a_part_will_do() {
    let calendar = |most| View::Calendar { start: WireTime::Instant(0), end: WireTime::Instant(1), most };
    assert_eq!(calendar(None).page(many(1001)).unwrap_err(), Failure::TooManyFound);
    assert_eq!(View::All.page(many(1001)).unwrap_err(), Failure::TooManyFound);
    let whole = calendar(None).page(many(1000)).unwrap();
    assert!(whole.is_last && whole.rest == Rest::None);
    let large = calendar(Some(1_048_576)).page(many(3000)).unwrap();
    assert!(large.is_last && large.events.len() == 3000);
    let cut = calendar(Some(5)).page(many(6)).unwrap();
    assert_eq!((cut.events.len(), cut.total, cut.is_last), (5, 6, false));
}

#[test]
fn a_long_list_is_not_looked_at_in_one_go() {
    let find = FindItem(find(r#"Traversal="Shallow""#, CALENDARS).unwrap());
    let (viewer, zone) = (viewer(Ceiling::Full, None), Zone::utc());
    let few = find.sorted(&viewer, many(AT_ONCE), None, &zone).now_or_never();
    assert_eq!(few.map(|events| events.len()), Some(AT_ONCE));
    assert!(find.sorted(&viewer, many(AT_ONCE + 1), None, &zone).now_or_never().is_none());
}

#[test]
fn a_folder_that_is_named_twice_is_read_once() {
    use crate::calendar::Mailbox;
    use crate::client::{Client, Policy};
    let policy = Policy::unlimited(&[Capability::CalendarRead], &["*"], Ceiling::Full);
    let client = Client::without_login("c", policy);
    let place = |name: &str, address: &str| Place {
        known: tree::known(name).unwrap(),
        mailbox: client
            .permit(&Mailbox::parse(address).unwrap(), Capability::CalendarRead, jiff::Timestamp::UNIX_EPOCH)
            .unwrap(),
    };
    let (a, b) = ("a@example.com", "b@example.com");
    let named = [("calendar", a), ("inbox", a), ("Calendar", "A@example.com"), ("calendar", b), ("calendar", a)];
    let (places, order) = each_once(named.map(|(name, address)| place(name, address)).into());
    assert_eq!((places.len(), order), (3, vec![0, 1, 0, 2, 0]));
    let folders: Vec<_> =
        (1..=3).map(|count| (viewer(Ceiling::Full, None), View::All.page(many(count)).unwrap())).collect();
    let wanted = Wanted { fields: [crate::ews::types::property_path::Field::ItemId].into(), ..Wanted::default() };
    let mut xml = Xml::default();
    FindItemResponse { wanted, folders, order: vec![2, 0, 2] }.write(&mut xml);
    let told: Vec<_> =
        xml.finish().split("<m:RootFolder").skip(1).map(|part| part.matches("<t:ItemId").count()).collect();
    assert_eq!(told, [3, 1, 3]);
}

#[test]
fn pages() {
    let numbered = |count: u8| -> Vec<Event> {
        (0..count).map(|number| Event { subject: number.to_string(), ..meeting() }).collect()
    };
    let subjects = |page: &Page| page.events.iter().map(|event| event.subject.clone()).collect::<Vec<_>>().join(" ");
    let indexed = |offset, from_end, most| View::Indexed { offset, from_end, most }.page(numbered(5)).unwrap();
    let first = indexed(0, false, Some(2));
    assert_eq!((subjects(&first), first.is_last, first.rest), ("0 1".into(), false, Rest::Indexed { next: 2 }));
    let last = indexed(4, false, Some(2));
    assert_eq!((subjects(&last), last.is_last, last.rest), ("4".into(), true, Rest::Indexed { next: 5 }));
    let beyond = indexed(9, false, Some(2));
    assert_eq!((subjects(&beyond), beyond.is_last, beyond.total), (String::new(), true, 5));
    let back = indexed(1, true, Some(2));
    assert_eq!((subjects(&back), back.is_last, back.rest), ("2 3".into(), false, Rest::Indexed { next: 3 }));
    let beginning = indexed(3, true, None);
    assert_eq!((subjects(&beginning), beginning.is_last), ("0 1".into(), true));
    let long = View::Indexed { offset: 0, from_end: false, most: Some(5000) }.page(many(1200)).unwrap();
    assert_eq!((long.events.len(), long.is_last), (1000, false));
    let half = View::Fractional { numerator: 1, denominator: 2, most: Some(2) }.page(numbered(5)).unwrap();
    assert_eq!((subjects(&half), half.is_last, half.rest), ("2 3".into(), false, Rest::Fractional { next: 4, of: 5 }));
}
