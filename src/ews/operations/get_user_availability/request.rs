//! The request, as it was sent. Read by hand, because it is the hot path.

use super::view::View;
use crate::calendar::suggestions::Quality;
use crate::calendar::zone::Zone;
use crate::ews::pull::Pull;
use crate::ews::types::value::{self, WireTime, missing, once};
use crate::ews::types::{mailbox, time_zone};
use crate::failure::Failure;

/// GetUserAvailability's request.
#[derive(Debug)]
pub(crate) struct GetUserAvailability {
    /// The zone of the body, if it has one.
    pub(super) zone: Option<Zone>,
    /// Whom it asks about.
    pub(super) mailboxes: Vec<MailboxData>,
    /// What free/busy it asks for.
    pub(super) free_busy: Option<FreeBusyViewOptions>,
    /// What suggestions it asks for.
    pub(super) suggestions: Option<SuggestionsViewOptions>,
}

/// One mailbox, and its part in a meeting.
#[derive(Debug)]
pub(super) struct MailboxData {
    pub(super) address: String,
    pub(super) attendee_type: String,
    pub(super) exclude_conflicts: bool,
}

/// What free/busy is asked for.
#[derive(Debug)]
pub(super) struct FreeBusyViewOptions {
    pub(super) window: TimeWindow,
    pub(super) interval: Option<i64>,
    pub(super) view: View,
}

/// What suggestions are asked for; absent numbers have the defaults of [MS-OXWAVLS].
#[derive(Debug)]
pub(super) struct SuggestionsViewOptions {
    pub(super) good_threshold: Option<i64>,
    pub(super) maximum_results_by_day: Option<i64>,
    pub(super) maximum_non_work_hour_results_by_day: Option<i64>,
    pub(super) meeting_duration: Option<i64>,
    pub(super) minimum_quality: Option<Quality>,
    pub(super) window: TimeWindow,
    pub(super) current_meeting: Option<WireTime>,
}

/// From when to when, in the zone of the request; `None` for a bound that cannot be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeWindow {
    pub(super) start: Option<WireTime>,
    pub(super) end: Option<WireTime>,
}

impl GetUserAvailability {
    /// Reads the request; the reader stands in it.
    pub(super) fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let (mut zone, mut mailboxes, mut free_busy, mut suggestions) = (None, None, None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "TimeZone" => once(&mut zone, time_zone::serializable(reader)?, "TimeZone")?,
                "MailboxDataArray" => once(&mut mailboxes, mailbox_data_array(reader)?, "MailboxDataArray")?,
                "FreeBusyViewOptions" => once(&mut free_busy, free_busy_view_options(reader)?, "FreeBusyViewOptions")?,
                "SuggestionsViewOptions" => {
                    once(&mut suggestions, suggestions_view_options(reader)?, "SuggestionsViewOptions")?;
                }
                _ => reader.skip()?,
            }
        }
        let mailboxes = mailboxes.ok_or_else(|| missing("MailboxDataArray"))?;
        Ok(Self { zone, mailboxes, free_busy, suggestions })
    }
}

fn mailbox_data_array(reader: &mut Pull<'_>) -> Result<Vec<MailboxData>, Failure> {
    let mut mailboxes = Vec::new();
    while let Some(part) = reader.child()? {
        match part.local() {
            "MailboxData" => mailboxes.push(mailbox_data(reader)?),
            _ => reader.skip()?,
        }
    }
    Ok(mailboxes)
}

fn mailbox_data(reader: &mut Pull<'_>) -> Result<MailboxData, Failure> {
    let (mut address, mut attendee_type, mut exclude_conflicts) = (None, None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "Email" => once(&mut address, mailbox::address(reader)?, "Email")?,
            "AttendeeType" => once(&mut attendee_type, reader.text()?.into_owned(), "AttendeeType")?,
            "ExcludeConflicts" => {
                once(&mut exclude_conflicts, value::boolean(reader, "ExcludeConflicts")?, "ExcludeConflicts")?;
            }
            _ => reader.skip()?,
        }
    }
    Ok(MailboxData {
        address: address.ok_or_else(|| missing("Email"))?,
        attendee_type: attendee_type.unwrap_or_default(),
        exclude_conflicts: exclude_conflicts.unwrap_or(false),
    })
}

fn free_busy_view_options(reader: &mut Pull<'_>) -> Result<FreeBusyViewOptions, Failure> {
    let (mut window, mut interval, mut view) = (None, None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "TimeWindow" => once(&mut window, time_window(reader)?, "TimeWindow")?,
            "MergedFreeBusyIntervalInMinutes" => number_once(reader, &mut interval, "MergedFreeBusyIntervalInMinutes")?,
            "RequestedView" => once(&mut view, View::parse(&reader.text()?)?, "RequestedView")?,
            _ => reader.skip()?,
        }
    }
    let window = window.ok_or_else(|| missing("TimeWindow"))?;
    Ok(FreeBusyViewOptions { window, interval, view: view.unwrap_or(View::FreeBusy) })
}

fn suggestions_view_options(reader: &mut Pull<'_>) -> Result<SuggestionsViewOptions, Failure> {
    let mut window = None;
    let mut options = SuggestionsViewOptions {
        good_threshold: None,
        maximum_results_by_day: None,
        maximum_non_work_hour_results_by_day: None,
        meeting_duration: None,
        minimum_quality: None,
        window: TimeWindow { start: None, end: None },
        current_meeting: None,
    };
    while let Some(part) = reader.child()? {
        match part.local() {
            "GoodThreshold" => number_once(reader, &mut options.good_threshold, "GoodThreshold")?,
            "MaximumResultsByDay" => number_once(reader, &mut options.maximum_results_by_day, "MaximumResultsByDay")?,
            "MaximumNonWorkHourResultsByDay" => {
                let place = &mut options.maximum_non_work_hour_results_by_day;
                number_once(reader, place, "MaximumNonWorkHourResultsByDay")?;
            }
            "MeetingDurationInMinutes" => {
                number_once(reader, &mut options.meeting_duration, "MeetingDurationInMinutes")?
            }
            "MinimumSuggestionQuality" => {
                let quality = quality(&reader.text()?)?;
                once(&mut options.minimum_quality, quality, "MinimumSuggestionQuality")?;
            }
            "DetailedSuggestionsWindow" => once(&mut window, time_window(reader)?, "DetailedSuggestionsWindow")?,
            "CurrentMeetingTime" => options.current_meeting = WireTime::parse(&reader.text()?),
            _ => reader.skip()?,
        }
    }
    options.window = window.ok_or_else(|| missing("DetailedSuggestionsWindow"))?;
    Ok(options)
}

fn time_window(reader: &mut Pull<'_>) -> Result<TimeWindow, Failure> {
    let (mut start, mut end) = (None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "StartTime" => once(&mut start, WireTime::parse(&reader.text()?), "StartTime")?,
            "EndTime" => once(&mut end, WireTime::parse(&reader.text()?), "EndTime")?,
            _ => reader.skip()?,
        }
    }
    Ok(TimeWindow { start: start.ok_or_else(|| missing("StartTime"))?, end: end.ok_or_else(|| missing("EndTime"))? })
}

fn number_once(reader: &mut Pull<'_>, place: &mut Option<i64>, element: &str) -> Result<(), Failure> {
    once(place, value::number(reader, element)?, element)
}

fn quality(text: &str) -> Result<Quality, Failure> {
    match text {
        "Excellent" => Ok(Quality::Excellent),
        "Good" => Ok(Quality::Good),
        "Fair" => Ok(Quality::Fair),
        "Poor" => Ok(Quality::Poor),
        _ => Err(Failure::Schema {
            path: "MinimumSuggestionQuality".to_owned(),
            problem: "is none of Excellent, Good, Fair, Poor".to_owned(),
        }),
    }
}
