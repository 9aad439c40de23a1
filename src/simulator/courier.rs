//! Sends to subscribers: the handshake of a new subscription, and notifications. Makes the simulator's HTTP clients.
//! Knows addresses and bodies, not what they are about.
//! <https://learn.microsoft.com/graph/change-notifications-delivery-webhooks>

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::error::Refusal;
use super::lock::lock;

/// How long a subscriber may take to answer a handshake, and a notification.
const HANDSHAKE: Duration = Duration::from_secs(10);
const NOTIFICATION: Duration = Duration::from_secs(3);
/// How long after each failure a notification is tried again.
const AGAIN: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

pub(super) struct Courier {
    /// `None` as long as no authority was given and no notification was sent.
    client: Mutex<Option<reqwest::Client>>,
    closing: CancellationToken,
    _closed_with_us: DropGuard,
}

/// What became of a subscription's notifications.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    pub(super) delivered: AtomicU32,
    pub(super) failed: AtomicU32,
    pub(super) dropped: AtomicU32,
}

impl Default for Courier {
    fn default() -> Self {
        let closing = CancellationToken::new();
        Self { client: Mutex::default(), _closed_with_us: closing.clone().drop_guard(), closing }
    }
}

impl Courier {
    /// Trusts these authorities, as PEM, and no others, in subscribers' certificates.
    pub(super) fn trust(&self, authorities: &str) -> Result<(), String> {
        let client = client(authorities)?;
        *lock(&self.client) = Some(client);
        Ok(())
    }

    /// The handshake: whether somebody at this address gives the token back.
    pub(super) async fn validate(&self, address: &Url) -> Result<(), Refusal> {
        let token = format!(
            "Validation: Testing client application reachability for subscription Request-Id: {}",
            uuid::Uuid::new_v4()
        );
        let mut address = address.clone();
        address.query_pairs_mut().append_pair("validationToken", &token);
        let client = self.client().map_err(|problem| refused(&problem))?;
        let request = client.post(address).header("content-type", "text/plain; charset=utf-8");
        let asked = async {
            let response = request.send().await?;
            let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
            let is_text = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain"));
            Ok::<_, reqwest::Error>((response.status().as_u16(), is_text, response.text().await?))
        };
        match tokio::time::timeout(HANDSHAKE, asked).await {
            Err(_) => Err(refused("Subscription validation request timed out.")),
            Ok(Ok((200, true, echo))) if echo == token => Ok(()),
            Ok(Ok((200, ..))) => Err(refused(
                "The server response does not match the expected token. The token must be sent as text/plain.",
            )),
            Ok(Ok(_) | Err(_)) => Err(refused(
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.",
            )),
        }
    }

    /// Sends a notification in the background, a few times if need be.
    pub(super) fn deliver(&self, address: &Url, body: &Value, delay: Duration, tally: &Arc<Tally>) {
        let (address, body, tally) = (address.clone(), body.to_string(), Arc::clone(tally));
        let Ok(client) = self.client() else { return };
        let closing = self.closing.clone();
        let sending = async move {
            tokio::time::sleep(delay).await;
            for pause in AGAIN.into_iter().map(Some).chain([None]) {
                let request =
                    client.post(address.clone()).header("content-type", "application/json").body(body.clone());
                let sent = tokio::time::timeout(NOTIFICATION, request.send()).await;
                if sent.is_ok_and(|sent| sent.is_ok_and(|response| response.status().is_success())) {
                    tally.delivered.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
            }
            tally.failed.fetch_add(1, Ordering::Relaxed);
        };
        tokio::spawn(async move { closing.run_until_cancelled(sending).await });
    }

    fn client(&self) -> Result<reqwest::Client, String> {
        let mut current = lock(&self.client);
        match &*current {
            Some(client) => Ok(client.clone()),
            None => Ok(current.insert(client("")?).clone()),
        }
    }
}

/// A client that trusts these authorities alone, uses no proxy and follows nobody.
pub(super) fn client(authorities: &str) -> Result<reqwest::Client, String> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        let authority = authority.map_err(|error| error.to_string())?;
        roots.add(authority).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| error.to_string())
}

fn refused(problem: &str) -> Refusal {
    Refusal::bad("ValidationError", problem)
}
