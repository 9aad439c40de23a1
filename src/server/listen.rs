//! Connections: accepting them, TLS, and HTTP/1.1 or HTTP/2 over them.
//!
//! Owns the limits on connections and the graceful end. Must not know any route.

use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Uri;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::capture::AsWritten;
use super::certificate;
use super::connection::Connection;
use super::crowd::Crowd;
use super::handshake::Token;
use super::peer;
use super::quick_ack::QuickAck;
use super::shared::{Limits, Terms};
use super::streaming::{self, Patient, Streamed};
use super::tls::Certificates;

/// Serves until the terms' end, then lets open requests finish for as long as the limits say.
pub async fn serve(listener: TcpListener, tls: Option<Arc<Certificates>>, router: Router, terms: Terms) {
    let (limits, end) = (terms.limits, terms.end.clone());
    let connections = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    let door = Arc::new(Door {
        tls,
        router,
        http1: http1(&limits),
        http2: http2(&limits),
        crowd: Crowd::new(limits.connections_per_address),
        terms,
    });
    loop {
        if connections.available_permits() == 0 {
            door.terms.metrics.limited("-", "connections");
        }
        let place = end.run_until_cancelled(Arc::clone(&connections).acquire_owned());
        let Some(place) = place.await else { break };
        let Some(accepted) = end.run_until_cancelled(listener.accept()).await else { break };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(AFTER_ERROR).await;
                continue;
            }
        };
        let door = Arc::clone(&door);
        tasks.spawn(async move {
            door.terms.metrics.connections.inc();
            if let Err(error) = door.open(stream, address).await {
                tracing::debug!(%address, %error, "connection");
            }
            door.terms.metrics.connections.dec();
            drop(place);
        });
    }
    drop(listener);
    tasks.close();
    if timeout(limits.drain, tasks.wait()).await.is_err() {
        tracing::warn!("requests were still under way when the time to drain was over");
    }
}

struct Door {
    tls: Option<Arc<Certificates>>,
    router: Router,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    crowd: Arc<Crowd>,
    terms: Terms,
}

impl Door {
    async fn open(&self, mut stream: TcpStream, address: SocketAddr) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let (limits, proxies) = (&self.terms.limits, &self.terms.proxies);
        let mut from = address.ip();
        if proxies.protocol && proxies.trusted.name(from) {
            from = timeout(limits.header_timeout, peer::proxy_header(&mut stream)).await??.unwrap_or(from);
        }
        let seat = self.crowd.enter(from);
        if seat.is_none() && !proxies.trusted.name(from) {
            self.terms.metrics.limited("-", "connections_per_address");
            return Err("the address has too many connections".into());
        }
        let connection = Connection::new(proxies.trusted.name(address.ip()), self.tls.is_some());
        let stream = Patient::new(QuickAck::new(stream), STALLED);
        let Some(tls) = &self.tls else { return self.talk(stream, from, connection, false).await };
        let (config, outdated) = tls.current();
        let acceptor = TlsAcceptor::from(config);
        let stream = timeout(limits.header_timeout, acceptor.accept(stream)).await??;
        let session = stream.get_ref().1;
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let shown = session.peer_certificates().and_then(|chain| certificate::read(chain.first()?));
        let connection = match shown {
            Some(certificate) => connection.showing(certificate, outdated),
            None => connection,
        };
        self.talk(stream, from, connection, is_http2).await
    }

    async fn talk<S>(&self, stream: S, from: IpAddr, connection: Connection, is_http2: bool) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (under_way, requests) = watch::channel(0);
        let (under_way, connection) = (Arc::new(under_way), Arc::new(connection));
        let service = service_fn(|mut request: http::Request<Incoming>| {
            let caller = peer::caller(from, request.headers(), &self.terms.proxies);
            let is_misplaced = is_http2 && self.terms.speaks_ntlm && Token::of(request.headers()).is_some();
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(Arc::clone(&connection));
            lower_path(&mut request);
            let (router, request_under_way) = (self.router.clone(), UnderWay::new(&under_way));
            async move {
                // NTLM is about a connection, and a stream is none (RFC 9113 §8.1.1, HTTP_1_1_REQUIRED).
                if is_misplaced {
                    return Err(h2::Error::from(h2::Reason::HTTP_1_1_REQUIRED));
                }
                let Ok(response) = router.oneshot(request.map(axum::body::Body::new)).await;
                Ok(match response.extensions().get::<Streamed>() {
                    Some(_) => response.map(|body| streaming::keeping(body, request_under_way)),
                    None => response,
                })
            }
        });
        let stream = TokioIo::new(stream);
        if is_http2 {
            self.see_through(self.http2.serve_connection(stream, service), requests, connection.outdated()).await
        } else {
            self.see_through(self.http1.serve_connection(stream, service), requests, connection.outdated()).await
        }
    }

    /// Lets a connection live until its client or the process ends it, or nothing has been asked
    /// for a while, or what was shown over it is `outdated`. Then what is under way may finish, and who does not take its answer loses it.
    async fn see_through<C>(
        &self,
        connection: C,
        requests: watch::Receiver<usize>,
        outdated: impl Future<Output = ()>,
    ) -> Result<(), Error>
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let limits = &self.terms.limits;
        let mut connection = pin!(connection);
        tokio::select! {
            done = connection.as_mut() => return Ok(done?),
            () = self.terms.end.cancelled() => {}
            () = outdated => {}
            () = lull(requests, limits.header_timeout, limits.idle_timeout) => {}
        }
        connection.as_mut().graceful_shutdown();
        Ok(timeout(limits.drain, connection).await??)
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// One request under way on a connection.
struct UnderWay(Arc<watch::Sender<usize>>);

impl UnderWay {
    fn new(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Ends when no request has come for `first` since the beginning, or for `later` since the last one
/// was answered. A request has come when its header is complete, so that a slow one counts as none.
async fn lull(mut requests: watch::Receiver<usize>, first: Duration, later: Duration) {
    let mut patience = first;
    loop {
        let change = if *requests.borrow_and_update() > 0 {
            Ok(requests.changed().await)
        } else {
            timeout(patience, requests.changed()).await
        };
        match change {
            Ok(Ok(())) => patience = later,
            // The connection is at its end anyway.
            Ok(Err(_)) => pending().await,
            Err(_) => return,
        }
    }
}

/// hyper's own time limit for headers also ends connections that rest: [`lull`] stands in for it.
fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits.header_bytes);
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(MOST_STREAMS)
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout);
    builder
}

/// Clients write paths in any case; as they wrote it, a path stays in the extensions.
fn lower_path<B>(request: &mut http::Request<B>) {
    let uri = request.uri();
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
        let original = std::mem::replace(request.uri_mut(), lowered);
        request.extensions_mut().insert(AsWritten(original));
    }
}

/// Binds a listening socket.
///
/// # Errors
/// With the address in the text, for the operator.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Who takes nothing of what is written for so long is gone.
const STALLED: Duration = Duration::from_secs(60);
/// Streams at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 128;
/// When the process is out of file descriptors, trying again at once would not help.
const AFTER_ERROR: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const FIRST: Duration = Duration::from_secs(10);
    const LATER: Duration = Duration::from_secs(75);

    /// When a connection is ended whose client does this, seconds after it was accepted.
    async fn ended_after(client: impl AsyncFnOnce(&Arc<watch::Sender<usize>>)) -> u64 {
        let (under_way, requests) = watch::channel(0);
        let (under_way, begun) = (Arc::new(under_way), Instant::now());
        tokio::join!(lull(requests, FIRST, LATER), client(&under_way));
        begun.elapsed().as_secs()
    }

    async fn wait(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_asks_is_ended_soon() {
        assert_eq!(ended_after(async |_| {}).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_asked_may_rest_longer_and_is_not_ended_meanwhile() {
        let ended = ended_after(async |under_way| {
            wait(9).await;
            let slow = UnderWay::new(under_way);
            wait(500).await;
            drop(slow);
            wait(74).await;
            // Begun and answered before anybody looks.
            drop(UnderWay::new(under_way));
        });
        assert_eq!(ended.await, 9 + 500 + 74 + 75);
    }

    #[test]
    fn paths_are_lowered_and_remembered() {
        let mut request = http::Request::get("/EWS/Exchange.asmx?Q=A").body(()).unwrap_or_default();
        lower_path(&mut request);
        assert_eq!(request.uri(), "/ews/exchange.asmx?Q=A");
        let original = request.extensions().get::<AsWritten>().map(|original| original.0.to_string());
        assert_eq!(original.as_deref(), Some("/EWS/Exchange.asmx?Q=A"));
    }
}
