//! How many, how long, how fine: what is just allowed, and what is just not.

use super::responses;
use crate::harness::answer::Element;
use crate::harness::requests::{Availability, envelope};
use crate::harness::{Gateway, Setup, pack};

const NINA: Availability<'static> = Availability {
    mailboxes: &["nina@contoso.example"],
    start: "2027-03-10T00:00:00",
    end: "2027-03-17T00:00:00",
    view: "FreeBusyMerged",
    interval: "30",
    version: "Exchange2016",
    zone: "",
    header: "",
    suggestions: "",
};

/// A request-level fault: code and text, and a number instead of a response code.
async fn refused(gateway: &Gateway, request: Availability<'_>) -> (String, String) {
    let (code, fault) = gateway.fault(&request.xml()).await;
    numbered(&fault);
    (code, fault.at("faultstring").to_owned())
}

#[track_caller]
fn numbered(fault: &Element) {
    let detail = fault.child("detail");
    assert_eq!(detail.names(), ["ErrorCode"]);
    assert!(detail.at("ErrorCode").parse::<u16>().unwrap() > 5000);
}

#[tokio::test]
async fn mailboxes() {
    let gateway = Setup::new().start().await;
    let mut mailboxes = vec!["free@contoso.example"; 101];
    mailboxes[99] = "nina@contoso.example";
    let found = responses(&gateway, &Availability { mailboxes: &mailboxes[..100], ..NINA }.xml()).await;
    assert_eq!(found.len(), 100);
    assert!(found[..99].iter().all(|answer| answer.code() == "NoError" && answer.events().is_empty()));
    assert_eq!(found[99].events().len(), 6);

    let (code, fault) = gateway.fault(&Availability { mailboxes: &mailboxes, ..NINA }.xml()).await;
    assert_eq!(code, "ErrorMailboxDataArrayTooBig");
    assert_eq!(
        fault.at("faultstring"),
        "There are too many target users in the EmailAddress array. The allowed size = 100; the actual size = 101."
    );
    assert_eq!(fault.at("detail/ErrorCode"), "5002");
    let (code, _) = refused(&gateway, Availability { mailboxes: &[], ..NINA }).await;
    assert_eq!(code, "ErrorMailboxDataArrayEmpty");
    gateway.done().await;
}

#[tokio::test]
async fn a_hundred_different_mailboxes_take_calls_of_twenty() {
    let gateway = Setup::new().start().await;
    let addresses: Vec<String> = (0..100).map(|number| format!("p{number}@contoso.example")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut setup = Setup::new();
    setup.credentials.retain(|(capability, _)| *capability == "free_busy");
    let lean = setup.start().await;
    let found = responses(&lean, &Availability { mailboxes: &addresses, ..NINA }.xml()).await;
    assert!(found.iter().all(|answer| answer.code() == "ErrorMailRecipientNotFound"));
    for call in lean.ledger().await["calls"].as_array().unwrap() {
        assert!(call["schedules"].as_array().unwrap().len() <= 20, "{call}");
    }
    lean.done().await;
    gateway.done().await;
}

#[tokio::test]
async fn windows() {
    let gateway = Setup::new().start().await;
    let longest = Availability { start: "2027-03-01T00:00:00", end: "2027-05-02T00:00:00", ..NINA };
    let found = responses(&gateway, &longest.xml()).await;
    assert_eq!(found[0].at("FreeBusyView/MergedFreeBusy").len(), 62 * 48);
    let (code, text) = refused(&gateway, Availability { end: "2027-05-03T00:00:00", ..longest }).await;
    assert_eq!(code, "ErrorTimeIntervalTooBig");
    assert_eq!(
        text,
        "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. The allowed limit = 62 days; the actual limit = 63 days."
    );
    for (start, end) in [
        ("2027-03-02T00:00:00", "2027-03-01T00:00:00"),
        ("2027-03-01T00:00:00", "2027-03-01T00:00:00"),
        ("yesterday", "2027-03-01T00:00:00"),
        ("2027-02-30T00:00:00", "2027-03-01T00:00:00"),
    ] {
        let (code, text) = refused(&gateway, Availability { start, end, ..NINA }).await;
        assert_eq!(code, "ErrorInvalidTimeInterval", "{start} {end}");
        assert_eq!(text, "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid.");
    }
    gateway.done().await;
}

#[tokio::test]
async fn intervals() {
    let gateway = Setup::new().start().await;
    for (interval, digits) in [("5", 7 * 288), ("1440", 7), ("1000", 11)] {
        let found = responses(&gateway, &Availability { interval, ..NINA }.xml()).await;
        assert_eq!(found[0].at("FreeBusyView/MergedFreeBusy").len(), digits, "{interval}");
    }
    let short = Availability { end: "2027-03-10T01:00:00", ..NINA };
    for request in [
        Availability { interval: "4", ..NINA },
        Availability { interval: "1441", ..NINA },
        Availability { interval: "0", ..NINA },
        Availability { interval: "-30", ..NINA },
        Availability { interval: "60", ..short },
    ] {
        let (code, text) = refused(&gateway, request).await;
        assert_eq!(code, "ErrorInvalidMergedFreeBusyInterval", "{}", request.interval);
        assert!(text.contains("between 5 and 1440 minutes"), "{text}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn views() {
    let gateway = Setup::new().start().await;
    let (code, _) = refused(&gateway, Availability { view: "None", ..NINA }).await;
    assert_eq!(code, "ErrorInvalidFreeBusyViewType");
    let nothing = "<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>nina@contoso.example</t:Address>\
         </t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray></m:GetUserAvailabilityRequest>";
    let (code, fault) = gateway.fault(&envelope(nothing)).await;
    assert_eq!(code, "ErrorInvalidFreeBusyViewType");
    numbered(&fault);
    gateway.done().await;
}

#[tokio::test]
async fn gzip_both_ways() {
    let gateway = Setup::new().start().await;
    let request = NINA.xml();
    let plain = gateway.soap(&request).await;
    assert_eq!(plain.header("content-encoding"), "");
    let post =
        gateway.post(pack(request.as_bytes())).header("content-encoding", "gzip").header("accept-encoding", "gzip");
    let packed = gateway.send(post).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.header("vary").to_ascii_lowercase().contains("accept-encoding"), "{:?}", packed.headers);
    assert_eq!(packed.payload().child("FreeBusyResponseArray").children[0].events().len(), 6);
    assert_eq!(packed.body, plain.body);
    gateway.done().await;
}
