//! Meeting suggestions, beside free/busy and alone.

use crate::harness::Setup;
use crate::harness::requests::{Availability, envelope, new_york};

fn options(more: &str, start: &str, end: &str) -> String {
    format!(
        "<t:SuggestionsViewOptions>{more}<t:DetailedSuggestionsWindow><t:StartTime>{start}</t:StartTime>\
         <t:EndTime>{end}</t:EndTime></t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>"
    )
}

#[tokio::test]
async fn the_first_free_hours_of_each_day() {
    let gateway = Setup::new().start().await;
    let zone = new_york();
    let more = "<t:MaximumResultsByDay>2</t:MaximumResultsByDay><t:MeetingDurationInMinutes>60</t:MeetingDurationInMinutes>\
         <t:MinimumSuggestionQuality>Excellent</t:MinimumSuggestionQuality>";
    let suggestions = options(more, "2027-03-15T00:00:00", "2027-03-17T00:00:00");
    let request = Availability {
        mailboxes: &["nina@contoso.example"],
        start: "2027-03-15T00:00:00",
        end: "2027-03-17T00:00:00",
        zone: &zone,
        suggestions: &suggestions,
        ..Availability::default()
    };
    let payload = gateway.ask(&request.xml()).await;
    assert_eq!(payload.names(), ["FreeBusyResponseArray", "SuggestionsResponse"]);
    let response = payload.child("SuggestionsResponse");
    assert_eq!(response.at("ResponseMessage/ResponseCode"), "NoError");
    let days = response.all("SuggestionDayResult");
    assert_eq!(
        days.iter().map(|day| day.at("Date")).collect::<Vec<_>>(),
        ["2027-03-15T00:00:00", "2027-03-16T00:00:00"]
    );
    // Nina works from nine, and meets until ten on Monday; on Tuesday she is away.
    let times: Vec<&str> = days[0].all("Suggestion").iter().map(|one| one.at("MeetingTime")).collect();
    assert_eq!(times, ["2027-03-15T10:00:00", "2027-03-15T10:30:00"]);
    assert!(days[0].all("Suggestion").iter().all(|one| one.at("IsWorkTime") == "true"));
    assert!(days[0].all("Suggestion").iter().all(|one| one.at("SuggestionQuality") == "Excellent"));
    assert_eq!(days[0].at("DayQuality"), "Excellent");
    assert!(days[1].all("Suggestion").is_empty());
    gateway.done().await;
}

#[tokio::test]
async fn alone_and_with_unknown_people_and_groups() {
    let gateway = Setup::new().start().await;
    let people = ["hanna@contoso.example", "nobody@contoso.example", "team@contoso.example"].map(|address| {
        format!("<t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>")
    });
    let body = format!(
        "<m:GetUserAvailabilityRequest><m:MailboxDataArray>{}</m:MailboxDataArray>{}</m:GetUserAvailabilityRequest>",
        people.concat(),
        options("", "2027-03-15T00:00:00", "2027-03-16T00:00:00")
    );
    let payload = gateway.ask(&envelope(&body)).await;
    assert_eq!(payload.names(), ["SuggestionsResponse"]);
    let suggestion = payload.all("Suggestion")[0].clone();
    assert_eq!(
        suggestion.child("AttendeeConflictDataArray").names(),
        ["IndividualAttendeeConflictData", "UnknownAttendeeConflictData", "GroupAttendeeConflictData"]
    );
    assert_eq!(suggestion.at("AttendeeConflictDataArray/GroupAttendeeConflictData/NumberOfMembers"), "2");
    gateway.done().await;
}
