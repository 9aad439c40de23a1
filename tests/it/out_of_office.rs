//! Automatic replies through EWS: reading and setting them, mail tips, and what of that there is.

mod mail_tips;
mod service_configuration;
mod settings;

use crate::harness::answer::Element;
use crate::harness::requests::envelope;
use crate::harness::{Gateway, Setup};

const NINA: &str = "nina@contoso.example";
const HANNA: &str = "hanna@contoso.example";
/// A directory entry without a mailbox.
const GHOST: &str = "ghost@contoso.example";

/// A client that may do whatever concerns automatic replies in these mailboxes, and a short deadline.
fn setup(mailboxes: &[&str]) -> Setup {
    let mut setup = Setup::client(mailboxes, "");
    let capabilities = "\"out_of_office_read\", \"out_of_office_write\"";
    setup.clients = setup.clients.replace("\"free_busy\", \"calendar_read\", \"directory\"", capabilities);
    let credentials = vec![("out_of_office_read", "settings-read"), ("out_of_office_write", "settings-write")];
    let (limits, graph) = ("deadline = \"3s\"".to_owned(), "timeout = \"1s\"".to_owned());
    Setup { credentials, limits, graph, ..setup }
}

/// The same where Graph's mail tips are asked for.
fn tipping(mailboxes: &[&str]) -> Setup {
    let mut setup = setup(mailboxes);
    setup.credentials.push(("mail_tips", "mail-tips"));
    setup
}

fn getting(mailbox: &str) -> String {
    let mailbox = format!("<t:Mailbox><t:Address>{mailbox}</t:Address></t:Mailbox>");
    envelope(&format!("<m:GetUserOofSettingsRequest>{mailbox}</m:GetUserOofSettingsRequest>"))
}

/// A request that sets what `settings` says.
fn setting(mailbox: &str, settings: &str) -> String {
    let mailbox = format!("<t:Mailbox><t:Address>{mailbox}</t:Address></t:Mailbox>");
    let settings = format!("<t:UserOofSettings>{settings}</t:UserOofSettings>");
    envelope(&format!("<m:SetUserOofSettingsRequest>{mailbox}{settings}</m:SetUserOofSettingsRequest>"))
}

fn settings(state: &str, audience: &str, duration: &str, internal: &str, external: &str) -> String {
    format!(
        "<t:OofState>{state}</t:OofState><t:ExternalAudience>{audience}</t:ExternalAudience>{duration}\
         <t:InternalReply><t:Message>{internal}</t:Message></t:InternalReply>\
         <t:ExternalReply><t:Message>{external}</t:Message></t:ExternalReply>"
    )
}

fn duration(start: &str, end: &str) -> String {
    format!("<t:Duration><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:Duration>")
}

/// The settings of a mailbox that has some.
async fn get(gateway: &Gateway, mailbox: &str) -> Element {
    let answer = gateway.ask(&getting(mailbox)).await;
    assert_eq!(answer.at("ResponseMessage/ResponseCode"), "NoError", "{answer:?}");
    assert_eq!(answer.names(), ["ResponseMessage", "OofSettings", "AllowExternalOof"]);
    answer.child("OofSettings").clone()
}

/// Sets a mailbox's settings; the response code.
async fn set(gateway: &Gateway, mailbox: &str, settings: &str) -> String {
    let answer = gateway.ask(&setting(mailbox, settings)).await;
    let message = answer.child("ResponseMessage");
    let class = if message.at("ResponseCode") == "NoError" { "Success" } else { "Error" };
    assert_eq!(message.attribute("ResponseClass"), class);
    message.at("ResponseCode").to_owned()
}
