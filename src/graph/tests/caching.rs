//! Hits, misses, joined calls, lifetimes, stale answers.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::calendar::Capability::FreeBusy;
use crate::calendar::Window;
use crate::calendar::free_busy::BusyStatus;
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass, permitted, schedule, wednesday, window};
use crate::graph::{CacheSettings, Detail, Graphs, Settings};
use crate::journal::Journal;
use crate::metrics::{Metrics, OutcomeLabel};

fn counts(journal: &Journal) -> [u32; 5] {
    [&journal.hits, &journal.misses, &journal.joined, &journal.stale, &journal.graph_calls].map(|count| count.get())
}

fn down(seen: &Seen) -> Option<Reply> {
    seen.is_schedule().then(|| Reply::error(500, "ErrorInternalServerError"))
}

#[tokio::test]
async fn overlapping_windows_share_an_answer() {
    let stub = Stub::start(|_| None).await;
    let metrics = Arc::new(Metrics::new());
    let graphs = stub.graphs_with(vec![credential(&[FreeBusy])], Settings::default(), Arc::clone(&metrics));
    let asked = permitted(&["a@example.com", "b@example.com", "a@example.com", "elsewhere@example.org"]);
    assert!(!graphs.ready());

    let first = journal();
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &first).await;
    let (item, _) = answer[0].as_ref().unwrap().items().next().unwrap();
    assert_eq!((item.status(), item.stored().1 - item.stored().0), (BusyStatus::Busy, 3600));
    assert!(answer[1].is_ok() && answer[2].is_ok());
    assert_eq!(answer[3].as_ref().unwrap_err(), &Failure::NoSuchMailbox { address: "elsewhere@example.org".into() });
    assert_eq!(counts(&first), [0, 2, 1, 0, 1], "the same mailbox again joins itself");
    assert!(graphs.ready());

    let second = journal();
    let later = window("2026-11-18T12:00:00Z", "2026-11-20T00:00:00Z");
    let answer = graphs.free_busy(&asked[..2], later, Detail::Times, &second).await;
    assert!(answer.iter().all(Result::is_ok));
    assert_eq!(counts(&second), [2, 0, 0, 0, 0]);
    assert_eq!(stub.calls().len(), 1);
    assert_eq!(stub.tokens().len(), 1);
    let count = |outcome| metrics.cache.get_or_create(&OutcomeLabel { outcome }).get();
    assert_eq!((count("hit"), count("miss"), count("joined")), (2, 2, 1));
}

#[tokio::test]
async fn a_window_over_two_weeks_is_one_call_and_each_item_is_told_once() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["a@example.com"]);
    let two_weeks = window("2026-11-16T00:00:00Z", "2026-11-30T00:00:00Z");
    let answer = graphs.free_busy(&asked, two_weeks, Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap().spans.len(), 2);
    assert_eq!(answer[0].as_ref().unwrap().items().count(), 1);
    let calls = stub.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].body["startTime"]["dateTime"], "2026-11-15T00:00:00");
    assert_eq!(calls[0].body["endTime"]["dateTime"], "2026-12-01T00:00:00");

    let longer = window("2026-11-16T00:00:00Z", "2026-12-03T00:00:00Z");
    let answer = graphs.free_busy(&asked, longer, Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap().spans.len(), 3);
    assert_eq!(stub.calls()[1].body["startTime"]["dateTime"], "2026-11-29T00:00:00", "only what is missing");
}

#[tokio::test]
async fn misses_join_and_full_batches_do_not_wait() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| {
        let schedules: Vec<_> = seen.is_schedule().then(|| seen.schedules())?.into_iter().map(schedule).collect();
        Some(Reply::json(200, &serde_json::json!({"value": schedules})).behind(&held))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let addresses: Vec<_> = (0..30).map(|number| format!("m{number}@example.com")).collect();
    let journals: Vec<_> = (0..60).map(|_| journal()).collect();
    let look_ups = journals.iter().enumerate().map(|(number, journal)| {
        let asked = permitted(&[&addresses[number % 30]]);
        let graphs = &graphs;
        async move { graphs.free_busy(&asked, wednesday(), Detail::Times, journal).await.remove(0) }
    });
    let open = async {
        stub.arrived(2).await;
        gate.add_permits(100);
    };
    let (answers, ()) = futures::join!(join_all(look_ups), open);
    assert!(answers.iter().all(Result::is_ok));
    let mut sizes: Vec<_> = stub.calls().iter().map(|call| call.schedules().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 9, 20], "one at once, a full batch beside it, the rest together");
    let (misses, joined) = journals.split_at(30);
    assert!(misses.iter().all(|journal| counts(journal) == [0, 1, 0, 0, 1]));
    assert!(joined.iter().all(|journal| counts(journal) == [0, 0, 1, 0, 1]));
}

#[tokio::test]
async fn a_call_goes_by_the_id_of_the_request_that_needed_it_first() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let (asked, whole) = (permitted(&["a@example.com"]), Duration::from_secs(60));
    let [first, second] = [uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2)]
        .map(|id| Journal::new(id, journal().now, Instant::now() + whole));
    let look_up = |journal| graphs.free_busy(&asked, wednesday(), Detail::Times, journal);
    let (one, other) = futures::join!(look_up(&first), look_up(&second));
    assert!(one[0].is_ok() && other[0].is_ok());
    let ids: Vec<_> = stub.calls().iter().map(|call| call.headers["client-request-id"].clone()).collect();
    assert_eq!(ids, [first.request_id.to_string()]);
}

#[tokio::test]
async fn a_caller_that_leaves_cancels_nobody() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| {
        let schedules: Vec<_> = seen.is_schedule().then(|| seen.schedules())?.into_iter().map(schedule).collect();
        Some(Reply::json(200, &serde_json::json!({"value": schedules})).behind(&held))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["a@example.com"]);
    let hasty = Journal::new(uuid::Uuid::nil(), journal().now, Instant::now() + Duration::from_secs(2));
    let open = async {
        stub.arrived(1).await;
        pass(Duration::from_secs(3)).await;
    };
    let (answer, ()) = futures::join!(graphs.free_busy(&asked, wednesday(), Detail::Times, &hasty), open);
    assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::TimedOut);
    let patient = journal();
    let open = async { gate.add_permits(1) };
    let (answer, ()) = futures::join!(graphs.free_busy(&asked, wednesday(), Detail::Times, &patient), open);
    assert!(answer[0].is_ok());
    assert_eq!(counts(&patient), [0, 0, 1, 0, 1]);
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn an_ageing_answer_is_refreshed_in_the_background() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["a@example.com"]);
    graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
    pass(Duration::from_secs(230)).await;
    graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
    assert_eq!(stub.calls().len(), 1, "young");
    pass(Duration::from_secs(15)).await;
    let ageing = journal();
    assert!(graphs.free_busy(&asked, wednesday(), Detail::Times, &ageing).await[0].is_ok());
    assert_eq!(counts(&ageing), [1, 0, 0, 0, 0]);
    stub.arrived(2).await;
}

#[tokio::test]
async fn stale_answers_stand_in_only_while_graph_fails_and_not_for_ever() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["a@example.com", "new@example.com"]);
    graphs.free_busy(&asked[..1], wednesday(), Detail::Times, &journal()).await;
    stub.script(down);
    pass(Duration::from_secs(301)).await;
    let old = journal();
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &old).await;
    assert_eq!(answer[0].as_ref().unwrap().items().count(), 1);
    assert_eq!(answer[1].as_ref().unwrap_err(), &Failure::Unavailable);
    assert_eq!(old.stale.get(), 1);
    pass(Duration::from_secs(3600)).await;
    let answer = graphs.free_busy(&asked[..1], wednesday(), Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::Unavailable);
}

#[tokio::test]
async fn nothing_stands_in_after_graph_said_no() {
    for (status, code, expected) in [
        (403, "ErrorAccessDenied", Failure::Denied),
        (404, "ErrorInvalidUser", Failure::NoSuchMailbox { address: "a@example.com".into() }),
    ] {
        let stub = Stub::start(|_| None).await;
        let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
        let asked = permitted(&["a@example.com"]);
        graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
        stub.script(move |seen| seen.is_schedule().then(|| Reply::error(status, code)));
        pass(Duration::from_secs(301)).await;
        for _ in 0..2 {
            let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
            assert_eq!(answer[0].as_ref().unwrap_err(), &expected);
        }
        assert_eq!(stub.calls().len(), 2, "the refusal is remembered");
        stub.script(down);
        pass(Duration::from_secs(130)).await;
        let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
        assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::Unavailable, "and forgets what was before it");
    }
}

/// Two mailboxes whose answers for three months are old.
async fn old_months(stub: &Stub) -> (Graphs, Vec<Permitted>, Window) {
    let cache = CacheSettings { days_per_window: 30, ..CacheSettings::default() };
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings { cache, ..Settings::default() });
    let asked = permitted(&["a@example.com", "b@example.com"]);
    let months = window("2026-11-01T00:00:00Z", "2027-01-30T00:00:00Z");
    for permitted in &asked {
        let whole = std::slice::from_ref(permitted);
        assert!(graphs.free_busy(whole, months, Detail::Times, &journal()).await[0].is_ok());
    }
    pass(Duration::from_secs(301)).await;
    (graphs, asked, months)
}

#[tokio::test]
async fn a_no_for_one_stretch_is_one_for_all_of_the_mailbox() {
    let stub = Stub::start(|_| None).await;
    let (graphs, asked, months) = old_months(&stub).await;
    // The earlier stretch fails for the moment, the later one for good.
    stub.script(|seen| {
        let late = seen.body["startTime"]["dateTime"].as_str()? > "2026-12-01";
        let reply = if late { Reply::error(403, "ErrorAccessDenied") } else { Reply::text(502, "") };
        (seen.is_schedule() && seen.schedules() == ["a@example.com"]).then_some(reply)
    });
    let answer = graphs.free_busy(&asked[..1], months, Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::Denied);
    stub.script(down);
    pass(Duration::from_secs(20)).await;
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::Unavailable, "weeks before what was refused");
    assert!(answer[1].is_ok(), "nobody said no to this one");
}

#[tokio::test]
async fn a_refused_credential_leaves_nothing_old_of_anybody() {
    let stub = Stub::start(|_| None).await;
    let (graphs, asked, _) = old_months(&stub).await;
    stub.script(|seen| seen.is_schedule().then(|| Reply::error(401, "InvalidAuthenticationToken")));
    let answer = graphs.free_busy(&asked[..1], wednesday(), Detail::Times, &journal()).await;
    assert_eq!(answer[0].as_ref().unwrap_err(), &Failure::CredentialRefused);
    stub.script(down);
    pass(Duration::from_secs(31)).await;
    let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
    assert_eq!(answer[1].as_ref().unwrap_err(), &Failure::Unavailable);
}

#[tokio::test]
async fn unknown_mailboxes_are_remembered_for_a_shorter_time() {
    let stub = Stub::start(|_| None).await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let asked = permitted(&["nobody@example.com"]);
    for (passed, calls) in [(0, 1), (119, 1), (2, 2)] {
        pass(Duration::from_secs(passed)).await;
        let answer = graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await;
        assert!(matches!(answer[0], Err(Failure::NoSuchMailbox { .. })));
        assert_eq!(stub.calls().len(), calls);
    }
}

#[tokio::test]
async fn without_a_lifetime_nothing_is_kept() {
    let stub = Stub::start(|_| None).await;
    let cache = CacheSettings { lifetime: Duration::ZERO, ..CacheSettings::default() };
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings { cache, ..Settings::default() });
    let asked = permitted(&["a@example.com"]);
    for calls in 1..=2 {
        assert!(graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await[0].is_ok());
        assert_eq!(stub.calls().len(), calls);
    }
}

#[tokio::test]
async fn nobody_waits_long_behind_a_slow_call() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| {
        let schedules: Vec<_> = seen.is_schedule().then(|| seen.schedules())?.into_iter().map(schedule).collect();
        let slow = seen.schedules().contains(&"slow@example.com");
        let reply = Reply::json(200, &serde_json::json!({"value": schedules}));
        Some(if slow { reply.behind(&held) } else { reply })
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy])], Settings::default());
    let (slow, quick) = (permitted(&["slow@example.com"]), permitted(&["a@example.com"]));
    let behind = async {
        stub.arrived(1).await;
        let notes = journal();
        let look_up = graphs.free_busy(&quick, wednesday(), Detail::Times, &notes);
        let (answer, ()) = futures::join!(look_up, pass(Duration::from_millis(200)));
        assert!(answer[0].is_ok());
        gate.add_permits(1);
    };
    let notes = journal();
    let (answer, ()) = futures::join!(graphs.free_busy(&slow, wednesday(), Detail::Times, &notes), behind);
    assert!(answer[0].is_ok());
    assert_eq!(stub.calls().len(), 2);
}
