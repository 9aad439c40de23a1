//! Posts to targets that are not Microsoft's: webhooks that the configuration names.
//!
//! Owns where a connection may go: addresses of private networks are refused unless they are allowed, on the address
//! that is connected to and not on a name; redirects are not followed, and no proxy is used. Nothing else sends
//! elsewhere. Must not know what is sent.

mod public;
mod resolver;

#[cfg(test)]
pub(crate) mod stub;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response};
use url::{Host, Url};

use public::Guard;
use resolver::Resolver;

use crate::https::{cause, retry_after, trust};

/// One target, with connections of its own.
pub struct Outbound {
    base: Url,
    client: reqwest::Client,
    timeout: Duration,
}

/// What a target is, and where it may be.
#[derive(Clone)]
pub struct Target {
    /// Its address; paths are below it.
    pub url: Url,
    /// Networks that are not public, and allowed all the same.
    pub private_networks: Vec<IpNet>,
    /// Certificate authorities to trust besides the system's, as PEM.
    pub extra_ca: Option<Vec<u8>>,
    /// Time for one exchange.
    pub timeout: Duration,
    /// `User-Agent`.
    pub user_agent: String,
}

/// An answer, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// When to come back, if it said so.
    pub retry_after: Option<Duration>,
    /// The beginning of its body.
    pub body: Vec<u8>,
}

/// There was no answer; the text is for the operator, and holds nothing of the target's URL but names and addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

impl Outbound {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// A text for the operator: unusable certificates, no host, or an IP address that is not public and not allowed.
    pub fn new(target: Target) -> Result<Self, String> {
        let Target { url, private_networks, extra_ca, timeout, user_agent } = target;
        let guard = Guard::new(private_networks);
        // An address that is written as such is connected to without asking the resolver.
        match url.host() {
            None => return Err("the URL has no host".to_owned()),
            Some(Host::Ipv4(address)) => guard.check(IpAddr::V4(address))?,
            Some(Host::Ipv6(address)) => guard.check(IpAddr::V6(address))?,
            Some(Host::Domain(_)) => {}
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(trust(url.scheme() == "https", extra_ca.as_deref())?)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_gzip()
            .dns_resolver(Arc::new(Resolver::new(guard)))
            .user_agent(user_agent)
            .connect_timeout(LONGEST_CONNECT)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| format!("connection: {}", cause(&error)))?;
        Ok(Self { base: url, client, timeout })
    }

    /// A GET of the target's address itself.
    ///
    /// # Errors
    /// [`Unreachable`] if nothing answers in time, or nothing may be asked.
    pub async fn get(&self) -> Result<Answered, Unreachable> {
        exchange(self.client.get(self.base.clone()), self.timeout).await
    }

    /// Posts JSON to a path below the target's address; to the address itself with none.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(
        &self,
        path: &[&str],
        headers: &[(&'static str, String)],
        json: String,
    ) -> Result<Answered, Unreachable> {
        exchange(self.posting(path, headers, json), self.timeout).await
    }

    /// As [`Self::post`], to a target that is known to work long before it answers.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post_patiently(
        &self,
        path: &[&str],
        json: String,
        timeout: Duration,
    ) -> Result<Answered, Unreachable> {
        exchange(self.posting(path, &[], json), timeout).await
    }

    fn posting(&self, path: &[&str], headers: &[(&'static str, String)], json: String) -> RequestBuilder {
        let mut url = self.base.clone();
        if !path.is_empty()
            && let Ok(mut segments) = url.path_segments_mut()
        {
            segments.pop_if_empty().extend(path);
        }
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(json);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbound").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Target {
    /// Without the URL, which may hold a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Target").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// Sends, and reads the beginning of the answer.
async fn exchange(request: RequestBuilder, timeout: Duration) -> Result<Answered, Unreachable> {
    let whole = async {
        let response = request.send().await?;
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        Ok(Answered { status, retry_after, body: beginning(response).await? })
    };
    match tokio::time::timeout(timeout, whole).await {
        Ok(Ok(answered)) => Ok(answered),
        Ok(Err(error)) => Err(Unreachable(cause(&error))),
        Err(_) => Err(Unreachable(format!("no answer within {} s", timeout.as_secs_f32()))),
    }
}

async fn beginning(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend(chunk.iter().take(LARGEST_BODY - body.len()));
        if body.len() >= LARGEST_BODY {
            break;
        }
    }
    Ok(body)
}

/// Whoever does not take a connection by then is not there.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// Servers close idle connections; most wait longer.
const IDLE: Duration = Duration::from_secs(30);
/// An answer says whether something arrived, in few words; of longer ones this much is read, in bytes.
const LARGEST_BODY: usize = 64 * 1024;

#[cfg(test)]
mod tests;
