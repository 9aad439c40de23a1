//! The connection to one cloud: TLS, HTTP/2, proxy, body limit. Sends nothing by itself.
//!
//! Owns reqwest's settings. Trusts the host's own certificate store, because a proxy that an
//! operator's network forces on it is installed there, and it is renewed with the system; besides,
//! the tenant's extra authorities. Must not know tokens.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::settings::Settings;
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
        let recipe = Recipe { tls: tls(cloud)?, settings: settings.clone() };
        let first = recipe.make()?;
        Ok(Self { current: ArcSwap::from_pointee(first), recipe })
    }

    /// The pool to send through.
    pub(super) fn client(&self) -> Arc<reqwest::Client> {
        self.current.load_full()
    }

    /// Turns to new connections, unless somebody did so since `used` was current
    /// (<https://learn.microsoft.com/graph/best-practices-concept#reliability-and-support>).
    pub(super) fn reconnect(&self, used: &Arc<reqwest::Client>) {
        if !Arc::ptr_eq(&self.current.load(), used) {
            return;
        }
        match self.recipe.make() {
            Ok(fresh) => self.current.store(Arc::new(fresh)),
            Err(problem) => tracing::warn!(problem, "no new connection pool"),
        }
    }
}

impl Recipe {
    fn make(&self) -> Result<reqwest::Client, String> {
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
        let builder = match &self.settings.proxy {
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

/// An error with its causes, without the URL, which may hold an address.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "timed out".to_owned()
    } else if error.is_connect() {
        "could not connect".to_owned()
    } else {
        "was cut".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

fn tls(cloud: &Cloud) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(cloud.extra_ca.as_deref().unwrap_or_default()) {
        let certificate = certificate.map_err(|error| format!("extra certificate authority: {error}"))?;
        roots.add(certificate).map_err(|error| format!("extra certificate authority: {error}"))?;
    }
    if cloud.extra_ca.is_some() && roots.is_empty() {
        return Err("extra certificate authority: no certificate in the PEM file".into());
    }
    if cloud.graph.scheme() == "https" || cloud.login.scheme() == "https" {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this host trusts no certificate authority: install its ca-certificates package".into());
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
