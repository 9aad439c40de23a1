//! A bare target for tests: it answers as each test says, and keeps what it was sent.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use http::HeaderMap;
use tokio::net::TcpListener;
use url::Url;

use super::Target;

/// What it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The connection that it came by.
    pub(crate) peer: SocketAddr,
}

/// The target.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Answers each request as `script` says.
    pub(crate) async fn start(script: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let seen = Arc::clone(&stub.seen);
        let answer = async move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| {
            let (parts, body) = request.into_parts();
            let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
            let path = parts.uri.path_and_query().unwrap().to_string();
            let one = Seen { method: parts.method.to_string(), path, headers: parts.headers, body, peer };
            let response = script(&one);
            seen.lock().unwrap().push(one);
            response
        };
        let service = Router::new().fallback(answer).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        stub
    }

    /// One that always gives the same answer.
    pub(crate) async fn constant(status: u16, body: &'static str) -> Self {
        Self::start(move |_| reply(status, body)).await
    }

    /// What it was sent so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How to reach it.
    pub(crate) fn target(&self) -> Target {
        target(&format!("http://{}", self.address))
    }
}

/// An answer.
pub(crate) fn reply(status: u16, body: &str) -> Response {
    Response::builder().status(status).body(Body::from(body.to_owned())).unwrap()
}

/// A target on loopback.
pub(crate) fn target(url: &str) -> Target {
    Target {
        url: Url::parse(url).unwrap(),
        private_networks: vec!["127.0.0.0/8".parse().unwrap()],
        extra_ca: None,
        timeout: Duration::from_secs(20),
        user_agent: "test/1".to_owned(),
    }
}
