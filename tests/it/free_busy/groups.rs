//! Groups: their merged digits, if every member may be looked up.

use super::{digits, responses};
use crate::harness::Setup;
use crate::harness::requests::Availability;

/// Friday 12 March, in UTC: Hanna's stand-up at 07:00 and Nina's dentist at 20:00.
fn friday<'a>(mailboxes: &'a [&'a str]) -> Availability<'a> {
    Availability {
        mailboxes,
        start: "2027-03-12T00:00:00",
        end: "2027-03-13T00:00:00",
        view: "Detailed",
        ..Availability::default()
    }
}

#[tokio::test]
async fn a_group_is_its_members_merged() {
    let gateway = Setup::new().start().await;
    let found = responses(&gateway, &friday(&["team@contoso.example", "nina@contoso.example"]).xml()).await;
    assert_eq!(found[0].at("FreeBusyView/FreeBusyViewType"), "MergedOnly");
    assert_eq!(found[0].at("FreeBusyView/MergedFreeBusy"), digits(48, &[(14, 1, '2'), (40, 1, '2')]));
    assert_eq!(found[1].events(), ["2027-03-12T20:00:00 2027-03-12T20:30:00 Busy"]);
    gateway.done().await;
}

#[tokio::test]
async fn a_member_who_is_not_permitted_closes_the_group() {
    let gateway = Setup::client(&["nina@contoso.example", "mixed@contoso.example"], "").start().await;
    let found = responses(&gateway, &friday(&["mixed@contoso.example", "nina@contoso.example"]).xml()).await;
    assert_eq!(found[0].code(), "ErrorNoFreeBusyAccess");
    assert_eq!(found[1].code(), "NoError");
    let schedules = gateway.ledger().await["calls"].to_string();
    assert!(!schedules.contains("boss@"), "nobody asks for the boss");
    gateway.done().await;
}

#[tokio::test]
async fn without_a_directory_a_group_is_an_unknown_address() {
    let without_credential = Setup { credentials: vec![("free_busy", "free-busy")], ..Setup::new() };
    let mut without_capability = Setup::new();
    without_capability.clients = without_capability.clients.replace(", \"directory\"", "");
    for setup in [without_credential, without_capability] {
        let gateway = setup.start().await;
        let found = responses(&gateway, &friday(&["team@contoso.example"]).xml()).await;
        assert_eq!(found[0].code(), "ErrorMailRecipientNotFound");
        assert_eq!(gateway.calls("listGroups").await, 0);
        gateway.done().await;
    }
}

#[tokio::test]
async fn members_who_cannot_be_read_are_not_taken_for_free() {
    let credentials = vec![("free_busy", "free-busy"), ("directory", "half-directory")];
    let gateway = Setup { credentials, ..Setup::new() }.start().await;
    let found = responses(&gateway, &friday(&["team@contoso.example"]).xml()).await;
    assert_eq!(found[0].code(), "ErrorNoFreeBusyAccess");
    gateway.done().await;
}
