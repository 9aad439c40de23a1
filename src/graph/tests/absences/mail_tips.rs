//! Mail tips: who shares a call, who spoils none, and what is told where Graph has none.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{away, graphs, permit, readable, replies};
use crate::calendar::Capability::{OutOfOfficeRead, OutOfOfficeWrite};
use crate::calendar::Mailbox;
use crate::calendar::out_of_office::Tip;
use crate::failure::Failure;
use crate::graph::Settings;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, pass};

fn outsider() -> Mailbox {
    Mailbox::parse("somebody@elsewhere.example").unwrap()
}

/// The message of a tip that is there.
fn said(told: &Result<Option<Tip>, Failure>) -> &str {
    &told.as_ref().unwrap().as_ref().unwrap().message
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
