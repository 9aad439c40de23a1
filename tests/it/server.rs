//! Listening: TLS, HTTP versions, paths, health, certificates, proxies, and the end.

mod certificates;
mod end;
mod headers;
mod peers;
mod routes;

use std::sync::Arc;

use serde_json::json;

use crate::harness::requests::{Availability, envelope};
use crate::harness::{CLIENT, SECRET, Setup, client_of, trusting};

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

#[tokio::test]
async fn tls_12_and_13_and_both_versions_of_http() {
    let gateway = Setup::new().start().await;
    for (version, protocol) in [
        (&rustls::version::TLS12, rustls::ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, rustls::ProtocolVersion::TLSv1_3),
    ] {
        for name in ["h2", "http/1.1"] {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(gateway.authority()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config =
                rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
            let mut config = config.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![name.as_bytes().to_vec()];
            let stream = tokio::net::TcpStream::connect(gateway.app.address()).await.unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            let stream = connector.connect("127.0.0.1".try_into().unwrap(), stream).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(protocol));
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(name.as_bytes()));
        }
    }
    for (protocol, version) in [("h2", reqwest::Version::HTTP_2), ("http/1.1", reqwest::Version::HTTP_11)] {
        let http = client_of(&gateway.made.authority, |builder| {
            builder.tls_backend_preconfigured(trusting(&gateway.made.authority, &[protocol]))
        });
        let request = http.post(gateway.url("/")).basic_auth(CLIENT, Some(SECRET)).body(NINA.xml());
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
    }
    let plain = gateway.http.get(format!("http://{}/health-check", gateway.app.address())).send().await;
    assert!(plain.is_err() || plain.unwrap().status() != 200, "no plain HTTP on a TLS port");
    gateway.done().await;
}

#[tokio::test]
async fn paths_in_any_case() {
    let gateway = Setup::new().start().await;
    for path in ["/", "/EWS/Exchange.asmx", "/ews/exchange.asmx", "/Ews/EXCHANGE.ASMX", "/ews/exchange.asmx?x=Y"] {
        let post =
            gateway.http.post(gateway.url(path)).basic_auth(CLIENT, Some(SECRET)).body(envelope("<m:GetRoomLists/>"));
        assert_eq!(gateway.send(post).await.status, 200, "{path}");
    }
    for path in ["/EWS/Services.wsdl", "/ews/messages.xsd", "/EWS/Types.xsd"] {
        let answer = gateway.get(gateway.url(path)).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("WSDL") && answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    }
    let probe = gateway.http.get(gateway.url("/EWS/Exchange.asmx")).basic_auth(CLIENT, Some(SECRET));
    assert_eq!(gateway.send(probe).await.status, 200);
    let put = gateway.send(gateway.http.put(gateway.url("/"))).await;
    let nothing = gateway.get(gateway.url("/nothing/here")).await;
    assert_eq!((put.status, nothing.status), (405, 404));
    for answer in [put, nothing] {
        assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn health_and_readiness_and_what_operators_see() {
    let gateway = Setup::new().start().await;
    let alive = gateway.get(gateway.url("/health-check")).await;
    assert_eq!((alive.status, alive.body.as_str()), (200, "success"));
    assert_eq!(gateway.soap(&NINA.xml()).await.status, 200);
    let ready = gateway.get(gateway.url("/health-check/ready")).await;
    assert_eq!(ready.status, 200);
    assert!(!ready.body.contains("contoso"));
    // A replica stays in when Graph goes away: it can give older answers.
    gateway.control(json!({ "status": 503 })).await;
    assert_eq!(gateway.get(gateway.url("/health-check/ready")).await.status, 200);

    let health = gateway.get(gateway.admin_url("/health")).await;
    let tenants = health.json()["tenants"].as_array().unwrap().len();
    assert_eq!((health.json()["ready"].as_bool(), tenants), (Some(true), 2));
    assert_eq!(health.json()["tenants"][0]["credentials"][0]["token"]["state"], "valid");
    let metrics = gateway.get(gateway.admin_url("/metrics")).await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    assert!(metrics.body.ends_with("# EOF\n"));
    let ok = "calendar_relay_requests_total{operation=\"GetUserAvailabilityRequest\",outcome=\"ok\"}";
    assert_eq!(gateway.figure(ok).await, 1);
    for text in [&health.body, &metrics.body] {
        for secret in ["simulated-secret", SECRET, crate::harness::SIGNING_KEY, "nina@", "eyJ"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    // What is for operators is not on the public port, nor the other way round.
    for path in ["/metrics", "/health"] {
        assert_eq!(gateway.get(gateway.url(path)).await.status, 404);
    }
    assert_eq!(gateway.get(gateway.admin_url("/token")).await.status, 404);
    gateway.done().await;
}

#[tokio::test]
async fn not_ready_before_graph_ever_answered() {
    // No tenant's secret is right, so that there is never a token.
    let mut setup = Setup::new();
    setup.world = setup.world.replace("\"simulated-secret-of-", "\"another-secret-of-");
    let gateway = setup.start().await;
    assert_eq!(gateway.get(gateway.url("/health-check")).await.status, 200);
    let ready = gateway.get(gateway.url("/health-check/ready")).await;
    assert_eq!((ready.status, ready.body.contains("contoso")), (503, false));
    gateway.soap(&NINA.xml()).await;
    assert_eq!(gateway.get(gateway.url("/health-check/ready")).await.status, 503);
    gateway.done().await;
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let gateway = Setup::new().start().await;
    let [first, second] = [gateway.soap(&NINA.xml()).await, gateway.soap(&NINA.xml()).await];
    assert_eq!(first.header("request-id").len(), 36);
    assert_ne!(first.header("request-id"), second.header("request-id"));
    gateway.done().await;
}

#[tokio::test]
async fn a_plain_listener_when_told_to() {
    let gateway = Setup { tls: false, ..Setup::new() }.start().await;
    assert!(gateway.url("/").starts_with("http:"));
    assert_eq!(gateway.soap(&NINA.xml()).await.status, 200);
    gateway.done().await;
}

#[tokio::test]
async fn captured_exchanges_hold_neither_secrets_nor_addresses() {
    let mut setup = Setup::new();
    setup.tokens.push_str("\n[capture]\ndirectory = \"capture\"\nfiles = 4");
    let gateway = setup.start().await;
    let token = gateway.token().await;
    let bearer = gateway.http.post(gateway.url("/")).bearer_auth(&token).body(NINA.xml());
    assert_eq!(gateway.send(bearer).await.status, 200);
    for _ in 0..3 {
        assert_eq!(gateway.soap(&NINA.xml()).await.status, 200);
    }
    // Files are written in the background; the time is only there so that the test does not spin.
    let folder = gateway.path("capture");
    let read = async || loop {
        let files = std::fs::read_dir(&folder).into_iter().flatten().map(|file| file.unwrap().path());
        let texts: Vec<_> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert!(texts.len() <= 4, "as many files as the configuration allows");
        // The last thing written is the answer's end.
        if texts.len() == 4
            && texts.iter().all(|text| text.ends_with("</s:Envelope>\n") || text.ends_with("(left out)\n"))
        {
            break texts;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let texts = tokio::time::timeout(std::time::Duration::from_secs(60), read()).await.expect("four files");
    let is_soap =
        |text: &&String| text.contains("GetUserAvailabilityRequest") && text.contains("GetUserAvailabilityResponse");
    assert_eq!(texts.iter().filter(is_soap).count(), 3);
    assert_eq!(texts.iter().filter(|text| text.starts_with("POST /token HTTP/")).count(), 1);
    for text in texts {
        for hidden in ["nina@", SECRET, "aW50ZXJvcD", &token] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
    gateway.done().await;
}
