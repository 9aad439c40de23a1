//! GetItem: items by their ids, whole and in part.

use serde_json::json;

use crate::harness::answer::Element;
use crate::harness::requests::{context, envelope, envelope_with};
use crate::harness::{Gateway, Setup};

const NINA: &str = "nina@contoso.example";

/// The ids of a mailbox's items in March 2027, by subject.
async fn ids(gateway: &Gateway, mailbox: &str, view: bool) -> Vec<(String, String)> {
    let view =
        if view { "<m:CalendarView StartDate=\"2027-03-01T00:00:00Z\" EndDate=\"2027-04-01T00:00:00Z\"/>" } else { "" };
    let request = format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>{view}\
         <m:ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress>\
         </t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>"
    );
    let answer = gateway.ask(&envelope(&request)).await;
    let items = answer.all("CalendarItem");
    items.iter().map(|item| (item.at("Subject").to_owned(), item.child("ItemId").attribute("Id").to_owned())).collect()
}

fn id_of<'i>(ids: &'i [(String, String)], subject: &str) -> &'i str {
    &ids.iter().find(|(known, _)| known == subject).unwrap().1
}

fn get(shape: &str, ids: &str) -> String {
    format!("<m:GetItem><m:ItemShape>{shape}</m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>")
}

fn item_id(id: &str) -> String {
    format!("<t:ItemId Id=\"{id}\"/>")
}

const ALL: &str = "<t:BaseShape>AllProperties</t:BaseShape>";
const IDS: &str = "<t:BaseShape>IdOnly</t:BaseShape>";

async fn messages(gateway: &Gateway, request: &str) -> Vec<Element> {
    gateway.ask(&envelope(request)).await.child("ResponseMessages").children.clone()
}

#[tokio::test]
async fn a_meeting_with_body_and_attendees() {
    let gateway = Setup::new().start().await;
    let made = gateway
        .meet(
            NINA,
            json!({
                "subject": "Review", "importance": "high", "categories": ["Red"], "sensitivity": "personal",
                "body": { "contentType": "html", "content": "<html><body><p>One</p><p>Two</p></body></html>" },
                "location": { "displayName": "Hudson" },
                "start": { "dateTime": "2027-03-10T09:00:00", "timeZone": "Eastern Standard Time" },
                "end": { "dateTime": "2027-03-10T10:30:00", "timeZone": "Eastern Standard Time" },
                "attendees": [
                    { "type": "required", "emailAddress": { "name": "Bea Boss", "address": "boss@contoso.example" } },
                    { "type": "optional", "emailAddress": { "name": "Sid Syd", "address": "sid@contoso.example" } },
                    { "type": "resource", "emailAddress": { "name": "Room One", "address": "room-1@contoso.example" } },
                ],
            }),
        )
        .await;
    let found = ids(&gateway, NINA, true).await;
    let id = id_of(&found, "Review");
    assert_eq!(
        id.replace('/', "-").replace('+', "_"),
        made["id"].as_str().unwrap(),
        "Graph's id in Exchange's alphabet"
    );
    let shape = format!("{ALL}<t:BodyType>Text</t:BodyType>");
    let item = messages(&gateway, &get(&shape, &item_id(id))).await[0].all("CalendarItem")[0].clone();
    assert_eq!(item.at("Body"), "One\n\nTwo");
    assert_eq!((item.at("Importance"), item.at("Sensitivity"), item.at("Location")), ("High", "Personal", "Hudson"));
    for (list, name) in [("RequiredAttendees", "Bea Boss"), ("OptionalAttendees", "Sid Syd"), ("Resources", "Room One")]
    {
        assert_eq!(item.at(&format!("{list}/Attendee/Mailbox/Name")), name);
    }
    assert_eq!((item.at("Duration"), item.at("IsMeeting"), item.at("IsOrganizer")), ("PT1H30M", "true", "true"));
    assert_eq!(item.child("StartTimeZone").attribute("Id"), "Eastern Standard Time");
    let html = messages(&gateway, &get(ALL, &item_id(id))).await[0].all("Body")[0].clone();
    assert_eq!(html.attribute("BodyType"), "HTML");
    // The attendee's own copy.
    let copies = ids(&gateway, "boss@contoso.example", true).await;
    let copy =
        messages(&gateway, &get(ALL, &item_id(id_of(&copies, "Review")))).await[0].all("CalendarItem")[0].clone();
    assert_eq!((copy.at("IsOrganizer"), copy.at("AppointmentState")), ("false", "3"));
    assert_eq!(copy.child("ResponseObjects").names(), ["AcceptItem", "TentativelyAcceptItem", "DeclineItem"]);
    assert_eq!(copy.at("UID"), item.at("UID"));
    gateway.done().await;
}

#[tokio::test]
async fn exchangelib_s_seventy_eight_properties() {
    let gateway = Setup::new().start().await;
    let found = ids(&gateway, NINA, true).await;
    let recorded = include_str!("../../../fixtures/ews/exchangelib/get-event-GetItem.xml");
    let recorded = recorded.replace("QUFNa0FELWV4YW1wbGUtaXRlbS0wMDAwMDE=", id_of(&found, "Brunch"));
    let answer = gateway.ask(&recorded).await;
    let item = answer.all("CalendarItem")[0].clone();
    assert_eq!((item.at("Subject"), item.at("Start")), ("Brunch", "2027-03-14T16:00:00+01:00"));
    assert!(item.get("TextBody").is_some() && item.get("Size").is_none());
    gateway.done().await;
}

#[tokio::test]
async fn each_item_has_an_outcome_of_its_own() {
    let gateway = Setup::new().start().await;
    let (nina, boss) = (ids(&gateway, NINA, true).await, ids(&gateway, "boss@contoso.example", true).await);
    let wanted = [
        item_id(id_of(&boss, "Board")),
        item_id(""),
        item_id("no id"),
        item_id("AAMkADAw"),
        item_id(id_of(&nina, "Brunch")),
        "<t:RecurringMasterItemId OccurrenceId=\"{}\"/>".replace("{}", id_of(&nina, "Brunch")),
        "<t:OccurrenceItemId RecurringMasterId=\"{}\" InstanceIndex=\"1\"/>".replace("{}", id_of(&nina, "Brunch")),
    ];
    let shape =
        format!("{IDS}<t:AdditionalProperties><t:FieldURI FieldURI=\"item:Subject\"/></t:AdditionalProperties>");
    let told = messages(&gateway, &get(&shape, &wanted.concat())).await;
    let codes: Vec<&str> = told.iter().map(|message| message.at("ResponseCode")).collect();
    assert_eq!(
        codes,
        [
            "NoError",
            "ErrorInvalidIdEmpty",
            "ErrorInvalidIdMalformed",
            "ErrorItemNotFound",
            "NoError",
            "ErrorCalendarCannotUseIdForOccurrenceId",
            "ErrorCalendarCannotUseIdForRecurringMasterId",
        ]
    );
    assert_eq!(
        (told[0].at("Items/CalendarItem/Subject"), told[4].at("Items/CalendarItem/Subject")),
        ("Board", "Brunch")
    );
    assert!(told[1].child("Items").children.is_empty());
    assert_eq!(told[4].child("Items").child("CalendarItem").names(), ["ItemId", "Subject"]);
    let unknown = shape.replace("item:Subject", "item:Nothing");
    let told = messages(&gateway, &get(&unknown, &wanted[..2].concat())).await;
    assert!(told.iter().all(|message| message.at("ResponseCode") == "ErrorInvalidPropertyRequest"));
    gateway.done().await;
}

#[tokio::test]
async fn a_series_its_occurrences_and_back() {
    let gateway = Setup::new().start().await;
    let day = |day: &str| json!({ "dateTime": format!("{day}T09:00:00"), "timeZone": "Eastern Standard Time" });
    gateway
        .meet(
            NINA,
            json!({
                "subject": "Four weeks", "start": day("2027-03-01"), "end": { "dateTime": "2027-03-01T10:00:00", "timeZone": "Eastern Standard Time" },
                "recurrence": {
                    "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday" },
                    "range": { "type": "numbered", "startDate": "2027-03-01", "numberOfOccurrences": 4, "recurrenceTimeZone": "Eastern Standard Time" },
                },
            }),
        )
        .await;
    let series = ids(&gateway, NINA, false).await;
    let series = id_of(&series, "Four weeks");
    let told = messages(&gateway, &get(ALL, &item_id(series))).await;
    assert_eq!(told[0].at("ResponseCode"), "NoError", "{told:?}");
    let master = told[0].all("CalendarItem")[0].clone();
    assert_eq!(master.at("CalendarItemType"), "RecurringMaster");
    assert_eq!(master.at("Recurrence/WeeklyRecurrence/DaysOfWeek"), "Monday");
    assert_eq!(master.at("Recurrence/NumberedRecurrence/NumberOfOccurrences"), "4");
    assert_eq!(master.at("FirstOccurrence/Start"), "2027-03-01T14:00:00Z");
    assert_eq!(master.at("LastOccurrence/Start"), "2027-03-22T13:00:00Z", "after the change of the clocks");
    let nth = |index: u32| format!("<t:OccurrenceItemId RecurringMasterId=\"{series}\" InstanceIndex=\"{index}\"/>");
    let told = messages(&gateway, &get(ALL, &(nth(2) + &nth(5)))).await;
    let second = told[0].all("CalendarItem")[0].clone();
    assert_eq!((second.at("Start"), second.at("CalendarItemType")), ("2027-03-08T14:00:00Z", "Occurrence"));
    assert_eq!(told[1].at("ResponseCode"), "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange");
    let back = format!("<t:RecurringMasterItemId OccurrenceId=\"{}\"/>", second.child("ItemId").attribute("Id"));
    let back = messages(&gateway, &get(IDS, &back)).await[0].all("ItemId")[0].clone();
    assert_eq!(back.attribute("Id"), series);
    gateway.done().await;
}

#[tokio::test]
async fn ids_outside_the_policy_are_ids_of_nobody() {
    let whole = Setup::new().start().await;
    let brunch = ids(&whole, NINA, true).await;
    let brunch = id_of(&brunch, "Brunch").to_owned();
    whole.done().await;
    let gateway = Setup::client(&["boss@contoso.example"], "mailbox = \"boss@contoso.example\"\n").start().await;
    let told = messages(&gateway, &get(ALL, &item_id(&brunch))).await;
    assert_eq!(told[0].at("ResponseCode"), "ErrorItemNotFound");
    gateway.done().await;
    let nobody = Setup::client(&["boss@contoso.example"], "").start().await;
    let told = messages(&nobody, &get(ALL, &item_id(&brunch))).await;
    assert_eq!(told[0].at("ResponseCode"), "ErrorItemNotFound");
    nobody.done().await;
}

#[tokio::test]
async fn private_items_and_low_ceilings_give_times_by_id_too() {
    let gateway = Setup::new().start().await;
    let found = ids(&gateway, NINA, true).await;
    let hidden: Vec<&(String, String)> = found.iter().filter(|(subject, _)| subject.is_empty()).collect();
    assert_eq!(hidden.len(), 1);
    let shape = format!(
        "{ALL}<t:AdditionalProperties><t:FieldURI FieldURI=\"item:TextBody\"/><t:ExtendedFieldURI \
         DistinguishedPropertySetId=\"Meeting\" PropertyId=\"35\" PropertyType=\"Binary\"/></t:AdditionalProperties>"
    );
    let item = messages(&gateway, &get(&shape, &item_id(&hidden[0].1))).await[0].all("CalendarItem")[0].clone();
    for absent in ["Body", "TextBody", "Organizer", "UID", "Location", "ExtendedProperty", "IsMeeting", "DisplayTo"] {
        assert!(item.get(absent).is_none(), "{absent}");
    }
    let open =
        messages(&gateway, &get(&shape, &item_id(id_of(&found, "Brunch")))).await[0].all("CalendarItem")[0].clone();
    assert_eq!(open.at("ExtendedProperty/ExtendedFieldURI"), "");
    assert!(!open.at("ExtendedProperty/Value").is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn graph_s_trouble_is_told_for_each_item() {
    let limits = "deadline = \"2s\"".to_owned();
    let gateway = Setup { limits, graph: "timeout = \"1s\"".to_owned(), ..Setup::new() }.start().await;
    let found = ids(&gateway, NINA, true).await;
    gateway.control(json!({ "call": "batch", "status": 429, "retry_after": 60 })).await;
    let told = messages(&gateway, &get(IDS, &item_id(id_of(&found, "Brunch")))).await;
    assert_eq!(told[0].at("ResponseCode"), "ErrorServerBusy");
    assert!(!told[0].at("MessageXml/Value").is_empty());
    gateway.calm().await;
    gateway.done().await;
}

#[tokio::test]
async fn evolution_s_mime_content() {
    let gateway = Setup::new().start().await;
    let found = ids(&gateway, NINA, true).await;
    let more = "<t:AdditionalProperties><t:FieldURI FieldURI=\"item:MimeContent\"/></t:AdditionalProperties>";
    let shape = format!("{IDS}<t:IncludeMimeContent>false</t:IncludeMimeContent>{more}");
    let wanted = item_id(id_of(&found, "Brunch")) + &item_id(id_of(&found, ""));
    let told = messages(&gateway, &get(&shape, &wanted)).await;
    let text = |message: &Element| {
        let content = message.all("MimeContent")[0].clone();
        assert_eq!(content.attribute("CharacterSet"), "UTF-8");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, content.text).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let (open, private) = (text(&told[0]), text(&told[1]));
    assert!(open.contains("SUMMARY:Brunch") && open.contains("BEGIN:VTIMEZONE"), "{open}");
    assert!(private.contains("DTSTART") && !private.contains("Dentist") && !private.contains("Harley"), "{private}");
    gateway.done().await;
}

#[tokio::test]
async fn a_zone_that_nobody_knows_is_refused() {
    let gateway = Setup::new().start().await;
    let header = format!("<t:RequestServerVersion Version=\"Exchange2016\"/>{}", context("Nowhere"));
    let request = envelope_with(&header, &get(IDS, &item_id("AAMkADAw")));
    let answer = gateway.soap(&request).await;
    assert!(answer.body.contains("ErrorItemNotFound") || answer.body.contains("ErrorTimeZone"), "{}", answer.body);
    gateway.done().await;
}
