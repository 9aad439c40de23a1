//! ConvertId: ids that were given out, in their other forms.

use super::{ask_as, create, writer};
use crate::harness::answer::Element;
use crate::harness::requests::envelope;
use crate::harness::{Gateway, Setup};

const NINA: &str = "nina@contoso.example";

fn request(from: &str, to: &str, ids: &[&str]) -> String {
    let ids: String = ids
        .iter()
        .map(|id| format!("<t:AlternateId Format=\"{from}\" Id=\"{id}\" Mailbox=\"blah@blah.example\"/>"))
        .collect();
    format!("<m:ConvertId DestinationFormat=\"{to}\"><m:SourceIds>{ids}</m:SourceIds></m:ConvertId>")
}

/// Format, id and mailbox of the only id of an answer.
fn converted(answer: &Element) -> (String, String, String) {
    assert_eq!(super::code(answer), "NoError", "{answer:?}");
    let id = &answer.all("AlternateId")[0];
    let attribute = |name: &str| id.attribute(name).to_owned();
    (attribute("Format"), attribute("Id"), attribute("Mailbox"))
}

async fn calendar_id(gateway: &Gateway, mailbox: &str) -> String {
    let request = include_str!("../../../fixtures/ews/exchangelib/calendar-folder-GetFolder.xml");
    let answer = gateway.ask(&request.replace("alice@example.com", mailbox)).await;
    answer.all("CalendarFolder")[0].child("FolderId").attribute("Id").to_owned()
}

#[tokio::test]
async fn ids_of_items_and_folders_have_three_forms_and_the_callers_mailbox() {
    let gateway = writer().start().await;
    let item = "<t:Subject>Named</t:Subject><t:Start>2028-01-11T10:00:00Z</t:Start><t:End>2028-01-11T11:00:00Z</t:End>";
    let (item, _) = create(&gateway, NINA, "SendToNone", item).await;
    for id in [item, calendar_id(&gateway, NINA).await] {
        let escaped = id.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for (from, given, to, expected) in [
            ("EwsId", &id, "EwsLegacyId", &id),
            ("EwsLegacyId", &id, "EwsId", &id),
            ("EwsId", &id, "OwaId", &escaped),
            ("OwaId", &escaped, "EwsId", &id),
        ] {
            let answer = ask_as(&gateway, NINA, &request(from, to, &[given])).await;
            assert_eq!(converted(&answer), (to.to_owned(), expected.clone(), NINA.to_owned()), "{from}");
        }
        for (from, to) in [("EwsId", "HexEntryId"), ("EwsId", "EntryId"), ("EwsId", "StoreId"), ("EntryId", "EwsId")] {
            let answer = ask_as(&gateway, NINA, &request(from, to, &[&id])).await;
            assert_eq!(super::code(&answer), "ErrorInvalidIdMalformed", "{from} {to}");
        }
    }
    gateway.done().await;
}

#[tokio::test]
async fn each_id_is_answered_and_others_mailboxes_are_not_told() {
    let gateway = Setup::client(&[NINA], &format!("mailbox = \"{NINA}\"\n")).start().await;
    let own = calendar_id(&gateway, NINA).await;
    // Of the form of the gateway's own, of a mailbox that this client may not use.
    let others = "Zm9sZGVyIGNhbGVuZGFyIGJvc3NAY29udG9zby5leGFtcGxl";
    let answer = gateway.ask(&envelope(&request("EwsId", "EwsLegacyId", &["DUMMY", &own, others, "", "no id"]))).await;
    let codes: Vec<&str> = answer.all("ResponseCode").iter().map(|code| code.text.as_str()).collect();
    let malformed = "ErrorInvalidIdMalformed";
    assert_eq!(codes, [malformed, "NoError", "ErrorAccessDenied", "ErrorInvalidIdEmpty", malformed]);
    let ids = answer.all("AlternateId");
    assert_eq!((ids.len(), ids[0].attribute("Mailbox"), ids[0].attribute("Id")), (1, NINA, &*own));
    gateway.done().await;
}
