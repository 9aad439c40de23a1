//! The out-of-office monitor as its callers and its mediators see it.

mod access;
mod listener;
mod mediator;

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Answer, Gateway, Setup};

/// Somebody of the small world, who has a mailbox.
const NINA: &str = "nina@contoso.example";
/// Somebody else.
const HANNA: &str = "hanna@contoso.example";

/// A gateway with a monitor, which has these keys too.
fn monitored(keys: &str) -> Setup {
    let mut setup = Setup::new();
    let mut world: Value = serde_json::from_str(&setup.world).unwrap();
    let application = json!({
        "name": "settings", "client_id": "app-settings", "client_secret": "simulated-secret-of-settings",
        "roles": ["MailboxSettings.ReadWrite"],
    });
    world["tenants"][0]["applications"].as_array_mut().unwrap().push(application);
    setup.world = world.to_string();
    setup.credentials.push(("out_of_office_read", "settings"));
    setup.more = format!(
        "[store]\npath = \"monitor.sqlite\"\n[monitor]\nlisten = \"127.0.0.1:0\"\nmailboxes = [\"*@contoso.example\"]\n\
         default_domain = \"contoso.example\"\ninterval = \"1s\"\nlongest_interval = \"1s\"\n{keys}\n"
    );
    setup
}

/// A call of the monitor.
fn call(gateway: &Gateway, method: Method, path: &str) -> RequestBuilder {
    let address = gateway.app.monitor_address().unwrap();
    gateway.http.request(method, format!("http://{address}{path}"))
}

/// Sends it, and makes sure that the description knows such an answer to such a call.
async fn send(gateway: &Gateway, request: RequestBuilder) -> Answer {
    let request = request.build().unwrap();
    let (method, path) = (request.method().as_str().to_lowercase(), request.url().path().to_owned());
    let answer = gateway.read(gateway.http.execute(request).await.unwrap()).await;
    let content = answer.header("content-type").to_owned();
    assert!(!answer.body.contains('<') || content == "application/json", "{answer:?}");
    assert!(content == "application/json" || content.starts_with("text/plain") || answer.body.is_empty(), "{answer:?}");
    let route = if path.starts_with("/watches/") { "/watches/{address}" } else { &path };
    let described = &DESCRIPTION["paths"][route][&method]["responses"];
    if described.is_null() {
        assert!([401, 403, 404, 405, 429].contains(&answer.status), "{method} {path}: {answer:?}");
        assert!(answer.json()["result"].is_string());
        return answer;
    }
    let response = &described[answer.status.to_string()];
    let pointer = response["$ref"].as_str().map(|reference| reference.trim_start_matches('#'));
    let response = pointer.map_or(response, |pointer| DESCRIPTION.pointer(pointer).unwrap());
    assert!(response.is_object(), "{method} {path}: {answer:?} is not described");
    let schema = &response["content"]["application/json"]["schema"];
    if !schema.is_null() {
        check(schema, &answer.json());
    }
    answer
}

/// Posts an order to the monitor, as the mediator does; the status and the result or the text.
async fn order(gateway: &Gateway, body: impl Into<reqwest::Body>) -> (u16, String) {
    let answer = send(gateway, call(gateway, Method::POST, "/monitor").body(body)).await;
    let text = if answer.status == 200 { answer.body } else { answer.json()["result"].as_str().unwrap().to_owned() };
    (answer.status, text)
}

fn check(schema: &Value, body: &Value) {
    static COMPILED: LazyLock<Mutex<HashMap<String, jsonschema::Validator>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = compiled.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": DESCRIPTION["components"] });
        jsonschema::validator_for(&whole).unwrap()
    });
    let problems: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{body}");
}

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../src/server/monitor/openapi.json")).unwrap());
