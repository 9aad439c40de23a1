//! What clients with a narrow view are told and can find out, on every operation.

use base64::Engine as _;
use calendar_relay::app;
use serde_json::{Value, json};

use crate::harness::answer::Element;
use crate::harness::requests::{Availability, envelope};
use crate::harness::{Gateway, Setup, client};
use crate::items::{ask_as, code};

/// Of whom the world has no events.
const FRED: &str = "free@contoso.example";
/// In every hidden text; never in an answer.
const MARKS: [&str; 6] = ["Subjectmark", "Locationmark", "Bodymark", "Categorymark", "Personmark", "example/join"];
const MASKS: &str = "view = { subject = \"Engaged\", people = \"initials\", hidden = [\"location\", \"body\", \
                     \"categories\", \"online_meeting\", \"extended_properties\"] }\n";
const HORIZON: &str = "view = { days_back = 2, days_ahead = 10 }\n";

/// With one client that may do everything, under a view.
fn seeing(view: &str) -> Setup {
    let clients = client("*@contoso.example", "full", view);
    let mut setup = Setup::new();
    setup.clients = clients.replace("\"calendar_read\"", "\"calendar_read\", \"calendar_write\"");
    setup.credentials.push(("calendar_write", "everything"));
    setup.more = "[store]\npath = ':memory:'\n".to_owned();
    setup
}

/// A time some days from now, at an hour.
fn at(days: i64, hour: i64) -> String {
    let midnight = app::now().as_second().div_euclid(86_400) * 86_400;
    let at = jiff::Timestamp::from_second(midnight + days * 86_400 + hour * 3600).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn marked(subject: &str, days: i64, hour: i64) -> Value {
    let time = |hour| json!({ "dateTime": at(days, hour), "timeZone": "UTC" });
    json!({
        "subject": subject, "start": time(hour), "end": time(hour + 1),
        "location": { "displayName": "Locationmark" },
        "body": { "contentType": "html", "content": "<p>Bodymark https://t.example/join</p>" },
        "categories": ["Categorymark"],
        "attendees": [{ "type": "required", "emailAddress": { "name": "Ann Personmark", "address": "ann.personmark@elsewhere.example" } }],
    })
}

fn find(more: &str, view: &str) -> String {
    format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>{view}{more}\
         <m:ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{FRED}</t:EmailAddress>\
         </t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>"
    )
}

/// The days from one to another, from now.
fn days(from: i64, to: i64) -> String {
    format!("<m:CalendarView StartDate=\"{}Z\" EndDate=\"{}Z\"/>", at(from, 0), at(to, 0))
}

async fn found(gateway: &Gateway, request: &str) -> Vec<Element> {
    let answer = gateway.ask(&envelope(request)).await;
    assert_eq!(answer.at("ResponseMessages/FindItemResponseMessage/ResponseCode"), "NoError");
    let items: Vec<Element> = answer.all("CalendarItem").into_iter().cloned().collect();
    let folder = answer.all("RootFolder")[0].clone();
    assert_eq!(folder.attribute("TotalItemsInView"), items.len().to_string());
    items
}

fn contains(uri: &str, text: &str) -> String {
    format!(
        "<m:Restriction><t:Contains ContainmentMode=\"Substring\" ContainmentComparison=\"IgnoreCase\">{uri}\
         <t:Constant Value=\"{text}\"/></t:Contains></m:Restriction>"
    )
}

fn field(uri: &str) -> String {
    format!("<t:FieldURI FieldURI=\"{uri}\"/>")
}

fn get(id: &str) -> String {
    format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>\
         <t:AdditionalProperties><t:FieldURI FieldURI=\"item:TextBody\"/><t:ExtendedFieldURI PropertyTag=\"0x37\" \
         PropertyType=\"String\"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id=\"{id}\"/></m:ItemIds></m:GetItem>"
    )
}

fn set(id: &str, uri: &str, inside: &str) -> String {
    format!(
        "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\" SendMeetingInvitationsOrCancellations=\"SendToAllAndSaveCopy\">\
         <m:ItemChanges><t:ItemChange><t:ItemId Id=\"{id}\"/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"{uri}\"/>\
         <t:CalendarItem>{inside}</t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
}

fn delete(id: &str, how: &str) -> String {
    format!(
        "<m:DeleteItem DeleteType=\"HardDelete\" SendMeetingCancellations=\"{how}\"><m:ItemIds><t:ItemId Id=\"{id}\"/>\
         </m:ItemIds></m:DeleteItem>"
    )
}

fn id_of(item: &Element) -> String {
    item.child("ItemId").attribute("Id").to_owned()
}

fn ews_id(event: &Value) -> String {
    event["id"].as_str().unwrap().replace('-', "/").replace('_', "+")
}

fn assert_unmarked(answer: &Element) {
    let text = format!("{answer:?}");
    let mime = answer.all("MimeContent").into_iter().map(|mime| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(&mime.text).unwrap();
        String::from_utf8(bytes).unwrap().replace("\r\n ", "")
    });
    let text = (text + &mime.collect::<String>()).to_lowercase();
    for mark in MARKS {
        assert!(!text.contains(&mark.to_lowercase()), "{mark}: {text}");
    }
}

#[tokio::test]
async fn hidden_attributes_are_neither_told_nor_found() {
    let gateway = seeing(MASKS).start().await;
    gateway.meet(FRED, marked("B Subjectmark", 3, 8)).await;
    gateway.meet(FRED, marked("A Subjectmark", 3, 10)).await;
    let view = days(2, 5);
    let all = found(&gateway, &find("", &view)).await;
    assert_eq!(all.iter().map(|item| item.at("Subject")).collect::<Vec<_>>(), ["Engaged", "Engaged"]);
    assert_eq!(all[0].at("DisplayTo"), "A.P.");
    all.iter().for_each(assert_unmarked);
    for (uri, text) in [
        (field("item:Subject"), "Subjectmark"),
        (field("item:Body"), "Bodymark"),
        (field("calendar:Location"), "Locationmark"),
        (field("item:Categories"), "Categorymark"),
        (field("item:DisplayTo"), "Personmark"),
        (field("calendar:Organizer"), "Fred"),
        ("<t:ExtendedFieldURI PropertyTag=\"0x37\" PropertyType=\"String\"/>".to_owned(), "Subjectmark"),
    ] {
        assert!(found(&gateway, &find(&contains(&uri, text), "")).await.is_empty(), "{uri}");
    }
    assert_eq!(found(&gateway, &find(&contains(&field("item:Subject"), "engaged"), &view)).await.len(), 2);
    // Sorted by what is the same for all, they stay in the order of their times.
    let order = format!(
        "<m:SortOrder><t:FieldOrder Order=\"Ascending\">{}</t:FieldOrder></m:SortOrder>",
        field("item:Subject")
    );
    let page = "<m:IndexedPageItemView MaxEntriesReturned=\"1000\" Offset=\"0\" BasePoint=\"Beginning\"/>";
    let subject = contains(&field("item:Subject"), "engaged");
    let sorted = found(&gateway, &find(&format!("{subject}{order}"), page)).await;
    let starts: Vec<&str> = sorted.iter().map(|item| item.at("Start")).collect();
    assert!(starts.is_sorted() && starts.len() >= 2, "{starts:?}");

    let id = id_of(&all[0]);
    let item = gateway.ask(&envelope(&get(&id))).await;
    assert_eq!(code(&item), "NoError");
    assert_unmarked(&item);
    assert!(item.all("ExtendedProperty").is_empty() && item.all("Organizer").is_empty());
    // What would show all of it to somebody, and what only overwrites.
    let anybody = "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>me@contoso.example</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>";
    assert_eq!(
        code(&ask_as(&gateway, FRED, &set(&id, "calendar:RequiredAttendees", anybody)).await),
        "ErrorAccessDenied"
    );
    let open = set(&id, "item:Sensitivity", "<t:Sensitivity>Normal</t:Sensitivity>");
    assert_eq!(code(&ask_as(&gateway, FRED, &open).await), "ErrorAccessDenied");
    // The right guess is a change like any other.
    let calls = gateway.calls("updateEvent").await;
    for guess in ["B Subjectmark", "Another"] {
        let answer =
            ask_as(&gateway, FRED, &set(&id, "item:Subject", &format!("<t:Subject>{guess}</t:Subject>"))).await;
        assert_eq!(code(&answer), "NoError");
    }
    assert_eq!(gateway.calls("updateEvent").await, calls + 2);
    gateway.done().await;
}

#[tokio::test]
async fn free_busy_obeys_the_view() {
    let gateway = seeing(MASKS).start().await;
    gateway.meet(FRED, marked("Subjectmark", 3, 8)).await;
    let (start, end) = (at(3, 0), at(4, 0));
    let asked = Availability {
        mailboxes: &[FRED],
        view: "DetailedMerged",
        start: &start,
        end: &end,
        ..Availability::default()
    };
    let answer = gateway.ask(&asked.xml()).await;
    assert_unmarked(&answer);
    let details = answer.all("CalendarEventDetails");
    assert!(details.iter().any(|details| details.at("Subject") == "Engaged"), "{answer:?}");
    assert!(answer.all("Location").is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn what_lies_beyond_the_horizon_does_not_exist() {
    let gateway = seeing(HORIZON).start().await;
    let near = ews_id(&gateway.meet(FRED, marked("Near", 3, 8)).await);
    let far = ews_id(&gateway.meet(FRED, marked("Far", 30, 8)).await);
    let past = ews_id(&gateway.meet(FRED, marked("Past", -30, 8)).await);
    for view in [days(-40, 40), String::new()] {
        let items = found(&gateway, &find("", &view)).await;
        let subjects: Vec<&str> = items.iter().map(|item| item.at("Subject")).collect();
        assert!(
            subjects.contains(&"Near") && !subjects.contains(&"Far") && !subjects.contains(&"Past"),
            "{subjects:?}"
        );
    }
    let calls = gateway.calls("calendarView").await;
    assert!(found(&gateway, &find("", &days(20, 40))).await.is_empty());
    assert_eq!(gateway.calls("calendarView").await, calls, "Graph is not asked for it");
    assert_eq!(code(&ask_as(&gateway, FRED, &get(&near)).await), "NoError");
    let subject = "<t:Subject>x</t:Subject>";
    let accept = |id: &str| {
        format!(
            "<m:CreateItem MessageDisposition=\"SendAndSaveCopy\"><m:Items><t:AcceptItem><t:ReferenceItemId Id=\"{id}\"/>\
             </t:AcceptItem></m:Items></m:CreateItem>"
        )
    };
    let cancel = |id: &str| accept(id).replace("AcceptItem", "CancelCalendarItem");
    let ledger = gateway.calls("deleteEvent").await + gateway.calls("updateEvent").await;
    for id in [&far, &past] {
        for request in [
            get(id),
            set(id, "item:Subject", subject),
            delete(id, "SendToNone"),
            delete(id, "SendToAllAndSaveCopy"),
            accept(id),
            cancel(id),
        ] {
            assert_eq!(code(&ask_as(&gateway, FRED, &request).await), "ErrorItemNotFound", "{request}");
        }
    }
    // Nor can anything be put there.
    let beyond = format!("<t:End>{}Z</t:End>", at(-30, 9));
    let moved = set(&near, "calendar:Start", &format!("<t:Start>{}Z</t:Start>", at(30, 8)))
        .replace("</t:Updates>", &format!("<t:SetItemField><t:FieldURI FieldURI=\"calendar:End\"/><t:CalendarItem><t:End>{}Z</t:End></t:CalendarItem></t:SetItemField></t:Updates>", at(30, 9)));
    assert_eq!(code(&ask_as(&gateway, FRED, &moved).await), "ErrorAccessDenied");
    let new = format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items><t:CalendarItem><t:Subject>n</t:Subject>\
         <t:Start>{}Z</t:Start>{beyond}</t:CalendarItem></m:Items></m:CreateItem>",
        at(-30, 8)
    );
    let creates = gateway.calls("createEvent").await;
    assert_eq!(code(&ask_as(&gateway, FRED, &new).await), "ErrorAccessDenied");
    assert_eq!(gateway.calls("createEvent").await, creates);
    assert_eq!(gateway.calls("deleteEvent").await + gateway.calls("updateEvent").await, ledger);
    assert_eq!(code(&ask_as(&gateway, FRED, &set(&near, "item:Subject", subject)).await), "NoError");
    gateway.done().await;
}

#[tokio::test]
async fn beyond_the_horizon_free_busy_knows_nothing() {
    let gateway = seeing(HORIZON).start().await;
    gateway.meet(FRED, marked("Near", 3, 8)).await;
    gateway.meet(FRED, marked("Far", 30, 8)).await;
    let far = (at(30, 0), at(31, 0));
    let asked = |view, (start, end): &(String, String)| {
        Availability { mailboxes: &[FRED], view, start, end, interval: "60", ..Availability::default() }.xml()
    };
    let calls = gateway.calls("getSchedule").await;
    let answer = gateway.ask(&asked("FreeBusyMerged", &far)).await;
    assert_eq!(answer.all("ResponseCode")[0].text, "NoError");
    assert_eq!(answer.all("MergedFreeBusy")[0].text.trim_matches(['4', '5']), "");
    assert!(answer.all("CalendarEvent").is_empty());
    assert_eq!(gateway.calls("getSchedule").await, calls, "Graph is not asked for it");
    // Over the edge: nothing is known after it.
    let edge = (at(3, 0), at(33, 0));
    let answer = gateway.ask(&asked("FreeBusyMerged", &edge)).await;
    let digits = answer.all("MergedFreeBusy")[0].text.clone();
    assert_eq!(digits.len(), 30 * 24);
    assert!(
        digits.starts_with("000000002") && digits.ends_with(&digits[digits.len() - 1..].repeat(22 * 24)),
        "{digits}"
    );
    assert_eq!(answer.all("CalendarEvent").len(), 1);
    gateway.done().await;
}

/// With people hidden, and without a plan to be met online.
const ALONE: &str = "view = { people = \"hidden\", hidden = [\"online_meeting\"] }\n";

#[tokio::test]
async fn no_answer_tells_whether_others_are_invited_or_have_invited() {
    let gateway = seeing(ALONE).start().await;
    let mut alone = marked("Alone", 3, 8);
    alone["attendees"] = json!([]);
    let mut invited = marked("Invited", 3, 12);
    invited["attendees"][0]["emailAddress"]["address"] = json!(FRED);
    gateway.meet("hanna@contoso.example", invited).await;
    gateway.meet(FRED, marked("Organized", 3, 10)).await;
    gateway.meet(FRED, alone).await;
    let items = found(&gateway, &find("", &days(2, 5))).await;
    let subjects: Vec<&str> = items.iter().map(|item| item.at("Subject")).collect();
    assert_eq!(subjects, ["Alone", "Organized", "Invited"]);
    let calls = async || {
        let (deleted, updated) = (gateway.calls("deleteEvent").await, gateway.calls("updateEvent").await);
        (deleted, updated, gateway.calls("cancelEvent").await, gateway.calls("acceptEvent").await)
    };
    let before = calls().await;
    for id in items.iter().map(id_of) {
        let item = gateway.ask(&envelope(&get(&id))).await;
        assert_eq!(code(&item), "NoError");
        for absent in
            ["MyResponseType", "AppointmentReplyTime", "IsResponseRequested", "JoinOnlineMeetingUrl", "IsMeeting"]
        {
            assert!(item.all(absent).is_empty(), "{absent}");
        }
        assert!(!format!("{item:?}").contains("https://t.example"), "{item:?}");
        let quietly =
            set(&id, "item:Subject", "<t:Subject>x</t:Subject>").replace("SendToAllAndSaveCopy", "SendToNone");
        assert_eq!(code(&ask_as(&gateway, FRED, &quietly).await), "ErrorAccessDenied");
        assert_eq!(code(&ask_as(&gateway, FRED, &delete(&id, "SendToNone")).await), "ErrorAccessDenied");
        for answer in ["AcceptItem", "DeclineItem", "TentativelyAcceptItem", "CancelCalendarItem", "RemoveItem"] {
            let body = format!(
                "<m:CreateItem MessageDisposition=\"SendAndSaveCopy\"><m:Items><t:{answer}><t:ReferenceItemId Id=\"{id}\"/>\
                 </t:{answer}></m:Items></m:CreateItem>"
            );
            assert_eq!(code(&ask_as(&gateway, FRED, &body).await), "ErrorAccessDenied", "{answer}");
        }
    }
    assert_eq!(calls().await, before);
    gateway.done().await;
}
