//! Refusals, throttling, broken answers, broken credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::calendar::Capability::{CalendarRead, Directory, FreeBusy};
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass, permitted, schedule, wednesday, window};
use crate::graph::{CircuitState, Detail, Graphs, Settings, TokenState, Verdict};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::tenant::{Cloud, Limits, Tenant};

async fn one(graphs: &Graphs, address: &str) -> Result<usize, Failure> {
    let answer = graphs.free_busy(&permitted(&[address]), wednesday(), Detail::Times, &journal()).await;
    answer.into_iter().next().unwrap().map(|told| told.items().count())
}

/// Answers the first so many schedule calls as told, the rest as usual.
fn at_first(
    times: usize,
    reply: impl Fn() -> Reply + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |seen| (seen.is_schedule() && count.fetch_add(1, Relaxed) < times).then(&reply)
}

#[tokio::test]
async fn one_bad_mailbox_never_spoils_the_rest() {
    for (status, code, expected) in [
        (404, "ErrorInvalidUser", Failure::NoSuchMailbox { address: "bad@example.com".into() }),
        (403, "ErrorAccessDenied", Failure::Denied),
        (400, "RequestBroken", Failure::Internal),
        (500, "ErrorInternalServerError", Failure::Unavailable),
        (200, "rubbish", Failure::Internal),
    ] {
        let poison = move |seen: &Seen| {
            let reply = || if status == 200 { Reply::text(200, "{\"value\":[{") } else { Reply::error(status, code) };
            (seen.is_schedule() && seen.schedules().contains(&"bad@example.com")).then(reply)
        };
        let stub = Stub::start(poison).await;
        let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
        let addresses: Vec<_> = (0..7).map(|number| format!("m{number}@example.com")).collect();
        let mut asked: Vec<_> = addresses.iter().map(String::as_str).collect();
        asked.insert(3, "bad@example.com");
        let answer = graphs.free_busy(&permitted(&asked), wednesday(), Detail::Times, &journal()).await;
        for (address, result) in asked.iter().zip(answer) {
            match *address {
                "bad@example.com" => assert_eq!(result.unwrap_err(), expected, "{status}"),
                _ => assert!(result.is_ok(), "{status} {address}"),
            }
        }
        assert!(stub.calls().len() <= 7, "halved, not one by one: {}", stub.calls().len());
    }
}

#[tokio::test]
async fn a_mailbox_unfit_for_the_url_is_not_charged_again() {
    let unfit = |seen: &Seen| {
        (seen.is_schedule() && seen.path.contains("/unfit@example.com/"))
            .then(|| Reply::error(404, "MailboxNotEnabledForRESTAPI"))
    };
    let stub = Stub::start(unfit).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    for number in 0..8 {
        let asked =
            permitted(&["unfit@example.com", &format!("m{number}@example.com"), &format!("n{number}@example.com")]);
        let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
        assert!(answer[1..].iter().all(Result::is_ok));
    }
    let charged = stub.calls().iter().filter(|call| call.path.contains("/unfit@")).count();
    assert!(charged <= 2, "{charged}");
}

#[tokio::test]
async fn a_scoped_credential_asks_one_mailbox_a_call_itself_in_the_url() {
    let stub = Stub::start(|_| None).await;
    let mut scoped = credential(&[FreeBusy]);
    scoped.rbac_scoped = true;
    let graphs = stub.graphs(vec![scoped], Settings::default());
    let answer = graphs
        .free_busy(&permitted(&["a@example.com", "o'b+c@example.com"]), wednesday(), Detail::Times, &journal())
        .await;
    assert!(answer.iter().all(Result::is_ok));
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let [address] = call.schedules()[..] else { panic!("one mailbox a call") };
        assert_eq!(call.path, format!("/v1.0/users/{address}/calendar/getSchedule"));
    }
}

#[tokio::test]
async fn too_many_items_are_asked_for_exactly() {
    let exact = window("2026-11-18T06:00:00Z", "2026-11-18T18:00:00Z");
    let crowded = |seen: &Seen| {
        let busy = seen.is_schedule() && seen.body["startTime"]["dateTime"] != "2026-11-18T06:00:00";
        let error = json!({"scheduleId": "a@example.com", "error": {"responseCode": "5006", "message": "?"}});
        busy.then(|| Reply::json(200, &json!({"value": [error]})))
    };
    let stub = Stub::start(crowded).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["a@example.com"]);
    let answer = graphs.free_busy(&asked, exact, Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap().items().count(), 1);
    assert_eq!(stub.calls()[1].body["endTime"]["dateTime"], "2026-11-18T18:00:00");
    assert!(graphs.free_busy(&asked, exact, Detail::Times, &journal()).await[0].is_ok());
    assert_eq!(stub.calls().len(), 3, "it is known that the week is too big");

    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::ResultTooBig);
}

#[tokio::test]
async fn throttled_calls_are_sent_again() {
    let stub = Stub::start(at_first(2, || Reply::error(429, "ApplicationThrottled").header("retry-after", 0))).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
    let attempts: Vec<_> = stub.calls().iter().map(|call| call.headers.get("retry-attempt").cloned()).collect();
    assert_eq!(attempts, [None, Some("1".parse().unwrap()), Some("2".parse().unwrap())]);
    let ids: Vec<_> = stub.calls().iter().map(|call| call.headers["client-request-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn a_long_retry_after_leaves_the_mailbox_alone_until_then() {
    for wait in ["3000", "Wed, 18 Nov 2026 09:50:00 GMT"] {
        let throttle = move || {
            Reply::error(429, "ApplicationThrottled")
                .header("retry-after", wait)
                .header("date", "Wed, 18 Nov 2026 09:00:00 GMT")
        };
        let stub = Stub::start(at_first(1, throttle)).await;
        let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
        assert_eq!(one(&graphs, "a@example.com").await, Err(Failure::Busy { retry_after: Duration::from_secs(3000) }));
        assert!(matches!(one(&graphs, "a@example.com").await, Err(Failure::Busy { .. })));
        assert_eq!(stub.calls().len(), 1, "left alone");
        assert_eq!(one(&graphs, "b@example.com").await, Ok(1), "others are not");
        pass(Duration::from_secs(3001)).await;
        assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
    }
}

#[tokio::test]
async fn the_circuit_opens_and_half_opens() {
    let stub = Stub::start(|seen| seen.is_schedule().then(|| Reply::text(502, "<html>"))).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    for number in 0..8 {
        assert_eq!(one(&graphs, &format!("m{number}@example.com")).await, Err(Failure::Unavailable));
    }
    assert_eq!(stub.calls().len(), 5, "then answered without a call");
    assert!(matches!(graphs.status()[0].circuit, CircuitState::Open(_)));
    pass(Duration::from_secs(2)).await;
    assert_eq!(one(&graphs, "m1@example.com").await, Err(Failure::Unavailable));
    assert_eq!(one(&graphs, "m2@example.com").await, Err(Failure::Unavailable));
    assert_eq!(stub.calls().len(), 6, "one trial");
    stub.script(|_| None);
    pass(Duration::from_secs(3)).await;
    assert_eq!(one(&graphs, "m1@example.com").await, Ok(1));
    assert_eq!(graphs.status()[0].circuit, CircuitState::Closed);
}

#[tokio::test]
async fn a_slow_call_times_out() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let slow = move |seen: &Seen| {
        seen.is_schedule().then(|| Reply::json(200, &json!({"value": [schedule("a@example.com")]})).behind(&held))
    };
    let stub = Stub::start(slow).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let late = async {
        stub.arrived(1).await;
        pass(Duration::from_secs(11)).await;
    };
    let (answer, ()) = futures::join!(one(&graphs, "a@example.com"), late);
    assert_eq!(answer, Err(Failure::TimedOut));
    drop(gate);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let refuse = || Reply::error(401, "InvalidAuthenticationToken");
    let stub = Stub::start(at_first(1, refuse)).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
    assert_eq!((stub.tokens().len(), stub.calls().len()), (2, 2));

    let stub = Stub::start(move |seen| seen.is_schedule().then(refuse)).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    for address in ["a@example.com", "b@example.com"] {
        assert_eq!(one(&graphs, address).await, Err(Failure::CredentialRefused));
    }
    assert_eq!((stub.tokens().len(), stub.calls().len()), (2, 2), "neither is asked at every turn");
    assert!(!graphs.ready(), "no token was taken");
    pass(Duration::from_secs(31)).await;
    stub.script(|_| None);
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
}

#[tokio::test]
async fn throttling_is_no_outage() {
    let throttle = || Reply::error(429, "ApplicationThrottled").header("retry-after", 3000);
    let stub = Stub::start(at_first(8, throttle)).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    for number in 0..8 {
        assert!(matches!(one(&graphs, &format!("m{number}@example.com")).await, Err(Failure::Busy { .. })));
    }
    assert_eq!((stub.calls().len(), graphs.status()[0].circuit), (8, CircuitState::Closed));
    assert!(!graphs.ready());
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
}

#[tokio::test]
async fn a_throttled_directory_leaves_busy_times_alone() {
    let throttle = |seen: &Seen| {
        let wait = |seconds| Reply::error(429, "TooManyRequests").header("retry-after", seconds);
        match seen.path.as_str() {
            "/v1.0/groups" => Some(wait(3000)),
            path if path.ends_with("/rooms") => Some(Reply::error(503, "x").header("retry-after", 3000)),
            _ => None,
        }
    };
    let stub = Stub::start(throttle).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy, Directory])], Settings::default());
    let [team, list] = ["team@example.com", "list@example.com"].map(|address| permitted(&[address]).remove(0));
    for _ in 0..2 {
        assert!(matches!(graphs.members(&team, &journal()).await, Err(Failure::Busy { .. })));
        let hasty = Journal::new(uuid::Uuid::nil(), journal().now, Instant::now() + Duration::from_secs(30));
        assert!(graphs.rooms(&list, &hasty).await.is_err());
    }
    assert_eq!(stub.calls().len(), 2, "each is left alone");
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
    assert_eq!(graphs.status()[0].throttled.unwrap().as_secs(), 2999);
    pass(Duration::from_secs(61)).await;
    stub.script(|_| None);
    assert!(matches!(graphs.members(&team, &journal()).await, Err(Failure::Busy { .. })));
    assert!(matches!(graphs.rooms(&list, &journal()).await, Err(Failure::NoSuchMailbox { .. })), "asked again");
}

#[tokio::test]
async fn a_refused_credential_is_not_tried_in_a_loop() {
    let told = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x";
    let refuse = json!({"error": "invalid_client", "error_description": told, "error_codes": [7_000_215]});
    let stub = Stub::start(move |seen| seen.path.ends_with("/token").then(|| Reply::json(401, &refuse))).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    for number in 0..4 {
        assert_eq!(one(&graphs, &format!("m{number}@example.com")).await, Err(Failure::CredentialRefused));
    }
    assert_eq!(stub.tokens().len(), 1);
    let form = &stub.tokens()[0].text;
    for part in [
        "grant_type=client_credentials",
        "client_secret=s3cret",
        "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
        "client_id=app-1",
    ] {
        assert!(form.contains(part), "{form}");
    }
    let status = format!("{:?}", graphs.status());
    assert!(status.contains("AADSTS7000215") && !status.contains("s3cret"), "{status}");
    let findings = graphs.examine(&[], wednesday(), &journal()).await;
    let token = findings.iter().find(|finding| finding.check == "token").unwrap();
    assert!(token.text.contains("AADSTS7000215") && token.remedy.is_some() && token.verdict == Verdict::Failed);
    assert!(!graphs.ready());

    stub.script(|_| None);
    pass(Duration::from_secs(31)).await;
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
    assert!(matches!(graphs.status()[0].credentials[0].token, TokenState::Valid(_)));
}

#[tokio::test]
async fn entras_passing_troubles_are_no_refusal() {
    for (status, error, told) in
        [(400, "invalid_request", "AADSTS90033: A transient error"), (503, "server_error", "x"), (500, "", "")]
    {
        let body = json!({"error": error, "error_description": told});
        let stub = Stub::start(move |seen| seen.path.ends_with("/token").then(|| Reply::json(status, &body))).await;
        let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
        assert_eq!(one(&graphs, "a@example.com").await, Err(Failure::Unavailable), "{told}");
        assert!(stub.calls().is_empty());
    }
}

#[tokio::test]
async fn a_token_is_renewed_in_the_background_before_it_expires() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    graphs.warm().await;
    assert_eq!((stub.tokens().len(), graphs.ready()), (1, true));
    pass(Duration::from_secs(3200)).await;
    assert_eq!(one(&graphs, "a@example.com").await, Ok(1));
    assert_eq!(stub.tokens().len(), 1);
    pass(Duration::from_secs(120)).await;
    assert_eq!(one(&graphs, "b@example.com").await, Ok(1));
    assert!(matches!(graphs.status()[0].credentials[0].token, TokenState::Valid(_)));
    assert_eq!(one(&graphs, "c@example.com").await, Ok(1));
    assert_eq!(stub.tokens().len(), 2);
}

#[tokio::test]
async fn nothing_is_asked_without_a_credential() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[Directory])], Settings::default());
    assert_eq!(one(&graphs, "a@example.com").await, Err(Failure::Denied));
    assert!(stub.tokens().is_empty());
    let mailbox = permitted(&["a@Example.com"])[0].mailbox().clone();
    assert!(graphs.serves(&mailbox, Directory) && !graphs.serves(&mailbox, CalendarRead));
    for address in ["a@notexample.com", "a@sub.example.com", "a@com"] {
        assert_eq!(one(&graphs, address).await, Err(Failure::NoSuchMailbox { address: address.into() }));
    }
}

#[tokio::test]
async fn a_throttled_mailbox_is_not_the_only_one_to_charge() {
    let throttle = || Reply::error(429, "ApplicationThrottled").header("retry-after", 3000);
    let stub = Stub::start(at_first(1, throttle)).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["a@example.com", "b@example.com"]);
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
    assert!(answer.iter().all(Result::is_ok));
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].path, calls[1].path);
}

#[tokio::test]
async fn after_a_503_a_new_connection_is_used() {
    let stub = Stub::start(at_first(1, || Reply::error(503, "serviceNotAvailable").header("retry-after", 0))).await;
    let metrics = Arc::new(Metrics::new());
    let graphs = stub.graphs_with(vec![credential(&[FreeBusy])], Settings::default(), Arc::clone(&metrics));
    for address in ["a@example.com", "b@example.com"] {
        assert_eq!(one(&graphs, address).await, Ok(1));
    }
    let peers: Vec<_> = stub.calls().iter().map(|call| call.peer).collect();
    assert_ne!(peers[0], peers[1]);
    assert_eq!(peers[1], peers[2], "and kept");
    let counted = metrics.render();
    for line in [
        "graph_calls_total{call=\"get_schedule\",status=\"503\"} 1",
        "graph_calls_total{call=\"get_schedule\",status=\"200\"} 2",
        "graph_tokens_total{tenant=\"test\",outcome=\"ok\"} 1",
        "graph_concurrency_limit{tenant=\"test\"} 16",
        "cache_entries",
    ] {
        assert!(counted.contains(line), "{line} in {counted}");
    }
}

#[tokio::test]
async fn a_cut_connection_is_tried_once_more_and_then_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stub = Stub::start(|_| None).await;
    let mut nowhere = stub.clone();
    nowhere.origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let graphs = nowhere.graphs(vec![credential(&[FreeBusy])], Settings::default());
    assert_eq!(one(&graphs, "a@example.com").await, Err(Failure::Unavailable));
    assert!(matches!(graphs.status()[0].credentials[0].token, TokenState::Unavailable(_)));
}

#[test]
fn what_cannot_work_is_told_at_start() {
    let tenant = |domains: &[&str], extra_ca: Option<&[u8]>| Tenant {
        name: "t".into(),
        id: "i".into(),
        cloud: Cloud { extra_ca: extra_ca.map(<[u8]>::to_vec), ..Cloud::named("global").unwrap() },
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        is_default: false,
        limits: Limits::default(),
        credentials: Vec::new(),
    };
    let told = |tenants| {
        Graphs::new(tenants, Settings::default(), Arc::new(Metrics::new()), jiff::Timestamp::default).unwrap_err()
    };
    assert!(told(vec![tenant(&["x.fi"], Some(b"no certificate"))]).contains("certificate authority"));
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap().cert.pem();
    let good = |domains| tenant(domains, Some(certificate.as_bytes()));
    assert!(told(vec![good(&["x.fi"]), good(&["X.fi"])]).contains("is there already"));
}
