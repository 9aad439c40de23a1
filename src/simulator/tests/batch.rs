//! `$batch`: items with answers of their own.

use serde_json::{Value, json};

use super::{small, start};

fn item(answer: &Value, id: &str) -> Value {
    let found = answer["responses"].as_array().unwrap().iter().find(|response| response["id"] == id);
    found.unwrap_or_else(|| panic!("no answer to {id}: {answer}")).clone()
}

#[tokio::test]
async fn each_item_is_answered_throttled_and_faulted_by_itself() {
    let running = start(&small()).await;
    running.fault(json!({ "call": "calendarView", "mailbox": "bob@t.example", "status": 429, "retry_after": 5 })).await;
    let view = |who: &str| {
        format!(
            "/users/{who}@t.example/calendarView?startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z"
        )
    };
    let answer = running.post("/v1.0/$batch", &json!({ "requests": [
        { "id": "1", "method": "GET", "url": view("anna"), "headers": { "Prefer": "outlook.timezone=\"UTC\"" } },
        { "id": "2", "method": "GET", "url": view("bob") },
        { "id": "3", "method": "GET", "url": view("nobody") },
        { "id": "4", "method": "POST", "url": "/users/anna@t.example/events", "headers": { "Content-Type": "application/json" },
          "body": { "start": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } } },
    ]})).await.expect(200);
    let statuses = ["1", "2", "3", "4"].map(|id| item(&answer, id)["status"].as_u64().unwrap());
    assert_eq!(statuses, [200, 429, 404, 201]);
    assert_eq!(item(&answer, "2")["headers"]["Retry-After"], "5");
    assert_eq!(item(&answer, "3")["body"]["error"]["code"], "ErrorInvalidUser");
    assert_eq!(item(&answer, "1")["headers"]["Preference-Applied"], "outlook.timezone=\"UTC\"");
    assert_eq!(running.ledger().await["counts"]["calendarView"], 3);
}

#[tokio::test]
async fn what_depends_on_a_failure_fails() {
    let running = start(&small()).await;
    let answer = running
        .post(
            "/v1.0/$batch",
            &json!({ "requests": [
                { "id": "a", "method": "GET", "url": "/users/nobody@t.example" },
                { "id": "b", "method": "GET", "url": "/users/anna@t.example", "dependsOn": ["A"] },
                { "id": "c", "method": "GET", "url": "/users/anna@t.example" },
                { "id": "d", "method": "GET", "url": "/users/bob@t.example", "dependsOn": ["c"] },
            ]}),
        )
        .await
        .expect(200);
    let statuses = ["a", "b", "c", "d"].map(|id| item(&answer, id)["status"].as_u64().unwrap());
    assert_eq!(statuses, [404, 424, 200, 200]);
}

#[tokio::test]
async fn malformed_batches_are_refused_whole() {
    let running = start(&small()).await;
    let get = |id: &str| json!({ "id": id, "method": "GET", "url": "/users" });
    let many: Vec<_> = (0..21).map(|id| get(&id.to_string())).collect();
    for wrong in [
        json!({ "requests": many }),
        json!({ "requests": [] }),
        json!({ "requests": [get("a"), get("A")] }),
        json!({ "requests": [{ "id": "1", "method": "GET" }] }),
        json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"] }] }),
        json!({ "requests": [{ "id": "1", "method": "POST", "url": "/users/a/events", "body": {} }] }),
        json!({ "requests": [get("1")], "more": 1 }),
    ] {
        assert_eq!(running.post("/v1.0/$batch", &wrong).await.status, 400, "{wrong}");
    }
}
