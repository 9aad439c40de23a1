//! The identity service of a machine in Azure, which gives tokens to whatever runs on it.
//! Knows what a request needs; applications and tokens are others' work.
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use std::collections::HashMap;

use serde_json::json;

use super::error::Answer;
use super::request::Request;

/// Where it is.
pub(super) const PATH: &str = "/metadata/identity/oauth2/token";
/// The only version that is documented for tokens.
const VERSION: &str = "2018-02-01";

/// A request that is in order.
pub(super) struct Wanted {
    pub(super) resource: String,
    /// Needed only where the machine has several identities.
    pub(super) client_id: Option<String>,
}

/// Reads a request, which nobody but a program of this machine can have made: a header shows it.
///
/// # Errors
/// The refusal.
pub(super) fn read(request: &Request) -> Result<Wanted, Answer> {
    if request.method != "GET" {
        return Err(refusal(405, "method_not_allowed", "Only GET is allowed."));
    }
    if !request.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(refusal(400, "invalid_request", "Required metadata header not specified"));
    }
    if request.header("x-forwarded-for").is_some() {
        return Err(refusal(400, "invalid_request", "A request must not be forwarded"));
    }
    let query: HashMap<String, String> = url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    if query.get("api-version").is_none_or(|version| version != VERSION) {
        return Err(refusal(400, "invalid_request", "api-version is invalid or was not specified in the request"));
    }
    let Some(resource) = query.get("resource").filter(|resource| !resource.is_empty()) else {
        return Err(refusal(400, "invalid_request", "Required audience parameter not specified"));
    };
    let client_id = query.get("client_id").filter(|id| !id.is_empty()).cloned();
    Ok(Wanted { resource: resource.clone(), client_id })
}

/// Refuses in this service's shape, which is not Entra's.
pub(super) fn refusal(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, json!({ "error": error, "error_description": description }))
}
