//! Automatic replies and mail tips: what is remembered, what a write ends, what goes by the batch.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::calendar::Capability::{self, CalendarRead, OutOfOfficeRead, OutOfOfficeWrite};
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status, Tip};
use crate::calendar::{Mailbox, Window};
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass, wednesday};
use crate::graph::{CacheSettings, Graphs, Settings};

fn permit(address: &str, capability: Capability) -> Permitted {
    let client = Client::without_login("c", Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full));
    client.permit(&Mailbox::parse(address).unwrap(), capability).unwrap()
}

fn readable<const N: usize>(names: [&str; N]) -> [Permitted; N] {
    names.map(|name| permit(&format!("{name}@example.com"), OutOfOfficeRead))
}

fn outsider() -> Mailbox {
    Mailbox::parse("somebody@elsewhere.example").unwrap()
}

/// The message of a tip that is there.
fn said(told: &Result<Option<Tip>, Failure>) -> &str {
    &told.as_ref().unwrap().as_ref().unwrap().message
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

fn tip(address: &str, message: &str) -> Value {
    json!({"emailAddress": {"address": address.to_uppercase()}, "automaticReplies": {"message": message}})
}

/// Everybody's tip is `message`; nobody has none, and no mailbox either.
fn tips(message: &'static str) -> impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static {
    move |seen| {
        let asked = seen.body["EmailAddresses"].as_array()?.iter().map(|address| address.as_str().unwrap());
        if seen.path.starts_with("/v1.0/users/nobody") {
            return Some(Reply::error(404, "ErrorInvalidUser"));
        }
        let answer = |address: &str| match address.starts_with("nobody") {
            true => json!({"emailAddress": {"address": address}, "error": {"code": "ErrorMailRecipientNotFound"}}),
            false => tip(address, message),
        };
        Some(Reply::json(200, &json!({"value": asked.rev().map(answer).collect::<Vec<_>>()})))
    }
}

fn tipping() -> crate::tenant::Credential {
    crate::tenant::Credential { mail_tips: true, ..credential(&[]) }
}

#[tokio::test]
async fn mail_tips_go_twenty_to_a_call_and_are_remembered_until_a_write() {
    let stub = Stub::start(tips("away")).await;
    let graphs = stub.graphs(vec![credential(&[OutOfOfficeWrite]), tipping()], Settings::default());
    let mut asked: Vec<_> = (0..44).map(|number| permit(&format!("m{number}@example.com"), OutOfOfficeRead)).collect();
    asked.insert(7, asked[0].clone());
    asked.insert(0, readable(["nobody"])[0].clone());
    let notes = journal();
    let told = graphs.mail_tips(&asked, None, &notes).await;
    assert_eq!(told[0], Err(Failure::NoSuchMailbox { address: "nobody@example.com".into() }));
    assert!(told[1..].iter().all(|told| said(told) == "away"), "{told:?}");
    assert_eq!((stub.calls().len(), notes.graph_calls.get()), (4, 4), "three, and one by somebody without mailbox");
    let sizes = stub.calls().iter().map(|call| call.body["EmailAddresses"].as_array().unwrap().len()).max();
    assert_eq!(sizes, Some(20));
    assert!(stub.calls().iter().any(|call| call.path == "/v1.0/users/m19@example.com/getMailTips"));

    stub.script(tips("back"));
    let [first, second] = [1, 2].map(|place| asked[place].clone());
    let (writer, back) = (permit("m0@example.com", OutOfOfficeWrite), replies("back"));
    graphs.set_automatic_replies(&writer, &back, &journal()).await.unwrap_err();
    let both = [first, second];
    let told = graphs.mail_tips(&both, None, &journal()).await;
    let messages = told.iter().map(said).collect::<Vec<_>>();
    assert_eq!(messages, ["back", "away"]);
    assert_eq!(stub.calls().last().unwrap().body["EmailAddresses"], json!(["m0@example.com"]));
    pass(Duration::from_secs(31)).await;
    let told = graphs.mail_tips(&both, None, &journal()).await;
    assert!(told.iter().all(|told| said(told) == "back"));
    stub.script(|seen| seen.path.ends_with("/getMailTips").then(|| Reply::error(500, "x")));
    pass(Duration::from_secs(31)).await;
    let told = graphs.mail_tips(&both, None, &journal()).await;
    assert_eq!(told, [Err(Failure::Unavailable), Err(Failure::Unavailable)], "no tip is told later");
}

#[tokio::test]
async fn who_has_no_permission_for_tips_tells_them_from_settings_each_by_itself() {
    let stub = Stub::start(|seen| match seen.path.contains("/b@") {
        true => Some(Reply::error(403, "ErrorAccessDenied")),
        false => away("here")(seen),
    })
    .await;
    let graphs = graphs(&stub);
    let asked = readable(["a", "b", "c"]);
    let told = graphs.mail_tips(&asked, None, &journal()).await;
    assert_eq!((said(&told[0]), &told[1]), ("here", &Err(Failure::Denied)));
    assert_eq!(told[2].as_ref().unwrap().as_ref().unwrap().language.as_deref(), Some("en-GB"));
    let told = graphs.mail_tips(&asked[..1], Some(&outsider()), &journal()).await;
    assert_eq!(said(&told[0]), "outside: here");
    assert_eq!(stub.calls().len(), 3, "remembered");
}

#[tokio::test]
async fn somebody_outside_is_not_told_what_those_inside_are() {
    let stub = Stub::start(|seen| tips("inside")(seen).or_else(|| away("in")(seen))).await;
    let both = stub.graphs(vec![credential(&[OutOfOfficeRead]), tipping()], Settings::default());
    let asked = readable(["a"]);
    assert_eq!(said(&both.mail_tips(&asked, None, &journal()).await[0]), "inside");
    assert_eq!(said(&both.mail_tips(&asked, Some(&outsider()), &journal()).await[0]), "outside: in");
    let alone = stub.graphs(vec![tipping()], Settings::default());
    assert_eq!(alone.mail_tips(&asked, Some(&outsider()), &journal()).await, [Err(Failure::Denied)]);
}

/// Refuses every question about, or in the name of, whoever is called `bad`; else tips as [`tips`].
fn spoilt(status: u16) -> impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static {
    move |seen| {
        let is_spoilt = seen.text.contains("bad@") || seen.path.contains("/bad@");
        if is_spoilt && seen.path.ends_with("/getMailTips") {
            return Some(Reply::error(status, "ErrorAccessDenied").header("retry-after", 99));
        }
        tips("away")(seen)
    }
}

#[tokio::test]
async fn one_recipient_spoils_no_other() {
    let names = ["a", "b", "c", "bad", "d", "e"];
    for (status, expected) in [(403, Failure::Denied), (500, Failure::Unavailable)] {
        let stub = Stub::start(spoilt(status)).await;
        let graphs = stub.graphs(vec![tipping()], Settings::default());
        let told = graphs.mail_tips(&readable(names), None, &journal()).await;
        for (name, told) in names.iter().zip(&told) {
            match *name {
                "bad" => assert_eq!(*told, Err(expected.clone())),
                _ => assert_eq!(said(told), "away", "{name} {status}"),
            }
        }
        assert!(stub.calls().len() <= 9, "{}", stub.calls().len());
    }
    // The mailbox in whose name it is asked is throttled: others' names do.
    let stub = Stub::start(|seen| match seen.path.contains("/bad@") {
        true => Some(Reply::error(429, "ApplicationThrottled").header("retry-after", 99)),
        false => tips("away")(seen),
    })
    .await;
    let graphs = stub.graphs(vec![tipping()], Settings::default());
    let told = graphs.mail_tips(&readable(["bad", "a", "b"]), None, &journal()).await;
    assert!(told.iter().all(|told| said(told) == "away"), "{told:?}");
    assert_eq!(stub.calls().len(), 3, "in the name of whoever was told before");
}

#[tokio::test]
async fn what_fails_for_all_fails_each_and_unknown_people_are_unknown() {
    let stub = Stub::start(|seen| seen.path.ends_with("/getMailTips").then(|| Reply::error(403, "x"))).await;
    let graphs = stub.graphs(vec![tipping()], Settings::default());
    let asked = readable(["a", "b"]);
    assert_eq!(graphs.mail_tips(&asked, None, &journal()).await, [Err(Failure::Denied), Err(Failure::Denied)]);
    let calls = stub.calls().len();
    assert_eq!(graphs.mail_tips(&asked, None, &journal()).await, [Err(Failure::Denied), Err(Failure::Denied)]);
    assert_eq!((calls, stub.calls().len()), (3, 3), "remembered for a moment");
    stub.script(|seen| seen.path.ends_with("/getMailTips").then(|| Reply::error(503, "x")));
    let told = graphs.mail_tips(&readable(["c", "d"]), None, &journal()).await;
    assert_eq!(told, [Err(Failure::Unavailable), Err(Failure::Unavailable)]);
    assert!(stub.calls()[3..].iter().all(|call| call.body["EmailAddresses"].as_array().unwrap().len() == 2));

    let stub = Stub::start(tips("x")).await;
    let graphs = stub.graphs(vec![tipping()], Settings::default());
    let told = graphs.mail_tips(&readable(["nobody1", "nobody2"]), None, &journal()).await;
    assert_eq!(told, [Ok(None), Ok(None)], "in whose name could it be asked?");
    let told = graphs.mail_tips(&readable(["nobody3", "a"]), None, &journal()).await;
    let nobody = |name: &str| Err(Failure::NoSuchMailbox { address: format!("{name}@example.com") });
    assert_eq!((&told[0], said(&told[1])), (&nobody("nobody3"), "x"));
    let told = graphs.mail_tips(&readable(["nobody4"]), None, &journal()).await;
    assert_eq!(told, [nobody("nobody4")], "in the name of whoever was told last");
}

#[tokio::test]
async fn lists_have_no_tip_and_an_alias_has_one() {
    let stub = Stub::start(|seen| {
        let asked = seen.body["EmailAddresses"].as_array()?.iter().map(|address| address.as_str().unwrap());
        if ["/list@", "/alias@"].iter().any(|name| seen.path.contains(name)) {
            return Some(Reply::error(404, "Request_ResourceNotFound"));
        }
        let answer = |address: &str| match address.split('@').next().unwrap() {
            "list" => json!({"emailAddress": {"address": address}}),
            "alias" => tip("primary@example.com", "away"),
            _ => tip(address, "here"),
        };
        Some(Reply::json(200, &json!({"value": asked.map(answer).collect::<Vec<_>>()})))
    })
    .await;
    let graphs = stub.graphs(vec![tipping()], Settings::default());
    let asked = readable(["alias", "list", "a"]);
    let notes = journal();
    let told = graphs.mail_tips(&asked, None, &notes).await;
    assert_eq!((said(&told[0]), &told[1], said(&told[2])), ("away", &Ok(None), "here"));
    assert_eq!((stub.calls().len(), notes.graph_calls.get()), (4, 4), "two have no mailbox, one is asked for alone");
    assert_eq!(graphs.mail_tips(&asked, None, &journal()).await, told);
    assert_eq!(stub.calls().len(), 4, "remembered");
}

#[tokio::test]
async fn settings_are_read_a_few_at_a_time() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let stub = Stub::start(move |seen| away("here")(seen).map(|reply| reply.behind(&held))).await;
    let graphs = graphs(&stub);
    let asked: Vec<_> = (0..20).map(|number| permit(&format!("m{number}@example.com"), OutOfOfficeRead)).collect();
    let some = async {
        stub.arrived(8).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let calls = stub.calls().len();
        gate.add_permits(20);
        calls
    };
    let notes = journal();
    let (told, calls) = futures::join!(graphs.mail_tips(&asked, None, &notes), some);
    assert!(told.iter().all(|told| said(told) == "here"));
    assert_eq!(calls, 8);
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
async fn a_probe_reads_settings_and_tips() {
    let stub = Stub::start(|seen| tips("x")(seen).or_else(|| away("x")(seen))).await;
    let mut all = credential(&[OutOfOfficeRead]);
    all.mail_tips = true;
    let graphs = stub.graphs(vec![all], Settings::default());
    let mailboxes = [Mailbox::parse("a@example.com").unwrap()];
    let probes = graphs.probe(&mailboxes, wednesday(), &journal()).await;
    let tried: Vec<_> = probes.iter().map(|probe| (probe.what.as_str(), probe.result.is_ok())).collect();
    let expected =
        [("token", true), ("out_of_office_read of a@example.com", true), ("mail tips of a@example.com", true)];
    assert_eq!(tried, expected);
    stub.script(|seen| seen.path.contains("/users/").then(|| Reply::error(403, "ErrorAccessDenied")));
    let probes = graphs.probe(&mailboxes, wednesday(), &journal()).await;
    assert!(probes[1..].iter().all(|probe| probe.result.as_ref().unwrap_err().contains("ErrorAccessDenied")));
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
