//! GetFolder and FindFolder: the way from the root to the calendar.

use crate::harness::Setup;
use crate::harness::requests::envelope;

const NINA: &str = "nina@contoso.example";

#[tokio::test]
async fn exchangelib_finds_the_calendar_from_the_root() {
    let gateway = Setup::new().start().await;
    let root = include_str!("../../../fixtures/ews/exchangelib/root-GetFolder.xml").replace("alice@example.com", NINA);
    let root = gateway.ask(&root).await;
    let root = root.all("Folder")[0];
    assert_eq!((root.at("DistinguishedFolderId"), root.at("DisplayName")), ("root", "Root"));
    assert!(root.get("ParentFolderId").is_none());
    let request = include_str!("../../../fixtures/ews/exchangelib/calendar-folder-GetFolder.xml");
    let calendar = gateway.ask(&request.replace("alice@example.com", NINA)).await;
    let calendar = calendar.all("CalendarFolder")[0].clone();
    assert_eq!(
        calendar.names(),
        [
            "FolderId",
            "ParentFolderId",
            "FolderClass",
            "DisplayName",
            "ChildFolderCount",
            "EffectiveRights",
            "DistinguishedFolderId"
        ]
    );
    let rights = calendar.child("EffectiveRights");
    assert_eq!((rights.at("Read"), rights.at("CreateContents")), ("true", "false"), "the client may not write");
    // By its own id, which needs no mailbox, and its parent by its.
    for (id, name) in [("FolderId", "Calendar"), ("ParentFolderId", "Top of Information Store")] {
        let id = calendar.child(id).attribute("Id");
        let request = format!(
            "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds><t:FolderId Id=\"{id}\"/></m:FolderIds></m:GetFolder>"
        );
        assert_eq!(gateway.ask(&envelope(&request)).await.all("DisplayName")[0].text, name);
    }
    gateway.done().await;
}

#[tokio::test]
async fn a_walk_over_all_folders_that_there_may_be() {
    let gateway = Setup::new().start().await;
    let walk = include_str!("../../../fixtures/ews/exchangelib/walk-GetFolder.xml").replace("alice@example.com", NINA);
    let answer = gateway.ask(&walk).await;
    let codes: Vec<&str> =
        answer.all("GetFolderResponseMessage").iter().map(|message| message.at("ResponseCode")).collect();
    assert_eq!(codes.len(), 53);
    assert!(codes.iter().all(|code| matches!(*code, "NoError" | "ErrorFolderNotFound")), "{codes:?}");
    assert!(codes.contains(&"NoError") && codes.contains(&"ErrorFolderNotFound"));
    let find = include_str!("../../../fixtures/ews/exchangelib/walk-FindFolder.xml").replace("alice@example.com", NINA);
    let found = gateway.ask(&find).await;
    let root = found.all("RootFolder")[0].clone();
    assert_eq!((root.attribute("TotalItemsInView"), root.attribute("IncludesLastItemInRange")), ("13", "true"));
    assert_eq!(root.attribute("IndexedPagingOffset"), "13");
    let names: Vec<&str> = root.all("DistinguishedFolderId").iter().map(|name| name.text.as_str()).collect();
    assert!(names.contains(&"calendar") && names.contains(&"msgfolderroot"));
    gateway.done().await;
}

#[tokio::test]
async fn calendars_by_their_class_and_folders_that_cannot_be_had() {
    let gateway = Setup::client(&[NINA], &format!("mailbox = \"{NINA}\"\n")).start().await;
    let calendars =
        gateway.ask(include_str!("../../../fixtures/ews/ews-javascript-api/find-folders-FindFolder.xml")).await;
    assert_eq!(calendars.all("DisplayName").iter().map(|name| name.text.as_str()).collect::<Vec<_>>(), ["Calendar"]);
    let public = gateway.ask(include_str!("../../../fixtures/ews/exchangelib/public-roots-GetFolder.xml")).await;
    assert_eq!(public.all("ResponseCode")[0].text, "ErrorFolderNotFound");
    let other = include_str!("../../../fixtures/ews/exchangelib/root-GetFolder.xml");
    let denied = gateway.ask(&other.replace("alice@example.com", "boss@contoso.example")).await;
    assert_eq!(denied.all("ResponseCode")[0].text, "ErrorAccessDenied");
    assert!(denied.all("Folders")[0].children.is_empty());
    gateway.done().await;
}
