//! What callers are told where a tenant has no credential for what they ask.

use crate::harness::requests::{Availability, envelope};
use crate::harness::{Setup, client};

const FAY: &str = "fay@fabrikam.example";

/// A client that may do everything, Contoso with a credential for automatic replies alone, and Fabrikam with one for
/// busy times.
fn setup() -> Setup {
    let capabilities = "\"free_busy\", \"calendar_read\", \"calendar_write\", \"out_of_office_read\", \
                        \"out_of_office_write\", \"directory\"";
    let clients = client("*@contoso.example\", \"*@fabrikam.example", "full", "");
    Setup {
        clients: clients.replace("\"free_busy\", \"calendar_read\", \"directory\"", capabilities),
        credentials: vec![("out_of_office_read", "settings-read")],
        more: "[store]\npath = ':memory:'\n".to_owned(),
        ..Setup::new()
    }
}

#[tokio::test]
async fn an_operation_without_a_credential_is_denied_and_graph_is_not_asked() {
    let gateway = setup().start().await;
    let folder = format!(
        "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{FAY}</t:EmailAddress></t:Mailbox>\
         </t:DistinguishedFolderId>"
    );
    let mailbox = format!("<t:Mailbox><t:Address>{FAY}</t:Address></t:Mailbox>");
    let requests = [
        format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
             <m:CalendarView StartDate=\"2027-03-10T00:00:00Z\" EndDate=\"2027-03-11T00:00:00Z\"/>\
             <m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>"
        ),
        format!(
            "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:SavedItemFolderId>{folder}</m:SavedItemFolderId>\
             <m:Items><t:CalendarItem><t:Subject>s</t:Subject><t:Start>2027-03-10T09:00:00Z</t:Start>\
             <t:End>2027-03-10T10:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>"
        ),
        format!("<m:GetUserOofSettingsRequest>{mailbox}</m:GetUserOofSettingsRequest>"),
        format!(
            "<m:SetUserOofSettingsRequest>{mailbox}<t:UserOofSettings><t:OofState>Disabled</t:OofState>\
             <t:ExternalAudience>None</t:ExternalAudience><t:InternalReply><t:Message/></t:InternalReply>\
             <t:ExternalReply><t:Message/></t:ExternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>"
        ),
        format!(
            "<m:GetMailTips><m:SendingAs><t:EmailAddress>{FAY}</t:EmailAddress></m:SendingAs><m:Recipients><t:Mailbox>\
             <t:EmailAddress>{FAY}</t:EmailAddress></t:Mailbox></m:Recipients>\
             <m:MailTipsRequested>OutOfOfficeMessage</m:MailTipsRequested></m:GetMailTips>"
        ),
        "<m:GetRoomLists/>".to_owned(),
        format!("<m:GetRooms><m:RoomList><t:EmailAddress>{FAY}</t:EmailAddress></m:RoomList></m:GetRooms>"),
        format!(
            "<m:ResolveNames ReturnFullContactData=\"false\"><m:UnresolvedEntry>{FAY}</m:UnresolvedEntry></m:ResolveNames>"
        ),
    ];
    let requests = requests.iter().map(|body| envelope(body));
    let busy = Availability { mailboxes: &["nina@contoso.example"], ..Availability::default() }.xml();
    for request in requests.chain([busy]) {
        let answer = gateway.soap(&request).await;
        let is_denied = answer.body.contains("ErrorAccessDenied") || answer.body.contains("ErrorNoFreeBusyAccess");
        assert!(is_denied, "{request}\n{}", answer.body);
    }
    // Besides tokens there is but the knock at the start.
    let ledger = gateway.ledger().await;
    let calls: Vec<_> = ledger["counts"].as_object().unwrap().keys().cloned().collect();
    assert!(calls.iter().all(|call| call == "token" || call == "listUsers"), "{calls:?}");
    gateway.done().await;
}
