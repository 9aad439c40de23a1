//! What each view holds, and what ceilings, privacy and schema versions leave of it.

use super::{digits, responses};
use crate::harness::Setup;
use crate::harness::answer::Element;
use crate::harness::requests::{Availability, new_york};

/// Nina's week around the change of New York's clock, on that clock.
fn week<'a>(zone: &'a str, view: &'a str) -> Availability<'a> {
    Availability { mailboxes: &["nina@contoso.example"], zone, view, interval: "60", ..Availability::default() }
}

const WEEK: [&str; 6] = [
    "2027-03-11T08:00:00 2027-03-11T12:00:00 WorkingElsewhere",
    "2027-03-11T13:00:00 2027-03-11T13:30:00 Tentative",
    "2027-03-12T15:00:00 2027-03-12T15:30:00 Busy",
    "2027-03-14T11:00:00 2027-03-14T12:00:00 Busy",
    "2027-03-15T09:00:00 2027-03-15T10:00:00 Busy",
    "2027-03-16T00:00:00 2027-03-17T00:00:00 OOF",
];

#[tokio::test]
async fn each_view_holds_its_parts() {
    let gateway = Setup::new().start().await;
    let zone = new_york();
    let events = ["FreeBusyViewType", "CalendarEventArray", "WorkingHours"];
    let merged = ["FreeBusyViewType", "MergedFreeBusy", "CalendarEventArray", "WorkingHours"];
    for (view, parts, detailed) in [
        ("MergedOnly", &merged[..2], false),
        ("FreeBusy", &events[..], false),
        ("FreeBusyMerged", &merged[..], false),
        ("Detailed", &events[..], true),
        ("DetailedMerged", &merged[..], true),
    ] {
        let answer = &responses(&gateway, &week(&zone, view).xml()).await[0];
        let shown = answer.child("FreeBusyView");
        assert_eq!(shown.names(), parts, "{view}");
        assert_eq!(shown.at("FreeBusyViewType"), view);
        assert_eq!(!shown.all("CalendarEventDetails").is_empty(), detailed, "{view}");
        if view != "MergedOnly" {
            assert_eq!(answer.events(), WEEK, "{view}");
        }
        if let Some(found) = shown.get("MergedFreeBusy") {
            // 167 hours: one is left out on the 14th. Working elsewhere is 4 from Exchange 2013 on.
            let runs = [(32, 4, '4'), (37, 1, '1'), (63, 1, '2'), (106, 1, '2'), (128, 1, '2'), (143, 24, '3')];
            assert_eq!(found.text, digits(167, &runs), "{view}");
        }
    }
    gateway.done().await;
}

#[tokio::test]
async fn working_hours_are_the_mailboxes_own() {
    let gateway = Setup::new().start().await;
    // Asked in UTC: the hours stay on New York's clock.
    let answer = &responses(&gateway, &week("", "FreeBusy").xml()).await[0];
    let hours = answer.child("FreeBusyView").child("WorkingHours");
    let zone = hours.child("TimeZone");
    assert_eq!(zone.at("Bias"), "300");
    assert_eq!(
        (zone.at("DaylightTime/Month"), zone.at("DaylightTime/DayOrder"), zone.at("DaylightTime/Bias")),
        ("3", "2", "-60")
    );
    assert_eq!((zone.at("StandardTime/Month"), zone.at("StandardTime/DayOrder")), ("11", "1"));
    assert_eq!(hours.at("WorkingPeriodArray/WorkingPeriod/DayOfWeek"), "Monday Tuesday Wednesday Thursday Friday");
    assert_eq!(hours.at("WorkingPeriodArray/WorkingPeriod/StartTimeInMinutes"), "540");
    assert_eq!(hours.at("WorkingPeriodArray/WorkingPeriod/EndTimeInMinutes"), "1050");
    gateway.done().await;
}

#[tokio::test]
async fn working_elsewhere_is_free_to_old_schemas() {
    let gateway = Setup::new().start().await;
    let zone = new_york();
    for (version, busy_type, digit) in [
        ("Exchange2007_SP1", "Free", '0'),
        ("Exchange2010_SP2", "Free", '0'),
        ("Exchange2013", "WorkingElsewhere", '4'),
        ("Exchange2016", "WorkingElsewhere", '4'),
    ] {
        let request = Availability {
            start: "2027-03-11T08:00:00",
            end: "2027-03-11T13:00:00",
            version,
            ..week(&zone, "FreeBusyMerged")
        };
        let answer = &responses(&gateway, &request.xml()).await[0];
        assert_eq!(answer.events(), [format!("2027-03-11T08:00:00 2027-03-11T12:00:00 {busy_type}")], "{version}");
        assert_eq!(answer.at("FreeBusyView/MergedFreeBusy"), digits(5, &[(0, 4, digit)]), "{version}");
    }
    gateway.done().await;
}

/// Details of each event: the names that are there, and subject, location and the five flags.
fn details(answer: &Element) -> Vec<(String, String)> {
    let found = answer.all("CalendarEventDetails").into_iter().map(|details| {
        let text = |name: &str| details.get(name).map_or("-", |found| found.text.as_str());
        let flags = ["IsMeeting", "IsRecurring", "IsException", "IsReminderSet", "IsPrivate"].map(text);
        let id = if details.get("ID").is_some() { "id" } else { "-" };
        (format!("{id} {} {}", text("Subject"), text("Location")), flags.map(|flag| &flag[..1]).concat())
    });
    found.collect()
}

#[tokio::test]
async fn the_full_ceiling_shows_everything_but_private_items() {
    let gateway = Setup::ceiling("full").start().await;
    let zone = new_york();
    let answer = &responses(&gateway, &week(&zone, "Detailed").xml()).await[0];
    let found = details(answer);
    let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(
        texts,
        // Graph's ids are not the HexEntryIds that belong into ID, so there are none.
        ["- Desk at home -", "- Perhaps -", "- - -", "- Brunch Pier 7", "- Staff meeting Hudson", "- Day off -"]
    );
    let private: Vec<&str> = found.iter().map(|(_, flags)| &flags[4..]).collect();
    assert_eq!(private, ["f", "f", "t", "f", "f", "f"]);
    assert_eq!(&found[4].1[1..2], "t", "the staff meeting is recurring");
    assert_eq!(found[2].1, "fffft", "of a private item nothing is told");
    gateway.done().await;
}

#[tokio::test]
async fn the_middle_ceiling_shows_what_and_where() {
    let gateway = Setup::ceiling("subject_and_location").start().await;
    let zone = new_york();
    let answer = &responses(&gateway, &week(&zone, "DetailedMerged").xml()).await[0];
    assert_eq!(answer.at("FreeBusyView/FreeBusyViewType"), "DetailedMerged");
    let found = details(answer);
    assert_eq!(found[3], ("- Brunch Pier 7".to_owned(), "fffff".to_owned()));
    assert_eq!(found[4], ("- Staff meeting Hudson".to_owned(), "fffff".to_owned()));
    assert_eq!(found[2], ("- - -".to_owned(), "fffft".to_owned()));
    gateway.done().await;
}

#[tokio::test]
async fn the_time_ceiling_shows_times_and_says_so() {
    let gateway = Setup::ceiling("time").start().await;
    let zone = new_york();
    for (asked, given) in [("Detailed", "FreeBusy"), ("DetailedMerged", "FreeBusyMerged")] {
        let answer = gateway.soap(&week(&zone, asked).xml()).await;
        for secret in ["Staff", "Brunch", "Dentist", "Hudson", "CalendarEventDetails"] {
            assert!(!answer.body.contains(secret), "{secret}");
        }
        let payload = answer.payload();
        let answer = &payload.child("FreeBusyResponseArray").children[0];
        assert_eq!(answer.at("FreeBusyView/FreeBusyViewType"), given);
        assert_eq!(answer.events(), WEEK);
    }
    assert_eq!(gateway.calls("calendarView").await, 0, "no more is asked for than may be shown");
    gateway.done().await;
}

#[tokio::test]
async fn without_a_credential_for_calendars_the_view_is_told_honestly() {
    let gateway = Setup { credentials: vec![("free_busy", "free-busy")], ..Setup::new() }.start().await;
    let zone = new_york();
    for (asked, given) in [("Detailed", "FreeBusy"), ("DetailedMerged", "FreeBusyMerged")] {
        let answer = &responses(&gateway, &week(&zone, asked).xml()).await[0];
        assert_eq!(answer.at("FreeBusyView/FreeBusyViewType"), given);
        assert!(answer.all("CalendarEventDetails").is_empty());
        assert_eq!(answer.events(), WEEK);
    }
    gateway.done().await;
}
