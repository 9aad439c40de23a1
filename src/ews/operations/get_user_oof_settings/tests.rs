#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::calendar::out_of_office::{Audience, Status};
use crate::ews::soap::Envelope;

fn parse(request: &str) -> Result<GetUserOofSettings, Failure> {
    GetUserOofSettings::parse(&mut Envelope::parse(request)?.body)
}

fn written(replies: Result<AutomaticReplies, Failure>) -> String {
    let mut xml = Xml::default();
    GetUserOofSettingsResponse { replies, now: "2027-01-05T14:30:00Z".parse().unwrap() }.write(&mut xml);
    xml.finish()
}

#[test]
fn requests_of_clients() {
    for request in [
        include_str!("../../../../fixtures/ews/exchangelib/oof-get-GetUserOofSettings.xml"),
        include_str!("../../../../fixtures/ews/ews-javascript-api/oof-get-GetUserOofSettings.xml"),
        include_str!("../../../../fixtures/ews/node-ews/oof-get-GetUserOofSettings.xml"),
    ] {
        assert_eq!(parse(request).unwrap().address, "alice@example.com");
    }
}

#[test]
fn a_request_without_a_mailbox_is_refused() {
    let whole = include_str!("../../../../fixtures/ews/ews-javascript-api/oof-get-GetUserOofSettings.xml");
    let address = "<t:Address>alice@example.com</t:Address>";
    let mailbox = format!("<t:Mailbox>{address}</t:Mailbox>");
    for (part, instead) in [(mailbox.as_str(), ""), (address, ""), (mailbox.as_str(), &mailbox.repeat(2))] {
        assert!(matches!(parse(&whole.replace(part, instead)), Err(Failure::Schema { .. })), "{instead}");
    }
}

#[test]
fn settings_come_after_the_message_and_before_what_is_allowed() {
    let (status, audience) = (Status::Enabled, Audience::Everybody);
    let (internal, external) = ("in".to_owned(), "out".to_owned());
    let text = written(Ok(AutomaticReplies { status, audience, window: None, internal, external, language: None }));
    let head = r#"<m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><t:OofSettings><t:OofState>Enabled<"#;
    let tail = "</t:OofSettings><m:AllowExternalOof>All</m:AllowExternalOof></m:GetUserOofSettingsResponse>";
    assert!(text.contains(head) && text.ends_with(tail), "{text}");
}

#[test]
fn a_failure_tells_nothing_else() {
    let text = written(Err(Failure::Denied));
    assert!(text.contains(r#"<m:ResponseMessage ResponseClass="Error"><m:MessageText>"#), "{text}");
    assert!(text.contains("<m:ResponseCode>ErrorAccessDenied</m:ResponseCode><m:DescriptiveLinkKey>0<"), "{text}");
    assert!(text.ends_with("</m:ResponseMessage></m:GetUserOofSettingsResponse>"), "{text}");
}
