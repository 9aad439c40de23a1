//! Connections: accepting them, TLS, and HTTP/1.1 or HTTP/2 over them.
//!
//! Owns the limits on connections and the graceful end. Must not know any route.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use http::Uri;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::quick_ack::QuickAck;
use super::{Shared, peer};

/// Serves until `end`, then lets open requests finish for as long as the limits say.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    shared: Arc<Shared>,
    end: CancellationToken,
) {
    let connections = Arc::new(Semaphore::new(shared.limits.connections));
    let graceful = GracefulShutdown::new();
    let door = Arc::new(Door { tls: tls.map(TlsAcceptor::from), router, builder: builder(&shared), shared });
    while let Some(place) = end.run_until_cancelled(Arc::clone(&connections).acquire_owned()).await {
        let Some(accepted) = end.run_until_cancelled(listener.accept()).await else { break };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(AFTER_ERROR).await;
                continue;
            }
        };
        let (door, watcher) = (Arc::clone(&door), graceful.watcher());
        tokio::spawn(async move {
            door.shared.metrics.connections.inc();
            if let Err(error) = door.open(stream, address, watcher).await {
                tracing::debug!(%address, %error, "connection");
            }
            door.shared.metrics.connections.dec();
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(door.shared.limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the time to drain was over");
    }
}

struct Door {
    tls: Option<TlsAcceptor>,
    router: Router,
    builder: auto::Builder<TokioExecutor>,
    shared: Arc<Shared>,
}

impl Door {
    async fn open(&self, mut stream: TcpStream, address: SocketAddr, watcher: Watcher) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let mut from = address.ip();
        let timeout = self.shared.limits.header_timeout;
        if self.shared.proxy_protocol && self.shared.trusted_proxies.name(from) {
            from = tokio::time::timeout(timeout, peer::proxy_header(&mut stream)).await??.unwrap_or(from);
        }
        let stream = QuickAck::new(stream);
        match &self.tls {
            None => self.talk(stream, from, watcher).await,
            Some(tls) => {
                let stream = tokio::time::timeout(timeout, tls.accept(stream)).await??;
                self.talk(stream, from, watcher).await
            }
        }
    }

    async fn talk<S>(&self, stream: S, from: IpAddr, watcher: Watcher) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|mut request: http::Request<Incoming>| {
            let caller = peer::caller(from, request.headers(), &self.shared.trusted_proxies);
            request.extensions_mut().insert(caller);
            lower_path(request.uri_mut());
            let router = self.router.clone();
            async move {
                let response: Result<_, Infallible> = router.oneshot(request.map(axum::body::Body::new)).await;
                response
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        watcher.watch(connection).await
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn builder(shared: &Shared) -> auto::Builder<TokioExecutor> {
    let limits = &shared.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(MOST_STREAMS)
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}

/// Clients write paths in any case.
fn lower_path(uri: &mut Uri) {
    if !uri.path().bytes().any(|byte| byte.is_ascii_uppercase()) {
        return;
    }
    let path = uri.path().to_ascii_lowercase();
    let lowered = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(lowered).ok();
    if let Ok(lowered) = Uri::from_parts(parts) {
        *uri = lowered;
    }
}

/// Binds a listening socket.
///
/// # Errors
/// With the address in the text, for the operator.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Streams at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 128;
/// When the process is out of file descriptors, trying again at once would not help.
const AFTER_ERROR: std::time::Duration = std::time::Duration::from_millis(100);
