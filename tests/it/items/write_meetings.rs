//! Meetings: who is told of what, and answers to invitations.

use super::*;

const NINA: &str = "nina@contoso.example";
const HANNA: &str = "hanna@contoso.example";
const MEETING: &str = "<t:Subject>Plan</t:Subject><t:Start>2028-01-11T09:00:00Z</t:Start><t:End>2028-01-11T10:00:00Z</t:End>\
     <t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>hanna@contoso.example</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>";

fn response(kind: &str, id: &str) -> String {
    format!(
        "<m:CreateItem MessageDisposition=\"SendAndSaveCopy\"><m:Items><t:{kind}><t:ReferenceItemId Id=\"{id}\"/></t:{kind}></m:Items></m:CreateItem>"
    )
}

/// The id of the copy that an attendee has.
async fn copy(gateway: &Gateway, mailbox: &str) -> Option<String> {
    let body = "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"2028-01-11T08:00:00Z\" EndDate=\"2028-01-11T11:00:00Z\"/><m:ParentFolderIds>\
         <t:DistinguishedFolderId Id=\"calendar\"/></m:ParentFolderIds></m:FindItem>";
    let found = ask_as(gateway, mailbox, body).await;
    let plan = found.all("CalendarItem").into_iter().find(|item| item.at("Subject").ends_with("Plan"))?.clone();
    Some(plan.child("ItemId").attribute("Id").to_owned())
}

#[tokio::test]
async fn nobody_is_told_until_somebody_wants_it() {
    let gateway = writer().start().await;
    let (id, _) = create(&gateway, NINA, "SendToNone", MEETING).await;
    assert_eq!(copy(&gateway, HANNA).await, None, "held back");
    let item = get(&gateway, NINA, &id).await;
    assert_eq!(item.all("RequiredAttendees")[0].at("Attendee/Mailbox/EmailAddress"), HANNA, "but shown");
    let room = set("calendar:Location", "<t:Location>Room</t:Location>");
    assert_eq!(code(&update(&gateway, NINA, &named(&id), "SendToNone", &room).await), "NoError");
    assert_eq!(copy(&gateway, HANNA).await, None);
    assert_eq!(code(&update(&gateway, NINA, &named(&id), "SendOnlyToAll", "").await), "NoError");
    assert!(copy(&gateway, HANNA).await.is_some(), "told");

    let hall = set("calendar:Location", "<t:Location>Hall</t:Location>");
    let refused = update(&gateway, NINA, &named(&id), "SendToNone", &hall).await;
    assert_eq!(code(&refused), "ErrorInvalidOperation");
    assert!(refused.all("MessageText")[0].text.contains("SendToNone"), "{refused:?}");
    let reminder =
        set("item:ReminderMinutesBeforeStart", "<t:ReminderMinutesBeforeStart>5</t:ReminderMinutesBeforeStart>");
    assert_eq!(code(&update(&gateway, NINA, &named(&id), "SendToNone", &reminder).await), "NoError");
    assert_eq!(code(&delete(&gateway, NINA, &named(&id), "SendToNone").await), "ErrorInvalidOperation");
    assert_eq!(code(&delete(&gateway, NINA, &named(&id), "SendToAllAndSaveCopy").await), "NoError");
    gateway.done().await;
}

#[tokio::test]
async fn invitations_are_answered() {
    let gateway = writer().start().await;
    let (id, _) = create(&gateway, NINA, "SendToAllAndSaveCopy", MEETING).await;
    let own = copy(&gateway, HANNA).await.unwrap();
    let (accepted, key) = item_id(&ask_as(&gateway, HANNA, &response("AcceptItem", &own)).await);
    assert_eq!(accepted, own);
    let item = get(&gateway, HANNA, &own).await;
    assert_eq!((item.all("MyResponseType")[0].text.as_str(), item_id(&item).1), ("Accept", key));
    assert_eq!(code(&ask_as(&gateway, HANNA, &response("TentativelyAcceptItem", &own)).await), "NoError");
    let item = get(&gateway, NINA, &id).await;
    assert_eq!(item.all("RequiredAttendees")[0].at("Attendee/ResponseType"), "Tentative");

    for (kind, expected) in [
        ("AcceptItem", "ErrorCalendarIsOrganizerForAccept"),
        ("TentativelyAcceptItem", "ErrorCalendarIsOrganizerForTentative"),
        ("DeclineItem", "ErrorCalendarIsOrganizerForDecline"),
        ("RemoveItem", "ErrorCalendarIsOrganizerForRemove"),
        ("ReplyToItem", "ErrorInvalidOperation"),
    ] {
        assert_eq!(code(&ask_as(&gateway, NINA, &response(kind, &id)).await), expected, "{kind}");
    }
    assert_eq!(
        code(&ask_as(&gateway, HANNA, &response("CancelCalendarItem", &own)).await),
        "ErrorCalendarIsNotOrganizer"
    );
    assert_eq!(code(&ask_as(&gateway, HANNA, &response("DeclineItem", &own)).await), "NoError");
    gateway.done().await;
}

#[tokio::test]
async fn a_meeting_is_called_off() {
    let gateway = writer().start().await;
    let (id, _) = create(&gateway, NINA, "SendToAllAndSaveCopy", MEETING).await;
    let own = copy(&gateway, HANNA).await.unwrap();
    assert_eq!(code(&ask_as(&gateway, NINA, &response("CancelCalendarItem", &id)).await), "NoError");
    assert_eq!(code(&get(&gateway, NINA, &id).await), "ErrorItemNotFound");
    if copy(&gateway, HANNA).await.is_some() {
        assert_eq!(
            code(&ask_as(&gateway, HANNA, &response("AcceptItem", &own)).await),
            "ErrorCalendarIsCancelledForAccept"
        );
        assert_eq!(code(&ask_as(&gateway, HANNA, &response("RemoveItem", &own)).await), "NoError");
        assert_eq!(copy(&gateway, HANNA).await, None);
    }
    let (alone, _) = create(&gateway, NINA, "SendToNone", MEETING).await;
    assert_eq!(code(&ask_as(&gateway, NINA, &response("CancelCalendarItem", &alone)).await), "NoError");
    assert_eq!(code(&get(&gateway, NINA, &alone).await), "ErrorItemNotFound");
    gateway.done().await;
}

const ALONE: &str =
    "<t:Subject>Alone</t:Subject><t:Start>2028-01-11T09:00:00Z</t:Start><t:End>2028-01-11T10:00:00Z</t:End>";

/// Somebody is invited while another request, which must not tell anybody, is under way.
async fn invite_meanwhile(gateway: &Gateway, id: &str) {
    gateway.until_under_way().await;
    let pat = "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>boss@contoso.example</t:EmailAddress>\
         </t:Mailbox></t:Attendee></t:RequiredAttendees>";
    let invite = set("calendar:RequiredAttendees", pat);
    item_id(&update(gateway, "nina@contoso.example", &named(id), "SendToAllAndSaveCopy", &invite).await);
}

#[tokio::test]
async fn nobody_who_was_invited_meanwhile_is_told() {
    let gateway = writer().start().await;
    let nina = "nina@contoso.example";
    let (id, _) = create(&gateway, nina, "SendToNone", ALONE).await;
    gateway.control(serde_json::json!({"call": "updateEvent", "delay_ms": 1000, "times": 1})).await;
    let subject = set("item:Subject", "<t:Subject>Quiet</t:Subject>");
    let name = named(&id);
    let (answer, ()) =
        tokio::join!(update(&gateway, nina, &name, "SendToNone", &subject), invite_meanwhile(&gateway, &id));
    assert_ne!(code(&answer), "NoError");
    assert_eq!(get(&gateway, nina, &id).await.all("Subject")[0].text, "Alone");
    gateway.calm().await;

    let (id, _) = create(&gateway, nina, "SendToNone", ALONE).await;
    gateway.control(serde_json::json!({"call": "deleteEvent", "delay_ms": 1000, "times": 1})).await;
    let name = named(&id);
    let (answer, ()) = tokio::join!(delete(&gateway, nina, &name, "SendToNone"), invite_meanwhile(&gateway, &id));
    assert_ne!(code(&answer), "NoError");
    assert_eq!(code(&get(&gateway, nina, &id).await), "NoError");
    gateway.done().await;
}

#[tokio::test]
async fn what_changed_once_is_decided_again() {
    let gateway = writer().start().await;
    let nina = "nina@contoso.example";
    let (id, _) = create(&gateway, nina, "SendToNone", ALONE).await;
    let conflict =
        |call: &str| serde_json::json!({"call": call, "status": 412, "code": "ErrorIrresolvableConflict", "times": 1});
    gateway.control(conflict("updateEvent")).await;
    let subject = set("item:Subject", "<t:Subject>Quiet</t:Subject>");
    item_id(&update(&gateway, nina, &named(&id), "SendToNone", &subject).await);
    assert_eq!(get(&gateway, nina, &id).await.all("Subject")[0].text, "Quiet");
    gateway.control(conflict("deleteEvent")).await;
    assert_eq!(code(&delete(&gateway, nina, &named(&id), "SendToNone").await), "NoError");
    gateway.done().await;
}
