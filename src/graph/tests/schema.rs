//! What is sent, and what the fixtures hold, against the machine-readable schema of Graph's slice.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::calendar::Capability::{CalendarRead, FreeBusy};
use crate::graph::stub::{Reply, Stub, credential, journal, permitted, wednesday, window};
use crate::graph::{Detail, Settings};

/// The schema lies beside the project; where it does not, the test says so and proves nothing.
fn schema() -> Option<Value> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    #[allow(clippy::disallowed_methods, reason = "tests may ask where the schema lies")]
    let shared = std::env::var_os("CALENDAR_RELAY_SHARED").map_or_else(beside, PathBuf::from);
    let file = shared.join("schemas/graph/graph-calendar.strict.schema.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("SKIPPED: no schema at {}; set CALENDAR_RELAY_SHARED", file.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn problems(schema: &Value, part: &str, instance: &Value) -> Vec<String> {
    let mut schema = schema.clone();
    schema["$ref"] = json!(format!("#/$defs/{part}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[tokio::test]
async fn requests_are_what_graph_defines() {
    let Some(schema) = schema() else { return };
    let stub = Stub::start(|seen| {
        let ids = seen.body["requests"].as_array()?.iter();
        let answer = |id: &Value| json!({"id": id["id"], "status": 200, "body": {"value": []}});
        Some(Reply::json(200, &json!({"responses": ids.map(answer).collect::<Vec<_>>()})))
    })
    .await;
    let graphs = stub.graphs(vec![credential(&[FreeBusy]), credential(&[CalendarRead])], Settings::default());
    let asked = permitted(&["a@example.com", "b@example.com"]);
    let short = window("2026-11-18T09:00:00.5Z", "2026-11-18T09:20:00Z");
    for window in [wednesday(), short] {
        graphs.free_busy(&asked, window, Detail::Full, &journal()).await;
    }
    let calls = stub.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        let part = if call.is_schedule() { "calendar.getSchedule.request" } else { "batch.request" };
        assert_eq!(problems(&schema, part, &call.body), Vec::<String>::new(), "{part}");
        assert_eq!(call.headers["authorization"], "Bearer T");
        assert_eq!(call.headers["prefer"], "outlook.timezone=\"UTC\"");
        assert!(call.headers["user-agent"].to_str().unwrap().starts_with("calendar-relay/"));
        assert!(call.headers.contains_key("client-request-id"));
    }
    let wrong = json!({"schedules": ["a@example.com"], "startTime": {}, "endTime": {}, "invented": 1});
    assert!(!problems(&schema, "calendar.getSchedule.request", &wrong).is_empty(), "the schema can refuse");
}

#[test]
fn fixtures_are_what_graph_answers() {
    let Some(schema) = schema() else { return };
    let fixtures = [
        ("calendar.getSchedule.response.200", include_str!("../../../fixtures/graph/get_schedule/kinds.json")),
        ("batch.response.200", include_str!("../../../fixtures/graph/calendar_view/batch.json")),
    ];
    for (part, text) in fixtures {
        let mut instance: Value = serde_json::from_str(text).unwrap();
        if part.starts_with("calendar.") {
            // Graph's enums are canonical in the schema; the gateway must take them in any case.
            instance["value"][0]["scheduleItems"][0]["status"] = json!("busy");
        }
        assert_eq!(problems(&schema, part, &instance), Vec::<String>::new(), "{part}");
    }
}
