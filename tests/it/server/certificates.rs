//! Certificates: read again without dropping connections, and refused when they do not fit.

use std::sync::Arc;

use calendar_relay::commands::certificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Setup, trusting};

#[tokio::test]
async fn new_certificates_are_for_new_connections() {
    let gateway = Setup::new().start().await;
    let connect = |authority: std::path::PathBuf| {
        let (config, address) = (trusting(&authority, &["http/1.1"]), gateway.app.address());
        async move {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
            connector.connect("localhost".try_into().unwrap(), stream).await
        }
    };
    let old_authority = gateway.path("old-authority.pem");
    std::fs::copy(&gateway.made.authority, &old_authority).unwrap();
    let mut open = connect(old_authority.clone()).await.unwrap();

    // The same files, from another authority.
    let made = certificate::make(gateway.folder.path(), "test", &[]).unwrap();
    gateway.app.reload_certificates();
    assert!(connect(made.authority.clone()).await.is_ok());
    assert!(connect(old_authority).await.is_err(), "the old authority did not sign the new certificate");
    for _ in 0..2 {
        open.write_all(b"GET /health-check HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        open.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = Vec::new();
        while !rest.ends_with(b"success") {
            rest.push(open.read_u8().await.unwrap());
        }
    }

    // Files that do not fit together change nothing.
    std::fs::write(&made.files.private_key, "no key").unwrap();
    gateway.app.reload_certificates();
    assert!(connect(made.authority.clone()).await.is_ok());
    gateway.done().await;
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_at_the_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let (one, other) = (
        certificate::make(folder.path(), "one", &[]).unwrap(),
        certificate::make(folder.path(), "other", &[]).unwrap(),
    );
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://x.example\"\ncertificate = {:?}\nprivate_key = {:?}\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n[tokens]\nkeys = [{{ id = \"k\", secret = {{ env = \"0123456789abcdef0123456789abcdef\" }} }}]\n",
        one.files.certificate, other.files.private_key
    );
    let config = calendar_relay::config::Config::parse(&text, folder.path(), &|name| Some(name.to_owned())).unwrap();
    let refused = calendar_relay::app::App::start(config).await.unwrap_err().to_string();
    assert!(refused.contains("other-key.pem") && refused.contains("is not the key of"), "{refused}");
}
