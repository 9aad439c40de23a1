//! The audit log: what stands in it, and what is refused while it cannot be written.

use serde_json::{Value, json};

use crate::harness::requests::{Availability, envelope};
use crate::harness::{CLIENT, Gateway, Setup};

const LOOK_UP: Availability<'static> = Availability {
    mailboxes: &["nina@contoso.example", "omar@contoso.example", "nina@fabrikam.example", "nobody@contoso.example"],
    start: "2027-03-10T00:00:00",
    end: "2027-03-17T00:00:00",
    view: "Detailed",
    interval: "30",
    version: "Exchange2016",
    zone: "",
    header: "",
    suggestions: "",
};

async fn gateway(audit: &str, keys: &str) -> Gateway {
    let mailboxes = ["nina@contoso.example", "nobody@contoso.example"];
    let keys = format!("{keys}\ndeny = [\"omar@contoso.example\"]\n");
    Setup { more: format!("[audit]\n{audit}\n"), ..Setup::client(&mailboxes, &keys) }.start().await
}

/// The lines, as soon as there are so many.
async fn lines(gateway: &Gateway, count: usize) -> Vec<Value> {
    loop {
        let text = std::fs::read_to_string(gateway.path("audit.jsonl")).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if lines.len() >= count {
            return lines;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn each_request_has_a_line_that_says_who_asked_about_whom_and_by_whose_leave() {
    let gateway = gateway("file = \"audit.jsonl\"", "").await;
    let answer = gateway.soap(&LOOK_UP.xml()).await;
    let refused = gateway.soap(&envelope("<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>nina@contoso.example</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>")).await;
    assert_eq!((answer.status, refused.status), (200, 500));
    let lines = lines(&gateway, 2).await;
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["request_id"], answer.header("request-id"));
    assert_eq!((&lines[0]["client"], &lines[0]["address"]), (&json!(CLIENT), &json!("127.0.0.1")));
    assert_eq!((&lines[0]["operation"], &lines[0]["outcome"]), (&json!("GetUserAvailabilityRequest"), &json!("ok")));
    assert_eq!(lines[0]["failures"], json!({ "denied": 2, "no_such_mailbox": 1 }));
    let free_busy = |mailbox: &str| json!({ "mailbox": mailbox, "capability": "free_busy" });
    let with = |mut asked: Value, more: Value| {
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    let given = json!({ "view": "full", "tenant": "contoso", "credential": "app-calendar-read" });
    let mailboxes = lines[0]["mailboxes"].as_array().unwrap();
    assert_eq!(
        mailboxes[..4],
        [
            with(free_busy("nina@contoso.example"), given.clone()),
            with(free_busy("omar@contoso.example"), json!({ "denied": "mailbox" })),
            with(free_busy("nina@fabrikam.example"), json!({ "denied": "mailbox" })),
            with(free_busy("nobody@contoso.example"), given),
        ]
    );
    let asked = json!([{ "capability": "out_of_office_read", "denied": "capability" }]);
    assert_eq!((&lines[1]["outcome"], &lines[1]["mailboxes"]), (&json!("denied"), &asked));
    let counted = |reason: &str| format!("calendar_relay_denied_total{{client=\"{CLIENT}\",reason=\"{reason}\"}}");
    assert!(gateway.figure(&counted("mailbox")).await >= 2);
    assert_eq!(gateway.figure(&counted("capability")).await, 1);
    gateway.done().await;
}

#[tokio::test]
async fn addresses_may_be_hashed_and_hide_nobody_from_those_who_have_the_key() {
    let key = "hash_key = { env = \"0123456789abcdef0123456789abcdef\" }";
    let gateway = gateway(&format!("file = \"audit.jsonl\"\n{key}"), "").await;
    gateway.soap(&LOOK_UP.xml()).await;
    gateway.soap(&LOOK_UP.xml()).await;
    let lines = lines(&gateway, 2).await;
    let text = serde_json::to_string(&lines).unwrap();
    assert!(!text.contains("@contoso.example") && text.contains("hmac-sha256:"), "{text}");
    assert_eq!(lines[0]["mailboxes"], lines[1]["mailboxes"]);
    gateway.done().await;
}

#[tokio::test]
async fn what_was_denied_is_counted_without_an_audit_log_too() {
    let gateway = Setup::client(&["*@contoso.example"], "view = { people = \"initials\" }\n").start().await;
    gateway.soap(&LOOK_UP.xml()).await;
    let figure = format!("calendar_relay_denied_total{{client=\"{CLIENT}\",reason=\"mailbox\"}}");
    assert_eq!(gateway.figure(&figure).await, 1);
    gateway.done().await;
}

#[tokio::test]
async fn who_hangs_up_is_accounted_for_too() {
    let gateway = gateway("file = \"audit.jsonl\"", "").await;
    gateway.control(json!({ "call": "getSchedule", "delay_ms": 20_000, "times": 1 })).await;
    let asked = tokio::spawn(gateway.post(LOOK_UP.xml()).send());
    gateway.until_under_way().await;
    asked.abort();
    let lines = lines(&gateway, 1).await;
    assert_eq!(
        (&lines[0]["operation"], &lines[0]["outcome"]),
        (&json!("GetUserAvailabilityRequest"), &json!("abandoned"))
    );
    assert_eq!(
        lines[0]["mailboxes"][1],
        json!({ "mailbox": "omar@contoso.example", "capability": "free_busy", "denied": "mailbox" })
    );
    let figure = format!("calendar_relay_denied_total{{client=\"{CLIENT}\",reason=\"mailbox\"}}");
    assert!(gateway.figure(&figure).await >= 1);
    gateway.done().await;
}

#[tokio::test]
async fn entries_of_the_directory_that_are_told_are_named_and_others_counted() {
    let more = "[audit]\nfile = \"audit.jsonl\"\n".to_owned();
    let mailboxes = ["room-list@contoso.example", "room-1@contoso.example"];
    let gateway = Setup { more, ..Setup::client(&mailboxes, "view = { people = \"initials\" }\n") }.start().await;
    let rooms =
        "<m:GetRooms><m:RoomList><t:EmailAddress>room-list@contoso.example</t:EmailAddress></m:RoomList></m:GetRooms>";
    assert_eq!(gateway.ask(&envelope(rooms)).await.all("Room").len(), 1);
    let line = &lines(&gateway, 1).await[0];
    assert_eq!(line["withheld"], 2);
    let told: Vec<_> =
        line["mailboxes"].as_array().unwrap().iter().map(|told| (&told["mailbox"], &told["view"])).collect();
    let view = json!("full, masked");
    assert_eq!(told, [(&json!(mailboxes[0]), &view), (&json!(mailboxes[1]), &view)]);
    assert_eq!(line["mailboxes"][1]["credential"], "app-directory");
    gateway.done().await;
}

#[tokio::test]
async fn when_the_gateway_has_stopped_all_lines_are_written() {
    let gateway = gateway("file = \"audit.jsonl\"", "").await;
    let answer = gateway.soap(&LOOK_UP.xml()).await;
    let path = gateway.path("audit.jsonl");
    gateway.app.stop().await;
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(answer.header("request-id")));
    gateway.simulator.stop().await;
}
