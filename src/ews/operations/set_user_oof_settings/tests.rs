#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::ews::soap::Envelope;

fn parse(request: &str) -> Result<SetUserOofSettings, Failure> {
    SetUserOofSettings::parse(&mut Envelope::parse(request)?.body)
}

fn wanted(request: &str) -> AutomaticReplies {
    let request = parse(request).unwrap();
    assert_eq!(request.address, "alice@example.com");
    request.settings.replies("2027-01-05T14:30:00Z".parse().unwrap()).unwrap()
}

#[test]
fn requests_of_clients() {
    for (request, start, texts) in [
        (
            include_str!("../../../../fixtures/ews/exchangelib/oof-set-SetUserOofSettings.xml"),
            "2027-01-10T23:00:00Z",
            ("I am out (internal)", "I am out (external)"),
        ),
        (
            include_str!("../../../../fixtures/ews/ews-javascript-api/oof-set-SetUserOofSettings.xml"),
            "2027-01-11T00:00:00Z",
            ("internal", "external"),
        ),
    ] {
        let replies = wanted(request);
        assert_eq!((replies.status, replies.audience), (Status::Scheduled, Audience::Everybody));
        let window = replies.window.unwrap();
        assert_eq!((window.start(), window.seconds()), (start.parse().unwrap(), 86_400));
        assert_eq!((replies.internal.as_str(), replies.external.as_str()), texts);
    }
    for (request, audience) in [
        (include_str!("../../../../fixtures/ews/exchangelib/oof-disable-SetUserOofSettings.xml"), Audience::Everybody),
        (
            include_str!("../../../../fixtures/ews/ews-javascript-api/oof-disable-SetUserOofSettings.xml"),
            Audience::Nobody,
        ),
    ] {
        let replies = wanted(request);
        assert_eq!((replies.status, replies.audience, replies.window), (Status::Disabled, audience, None));
        assert_eq!((replies.internal.as_str(), replies.external.as_str()), ("", ""));
    }
}

#[test]
fn both_parts_are_needed() {
    let whole = include_str!("../../../../fixtures/ews/exchangelib/oof-disable-SetUserOofSettings.xml");
    for part in ["t:Mailbox", "t:UserOofSettings"] {
        let without = whole.replace(part, "t:Other");
        assert!(matches!(parse(&without), Err(Failure::Schema { .. })), "{part}");
    }
}

#[test]
fn what_became_of_it() {
    let written = |outcome| {
        let mut xml = Xml::default();
        SetUserOofSettingsResponse { outcome }.write(&mut xml);
        xml.finish()
    };
    assert!(written(Ok(())).contains(
        r#"<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage></m:SetUserOofSettingsResponse>"#
    ));
    for (failure, code) in [
        (Failure::BadScheduledDuration, "ErrorInvalidScheduledOofDuration"),
        (Failure::ReplyMissing, "ErrorInvalidUserOofSettings"),
        (Failure::Denied, "ErrorAccessDenied"),
        (Failure::Unsupported { what: "CreateOOFEvent".to_owned() }, "ErrorInvalidOperation"),
    ] {
        assert!(!fault::is_passing(&failure));
        let text = written(Err(failure));
        assert!(text.contains(&format!("<m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0<")), "{text}");
        assert!(text.contains(r#"<m:ResponseMessage ResponseClass="Error"><m:MessageText>"#), "{text}");
    }
}
