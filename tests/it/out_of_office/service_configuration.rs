//! GetServiceConfiguration.

use super::{setup, tipping};
use crate::harness::Setup;
use crate::harness::requests::envelope;

fn asking(names: &str) -> String {
    envelope(&format!(
        "<m:GetServiceConfiguration><m:ActingAs><t:EmailAddress>x@elsewhere.example</t:EmailAddress></m:ActingAs>\
         <m:RequestedConfiguration><m:ConfigurationName>{names}</m:ConfigurationName></m:RequestedConfiguration>\
         </m:GetServiceConfiguration>"
    ))
}

#[tokio::test]
async fn mail_tips_are_there_for_who_may_ask_for_them() {
    let all = &["*@contoso.example"];
    let nobody = Setup { credentials: Setup::new().credentials, ..setup(all) };
    let tips = Setup { credentials: vec![("mail_tips", "mail-tips")], ..tipping(all) };
    for (setup, expected) in [(setup(all), "true"), (tips, "true"), (nobody, "false"), (Setup::new(), "false")] {
        let gateway = setup.start().await;
        let answer = gateway.ask(&asking("MailTips UnifiedMessagingConfiguration")).await;
        let [message] = &answer.child("ResponseMessages").children[..] else { panic!("{answer:?}") };
        assert_eq!((message.attribute("ResponseClass"), message.at("ResponseCode")), ("Success", "NoError"));
        let tips = message.child("MailTipsConfiguration");
        assert_eq!(tips.at("MailTipsEnabled"), expected);
        assert_eq!(tips.at("MaxRecipientsPerGetMailTipsRequest"), "50");
        assert!(tips.child("InternalDomains").children.is_empty());
        assert_eq!(message.at("UnifiedMessagingConfiguration/UmEnabled"), "false");
        gateway.done().await;
    }
}

#[tokio::test]
async fn what_the_gateway_knows_nothing_of_is_left_out() {
    let gateway = Setup::new().start().await;
    let names = "ProtectionRules PolicyNudges SharePointURLs OfficeIntegrationConfiguration";
    let answer = gateway.ask(&asking(names)).await;
    assert_eq!(answer.child("ResponseMessages").children[0].names(), ["ResponseCode"]);
    for bad in ["", "Weather", "MailTips Weather"] {
        assert_eq!(gateway.fault(&asking(bad)).await.0, "ErrorSchemaValidation", "{bad}");
    }
    gateway.done().await;
}
