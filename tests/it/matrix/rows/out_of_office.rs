//! Automatic replies and mail tips.

use calendar_relay::calendar::Capability;

use super::*;

fn get(address: &str) -> String {
    format!(
        "<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>{address}</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"
    )
}

pub(super) const GET_USER_OOF_SETTINGS: Row = Row {
    operation: "GetUserOofSettingsRequest",
    capability: Some(Capability::OutOfOfficeRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(Way::Address, |of, _| get(&of.address), DENIED, ONE),
        Cell::new(Way::Alias, |of, _| get(&of.alias), DENIED, NOT_BY_ALIAS).silent(),
    ],
    plain: |near| get(&near.address),
};

/// Graph's paths take no other address than a mailbox's first.
const NOT_BY_ALIAS: &[&str] = &["ErrorNonExistentMailbox"];

fn set(address: &str, text: &str) -> String {
    format!(
        "<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>{address}</t:Address></t:Mailbox><t:UserOofSettings>\
         <t:OofState>Enabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience>\
         <t:InternalReply><t:Message>{text}</t:Message></t:InternalReply>\
         <t:ExternalReply><t:Message>{text}</t:Message></t:ExternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>"
    )
}

pub(super) const SET_USER_OOF_SETTINGS: Row = Row {
    operation: "SetUserOofSettingsRequest",
    capability: Some(Capability::OutOfOfficeWrite),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: true,
    shows: false,
    cells: &[
        Cell::new(Way::Address, |of, _| set(&of.address, "MarkedReply"), DENIED, ONE),
        Cell::new(Way::Alias, |of, _| set(&of.alias, "MarkedReply"), DENIED, NOT_BY_ALIAS),
    ],
    plain: |near| set(&near.address, "Away"),
};

fn tips(sender: &str, recipients: &[&str]) -> String {
    let one = |address: &&str| format!("<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>");
    let recipients: String = recipients.iter().map(one).collect();
    format!(
        "<m:GetMailTips><m:SendingAs><t:EmailAddress>{sender}</t:EmailAddress></m:SendingAs>\
         <m:Recipients>{recipients}</m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested></m:GetMailTips>"
    )
}

pub(super) const GET_MAIL_TIPS: Row = Row {
    operation: "GetMailTips",
    capability: Some(Capability::OutOfOfficeRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(
            Way::Address,
            |of, near| tips(&near.address, &[&of.address]),
            Told::Codes(&["NoError", "ErrorAccessDenied"]),
            TWO,
        ),
        Cell::new(
            Way::Alias,
            |of, near| tips(&near.address, &[&of.alias]),
            Told::Codes(&["NoError", "ErrorAccessDenied"]),
            TWO,
        )
        .silent(),
        Cell::new(
            Way::Beside,
            |of, near| tips(&near.address, &[&near.address, &of.address]),
            Told::Codes(&["NoError", "NoError", "ErrorAccessDenied"]),
            THREE,
        ),
        // Of a sender only the organisation counts.
        Cell::told(Way::Mention, |of, near| tips(&of.address, &[&near.address]), TWO).silent(),
    ],
    plain: |near| tips(&near.address, &[&near.address]),
};

fn configuration(of: &str) -> String {
    format!(
        "<m:GetServiceConfiguration><m:ActingAs><t:EmailAddress>{of}</t:EmailAddress></m:ActingAs>\
         <m:RequestedConfiguration><m:ConfigurationName>MailTips</m:ConfigurationName></m:RequestedConfiguration>\
         </m:GetServiceConfiguration>"
    )
}

pub(super) const GET_SERVICE_CONFIGURATION: Row = Row {
    operation: "GetServiceConfiguration",
    capability: None,
    missing: None,
    writes: false,
    shows: false,
    // What there is does not depend on who acts.
    cells: &[Cell::told(Way::Mention, |of, _| configuration(&of.address), TWO)],
    plain: |near| configuration(&near.address),
};
