//! Bad input and too much of it: the answer is always one that a SOAP client understands, never a page of HTML.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::requests::{Availability, envelope};
use crate::harness::{Answer, Gateway, SECRET, Setup, client, pack, trusting};

const NINA: Availability<'static> = Availability {
    mailboxes: &["nina@contoso.example"],
    start: "2027-03-10T00:00:00",
    end: "2027-03-17T00:00:00",
    view: "FreeBusy",
    interval: "30",
    version: "Exchange2016",
    zone: "",
    header: "",
    suggestions: "",
};

#[track_caller]
fn no_html(answer: &Answer) {
    assert!(!answer.header("content-type").contains("html"), "{answer:?}");
    assert!(!answer.body.to_ascii_lowercase().contains("<html"), "{answer:?}");
}

async fn still_well(gateway: &Gateway) {
    assert_eq!(gateway.soap(&NINA.xml()).await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_no_requests() {
    let gateway = Setup::new().start().await;
    let good = NINA.xml();
    let deep = |depth: usize| envelope(&format!("{}{}", "<m:x>".repeat(depth), "</m:x>".repeat(depth)));
    let bomb = format!(
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>{}",
        good.split_once("?>").unwrap().1.replace("nina", "&b;")
    );
    let external = format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{}", good.split_once("?>").unwrap().1);
    for (what, body) in [
        ("nothing", String::new()),
        ("a space", " ".to_owned()),
        ("text", "hello".to_owned()),
        ("JSON", "{\"a\":1}".to_owned()),
        ("HTML", "<html><body>hello</body></html>".to_owned()),
        ("an envelope without body", "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/>".to_owned()),
        ("an empty body", envelope("")),
        ("another envelope", good.replace("http://schemas.xmlsoap.org/soap/envelope/", "urn:envelope")),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("something after it", format!("{good}<again/>")),
        ("crossed tags", good.replace("</t:TimeWindow>", "</t:Window>")),
        ("entities", bomb),
        ("an external document type", external),
        ("an unknown entity", good.replace("nina", "&nina;")),
        ("ten thousand levels", deep(10_000)),
        ("two bodies", envelope("<m:GetRoomLists/><m:GetRoomLists/>")),
    ] {
        let answer = gateway.soap(&body).await;
        no_html(&answer);
        assert_eq!(answer.status, 500, "{what}");
        let (code, _) = answer.fault();
        assert!(["ErrorInvalidRequest", "ErrorSchemaValidation"].contains(&code.as_str()), "{what}: {code}");
    }
    let not_utf8 = gateway.send(gateway.post(vec![0xff, 0xfe, 0x00, 0x3c])).await;
    assert_eq!(not_utf8.fault().0, "ErrorInvalidRequest");
    still_well(&gateway).await;
    gateway.done().await;
}

#[tokio::test]
async fn documents_that_are_not_what_the_schema_says() {
    let gateway = Setup::new().start().await;
    let good = NINA.xml();
    let twice = |element: &str| {
        let start = good.find(&format!("<{element}>")).unwrap();
        let end = good.find(&format!("</{element}>")).unwrap() + element.len() + 3;
        format!("{}{}{}", &good[..end], &good[start..end], &good[end..])
    };
    for (what, body) in [
        ("two windows", twice("t:TimeWindow")),
        ("two views", twice("t:RequestedView")),
        ("two starts", twice("t:StartTime")),
        ("two arrays", twice("m:MailboxDataArray")),
        ("two addresses", twice("t:Address")),
        ("an interval that is no number", good.replace(">30<", ">soon<")),
        ("no mailboxes at all", good.replace("MailboxDataArray", "Mailboxes")),
        (
            "a bias that is no number",
            NINA.xml()
                .replace("<m:MailboxDataArray>", "<t:TimeZone><t:Bias>x</t:Bias></t:TimeZone><m:MailboxDataArray>"),
        ),
    ] {
        let answer = gateway.soap(&body).await;
        let (code, fault) = answer.fault();
        assert_eq!(code, "ErrorSchemaValidation", "{what}");
        assert_eq!(fault.at("detail/ResponseCode"), "ErrorSchemaValidation");
        assert_eq!(fault.at("detail/Message"), "The request failed schema validation.");
        assert!(!fault.at("detail/MessageXml/Violation").is_empty(), "{what}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn content_types_and_encodings() {
    let gateway = Setup::new().start().await;
    let post =
        |body: Vec<u8>| gateway.http.post(gateway.url("/")).basic_auth(crate::harness::CLIENT, Some(SECRET)).body(body);
    let good = NINA.xml().into_bytes();
    for fine in ["text/xml", "text/xml; encoding=UTF-8", "TEXT/XML;charset=\"utf-8\"", "application/xml"] {
        assert_eq!(gateway.send(post(good.clone()).header("content-type", fine)).await.status, 200, "{fine}");
    }
    assert_eq!(gateway.send(post(good.clone())).await.status, 200, "none at all");
    for foreign in ["application/json", "application/soap+xml; charset=utf-8", "multipart/form-data", "text/html"] {
        let answer = gateway.send(post(good.clone()).header("content-type", foreign)).await;
        assert_eq!(answer.status, 415, "{foreign}");
        no_html(&answer);
    }
    let packed = pack(&good);
    let cut = packed[..packed.len() - 20].to_vec();
    for (what, body, encoding, status) in [
        ("truncated gzip", cut, "gzip", 400),
        ("plain, said to be gzip", good.clone(), "gzip", 400),
        ("a gzip bomb", pack(&vec![b' '; 200_000_000]), "gzip", 413),
        ("another packing", packed, "br", 415),
    ] {
        let answer = gateway.send(post(body).header("content-encoding", encoding)).await;
        assert_eq!(answer.status, status, "{what}");
        no_html(&answer);
    }
    still_well(&gateway).await;
    gateway.done().await;
}

#[tokio::test]
async fn long_bodies_and_long_headers() {
    let gateway =
        Setup { limits: "body_bytes = 100_000\nheader_bytes = 16_384".to_owned(), ..Setup::new() }.start().await;
    let padded = |length: usize| {
        let good = NINA.xml();
        format!("{good}{}", " ".repeat(length - good.len()))
    };
    assert_eq!(gateway.soap(&padded(100_000)).await.status, 200);
    let answer = gateway.soap(&padded(100_001)).await;
    assert_eq!(answer.status, 413);
    no_html(&answer);
    // The server may answer and close before all of it is sent.
    if let Ok(response) = gateway.post("x".repeat(10 << 20)).send().await {
        assert_eq!(response.status(), 413);
    }
    if let Ok(response) = gateway.post(NINA.xml()).header("x-long", "x".repeat(60_000)).send().await {
        assert_eq!(response.status(), 431);
    }
    still_well(&gateway).await;
    gateway.done().await;
}

/// A connection over TLS, HTTP/1.1.
async fn connect(gateway: &Gateway) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let config = trusting(&gateway.made.authority, &["http/1.1"]);
    let stream = tokio::net::TcpStream::connect(gateway.app.address()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    connector.connect("localhost".try_into().unwrap(), stream).await.unwrap()
}

/// Everything until the server closes. The time is only there so that a hanging server fails the test.
async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    // A close without TLS's own goodbye is a close.
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut text)).await;
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn slow_headers_and_slow_bodies_are_not_waited_for() {
    let limits = "header_timeout = \"300ms\"\nbody_timeout = \"300ms\"".to_owned();
    let gateway = Setup { limits, ..Setup::new() }.start().await;
    let mut plain = tokio::net::TcpStream::connect(gateway.app.address()).await.unwrap();
    assert_eq!(until_closed(&mut plain).await, "", "a handshake that never begins");

    let mut stream = connect(&gateway).await;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");

    let mut stream = connect(&gateway).await;
    let basic = base64_of(&format!("interop:{SECRET}"));
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic {basic}\r\ncontent-type: text/xml\r\ncontent-length: 1000\r\n\r\n<s:Env"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    still_well(&gateway).await;
    gateway.done().await;
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A fault that tells the caller to come back, and when.
#[track_caller]
fn busy(answer: &Answer) {
    let (code, fault) = answer.fault();
    assert_eq!(code, "ErrorServerBusy");
    assert_eq!(fault.at("detail/ResponseCode"), "ErrorServerBusy");
    assert_eq!(fault.at("detail/Message"), "The server cannot service this request right now. Try again later.");
    let value = fault.child("detail").child("MessageXml").child("Value");
    assert_eq!(value.attribute("Name"), "BackOffMilliseconds");
    assert!(value.text.parse::<u64>().unwrap() >= 1000);
}

#[tokio::test]
async fn a_client_above_its_rate_is_told_to_come_back_alone() {
    let mut setup = Setup::client(&["*"], "requests_per_second = 1\nburst = 2\n");
    setup.clients.push_str(&client("*", "time", "").replace("interop", "other"));
    let gateway = setup.start().await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(gateway.soap(&NINA.xml()).await);
    }
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count().clamp(2, 5),
        answers.iter().filter(|answer| answer.status == 200).count()
    );
    answers.iter().filter(|answer| answer.status != 200).for_each(busy);
    let other =
        gateway.http.post(gateway.url("/")).basic_auth("other", Some(SECRET)).header("content-type", "text/xml");
    assert_eq!(gateway.send(other.body(NINA.xml())).await.status, 200);
    assert!(gateway.figure("calendar_relay_limited_total{client=\"interop\",limit=\"rate\"}").await >= 1);
    gateway.done().await;
}

#[tokio::test]
async fn a_client_above_its_concurrency_is_told_to_come_back() {
    let gateway = Setup::client(&["*"], "concurrency = 1\n").start().await;
    gateway.control(serde_json::json!({ "call": "getSchedule", "delay_ms": 1500, "times": 1 })).await;
    let request = NINA.xml();
    let mut slow = Box::pin(gateway.soap(&request));
    tokio::select! {
        answer = &mut slow => panic!("it takes longer than that: {answer:?}"),
        () = gateway.until_under_way() => {}
    }
    let second = tokio::select! {
        answer = &mut slow => panic!("it takes longer than that: {answer:?}"),
        second = gateway.soap(&request) => second,
    };
    busy(&second);
    assert_eq!(slow.await.status, 200);
    assert_eq!(gateway.soap(&request).await.status, 200, "its place is free again");
    gateway.done().await;
}
