#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::ews::soap::Envelope;

fn parse(inside: &str) -> Result<GetServiceConfiguration, Failure> {
    let document = format!(
        r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:GetServiceConfiguration xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">{inside}</m:GetServiceConfiguration></s:Body></s:Envelope>"#
    );
    GetServiceConfiguration::parse(&mut Envelope::parse(&document)?.body)
}

fn requested(names: &[&str]) -> String {
    let name = |name: &&str| format!("<m:ConfigurationName>{name}</m:ConfigurationName>");
    format!("<m:RequestedConfiguration>{}</m:RequestedConfiguration>", names.iter().map(name).collect::<String>())
}

#[test]
fn names_are_listed_one_by_one_or_together() {
    let acting = "<m:ActingAs><t:EmailAddress>nobody</t:EmailAddress><t:RoutingType>X</t:RoutingType></m:ActingAs>";
    for (names, mail_tips, voice_mail) in [
        (&["MailTips"][..], true, false),
        (&["MailTips", "UnifiedMessagingConfiguration"], true, true),
        (&[" PolicyNudges\nUnifiedMessagingConfiguration "], false, true),
        (&["ProtectionRules", "SharePointURLs", "OfficeIntegrationConfiguration"], false, false),
    ] {
        let expected = GetServiceConfiguration { mail_tips, voice_mail };
        assert_eq!(parse(&format!("{acting}{}", requested(names))).unwrap(), expected, "{names:?}");
    }
    for bad in [String::new(), requested(&[]), requested(&[" "]), requested(&["MailTips", "mailtips"])] {
        assert!(matches!(parse(&bad), Err(Failure::Schema { .. })), "{bad}");
    }
}

#[test]
fn only_what_is_asked_for_is_told() {
    let written = |mail_tips, voice_mail| {
        let mut xml = Xml::default();
        GetServiceConfigurationResponse { mail_tips, voice_mail }.write(&mut xml);
        xml.finish()
    };
    let both = written(Some(true), true);
    assert!(both.contains(
        "<m:ResponseCode>NoError</m:ResponseCode><m:MailTipsConfiguration><t:MailTipsEnabled>true</t:MailTipsEnabled><t:MaxRecipientsPerGetMailTipsRequest>50</t:MaxRecipientsPerGetMailTipsRequest>"
    ), "{both}");
    assert!(both.contains("<t:InternalDomains/>"), "whose mail the gateway relays is told to nobody: {both}");
    assert!(both.contains("</m:MailTipsConfiguration><m:UnifiedMessagingConfiguration><t:UmEnabled>false<"), "{both}");
    assert!(written(Some(false), false).contains("<t:MailTipsEnabled>false</t:MailTipsEnabled>"));
    let neither = written(None, false);
    assert!(!neither.contains("Configuration>") || !neither.contains("<t:"), "{neither}");
}
