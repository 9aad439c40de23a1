//! Who may call the listener.

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{call, monitored, send};
use crate::harness::{Gateway, Setup};

/// With a proxy on this host that is believed, so that a test can come from anywhere.
fn behind_a_proxy(keys: &str) -> Setup {
    let setup = monitored(keys);
    Setup { server: "trusted_proxies = [\"127.0.0.1\"]".to_owned(), ..setup }
}

/// The statuses of an order, of a look, and of a path that is not there, with a header.
async fn statuses(gateway: &Gateway, header: &'static str, value: &str) -> [u16; 3] {
    let order = call(gateway, Method::POST, "/monitor").body(r#"{"email": "nina", "status": "False"}"#);
    let requests = [order, call(gateway, Method::GET, "/watches"), call(gateway, Method::GET, "/nothing")];
    let mut statuses = [0; 3];
    for (status, request) in statuses.iter_mut().zip(requests) {
        *status = send(gateway, request.header(header, value)).await.status;
    }
    statuses
}

#[tokio::test]
async fn other_hosts_may_call_if_they_are_listed() {
    let gateway = behind_a_proxy("networks = [\"203.0.113.0/24\"]").start().await;
    assert_eq!(statuses(&gateway, "x-forwarded-for", "203.0.113.7").await, [200, 200, 404]);
    assert_eq!(statuses(&gateway, "x-forwarded-for", "198.51.100.7").await, [403, 403, 403]);
    assert_eq!(statuses(&gateway, "user-agent", "the mediator beside the proxy").await, [200, 200, 404]);
    for (header, value) in
        [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "::1"), ("forwarded", "for=127.0.0.1")]
    {
        assert_eq!(statuses(&gateway, header, value).await, [403, 403, 403], "{header}: nobody is this host by a word");
    }
    let line = "calendar_relay_denied_total{client=\"(monitor)\",reason=\"network\"}";
    assert_eq!(gateway.figure(line).await, 3);
    gateway.done().await;
    for setup in [behind_a_proxy(""), monitored("")] {
        let gateway = setup.start().await;
        assert_eq!(statuses(&gateway, "x-forwarded-for", "203.0.113.7").await, [403, 403, 403]);
        gateway.done().await;
    }
}

#[tokio::test]
async fn a_proxy_protocol_header_makes_nobody_this_host() {
    let setup = monitored("");
    let server = "trusted_proxies = [\"127.0.0.1\"]\nproxy_protocol = true".to_owned();
    let gateway = Setup { server, ..setup }.start().await;
    let mut stream = TcpStream::connect(gateway.app.monitor_address().unwrap()).await.unwrap();
    let text = "PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET /watches HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    gateway.done().await;
}

#[tokio::test]
async fn whoever_has_no_token_calls_the_host_by_its_own_names() {
    let gateway = behind_a_proxy("networks = [\"203.0.113.0/24\"]\nhosts = [\"Relay.internal\"]").start().await;
    for (from, answers) in [("203.0.113.7", [200, 403]), ("198.51.100.7", [403, 403])] {
        for (host, expected) in ["relay.internal:8445", "evil.example"].into_iter().zip(answers) {
            let request = call(&gateway, Method::GET, "/watches").header("x-forwarded-for", from).header("host", host);
            assert_eq!(send(&gateway, request).await.status, expected, "{host} from {from}");
        }
    }
    let line = "calendar_relay_denied_total{client=\"(monitor)\",reason=\"host\"}";
    assert_eq!(gateway.figure(line).await, 1);
    gateway.done().await;
}

#[tokio::test]
async fn pages_in_a_browser_may_not_call() {
    let gateway = monitored("").start().await;
    for (header, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("host", "evil.example:8445")]
    {
        assert_eq!(statuses(&gateway, header, value).await, [403, 403, 403], "{header}");
    }
    assert_eq!(statuses(&gateway, "host", "localhost:8445").await, [200, 200, 404]);
    gateway.done().await;
}

#[tokio::test]
async fn where_there_is_a_token_everybody_needs_it() {
    let mut setup = monitored("token = { env = \"the-token\" }");
    setup.limits = "failures_per_minute = 4".to_owned();
    let gateway = setup.start().await;
    assert_eq!(statuses(&gateway, "user-agent", "nobody").await, [401, 401, 401]);
    assert_eq!(statuses(&gateway, "authorization", "Bearer the-token").await, [200, 200, 404]);
    let answer = send(&gateway, call(&gateway, Method::GET, "/watches").bearer_auth("another")).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer realm=\"monitor\""));
    assert_eq!(answer.json()["result"], "The token is wrong");
    assert_eq!(statuses(&gateway, "authorization", "Basic dGhlLXRva2Vu").await, [401, 401, 401]);
    assert_eq!(statuses(&gateway, "authorization", "Bearer another").await, [429, 429, 429]);
    assert_eq!(
        statuses(&gateway, "authorization", "bearer the-token").await,
        [200, 200, 404],
        "who is right is let in"
    );
    gateway.done().await;
}

#[tokio::test]
async fn it_serves_with_the_gateways_certificate() {
    let gateway = monitored("tls = true").start().await;
    let address = gateway.app.monitor_address().unwrap();
    let answer = gateway.send(gateway.http.get(format!("https://{address}/watches"))).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"watches":[],"next":null}"#));
    assert!(gateway.http.get(format!("http://{address}/watches")).send().await.is_err());
    gateway.done().await;
}

#[tokio::test]
async fn its_answers_are_of_no_use_to_browsers_and_it_does_not_tell_what_it_is() {
    let gateway = monitored("").start().await;
    for path in ["/watches", "/nothing"] {
        let answer = send(&gateway, call(&gateway, Method::GET, path)).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("server", ""),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
    }
    gateway.done().await;
}
