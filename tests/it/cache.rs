//! What the cache answers, what it asks, and when an old answer may stand in.

use serde_json::json;

use crate::harness::answer::Element;
use crate::harness::requests::{Availability, envelope};
use crate::harness::{Gateway, Setup};

fn lean() -> Setup {
    Setup { credentials: vec![("free_busy", "free-busy"), ("directory", "directory")], ..Setup::new() }
}

async fn ask(gateway: &Gateway, mailboxes: &[&str]) -> Vec<Element> {
    let request = Availability { mailboxes, ..Availability::default() };
    gateway.ask(&request.xml()).await.child("FreeBusyResponseArray").children.clone()
}

const NINA: &str = "nina@contoso.example";
const HANNA: &str = "hanna@contoso.example";

#[tokio::test]
async fn what_was_asked_is_not_asked_again() {
    let gateway = lean().start().await;
    let first = ask(&gateway, &[NINA, HANNA]).await;
    assert_eq!(gateway.calls("getSchedule").await, 1, "both in one call");
    let again = ask(&gateway, &[HANNA, NINA]).await;
    assert_eq!((again[1].events(), again[0].events()), (first[0].events(), first[1].events()));
    let part = Availability {
        mailboxes: &[NINA],
        start: "2027-03-11T00:00:00",
        end: "2027-03-12T00:00:00",
        view: "MergedOnly",
        ..Availability::default()
    };
    gateway.ask(&part.xml()).await;
    assert_eq!(gateway.calls("getSchedule").await, 1, "overlapping windows share answers");
    assert_eq!(gateway.figure("calendar_relay_cache_lookups_total{outcome=\"miss\"}").await, 2);
    assert_eq!(gateway.figure("calendar_relay_cache_lookups_total{outcome=\"hit\"}").await, 3);
    gateway.done().await;
}

#[tokio::test]
async fn without_a_lifetime_every_change_is_seen_at_once() {
    let gateway = Setup { cache: "lifetime = \"0s\"".to_owned(), ..lean() }.start().await;
    assert!(ask(&gateway, &["free@contoso.example"]).await[0].events().is_empty());
    gateway.busy("free@contoso.example", "2027-03-11T10:00:00", "2027-03-11T11:00:00").await;
    let now = ask(&gateway, &["free@contoso.example"]).await;
    assert_eq!(now[0].events(), ["2027-03-11T10:00:00 2027-03-11T11:00:00 Busy"]);
    gateway.done().await;
}

#[tokio::test]
async fn misses_at_the_same_time_share_a_call() {
    let gateway = lean().start().await;
    // So that the others come while the first is under way.
    gateway.control(json!({ "call": "getSchedule", "delay_ms": 700, "times": 1 })).await;
    let answers = futures::future::join_all((0..8).map(|_| ask(&gateway, &[NINA]))).await;
    assert!(answers.iter().all(|answer| answer[0].events() == answers[0][0].events()));
    assert_eq!(gateway.calls("getSchedule").await, 1);
    assert!(gateway.figure("calendar_relay_cache_lookups_total{outcome=\"joined\"}").await >= 1);
    gateway.done().await;
}

#[tokio::test]
async fn unknown_addresses_are_remembered() {
    let gateway = lean().start().await;
    for _ in 0..3 {
        let answer = ask(&gateway, &["nobody@contoso.example", NINA]).await;
        assert_eq!((answer[0].code(), answer[1].code()), ("ErrorMailRecipientNotFound", "NoError"));
    }
    let asked = gateway.calls("getSchedule").await;
    assert!(asked <= 2, "{asked}");
    assert_eq!(gateway.calls("listGroups").await, 1, "that it is no group is remembered, too");
    gateway.done().await;

    let forgetful = Setup { cache: "lifetime = \"0s\"\nunknown_lifetime = \"0s\"".to_owned(), ..lean() }.start().await;
    ask(&forgetful, &["nobody@contoso.example"]).await;
    let asked = forgetful.calls("getSchedule").await;
    ask(&forgetful, &["nobody@contoso.example"]).await;
    assert_eq!(forgetful.calls("getSchedule").await, 2 * asked);
    forgetful.done().await;
}

/// A gateway whose answers grow old at once, and one answer in it.
async fn with_an_old_answer() -> Gateway {
    let cache = "lifetime = \"1ms\"\nunknown_lifetime = \"1ms\"\nstale = \"1h\"".to_owned();
    let gateway = Setup { cache, limits: "deadline = \"2s\"".to_owned(), ..lean() }.start().await;
    assert_eq!(ask(&gateway, &[NINA]).await[0].events().len(), 6);
    gateway
}

#[tokio::test]
async fn old_answers_stand_in_while_graph_is_dead() {
    for fault in [
        json!({ "call": "getSchedule", "status": 503 }),
        json!({ "call": "getSchedule", "cut": true }),
        json!({ "call": "getSchedule", "status": 429, "retry_after": 60 }),
        json!({ "call": "getSchedule", "delay_ms": 20_000 }),
    ] {
        let gateway = with_an_old_answer().await;
        gateway.control(fault.clone()).await;
        let answer = ask(&gateway, &[NINA, HANNA]).await;
        assert_eq!(answer[0].events().len(), 6, "{fault}");
        assert_ne!(answer[1].code(), "NoError", "{fault}: there is no old answer for her");
        assert!(gateway.figure("calendar_relay_cache_lookups_total{outcome=\"stale\"}").await >= 1, "{fault}");
        gateway.done().await;
    }
}

#[tokio::test]
async fn old_answers_never_stand_in_after_a_refusal() {
    for (fault, code) in [
        (json!({ "call": "getSchedule", "status": 403 }), "ErrorNoFreeBusyAccess"),
        (json!({ "call": "getSchedule", "status": 401 }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "call": "getSchedule", "status": 404, "code": "ErrorInvalidUser" }), "ErrorMailRecipientNotFound"),
        (
            json!({ "call": "getSchedule", "mailbox": NINA, "schedule_error": { "code": "5037", "message": "no" } }),
            "ErrorNoFreeBusyAccess",
        ),
    ] {
        let gateway = with_an_old_answer().await;
        gateway.control(fault.clone()).await;
        assert_eq!(ask(&gateway, &[NINA]).await[0].code(), code, "{fault}");
        // Nor later, when Graph is away: the refusal was the last word.
        gateway.calm().await;
        gateway.control(json!({ "call": "getSchedule", "status": 503 })).await;
        assert!(ask(&gateway, &[NINA]).await[0].events().is_empty(), "{fault}");
        gateway.done().await;
    }
}

#[tokio::test]
async fn rooms_are_remembered_and_stand_in() {
    let gateway = lean().start().await;
    for _ in 0..3 {
        let lists = gateway.ask(&envelope("<m:GetRoomLists/>")).await;
        assert_eq!(lists.all("Address").len(), 2);
    }
    assert_eq!(gateway.calls("listRoomLists").await, 1);
    gateway.done().await;

    let cache = "lifetime = \"1ms\"\nstale = \"1h\"".to_owned();
    let gateway = Setup { cache, limits: "deadline = \"2s\"".to_owned(), ..lean() }.start().await;
    gateway.ask(&envelope("<m:GetRoomLists/>")).await;
    gateway.control(json!({ "call": "listRoomLists", "status": 503 })).await;
    assert_eq!(gateway.ask(&envelope("<m:GetRoomLists/>")).await.all("Address").len(), 2);
    gateway.done().await;
}
