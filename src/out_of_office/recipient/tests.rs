//! What recipients are told, and what their answers mean.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::calendar::Mailbox;
use crate::calendar::Window;
use crate::calendar::out_of_office::{Audience, Away};
use crate::out_of_office::Standing;
use crate::out_of_office::signing_key::SigningKey;
use crate::outbound::Target;
use crate::outbound::stub::{Stub, reply, target};

/// The example of the specification and of its libraries' tests.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ROTATED: &str = "whsec_c2VjcmV0LW9mLWEtcm90YXRlZC1lbmRwb2ludA==";

fn recipient(target: Target, form: Form) -> Recipient {
    Recipient::new(Webhook { name: "phone".into(), target, form }).unwrap()
}

fn standard(secrets: &[&str]) -> Form {
    Form::Standard { keys: secrets.iter().map(|secret| SigningKey::parse(&(*secret).into()).unwrap()).collect() }
}

/// One that nothing is sent to.
fn silent(form: Form) -> Recipient {
    recipient(target("http://127.0.0.1:9"), form)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn away(audience: Audience, internal: &str, external: &str) -> Standing {
    let away = Away { audience, window: None, internal: internal.into(), external: external.into() };
    Standing { away: Some(away.into()), changed: at("2026-11-18T08:00:00Z") }
}

fn available() -> Standing {
    Standing { away: None, changed: at("2026-11-18T09:00:00Z") }
}

fn told(recipient: &Recipient, alias: &str, now: &Standing) -> Letter {
    let mailbox = Mailbox::parse("kim@example.com").unwrap();
    recipient.letter(News { mailbox: &mailbox, alias, now }, at("2026-11-18T08:00:05Z"))
}

/// Whether two letters have the same gist.
fn is_same(recipient: &Recipient, one: &Standing, other: &Standing) -> bool {
    told(recipient, "kim", one).gist == told(recipient, "kim", other).gist
}

fn body(recipient: &Recipient, now: &Standing) -> Value {
    let letter = told(recipient, "kim", now);
    assert_eq!((letter.target.as_str(), letter.mailbox.as_str()), ("phone", "kim@example.com"));
    assert_eq!(letter.made, at("2026-11-18T08:00:05Z").as_second());
    serde_json::from_str(&letter.body).unwrap()
}

fn letter(body: &str) -> Letter {
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned();
    Letter {
        id,
        target: "phone".into(),
        mailbox: "kim@example.com".into(),
        body: body.into(),
        gist: String::new(),
        made: 1_614_265_000,
    }
}

#[test]
fn a_mediator_is_told_status_and_plain_text_under_the_alias() {
    let mediator = silent(Form::Mediator);
    let told = body(&mediator, &away(Audience::Everybody, "in", "<p>Back&nbsp;on<br>Monday</p>\n"));
    assert_eq!(told, json!({"email": "kim", "status": "True", "message": "Back on\nMonday"}));
    let told = body(&mediator, &available());
    assert_eq!(told, json!({"email": "kim", "status": "False", "message": ""}), "a message, even an empty one");
    let told = body(&mediator, &away(Audience::Nobody, "in", "stale"));
    assert_eq!(told, json!({"email": "kim", "status": "True", "message": ""}));
}

#[test]
fn a_mediator_is_told_only_what_is_new_to_it() {
    let mediator = silent(Form::Mediator);
    let before = away(Audience::Everybody, "in", "<p>Back on Monday</p>");
    let is_news = |now: &Standing| !is_same(&mediator, &before, now);
    assert!(!is_news(&before));
    assert!(!is_news(&away(Audience::Contacts, "other", "<div>Back on <b>Monday</b></div>")), "it sounds the same");
    assert!(is_news(&away(Audience::Everybody, "in", "<p>Back on Tuesday</p>")));
    assert!(is_news(&away(Audience::Nobody, "in", "")));
    assert!(is_news(&available()));
    assert!(is_same(&mediator, &available(), &Standing { changed: Timestamp::UNIX_EPOCH, ..available() }));
    assert_ne!(told(&mediator, "kim", &before).gist, told(&mediator, "Kim", &before).gist);
}

#[test]
fn others_are_told_everything() {
    let recipient = silent(standard(&[SECRET]));
    let window = Window::new(at("2026-11-18T08:00:00Z"), at("2026-11-20T16:30:00Z"));
    let mut scheduled = away(Audience::Contacts, "<p>In &amp; out</p>", "<b>Gone</b>");
    std::sync::Arc::make_mut(scheduled.away.as_mut().unwrap()).window = window;
    let expected = json!({
        "type": "out_of_office.changed",
        "timestamp": "2026-11-18T08:00:05Z",
        "data": {
            "mailbox": "kim@example.com",
            "alias": "kim",
            "state": "away",
            "changed_at": "2026-11-18T08:00:00Z",
            "scheduled": {"start": "2026-11-18T08:00:00Z", "end": "2026-11-20T16:30:00Z"},
            "audience": "contacts",
            "internal": {"text": "In & out", "html": "<p>In &amp; out</p>"},
            "external": {"text": "Gone", "html": "<b>Gone</b>"},
        }
    });
    assert_eq!(body(&recipient, &scheduled), expected);
    let told = body(&recipient, &available());
    let expected = json!({
        "mailbox": "kim@example.com", "alias": "kim", "state": "available", "changed_at": "2026-11-18T09:00:00Z",
        "scheduled": null, "audience": null, "internal": null, "external": null,
    });
    assert_eq!(told["data"], expected);
    let told = body(&recipient, &away(Audience::Nobody, "", ""));
    assert_eq!((&told["data"]["audience"], &told["data"]["external"]), (&json!("nobody"), &Value::Null));
}

#[test]
fn others_are_told_every_difference() {
    let recipient = silent(standard(&[SECRET]));
    let before = away(Audience::Everybody, "in", "<p>out</p>");
    let is_news = |now: &Standing| !is_same(&recipient, &before, now);
    assert!(!is_news(&Standing { changed: Timestamp::UNIX_EPOCH, ..before.clone() }));
    assert!(is_news(&away(Audience::Everybody, "in", "<div>out</div>")));
    assert!(is_news(&away(Audience::Everybody, "other", "<p>out</p>")));
    assert!(is_news(&away(Audience::Contacts, "in", "<p>out</p>")));
    let mut scheduled = before.clone();
    std::sync::Arc::make_mut(scheduled.away.as_mut().unwrap()).window =
        Window::new(at("2026-11-18T08:00:00Z"), at("2026-11-20T16:30:00Z"));
    assert!(is_news(&scheduled) && is_news(&available()));
    assert_ne!(told(&recipient, "kim", &before).gist, told(&recipient, "Kim", &before).gist);
}

#[test]
fn nothing_is_sent_unsigned() {
    let webhook = Webhook { name: "phone".into(), target: target("http://127.0.0.1:9"), form: standard(&[]) };
    assert_eq!(Recipient::new(webhook).unwrap_err(), "webhook phone: needs a secret");
}

#[tokio::test]
async fn a_letter_is_signed_with_every_key_at_the_time_of_sending() {
    let stub = Stub::constant(204, "").await;
    let recipient = recipient(stub.target(), standard(&[SECRET, ROTATED]));
    let sent = letter("{\"test\": 2432232314}");
    recipient.deliver(&sent, Timestamp::from_second(1_614_265_330).unwrap()).await.unwrap();
    recipient.deliver(&sent, Timestamp::from_second(1_614_265_331).unwrap()).await.unwrap();
    let seen = stub.seen();
    let header = |at: usize, name: &str| seen[at].headers[name].to_str().unwrap().to_owned();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str(), seen[0].body.as_str()), ("POST", "/", &*sent.body));
    assert_eq!(header(0, "content-type"), "application/json");
    assert_eq!(header(0, "webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(header(0, "webhook-timestamp"), "1614265330");
    // The specification's example, and what its Python library says of the other key.
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,lvXIl+uXeTDa+pEiTZIuJaA2nNjGlxg722u944nAW6Y=";
    assert_eq!(header(0, "webhook-signature"), expected);
    assert_eq!(header(1, "webhook-id"), header(0, "webhook-id"), "the same letter");
    assert_ne!(header(1, "webhook-signature"), expected, "at another time");
}

/// What becomes of a letter that is answered so.
async fn answered(form: Form, status: u16, headers: &'static [(&str, &str)], text: &str) -> String {
    let text = text.to_owned();
    let stub = Stub::start(move |_| {
        let response = Response::builder().status(status);
        let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
        response.body(Body::from(text.clone())).unwrap()
    });
    let delivered = recipient(stub.await.target(), form).deliver(&letter("{}"), Timestamp::UNIX_EPOCH).await;
    let Err(NotDelivered { why, problem }) = delivered else { return "arrived".to_owned() };
    assert_eq!(problem.logged, format!("answers {status}"), "the log does not say what it says");
    let text = problem.text;
    match why {
        Why::Refused => format!("refused: {text}"),
        Why::Failed => format!("failed: {text}"),
        Why::Later(pause) => format!("later, {} s: {text}", pause.as_secs()),
        Why::Unreachable => format!("unreachable: {text}"),
    }
}

#[tokio::test]
async fn a_mediator_says_true() {
    for (status, text, expected) in [
        (200, r#"{"result": "True"}"#, "arrived"),
        (200, r#"{"result":"true","more":1}"#, "arrived"),
        (200, r#"{"result": true}"#, "arrived"),
        (200, r#"{"result": "False"}"#, "refused: answers 200: False"),
        (200, r#"{"result": false}"#, "refused: answers 200: false"),
        (201, r#"{"result": "True"}"#, "refused: answers 201: True"),
        (200, "<html>\u{1b}[31m\nhello", "refused: answers 200: <html>[31m hello"),
        (200, "", "refused: answers 200"),
        (200, "[1]", "refused: answers 200: [1]"),
        (400, r#"{"result": "Invalid JSON"}"#, "refused: answers 400: Invalid JSON"),
        (403, r#"{"result": "Forbidden"}"#, "refused: answers 403: Forbidden"),
        (404, r#"{"result": {"user": "unknown"}}"#, r#"refused: answers 404: {"user":"unknown"}"#),
        (500, "crash", "failed: answers 500: crash"),
        (501, "", "failed: answers 501"),
        (425, "", "failed: answers 425"),
        (307, "", "refused: answers 307"),
        (408, "", "unreachable: answers 408"),
        (502, "nginx", "unreachable: answers 502: nginx"),
        (503, "", "unreachable: answers 503"),
        (504, "", "unreachable: answers 504"),
    ] {
        assert_eq!(answered(Form::Mediator, status, &[], text).await, expected);
    }
    let long = answered(Form::Mediator, 400, &[], &"ä".repeat(1000)).await;
    assert_eq!(long, format!("refused: answers 400: {}", "ä".repeat(200)));
}

#[tokio::test]
async fn others_answer_with_a_status() {
    for (status, expected) in [
        (200, "arrived"),
        (202, "arrived"),
        (204, "arrived"),
        (302, "refused: answers 302"),
        (410, "refused: answers 410"),
        (401, "refused: answers 401"),
        (500, "failed: answers 500"),
        (503, "unreachable: answers 503"),
        (429, "later, 30 s: answers 429"),
    ] {
        assert_eq!(answered(standard(&[SECRET]), status, &[], "").await, expected);
    }
}

#[tokio::test]
async fn whoever_says_when_is_asked_then() {
    for status in [429, 503] {
        let told = answered(Form::Mediator, status, &[("retry-after", "120")], "").await;
        assert_eq!(told, format!("later, 120 s: answers {status}"));
    }
    let told = answered(standard(&[SECRET]), 500, &[("retry-after", "120")], "").await;
    assert_eq!(told, "failed: answers 500");
}

#[tokio::test]
async fn a_mediator_is_posted_to_below_its_address_and_a_silent_one_is_unreachable() {
    let stub = Stub::constant(200, r#"{"result": "True"}"#).await;
    let base = target(&format!("http://{}/mediator/", stub.address));
    recipient(base, Form::Mediator).deliver(&letter("{\"a\":1}"), Timestamp::UNIX_EPOCH).await.unwrap();
    let seen = stub.seen();
    let line = (seen[0].method.as_str(), seen[0].path.as_str(), seen[0].body.as_str());
    assert_eq!(line, ("POST", "/mediator/api/setstatus", "{\"a\":1}"));
    assert!(!seen[0].headers.contains_key("webhook-signature"));

    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = recipient(target(&format!("http://{free}")), Form::Mediator);
    let failed = nobody.deliver(&letter("{}"), Timestamp::UNIX_EPOCH).await.unwrap_err();
    assert!(failed.why == Why::Unreachable && failed.problem.logged.contains("connect"), "{failed:?}");
    assert!(nobody.synchronise().await.unwrap_err().contains("connect"));
}

#[tokio::test]
async fn a_mediator_is_looked_up_and_then_asked_to_set_up() {
    let stub = Stub::start(|it| match (it.method.as_str(), it.path.as_str()) {
        ("GET", "/") => reply(404, "nothing here"),
        ("POST", "/api/setup") => reply(200, r#"{"result": "True"}"#),
        _ => reply(500, ""),
    });
    let stub = stub.await;
    recipient(stub.target(), Form::Mediator).synchronise().await.unwrap();
    let lines: Vec<String> = stub.seen().iter().map(|it| format!("{} {} {}", it.method, it.path, it.body)).collect();
    assert_eq!(lines, ["GET / ", "POST /api/setup {}"]);

    let broken = Stub::constant(500, "crash").await;
    let told = recipient(broken.target(), Form::Mediator).synchronise().await.unwrap_err();
    assert_eq!((told.as_str(), broken.seen().len()), ("answers 500", 1));
    let unwilling = Stub::constant(200, r#"{"result": "False"}"#).await;
    let told = recipient(unwilling.target(), Form::Mediator).synchronise().await.unwrap_err();
    assert_eq!(told, "answers 200, but not that it went well");
    recipient(unwilling.target(), standard(&[SECRET])).synchronise().await.unwrap();
    assert_eq!(unwilling.seen().len(), 2, "others are not asked");
}

#[tokio::test]
async fn setting_up_may_take_longer_than_anything_else() {
    let (asked, done) = (Arc::new(Notify::new()), CancellationToken::new());
    let (hears, ends) = (Arc::clone(&asked), done.clone());
    let stub = Stub::start(move |it| {
        if it.method == "GET" {
            return reply(200, "");
        }
        if it.path == "/api/setup" {
            hears.notify_one();
        }
        let ends = ends.clone();
        let answer = async move {
            ends.cancelled().await;
            Ok::<_, std::io::Error>(r#"{"result": "True"}"#)
        };
        Response::new(Body::from_stream(futures::stream::once(answer)))
    });
    let hasty = Target { timeout: Duration::from_millis(500), ..stub.await.target() };
    let mediator = recipient(hasty, Form::Mediator);
    let others = async {
        asked.notified().await;
        // As long as any other exchange may take, and begun later.
        let failed = mediator.deliver(&letter("{}"), Timestamp::UNIX_EPOCH).await.unwrap_err();
        done.cancel();
        failed
    };
    let (setup, failed) = tokio::join!(mediator.synchronise(), others);
    assert_eq!((setup, failed.problem.text), (Ok(()), "no answer within 0.5 s".to_owned()));
}
