//! Requests as real clients send them: only addresses, zone and window are changed.

use super::{digits, responses};
use crate::harness::Setup;
use crate::harness::requests::{helsinki, new_york};

const GOOGLE: &str = include_str!("../../../fixtures/ews/google-calendar-interop/GetUserAvailability.xml");
const EXCHANGELIB: &str = include_str!("../../../fixtures/ews/exchangelib/freebusy3-GetUserAvailability.xml");
const JAVASCRIPT: &str = include_str!("../../../fixtures/ews/ews-javascript-api/freebusy3-GetUserAvailability.xml");
const NODE_EWS: &str = include_str!("../../../fixtures/ews/node-ews/freebusy3-GetUserAvailability.xml");
const ZEEP: &str = include_str!("../../../fixtures/ews/zeep/freebusy3-GetUserAvailability.xml");

/// A recorded request with other people and times.
fn about(request: &str, people: [&str; 3], start: &str, end: &str) -> String {
    let mut request = request.to_owned();
    for (recorded, person) in ["alice@example.com", "bob@example.com", "room101@example.com"].into_iter().zip(people) {
        request = request.replace(recorded, person);
    }
    between(&between(&request, "StartTime>", start), "EndTime>", end)
}

/// Every element whose tag ends so holds `text` instead of what it held.
fn between(request: &str, tag: &str, text: &str) -> String {
    let mut parts = request.split(tag);
    let mut changed = parts.next().unwrap().to_owned();
    for (index, part) in parts.enumerate() {
        changed.push_str(tag);
        if index % 2 == 0 {
            let end = part.find("</").unwrap();
            changed.push_str(text);
            changed.push_str(&part[end..]);
        } else {
            changed.push_str(part);
        }
    }
    changed
}

/// The content of its `TimeZone` replaced.
fn with_zone(request: &str, rules: &str) -> String {
    let start = request.find("<t:Bias>").unwrap();
    let end = request.find("</t:TimeZone>").unwrap();
    format!("{}{rules}{}", &request[..start], &request[end..])
}

const PEOPLE: [&str; 3] = ["nina@contoso.example", "hanna@contoso.example", "room-1@contoso.example"];

#[tokio::test]
async fn google_calendar_interop() {
    let gateway = Setup::ceiling("time").start().await;
    let request = about(GOOGLE, PEOPLE, "2027-03-10T00:00:00", "2027-03-17T00:00:00");
    let token = gateway.token().await;
    let post = gateway.http.post(gateway.url("/")).bearer_auth(token).header("content-type", "text/xml; charset=utf-8");
    let answer = gateway.send(post.body(request)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let payload = answer.payload();
    let [nina, hanna] = &payload.child("FreeBusyResponseArray").children[..] else { panic!("{payload:?}") };
    // In UTC, on both sides of New York's change of the clock on 14 March.
    assert_eq!(
        nina.events(),
        [
            "2027-03-11T13:00:00 2027-03-11T17:00:00 Free",
            "2027-03-11T18:00:00 2027-03-11T18:30:00 Tentative",
            "2027-03-12T20:00:00 2027-03-12T20:30:00 Busy",
            "2027-03-14T15:00:00 2027-03-14T16:00:00 Busy",
            "2027-03-15T13:00:00 2027-03-15T14:00:00 Busy",
            "2027-03-16T00:00:00 2027-03-17T00:00:00 OOF",
        ]
    );
    let runs = [(84, 1, '1'), (136, 1, '2'), (222, 2, '2'), (266, 2, '2'), (288, 48, '3')];
    assert_eq!(nina.at("FreeBusyView/MergedFreeBusy"), digits(336, &runs));
    assert_eq!(nina.at("FreeBusyView/FreeBusyViewType"), "FreeBusyMerged");
    let stand_ups =
        ["10", "11", "12", "15", "16"].map(|day| format!("2027-03-{day}T07:00:00 2027-03-{day}T07:30:00 Busy"));
    assert_eq!(hanna.events(), stand_ups);
    let runs = [0, 1, 2, 5, 6].map(|day| (48 * day + 14, 1, '2'));
    assert_eq!(hanna.at("FreeBusyView/MergedFreeBusy"), digits(336, &runs));
    gateway.done().await;
}

#[tokio::test]
async fn exchangelib() {
    let gateway = Setup::new().start().await;
    let request = with_zone(EXCHANGELIB, &new_york());
    let request = about(&request, PEOPLE, "2027-03-13T00:00:00-05:00", "2027-03-16T00:00:00-04:00");
    let [nina, hanna, room] = &responses(&gateway, &request).await[..] else { panic!() };
    assert_eq!(
        nina.events(),
        ["2027-03-14T11:00:00 2027-03-14T12:00:00 Busy", "2027-03-15T09:00:00 2027-03-15T10:00:00 Busy"]
    );
    // Three days on New York's clock are 71 hours.
    assert_eq!(nina.at("FreeBusyView/MergedFreeBusy"), digits(142, &[(68, 2, '2'), (112, 2, '2')]));
    assert_eq!(nina.at("FreeBusyView/FreeBusyViewType"), "DetailedMerged");
    assert_eq!(hanna.events(), ["2027-03-15T03:00:00 2027-03-15T03:30:00 Busy"]);
    assert_eq!(hanna.at("FreeBusyView/MergedFreeBusy"), digits(142, &[(100, 1, '2')]));
    assert!(room.events().is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn ews_javascript_api() {
    let gateway = Setup::new().start().await;
    let people = ["sid@contoso.example", "free@contoso.example", "room-1@contoso.example"];
    let request = JAVASCRIPT.replace("Greenwich Standard Time", "AUS Eastern Standard Time");
    let request = about(&request, people, "2027-04-01T00:00:00", "2027-04-06T00:00:00");
    let payload = gateway.ask(&request).await;
    assert_eq!(payload.names(), ["FreeBusyResponseArray", "SuggestionsResponse"]);
    let sid = &payload.child("FreeBusyResponseArray").children[0];
    assert_eq!(
        sid.events(),
        [
            "2027-04-02T08:30:00 2027-04-02T09:30:00 Busy",
            "2027-04-04T09:00:00 2027-04-04T10:30:00 Busy",
            "2027-04-05T08:30:00 2027-04-05T09:30:00 Busy",
        ]
    );
    assert_eq!(payload.child("SuggestionsResponse").all("SuggestionDayResult").len(), 5);
    gateway.done().await;
}

#[tokio::test]
async fn node_ews() {
    let gateway = Setup::new().start().await;
    let people = ["hanna@contoso.example", "free@contoso.example", "room-1@contoso.example"];
    let request = with_zone(NODE_EWS, &helsinki());
    let request = about(&request, people, "2027-03-26T00:00:00", "2027-03-30T00:00:00");
    let [hanna, free, _room] = &responses(&gateway, &request).await[..] else { panic!() };
    assert_eq!(
        hanna.events(),
        [
            "2027-03-26T09:00:00 2027-03-26T09:30:00 Busy",
            "2027-03-28T05:30:00 2027-03-28T06:30:00 Busy",
            "2027-03-29T09:00:00 2027-03-29T09:30:00 Busy",
        ]
    );
    assert!(free.events().is_empty() && free.code() == "NoError");
    gateway.done().await;
}

#[tokio::test]
async fn zeep() {
    let gateway = Setup::new().start().await;
    let request = about(ZEEP, PEOPLE, "2027-03-13T00:00:00", "2027-03-16T00:00:00");
    let [nina, _hanna, _room] = &responses(&gateway, &request).await[..] else { panic!() };
    // The recorded zone is UTC in winter and an hour ahead under the rules of the United States.
    assert_eq!(
        nina.events(),
        ["2027-03-14T16:00:00 2027-03-14T17:00:00 Busy", "2027-03-15T14:00:00 2027-03-15T15:00:00 Busy"]
    );
    assert_eq!(nina.at("FreeBusyView/FreeBusyViewType"), "FreeBusy");
    gateway.done().await;
}
