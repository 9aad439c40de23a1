//! Posts to targets that are not Microsoft's: webhooks that the configuration names.
//!
//! Owns where a connection may go: addresses of private networks are refused unless they are allowed, on the address
//! that is connected to and not on a name; redirects are not followed, and no proxy is used. Nothing else sends
//! elsewhere. Must not know what is sent.

use std::time::Duration;

use ipnet::IpNet;
use url::Url;

/// One target, with connections of its own.
#[derive(Debug)]
pub struct Outbound {
    base: Url,
}

/// What a target is, and where it may be.
#[derive(Clone, Debug)]
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

/// There was no answer; the text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(pub String);

impl Outbound {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// A text for the operator: unusable certificates.
    pub fn new(target: Target) -> Result<Self, String> {
        Ok(Self { base: target.url })
    }

    /// A GET of the target's address itself.
    ///
    /// # Errors
    /// [`Unreachable`] if nothing answers in time, or nothing may be asked.
    pub async fn get(&self) -> Result<Answered, Unreachable> {
        Err(Unreachable(self.base.to_string()))
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
        let _ = (path, headers, json);
        Err(Unreachable(self.base.to_string()))
    }
}
