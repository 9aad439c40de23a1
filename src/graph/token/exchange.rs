//! One token: from Microsoft Entra for whatever a credential has to show, or from the machine that the gateway runs on.
//!
//! Owns the client-credentials grant (RFC 6749 §4.4,
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>), the managed identity
//! (<https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>) and what
//! refusals mean. Must not know when tokens are asked for.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::DATE;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::failure::Failure;
use crate::graph::http::{Cut, Http, read};
use crate::graph::proof::{Showing, Shown, show};
use crate::tenant::{Cloud, Credential, Proof};

/// Entra's passing troubles (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
const PASSING: [u32; 4] = [90033, 90006, 50033, 90024];
/// Entra does not know the certificate, or knows that its time is over.
const UNKNOWN_CERTIFICATE: u32 = 700_027;
/// RFC 7523 §2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where tokens of a tenant come from.
pub(in crate::graph) struct Exchange {
    id: String,
    url: Url,
    resource: Url,
    http: Arc<Http>,
    clock: fn() -> Timestamp,
    heard: Arc<Heard>,
}

/// A token.
pub(super) struct Issued {
    pub(super) secret: SecretString,
    pub(super) life: Option<Duration>,
}

/// What came of asking.
pub(super) struct Answer {
    pub(super) issued: Result<Issued, Refused>,
    /// When what was shown last expires, as far as that is known.
    pub(super) proof_expires: Option<Timestamp>,
    /// The certificates that were shown and not known.
    pub(super) unknown: Vec<String>,
}

/// Why there is no token, with Entra's words.
#[derive(Clone, Debug)]
pub(in crate::graph) struct Refused {
    pub(in crate::graph) failure: Failure,
    /// Entra's number for it, without `AADSTS`
    /// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
    pub(in crate::graph) code: Option<u32>,
    pub(in crate::graph) told: Arc<str>,
}

impl Exchange {
    /// # Errors
    /// A text for the operator when the login address is unusable.
    pub(in crate::graph) fn new(
        id: &str,
        cloud: &Cloud,
        http: Arc<Http>,
        clock: fn() -> Timestamp,
    ) -> Result<Self, String> {
        let mut url = cloud.login.clone();
        url.path_segments_mut()
            .map_err(|()| format!("{} cannot be a login address", cloud.login))?
            .pop_if_empty()
            .extend([id, "oauth2", "v2.0", "token"]);
        let heard = Arc::new(Heard { status: AtomicU16::new(0), skew: Mutex::default(), clock });
        Ok(Self { id: id.to_owned(), url, resource: cloud.resource.clone(), http, clock, heard })
    }

    /// The tenant and the resource that tokens are asked for.
    pub(super) fn asks_for(&self) -> (&str, String) {
        (&self.id, self.resource.origin().ascii_serialization())
    }

    /// How far Entra's clock is ahead of ours, by its last answer.
    pub(super) fn skew(&self) -> Option<SignedDuration> {
        *self.heard.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether Entra answers at all; shows it nothing.
    ///
    /// # Errors
    /// A text for the operator.
    pub(super) async fn reach(&self) -> Result<u16, String> {
        let sent = self.http.client().get(self.url.clone()).send().await;
        sent.map(|response| response.status().as_u16()).map_err(|error| Cut::from(error).to_string())
    }

    /// Asks for a token.
    pub(super) async fn ask(&self, credential: &Credential) -> Answer {
        if let Proof::ManagedIdentity { endpoint } = &credential.proof {
            let issued = self.ask_machine(endpoint, &credential.client_id).await;
            return Answer { issued, proof_expires: None, unknown: Vec::new() };
        }
        let now = (self.clock)();
        let showings = match show(&credential.proof, &credential.client_id, &self.url, now) {
            Ok(showings) => showings,
            Err(problem) => return Answer::nothing(unshown(problem)),
        };
        let mut answer = Answer::nothing(unshown("there is nothing to show".to_owned()));
        for Showing { shown, name, expires } in showings {
            answer.issued = self.ask_entra(&credential.client_id, &shown).await;
            answer.proof_expires = expires;
            // Not registered yet, or not any more: the other one may be.
            if answer.issued.as_ref().err().and_then(|refused| refused.code) != Some(UNKNOWN_CERTIFICATE) {
                break;
            }
            answer.unknown.push(name);
        }
        answer
    }

    async fn ask_entra(&self, client_id: &str, shown: &Shown) -> Result<Issued, Refused> {
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.url.clone()));
        let client = match shown {
            Shown::Secret(secret) => client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
            Shown::Assertion(_) => client,
        };
        let sender = |request| send(Arc::clone(&self.http), request, Arc::clone(&self.heard));
        let scope = Scope::new(format!("{}/.default", self.resource.origin().ascii_serialization()));
        let request = client.exchange_client_credentials().add_scope(scope);
        let request = match shown {
            Shown::Secret(_) => request,
            Shown::Assertion(assertion) => request
                .add_extra_param("client_assertion_type", JWT_BEARER)
                .add_extra_param("client_assertion", assertion.expose_secret().to_owned()),
        };
        let answer =
            request.request_async(&sender).await.map_err(|error| refused(&error, self.heard.status.load(Relaxed)))?;
        let secret = SecretString::from(answer.access_token().secret().as_str());
        Ok(Issued { secret, life: answer.expires_in() })
    }

    /// The machine's identity service: plain HTTP that never leaves the machine.
    async fn ask_machine(&self, endpoint: &Url, client_id: &str) -> Result<Issued, Refused> {
        let mut url = endpoint.clone();
        url.set_path("metadata/identity/oauth2/token");
        let resource = format!("{}/", self.resource.origin().ascii_serialization());
        url.query_pairs_mut()
            .append_pair("api-version", "2018-02-01")
            .append_pair("resource", &resource)
            .append_pair("client_id", client_id);
        let client = self.http.direct().map_err(unavailable)?;
        let response = client.get(url).header("metadata", "true").send().await;
        let response = response.map_err(|error| unavailable(Cut::from(error).to_string()))?;
        let status = response.status().as_u16();
        let body = read(response).await.map_err(|cut| unavailable(cut.to_string()))?;
        if status == 200 {
            let told: MachineToken = serde_json::from_slice(&body)
                .map_err(|_| unavailable("the machine's identity service gave no token answer".to_owned()))?;
            let life = told.expires_in.parse().ok().map(Duration::from_secs);
            return Ok(Issued { secret: told.access_token, life });
        }
        let told: Option<MachineError> = serde_json::from_slice(&body).ok();
        let text = told.map_or_else(String::new, |told| format!(" {}: {}", told.error, told.error_description));
        let text = format!("HTTP {status} from the machine's identity service{text}");
        // 404 and 410 while it is set up, 429 when it is asked too often.
        let passing = matches!(status, 404 | 410 | 429) || status >= 500;
        let failure = if passing { Failure::Unavailable } else { Failure::CredentialRefused };
        Err(Refused::new(failure, text))
    }
}

impl Answer {
    pub(super) fn nothing(refused: Refused) -> Self {
        Self { issued: Err(refused), proof_expires: None, unknown: Vec::new() }
    }
}

impl Refused {
    /// One without a number of Entra's.
    pub(super) fn new(failure: Failure, told: impl Into<Arc<str>>) -> Self {
        Self { failure, code: None, told: told.into() }
    }
}

/// What is noted of answers besides what they say.
struct Heard {
    status: AtomicU16,
    skew: Mutex<Option<SignedDuration>>,
    clock: fn() -> Timestamp,
}

impl Heard {
    fn note(&self, response: &reqwest::Response) {
        self.status.store(response.status().as_u16(), Relaxed);
        let skew = date(response.headers()).map(|date| date.duration_since((self.clock)()));
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner) = skew;
    }
}

/// When an answer was made, by its sender's clock (RFC 9110 §6.6.1).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

/// Numbers come as strings.
#[derive(Deserialize)]
struct MachineToken {
    access_token: SecretString,
    expires_in: String,
}

#[derive(Deserialize)]
struct MachineError {
    error: String,
    #[serde(default)]
    error_description: String,
}

fn unavailable(told: String) -> Refused {
    Refused::new(Failure::Unavailable, told)
}

/// There is nothing to show to Entra: only an operator can help, and a file may be put right at any time.
fn unshown(told: String) -> Refused {
    Refused::new(Failure::CredentialRefused, told)
}

/// The bridge from `oauth2` to our connection; notes what `oauth2` does not tell.
async fn send(http: Arc<Http>, request: HttpRequest, heard: Arc<Heard>) -> Result<HttpResponse, Cut> {
    let response = http.client().execute(reqwest::Request::try_from(request)?).await?;
    heard.note(&response);
    let (code, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(read(response).await?);
    *answer.status_mut() = code;
    *answer.headers_mut() = headers;
    Ok(answer)
}

/// Sorts Entra's refusals from its passing troubles.
fn refused(error: &RequestTokenError<Cut, BasicErrorResponse>, status: u16) -> Refused {
    match error {
        RequestTokenError::ServerResponse(response) => {
            let text = response.error_description().map_or("", String::as_str);
            let text = text.lines().next().unwrap_or_default();
            let code = code(text);
            let passing = status == 429
                || status >= 500
                || code.is_some_and(|code| PASSING.contains(&code))
                || matches!(response.error(), BasicErrorResponseType::Extension(code)
                    if code == "temporarily_unavailable" || code == "server_error");
            let failure = if passing { Failure::Unavailable } else { Failure::CredentialRefused };
            Refused { failure, code, told: format!("{}: {text}", response.error()).into() }
        }
        RequestTokenError::Request(cut) => unavailable(cut.to_string()),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            unavailable(format!("HTTP {status} without a token answer"))
        }
    }
}

/// The number that Entra's descriptions begin with.
fn code(description: &str) -> Option<u32> {
    description.strip_prefix("AADSTS")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
