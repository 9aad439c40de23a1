//! Calendar items: reading and writing them, as callers do.

mod convert;
mod folders;
mod people;
mod read;
mod read_views;
mod write;
mod write_meetings;
mod write_series;

use crate::harness::answer::Element;
use crate::harness::{Gateway, Setup, requests};

/// A client that may write and read everybody's calendar.
pub(crate) fn writer() -> Setup {
    let clients = crate::harness::client("*@contoso.example", "full", "");
    let mut setup = Setup::new();
    setup.clients = clients.replace("\"calendar_read\"", "\"calendar_read\", \"calendar_write\"");
    setup.credentials = vec![("calendar_read", "calendar-read"), ("calendar_write", "everything")];
    setup.more = "[store]\npath = ':memory:'\n".to_owned();
    setup
}

/// What a SOAP request of one of the mailboxes' owners is answered.
pub(crate) async fn ask_as(gateway: &Gateway, mailbox: &str, body: &str) -> Element {
    let header = format!(
        "<t:RequestServerVersion Version=\"Exchange2016\"/><t:ExchangeImpersonation><t:ConnectingSID>\
         <t:SmtpAddress>{mailbox}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
    );
    gateway.ask(&requests::envelope_with(&header, body)).await
}

/// The code of the only response message.
#[track_caller]
pub(crate) fn code(answer: &Element) -> &str {
    let codes = answer.all("ResponseCode");
    assert_eq!(codes.len(), 1, "{answer:?}");
    &codes[0].text
}

/// Id and change key of the only item.
#[track_caller]
pub(crate) fn item_id(answer: &Element) -> (String, String) {
    assert_eq!(code(answer), "NoError", "{answer:?}");
    let id = answer.all("ItemId");
    assert_eq!(id.len(), 1, "{answer:?}");
    (id[0].attribute("Id").to_owned(), id[0].attribute("ChangeKey").to_owned())
}

/// Makes an item in a mailbox and gives its id and change key.
pub(crate) async fn create(gateway: &Gateway, mailbox: &str, tells: &str, item: &str) -> (String, String) {
    let body = format!(
        "<m:CreateItem SendMeetingInvitations=\"{tells}\"><m:Items><t:CalendarItem>{item}</t:CalendarItem></m:Items></m:CreateItem>"
    );
    item_id(&ask_as(gateway, mailbox, &body).await)
}

/// The item, with all its properties.
pub(crate) async fn get(gateway: &Gateway, mailbox: &str, id: &str) -> Element {
    let body = format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id=\"{id}\"/></m:ItemIds></m:GetItem>"
    );
    ask_as(gateway, mailbox, &body).await
}

/// The subjects in a mailbox's calendar on the eleventh of January and the month after.
pub(crate) async fn subjects(gateway: &Gateway, mailbox: &str) -> Vec<String> {
    let body = "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"2028-01-11T00:00:00Z\" EndDate=\"2028-02-11T00:00:00Z\"/><m:ParentFolderIds>\
         <t:DistinguishedFolderId Id=\"calendar\"/></m:ParentFolderIds></m:FindItem>";
    let found = ask_as(gateway, mailbox, body).await;
    found.all("CalendarItem").into_iter().map(|item| item.at("Subject").to_owned()).collect()
}

/// Changes an item: what names it, who is told, the updates.
pub(crate) async fn update(gateway: &Gateway, mailbox: &str, name: &str, tells: &str, updates: &str) -> Element {
    let body = format!(
        "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\" SendMeetingInvitationsOrCancellations=\"{tells}\"><m:ItemChanges>\
         <t:ItemChange>{name}<t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    );
    ask_as(gateway, mailbox, &body).await
}

/// Sets one property.
pub(crate) fn set(uri: &str, property: &str) -> String {
    format!(
        "<t:SetItemField><t:FieldURI FieldURI=\"{uri}\"/><t:CalendarItem>{property}</t:CalendarItem></t:SetItemField>"
    )
}

/// Deletes an item: what names it, who is told.
pub(crate) async fn delete(gateway: &Gateway, mailbox: &str, name: &str, tells: &str) -> Element {
    let body = format!(
        "<m:DeleteItem DeleteType=\"HardDelete\" SendMeetingCancellations=\"{tells}\"><m:ItemIds>{name}</m:ItemIds></m:DeleteItem>"
    );
    ask_as(gateway, mailbox, &body).await
}

/// `ItemId` of an id.
pub(crate) fn named(id: &str) -> String {
    format!("<t:ItemId Id=\"{id}\"/>")
}

/// A recorded request, as the test's client would send it.
pub(crate) async fn replay(gateway: &Gateway, request: String) -> Element {
    let answer = gateway.send(gateway.post(request)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.payload()
}
