//! What goes wrong at Graph, and what callers are told of it: per mailbox, and never about the others.

use serde_json::{Value, json};

use crate::harness::answer::Element;
use crate::harness::requests::{Availability, envelope};
use crate::harness::{Gateway, Setup};

const NINA: &str = "nina@contoso.example";
const FAY: &str = "fay@fabrikam.example";

/// No cache, a short deadline, and room lists of a directory.
fn setup() -> Setup {
    Setup {
        cache: "lifetime = \"0s\"\nunknown_lifetime = \"0s\"".to_owned(),
        limits: "deadline = \"3s\"".to_owned(),
        graph: "timeout = \"1s\"".to_owned(),
        credentials: vec![("free_busy", "free-busy"), ("directory", "directory")],
        ..Setup::new()
    }
}

async fn ask(gateway: &Gateway, mailboxes: &[&str]) -> Vec<Element> {
    let request = Availability { mailboxes, ..Availability::default() };
    gateway.ask(&request.xml()).await.child("FreeBusyResponseArray").children.clone()
}

/// Waits until Nina is answered for again: an open circuit lets a trial through after a second. The time is only there so that the test does not spin.
async fn recovered(gateway: &Gateway) {
    while ask(gateway, &[NINA, FAY]).await[0].code() != "NoError" {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// Asks about Nina, whose Graph fails so, and Fay of another tenant, whose does not.
async fn failing(fault: Value) -> Element {
    let (limits, graph) = ("deadline = \"5s\"".to_owned(), "timeout = \"2500ms\"".to_owned());
    let gateway = Setup { limits, graph, ..setup() }.start().await;
    // Both tenants have their tokens and are known to be well.
    assert!(ask(&gateway, &[NINA, FAY]).await.iter().all(|answer| answer.code() == "NoError"));
    gateway.control(fault.clone()).await;
    let found = ask(&gateway, &[NINA, FAY]).await;
    assert_eq!(found[1].events(), ["2027-03-10T12:00:00 2027-03-10T12:30:00 Busy"], "{fault}");
    assert_eq!(found[0].at("FreeBusyView/FreeBusyViewType"), "None", "{fault}");
    gateway.calm().await;
    // And it passes without a restart; a circuit that opened lets a trial through after a second.
    recovered(&gateway).await;
    gateway.done().await;
    found[0].clone()
}

fn of_nina(mut fault: Value) -> Value {
    fault["call"] = json!("getSchedule");
    fault["mailbox"] = json!(NINA);
    fault
}

#[tokio::test]
async fn refusals() {
    for (fault, code) in [
        (json!({ "status": 401 }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "status": 403 }), "ErrorNoFreeBusyAccess"),
        (json!({ "status": 404, "code": "ErrorInvalidUser" }), "ErrorMailRecipientNotFound"),
        (json!({ "status": 404, "code": "MailboxNotEnabledForRESTAPI" }), "ErrorMailRecipientNotFound"),
        (json!({ "status": 400, "code": "BadRequest" }), "ErrorFreeBusyGenerationFailed"),
    ] {
        let found = failing(of_nina(fault.clone())).await;
        assert_eq!(found.code(), code, "{fault}");
    }
}

#[tokio::test]
async fn servers_in_trouble() {
    for (fault, code) in [
        (json!({ "status": 500 }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "status": 502 }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "status": 503 }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "status": 504 }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "cut": true }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "garbage": true }), "ErrorFreeBusyGenerationFailed"),
        (json!({ "delay_ms": 30_000 }), "ErrorTimeoutExpired"),
    ] {
        let found = failing(of_nina(fault.clone())).await;
        assert_eq!(found.code(), code, "{fault}");
        assert_eq!(found.at("ResponseMessage/DescriptiveLinkKey"), "0");
    }
}

#[tokio::test]
async fn schedules_that_fail_inside_a_good_answer() {
    for (code, message, expected) in [
        ("5009", "Unable to resolve e-mail address.", "ErrorMailRecipientNotFound"),
        ("5016", "The recipient could not be found.", "ErrorMailRecipientNotFound"),
        ("5016", "Proxy web request failed. , inner exception: 404", "ErrorProxyRequestProcessingFailed"),
        ("5037", "No access.", "ErrorNoFreeBusyAccess"),
        ("5035", "Invalid.", "ErrorInvalidSmtpAddress"),
        ("ErrorTimeoutExpired", "Too slow.", "ErrorTimeoutExpired"),
        ("ErrorSomethingNew", "Odd.", "ErrorFreeBusyGenerationFailed"),
    ] {
        let error = json!({ "code": code, "message": message });
        let found = failing(of_nina(json!({ "schedule_error": error }))).await;
        assert_eq!(found.code(), expected, "{code} {message}");
    }
}

#[tokio::test]
async fn one_mailbox_never_spoils_its_batch() {
    let gateway = setup().start().await;
    let mailboxes =
        ["hanna@contoso.example", NINA, "sid@contoso.example", "free@contoso.example", "boss@contoso.example"];
    for fault in [json!({ "status": 403 }), json!({ "status": 500 }), json!({ "garbage": true })] {
        gateway.control(of_nina(fault.clone())).await;
        let found = ask(&gateway, &mailboxes).await;
        let failed: Vec<usize> = (0..5).filter(|index| found[*index].code() != "NoError").collect();
        assert_eq!(failed, [1], "{fault}");
        gateway.calm().await;
    }
    gateway.done().await;
}

#[tokio::test]
async fn what_passes_is_not_noticed() {
    for fault in [
        json!({ "status": 401, "times": 1 }),
        json!({ "status": 429, "retry_after": 1, "times": 1 }),
        json!({ "status": 429, "times": 1 }),
        json!({ "status": 503, "times": 1 }),
        json!({ "status": 504, "times": 2 }),
        json!({ "cut": true, "times": 1 }),
    ] {
        let gateway = setup().start().await;
        gateway.control(of_nina(fault.clone())).await;
        let found = ask(&gateway, &[NINA, "hanna@contoso.example"]).await;
        assert_eq!((found[0].events().len(), found[1].events().len()), (6, 5), "{fault}");
        gateway.done().await;
    }
}

#[tokio::test]
async fn when_graph_is_busy_the_caller_learns_for_how_long() {
    let gateway = setup().start().await;
    gateway.control(of_nina(json!({ "status": 429, "retry_after": 40 }))).await;
    let found = ask(&gateway, &[NINA, FAY]).await;
    assert_eq!((found[0].code(), found[1].code()), ("ErrorServerBusy", "NoError"));
    let value = found[0].child("ResponseMessage").child("MessageXml").child("Value");
    assert_eq!(value.attribute("Name"), "BackOffMilliseconds");
    assert!((30_000..=40_000).contains(&value.text.parse::<u32>().unwrap()), "{}", value.text);

    // When nobody else was asked for, the request as a whole is told to come back.
    let request = Availability { mailboxes: &[NINA], ..Availability::default() };
    let (code, fault) = gateway.fault(&request.xml()).await;
    assert_eq!(code, "ErrorServerBusy");
    let value = fault.child("detail").child("MessageXml").child("Value");
    assert!((20_000..=40_000).contains(&value.text.parse::<u32>().unwrap()), "{}", value.text);
    assert!(gateway.figure("calendar_relay_graph_throttled_total{tenant=\"contoso\"}").await >= 1);
    gateway.done().await;
}

#[tokio::test]
async fn without_tokens_nothing_is_known_of_the_tenant() {
    // AADSTS7000215: the secret is wrong; 90002: there is no such tenant.
    for fault in [
        json!({ "call": "token", "status": 401, "code": "7000215" }),
        json!({ "call": "token", "status": 400, "code": "90002" }),
        json!({ "call": "token", "status": 503 }),
        json!({ "call": "token", "cut": true }),
        json!({ "call": "token", "garbage": true }),
    ] {
        let gateway =
            Setup { credentials: vec![("free_busy", "free-busy"), ("directory", "half-directory")], ..setup() };
        // Tokens are got at the start already; a wrong secret is refused whenever that is.
        let mut world: Value = serde_json::from_str(&gateway.world).unwrap();
        let wrong = fault["code"] == "7000215";
        if wrong {
            world["tenants"][0]["applications"][0]["client_secret"] = json!("another secret");
        }
        let gateway = Setup { world: world.to_string(), ..gateway }.start().await;
        if wrong {
            let found = ask(&gateway, &[NINA, FAY]).await;
            assert_eq!(found[0].code(), "ErrorFreeBusyGenerationFailed", "{fault}");
            assert_eq!(found[1].code(), "NoError", "{fault}");
            let health = gateway.get(gateway.admin_url("/health")).await;
            assert_eq!(health.json()["tenants"][0]["credentials"][0]["token"]["state"], "refused");
            assert!(!health.body.contains("simulated-secret"));
        } else {
            // The token that there is is refused, and there is no other.
            gateway.control(of_nina(json!({ "status": 401 }))).await;
            gateway.control(fault.clone()).await;
            let found = ask(&gateway, &[NINA, FAY]).await;
            assert_eq!(found[0].code(), "ErrorFreeBusyGenerationFailed", "{fault}");
            assert_eq!(found[1].code(), "NoError", "{fault}");
            gateway.calm().await;
            recovered(&gateway).await;
        }
        gateway.done().await;
    }
}

#[tokio::test]
async fn details_that_fail_are_said_so_for_each_mailbox() {
    let gateway = Setup { credentials: Setup::new().credentials, ..setup() }.start().await;
    gateway.control(json!({ "call": "calendarView", "mailbox": NINA, "status": 403 })).await;
    let mailboxes = [NINA, "hanna@contoso.example"];
    let request = Availability { mailboxes: &mailboxes, view: "Detailed", ..Availability::default() };
    let found = gateway.ask(&request.xml()).await.child("FreeBusyResponseArray").children.clone();
    assert_eq!(found[1].at("FreeBusyView/FreeBusyViewType"), "Detailed");
    assert_eq!(found[1].events().len(), 5);
    assert!(found[0].code() == "ErrorNoFreeBusyAccess" || found[0].events().len() == 6, "{:?}", found[0]);
    gateway.done().await;
}

#[tokio::test]
async fn operations_that_are_all_or_nothing() {
    for (fault, code) in [
        (json!({ "status": 403 }), "ErrorAccessDenied"),
        (json!({ "status": 500 }), "ErrorMailboxStoreUnavailable"),
        (json!({ "cut": true }), "ErrorMailboxStoreUnavailable"),
        (json!({ "garbage": true }), "ErrorInternalServerError"),
        (json!({ "delay_ms": 30_000 }), "ErrorTimeoutExpired"),
        (json!({ "status": 429, "retry_after": 40 }), "ErrorServerBusy"),
    ] {
        let gateway = setup().start().await;
        let mut fault = fault.clone();
        fault["call"] = json!("listRoomLists");
        gateway.control(fault.clone()).await;
        assert_eq!(gateway.fault(&envelope("<m:GetRoomLists/>")).await.0, code, "{fault}");
        gateway.done().await;
    }
}
