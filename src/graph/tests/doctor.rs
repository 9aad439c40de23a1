//! The examination, and what the running gateway notes of its tokens.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::calendar::Capability::{CalendarRead, Directory, FreeBusy, OutOfOfficeRead};
use crate::calendar::Mailbox;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, wednesday};
use crate::graph::{Finding, Grant, Graphs, Settings, Trial, Verdict};
use crate::metrics::Metrics;

const TRIED: &str = "a@example.com";

/// A token with these roles.
fn token(roles: &[&str]) -> Reply {
    let claims = json!({ "roles": roles, "appid": "app-1", "tid": "11111111-2222-3333-4444-555555555555" });
    let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
    Reply::json(200, &json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token }))
}

fn is_token(seen: &Seen) -> bool {
    seen.path.ends_with("/token")
}

async fn examine(graphs: &Graphs, client_id: &str, mailbox: Option<&str>) -> Vec<Finding> {
    let allowed = mailbox.map(|address| Mailbox::parse(address).unwrap());
    let trial = Trial { tenant: "test".into(), client_id: client_id.into(), allowed, forbidden: None };
    let findings = graphs.examine(&[trial], wednesday(), &journal()).await;
    findings.into_iter().filter(|finding| finding.subject.starts_with("test / ")).collect()
}

fn verdicts(findings: &[Finding]) -> Vec<(&'static str, Verdict)> {
    // The stub's clock stands still in 1970.
    let told = findings.iter().filter(|finding| finding.check != "clock");
    told.map(|finding| (finding.check, finding.verdict)).collect()
}

#[tokio::test]
async fn each_capability_is_tried_with_a_mailbox_and_an_opaque_token_is_not_judged() {
    let stub = Stub::start(|seen| match seen.path.as_str() {
        "/v1.0/places/microsoft.graph.roomList" => Some(Reply::error(403, "ErrorAccessDenied")),
        path if path.ends_with("/mailboxSettings") => Some(Reply::error(403, "ErrorAccessDenied")),
        _ => None,
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy, OutOfOfficeRead, Directory])], Settings::default());
    let findings = examine(&graphs, "app-3", Some(TRIED)).await;
    let expected = [
        ("token", Verdict::Ok),
        ("expiry", Verdict::Skipped),
        ("permissions", Verdict::Skipped),
        ("free_busy", Verdict::Ok),
        ("out_of_office_read", Verdict::Failed),
        ("directory", Verdict::Failed),
    ];
    assert_eq!(verdicts(&findings), expected, "{findings:#?}");
    let denied = findings.last().unwrap();
    assert!(denied.text.contains("ErrorAccessDenied"), "in Graph's own words: {denied:?}");
    assert!(denied.remedy.as_ref().unwrap().contains("Place.Read.All"), "{denied:?}");
    let findings = examine(&graphs, "app-3", None).await;
    let skipped =
        findings.iter().filter(|finding| finding.verdict == Verdict::Skipped && finding.text.contains("--mailbox"));
    assert_eq!(skipped.count(), 2, "the directory needs none");
    assert_eq!(verdicts(&findings).last(), Some(&("graph", Verdict::Ok)));
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let findings = examine(&graphs, "app-1", Some(TRIED)).await;
    let clock = findings.iter().find(|finding| finding.check == "clock").unwrap();
    assert_eq!(clock.verdict, Verdict::Failed);
    assert!(clock.text.ends_with(" s behind Microsoft Entra's"), "it is 1970 here: {}", clock.text);
}

#[tokio::test]
async fn a_secret_that_nears_its_end_is_told() {
    let stub = Stub::start(|_| None).await;
    // It is 1970.
    for (second, verdict) in [(-1, Verdict::Failed), (86_400, Verdict::Warning), (86_400 * 31, Verdict::Ok)] {
        let mut ending = credential(&[FreeBusy]);
        ending.secret_expires = jiff::Timestamp::from_second(second).ok();
        let graphs = stub.graphs(vec![ending], Settings::default());
        let findings = examine(&graphs, "app-1", Some(TRIED)).await;
        assert!(verdicts(&findings).contains(&("expiry", verdict)), "{second}: {findings:#?}");
    }
}

#[tokio::test]
async fn a_token_for_another_tenant_or_application_is_odd_and_fails_nothing() {
    let claims = json!({ "roles": ["Calendars.Read"], "appid": "other", "tid": "somewhere", "aud": "https://else" });
    let odd = format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let body = json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": odd });
    let stub = Stub::start(move |seen| is_token(seen).then(|| Reply::json(200, &body))).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let findings = examine(&graphs, "app-1", Some(TRIED)).await;
    let claims = findings.iter().find(|finding| finding.check == "claims").unwrap();
    assert_eq!(claims.verdict, Verdict::Warning);
    for part in ["appid is other", "tid is somewhere", "aud is https://else"] {
        assert!(claims.text.contains(part), "{}", claims.text);
    }
    assert!(verdicts(&findings).contains(&("free_busy", Verdict::Ok)));
}

#[tokio::test]
async fn a_running_gateway_notes_what_its_tokens_grant() {
    let stub = Stub::start(|seen| is_token(seen).then(|| token(&["Calendars.ReadWrite", "Mail.Read"]))).await;
    let metrics = Arc::new(Metrics::new());
    let wanted = vec![credential(&[FreeBusy]), credential(&[CalendarRead, Directory])];
    let graphs = stub.graphs_with(wanted, Settings::default(), Arc::clone(&metrics));
    assert!(graphs.status()[0].credentials[0].grants.is_none(), "nothing is known yet");
    graphs.warm().await;
    let status = graphs.status();
    let told: Vec<_> = status[0].credentials.iter().map(|it| it.grants.clone().unwrap()).collect();
    assert_eq!((told[0].missing.len(), Grant::names(&told[0].excessive)), (0, "Calendars.ReadWrite, Mail.Read".into()));
    assert_eq!(Grant::names(&told[1].missing), "Place.Read.All, GroupMember.Read.All, User.ReadBasic.All");
    let text = metrics.render();
    for line in [
        "credential_excess{tenant=\"test\",client_id=\"app-1\"} 2",
        "credential_missing{tenant=\"test\",client_id=\"app-1\"} 0",
        "credential_missing{tenant=\"test\",client_id=\"app-2\"} 3",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_not_nought() {
    let stub = Stub::start(|_| None).await;
    let metrics = Arc::new(Metrics::new());
    let graphs = stub.graphs_with(vec![credential(&[FreeBusy])], Settings::default(), Arc::clone(&metrics));
    graphs.warm().await;
    assert!(graphs.status()[0].credentials[0].grants.is_none());
    assert!(!metrics.render().contains("credential_excess{"));
}
