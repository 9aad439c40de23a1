#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::calendar::{Mailbox, Window};
use crate::ews::soap::Envelope;

fn parse(inside: &str) -> Result<GetMailTips, Failure> {
    let document = format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:GetMailTips xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">{inside}</m:GetMailTips></s:Body></s:Envelope>"#
    );
    GetMailTips::parse(&mut Envelope::parse(&document)?.body)
}

fn recipient(name: &str, address: &str, routing: &str) -> EmailAddress {
    EmailAddress { name: name.to_owned(), address: address.to_owned(), routing: routing.to_owned() }
}

fn written(tips: &str, found: Vec<Found>) -> String {
    let recipients = vec![recipient("A & B", "a@x.example", "SMTP"), recipient("", "c@x.example", "")];
    let mut xml = Xml::default();
    GetMailTipsResponse { recipients, tips: Tips::parse(tips).unwrap(), found }.write(&mut xml);
    xml.finish()
}

#[test]
fn the_request_of_exchangelib_asks_for_all() {
    let request = include_str!("../../../../fixtures/ews/exchangelib/mailtips-GetMailTips.xml");
    let request = GetMailTips::parse(&mut Envelope::parse(request).unwrap().body).unwrap();
    assert_eq!(request.tips, Tips::all());
    assert_eq!(request.recipients, [recipient("", "alice@example.com", "SMTP")]);
    assert_eq!(request.sender, Some(recipient("", "alice@example.com", "SMTP")));
}

#[test]
fn the_sender_may_be_left_out_and_recipients_may_not() {
    let recipients = "<m:Recipients><t:Mailbox><t:Name>A</t:Name><t:EmailAddress> a@x.example </t:EmailAddress>\
         <t:MailboxType>Mailbox</t:MailboxType></t:Mailbox><t:Mailbox/></m:Recipients>";
    let tips = "<m:MailTipsRequested>OutOfOfficeMessage</m:MailTipsRequested>";
    for sender in ["", "<m:SendingAs/>", "<m:SendingAs><t:EmailAddress/></m:SendingAs>"] {
        let request = parse(&format!("{sender}{recipients}{tips}")).unwrap();
        assert!(request.sender.is_none_or(|sender| sender.mailbox().is_err()), "{sender}");
        assert_eq!(request.recipients, [recipient("A", "a@x.example", ""), EmailAddress::default()]);
        assert_eq!(request.tips.pending(true), "");
    }
    for bad in
        [tips.to_owned(), recipients.repeat(2), format!("{recipients}<m:MailTipsRequested>None</m:MailTipsRequested>")]
    {
        assert!(matches!(parse(&bad), Err(Failure::Schema { .. })), "{bad}");
    }
}

#[test]
fn recipients_have_smtp_addresses() {
    for routing in ["", "SMTP", "smtp"] {
        assert_eq!(recipient("", "a@x.example", routing).mailbox(), Mailbox::parse("a@x.example"));
    }
    for bad in
        [recipient("", "/o=Org/cn=a@x.example", "EX"), recipient("", "a@x.example", "X500"), EmailAddress::default()]
    {
        assert!(matches!(bad.mailbox(), Err(Failure::BadAddress { .. })), "{bad:?}");
    }
}

#[test]
fn each_recipient_has_a_message_of_its_own() {
    let window = Window::new("2027-02-01T08:00:00Z".parse().unwrap(), "2027-02-05T17:00:00Z".parse().unwrap());
    let tip = Tip { message: "<p>away</p>".to_owned(), language: Some("en-US".to_owned()), window };
    let text = written("OutOfOfficeMessage MaxMessageSize CustomMailTip", vec![Ok(Some(tip)), Err(Failure::Denied)]);
    assert!(text.contains(
        r#"<m:MailTipsResponseMessageType ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:MailTips><t:RecipientAddress><t:Name>A &amp; B</t:Name><t:EmailAddress>a@x.example</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:RecipientAddress><t:PendingMailTips>CustomMailTip MaxMessageSize</t:PendingMailTips><t:OutOfOffice><t:ReplyBody xml:lang="en-US"><t:Message>&lt;p&gt;away&lt;/p&gt;</t:Message></t:ReplyBody><t:Duration><t:StartTime>2027-02-01T08:00:00Z</t:StartTime><t:EndTime>2027-02-05T17:00:00Z</t:EndTime></t:Duration></t:OutOfOffice></m:MailTips></m:MailTipsResponseMessageType><m:MailTipsResponseMessageType ResponseClass="Error"><m:MessageText>"#
    ), "{text}");
    assert!(text.ends_with(
        "<m:ResponseCode>ErrorAccessDenied</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:MailTipsResponseMessageType></m:ResponseMessages></m:GetMailTipsResponse>"
    ), "{text}");
}

#[test]
fn who_is_not_away_has_an_empty_message_and_what_is_not_asked_for_is_not_there() {
    let text = written("All", vec![Ok(Some(Tip::default())), Ok(Some(Tip::default()))]);
    let empty = "</t:PendingMailTips><t:OutOfOffice><t:ReplyBody><t:Message></t:Message></t:ReplyBody></t:OutOfOffice><t:InvalidRecipient>";
    assert_eq!(text.matches(empty).count(), 2, "{text}");
    assert_eq!(text.matches("</t:OutOfOffice><t:InvalidRecipient>false</t:InvalidRecipient>").count(), 2, "{text}");
    let other = written("CustomMailTip", vec![Ok(Some(Tip::default())), Ok(Some(Tip::default()))]);
    assert!(!other.contains("OutOfOffice") && other.contains("<t:PendingMailTips>CustomMailTip<"), "{other}");
}

#[test]
fn who_is_not_there_and_of_whom_nothing_is_known() {
    let nobody = || Err(Failure::NoSuchMailbox { address: "a@x.example".to_owned() });
    let text = written("OutOfOfficeMessage InvalidRecipient", vec![nobody(), Ok(None)]);
    for tips in [
        "<t:PendingMailTips></t:PendingMailTips><t:InvalidRecipient>true</t:InvalidRecipient></m:MailTips>",
        "<t:PendingMailTips>OutOfOfficeMessage InvalidRecipient</t:PendingMailTips></m:MailTips>",
    ] {
        assert_eq!(text.matches(tips).count(), 1, "{text}");
    }
    assert!(!text.contains("\"Error\"") && !text.contains("<t:OutOfOffice>"), "{text}");
    let text = written("OutOfOfficeMessage", vec![nobody(), Ok(None)]);
    assert!(text.contains("<m:ResponseCode>ErrorNonExistentMailbox</m:ResponseCode>"), "{text}");
    assert!(text.contains("<t:PendingMailTips>OutOfOfficeMessage</t:PendingMailTips></m:MailTips>"), "{text}");
}

#[test]
fn the_request_fails_when_nobody_could_be_asked() {
    let busy = |seconds| Err(Failure::Busy { retry_after: Duration::from_secs(seconds) });
    let (fine, denied, late) = (Ok(Some(Tip::default())), Err(Failure::Denied), Err(Failure::TimedOut));
    let whole = |found: &[Found]| failed_as_a_whole(found).cloned();
    assert_eq!(whole(&[busy(3), busy(9), busy(5)]), busy(9).err());
    assert_eq!(whole(&[late.clone(), busy(3), Err(Failure::Internal)]), busy(3).err());
    assert_eq!(whole(std::slice::from_ref(&late)), Some(Failure::TimedOut));
    assert_eq!(whole(&[busy(3), fine]), None);
    assert_eq!(whole(&[late, denied]), None);
}
