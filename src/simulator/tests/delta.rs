//! calendarView/delta: rounds, pages, what is removed, and tokens that are gone.

use serde_json::{Value, json};

use super::{Running, small, start, weekly};

const ANNA: &str = "/v1.0/users/anna@t.example/events";
const DELTA: &str = "/v1.0/users/anna@t.example/calendarView/delta";
const WINDOW: &str = "startDateTime=2026-11-02T00:00:00Z&endDateTime=2026-11-24T00:00:00Z";

/// Follows a round to its end: what it gives, the sizes of its pages, and the link to the next round.
async fn round(running: &Running, link: &str, size: usize) -> (Vec<Value>, Vec<usize>, String) {
    let prefer = format!("odata.maxpagesize={size}");
    let (mut link, mut all, mut sizes) = (link.to_owned(), Vec::new(), Vec::new());
    loop {
        let page = running.send("GET", &link, &[("prefer", &prefer)], None).await.expect(200);
        let value = page["value"].as_array().unwrap().clone();
        sizes.push(value.len());
        all.extend(value);
        match (page["@odata.nextLink"].as_str(), page["@odata.deltaLink"].as_str()) {
            (Some(next), None) => link = next.to_owned(),
            (None, Some(delta)) => return (all, sizes, delta.to_owned()),
            _ => panic!("one link or the other: {page}"),
        }
    }
}

async fn add(running: &Running, subject: &str, day: &str, more: Value) -> String {
    let (start, end) = (format!("{day}T10:00:00"), format!("{day}T11:00:00"));
    running.add("anna@t.example", subject, &start, &end, more).await["id"].as_str().unwrap().to_owned()
}

fn told(all: &[Value]) -> Vec<(String, &str)> {
    let told = |one: &Value| match one.get("@removed") {
        Some(removed) => {
            assert_eq!((removed, one.as_object().unwrap().len()), (&json!({ "reason": "deleted" }), 2));
            "removed".to_owned()
        }
        None => format!("{} {}", one["type"].as_str().unwrap(), one["subject"].as_str().unwrap()),
    };
    all.iter().map(|one| (told(one), one["id"].as_str().unwrap())).collect()
}

fn words(all: &[Value]) -> Vec<String> {
    told(all).into_iter().map(|(word, _)| word).collect()
}

#[tokio::test]
async fn the_first_round_gives_the_window_and_the_next_ones_what_changed() {
    let running = start(&small()).await;
    let single = add(&running, "A", "2026-11-03", json!({})).await;
    add(&running, "Outside", "2026-12-03", json!({})).await;
    let series = add(&running, "W", "2026-11-09", weekly("2026-11-09", &["monday"])).await;
    let (all, sizes, delta) = round(&running, &format!("{DELTA}?{WINDOW}"), 2).await;
    assert_eq!(words(&all), ["singleInstance A", "seriesMaster W", "occurrence W", "occurrence W", "occurrence W"]);
    assert_eq!(sizes, [2, 2, 1]);
    assert!(all[0]["body"].is_object() && all[2]["start"].is_object(), "events are given in full");
    assert_eq!(round(&running, &delta, 50).await.0, Vec::<Value>::new());

    let path = format!("{ANNA}/{single}");
    running.send("PATCH", &path, &[], Some(&json!({ "subject": "B" }))).await.expect(200);
    let created = add(&running, "C", "2026-11-04", json!({})).await;
    let second = all[3]["id"].as_str().unwrap();
    assert_eq!(running.send("DELETE", &format!("{ANNA}/{second}"), &[], None).await.status, 204);
    let (changed, _, later) = round(&running, &delta, 50).await;
    assert_eq!(
        told(&changed),
        [
            ("singleInstance B".to_owned(), single.as_str()),
            ("seriesMaster W".to_owned(), series.as_str()),
            ("occurrence W".to_owned(), all[2]["id"].as_str().unwrap()),
            ("removed".to_owned(), second),
            ("occurrence W".to_owned(), all[4]["id"].as_str().unwrap()),
            ("singleInstance C".to_owned(), created.as_str()),
        ]
    );
    assert_eq!(words(&round(&running, &delta, 50).await.0), words(&changed), "a link can be asked again");

    running.send("DELETE", &path, &[], None).await;
    running.send("DELETE", &format!("{ANNA}/{series}"), &[], None).await;
    let brief = add(&running, "Brief", "2026-11-05", json!({})).await;
    running.send("DELETE", &format!("{ANNA}/{brief}"), &[], None).await;
    let (gone, _, last) = round(&running, &later, 50).await;
    assert_eq!(words(&gone), ["removed"; 4], "single, master, two occurrences; nothing of what came and went");
    assert!(round(&running, &last, 50).await.0.is_empty());
}

#[tokio::test]
async fn what_leaves_the_window_or_changes_outside_is_removed() {
    let running = start(&small()).await;
    let inside = add(&running, "A", "2026-11-03", json!({})).await;
    let (_, _, delta) = round(&running, &format!("{DELTA}?{WINDOW}"), 50).await;
    let away = json!({ "start": { "dateTime": "2026-12-03T10:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-12-03T11:00:00", "timeZone": "UTC" } });
    running.send("PATCH", &format!("{ANNA}/{inside}"), &[], Some(&away)).await.expect(200);
    let outside = add(&running, "B", "2026-12-04", json!({})).await;
    let (changed, _, _) = round(&running, &delta, 50).await;
    assert_eq!(told(&changed), [("removed".to_owned(), inside.as_str()), ("removed".to_owned(), outside.as_str())]);
}

#[tokio::test]
async fn changes_during_a_round_are_told_in_the_next() {
    let running = start(&small()).await;
    for (subject, day) in [("A", "2026-11-03"), ("B", "2026-11-04"), ("C", "2026-11-05")] {
        add(&running, subject, day, json!({})).await;
    }
    let small_pages = [("prefer", "odata.maxpagesize=1")];
    let first = running.send("GET", &format!("{DELTA}?{WINDOW}"), &small_pages, None).await.expect(200);
    let id = first["value"][0]["id"].as_str().unwrap();
    running.send("DELETE", &format!("{ANNA}/{id}"), &[], None).await;
    let (rest, _, delta) = round(&running, first["@odata.nextLink"].as_str().unwrap(), 1).await;
    assert_eq!(words(&rest), ["singleInstance B", "singleInstance C"]);
    assert_eq!(told(&round(&running, &delta, 1).await.0), [("removed".to_owned(), id)]);
}

#[tokio::test]
async fn tokens_expire_and_belong_to_one_mailbox() {
    let running = start(&small()).await;
    let (_, _, delta) = round(&running, &format!("{DELTA}?{WINDOW}"), 50).await;
    let gone = (410, "syncStateNotFound");
    assert_eq!(running.get(&delta.replace("anna@", "bob@")).await.refusal(), gone);
    assert_eq!(running.get(&format!("{DELTA}?$deltatoken=x")).await.refusal(), gone);
    assert_eq!(running.get(&delta.replace("deltatoken", "skiptoken")).await.refusal(), gone);
    assert_eq!(running.get(&delta.replace("/calendarView", "/calendar/calendarView")).await.status, 200);
    assert_eq!(running.post("/control/expire-delta-tokens", &json!({})).await.status, 204);
    assert_eq!(running.get(&delta).await.refusal(), gone);
    let (_, _, fresh) = round(&running, &format!("{DELTA}?{WINDOW}"), 50).await;
    assert_eq!(running.get(&fresh).await.status, 200);
}

#[tokio::test]
async fn options_and_basic_readers_are_refused() {
    let mut running = start(&small()).await;
    for option in ["$select=subject", "$expand=x", "$filter=x", "$orderby=subject", "$search=x", "$top=1"] {
        let reply = running.get(&format!("{DELTA}?{WINDOW}&{option}")).await;
        assert_eq!(reply.refusal(), (400, "ErrorInvalidUrlQuery"), "{option}");
    }
    assert_eq!(running.get(DELTA).await.status, 400);
    running.token = running.token_of("app-basic").await;
    assert_eq!(running.get(&format!("{DELTA}?{WINDOW}")).await.refusal(), (403, "ErrorAccessDenied"));
}
