//! The floor: axum and rustls with the gateway's own crypto, and a handler that reads the body and
//! returns a constant.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use calendar_relay::server::tls::{CertificateFiles, Certificates};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Serves until the process is ended.
pub(crate) async fn serve(
    address: SocketAddr,
    certificate: PathBuf,
    private_key: PathBuf,
    bytes: usize,
) -> Result<(), Box<dyn Error>> {
    let files = CertificateFiles { certificate, private_key, client_ca: None };
    let tls = TlsAcceptor::from(Certificates::new(files)?.server_config());
    let constant = Bytes::from(vec![b'x'; bytes]);
    let handler = move |_: Bytes| {
        let answer = constant.clone();
        async move { ([("content-type", "text/xml; charset=utf-8")], answer) }
    };
    let service = TowerToHyperService::new(Router::new().route("/", post(handler)));
    let builder = Arc::new(auto::Builder::new(TokioExecutor::new()));
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (tls, builder, service) = (tls.clone(), Arc::clone(&builder), service.clone());
        tokio::spawn(async move {
            // A client that leaves in the middle is none of the floor's business.
            let Ok(stream) = tls.accept(stream).await else { return };
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
