//! The connection to one cloud: TLS, HTTP/2, proxy, body limit. Sends nothing by itself.
//!
//! Owns reqwest's settings. Must not know tokens.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use url::Url;

use super::settings::Settings;
use crate::https::{cause, trust};
use crate::tenant::Cloud;

/// No answer of Graph's that the gateway asks for is longer, in bytes, after decompression.
pub(super) const LARGEST_BODY: usize = 32 * 1024 * 1024;

/// The current connection pool, and how to make another.
#[derive(Debug)]
pub(super) struct Http {
    current: ArcSwap<reqwest::Client>,
    recipe: Recipe,
}

#[derive(Debug)]
struct Recipe {
    tls: ClientConfig,
    settings: Settings,
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    #[error("connection failed: {}", cause(.0))]
    Connection(#[from] reqwest::Error),
    #[error("answer longer than {LARGEST_BODY} bytes")]
    TooLong,
}

impl Http {
    /// Makes the first pool.
    ///
    /// # Errors
    /// A text for the operator: no or unreadable certificates, an unusable proxy.
    pub(super) fn new(cloud: &Cloud, settings: &Settings) -> Result<Self, String> {
        let needs_tls = cloud.graph.scheme() == "https" || cloud.login.scheme() == "https";
        let tls = trust(needs_tls, cloud.extra_ca.as_deref())?;
        let recipe = Recipe { tls, settings: settings.clone() };
        let first = recipe.make(settings.proxy.as_ref())?;
        Ok(Self { current: ArcSwap::from_pointee(first), recipe })
    }

    /// The pool to send through.
    pub(super) fn client(&self) -> Arc<reqwest::Client> {
        self.current.load_full()
    }

    /// A pool that goes through no proxy: for the machine itself.
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) fn direct(&self) -> Result<reqwest::Client, String> {
        self.recipe.make(None)
    }

    /// Turns to new connections, unless somebody did so since `used` was current
    /// (<https://learn.microsoft.com/graph/best-practices-concept#reliability-and-support>).
    pub(super) fn reconnect(&self, used: &Arc<reqwest::Client>) {
        if !Arc::ptr_eq(&self.current.load(), used) {
            return;
        }
        match self.recipe.make(self.recipe.settings.proxy.as_ref()) {
            Ok(fresh) => self.current.store(Arc::new(fresh)),
            Err(problem) => tracing::warn!(problem, "no new connection pool"),
        }
    }
}

impl Recipe {
    fn make(&self, proxy: Option<&Url>) -> Result<reqwest::Client, String> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(&self.settings.user_agent)
            .connect_timeout(self.settings.timeout.min(Duration::from_secs(5)))
            .pool_idle_timeout(Duration::from_secs(90))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(10));
        let builder = match proxy {
            Some(proxy) => builder
                .proxy(reqwest::Proxy::all(proxy.clone()).map_err(|error| format!("graph proxy: {}", cause(&error)))?),
            None => builder,
        };
        builder.build().map_err(|error| format!("graph connection: {}", cause(&error)))
    }
}

/// Reads a body up to [`LARGEST_BODY`].
pub(super) async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Cut> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(announced.min(1024 * 1024));
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(Cut::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
