#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::calendar::event::{Event, Sensitivity};
use crate::client::Ceiling;
use crate::ews::types::calendar_item::tests::{meeting, viewer};
use crate::ews::types::sort_order::SortOrder;

fn read(expression: &str) -> Result<Restriction, Failure> {
    let document = format!("<Restriction>{expression}</Restriction>");
    let mut reader = Pull::new(&document);
    reader.child()?;
    Restriction::read(&mut reader)
}

fn holds_of(event: &Event, ceiling: Ceiling, expression: &str) -> bool {
    read(expression).unwrap().holds(&viewer(ceiling, None).see(event), &Zone::utc())
}

fn holds(expression: &str) -> bool {
    holds_of(&meeting(), Ceiling::Full, expression)
}

fn compare(relation: &str, field: &str, constant: &str) -> String {
    format!(
        "<{relation}><FieldURI FieldURI='{field}'/><FieldURIOrConstant><Constant Value='{constant}'/></FieldURIOrConstant></{relation}>"
    )
}

fn contains(field: &str, mode: &str, comparison: &str, text: &str) -> String {
    format!(
        "<Contains ContainmentMode='{mode}' ContainmentComparison='{comparison}'><FieldURI FieldURI='{field}'/><Constant Value='{text}'/></Contains>"
    )
}

#[test]
fn comparisons_by_type() {
    for (relation, field, constant, expected) in [
        ("IsEqualTo", "item:Subject", "BUDGET &lt;secret>", true),
        ("IsNotEqualTo", "item:Subject", "x", true),
        ("IsGreaterThan", "calendar:End", "2027-01-12T09:59:00+01:00", true),
        ("IsGreaterThan", "calendar:End", "2027-01-12T09:00:00Z", false),
        ("IsGreaterThanOrEqualTo", "calendar:End", "2027-01-12T09:00:00", true),
        ("IsLessThan", "calendar:Start", "2027-01-13", true),
        ("IsLessThanOrEqualTo", "item:ReminderMinutesBeforeStart", "15", true),
        ("IsLessThan", "item:ReminderMinutesBeforeStart", "9", false),
        ("IsEqualTo", "calendar:IsMeeting", "1", true),
        ("IsEqualTo", "item:Importance", "high", true),
        ("IsGreaterThan", "item:Importance", "Normal", true),
        ("IsEqualTo", "item:Categories", "TWO", true),
        ("IsEqualTo", "calendar:Start", "nonsense", false),
        ("IsEqualTo", "calendar:OriginalStart", "2027-01-12T08:00:00Z", false),
        ("IsNotEqualTo", "calendar:OriginalStart", "2027-01-12T08:00:00Z", true),
        ("IsEqualTo", "item:Culture", "en", false),
    ] {
        assert_eq!(holds(&compare(relation, field, constant)), expected, "{field} {relation} {constant}");
    }
}

#[test]
fn texts_that_hold_others() {
    for (mode, comparison, text, expected) in [
        ("FullString", "Exact", "Budget &lt;secret>", true),
        ("FullString", "IgnoreCase", "budget &lt;SECRET>", true),
        ("Prefixed", "Exact", "Bud", true),
        ("Prefixed", "Exact", "bud", false),
        ("Substring", "IgnoreCase", "GET &lt;", true),
        ("PrefixOnWords", "Loose", "sec", true),
        ("PrefixOnWords", "Loose", "cret", false),
        ("ExactPhrase", "IgnoreCase", "secret", true),
        ("ExactPhrase", "IgnoreCase", "secre", false),
    ] {
        assert_eq!(holds(&contains("item:Subject", mode, comparison, text)), expected, "{mode} {comparison} {text}");
    }
    assert!(holds(&contains("item:Categories", "FullString", "Exact", "two")));
    assert!(holds(&contains("item:Body", "Substring", "Exact", "secret")));
    assert!(!holds(&contains("calendar:Start", "Substring", "Exact", "2027")));
}

#[test]
fn expressions_of_expressions() {
    let (yes, no) =
        (compare("IsEqualTo", "calendar:IsMeeting", "true"), compare("IsEqualTo", "calendar:IsMeeting", "0"));
    assert!(holds(&format!("<And>{yes}<Not>{no}</Not><Or>{no}{yes}</Or></And>")));
    assert!(!holds(&format!("<And>{yes}{no}</And>")));
    assert!(holds("<Exists><FieldURI FieldURI='item:Body'/></Exists>"));
    assert!(!holds("<Exists><ExtendedFieldURI PropertyTag='1' PropertyType='String'/></Exists>"));
    let paths = "<IsLessThan><FieldURI FieldURI='calendar:Start'/><FieldURIOrConstant><FieldURI FieldURI='calendar:End'/></FieldURIOrConstant></IsLessThan>";
    assert!(holds(paths) && !holds(&paths.replace("LessThan", "GreaterThan")));
}

#[test]
fn bits_and_extended_properties() {
    let state =
        "<ExtendedFieldURI DistinguishedPropertySetId='Appointment' PropertyId='33303' PropertyType='Integer'/>";
    assert!(!holds(&format!("<Excludes>{state}<Bitmask Value='0x1'/></Excludes>")));
    assert!(holds(&format!("<Excludes>{state}<Bitmask Value='6'/></Excludes>")));
    let equal = "<FieldURIOrConstant><Constant Value='1'/></FieldURIOrConstant>";
    assert!(holds(&format!("<IsEqualTo>{state}{equal}</IsEqualTo>")));
    let restriction = read(&format!("<IsEqualTo>{state}{equal}</IsEqualTo>")).unwrap();
    let mut paths = Vec::new();
    restriction.paths(&mut |path| paths.push(path));
    assert_eq!(needs(paths.into_iter()).0.len(), 1);
}

#[test]
fn no_search_tells_what_is_hidden() {
    let private = Event { sensitivity: Sensitivity::Private, ..meeting() };
    for (event, ceiling) in [(&private, Ceiling::Full), (&meeting(), Ceiling::Time)] {
        for expression in [
            contains("item:Subject", "Substring", "IgnoreCase", "budget"),
            contains("item:Body", "Substring", "IgnoreCase", "secret"),
            compare("IsEqualTo", "item:Importance", "High"),
            compare("IsEqualTo", "calendar:UID", "uid@example"),
            contains("calendar:Organizer", "Substring", "IgnoreCase", "olga"),
            "<Exists><FieldURI FieldURI='calendar:Location'/></Exists>".to_owned(),
            "<Exists><ExtendedFieldURI PropertyTag='0x6001' PropertyType='StringArray'/></Exists>".to_owned(),
        ] {
            assert!(holds(&expression) && !holds_of(event, ceiling, &expression), "{expression}");
        }
    }
}

#[test]
fn what_cannot_be_searched_by() {
    let attendees = compare("IsEqualTo", "calendar:RequiredAttendees", "x");
    assert_eq!(read(&attendees), Err(Failure::UnsupportedQuery { path: "calendar:RequiredAttendees".to_owned() }));
    assert!(matches!(read(&compare("IsEqualTo", "x:y", "1")), Err(Failure::BadProperty { .. })));
    for bad in [
        "",
        "<Near/>",
        "<IsEqualTo><FieldURI FieldURI='item:Subject'/></IsEqualTo>",
        "<Exists/>",
        "<Not/>",
        &contains("item:Subject", "Sounds", "Exact", "x"),
        "<Excludes><FieldURI FieldURI='item:Size'/><Bitmask Value='x'/></Excludes>",
    ] {
        assert!(matches!(read(bad), Err(Failure::Schema { .. })), "{bad}: {:?}", read(bad));
    }
}

#[test]
fn no_search_has_more_than_a_hundred_expressions() {
    let equal = compare("IsEqualTo", "item:Subject", "x");
    let of = |depth: usize, rest: usize| {
        let not = format!("{}{equal}{}", "<Not>".repeat(depth), "</Not>".repeat(depth));
        read(&format!("<Or>{not}{}</Or>", equal.repeat(rest)))
    };
    assert!(of(9, 89).is_ok());
    assert!(matches!(of(9, 90), Err(Failure::Schema { path, .. }) if path == "Restriction"));
}

#[test]
fn a_body_becomes_text_once() {
    let (viewer, meeting) = (viewer(Ceiling::Full, None), meeting());
    let seen = viewer.see(&meeting);
    let first = seen.body_text().unwrap();
    assert_eq!((first.trim(), first.as_ptr()), ("secret", seen.body_text().unwrap().as_ptr()));
}

#[test]
fn queries_for_the_subject() {
    let found = |query: &str| {
        Restriction::of_query(query)
            .map(|found| found.holds(&viewer(Ceiling::Full, None).see(&meeting()), &Zone::utc()))
    };
    assert_eq!(found("subject:BUDGET"), Ok(true));
    assert_eq!(found("Subject:\"budget <s\""), Ok(true));
    assert_eq!(found("subject:lunch"), Ok(false));
    for other in ["budget", "from:x", "subject:a b", "subject:", "subject:a*", "subject:(a)"] {
        assert!(matches!(found(other), Err(Failure::UnsupportedQuery { .. })), "{other}");
    }
}

#[test]
fn orders() {
    let read = |keys: &str| {
        let document = format!("<SortOrder>{keys}</SortOrder>");
        let mut reader = Pull::new(&document);
        reader.child().unwrap();
        SortOrder::read(&mut reader)
    };
    let key =
        |field: &str, order: &str| format!("<FieldOrder Order='{order}'><FieldURI FieldURI='{field}'/></FieldOrder>");
    let viewer = viewer(Ceiling::Full, None);
    let (one, other) = (meeting(), Event { subject: "a".to_owned(), ..meeting() });
    let (one, other) = (viewer.see(&one), viewer.see(&other));
    let by = |keys: &str| {
        let order = read(keys).unwrap();
        order.compare(&order.keys(&one), &order.keys(&other))
    };
    assert_eq!(by(&key("item:Subject", "Ascending")), Ordering::Greater);
    assert_eq!(by(&(key("calendar:Start", "Ascending") + &key("item:Subject", "Descending"))), Ordering::Less);
    assert_eq!(by(&key("calendar:Start", "Ascending")), Ordering::Equal);
    assert!(read(&key("item:Subject", "Ascending").repeat(8)).is_ok());
    assert!(matches!(read(&key("item:Subject", "Ascending").repeat(9)), Err(Failure::Schema { .. })));
    assert!(matches!(read(&key("item:Subject", "Up")), Err(Failure::Schema { .. })));
    assert!(matches!(read(&key("calendar:Recurrence", "Ascending")), Err(Failure::UnsupportedQuery { .. })));
}
