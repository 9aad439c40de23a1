#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::calendar::Capability;

fn record<'a>(client: &'a str, mailboxes: Vec<Asked<'a>>) -> Record<'a> {
    Record {
        time: Timestamp::UNIX_EPOCH,
        request_id: Uuid::nil(),
        client,
        address: "192.0.2.1".parse().unwrap(),
        operation: "GetItem",
        outcome: "ok",
        failures: [("no_such_item", 2)].into(),
        impersonates: false,
        withheld: 0,
        mailboxes,
    }
}

fn asked(address: &str, verdict: Result<&'static str, &'static str>) -> Asked<'static> {
    let credential = verdict.is_ok().then_some(("contoso", "app"));
    Asked { mailbox: Mailbox::parse(address).ok(), capability: Some(Capability::CalendarRead), verdict, credential }
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the log's thread has written so many lines to a file.
async fn until(path: &std::path::Path, count: usize) -> Vec<Value> {
    loop {
        let lines = lines(path);
        if lines.len() >= count {
            return lines;
        }
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
}

fn open(target: Target, key: Option<&str>) -> Audit {
    Audit::open(Settings { target, hash_key: key.map(SecretString::from) }, || ()).unwrap()
}

#[tokio::test]
async fn a_line_tells_who_asked_about_whom_and_what_they_got() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let audit = open(Target::File(path.clone()), None);
    let mailboxes = vec![asked("a@x.example", Ok("time")), asked("b@x.example", Err("deny_list"))];
    audit.place().await.unwrap().write(&record("google", mailboxes));
    let lines = until(&path, 1).await;
    assert_eq!(
        lines[0],
        serde_json::json!({
            "time": "1970-01-01T00:00:00Z",
            "request_id": "00000000-0000-0000-0000-000000000000",
            "client": "google",
            "address": "192.0.2.1",
            "operation": "GetItem",
            "outcome": "ok",
            "failures": { "no_such_item": 2 },
            "mailboxes": [
                { "mailbox": "a@x.example", "capability": "calendar_read", "view": "time", "tenant": "contoso", "credential": "app" },
                { "mailbox": "b@x.example", "capability": "calendar_read", "denied": "deny_list" },
            ],
        })
    );
}

#[tokio::test]
async fn with_a_key_an_address_is_always_the_same_and_never_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    for (key, address) in [("key", "a@x.example"), ("key", "A@X.example"), ("other", "a@x.example")] {
        let audit = open(Target::File(path.clone()), Some(key));
        let before = lines(&path).len();
        audit.place().await.unwrap().write(&record("c", vec![asked(address, Ok("time"))]));
        until(&path, before + 1).await;
    }
    let lines = lines(&path);
    let names: Vec<&str> = lines.iter().map(|line| line["mailboxes"][0]["mailbox"].as_str().unwrap()).collect();
    assert!(names[0].starts_with("hmac-sha256:") && names[0].len() == 76 && !names[0].contains('@'));
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
}

#[tokio::test]
async fn after_a_rotation_lines_go_to_a_new_file_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("audit"), folder.path().join("audit.1"));
    let audit = open(Target::File(path.clone()), None);
    audit.place().await.unwrap().write(&record("before", Vec::new()));
    until(&path, 1).await;
    std::fs::rename(&path, &moved).unwrap();
    audit.place().await.unwrap().write(&record("after", Vec::new()));
    assert_eq!(until(&path, 1).await[0]["client"], "after");
    assert_eq!(lines(&moved).len(), 1);
}

#[tokio::test]
async fn what_cannot_be_written_yet_waits_and_then_there_is_no_place_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let path = inner.join("audit");
    let failures = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&failures);
    let settings = Settings { target: Target::File(path.clone()), hash_key: None };
    let audit = Audit::open(settings, move || _ = count.fetch_add(1, Relaxed)).unwrap();
    std::fs::remove_dir_all(&inner).unwrap();
    audit.place().await.unwrap().write(&record("first", Vec::new()));
    while failures.load(Relaxed) == 0 {
        std::thread::yield_now();
    }
    // All places but those whose lines the thread holds already.
    let mut held = Vec::new();
    for _ in 0..queue::MOST_LINES {
        held.push(audit.place().await.unwrap());
    }
    tokio::time::pause();
    assert!(audit.place().await.is_none());
    drop(held);
    std::fs::create_dir(&inner).unwrap();
    assert_eq!(until(&path, 1).await[0]["client"], "first");
}

#[tokio::test]
async fn of_many_mailboxes_a_line_tells_how_many_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    let audit = open(Target::File(path.clone()), None);
    let mailboxes = (0..203).map(|number| asked(&format!("a{number}@x.example"), Ok("time"))).collect();
    audit.place().await.unwrap().write(&Record { withheld: 7, ..record("google", mailboxes) });
    assert_eq!(audit.finish(Duration::from_secs(60)).await, 0);
    let line = &lines(&path)[0];
    assert_eq!(line["mailboxes"].as_array().unwrap().len(), 200);
    assert_eq!((&line["more"], &line["withheld"]), (&Value::from(3), &Value::from(7)));
}

#[tokio::test]
async fn long_lines_wait_in_lesser_number_and_are_counted_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let path = inner.join("audit");
    let audit = open(Target::File(path.clone()), None);
    std::fs::remove_dir_all(&inner).unwrap();
    let long = "x".repeat(queue::MOST_BYTES / 2);
    for _ in 0..2 {
        audit.place().await.unwrap().write(&record(&long, Vec::new()));
    }
    tokio::time::pause();
    assert!(audit.place().await.is_none());
    assert_eq!(audit.finish(Duration::from_secs(1)).await, 2);
    tokio::time::resume();
    std::fs::create_dir(&inner).unwrap();
    assert_eq!(audit.finish(Duration::from_secs(60)).await, 0);
    assert_eq!(lines(&path).len(), 2);
    assert!(audit.place().await.is_some());
}

#[tokio::test]
async fn a_file_that_others_may_read_is_taken_from_them() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _audit = open(Target::File(path.clone()), None);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
