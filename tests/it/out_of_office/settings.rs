//! GetUserOofSettings and SetUserOofSettings.

use serde_json::{Value, json};

use super::{GHOST, HANNA, NINA, duration, get, getting, set, setting, settings, setup};
use crate::harness::{Gateway, Setup};

const ALL: &[&str] = &["*@contoso.example", "*@fabrikam.example"];

#[tokio::test]
async fn what_clients_set_is_what_they_get() {
    let gateway = setup(ALL).start().await;
    for (getting, setting, disabling) in [
        (
            include_str!("../../../fixtures/ews/exchangelib/oof-get-GetUserOofSettings.xml"),
            include_str!("../../../fixtures/ews/exchangelib/oof-set-SetUserOofSettings.xml"),
            include_str!("../../../fixtures/ews/exchangelib/oof-disable-SetUserOofSettings.xml"),
        ),
        (
            include_str!("../../../fixtures/ews/ews-javascript-api/oof-get-GetUserOofSettings.xml"),
            include_str!("../../../fixtures/ews/ews-javascript-api/oof-set-SetUserOofSettings.xml"),
            include_str!("../../../fixtures/ews/ews-javascript-api/oof-disable-SetUserOofSettings.xml"),
        ),
    ] {
        let ours = |recorded: &str| recorded.replace("alice@example.com", NINA).replace("2027-01-1", "2099-01-1");
        let told = async || gateway.ask(&ours(getting)).await.child("OofSettings").clone();
        assert_eq!(told().await.at("OofState"), "Disabled");
        let done = gateway.ask(&ours(setting)).await;
        assert_eq!(done.at("ResponseMessage/ResponseCode"), "NoError");
        let settings = told().await;
        assert_eq!((settings.at("OofState"), settings.at("ExternalAudience")), ("Scheduled", "All"));
        let sent = ours(setting);
        for part in ["StartTime", "EndTime"] {
            let second = settings.at(&format!("Duration/{part}")).trim_end_matches('Z').to_owned();
            assert!(sent.contains(&format!("<t:{part}>{second}")), "{second} was sent as {part}");
        }
        for part in ["InternalReply", "ExternalReply"] {
            let message = settings.at(&format!("{part}/Message")).to_owned();
            assert!(sent.contains(&format!("<t:{part}><t:Message>{message}</t:Message>")), "{message}");
            assert_eq!(settings.child(part).attribute("lang"), "en-US", "Graph tells the mailbox's language");
        }
        assert_eq!(gateway.ask(&ours(disabling)).await.at("ResponseMessage/ResponseCode"), "NoError");
        assert_eq!(told().await.at("OofState"), "Disabled", "what is set here is seen at once");
    }
    gateway.done().await;
}

#[tokio::test]
async fn all_states_and_audiences_and_any_text() {
    let gateway = setup(ALL).start().await;
    let text = "<html><body dir=\"rtl\"><p>אני בחופשה &amp; \u{1F334}</p>\n<br></body></html>";
    let sent = text.replace('&', "&amp;").replace('<', "&lt;");
    let later = duration("2099-01-11T10:00:00+02:00", "2099-01-12T08:00:00.25");
    for (state, times) in [("Enabled", ""), ("Scheduled", later.as_str()), ("Disabled", later.as_str())] {
        for audience in ["None", "Known", "All"] {
            assert_eq!(set(&gateway, NINA, &settings(state, audience, times, &sent, "out")).await, "NoError");
            let told = get(&gateway, NINA).await;
            assert_eq!((told.at("OofState"), told.at("ExternalAudience")), (state, audience));
            assert_eq!((told.at("InternalReply/Message"), told.at("ExternalReply/Message")), (text, "out"));
            let bounds = [told.at("Duration/StartTime"), told.at("Duration/EndTime")];
            assert!(bounds.iter().all(|bound| bound.ends_with('Z')), "{bounds:?}");
            if state == "Scheduled" {
                assert_eq!(bounds, ["2099-01-11T08:00:00Z", "2099-01-12T08:00:00Z"]);
            }
        }
    }
    // A window that has begun is fine, markup may be sent as it is, and messages may be long.
    let now = duration("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    let long = format!("<p>{}</p>", "far away ".repeat(10_000));
    assert_eq!(set(&gateway, NINA, &settings("Scheduled", "All", &now, &long, "")).await, "NoError");
    let told = get(&gateway, NINA).await;
    assert_eq!((told.at("InternalReply/Message"), told.at("ExternalReply/Message")), (long.as_str(), ""));
    gateway.done().await;
}

#[tokio::test]
async fn settings_that_contradict_themselves_never_reach_graph() {
    let gateway = setup(ALL).start().await;
    let (past, turned) = (
        duration("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"),
        duration("2099-01-02T00:00:00Z", "2099-01-01T00:00:00Z"),
    );
    for times in ["", past.as_str(), turned.as_str()] {
        let code = set(&gateway, NINA, &settings("Scheduled", "All", times, "in", "out")).await;
        assert_eq!(code, "ErrorInvalidScheduledOofDuration", "{times}");
    }
    let whole = settings("Enabled", "All", "", "in", "out");
    let internal = "<t:InternalReply><t:Message>in</t:Message></t:InternalReply>";
    assert_eq!(set(&gateway, NINA, &whole.replace(internal, "")).await, "ErrorInvalidUserOofSettings");
    let created = format!("{whole}<t:CreateOOFEvent>true</t:CreateOOFEvent>");
    assert_eq!(set(&gateway, NINA, &created).await, "ErrorInvalidOperation");
    for wrong in [whole.replace("Enabled", "Perhaps"), whole.replace(">All<", ">Some<"), String::new()] {
        assert_eq!(gateway.fault(&setting(NINA, &wrong)).await.0, "ErrorSchemaValidation", "{wrong}");
    }
    assert_eq!(gateway.calls("updateMailboxSettings").await, 0);
    gateway.done().await;
}

#[tokio::test]
async fn mailboxes_that_there_are_not() {
    let gateway = setup(&["*"]).start().await;
    let anything = settings("Enabled", "All", "", "in", "out");
    for (mailbox, code) in [
        (GHOST, "ErrorNonExistentMailbox"),
        ("nobody@contoso.example", "ErrorNonExistentMailbox"),
        ("someone@elsewhere.example", "ErrorNonExistentMailbox"),
        ("no address", "ErrorInvalidSmtpAddress"),
        ("", "ErrorInvalidSmtpAddress"),
    ] {
        let answer = gateway.ask(&getting(mailbox)).await;
        let message = answer.child("ResponseMessage");
        assert_eq!((message.attribute("ResponseClass"), message.at("ResponseCode")), ("Error", code), "{mailbox}");
        assert_eq!((answer.children.len(), message.names()[0]), (1, "MessageText"));
        assert_eq!(set(&gateway, mailbox, &anything).await, code, "{mailbox}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn who_may_not_learns_nothing() {
    let gateway = setup(&[HANNA]).start().await;
    let anything = settings("Enabled", "All", "", "in", "out");
    let mut told = Vec::new();
    for mailbox in [NINA, GHOST, "nobody@contoso.example", "someone@elsewhere.example"] {
        let answer = gateway.ask(&getting(mailbox)).await;
        assert_eq!(answer.at("ResponseMessage/ResponseCode"), "ErrorAccessDenied");
        told.push(answer.at("ResponseMessage/MessageText").to_owned());
        assert_eq!(set(&gateway, mailbox, &anything).await, "ErrorAccessDenied");
        assert_eq!(set(&gateway, mailbox, &anything.replace("Enabled", "Scheduled")).await, "ErrorAccessDenied");
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(gateway.calls("getMailboxSettings").await + gateway.calls("updateMailboxSettings").await, 0);
    get(&gateway, HANNA).await;
    assert_eq!(gateway.figure("calendar_relay_mailboxes_total{outcome=\"denied\"}").await, 12);
    gateway.done().await;
}

#[tokio::test]
async fn reading_is_one_thing_and_writing_another() {
    let with = |capability: &str| {
        let mut setup = setup(ALL);
        setup.clients = setup.clients.replace("\"out_of_office_read\", \"out_of_office_write\"", capability);
        setup.start()
    };
    let anything = settings("Enabled", "All", "", "in", "out");
    let reader = with("\"out_of_office_read\"").await;
    get(&reader, NINA).await;
    assert_eq!(reader.fault(&setting(NINA, &anything)).await.0, "ErrorAccessDenied");
    reader.done().await;
    let writer = with("\"out_of_office_write\"").await;
    assert_eq!(set(&writer, NINA, &anything).await, "NoError");
    assert_eq!(writer.fault(&getting(NINA)).await.0, "ErrorAccessDenied");
    writer.done().await;
}

/// The codes of getting and of setting Nina's settings while Graph fails so, each a fault or a message.
async fn failing(gateway: &Gateway, fault: Value) -> [String; 2] {
    gateway.calm().await;
    for call in ["getMailboxSettings", "updateMailboxSettings"] {
        let mut fault = fault.clone();
        fault["call"] = json!(call);
        gateway.control(fault).await;
    }
    let asked = [getting(NINA), setting(NINA, &settings("Enabled", "All", "", "in", "out"))];
    let mut codes = Vec::new();
    for request in asked {
        let answer = gateway.soap(&request).await;
        codes.push(match answer.status {
            200 => answer.payload().at("ResponseMessage/ResponseCode").to_owned(),
            _ => format!("fault {}", answer.fault().0),
        });
    }
    codes.try_into().expect("two")
}

#[tokio::test]
async fn what_is_graph_s_fault_is_one() {
    let gateway = Setup { cache: "out_of_office_lifetime = \"0s\"".to_owned(), ..setup(ALL) }.start().await;
    get(&gateway, NINA).await;
    let refused = failing(&gateway, json!({ "status": 403, "code": "ErrorAccessDenied" })).await;
    assert_eq!(refused, ["ErrorAccessDenied"; 2]);
    let unknown = failing(&gateway, json!({ "status": 404, "code": "MailboxNotEnabledForRESTAPI" })).await;
    assert_eq!(unknown, ["ErrorNonExistentMailbox"; 2]);
    let busy = failing(&gateway, json!({ "status": 429, "retry_after": 30 })).await;
    assert_eq!(busy, ["fault ErrorServerBusy"; 2]);
    gateway.done().await;
    for (fault, code) in [
        (json!({ "status": 401 }), "ErrorAccessDenied"),
        (json!({ "status": 500 }), "ErrorMailboxStoreUnavailable"),
        (json!({ "status": 504 }), "ErrorMailboxStoreUnavailable"),
        (json!({ "delay_ms": 30_000 }), "ErrorTimeoutExpired"),
    ] {
        let gateway = setup(ALL).start().await;
        let told = failing(&gateway, fault.clone()).await;
        assert!(told.iter().all(|told| told.trim_start_matches("fault ") == code), "{fault}: {told:?}");
        gateway.done().await;
    }
    let gateway = setup(ALL).start().await;
    let rubbish = failing(&gateway, json!({ "garbage": true })).await;
    assert_eq!(rubbish, ["fault ErrorInternalServerError", "NoError"], "what a write answers is not read");
    gateway.done().await;
}

#[tokio::test]
async fn being_busy_says_how_long_to_wait() {
    let gateway = setup(ALL).start().await;
    gateway.control(json!({ "call": "getMailboxSettings", "status": 429, "retry_after": 30 })).await;
    let (code, fault) = gateway.fault(&getting(NINA)).await;
    assert_eq!(code, "ErrorServerBusy");
    let value = fault.all("Value")[0].clone();
    assert_eq!(value.attribute("Name"), "BackOffMilliseconds");
    assert!((1_000..=30_000).contains(&value.text.parse::<u64>().unwrap()), "{}", value.text);
    gateway.done().await;
}
