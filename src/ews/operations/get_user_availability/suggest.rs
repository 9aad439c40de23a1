//! Meeting suggestions: from the request's options to the core's, and its results on the wire.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/suggestionsresponse>

use super::found::{Found, find};
use super::request::{MailboxData, SuggestionsViewOptions};
use super::view::busy_type;
use crate::calendar::Window;
use crate::calendar::suggestions::{self, Attendee, Conflict, Options, Quality, Role, SuggestionDay, Who};
use crate::calendar::zone::Zone;
use crate::client::Permitted;
use crate::ews::operation::Context;
use crate::ews::soap::Version;
use crate::ews::xml::Xml;
use crate::failure::Failure;
use crate::graph::Detail;

/// The options' window as instants.
pub(super) fn window(options: &SuggestionsViewOptions, zone: &Zone) -> Result<Window, Failure> {
    options.window.check(zone, "SuggestionsViewOptions.DetailedSuggestionsWindow")
}

/// Suggests meetings for the request's mailboxes.
pub(super) async fn suggest(
    data: &[MailboxData],
    mailboxes: &[Result<Permitted, Failure>],
    options: &SuggestionsViewOptions,
    window: Window,
    zone: &Zone,
    context: &Context<'_>,
) -> Result<Vec<SuggestionDay>, Failure> {
    let options = checked(options, window, zone)?;
    let found = find(mailboxes, window, Detail::Times, context).await;
    let attendees: Vec<Attendee<'_>> = data
        .iter()
        .zip(&found)
        .map(|(data, found)| Attendee {
            who: found.who(),
            role: role(&data.attendee_type),
            exclude_conflicts: data.exclude_conflicts,
        })
        .collect();
    suggestions::suggest(&options, &attendees, zone, context.journal.now.as_second())
}

/// Writes a `SuggestionsResponse`, the messages namespace being the default one.
pub(super) fn write(xml: &mut Xml, days: &[SuggestionDay], version: Version) {
    xml.raw(r#"<SuggestionsResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode>"#);
    xml.raw("</ResponseMessage><SuggestionDayResultArray>");
    for day in days {
        xml.raw(r#"<SuggestionDayResult xmlns="http://schemas.microsoft.com/exchange/services/2006/types"><Date>"#);
        xml.number(day.date)
            .raw("T00:00:00</Date><DayQuality>")
            .raw(quality(day.quality))
            .raw("</DayQuality><SuggestionArray>");
        for suggestion in &day.suggestions {
            xml.raw("<Suggestion><MeetingTime>").local_time(suggestion.local).raw("</MeetingTime><IsWorkTime>");
            xml.boolean(suggestion.is_work_time)
                .raw("</IsWorkTime><SuggestionQuality>")
                .raw(quality(suggestion.quality));
            xml.raw("</SuggestionQuality><AttendeeConflictDataArray>");
            suggestion.conflicts.iter().for_each(|conflict| write_conflict(xml, *conflict, version));
            xml.raw("</AttendeeConflictDataArray></Suggestion>");
        }
        xml.raw("</SuggestionArray></SuggestionDayResult>");
    }
    xml.raw("</SuggestionDayResultArray></SuggestionsResponse>");
}

impl Found {
    fn who(&self) -> Who<'_> {
        match self {
            Self::One(Ok(free_busy)) => Who::Individual(Some(free_busy)),
            Self::One(Err(Failure::NoSuchMailbox { .. } | Failure::BadAddress { .. })) => Who::Unknown,
            Self::One(Err(Failure::GroupTooLarge)) => Who::TooBigGroup,
            Self::One(Err(_)) => Who::Individual(None),
            Self::Group(members) => Who::Group(members.iter().map(Option::as_ref).collect()),
        }
    }
}

/// The options with Exchange's defaults for what is missing.
fn checked(options: &SuggestionsViewOptions, window: Window, zone: &Zone) -> Result<Options, Failure> {
    let defaults = Options::for_window(window);
    let number = |given: Option<i64>, default: u32, element: &str| match given {
        None => Ok(default),
        Some(number) => u32::try_from(number).map_err(|_| Failure::Schema {
            path: element.to_owned(),
            problem: "the number is out of its range".to_owned(),
        }),
    };
    Ok(Options {
        good_threshold: number(options.good_threshold, defaults.good_threshold, "GoodThreshold")?,
        maximum_by_day: number(options.maximum_results_by_day, defaults.maximum_by_day, "MaximumResultsByDay")?,
        maximum_outside_work_by_day: number(
            options.maximum_non_work_hour_results_by_day,
            defaults.maximum_outside_work_by_day,
            "MaximumNonWorkHourResultsByDay",
        )?,
        duration_minutes: number(options.meeting_duration, defaults.duration_minutes, "MeetingDurationInMinutes")?,
        minimum_quality: options.minimum_quality.unwrap_or(defaults.minimum_quality),
        current_meeting: options.current_meeting.map(|time| time.second(zone)),
        ..defaults
    })
}

fn write_conflict(xml: &mut Xml, conflict: Conflict, version: Version) {
    match conflict {
        Conflict::Individual(status) => {
            xml.raw("<IndividualAttendeeConflictData><BusyType>").raw(busy_type(status, version));
            xml.raw("</BusyType></IndividualAttendeeConflictData>");
        }
        Conflict::Group { members, available, with_conflict, with_no_data } => {
            xml.raw("<GroupAttendeeConflictData><NumberOfMembers>").number(members);
            xml.raw("</NumberOfMembers><NumberOfMembersAvailable>").number(available);
            xml.raw("</NumberOfMembersAvailable><NumberOfMembersWithConflict>").number(with_conflict);
            xml.raw("</NumberOfMembersWithConflict><NumberOfMembersWithNoData>").number(with_no_data);
            xml.raw("</NumberOfMembersWithNoData></GroupAttendeeConflictData>");
        }
        Conflict::Unknown => {
            xml.raw("<UnknownAttendeeConflictData/>");
        }
        Conflict::TooBigGroup => {
            xml.raw("<TooBigGroupAttendeeConflictData/>");
        }
    }
}

/// `AttendeeType`; who is not said to be something else is required.
fn role(attendee_type: &str) -> Role {
    match attendee_type {
        "Organizer" => Role::Organizer,
        "Optional" => Role::Optional,
        "Room" => Role::Room,
        "Resource" => Role::Resource,
        _ => Role::Required,
    }
}

fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Excellent => "Excellent",
        Quality::Good => "Good",
        Quality::Fair => "Fair",
        Quality::Poor => "Poor",
    }
}
