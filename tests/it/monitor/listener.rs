//! What is asked of the listener, and what it answers.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{NINA, call, monitored, order, send};
use crate::harness::{Gateway, Setup};

#[tokio::test]
async fn without_its_section_there_is_no_monitor() {
    let gateway = Setup::new().start().await;
    assert_eq!(gateway.app.monitor_address(), None);
    assert_eq!(gateway.get(gateway.admin_url("/health")).await.json()["monitor"], Value::Null);
    gateway.done().await;
}

#[tokio::test]
async fn orders_begin_and_end_watches() {
    let gateway = monitored("").start().await;
    let watched = async |gateway: &Gateway| {
        let answer = send(gateway, call(gateway, Method::GET, "/watches")).await.json();
        let names =
            answer["watches"].as_array().unwrap().iter().map(|watch| watch["mailbox"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    for (email, status, text) in [
        ("nina@contoso.example", json!("True"), "Monitoring of nina@contoso.example: True\n"),
        ("Nina", json!("true"), "Monitoring of nina@contoso.example: True\n"),
        ("OTTO@contoso.example", json!(true), "Monitoring of otto@contoso.example: True\n"),
        ("otto", json!("False"), "Monitoring of otto@contoso.example: False\n"),
        ("never@contoso.example", json!(false), "Monitoring of never@contoso.example: False\n"),
    ] {
        let body = json!({ "email": email, "status": status });
        assert_eq!(order(&gateway, body.to_string()).await, (200, text.to_owned()));
    }
    assert_eq!(watched(&gateway).await, [NINA]);
    assert_eq!(order(&gateway, r#"{"email": "nina", "status": "False"}"#).await.0, 200);
    assert!(watched(&gateway).await.is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn orders_that_are_none_are_refused_in_the_mediators_words() {
    let gateway = monitored("").start().await;
    for body in ["", "{", "email=nina&status=True", "\u{feff}{}"] {
        assert_eq!(order(&gateway, body).await, (400, "Not JSON".to_owned()), "{body}");
    }
    for body in [
        json!(null),
        json!([]),
        json!({}),
        json!({ "email": NINA }),
        json!({ "status": "True" }),
        json!({ "email": 7, "status": "True" }),
        json!({ "email": [NINA], "status": "True" }),
        json!({ "email": NINA, "status": "perhaps" }),
        json!({ "email": NINA, "status": 1 }),
        json!({ "email": "a b@contoso.example", "status": "True" }),
        json!({ "email": "@", "status": "True" }),
        json!({ "email": "x".repeat(5000), "status": "True" }),
    ] {
        assert_eq!(order(&gateway, body.to_string()).await, (400, "Invalid JSON".to_owned()), "{body}");
    }
    // Of another tenant, of nobody's, and of nobody's below a known domain: which, is not told.
    for email in ["hugo@fabrikam.example", "a@elsewhere.example", "a@sub.contoso.example"] {
        let body = json!({ "email": email, "status": "True" });
        assert_eq!(order(&gateway, body.to_string()).await, (404, "The mailbox is unknown".to_owned()), "{email}");
    }
    let long = json!({ "email": NINA, "status": "True", "more": "x".repeat(3 << 20) });
    let answer = call(&gateway, Method::POST, "/monitor").body(long.to_string()).send().await;
    // Whoever still sends when the answer comes may not get to read it.
    assert!(answer.is_err() || answer.unwrap().status() == 413);
    let little_too_long = json!({ "email": NINA, "status": "True", "more": "x".repeat(17 << 10) });
    assert_eq!(order(&gateway, little_too_long.to_string()).await.0, 413);
    assert_eq!(send(&gateway, call(&gateway, Method::GET, "/watches")).await.json()["watches"], json!([]));
    gateway.done().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut setup = monitored("");
    setup.limits = "body_timeout = \"300ms\"".to_owned();
    let gateway = setup.start().await;
    let mut stream = TcpStream::connect(gateway.app.monitor_address().unwrap()).await.unwrap();
    stream.write_all(b"POST /monitor HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 50\r\n\r\n{").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    gateway.done().await;
}

#[tokio::test]
async fn other_paths_and_methods_are_told_so() {
    let gateway = monitored("").start().await;
    for (method, path, status) in [
        (Method::GET, "/", 200),
        (Method::GET, "/monitor", 405),
        (Method::PUT, "/monitor", 405),
        (Method::POST, "/", 405),
        (Method::DELETE, "/watches", 405),
        (Method::POST, "/watches/nina@contoso.example", 405),
        (Method::GET, "/nothing", 404),
        (Method::GET, "/watches/a/b", 404),
        (Method::GET, "/ews/exchange.asmx", 404),
        (Method::GET, "/monitor/", 404),
    ] {
        let answer = send(&gateway, call(&gateway, method.clone(), path)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
    }
    let description = send(&gateway, call(&gateway, Method::GET, "/openapi.json")).await;
    assert_eq!(description.json()["openapi"], "3.1.1");
    let line = "calendar_relay_requests_total{operation=\"monitor_synchronise\",outcome=\"ok\"}";
    assert_eq!(gateway.figure(line).await, 1);
    gateway.done().await;
}

#[tokio::test]
async fn watches_are_added_shown_and_removed() {
    let gateway = monitored("").start().await;
    let at = |method: Method, name: &str| call(&gateway, method, &format!("/watches/{name}"));
    assert_eq!(send(&gateway, at(Method::GET, NINA)).await.status, 404);
    assert_eq!(send(&gateway, at(Method::DELETE, NINA)).await.status, 404);

    let added = send(&gateway, at(Method::PUT, "Nina%40Contoso.example")).await;
    assert_eq!((added.status, added.json()["mailbox"].as_str()), (201, Some(NINA)));
    assert_eq!(added.json()["alias"], "Nina@Contoso.example", "as it was written");
    let again = send(&gateway, at(Method::PUT, "nina")).await;
    assert_eq!((again.status, &again.json()["alias"]), (200, &json!("Nina@Contoso.example")), "nobody is renamed");
    loop {
        let watch = send(&gateway, at(Method::GET, "NINA")).await.json();
        if watch["state"] != Value::Null {
            assert_eq!((&watch["state"], &watch["problem"]), (&json!("available"), &Value::Null));
            assert!(watch["looked_at"].is_string() && watch["changed_at"].is_string());
            break;
        }
    }
    // Nobody whom the tenant does not know is refused at once: Graph is asked afterwards.
    assert_eq!(send(&gateway, at(Method::PUT, "nobody@contoso.example")).await.status, 201);
    loop {
        let watch = send(&gateway, at(Method::GET, "nobody")).await.json();
        if watch["problem"] != Value::Null {
            assert_eq!((&watch["problem"]["code"], &watch["state"]), (&json!("no_such_mailbox"), &Value::Null));
            break;
        }
    }
    let health = gateway.get(gateway.admin_url("/health")).await.json();
    let expected = json!({ "watched": 2, "never_looked": 1, "failing": 1, "letters_waiting": 0, "letters_dead": 0 });
    assert_eq!(health["monitor"], expected);

    assert_eq!(send(&gateway, at(Method::DELETE, NINA)).await.status, 204);
    assert_eq!(send(&gateway, at(Method::DELETE, NINA)).await.status, 404);
    for (name, status) in
        [("a%20b@contoso.example", 400), ("%ff", 400), ("a@fabrikam.example", 404), ("a@x.example", 404)]
    {
        assert_eq!(send(&gateway, at(Method::PUT, name)).await.status, status, "{name}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn a_long_list_comes_page_by_page() {
    let gateway = monitored("").start().await;
    let mut expected = BTreeSet::new();
    for number in 0..100 {
        let name = format!("user-{number:03}@contoso.example");
        assert_eq!(send(&gateway, call(&gateway, Method::PUT, &format!("/watches/{name}"))).await.status, 201);
        expected.insert(name);
    }
    let (mut seen, mut pages, mut path) = (Vec::new(), 0, "/watches?limit=30".to_owned());
    loop {
        let page = send(&gateway, call(&gateway, Method::GET, &path)).await.json();
        pages += 1;
        seen.extend(
            page["watches"].as_array().unwrap().iter().map(|watch| watch["mailbox"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/watches?limit=30&after={}", next.to_uppercase());
    }
    assert_eq!((pages, seen.len()), (4, 100));
    assert!(seen.is_sorted());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
    for query in ["limit=0", "limit=1001", "limit=x", "after=x", "offset=3"] {
        let answer = send(&gateway, call(&gateway, Method::GET, &format!("/watches?{query}"))).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn when_nothing_can_be_noted_the_caller_is_told_to_come_again() {
    let gateway = monitored("").start().await;
    let store = rusqlite::Connection::open(gateway.path("monitor.sqlite")).unwrap();
    store.execute_batch("DROP TABLE away_watches").unwrap();
    let (status, text) = order(&gateway, json!({ "email": NINA, "status": "True" }).to_string()).await;
    assert_eq!((status, text.as_str()), (503, "Not possible at the moment: try again later"));
    assert_eq!(send(&gateway, call(&gateway, Method::PUT, "/watches/nina")).await.status, 503);
    assert_eq!(send(&gateway, call(&gateway, Method::GET, "/watches")).await.json()["watches"], json!([]));
    gateway.done().await;
}
