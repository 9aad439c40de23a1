//! Items of one mailbox: made, changed, deleted, refused.

use serde_json::json;

use super::*;

const ROOM: &str = "hanna@contoso.example";
const RESPA: [&str; 3] = [
    include_str!("../../../fixtures/ews/respa/confirmed-CreateItem.xml"),
    include_str!("../../../fixtures/ews/respa/saved-UpdateItem.xml"),
    include_str!("../../../fixtures/ews/respa/cancelled-DeleteItem.xml"),
];
const TIMES: &str = "<t:Start>2028-01-11T09:00:00Z</t:Start><t:End>2028-01-11T10:00:00Z</t:End>";

#[tokio::test]
async fn a_reservation_from_beginning_to_end() {
    let gateway = writer().start().await;
    let of = |request: &str| {
        request.replace("room1@contoso.test", ROOM).replace("pat.example@contoso.test", "nina@contoso.example")
    };
    let (id, key) = item_id(&replay(&gateway, of(RESPA[0])).await);
    assert!(id.len() <= 200 && key.len() <= 100);
    let recorded = "AAMkBWNhkEg7Otx7Lk8Xzd0oA6rbC2rZ20Z/0BbLnG6IAEIFY2GQSDs63HsuTxfN3SgDqtsLatnbRn/QFsucbogAQgVjYZBIOzrcey5PF83dKAOq2wtq2dtGf9AWy5xuiABC";
    let of = |request: &str| of(request).replace(recorded, &id);

    let (changed, new_key) = item_id(&replay(&gateway, of(RESPA[1])).await);
    assert!(changed == id && new_key != key);
    let calls = gateway.calls("updateEvent").await;
    assert_eq!(item_id(&replay(&gateway, of(RESPA[1])).await), (id.clone(), new_key.clone()), "nothing is new");
    assert_eq!(gateway.calls("updateEvent").await, calls, "and nobody is mailed");
    let item = get(&gateway, ROOM, &id).await;
    assert_eq!(item_id(&item), (id.clone(), new_key));
    let item = item.all("CalendarItem")[0].clone();
    assert_eq!((item.at("Start"), item.at("Location")), ("2026-11-28T11:00:00Z", "Room"));

    assert_eq!(code(&replay(&gateway, of(RESPA[2])).await), "NoError");
    assert_eq!(code(&replay(&gateway, of(RESPA[2])).await), "ErrorItemNotFound");
    assert_eq!(code(&replay(&gateway, of(RESPA[1])).await), "ErrorItemNotFound");
    gateway.done().await;
}

#[tokio::test]
async fn each_item_has_its_own_outcome() {
    let gateway = writer().start().await;
    let item = |subject: &str, times: &str| {
        format!("<t:CalendarItem><t:Subject>{subject}</t:Subject>{times}</t:CalendarItem>")
    };
    let backwards = TIMES.replace("T10:", "T08:");
    let body = format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items>{}{}<t:Message><t:Subject>m</t:Subject></t:Message>{}</m:Items></m:CreateItem>",
        item("first", TIMES),
        item("backwards", &backwards),
        item("last", TIMES)
    );
    let answer = ask_as(&gateway, ROOM, &body).await;
    let codes: Vec<_> = answer.all("ResponseCode").iter().map(|code| code.text.clone()).collect();
    let expected = ["NoError", "ErrorCalendarEndDateIsEarlierThanStartDate", "ErrorInvalidOperation", "NoError"];
    assert_eq!(codes, expected);
    assert_eq!(subjects(&gateway, ROOM).await.iter().filter(|it| ["first", "last"].contains(&it.as_str())).count(), 2);
    gateway.done().await;
}

#[tokio::test]
async fn what_the_request_must_say() {
    let gateway = writer().start().await;
    let create = format!("<m:CreateItem><m:Items><t:CalendarItem>{TIMES}</t:CalendarItem></m:Items></m:CreateItem>");
    assert_eq!(code(&ask_as(&gateway, ROOM, &create).await), "ErrorSendMeetingInvitationsRequired");
    let accept =
        "<m:CreateItem><m:Items><t:AcceptItem><t:ReferenceItemId Id=\"AAMk\"/></t:AcceptItem></m:Items></m:CreateItem>";
    assert_eq!(code(&ask_as(&gateway, ROOM, accept).await), "ErrorMessageDispositionRequired");
    let update = "<m:UpdateItem><m:ItemChanges><t:ItemChange><t:ItemId Id=\"AAMk\"/><t:Updates/></t:ItemChange></m:ItemChanges></m:UpdateItem>";
    assert_eq!(code(&ask_as(&gateway, ROOM, update).await), "ErrorSendMeetingInvitationsOrCancellationsRequired");
    let delete =
        "<m:DeleteItem DeleteType=\"HardDelete\"><m:ItemIds><t:ItemId Id=\"AAMk\"/></m:ItemIds></m:DeleteItem>";
    assert_eq!(code(&ask_as(&gateway, ROOM, delete).await), "ErrorSendMeetingCancellationsRequired");
    let inbox = create.replace("<m:CreateItem>", "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:SavedItemFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:SavedItemFolderId>");
    assert_eq!(code(&ask_as(&gateway, ROOM, &inbox).await), "ErrorCannotCreateCalendarItemInNonCalendarFolder");
    gateway.done().await;
}

#[tokio::test]
async fn ids_that_name_nothing_and_mailboxes_of_others() {
    let gateway = writer().start().await;
    let (gone, _) = create(&gateway, ROOM, "SendToNone", TIMES).await;
    assert_eq!(code(&delete(&gateway, ROOM, &named(&gone), "SendToNone").await), "NoError");
    for (id, expected) in
        [("", "ErrorInvalidIdEmpty"), ("no id!", "ErrorInvalidIdMalformed"), (gone.as_str(), "ErrorItemNotFound")]
    {
        assert_eq!(code(&delete(&gateway, ROOM, &named(id), "SendToNone").await), expected, "{id}");
        let subject = set("item:Subject", "<t:Subject>x</t:Subject>");
        assert_eq!(code(&update(&gateway, ROOM, &named(id), "SendToNone", &subject).await), expected, "{id}");
    }
    let (id, _) = create(&gateway, ROOM, "SendToNone", TIMES).await;
    let body = format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:SavedItemFolderId><t:DistinguishedFolderId Id=\"calendar\">\
         <t:Mailbox><t:EmailAddress>fay@fabrikam.example</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>\
         </m:SavedItemFolderId><m:Items><t:CalendarItem>{TIMES}</t:CalendarItem></m:Items></m:CreateItem>"
    );
    assert_eq!(code(&ask_as(&gateway, ROOM, &body).await), "ErrorAccessDenied");
    assert_eq!(code(&delete(&gateway, "nina@contoso.example", &named(&id), "SendToNone").await), "ErrorItemNotFound");
    gateway.done().await;
}

#[tokio::test]
async fn conflicts_are_resolved_as_the_request_wants_it() {
    let gateway = writer().start().await;
    let (id, key) = create(&gateway, ROOM, "SendToNone", TIMES).await;
    let change = |resolution: &str, key: &str, subject: &str| {
        let updates = set("item:Subject", &format!("<t:Subject>{subject}</t:Subject>"));
        format!(
            "<m:UpdateItem ConflictResolution=\"{resolution}\" SendMeetingInvitationsOrCancellations=\"SendToNone\"><m:ItemChanges>\
             <t:ItemChange><t:ItemId Id=\"{id}\" ChangeKey=\"{key}\"/><t:Updates>{updates}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
        )
    };
    let (_, newer) = item_id(&ask_as(&gateway, ROOM, &change("NeverOverwrite", &key, "a")).await);
    assert_ne!(newer, key);
    assert_eq!(code(&ask_as(&gateway, ROOM, &change("NeverOverwrite", &key, "b")).await), "ErrorIrresolvableConflict");
    assert_eq!(code(&ask_as(&gateway, ROOM, &change("NeverOverwrite", "no key", "b")).await), "ErrorInvalidChangeKey");
    for resolution in ["AutoResolve", "AlwaysOverwrite"] {
        item_id(&ask_as(&gateway, ROOM, &change(resolution, &key, resolution)).await);
        assert_eq!(get(&gateway, ROOM, &id).await.all("Subject")[0].text, resolution);
    }
    gateway.done().await;
}

#[tokio::test]
async fn while_graph_fails_the_caller_is_told_so() {
    let mut setup = writer();
    setup.limits = "deadline = \"1s\"".to_owned();
    let gateway = setup.start().await;
    gateway.control(json!({"call": "createEvent", "status": 503})).await;
    let body = format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items><t:CalendarItem>{TIMES}</t:CalendarItem></m:Items></m:CreateItem>"
    );
    let answer = ask_as(&gateway, ROOM, &body).await;
    assert!(["ErrorMailboxStoreUnavailable", "ErrorTimeoutExpired"].contains(&code(&answer)), "{answer:?}");
    gateway.done().await;
}
