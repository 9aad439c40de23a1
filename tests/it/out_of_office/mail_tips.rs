//! GetMailTips.

use serde_json::json;

use super::{GHOST, HANNA, NINA, duration, set, settings, setup, tipping};
use crate::harness::answer::Element;
use crate::harness::requests::{envelope, envelope_with};
use crate::harness::{Gateway, Setup};

const ALL: &[&str] = &["*@contoso.example", "*@fabrikam.example"];
const BOSS: &str = "boss@contoso.example";
const TEAM: &str = "team@contoso.example";

/// The two ways in which the gateway finds out, each with the call that it takes: from settings, and from Graph's
/// own tips.
fn ways(mailboxes: &[&str]) -> [(Setup, &'static str); 2] {
    [(setup(mailboxes), "getMailboxSettings"), (tipping(mailboxes), "getMailTips")]
}

fn asking(sender: &str, recipients: &[&str], tips: &str) -> String {
    let mailbox = |address: &&str| format!("<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>");
    let recipients: String = recipients.iter().map(mailbox).collect();
    format!(
        "<m:GetMailTips><m:SendingAs><t:EmailAddress>{sender}</t:EmailAddress></m:SendingAs>\
         <m:Recipients>{recipients}</m:Recipients><m:MailTipsRequested>{tips}</m:MailTipsRequested></m:GetMailTips>"
    )
}

/// One message for each recipient.
async fn ask(gateway: &Gateway, sender: &str, recipients: &[&str], tips: &str) -> Vec<Element> {
    let answer = gateway.ask(&envelope(&asking(sender, recipients, tips))).await;
    assert_eq!((answer.attribute("ResponseClass"), answer.at("ResponseCode")), ("Success", "NoError"));
    let messages = answer.child("ResponseMessages").children.clone();
    assert_eq!(messages.len(), recipients.len());
    messages
}

fn codes(messages: &[Element]) -> Vec<&str> {
    messages.iter().map(|message| message.at("ResponseCode")).collect()
}

/// Nina is away till the end of the century, and tells it to everybody; the boss tells it inside alone.
async fn away(setup: Setup) -> Gateway {
    let gateway = setup.start().await;
    let window = duration("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    let nina = settings("Scheduled", "All", &window, "&lt;p&gt;in&lt;/p&gt;", "out");
    assert_eq!(set(&gateway, NINA, &nina).await, "NoError");
    assert_eq!(set(&gateway, BOSS, &settings("Enabled", "None", "", "boss in", "boss out")).await, "NoError");
    gateway
}

#[tokio::test]
async fn exchangelib_asks_for_all() {
    for (setup, call) in ways(ALL) {
        ask_as_exchangelib(&away(setup).await, call).await;
    }
}

async fn ask_as_exchangelib(gateway: &Gateway, call: &str) {
    let recorded = include_str!("../../../fixtures/ews/exchangelib/mailtips-GetMailTips.xml");
    let answer = gateway.ask(&recorded.replace("alice@example.com", NINA)).await;
    let [message] = &answer.child("ResponseMessages").children[..] else { panic!("{answer:?}") };
    let tips = message.child("MailTips");
    assert_eq!(tips.names(), ["RecipientAddress", "PendingMailTips", "OutOfOffice", "InvalidRecipient"]);
    assert_eq!(tips.at("InvalidRecipient"), "false");
    assert_eq!(tips.at("RecipientAddress/EmailAddress"), NINA);
    assert_eq!(tips.at("PendingMailTips").split(' ').count(), 7, "{}", tips.at("PendingMailTips"));
    let reply = tips.child("OutOfOffice");
    assert_eq!(reply.at("ReplyBody/Message"), "<p>in</p>");
    assert_eq!(reply.child("ReplyBody").attribute("lang"), "en-US");
    assert_eq!(reply.at("Duration/EndTime"), "2099-01-01T00:00:00Z");
    assert_eq!(gateway.calls(call).await, 1);
}

#[tokio::test]
async fn each_recipient_is_told_of_by_itself() {
    for (setup, _) in ways(&["*@contoso.example"]) {
        ask_for_many(away(setup).await).await;
    }
}

async fn ask_for_many(gateway: Gateway) {
    let recipients = [
        NINA,
        HANNA,
        GHOST,
        "fay@fabrikam.example",
        "nobody@contoso.example",
        "nonsense",
        BOSS,
        NINA,
        "Nina@Contoso.Example",
    ];
    let told = ask(&gateway, HANNA, &recipients, "OutOfOfficeMessage").await;
    let (none, denied, bad) = ("ErrorNonExistentMailbox", "ErrorAccessDenied", "ErrorInvalidSmtpAddress");
    assert_eq!(codes(&told), ["NoError", "NoError", none, denied, none, bad, "NoError", "NoError", "NoError"]);
    let message = |place: usize| told[place].at("MailTips/OutOfOffice/ReplyBody/Message");
    assert_eq!([0, 1, 6, 7, 8].map(message), ["<p>in</p>", "", "boss in", "<p>in</p>", "<p>in</p>"]);
    assert!(told[1].all("Duration").is_empty() && told[6].all("Duration").is_empty());
    assert_eq!(told[8].at("MailTips/RecipientAddress/EmailAddress"), recipients[8]);
    for message in &told {
        let class = if message.at("ResponseCode") == "NoError" { "Success" } else { "Error" };
        assert_eq!(message.attribute("ResponseClass"), class);
    }
    assert_eq!(told[3].names(), ["MessageText", "ResponseCode", "DescriptiveLinkKey"]);
    assert_eq!(gateway.figure("calendar_relay_mailboxes_total{outcome=\"no_such_mailbox\"}").await, 2);
    gateway.done().await;
}

#[tokio::test]
async fn strangers_are_told_what_strangers_hear() {
    for (setup, _) in ways(ALL) {
        ask_as_several(away(setup).await).await;
    }
}

async fn ask_as_several(gateway: Gateway) {
    for (sender, expected) in [
        (HANNA, ["<p>in</p>", "boss in"]),
        ("fay@fabrikam.example", ["out", ""]),
        ("someone@elsewhere.example", ["out", ""]),
        ("", ["<p>in</p>", "boss in"]),
    ] {
        let told = ask(&gateway, sender, &[NINA, BOSS], "All").await;
        let messages: Vec<&str> =
            told.iter().map(|message| message.at("MailTips/OutOfOffice/ReplyBody/Message")).collect();
        assert_eq!(messages, expected, "{sender}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn how_many_and_which() {
    let gateway = setup(ALL).start().await;
    let many = vec![NINA; 51];
    assert_eq!(ask(&gateway, HANNA, &many[..50], "All").await.len(), 50);
    let tips = |recipients: &[&str], tips: &str| envelope(&asking(HANNA, recipients, tips));
    assert_eq!(gateway.fault(&tips(&many, "All")).await.0, "ErrorInvalidRecipients");
    assert_eq!(gateway.fault(&tips(&[], "All")).await.0, "ErrorMailboxDataArrayEmpty");
    assert_eq!(gateway.fault(&tips(&[NINA], "All Weather")).await.0, "ErrorSchemaValidation");
    let exchange = "<t:EmailAddress>/o=Org/cn=nina</t:EmailAddress><t:RoutingType>EX</t:RoutingType>";
    let plain = format!("<t:EmailAddress>{NINA}</t:EmailAddress>");
    let answer = gateway.ask(&tips(&[NINA, HANNA], "All").replace(&plain, exchange)).await;
    assert_eq!(codes(&answer.child("ResponseMessages").children), ["ErrorInvalidSmtpAddress", "NoError"]);
    // What nobody asked for is not looked up.
    gateway.calm().await;
    let [full] = &ask(&gateway, HANNA, &[BOSS], "MailboxFullStatus").await[..] else { panic!("one") };
    assert_eq!(full.at("MailTips/PendingMailTips"), "MailboxFullStatus");
    assert!(full.all("OutOfOffice").is_empty());
    assert_eq!(gateway.calls("getMailboxSettings").await, 0);
    gateway.done().await;
}

#[tokio::test]
async fn when_nobody_can_be_asked_the_request_fails() {
    for (setup, call) in ways(ALL) {
        fail_as_a_whole(setup.start().await, call).await;
    }
}

async fn fail_as_a_whole(gateway: Gateway, call: &str) {
    gateway.control(json!({ "call": call, "status": 429, "retry_after": 30 })).await;
    let request = |recipients: &[&str]| envelope(&asking(HANNA, recipients, "OutOfOfficeMessage"));
    let (code, fault) = gateway.fault(&request(&[NINA, BOSS])).await;
    assert_eq!((code.as_str(), fault.all("Value")[0].attribute("Name")), ("ErrorServerBusy", "BackOffMilliseconds"));
    let mixed = gateway.ask(&request(&[NINA, "someone@elsewhere.example"])).await;
    let messages = &mixed.child("ResponseMessages").children;
    assert_eq!(codes(messages), ["ErrorServerBusy", "ErrorAccessDenied"]);
    assert_eq!(messages[0].all("Value")[0].attribute("Name"), "BackOffMilliseconds");
    gateway.done().await;
}

#[tokio::test]
async fn one_recipient_spoils_no_other() {
    for (fault, code) in [
        (json!({ "status": 403 }), "ErrorAccessDenied"),
        (json!({ "status": 429, "retry_after": 30 }), "ErrorServerBusy"),
        (json!({ "status": 500 }), "ErrorMailboxStoreUnavailable"),
        (json!({ "garbage": true }), "ErrorInternalServerError"),
    ] {
        for (setup, call) in ways(ALL) {
            let gateway = away(setup).await;
            let mut fault = fault.clone();
            (fault["call"], fault["mailbox"]) = (json!(call), json!(HANNA));
            gateway.control(fault.clone()).await;
            let told = ask(&gateway, NINA, &[HANNA, NINA, BOSS, "free@contoso.example"], "OutOfOfficeMessage").await;
            assert_eq!(codes(&told), [code, "NoError", "NoError", "NoError"], "{call} {fault}");
            let message = |place: usize| told[place].at("MailTips/OutOfOffice/ReplyBody/Message");
            assert_eq!([1, 2, 3].map(message), ["<p>in</p>", "boss in", ""]);
            gateway.done().await;
        }
    }
}

#[tokio::test]
async fn the_audit_log_names_the_credential_that_told() {
    for (setup, credential) in [(setup(ALL), "app-settings-read"), (tipping(ALL), "app-mail-tips")] {
        let more = format!("{}\n[audit]\nfile = \"audit.jsonl\"\n", setup.more);
        let gateway = Setup { more, ..setup }.start().await;
        ask(&gateway, NINA, &[BOSS], "OutOfOfficeMessage").await;
        let path = gateway.path("audit.jsonl");
        gateway.app.stop().await;
        let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(line["mailboxes"][0]["credential"], credential, "{line}");
        gateway.simulator.stop().await;
    }
}

#[tokio::test]
async fn who_is_not_there_is_an_invalid_recipient() {
    for (setup, _) in ways(&["*@contoso.example", "*@elsewhere.example"]) {
        let gateway = away(setup).await;
        let recipients = [NINA, "nobody@contoso.example", "someone@elsewhere.example", "fay@fabrikam.example"];
        let told = ask(&gateway, HANNA, &recipients, "All").await;
        assert_eq!(codes(&told), ["NoError", "NoError", "NoError", "ErrorAccessDenied"]);
        assert_eq!([0, 1].map(|place| told[place].at("MailTips/InvalidRecipient")), ["false", "true"]);
        assert!(told[1].all("OutOfOffice").is_empty());
        let pending = told[2].at("MailTips/PendingMailTips");
        assert!(pending.starts_with("OutOfOfficeMessage ") && pending.ends_with(" InvalidRecipient"), "{pending}");
        let told = ask(&gateway, HANNA, &recipients[1..2], "InvalidRecipient").await;
        assert_eq!(told[0].at("MailTips/InvalidRecipient"), "true");
        gateway.done().await;
    }
}

#[tokio::test]
async fn groups_and_aliases_have_graph_s_tips() {
    let gateway = away(tipping(ALL)).await;
    let alias = "n.new@contoso.example";
    let told = ask(&gateway, HANNA, &[TEAM, alias, HANNA], "OutOfOfficeMessage").await;
    assert_eq!(codes(&told), ["NoError"; 3]);
    assert_eq!(told[0].at("MailTips/PendingMailTips"), "OutOfOfficeMessage");
    assert!(told[0].all("OutOfOffice").is_empty());
    assert_eq!(told[1].at("MailTips/OutOfOffice/ReplyBody/Message"), "<p>in</p>");
    assert_eq!(told[1].at("MailTips/RecipientAddress/EmailAddress"), alias);
    // By themselves they are asked for in the name of whoever was told last.
    let fresh = Setup { cache: "out_of_office_lifetime = \"0s\"".to_owned(), ..tipping(ALL) };
    let alone = away(fresh).await;
    ask(&alone, HANNA, &[HANNA], "OutOfOfficeMessage").await;
    let told = ask(&alone, HANNA, &[alias], "OutOfOfficeMessage").await;
    assert_eq!(told[0].at("MailTips/OutOfOffice/ReplyBody/Message"), "<p>in</p>");
    let told = ask(&alone, HANNA, &[TEAM], "OutOfOfficeMessage").await;
    assert_eq!(told[0].at("MailTips/PendingMailTips"), "OutOfOfficeMessage");
    gateway.done().await;
    alone.done().await;
}

#[tokio::test]
async fn impersonation_is_looked_at_as_everywhere() {
    let gateway = away(setup(&["*@contoso.example"])).await;
    let header = |who: &str| {
        format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{who}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        )
    };
    let asked = asking("", &[NINA], "OutOfOfficeMessage");
    let told = gateway.ask(&envelope_with(&header(HANNA), &asked)).await;
    assert_eq!(told.all("Message")[0].text, "<p>in</p>");
    let stranger = envelope_with(&header("someone@elsewhere.example"), &asked);
    assert_eq!(gateway.fault(&stranger).await.0, "ErrorImpersonateUserDenied");
    gateway.done().await;
}
