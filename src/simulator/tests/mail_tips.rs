//! Mail tips: who is away is told by each recipient's own answer.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::settings::away;
use super::{NOW, start};

const TIPS: &str = "/v1.0/users/anna@t.example/getMailTips";

fn ask(addresses: &[&str], options: &str) -> Value {
    json!({ "EmailAddresses": addresses, "MailTipsOptions": options })
}

#[tokio::test]
async fn colleagues_hear_the_internal_message_inside_the_schedule() {
    let mut running = start(&away()).await;
    let question = ask(&["Bob@t.example"], "automaticReplies");
    let tip = |answer: Value| answer["value"][0].clone();
    let early = tip(running.post(TIPS, &question).await.expect(200));
    assert_eq!(early["automaticReplies"], json!({ "message": "" }), "not yet");
    assert_eq!(early["emailAddress"], json!({ "name": "", "address": "Bob@t.example" }));
    NOW.set(NOW.get() + 3.hours());
    running.token = running.token_of("app-everything").await;
    let away = tip(running.post(TIPS, &question).await.expect(200));
    assert_eq!(away["automaticReplies"]["message"], "<p>In &amp; out</p>");
    assert_eq!(away["automaticReplies"]["messageLanguage"]["locale"], "en-US");
    assert_eq!(away["automaticReplies"]["scheduledEndTime"]["dateTime"], "2026-11-23T21:00:00.0000000");
    NOW.set(NOW.get() + 10.hours());
    running.token = running.token_of("app-everything").await;
    let late = tip(running.post(TIPS, &question).await.expect(200));
    assert_eq!(late["automaticReplies"]["message"], "", "over");
}

#[tokio::test]
async fn every_recipient_has_an_answer_and_only_what_was_asked_for() {
    let running = start(&away()).await;
    let settings = "/v1.0/users/room1@t.example/mailboxSettings";
    let replies = json!({ "status": "alwaysEnabled", "internalReplyMessage": "Closed", "externalAudience": "none" });
    running.send("PATCH", settings, &[], Some(&json!({ "automaticRepliesSetting": replies }))).await.expect(200);
    let who = ["room1@t.example", "nobody@t.example", "team@t.example", "carol@t.example", "ghost@t.example"];
    let answer =
        running.post(TIPS, &ask(&who, "automaticReplies, MailboxFullStatus,totalMemberCount")).await.expect(200);
    let [room, nobody, team, carol, ghost] = answer["value"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!(room["automaticReplies"]["message"], "Closed");
    assert!(room["automaticReplies"].get("scheduledStartTime").is_none());
    assert_eq!((&room["mailboxFull"], &room["totalMemberCount"]), (&json!(false), &json!(1)));
    assert!(room.get("recipientScope").is_none());
    assert_eq!(nobody["error"]["code"], "ErrorMailRecipientNotFound");
    assert!(nobody.get("automaticReplies").is_none());
    assert_eq!((team.get("automaticReplies"), &team["totalMemberCount"]), (None, &json!(3)));
    assert_eq!(carol["automaticReplies"], json!({ "message": "" }));
    assert!(ghost.get("error").is_some());
    let all = running.post(TIPS, &json!({ "emailAddresses": ["bob@t.example"] })).await.expect(200);
    assert_eq!(all["value"][0]["recipientScope"], "internal");
}

#[tokio::test]
async fn outsiders_hear_what_everybody_hears() {
    let mut world = away();
    let reply = |audience: &str| json!({ "status": "alwaysEnabled", "audience": audience, "internal": "in", "external": "out" });
    let mailbox = |name: &str, audience: &str| json!({ "address": format!("{name}@u.example"), "name": name, "zone": "UTC", "automatic_replies": reply(audience) });
    world["tenants"].as_array_mut().unwrap().push(json!({ "id": "99999999-2222-4333-8444-555555555555", "name": "U",
        "domains": ["u.example"], "applications": [],
        "mailboxes": [mailbox("all", "all"), mailbox("known", "contactsOnly"), mailbox("none", "none")] }));
    let running = start(&world).await;
    let who = ["all@u.example", "known@u.example", "none@u.example"];
    let answer = running.post(TIPS, &ask(&who, "automaticReplies,recipientScope")).await.expect(200);
    let heard = [0, 1, 2].map(|one| answer["value"][one]["automaticReplies"]["message"].clone());
    assert_eq!(heard, ["out", "", ""]);
    assert_eq!(answer["value"][0]["recipientScope"], "external");
}

#[tokio::test]
async fn nonsense_is_refused_and_permissions_decide() {
    let mut running = start(&away()).await;
    let many: Vec<String> = (0..101).map(|number| format!("a{number}@t.example")).collect();
    for wrong in [
        json!({ "MailTipsOptions": "automaticReplies" }),
        json!({ "EmailAddresses": [] }),
        json!({ "EmailAddresses": many }),
        json!({ "EmailAddresses": "anna@t.example" }),
        ask(&["anna@t.example"], "mood"),
        json!({ "EmailAddresses": ["anna@t.example"], "Language": "en" }),
    ] {
        assert_eq!(running.post(TIPS, &wrong).await.status, 400, "{wrong}");
    }
    let question = ask(&["bob@t.example"], "automaticReplies");
    for (application, status) in [("app-tips", 200), ("app-mail", 200), ("app-read", 403), ("app-rbac", 403)] {
        running.token = running.token_of(application).await;
        let reply = running.post(TIPS, &question).await;
        assert_eq!(reply.status, status, "{application}");
    }
    running.token = running.token_of("app-tips").await;
    running.fault(json!({ "call": "getMailTips", "mailbox": "bob@t.example", "status": 429, "retry_after": 2 })).await;
    assert_eq!(running.post(TIPS, &question).await.status, 429, "a recipient is a mailbox of the call");
}
