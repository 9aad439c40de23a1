//! What is sent, what is refused, and what is read of answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use axum::body::Body;
use axum::response::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::stub::{Stub, reply, target};
use super::*;

fn outbound(target: Target) -> Outbound {
    Outbound::new(target).unwrap()
}

#[tokio::test]
async fn paths_are_below_the_base_and_headers_are_sent() {
    let stub = Stub::constant(200, "{}").await;
    let base = format!("http://user:word@{}/below/?key=1", stub.address);
    let out = outbound(target(&base));
    let headers = [("webhook-id", "one".to_owned())];
    let answered = out.post(&["api", "a/b"], &headers, "{\"a\":1}".into()).await.unwrap();
    assert_eq!(answered, Answered { status: 200, retry_after: None, body: b"{}".to_vec() });
    out.get().await.unwrap();
    out.post(&[], &[], String::new()).await.unwrap();
    let seen = stub.seen();
    let lines: Vec<String> = seen.iter().map(|it| format!("{} {}", it.method, it.path)).collect();
    assert_eq!(lines, ["POST /below/api/a%2Fb?key=1", "GET /below/?key=1", "POST /below/?key=1"]);
    assert_eq!(seen[0].body, "{\"a\":1}");
    let header = |name: &str| seen[0].headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").unwrap(), "application/json");
    assert_eq!(header("webhook-id").unwrap(), "one");
    assert_eq!(header("user-agent").unwrap(), "test/1");
    assert_eq!(header("authorization").unwrap(), "Basic dXNlcjp3b3Jk");
    assert_eq!(header("accept-encoding"), None, "nothing is to be unpacked");
    assert!(seen.iter().all(|it| it.peer == seen[0].peer), "one connection serves all");
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_as_itself_and_behind_a_name() {
    let stub = Stub::constant(200, "").await;
    for host in ["127.0.0.1", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254"] {
        let target =
            Target { private_networks: Vec::new(), ..target(&format!("http://{host}:{}", stub.address.port())) };
        assert!(Outbound::new(target).unwrap_err().contains("private_networks"), "{host}");
    }
    let url = format!("http://key:secret@localhost:{}", stub.address.port());
    let refused = outbound(Target { private_networks: vec!["10.0.0.0/8".parse().unwrap()], ..target(&url) });
    let Unreachable(problem) = refused.get().await.unwrap_err();
    assert!(problem.contains("127.0.0.1") && problem.contains("private_networks"), "{problem}");
    assert!(!problem.contains("secret"), "{problem}");
    assert!(stub.seen().is_empty());
    outbound(target(&url)).get().await.unwrap();
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn redirects_are_answers() {
    let elsewhere = Stub::constant(200, "").await;
    let location = format!("http://{}/", elsewhere.address);
    let stub = Stub::start(move |_| {
        Response::builder().status(307).header("location", &location).body(Body::empty()).unwrap()
    });
    let stub = stub.await;
    assert_eq!(outbound(stub.target()).post(&[], &[], String::new()).await.unwrap().status, 307);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn of_long_answers_the_beginning_is_read() {
    let stub = Stub::start(|_| {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'a'; 1000]));
        Response::new(Body::from_stream(endless))
    });
    let answered = outbound(stub.await.target()).get().await.unwrap();
    assert_eq!((answered.status, answered.body.len()), (200, LARGEST_BODY));
}

#[tokio::test]
async fn whoever_answers_too_late_or_never_ends_does_not_answer() {
    let stub = Stub::start(|it| match it.path.as_str() {
        "/endless" => Response::new(Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>())),
        _ => reply(200, "soon"),
    });
    let stub = stub.await;
    let out = outbound(Target { timeout: Duration::from_millis(300), ..stub.target() });
    let Unreachable(problem) = out.post(&["endless"], &[], String::new()).await.unwrap_err();
    assert_eq!(problem, "no answer within 0.3 s");

    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    let out = outbound(Target { timeout: Duration::from_millis(50), ..target(&url) });
    assert_eq!(out.get().await.unwrap_err().0, "no answer within 0.05 s");
    let patient = out.post_patiently(&["slow"], "{}".into(), Duration::from_millis(60)).await;
    assert_eq!(patient.unwrap_err().0, "no answer within 0.06 s");
    drop(deaf);
    assert!(outbound(target(&url)).get().await.unwrap_err().0.starts_with("could not connect: "));
}

#[tokio::test]
async fn a_broken_answer_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for rubbish in ["", "rubbish\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            stream.write_all(rubbish.as_bytes()).await.unwrap();
        }
    });
    let out = outbound(target(&url));
    for _ in 0..3 {
        let Unreachable(problem) = out.get().await.unwrap_err();
        assert!(problem.starts_with("was cut: "), "{problem}");
    }
}

#[tokio::test]
async fn an_extra_authority_is_trusted_and_no_other() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    });
    let trusting = Target { extra_ca: Some(pem.into_bytes()), ..target(&url) };
    assert_eq!(outbound(trusting.clone()).get().await.unwrap().status, 204);
    let other = rcgen::generate_simple_self_signed(["other.example".to_owned()]).unwrap().cert.pem();
    let Unreachable(problem) =
        outbound(Target { extra_ca: Some(other.into_bytes()), ..trusting.clone() }).get().await.unwrap_err();
    assert!(problem.contains("certificate"), "{problem}");
    let refused = |pem: &[u8]| Outbound::new(Target { extra_ca: Some(pem.to_vec()), ..trusting.clone() }).unwrap_err();
    assert!(refused(b"").contains("no certificate"));
    assert!(refused(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("authority"));
}
