//! ResolveNames and GetDelegate.

use crate::harness::answer::Element;
use crate::harness::requests::envelope;
use crate::harness::{Gateway, Setup};

async fn resolve(gateway: &Gateway, entry: &str, full: bool) -> Element {
    let request = format!(
        "<m:ResolveNames ReturnFullContactData=\"{full}\"><m:UnresolvedEntry>{entry}</m:UnresolvedEntry></m:ResolveNames>"
    );
    gateway.ask(&envelope(&request)).await.child("ResponseMessages").children[0].clone()
}

/// A directory whose entries show their other addresses.
fn setup() -> Setup {
    let credentials = vec![("calendar_read", "calendar-read"), ("directory", "everything")];
    let mut setup = Setup { credentials, ..Setup::new() };
    setup.clients = setup.clients.replace("\"free_busy\", ", "");
    setup
}

#[tokio::test]
async fn an_address_is_resolved_with_all_that_respa_needs() {
    let gateway = setup().start().await;
    let recorded = include_str!("../../../fixtures/ews/respa/ResolveNames.xml")
        .replace("pat.example@contoso.test", "nina@contoso.example")
        .replace("room1@contoso.test", "room-1@contoso.example");
    let answer = gateway.ask(&recorded).await;
    let resolution = answer.all("Resolution")[0].clone();
    assert_eq!(resolution.at("Mailbox/EmailAddress"), "nina@contoso.example");
    assert_eq!((resolution.at("Mailbox/RoutingType"), resolution.at("Mailbox/Name")), ("SMTP", "Nina New"));
    let entries = resolution.child("Contact").child("EmailAddresses").all("Entry");
    assert_eq!(entries[0].text, "SMTP:nina@contoso.example");
    assert!(entries.iter().all(|entry| !entry.text.is_empty()));
    let alias = resolve(&gateway, "smtp:n.new@contoso.example", false).await;
    assert_eq!(alias.at("ResolutionSet/Resolution/Mailbox/EmailAddress"), "nina@contoso.example");
    assert!(alias.all("Contact").is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn several_and_none() {
    let gateway = setup().start().await;
    let several = resolve(&gateway, "room", false).await;
    assert_eq!(several.attribute("ResponseClass"), "Warning");
    assert_eq!(several.at("ResponseCode"), "ErrorNameResolutionMultipleResults");
    assert!(several.all("Resolution").len() >= 2);
    for nobody in ["zzz", "nobody@contoso.example", "someone@elsewhere.example", "/o=Nowhere/cn=x", "", "!'%\"&amp;"] {
        let none = resolve(&gateway, nobody, true).await;
        assert_eq!(none.at("ResponseCode"), "ErrorNameResolutionNoResults", "{nobody}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn several_entries_each_with_a_message_of_its_own() {
    let gateway = setup().start().await;
    let entries = ["nina@contoso.example", "zzz", "boss@contoso.example"]
        .map(|entry| format!("<m:UnresolvedEntry>{entry}</m:UnresolvedEntry>"))
        .concat();
    let request = format!("<m:ResolveNames ReturnFullContactData=\"false\">{entries}</m:ResolveNames>");
    let answer = gateway.ask(&envelope(&request)).await;
    let codes: Vec<&str> = answer.all("ResponseCode").iter().map(|code| code.text.as_str()).collect();
    assert_eq!(codes, ["NoError", "ErrorNameResolutionNoResults", "NoError"]);
    gateway.done().await;
}

#[tokio::test]
async fn only_those_whom_the_policy_names() {
    let mut narrow = setup();
    narrow.clients = narrow.clients.replace("*@contoso.example", "room-*@contoso.example");
    let gateway = narrow.start().await;
    assert_eq!(
        resolve(&gateway, "nina@contoso.example", false).await.at("ResponseCode"),
        "ErrorNameResolutionNoResults"
    );
    assert_eq!(resolve(&gateway, "room-1@contoso.example", false).await.at("ResponseCode"), "NoError");
    gateway.done().await;
    let mut without = setup();
    without.clients = without.clients.replace(", \"directory\"", "");
    let gateway = without.start().await;
    assert_eq!(resolve(&gateway, "nina@contoso.example", false).await.at("ResponseCode"), "ErrorAccessDenied");
    gateway.done().await;
    let unread = Setup { credentials: vec![("calendar_read", "calendar-read")], ..Setup::new() };
    let gateway = unread.start().await;
    assert_eq!(resolve(&gateway, "nina@contoso.example", false).await.at("ResponseCode"), "ErrorAccessDenied");
    gateway.done().await;
}

#[tokio::test]
async fn nobody_has_delegates() {
    let gateway = setup().start().await;
    let recorded = include_str!("../../../fixtures/ews/exchangelib/delegates-GetDelegate.xml");
    let none = gateway.ask(&recorded.replace("alice@example.com", "nina@contoso.example")).await;
    assert_eq!((none.attribute("ResponseClass"), none.at("ResponseCode")), ("Success", "NoError"));
    assert_eq!(none.names(), ["ResponseCode", "DeliverMeetingRequests"]);
    let denied = gateway.ask(recorded).await;
    assert_eq!((denied.attribute("ResponseClass"), denied.at("ResponseCode")), ("Error", "ErrorAccessDenied"));
    gateway.done().await;
}
