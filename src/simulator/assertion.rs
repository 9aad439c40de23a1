//! Client assertions: JWTs that show who an application is, signed by itself or by somebody whom it trusts to say so.
//! Knows what is registered, and verifies truly; nothing of requests.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>,
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::denial::Denial;
use super::state::Tenant;
use super::world::Application;

/// By how much clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A JWT taken apart and not yet believed.
struct Jwt<'a> {
    signed: &'a str,
    signature: &'a str,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

/// Checks an assertion that came to a tenant's token endpoint at `origin`. One that names a certificate is the
/// application's own; any other one is somebody else's.
pub(super) fn check(
    application: &Application,
    assertion: &str,
    tenant: &Tenant,
    origin: &str,
    now: Timestamp,
) -> Result<(), Denial> {
    let jwt = Jwt::parse(assertion).ok_or_else(|| malformed("JWT token is invalid or malformed."))?;
    let is_own = jwt.header.contains_key("x5t#S256") || jwt.header.contains_key("x5t");
    if is_own || application.federated.is_empty() {
        own(application, &jwt, tenant, origin, now)
    } else {
        federated(application, &jwt, now)
    }
}

/// Signed with the key of a registered certificate.
fn own(application: &Application, jwt: &Jwt<'_>, tenant: &Tenant, origin: &str, now: Timestamp) -> Result<(), Denial> {
    let algorithm = match jwt.header("alg") {
        "PS256" => Algorithm::PS256,
        "RS256" => Algorithm::RS256,
        other => return Err(malformed(&format!("The algorithm '{other}' in the token header is not supported."))),
    };
    if jwt.header.get("typ").and_then(Value::as_str).is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) {
        return Err(malformed("The type in the token header is not JWT."));
    }
    let (sha256, sha1) = (jwt.header("x5t#S256"), jwt.header("x5t"));
    if sha256.is_empty() && sha1.is_empty() {
        return Err(malformed("No certificate thumbprint specified in token header."));
    }
    let mut known = application.certificates.iter().map(|certificate| &certificate.0);
    let found = known.find(|one| if sha256.is_empty() { one.sha1 == sha1 } else { one.sha256 == sha256 });
    let thumbprint = if sha256.is_empty() { sha1 } else { sha256 };
    let unsigned = |reason: &str| {
        let id = &application.client_id;
        let message = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, Graph \
             Explorer or directly use MS Graph to see configured keys for app Id '{id}'.]"
        );
        Denial::client(700_027, message)
    };
    let certificate = found.ok_or_else(|| unsigned("The key was not found."))?;
    if !jwt.is_signed_by(&certificate.key, algorithm) {
        return Err(unsigned("The provided signature value did not match the expected signature value."));
    }
    if now < certificate.not_before {
        return Err(unsigned("The key used is not yet valid."));
    }
    if now >= certificate.not_after {
        return Err(unsigned("The key used is expired."));
    }
    if !is_token_url(jwt.claim("aud"), tenant, origin) {
        let message = "Client assertion audience claim does not match Realm issuer.";
        return Err(Denial::client(700_023, message));
    }
    let id = &application.client_id;
    if ["iss", "sub"].into_iter().any(|claim| !jwt.claim(claim).eq_ignore_ascii_case(id)) {
        let message = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(Denial::client(700_021, message));
    }
    if jwt.claim("jti").is_empty() {
        return Err(malformed("The token has no 'jti' claim."));
    }
    jwt.check_time(now)
}

/// Somebody else's token, who is trusted to speak for this application. Names are compared letter by letter.
fn federated(application: &Application, jwt: &Jwt<'_>, now: Timestamp) -> Result<(), Denial> {
    let (issuer, subject, audience) = (jwt.claim("iss"), jwt.claim("sub"), jwt.claim("aud"));
    let unmatched = |code: u32, what: &str, value: &str| {
        let message = format!(
            "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated \
             identity credential Subject, Audience and Issuer against the presented assertion. \
             https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
        );
        Denial::client(code, message)
    };
    let mut matching: Vec<_> = application.federated.iter().filter(|trust| trust.issuer == issuer).collect();
    if matching.is_empty() {
        return Err(unmatched(700_211, "issuer", issuer));
    }
    matching.retain(|trust| trust.subject == subject);
    if matching.is_empty() {
        return Err(unmatched(700_213, "subject", subject));
    }
    matching.retain(|trust| trust.audience == audience);
    if matching.is_empty() {
        return Err(unmatched(700_212, "audience", audience));
    }
    // External tokens are RS256, whatever their header says.
    let is_signed = |key: &DecodingKey| jwt.header("alg") == "RS256" && jwt.is_signed_by(key, Algorithm::RS256);
    if !matching.iter().any(|trust| is_signed(&trust.key.0.0)) {
        let message = "Client assertion contains an invalid signature. [Reason - The key was not found.]";
        return Err(Denial::client(700_027, message));
    }
    jwt.check_time(now)
}

/// Whether an audience is the token URL of a tenant, by its id or by one of its domains.
fn is_token_url(audience: &str, tenant: &Tenant, origin: &str) -> bool {
    let rest = audience.strip_prefix(origin).and_then(|rest| rest.strip_prefix('/'));
    let named = rest.and_then(|rest| rest.strip_suffix("/oauth2/v2.0/token")).unwrap_or_default().to_lowercase();
    tenant.id.eq_ignore_ascii_case(&named) || tenant.domains.contains(&named)
}

fn malformed(problem: &str) -> Denial {
    Denial::client(50027, format!("Invalid JWT token. {problem}"))
}

impl<'a> Jwt<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
        };
        Some(Self { signed, signature, header: object(header)?, claims: object(claims)? })
    }

    fn header(&self, name: &str) -> &str {
        self.header.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A claim's text. An audience may be a list of one.
    fn claim(&self, name: &str) -> &str {
        let value = match self.claims.get(name) {
            Some(Value::Array(all)) if all.len() == 1 => all.first(),
            value => value,
        };
        value.and_then(Value::as_str).unwrap_or_default()
    }

    fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        crypto::verify(self.signature, self.signed.as_bytes(), key, algorithm).unwrap_or(false)
    }

    /// Whether it holds now. Without a beginning it always has; without an end it has none of a lifetime.
    fn check_time(&self, now: Timestamp) -> Result<(), Denial> {
        let second = |name: &str| {
            let seconds = self.claims.get(name).and_then(Value::as_f64);
            // Fractions of a second are nobody's concern.
            #[expect(clippy::cast_possible_truncation, reason = "NumericDate, RFC 7519")]
            seconds.and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
        };
        let from = second("nbf").unwrap_or(Timestamp::UNIX_EPOCH);
        let to = second("exp").ok_or_else(|| malformed("The token has no 'exp' claim."))?;
        if from.saturating_sub(SKEW).is_ok_and(|from| from <= now) && to.saturating_add(SKEW).is_ok_and(|to| now < to) {
            return Ok(());
        }
        let message = format!(
            "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, \
             expiry time of assertion {to}."
        );
        Err(Denial::client(700_024, message))
    }
}
