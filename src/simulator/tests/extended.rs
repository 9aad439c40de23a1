//! Extended properties: written, not echoed, expanded, filtered, removed, hidden.

use serde_json::{Value, json};

use super::{Running, small, start};

const ANNA: &str = "/v1.0/users/anna@t.example/events";
const SET: &str = "{66f5a359-4659-4830-9070-00047ec6ac6e}";

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn expand(ids: &[&str]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("id eq '{id}'")).collect();
    encoded(&format!("singleValueExtendedProperties($filter={})", ids.join(" or ")))
}

async fn add(running: &Running, subject: &str, more: Value) -> Value {
    running.add("anna@t.example", subject, "2026-11-24T10:00:00", "2026-11-24T11:00:00", more).await
}

#[tokio::test]
async fn they_are_given_to_those_who_ask_for_them_alone() {
    let running = start(&small()).await;
    let event = add(
        &running,
        "A",
        json!({
            "singleValueExtendedProperties": [
                { "id": format!("String {} Name Colour", SET.to_uppercase()), "value": "It's red" },
                { "id": format!("Integer {SET} Id 0x8216"), "value": "5" },
                { "id": "String 0x0036", "value": "private" },
            ],
            "multiValueExtendedProperties": [{ "id": format!("StringArray {SET} Name Palette"), "value": ["a", "b"] }],
        }),
    )
    .await;
    assert!(
        event.get("singleValueExtendedProperties").is_none() && event.get("multiValueExtendedProperties").is_none()
    );
    let path = format!("{ANNA}/{}", event["id"].as_str().unwrap());
    assert!(running.get(&path).await.expect(200).get("singleValueExtendedProperties").is_none());
    let names = [format!("string {SET} Name Colour"), format!("integer {} id 0X8216", SET.to_uppercase())];
    let wanted = expand(&[&names[0], &names[1], "String 0x37"]);
    let found = json!([
        { "id": format!("Integer {SET} Id 0x8216"), "value": "5" },
        { "id": format!("String {SET} Name Colour"), "value": "It's red" },
    ]);
    let window = "startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z";
    let both = format!(
        "{wanted},{}",
        encoded(&format!("multiValueExtendedProperties($filter=id eq 'StringArray {SET} Name Palette')"))
    );
    let shown = running.get(&format!("{path}?$expand={both}&$select=subject")).await.expect(200);
    assert_eq!(shown["singleValueExtendedProperties"], found);
    assert_eq!(shown["multiValueExtendedProperties"][0]["value"], json!(["a", "b"]));
    assert!(shown.get("start").is_none());
    for collection in [
        format!("{ANNA}?$expand={wanted}"),
        format!("/v1.0/users/anna@t.example/calendarView?{window}&$expand={wanted}"),
    ] {
        let shown = running.get(&collection).await.expect(200);
        assert_eq!(shown["value"][0]["singleValueExtendedProperties"], found, "{collection}");
    }
    let none = running.get(&format!("{path}?$expand={}", expand(&["String 0x37"]))).await.expect(200);
    assert!(none.get("singleValueExtendedProperties").is_none());
    assert_eq!(running.get(&format!("{path}?$expand=singleValueExtendedProperties")).await.status, 400);
    assert_eq!(running.get(&format!("{path}?$expand=attachments")).await.status, 400);
}

#[tokio::test]
async fn a_patch_sets_replaces_and_removes() {
    let running = start(&small()).await;
    let value = |id: &str, value: Value| json!({ "singleValueExtendedProperties": [{ "id": id, "value": value }] });
    let event = add(&running, "A", value("String 0x36", json!("one"))).await;
    let path = format!("{ANNA}/{}", event["id"].as_str().unwrap());
    let of = async |id: &str| {
        let shown = running.get(&format!("{path}?$expand={}", expand(&[id]))).await.expect(200);
        shown["singleValueExtendedProperties"][0]["value"].as_str().map(str::to_owned)
    };
    for (id, given, expected) in [
        ("STRING 0x036", json!("two"), Some("two")),
        ("String 0x36", json!(null), None),
        ("String 0x36", json!("three"), Some("three")),
        ("String 0x36", json!(""), None),
    ] {
        let changed = running.send("PATCH", &path, &[], Some(&value(id, given))).await.expect(200);
        assert!(changed.get("singleValueExtendedProperties").is_none());
        assert_eq!(of("String 0x36").await.as_deref(), expected);
    }
    for wrong in [value("Text 0x36", json!("x")), value("Integer 0x36", json!("x")), value("String 0x36", json!(1))] {
        assert_eq!(running.send("PATCH", &path, &[], Some(&wrong)).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn events_are_found_by_them() {
    let running = start(&small()).await;
    let id = format!("String {SET} Name Intent");
    for (subject, value) in [("A", "first"), ("B", "second")] {
        add(&running, subject, json!({ "singleValueExtendedProperties": [{ "id": id, "value": value }] })).await;
    }
    add(&running, "C", json!({})).await;
    let find = async |filter: &str| {
        let found = running.get(&format!("{ANNA}?$filter={}&$orderby=subject", encoded(filter))).await.expect(200);
        let subjects = found["value"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap().to_owned());
        subjects.collect::<Vec<_>>().concat()
    };
    let any = |test: &str| format!("singleValueExtendedProperties/any(ep: ep/id eq '{id}' and {test})");
    assert_eq!(find(&any("ep/value eq 'SECOND'")).await, "B");
    assert_eq!(find(&any("ep/value ne null")).await, "AB");
    assert_eq!(find(&any("startswith(ep/value, 'f')")).await, "A");
    assert_eq!(find(&any("ep/value eq 'first'").replace("any(", "Any(")).await, "A");
    assert_eq!(find(&format!("subject eq 'B' and {}", any("ep/value eq 'first'"))).await, "");
}

#[tokio::test]
async fn basic_readers_do_not_see_them() {
    let mut running = start(&small()).await;
    let event =
        add(&running, "A", json!({ "singleValueExtendedProperties": [{ "id": "String 0x36", "value": "x" }] })).await;
    running.token = running.token_of("app-basic").await;
    let path = format!("{ANNA}/{}?$expand={}", event["id"].as_str().unwrap(), expand(&["String 0x36"]));
    assert!(running.get(&path).await.expect(200).get("singleValueExtendedProperties").is_none());
    let filter = encoded("singleValueExtendedProperties/any(ep: ep/id eq 'String 0x36' and ep/value eq 'x')");
    assert_eq!(running.get(&format!("{ANNA}?$filter={filter}")).await.refusal(), (403, "ErrorAccessDenied"));
}

#[tokio::test]
async fn they_stay_in_their_calendar_and_on_their_occurrence() {
    let running = start(&small()).await;
    let more = json!({ "singleValueExtendedProperties": [{ "id": "String 0x36", "value": "x" }],
        "attendees": [{ "emailAddress": { "address": "bob@t.example" } }] });
    add(&running, "A", more).await;
    let bobs = running
        .get(&format!("/v1.0/users/bob@t.example/events?$expand={}", expand(&["String 0x36"])))
        .await
        .expect(200);
    assert_eq!(bobs["value"][0]["subject"], "A");
    assert!(bobs["value"][0].get("singleValueExtendedProperties").is_none());
}
