//! FindItem: calendar views, pages, searches, and what clients rely on in them.

use serde_json::{Value, json};

use crate::harness::answer::Element;
use crate::harness::requests::{context, envelope, envelope_with};
use crate::harness::{Gateway, Setup, client};

const NINA: &str = "nina@contoso.example";
const ROOM: &str = "room-1@contoso.example";

/// A FindItem with this view, and more elements before the folder.
fn find_in(mailbox: &str, shape: &str, view: &str) -> String {
    format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>{shape}</t:BaseShape></m:ItemShape>{view}\
         <m:ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress>\
         </t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>"
    )
}

fn view(start: &str, end: &str) -> String {
    format!("<m:CalendarView MaxEntriesReturned=\"1048576\" StartDate=\"{start}\" EndDate=\"{end}\"/>")
}

async fn folder(gateway: &Gateway, request: &str) -> Element {
    let answer = gateway.ask(&envelope(request)).await;
    assert_eq!(answer.at("ResponseMessages/FindItemResponseMessage/ResponseCode"), "NoError");
    answer.child("ResponseMessages").child("FindItemResponseMessage").child("RootFolder").clone()
}

fn subjects(folder: &Element) -> Vec<&str> {
    folder.all("CalendarItem").iter().map(|item| item.at("Subject")).collect()
}

fn meeting(subject: &str, start: &str, end: &str) -> Value {
    let time = |time: &str| json!({ "dateTime": time, "timeZone": "UTC" });
    json!({
        "subject": subject, "start": time(start), "end": time(end),
        "attendees": [{ "type": "required", "emailAddress": { "name": "Bea Boss", "address": "boss@contoso.example" } }],
    })
}

#[tokio::test]
async fn respa_s_year_of_a_room() {
    let gateway = Setup::new().start().await;
    gateway.meet(ROOM, meeting("Reserved", "2027-03-10T08:00:00", "2027-03-10T09:00:00")).await;
    gateway.meet(ROOM, json!({ "start": { "dateTime": "2027-03-11T08:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2027-03-11T08:30:00", "timeZone": "UTC" } })).await;
    let recorded = include_str!("../../../fixtures/ews/respa/FindItem.xml").replace("room1@contoso.test", ROOM);
    let answer = gateway.ask(&recorded).await;
    let items = answer.all("CalendarItem");
    assert_eq!(items.len(), 2);
    for item in &items {
        assert!(
            item.child("ItemId").attribute("Id").len() <= 200
                && item.child("ItemId").attribute("ChangeKey").len() <= 100
        );
        assert!(item.get("Subject").is_some() && item.get("Body").is_none() && item.get("RequiredAttendees").is_none());
        let organizer = item.child("Organizer").child("Mailbox");
        assert_eq!((organizer.at("EmailAddress"), organizer.at("RoutingType")), (ROOM, "SMTP"));
    }
    assert_eq!((items[0].at("Start"), items[0].at("End")), ("2027-03-10T08:00:00Z", "2027-03-10T09:00:00Z"));
    assert_eq!((items[0].at("DisplayTo"), items[1].at("Subject")), ("Bea Boss", ""));
    let again = gateway.ask(&recorded).await;
    let keys = |answer: &Element| answer.all("ItemId").iter().map(|id| id.attributes.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&answer), keys(&again), "ids and keys are stable");
    gateway.done().await;
}

#[tokio::test]
async fn a_view_expands_series_and_hides_what_is_private() {
    let gateway = Setup::new().start().await;
    let request = find_in(NINA, "AllProperties", &view("2027-03-08T00:00:00Z", "2027-03-17T12:00:00Z"));
    let found = folder(&gateway, &request).await;
    assert_eq!(
        subjects(&found),
        ["Staff meeting", "Desk at home", "Perhaps", "", "Brunch", "Staff meeting", "Day off"]
    );
    let items = found.all("CalendarItem");
    assert_eq!((items[0].at("CalendarItemType"), items[0].at("IsRecurring")), ("Occurrence", "true"));
    assert_eq!(items[0].at("OriginalStart"), items[0].at("Start"));
    let private = items[3];
    assert_eq!((private.at("Sensitivity"), private.at("Start")), ("Private", "2027-03-12T20:00:00Z"));
    assert!(private.get("Location").is_none() && private.get("UID").is_none() && private.get("IsMeeting").is_none());
    // A day in New York, after the change of its clocks.
    let day = items[6];
    assert_eq!((day.at("Start"), day.at("End")), ("2027-03-16T04:00:00Z", "2027-03-17T04:00:00Z"));
    assert_eq!((day.at("IsAllDayEvent"), day.at("LegacyFreeBusyStatus"), day.at("Duration")), ("true", "OOF", "P1D"));
    assert_eq!((found.attribute("TotalItemsInView"), found.attribute("IncludesLastItemInRange")), ("7", "true"));
    assert_eq!(found.attribute("IndexedPagingOffset"), "");
    gateway.done().await;
}

#[tokio::test]
async fn days_are_in_a_view_by_the_midnights_of_their_own_zone() {
    let gateway = Setup::new().start().await;
    for (start, end, is_there) in [
        ("2027-03-16T00:00:00Z", "2027-03-16T04:00:00Z", false),
        ("2027-03-16T00:00:00Z", "2027-03-16T04:00:01Z", true),
        ("2027-03-17T03:59:59Z", "2027-03-17T05:00:00Z", true),
        ("2027-03-17T04:00:00Z", "2027-03-17T05:00:00Z", false),
        ("2027-03-16T12:00:00Z", "2027-03-16T12:00:00Z", true),
    ] {
        let found = folder(&gateway, &find_in(NINA, "Default", &view(start, end))).await;
        assert_eq!(subjects(&found) == ["Day off"], is_there, "{start} {end} {found:?}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn times_are_in_the_zone_of_the_request() {
    let gateway = Setup::new().start().await;
    let find = find_in(NINA, "Default", &view("2027-03-11T08:00:00", "2027-03-11T09:00:00"));
    let header = |zone: &str| format!("<t:RequestServerVersion Version=\"Exchange2010\"/>{}", context(zone));
    let answer = gateway.ask(&envelope_with(&header("Eastern Standard Time"), &find)).await;
    let item = answer.all("CalendarItem")[0].clone();
    assert_eq!((item.at("Subject"), item.at("Start")), ("Desk at home", "2027-03-11T08:00:00-05:00"));
    assert_eq!(item.at("LegacyFreeBusyStatus"), "Free", "an old schema has no working elsewhere");
    let none = gateway.ask(&envelope_with(&header("Greenwich Standard Time"), &find)).await;
    assert_eq!(none.all("CalendarItem").len(), 0, "naive times are of that zone");
    assert_eq!(gateway.fault(&envelope_with(&header("Nowhere"), &find)).await.0, "ErrorTimeZone");
    gateway.done().await;
}

#[tokio::test]
async fn ceilings() {
    for (ceiling, subject, location) in [("time", "", None), ("subject_and_location", "Brunch", Some("Pier 7"))] {
        let gateway = Setup::ceiling(ceiling).start().await;
        let request = find_in(NINA, "AllProperties", &view("2027-03-14T12:00:00Z", "2027-03-14T20:00:00Z"));
        let found = folder(&gateway, &request).await;
        let item = found.all("CalendarItem")[0].clone();
        assert_eq!((item.at("Subject"), item.get("Location").map(|place| place.text.as_str())), (subject, location));
        assert!(item.get("Organizer").is_none() && item.get("UID").is_none(), "{item:?}");
        let search = "<m:Restriction><t:Contains ContainmentMode=\"Substring\" ContainmentComparison=\"IgnoreCase\">\
             <t:FieldURI FieldURI=\"item:Subject\"/><t:Constant Value=\"dentist\"/></t:Contains></m:Restriction>";
        assert_eq!(subjects(&folder(&gateway, &find_in(NINA, "Default", search)).await).len(), 0);
        gateway.done().await;
    }
}

#[tokio::test]
async fn without_a_view_series_are_listed_and_pages_follow_each_other() {
    let gateway = Setup::new().start().await;
    let all = folder(&gateway, &find_in(NINA, "AllProperties", "")).await;
    assert_eq!(all.all("CalendarItem").len(), 7);
    let staff = all.all("CalendarItem").into_iter().find(|item| item.at("Subject") == "Staff meeting").unwrap().clone();
    assert_eq!(staff.at("CalendarItemType"), "RecurringMaster");
    let page = |offset: usize| {
        format!(
            "<m:IndexedPageItemView MaxEntriesReturned=\"3\" Offset=\"{offset}\" BasePoint=\"Beginning\"/><m:SortOrder>\
             <t:FieldOrder Order=\"Descending\"><t:FieldURI FieldURI=\"calendar:Start\"/></t:FieldOrder></m:SortOrder>"
        )
    };
    let mut seen = Vec::new();
    let mut offset = 0;
    loop {
        let found = folder(&gateway, &find_in(NINA, "Default", &page(offset))).await;
        assert_eq!(found.attribute("TotalItemsInView"), "7");
        seen.extend(subjects(&found).into_iter().map(str::to_owned));
        offset = found.attribute("IndexedPagingOffset").parse().unwrap();
        if found.attribute("IncludesLastItemInRange") == "true" {
            break;
        }
    }
    assert_eq!(seen, ["Day off", "Brunch", "", "Perhaps", "Desk at home", "Night shift", "Staff meeting"]);
    gateway.done().await;
}

#[tokio::test]
async fn searches() {
    let gateway = Setup::new().start().await;
    let recorded = include_str!("../../../fixtures/ews/exchangelib/calendar-filter-FindItem.xml")
        .replace("alice@example.com", NINA)
        .replace("2027-01-1", "2027-03-1");
    let answer = gateway.ask(&recorded).await;
    assert_eq!(answer.all("CalendarItem").len(), 2, "what is on the eleventh, in Paris: {answer:?}");
    let query = find_in(NINA, "Default", "")
        .replace("</m:FindItem>", "<m:QueryString>subject:brunch</m:QueryString></m:FindItem>");
    assert_eq!(subjects(&folder(&gateway, &query).await), ["Brunch"]);
    let busy = "<m:Restriction><t:IsEqualTo><t:ExtendedFieldURI DistinguishedPropertySetId=\"Appointment\" \
         PropertyId=\"33285\" PropertyType=\"Integer\"/><t:FieldURIOrConstant><t:Constant Value=\"3\"/>\
         </t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>";
    assert_eq!(subjects(&folder(&gateway, &find_in(NINA, "Default", busy)).await), ["Day off"]);
    gateway.done().await;
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_fault() {
    let gateway = Setup::new().start().await;
    let find = |view: &str| envelope(&find_in(NINA, "IdOnly", view));
    let week = view("2027-03-08T00:00:00Z", "2027-03-15T00:00:00Z");
    for (request, code) in [
        (find(&view("2027-03-08T00:00:00Z", "2027-03-07T00:00:00Z")), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (find(&view("2027-03-08T00:00:00Z", "2029-03-08T00:00:01Z")), "ErrorCalendarViewRangeTooBig"),
        (find(&week).replace("FieldURI", "x").replace("IdOnly", "Some"), "ErrorSchemaValidation"),
        (find(&week).replace("\"calendar\"", "\"nothing\""), "ErrorFolderNotFound"),
        (find(&week).replace("\"calendar\"", "\"inbox\""), "ErrorCalendarFolderIsInvalidForCalendarView"),
        (find(&week).replace(NINA, "nina@elsewhere.example"), "ErrorAccessDenied"),
        (find(&week).replace(NINA, "no address"), "ErrorInvalidSmtpAddress"),
        (find(&week).replace(NINA, "nobody@contoso.example"), "ErrorNonExistentMailbox"),
        (
            find(&week).replace(
                "</t:BaseShape>",
                "</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI=\"item:No\"/></t:AdditionalProperties>",
            ),
            "ErrorInvalidPropertyRequest",
        ),
        (find("").replace("<t:Mailbox>", "<!--").replace("</t:Mailbox>", "-->"), "ErrorMissingEmailAddress"),
    ] {
        assert_eq!(gateway.fault(&request).await.0, code, "{request}");
    }
    let inbox = gateway.ask(&find("").replace("\"calendar\"", "\"inbox\"")).await;
    assert_eq!(inbox.all("RootFolder")[0].attribute("TotalItemsInView"), "0");
    gateway.done().await;
}

#[tokio::test]
async fn graph_s_trouble_is_never_a_short_list() {
    let limits = "deadline = \"2s\"".to_owned();
    let gateway = Setup { limits, graph: "timeout = \"1s\"".to_owned(), ..Setup::new() }.start().await;
    let request = envelope(&find_in(NINA, "IdOnly", &view("2027-03-08T00:00:00Z", "2027-03-15T00:00:00Z")));
    for (fault, code) in [
        (json!({ "status": 403, "code": "ErrorAccessDenied" }), "ErrorAccessDenied"),
        (json!({ "half": true }), "ErrorMailboxStoreUnavailable"),
        (json!({ "garbage": true }), "ErrorInternalServerError"),
        (json!({ "status": 429, "retry_after": 60 }), "ErrorServerBusy"),
    ] {
        let mut fault = fault;
        fault["call"] = json!("calendarView");
        gateway.control(fault.clone()).await;
        let (found, _) = gateway.fault(&request).await;
        assert_eq!(found, code, "{fault}");
        gateway.calm().await;
    }
    gateway.done().await;
}

#[tokio::test]
async fn more_than_a_thousand_need_a_limit() {
    let mut world: Value = serde_json::from_str(include_str!("../../../fixtures/worlds/small.json")).unwrap();
    let event = |number: usize| json!({ "subject": format!("{number:04}"), "start": "2027-03-10T10:00", "minutes": 5 });
    world["tenants"][0]["mailboxes"][4]["events"] = (0..1200).map(event).collect();
    let gateway = Setup { world: world.to_string(), ..Setup::new() }.start().await;
    let unlimited = "<m:CalendarView StartDate=\"2027-03-10T00:00:00Z\" EndDate=\"2027-03-11T00:00:00Z\"/>";
    let request = |view: &str| find_in("boss@contoso.example", "IdOnly", view);
    let (code, fault) = gateway.fault(&envelope(&request(unlimited))).await;
    assert_eq!((code.as_str(), fault.at("detail/MessageXml/Value")), ("ErrorExceededFindCountLimit", "1000"));
    let all = folder(&gateway, &request(&view("2027-03-10T00:00:00Z", "2027-03-11T00:00:00Z"))).await;
    assert_eq!((all.all("ItemId").len(), all.attribute("IncludesLastItemInRange")), (1200, "true"));
    let some = unlimited.replace("<m:CalendarView ", "<m:CalendarView MaxEntriesReturned=\"7\" ");
    let some = folder(&gateway, &request(&some)).await;
    assert_eq!((some.all("ItemId").len(), some.attribute("IncludesLastItemInRange")), (7, "false"));
    gateway.done().await;
}

#[tokio::test]
async fn several_folders_each_in_a_message_of_its_own() {
    let gateway = Setup::new().start().await;
    let folders = "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>boss@contoso.example</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds>";
    let request = find_in(NINA, "IdOnly", &view("2027-03-10T00:00:00Z", "2027-03-11T20:00:00Z"));
    let answer = gateway.ask(&envelope(&request.replace("</m:ParentFolderIds>", folders))).await;
    let counts: Vec<usize> =
        answer.all("FindItemResponseMessage").iter().map(|message| message.all("ItemId").len()).collect();
    assert_eq!(counts, [2, 1]);
    gateway.done().await;
}

#[tokio::test]
async fn the_client_s_own_calendar_and_an_impersonated_one() {
    let own = client("*@contoso.example", "full", "mailbox = \"boss@contoso.example\"\n");
    let gateway = Setup { clients: own, ..Setup::new() }.start().await;
    let request = find_in(NINA, "Default", &view("2027-03-10T00:00:00Z", "2027-03-11T20:00:00Z"));
    let (before, after) = request.split_once("<t:Mailbox>").unwrap();
    let request = format!("{before}{}", after.split_once("</t:Mailbox>").unwrap().1);
    assert_eq!(subjects(&folder(&gateway, &request).await), ["Board"]);
    let header = format!(
        "<t:RequestServerVersion Version=\"Exchange2016\"/><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>\
         {NINA}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
    );
    let answer = gateway.ask(&envelope_with(&header, &request)).await;
    assert_eq!(answer.all("Subject").len(), 2);
    gateway.done().await;
}
