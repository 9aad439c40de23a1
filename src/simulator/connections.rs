//! Connections: accepted, over TLS or not, served by a router, and cut on demand. Shared by the simulator and the
//! mediator beside it; knows nothing of what is asked.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) closing: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Connections {
    /// Serves until it is closing.
    pub(super) async fn accept(self, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
        loop {
            let stream = tokio::select! {
                () = self.closing.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a simulator could not accept a connection");
                        tokio::time::sleep(BREATH).await;
                        continue;
                    }
                },
            };
            let (connections, acceptor) = (self.clone(), acceptor.clone());
            self.tasks.spawn(async move {
                // Answers go out at once; a failure only costs speed.
                let _ = stream.set_nodelay(true);
                match acceptor {
                    None => connections.serve(stream).await,
                    Some(acceptor) => {
                        let accepted = tokio::select! {
                            () = connections.closing.cancelled() => return,
                            accepted = acceptor.accept(stream) => accepted,
                        };
                        if let Ok(stream) = accepted {
                            connections.serve(stream).await;
                        }
                    }
                }
            });
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let router = self.router;
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let router = router.clone();
            async move {
                let answered: Result<_, Infallible> = router.oneshot(request.map(Body::new)).await;
                let Ok(response) = answered;
                match response.extensions().get::<Cut>() {
                    Some(Cut) => Err(io::Error::other("the connection is cut on demand")),
                    None => Ok(response),
                }
            }
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.closing.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        // How a connection ends concerns its caller alone.
        let _ = connection.await;
    }
}

/// Marks a response whose connection is to be closed instead.
#[derive(Clone, Copy)]
pub(super) struct Cut;

/// How long to wait when a connection cannot be accepted, for example for want of file descriptors.
const BREATH: Duration = Duration::from_millis(50);
