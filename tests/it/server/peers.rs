//! Callers behind proxies: believed from trusted ones alone.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::NINA;
use crate::harness::{Gateway, SECRET, Setup};

/// A client that may only call from 192.0.2.0/24.
fn setup(server: &str) -> Setup {
    let from = "networks = [\"192.0.2.0/24\"]\n";
    Setup { server: server.to_owned(), ..Setup::client(&["*"], from) }
}

async fn status(gateway: &Gateway, header: (&'static str, &str)) -> u16 {
    gateway.send(gateway.post(NINA.xml()).header(header.0, header.1)).await.status
}

#[tokio::test]
async fn forwarded_headers() {
    let trusting = setup("trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]").start().await;
    for (header, expected) in [
        (("x-forwarded-for", "192.0.2.7"), 200),
        (("x-forwarded-for", "203.0.113.9"), 403),
        (("x-forwarded-for", "192.0.2.7, 203.0.113.9"), 403),
        (("x-forwarded-for", "203.0.113.9, 192.0.2.7, 10.1.1.1"), 200),
        (("forwarded", "for=192.0.2.7;proto=https"), 403),
        (("x-unrelated", "192.0.2.7"), 403),
    ] {
        assert_eq!(status(&trusting, header).await, expected, "{header:?}");
    }
    trusting.done().await;
    let server = "trusted_proxies = [\"127.0.0.0/8\"]\nforwarded_header = \"forwarded\"";
    let trusting = setup(server).start().await;
    for (header, expected) in [
        (("forwarded", "for=192.0.2.7;proto=https"), 200),
        (("forwarded", "for=\"[2001:db8::1]\""), 403),
        (("x-forwarded-for", "192.0.2.7"), 403),
    ] {
        assert_eq!(status(&trusting, header).await, expected, "{header:?}");
    }
    trusting.done().await;
    let wary = setup("").start().await;
    for header in [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")] {
        assert_eq!(status(&wary, header).await, 403, "{header:?}");
    }
    wary.done().await;
}

/// A request over a plain connection that begins with these bytes.
async fn behind(gateway: &Gateway, header: &[u8]) -> String {
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("interop:{SECRET}"));
    let request = format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Basic {basic}\r\n\r\n");
    let mut stream = TcpStream::connect(gateway.app.address()).await.unwrap();
    stream.write_all(header).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server may reset a connection that it does not like.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).chars().take(12).collect()
}

#[tokio::test]
async fn the_proxy_protocol() {
    let server = "trusted_proxies = [\"127.0.0.1\"]\nproxy_protocol = true";
    let gateway = Setup { tls: false, ..setup(server) }.start().await;
    let version_2 = |address: [u8; 4]| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
        header.extend(address);
        header.extend([127, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb]);
        header
    };
    assert_eq!(behind(&gateway, b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 443\r\n").await, "HTTP/1.1 200");
    assert_eq!(behind(&gateway, b"PROXY TCP4 203.0.113.9 127.0.0.1 1234 443\r\n").await, "HTTP/1.1 403");
    assert_eq!(behind(&gateway, &version_2([192, 0, 2, 7])).await, "HTTP/1.1 200");
    assert_eq!(behind(&gateway, &version_2([203, 0, 113, 9])).await, "HTTP/1.1 403");
    assert_eq!(behind(&gateway, b"").await, "", "a trusted proxy always sends one");
    gateway.app.stop().await;
    gateway.simulator.stop().await;
}
