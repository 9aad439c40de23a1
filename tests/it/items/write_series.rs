//! Series: made whole, and their occurrences named by number.

use super::*;

const NINA: &str = "nina@contoso.example";
const SERIES: &str = "<t:Subject>Daily</t:Subject><t:Start>2028-01-11T09:00:00Z</t:Start><t:End>2028-01-11T10:00:00Z</t:End>\
     <t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>\
     <t:StartDate>2028-01-11</t:StartDate><t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>";

fn nth(series: &str, index: u32) -> String {
    format!("<t:OccurrenceItemId RecurringMasterId=\"{series}\" InstanceIndex=\"{index}\"/>")
}

#[tokio::test]
async fn occurrences_are_changed_and_deleted_by_number() {
    let gateway = writer().start().await;
    let (id, _) = create(&gateway, NINA, "SendToNone", SERIES).await;
    let subject = set("item:Subject", "<t:Subject>Second</t:Subject>");
    let (second, _) = item_id(&update(&gateway, NINA, &nth(&id, 2), "SendToNone", &subject).await);
    assert_ne!(second, id);
    assert_eq!(code(&delete(&gateway, NINA, &nth(&id, 3), "SendToNone").await), "NoError");
    let deleted = "ErrorCalendarOccurrenceIsDeletedFromRecurrence";
    assert_eq!(code(&delete(&gateway, NINA, &nth(&id, 3), "SendToNone").await), deleted);
    let beyond = "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange";
    assert_eq!(code(&delete(&gateway, NINA, &nth(&id, 6), "SendToNone").await), beyond);
    let (again, _) = item_id(&update(&gateway, NINA, &nth(&id, 2), "SendToNone", &subject).await);
    assert_eq!(again, second);
    let daily: Vec<_> =
        subjects(&gateway, NINA).await.into_iter().filter(|it| it == "Daily" || it == "Second").collect();
    assert_eq!(daily, ["Daily", "Second", "Daily", "Daily"]);
    let by_occurrence = format!("<t:RecurringMasterItemId OccurrenceId=\"{second}\"/>");
    assert_eq!(code(&delete(&gateway, NINA, &by_occurrence, "SendToNone").await), "NoError");
    assert_eq!(code(&get(&gateway, NINA, &id).await), "ErrorItemNotFound");
    gateway.done().await;
}

#[tokio::test]
async fn single_items_have_no_occurrences() {
    let gateway = writer().start().await;
    let times = "<t:Start>2028-01-11T09:00:00Z</t:Start><t:End>2028-01-11T10:00:00Z</t:End>";
    let (id, _) = create(&gateway, NINA, "SendToNone", times).await;
    let wrong = code(&delete(&gateway, NINA, &nth(&id, 1), "SendToNone").await).to_owned();
    assert_eq!(wrong, "ErrorCalendarCannotUseIdForRecurringMasterId");
    let series = format!("<t:RecurringMasterItemId OccurrenceId=\"{id}\"/>");
    let wrong = code(&delete(&gateway, NINA, &series, "SendToNone").await).to_owned();
    assert_eq!(wrong, "ErrorCalendarCannotUseIdForOccurrenceId");
    gateway.done().await;
}

#[tokio::test]
async fn a_series_keeps_to_its_clock() {
    let gateway = writer().start().await;
    let romance = SERIES
        .replace("T09:00:00Z", "T09:00:00")
        .replace("T10:00:00Z", "T10:00:00")
        .replace("2028-01-11", "2028-03-24")
        .replace("</t:Recurrence>", "</t:Recurrence><t:StartTimeZone Id=\"Romance Standard Time\"/>");
    let (id, _) = create(&gateway, NINA, "SendToNone", &romance).await;
    let get = |index| {
        format!(
            "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds>{}</m:ItemIds></m:GetItem>",
            nth(&id, index)
        )
    };
    // Summer time begins on the 26th.
    for (index, start) in [(1, "2028-03-24T08:00:00Z"), (3, "2028-03-26T07:00:00Z")] {
        let item = ask_as(&gateway, NINA, &get(index)).await;
        assert_eq!(item.all("Start")[0].text, start);
    }
    gateway.done().await;
}

#[tokio::test]
async fn a_recurrence_must_be_one() {
    let gateway = writer().start().await;
    let body = |series: &str| {
        let item = format!("<t:CalendarItem>{series}</t:CalendarItem>");
        requests::envelope(&format!(
            "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items>{item}</m:Items></m:CreateItem>"
        ))
    };
    let from = SERIES.find("<t:NumberedRecurrence>").unwrap();
    let endless = format!("{}</t:Recurrence>", &SERIES[..from]);
    assert_eq!(gateway.fault(&body(&endless)).await.0, "ErrorSchemaValidation");
    let never = SERIES.replace("<t:NumberOfOccurrences>5", "<t:NumberOfOccurrences>0");
    let header = "<t:RequestServerVersion Version=\"Exchange2016\"/><t:ExchangeImpersonation><t:ConnectingSID>\
         <t:SmtpAddress>nina@contoso.example</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>";
    let item = format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToNone\"><m:Items><t:CalendarItem>{never}</t:CalendarItem></m:Items></m:CreateItem>"
    );
    assert_eq!(code(&gateway.ask(&requests::envelope_with(header, &item)).await), "ErrorCalendarInvalidRecurrence");
    gateway.done().await;
}
