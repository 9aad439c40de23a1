//! Automatic replies and mail tips: what is remembered, what a write ends, what goes by the batch.

mod mail_tips;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::calendar::Capability::{self, CalendarRead, OutOfOfficeRead, OutOfOfficeWrite};
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::calendar::{Mailbox, Window};
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass};
use crate::graph::{CacheSettings, Graphs, Settings};

fn permit(address: &str, capability: Capability) -> Permitted {
    let client = Client::without_login("c", Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full));
    client.permit(&Mailbox::parse(address).unwrap(), capability, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

fn readable<const N: usize>(names: [&str; N]) -> [Permitted; N] {
    names.map(|name| permit(&format!("{name}@example.com"), OutOfOfficeRead))
}

fn setting(message: &str) -> Value {
    json!({"status": "alwaysEnabled", "externalAudience": "All", "internalReplyMessage": message,
        "externalReplyMessage": format!("outside: {message}")})
}

/// Everybody is away, and says so.
fn away(message: &'static str) -> impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static {
    move |seen| {
        let language = json!({"locale": "en-GB", "displayName": "English"});
        let body = json!({"automaticRepliesSetting": setting(message), "language": language});
        seen.path.ends_with("/mailboxSettings").then(|| Reply::json(200, &body))
    }
}

fn replies(message: &str) -> AutomaticReplies {
    AutomaticReplies {
        status: Status::Enabled,
        audience: Audience::Everybody,
        window: None,
        internal: message.into(),
        external: format!("outside: {message}"),
        language: Some("en-GB".into()),
    }
}

fn graphs(stub: &Stub) -> Graphs {
    stub.graphs(
        vec![credential(&[OutOfOfficeRead]), credential(&[OutOfOfficeRead, OutOfOfficeWrite])],
        Settings::default(),
    )
}

async fn message(graphs: &Graphs, name: &str) -> Result<String, Failure> {
    let [mailbox] = readable([name]);
    graphs.automatic_replies(&mailbox, &journal()).await.map(|told| told.internal)
}

#[tokio::test]
async fn settings_are_read_once_in_a_while_and_together() {
    let stub = Stub::start(away("one")).await;
    let graphs = graphs(&stub);
    let [mailbox] = readable(["o'hara"]);
    let notes = journal();
    let told = join_all((0..5).map(|_| graphs.automatic_replies(&mailbox, &notes))).await;
    assert!(told.iter().all(|told| *told == Ok(replies("one"))), "{told:?}");
    let calls = stub.calls();
    assert_eq!((calls.len(), calls[0].method.as_str()), (1, "GET"));
    assert_eq!(calls[0].path, "/v1.0/users/o'hara@example.com/mailboxSettings");
    assert!(stub.tokens()[0].text.contains("client_id=app-1"), "the narrowest credential");

    stub.script(away("two"));
    pass(Duration::from_secs(29)).await;
    assert_eq!(message(&graphs, "o'hara").await, Ok("one".into()));
    pass(Duration::from_secs(2)).await;
    assert_eq!(message(&graphs, "o'hara").await, Ok("two".into()));
    stub.script(|seen| seen.path.ends_with("/mailboxSettings").then(|| Reply::error(500, "x")));
    pass(Duration::from_secs(31)).await;
    assert_eq!(message(&graphs, "o'hara").await, Ok("two".into()), "while Graph is away");
    pass(Duration::from_secs(3600)).await;
    assert_eq!(message(&graphs, "o'hara").await, Err(Failure::Unavailable));
}

#[tokio::test]
async fn nothing_is_remembered_where_that_is_off() {
    let stub = Stub::start(away("one")).await;
    let cache = CacheSettings { out_of_office_lifetime: Duration::ZERO, ..CacheSettings::default() };
    let graphs = stub.graphs(vec![credential(&[OutOfOfficeRead])], Settings { cache, ..Settings::default() });
    for _ in 0..2 {
        assert_eq!(message(&graphs, "a").await, Ok("one".into()));
    }
    assert_eq!(stub.calls().len(), 2);
}

#[tokio::test]
async fn a_mailbox_without_settings_or_tenant_is_nobodys_and_other_proofs_are_refused() {
    let stub = Stub::start(|seen| {
        let code = if seen.path.contains("/a@") { "MailboxNotEnabledForRESTAPI" } else { "ErrorItemNotFound" };
        seen.path.contains("/users/").then(|| Reply::error(404, code))
    })
    .await;
    let graphs = graphs(&stub);
    for _ in 0..2 {
        for name in ["a", "b"] {
            let nobody = Failure::NoSuchMailbox { address: format!("{name}@example.com") };
            assert_eq!(message(&graphs, name).await, Err(nobody));
        }
    }
    assert_eq!(stub.calls().len(), 2, "remembered");
    let foreign = permit("x@example.org", OutOfOfficeRead);
    let nobody = Failure::NoSuchMailbox { address: "x@example.org".into() };
    assert_eq!(graphs.automatic_replies(&foreign, &journal()).await, Err(nobody.clone()));
    let look = graphs.look_at_automatic_replies(std::slice::from_ref(&foreign), &journal()).await;
    assert_eq!(look, [Err(nobody)]);
    assert_eq!(graphs.mail_tips(&[foreign], None, &journal()).await, [Ok(None)], "nobody can tell");

    let (notes, replies) = (journal(), replies("x"));
    for wrong in [OutOfOfficeWrite, CalendarRead] {
        let mailbox = permit("a@example.com", wrong);
        assert_eq!(graphs.automatic_replies(&mailbox, &notes).await, Err(Failure::Denied));
        let asked = std::slice::from_ref(&mailbox);
        assert_eq!(graphs.look_at_automatic_replies(asked, &notes).await, [Err(Failure::Denied)]);
        assert_eq!(graphs.mail_tips(asked, None, &notes).await, [Err(Failure::Denied)]);
    }
    let [reader] = readable(["a"]);
    assert_eq!(graphs.set_automatic_replies(&reader, &replies, &notes).await, Err(Failure::Denied));
    assert_eq!(stub.calls().len(), 2, "nobody was asked");
    let graphs = stub.graphs(vec![credential(&[OutOfOfficeRead])], Settings::default());
    let writer = permit("a@example.com", OutOfOfficeWrite);
    assert_eq!(graphs.set_automatic_replies(&writer, &replies, &notes).await, Err(Failure::Denied), "no credential");
}

#[tokio::test]
async fn a_write_is_seen_at_once_also_by_whoever_asks_while_a_read_is_under_way() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let old = move |seen: &Seen| away("old")(seen).map(|reply| reply.behind(&held));
    let stub = Stub::start(old).await;
    let graphs = graphs(&stub);
    let write = async {
        stub.arrived(1).await;
        stub.script(away("new"));
        let writer = permit("a@example.com", OutOfOfficeWrite);
        graphs.set_automatic_replies(&writer, &replies("new"), &journal()).await.unwrap();
        let after = message(&graphs, "a").await;
        gate.add_permits(1);
        after
    };
    let (before, after) = futures::join!(message(&graphs, "a"), write);
    assert_eq!((before, after), (Ok("old".into()), Ok("new".into())));
    assert_eq!(message(&graphs, "a").await, Ok("new".into()), "the older answer came later, and was not kept");
    let calls = stub.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(
        (calls[1].method.as_str(), calls[1].path.as_str()),
        ("PATCH", "/v1.0/users/a@example.com/mailboxSettings")
    );
    let sent = &calls[1].body["automaticRepliesSetting"];
    assert_eq!((&sent["status"], &sent["scheduledStartDateTime"]), (&json!("alwaysEnabled"), &Value::Null));
}

#[tokio::test]
async fn a_write_that_failed_or_was_left_ends_what_is_remembered_too() {
    let writer = permit("a@example.com", OutOfOfficeWrite);
    for is_left in [false, true] {
        let stub = Stub::start(away("old")).await;
        let graphs = graphs(&stub);
        assert_eq!(message(&graphs, "a").await, Ok("old".into()));
        assert_eq!(message(&graphs, "b").await, Ok("old".into()));
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        stub.script(move |seen| match seen.method.as_str() {
            "PATCH" if is_left => Some(Reply::error(500, "x").behind(&held)),
            "PATCH" => Some(Reply::error(500, "x")),
            _ => away("new")(seen),
        });
        let (notes, replies) = (journal(), replies("new"));
        let write = graphs.set_automatic_replies(&writer, &replies, &notes);
        tokio::select! {
            told = write => assert_eq!((told, is_left), (Err(Failure::Unavailable), false)),
            () = async { stub.arrived(3).await }, if is_left => {}
        }
        assert_eq!(message(&graphs, "a").await, Ok("new".into()), "{is_left}");
        assert_eq!(message(&graphs, "b").await, Ok("old".into()), "nobody wrote to it");
        stub.script(|seen| seen.path.contains("/users/").then(|| Reply::error(503, "x").header("retry-after", 99)));
        graphs.set_automatic_replies(&writer, &replies, &notes).await.unwrap_err();
        assert!(message(&graphs, "a").await.is_err(), "nothing older than a write stands in");
        drop(gate);
    }
}

#[tokio::test]
async fn windows_that_graph_refuses() {
    let scheduled = |from: &str, to: &str| AutomaticReplies {
        status: Status::Scheduled,
        window: Window::new(from.parse().unwrap(), to.parse().unwrap()),
        ..replies("x")
    };
    // It is 8 o'clock on November 18.
    let (past, future) = (
        scheduled("2026-11-17T00:00:00Z", "2026-11-18T00:00:00Z"),
        scheduled("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"),
    );
    for (code, replies, expected) in [
        ("ErrorInvalidTimeSettings", &future, Failure::BadScheduledDuration),
        ("ErrorInvalidScheduledOofDuration", &past, Failure::BadScheduledDuration),
        ("ErrorInvalidRequest", &past, Failure::BadScheduledDuration),
        ("ErrorInvalidRequest", &future, Failure::BadValue),
        ("ErrorInvalidRequest", &AutomaticReplies { status: Status::Enabled, ..past.clone() }, Failure::BadValue),
        ("ErrorInvalidUserOofSettings", &future, Failure::ReplyMissing),
        ("MailboxNotEnabledForRESTAPI", &past, Failure::NoSuchMailbox { address: "a@example.com".into() }),
        ("RequestBodyRead", &future, Failure::Internal),
    ] {
        let stub = Stub::start(move |seen| (seen.method == "PATCH").then(|| Reply::error(400, code))).await;
        let writer = permit("a@example.com", OutOfOfficeWrite);
        let told = graphs(&stub).set_automatic_replies(&writer, replies, &journal()).await;
        assert_eq!(told, Err(expected), "{code}");
    }
    let stub = Stub::start(|_| None).await;
    let none = AutomaticReplies { window: None, ..past };
    let writer = permit("a@example.com", OutOfOfficeWrite);
    let told = graphs(&stub).set_automatic_replies(&writer, &none, &journal()).await;
    assert_eq!((told, stub.calls().len()), (Err(Failure::BadScheduledDuration), 0));
}

/// Answers a batch by its parts' addresses, in reverse order.
fn batch(seen: &Seen, part: impl Fn(&str) -> Value) -> Option<Reply> {
    let answer = |request: &Value| {
        let mut answer = part(request["url"].as_str().unwrap());
        answer["id"] = request["id"].clone();
        answer
    };
    let responses: Vec<_> = seen.body["requests"].as_array()?.iter().rev().map(answer).collect();
    Some(Reply::json(200, &json!({"responses": responses})))
}

fn error(status: u16, code: &str) -> Value {
    json!({"status": status, "headers": {"Retry-After": "7"}, "body": {"error": {"code": code, "message": "?"}}})
}

#[tokio::test]
async fn of_twenty_looked_at_each_has_its_own_outcome_and_none_is_asked_again() {
    let stub = Stub::start(|seen| {
        batch(seen, |url| match url {
            "/users/m3@example.com/mailboxSettings/automaticRepliesSetting" => error(429, "ApplicationThrottled"),
            url if url.contains("/m4@") => error(503, "x"),
            url if url.contains("/m5@") => error(404, "MailboxNotEnabledForRESTAPI"),
            url if url.contains("/m6@") => error(403, "ErrorAccessDenied"),
            url if url.contains("/m7@") => json!({"status": 200, "body": {"status": "quarantined"}}),
            url if url.contains("/m8@") => error(500, "x"),
            _ => json!({"status": 200, "body": setting("away")}),
        })
    })
    .await;
    let mut scoped = credential(&[OutOfOfficeRead]);
    scoped.rbac_scoped = true;
    let graphs = stub.graphs(vec![scoped], Settings::default());
    let asked: Vec<_> =
        (0..20).rev().map(|number| permit(&format!("m{number}@example.com"), OutOfOfficeRead)).collect();
    let notes = journal();
    let told = graphs.look_at_automatic_replies(&asked, &notes).await;
    for (mailbox, told) in asked.iter().zip(told) {
        let address = mailbox.mailbox().as_str();
        let expected = match address.split('@').next().unwrap() {
            "m3" | "m4" => {
                let Err(Failure::Busy { retry_after }) = told else { panic!("{told:?}") };
                assert!((7_000..8_000).contains(&retry_after.as_millis()), "until it is asked again: {retry_after:?}");
                continue;
            }
            "m5" => Err(Failure::NoSuchMailbox { address: address.into() }),
            "m6" => Err(Failure::Denied),
            "m7" => Err(Failure::Internal),
            "m8" => Err(Failure::Unavailable),
            _ => Ok(AutomaticReplies { language: None, ..replies("away") }),
        };
        assert_eq!(told, expected, "{address}");
    }
    assert_eq!((stub.calls().len(), notes.graph_calls.get()), (1, 1));

    let told = graphs.look_at_automatic_replies(&asked, &notes).await;
    let left = |number: usize| matches!(told[19 - number], Err(Failure::Busy { retry_after }) if retry_after <= Duration::from_secs(8));
    assert!(left(3) && left(4) && told[0].is_ok());
    assert_eq!(stub.calls()[1].body["requests"].as_array().unwrap().len(), 18, "left alone, the others are not");
    pass(Duration::from_secs(8)).await;
    stub.script(|seen| batch(seen, |_| json!({"status": 200, "body": setting("away")})));
    assert!(graphs.look_at_automatic_replies(&asked, &notes).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_look_remembers_nothing_and_tells_nothing_remembered() {
    let stub = Stub::start(away("one")).await;
    let graphs = graphs(&stub);
    assert_eq!(message(&graphs, "a").await, Ok("one".into()));
    stub.script(|seen| batch(seen, |_| json!({"status": 200, "body": setting("two")})));
    let asked = readable(["a", "b", "a"]);
    let told = graphs.look_at_automatic_replies(&asked, &journal()).await;
    assert!(told.iter().all(|told| told.as_ref().unwrap().internal == "two"));
    assert_eq!(stub.calls()[1].body["requests"].as_array().unwrap().len(), 2, "each once");
    assert_eq!(message(&graphs, "a").await, Ok("one".into()));

    for (status, expected) in [(500, Failure::Unavailable), (403, Failure::Denied), (404, Failure::Internal)] {
        stub.script(move |seen| seen.path.ends_with("/$batch").then(|| Reply::error(status, "ResourceNotFound")));
        let told = graphs.look_at_automatic_replies(&asked, &journal()).await;
        assert!(told.iter().all(|told| *told == Err(expected.clone())), "{status}");
    }
}

#[tokio::test]
async fn a_lane_that_closes_while_a_look_waits_for_another_holds_nobody_back() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| match seen.path.ends_with("/b@example.com/mailboxSettings") {
        true => Some(Reply::error(429, "ApplicationThrottled").header("retry-after", 99)),
        false => batch(seen, |_| json!({"status": 200, "body": setting("away")})).map(|reply| reply.behind(&held)),
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[OutOfOfficeRead])], Settings::default());
    let (one, both, notes) = (readable(["a"]), readable(["a", "b"]), journal());
    // All four places of the first lane are taken.
    let full = join_all((0..4).map(|_| graphs.look_at_automatic_replies(&one, &notes)));
    let throttled = async {
        stub.arrived(4).await;
        assert!(matches!(message(&graphs, "b").await, Err(Failure::Busy { .. })));
        gate.add_permits(9);
    };
    let look = async {
        stub.arrived(4).await;
        graphs.look_at_automatic_replies(&both, &notes).await
    };
    let (_, told, ()) = futures::join!(full, look, throttled);
    assert!(matches!(told[..], [Ok(_), Err(Failure::Busy { .. })]), "{told:?}");
}

#[tokio::test]
async fn a_write_in_doubt_is_carried_out_without_the_caller_and_forgets_twice() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| match seen.method.as_str() {
        "PATCH" => Some(Reply::error(500, "x").behind(&held)),
        _ => away("old")(seen),
    })
    .await;
    let cache = CacheSettings { out_of_office_lifetime: Duration::from_secs(300), ..CacheSettings::default() };
    let credentials = vec![credential(&[OutOfOfficeRead]), credential(&[OutOfOfficeRead, OutOfOfficeWrite])];
    let graphs = stub.graphs(credentials, Settings { cache, ..Settings::default() });
    let writer = permit("a@example.com", OutOfOfficeWrite);
    let (notes, wanted) = (journal(), replies("new"));
    tokio::select! {
        told = graphs.set_automatic_replies(&writer, &wanted, &notes) => panic!("{told:?}"),
        () = stub.arrived(1) => {}
    }
    assert_eq!(message(&graphs, "a").await, Ok("old".into()));
    gate.add_permits(1);
    let told = graphs.set_automatic_replies(&writer, &wanted, &notes);
    let (told, ()) = futures::join!(told, async {
        stub.arrived(3).await;
        gate.add_permits(1);
    });
    assert_eq!(told, Err(Failure::Unavailable));
    assert_eq!(message(&graphs, "a").await, Ok("old".into()), "Graph has not done it yet");
    stub.script(away("new"));
    // It was asked within the time that the write may take, and would be good for five minutes.
    pass(Duration::from_secs(16)).await;
    assert_eq!(message(&graphs, "a").await, Ok("old".into()));
    pass(Duration::from_secs(16)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(message(&graphs, "a").await, Ok("new".into()));
}

#[tokio::test]
async fn long_messages_in_any_script_survive() {
    let long: &'static str = Box::leak("<p>🌴 שלום &amp; ‏</p>".repeat(5_000).into_boxed_str());
    let stub = Stub::start(away(long)).await;
    let graphs = graphs(&stub);
    assert_eq!(message(&graphs, "a").await.unwrap(), long);
    let writer = permit("a@example.com", OutOfOfficeWrite);
    let told = graphs.set_automatic_replies(&writer, &replies(long), &journal()).await;
    assert_eq!(told, Ok(()));
    assert_eq!(stub.calls()[1].body["automaticRepliesSetting"]["internalReplyMessage"], long);
}
