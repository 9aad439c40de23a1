//! All-day events float: they are whole days on the clock of whoever asks, also from the cache.

use super::{digits, responses};
use crate::harness::requests::{Availability, context};
use crate::harness::{Gateway, Setup};

const ZONES: [&str; 3] = ["Eastern Standard Time", "FLE Standard Time", "AUS Eastern Standard Time"];

async fn day_off(gateway: &Gateway, zone: &str, view: &str) {
    let header = context(zone);
    let request = Availability {
        mailboxes: &["nina@contoso.example"],
        start: "2027-03-15T12:00:00",
        end: "2027-03-17T12:00:00",
        view,
        interval: "720",
        header: &header,
        ..Availability::default()
    };
    let answer = &responses(gateway, &request.xml()).await[0];
    let events = answer.events();
    assert!(events.contains(&"2027-03-16T00:00:00 2027-03-17T00:00:00 OOF".to_owned()), "{zone} {view}: {events:?}");
    let merged = answer.at("FreeBusyView/MergedFreeBusy");
    assert_eq!(&merged[1..3], "33", "{zone} {view}");
    assert_eq!(&merged[3..], "0", "{zone} {view}: the day is over at midnight");
}

#[tokio::test]
async fn whichever_zone_asked_first() {
    for first in ZONES {
        let gateway = Setup::new().start().await;
        for view in ["FreeBusyMerged", "DetailedMerged"] {
            day_off(&gateway, first, view).await;
            let asked =
                gateway.calls("getSchedule").await + gateway.calls("batch").await + gateway.calls("calendarView").await;
            for zone in ZONES {
                day_off(&gateway, zone, view).await;
            }
            let asked_now =
                gateway.calls("getSchedule").await + gateway.calls("batch").await + gateway.calls("calendarView").await;
            assert_eq!(asked_now, asked, "{first} {view}: the others come from the cache");
        }
        gateway.done().await;
    }
}

#[tokio::test]
async fn a_day_at_the_edge_of_a_window_belongs_to_it_or_not() {
    let gateway = Setup::new().start().await;
    for zone in ZONES {
        let header = context(zone);
        let day = |start, end| Availability {
            mailboxes: &["nina@contoso.example"],
            start,
            end,
            view: "MergedOnly",
            interval: "60",
            header: &header,
            ..Availability::default()
        };
        let before = responses(&gateway, &day("2027-03-15T22:00:00", "2027-03-16T00:00:00").xml()).await;
        assert_eq!(before[0].at("FreeBusyView/MergedFreeBusy"), "00", "{zone}");
        let around = responses(&gateway, &day("2027-03-15T22:00:00", "2027-03-16T02:00:00").xml()).await;
        assert_eq!(around[0].at("FreeBusyView/MergedFreeBusy"), "0033", "{zone}");
        let after = responses(&gateway, &day("2027-03-16T23:00:00", "2027-03-17T02:00:00").xml()).await;
        assert_eq!(after[0].at("FreeBusyView/MergedFreeBusy"), digits(3, &[(0, 1, '3')]), "{zone}");
    }
    gateway.done().await;
}
