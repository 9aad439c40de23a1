//! The Entra token endpoint (client credentials), the machine's one, and the check of their tokens.
//! Knows applications and secrets, `assertion.rs` what else they may show; nothing of calendars.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::assertion;
use super::denial::Denial;
use super::error::{Answer, Refusal};
use super::ids;
use super::machine::{self, Wanted};
use super::state::{State, Tenant};
use super::world::Application;

const GRAPH: &str = "https://graph.microsoft.com";
const GRAPH_ID: &str = "00000003-0000-0000-c000-000000000000";
/// A resource that every tenant has, too: its tokens are issued, but Graph refuses them.
const OUTLOOK: &str = "https://outlook.office365.com";
/// RFC 7523 §2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Signs tokens and checks them, with a key that lives as long as the process.
pub(super) struct Tokens {
    key: [u8; 32],
}

/// Who a token speaks for.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) tenant: String,
    pub(super) client_id: String,
    pub(super) roles: Vec<String>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self { key: rand::random() }
    }

    /// Serves `POST /{tenant}/oauth2/v2.0/token`. `origin` is accepted as Graph's resource as well.
    pub(super) fn issue(
        &self,
        state: &State,
        tenant: &str,
        basic: Option<&str>,
        form: &HashMap<String, String>,
        origin: &str,
        now: Timestamp,
    ) -> Result<Answer, Denial> {
        let found = find_tenant(state, tenant)?;
        match need(form, "grant_type")? {
            "client_credentials" => {}
            other => {
                let message = format!("The app requested an unsupported grant type '{other}'.");
                return Err(Denial::new(400, "unsupported_grant_type", 70003, message));
            }
        }
        let (client_id, secret) = credentials(basic, form)?;
        let application = find_application(&found.applications, &client_id, tenant)?;
        let resource = resource(need(form, "scope")?, origin)?;
        let proven = prove(application, secret.as_deref(), form, found, origin, now)?;
        let lifetime = state.token_lifetime_seconds;
        let token = self.sign(&claims(&found.id, application, &resource, proven, now, lifetime));
        let answer = json!({ "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token });
        Ok(Answer::json(200, answer).uncached())
    }

    /// Serves the machine's identity service, where it is clear which of its identities is meant.
    pub(super) fn issue_to_machine(&self, state: &State, wanted: &Wanted, origin: &str, now: Timestamp) -> Answer {
        let identities = state.tenants.iter().flat_map(|tenant| {
            let own = tenant.applications.iter().filter(|application| application.managed_identity);
            own.map(|application| (tenant.id.as_str(), application))
        });
        let named = |id: &str| wanted.client_id.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(id));
        let identities: Vec<_> = identities.filter(|(_, application)| named(&application.client_id)).collect();
        let (tenant, application) = match identities[..] {
            [one] => one,
            [] => return machine::refusal(400, "invalid_request", "Identity not found"),
            [_, _, ..] => {
                let message = "Multiple user assigned identities exist, please specify the clientId / resourceId of the \
                     identity in the token request";
                return machine::refusal(400, "invalid_request", message);
            }
        };
        let resource = wanted.resource.trim_end_matches('/');
        if !is_resource(resource, origin) {
            let message = format!(
                "AADSTS500011: The resource principal named {resource} was not found in the tenant named {tenant}."
            );
            return machine::refusal(400, "invalid_resource", &message);
        }
        let lifetime = state.token_lifetime_seconds;
        let token = self.sign(&claims(tenant, application, resource, CERTIFICATE, now, lifetime));
        // Numbers are texts here.
        let answer = json!({
            "access_token": token,
            "client_id": application.client_id,
            "expires_in": lifetime.to_string(),
            "expires_on": (now.as_second() + lifetime).to_string(),
            "ext_expires_in": lifetime.to_string(),
            "not_before": now.as_second().to_string(),
            "resource": wanted.resource,
            "token_type": "Bearer",
        });
        Answer::json(200, answer).uncached()
    }

    /// Checks the `Authorization` header of a Graph call.
    pub(super) fn verify(
        &self,
        state: &State,
        header: Option<&str>,
        origin: &str,
        now: Timestamp,
    ) -> Result<Identity, Refusal> {
        let token = header.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim).unwrap_or_default();
        if token.is_empty() {
            return Err(Refusal::unauthenticated("Access token is empty."));
        }
        let broken = || Refusal::unauthenticated("CompactToken parsing failed with error code: 80049217");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(broken)?;
        let (_, payload) = signed.split_once('.').ok_or_else(broken)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| broken())?;
        if !bool::from(self.mac(signed).ct_eq(&signature)) {
            return Err(Refusal::unauthenticated("Access token validation failure. Invalid signature."));
        }
        let claims =
            URL_SAFE_NO_PAD.decode(payload).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let claims = claims.ok_or_else(broken)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if claims.get("exp").and_then(Value::as_i64).unwrap_or_default() <= now.as_second() {
            return Err(Refusal::unauthenticated("Lifetime validation failed, the token is expired."));
        }
        if ![GRAPH, GRAPH_ID, origin].contains(&text("aud").as_str()) {
            return Err(Refusal::unauthenticated("Access token validation failure. Invalid audience."));
        }
        if !state.tenants.iter().any(|tenant| tenant.id == text("tid")) {
            return Err(Refusal::unauthenticated("Access token validation failure. Unknown tenant."));
        }
        let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
        let roles = roles.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Identity { tenant: text("tid"), client_id: text("appid"), roles })
    }

    fn sign(&self, claims: &Value) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256","kid":"simulator"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&signed));
        format!("{signed}.{signature}")
    }

    fn mac(&self, text: &str) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

/// What a token says. `proven` is how the application showed who it is.
fn claims(
    tenant: &str,
    application: &Application,
    resource: &str,
    proven: &str,
    now: Timestamp,
    lifetime: i64,
) -> Value {
    let object = ids::guid(&format!("service principal of {}", application.client_id)).to_string();
    let seconds = now.as_second();
    let mut claims = json!({
        "aud": resource,
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": seconds,
        "nbf": seconds,
        "exp": (now + SignedDuration::from_secs(lifetime)).as_second(),
        "app_displayname": application.name,
        "appid": application.client_id,
        "appidacr": proven,
        "idtyp": "app",
        "oid": object,
        "sub": object,
        "tid": tenant,
        "uti": uuid::Uuid::new_v4().simple().to_string(),
        "ver": "1.0",
    });
    // An application without consented roles gets a token without the claim, not an empty one.
    if let (false, Some(fields)) = (application.roles.is_empty(), claims.as_object_mut()) {
        fields.insert("roles".to_owned(), json!(application.roles));
    }
    claims
}

fn find_tenant<'a>(state: &'a State, name: &str) -> Result<&'a Tenant, Denial> {
    let name = name.to_lowercase();
    let found = state.tenants.iter().find(|tenant| tenant.id == name || tenant.domains.contains(&name));
    if let Some(tenant) = found {
        return Ok(tenant);
    }
    if uuid::Uuid::parse_str(&name).is_err() && !name.contains('.') {
        let message =
            format!("Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external domain.");
        return Err(Denial::new(400, "invalid_request", 900_023, message));
    }
    let message = format!(
        "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
    );
    Err(Denial::new(400, "invalid_request", 90002, message))
}

fn need<'a>(form: &'a HashMap<String, String>, name: &str) -> Result<&'a str, Denial> {
    form.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
        let message = format!("The request body must contain the following parameter: '{name}'.");
        Denial::new(400, "invalid_request", 900_144, message)
    })
}

/// Client id and secret, from the form or from HTTP Basic (whose parts are form-encoded, RFC 6749 §2.3.1).
fn credentials(basic: Option<&str>, form: &HashMap<String, String>) -> Result<(String, Option<String>), Denial> {
    let decoded = basic
        .and_then(|header| STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((id, secret)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) {
        let plain = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        return Ok((plain(id), Some(plain(secret))));
    }
    Ok((need(form, "client_id")?.to_owned(), form.get("client_secret").cloned()))
}

fn find_application<'a>(all: &'a [Application], id: &str, tenant: &str) -> Result<&'a Application, Denial> {
    all.iter().find(|application| application.client_id.eq_ignore_ascii_case(id)).ok_or_else(|| {
        let message = format!(
            "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
        );
        Denial::new(400, "unauthorized_client", 700_016, message)
    })
}

fn resource(scope: &str, origin: &str) -> Result<String, Denial> {
    if scope.split_whitespace().count() != 1 {
        let message =
            format!("The provided request must include a 'scope' input parameter. The scope '{scope}' is not valid.");
        return Err(Denial::new(400, "invalid_scope", 70011, message));
    }
    let Some(resource) = scope.strip_suffix("/.default") else {
        let message = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        return Err(Denial::new(400, "invalid_scope", 1_002_012, message));
    };
    let resource = resource.trim_end_matches('/');
    if is_resource(resource, origin) {
        return Ok(resource.to_owned());
    }
    let message = format!("The resource principal named {resource} was not found in the tenant.");
    Err(Denial::new(400, "invalid_resource", 500_011, message))
}

fn is_resource(name: &str, origin: &str) -> bool {
    [GRAPH, GRAPH_ID, OUTLOOK, origin].contains(&name)
}

/// Checks what an application shows of itself, and gives its kind.
fn prove(
    application: &Application,
    secret: Option<&str>,
    form: &HashMap<String, String>,
    tenant: &Tenant,
    origin: &str,
    now: Timestamp,
) -> Result<&'static str, Denial> {
    if let Some(shown) = form.get("client_assertion") {
        if need(form, "client_assertion_type")? != JWT_BEARER {
            let message = format!("The 'client_assertion_type' must be '{JWT_BEARER}'.");
            return Err(Denial::new(400, "invalid_request", 9_002_313, message));
        }
        assertion::check(application, shown, tenant, origin, now)?;
        return Ok(CERTIFICATE);
    }
    let id = &application.client_id;
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        let problem =
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.";
        return Err(Denial::client(7_000_216, problem));
    };
    if !bool::from(secret.as_bytes().ct_eq(application.client_secret.as_bytes())) {
        let problem = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{id}'."
        );
        return Err(Denial::client(7_000_215, problem));
    }
    if application.secret_expires.is_some_and(|expiry| expiry.0 <= now) {
        let problem = format!("The provided client secret keys for app '{id}' are expired.");
        return Err(Denial::client(7_000_222, problem));
    }
    Ok(SECRET)
}

/// Values of `appidacr`.
const SECRET: &str = "1";
const CERTIFICATE: &str = "2";
