//! The answer, written in Exchange's own form: the messages namespace is the default one, and the
//! types namespace is declared again on each element that begins with it.

use super::view::{View, busy_type, digits};
use crate::calendar::Window;
use crate::calendar::free_busy::{FreeBusy, ItemDetails, WorkingHours};
use crate::calendar::suggestions::SuggestionDay;
use crate::calendar::zone::{DayOfWeek, Zone};
use crate::client::{self, Ceiling, People, Permitted};
use crate::ews::fault::{self, Code, Family};
use crate::ews::operation::Response;
use crate::ews::soap::{MESSAGES, Version};
use crate::ews::types::time_zone;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// GetUserAvailability's answer.
#[derive(Debug)]
pub(crate) struct GetUserAvailabilityResponse {
    pub(super) answers: Option<Vec<MailboxAnswer>>,
    pub(super) suggestions: Option<Vec<SuggestionDay>>,
    /// Minutes a digit.
    pub(super) interval: u32,
    /// The request's zone.
    pub(super) zone: Zone,
    pub(super) version: Version,
}

/// One mailbox's part.
#[derive(Debug)]
pub(super) struct MailboxAnswer {
    pub(super) outcome: Outcome,
    pub(super) window: Window,
}

#[derive(Debug)]
pub(super) enum Outcome {
    FreeBusy {
        view: View,
        free_busy: FreeBusy,
        permitted: Permitted,
    },
    /// A group's digits.
    Group(String),
    Failed(Failure),
}

impl Response for GetUserAvailabilityResponse {
    fn size(&self) -> usize {
        let answers = self.answers.as_deref().unwrap_or_default();
        let items: usize = answers.iter().map(MailboxAnswer::items).sum();
        let days = self.suggestions.as_ref().map_or(0, Vec::len);
        256 + 1500 * answers.len() + 160 * items + 2048 * days
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<GetUserAvailabilityResponse xmlns=""#).raw(MESSAGES).raw(r#"">"#);
        if let Some(answers) = &self.answers {
            xml.raw("<FreeBusyResponseArray>");
            for answer in answers {
                xml.raw("<FreeBusyResponse>");
                self.write_mailbox(xml, answer);
                xml.raw("</FreeBusyResponse>");
            }
            xml.raw("</FreeBusyResponseArray>");
        }
        if let Some(days) = &self.suggestions {
            super::suggest::write(xml, days, self.version);
        }
        xml.raw("</GetUserAvailabilityResponse>");
    }
}

impl GetUserAvailabilityResponse {
    fn write_mailbox(&self, xml: &mut Xml, answer: &MailboxAnswer) {
        match &answer.outcome {
            Outcome::FreeBusy { view, free_busy, permitted } => {
                self.write_view(xml, answer.window, *view, free_busy, permitted.view());
            }
            Outcome::Group(digits) => {
                open_view(xml, View::MergedOnly);
                write_digits(xml, digits);
            }
            Outcome::Failed(failure) => return write_failure(xml, failure),
        }
        xml.raw("</FreeBusyView>");
    }

    fn write_view(&self, xml: &mut Xml, window: Window, view: View, free_busy: &FreeBusy, sees: &client::View) {
        open_view(xml, view);
        if view.has_digits() {
            write_digits(xml, &free_busy.merged(window, self.interval, &self.zone, digits(self.version)));
        }
        if !view.has_events() {
            return;
        }
        xml.raw(r#"<CalendarEventArray xmlns="http://schemas.microsoft.com/exchange/services/2006/types">"#);
        for (item, details) in free_busy.overlapping(window, &self.zone) {
            let (start, end) = item.local(&self.zone);
            xml.raw("<CalendarEvent><StartTime>").local_time(start).raw("</StartTime><EndTime>").local_time(end);
            xml.raw("</EndTime><BusyType>").raw(busy_type(item.status(), self.version)).raw("</BusyType>");
            if let Some(details) = details.filter(|_| view.has_details()) {
                write_details(xml, details, sees);
            }
            xml.raw("</CalendarEvent>");
        }
        xml.raw("</CalendarEventArray>");
        if let Some(hours) = free_busy.working_hours() {
            write_working_hours(xml, hours, window);
        }
    }
}

impl MailboxAnswer {
    fn items(&self) -> usize {
        match &self.outcome {
            Outcome::FreeBusy { free_busy, .. } => free_busy.spans.iter().map(|span| span.items.len()).sum(),
            Outcome::Group(_) | Outcome::Failed(_) => 0,
        }
    }
}

/// What goes before a view's parts; `</FreeBusyView>` must follow them.
fn open_view(xml: &mut Xml, view: View) {
    xml.raw(r#"<ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage>"#);
    xml.raw(r#"<FreeBusyView><FreeBusyViewType xmlns="http://schemas.microsoft.com/exchange/services/2006/types">"#);
    xml.raw(view.name()).raw("</FreeBusyViewType>");
}

fn write_digits(xml: &mut Xml, digits: &str) {
    xml.raw(r#"<MergedFreeBusy xmlns="http://schemas.microsoft.com/exchange/services/2006/types">"#);
    xml.raw(digits).raw("</MergedFreeBusy>");
}

/// Of a private item nobody learns more than that it is one. Below the full ceiling the flags are
/// hidden like the rest, and since the schema wants them they are all false; where people are hidden, so is that there
/// are any.
fn write_details(xml: &mut Xml, details: &ItemDetails, sees: &client::View) {
    let full = sees.ceiling == Ceiling::Full && !details.is_private;
    xml.raw("<CalendarEventDetails>");
    if let Some(id) = details.id.as_ref().filter(|_| full) {
        xml.raw("<ID>").text(id).raw("</ID>");
    }
    if !details.is_private {
        if let Some(subject) = &details.subject {
            xml.raw("<Subject>").text(sees.subject_of(subject)).raw("</Subject>");
        }
        // One that is hidden is not told; an empty one is.
        let is_told = |location: &&str| sees.location_of(location) == *location;
        if let Some(location) = details.location.as_deref().filter(is_told) {
            xml.raw("<Location>").text(location).raw("</Location>");
        }
    }
    for (name, value) in [
        ("IsMeeting", full && details.is_meeting && sees.people != People::Hidden),
        ("IsRecurring", full && details.is_recurring),
        ("IsException", full && details.is_exception),
        ("IsReminderSet", full && details.is_reminder_set),
        ("IsPrivate", details.is_private),
    ] {
        xml.raw("<").raw(name).raw(">").boolean(value).raw("</").raw(name).raw(">");
    }
    xml.raw("</CalendarEventDetails>");
}

/// The mailbox's own hours in its own zone, by the rules of the window's year.
fn write_working_hours(xml: &mut Xml, hours: &WorkingHours, window: Window) {
    let days: Vec<&str> =
        WEEK.iter().zip(hours.days).filter(|(_, works)| *works).map(|(day, _)| time_zone::day::name(*day)).collect();
    if days.is_empty() {
        return;
    }
    xml.raw(r#"<WorkingHours xmlns="http://schemas.microsoft.com/exchange/services/2006/types"><TimeZone>"#);
    time_zone::write_serializable(xml, &hours.zone.bias_rules(window.start().as_second()));
    xml.raw("</TimeZone><WorkingPeriodArray><WorkingPeriod><DayOfWeek>");
    for (index, day) in days.iter().enumerate() {
        xml.raw(if index == 0 { "" } else { " " }).raw(day);
    }
    xml.raw("</DayOfWeek><StartTimeInMinutes>")
        .number(hours.start_minute)
        .raw("</StartTimeInMinutes><EndTimeInMinutes>");
    xml.number(hours.end_minute).raw("</EndTimeInMinutes></WorkingPeriod></WorkingPeriodArray></WorkingHours>");
}

fn write_failure(xml: &mut Xml, failure: &Failure) {
    let Code { name, number, exception } = fault::code(failure, Family::Availability);
    let text = fault::message(failure, Family::Availability);
    xml.note_failure(failure.label());
    xml.raw(r#"<ResponseMessage ResponseClass="Error"><MessageText>"#).text(&text).raw("</MessageText><ResponseCode>");
    xml.raw(name).raw("</ResponseCode><DescriptiveLinkKey>0</DescriptiveLinkKey>");
    if exception.is_some() || fault::back_off(failure).is_some() {
        xml.raw("<MessageXml>");
        if let Some(exception) = exception {
            xml.raw(r#"<ExceptionType xmlns="http://schemas.microsoft.com/exchange/services/2006/errors">"#);
            xml.raw("Microsoft.Exchange.InfoWorker.Common.Availability.").raw(exception).raw("</ExceptionType>");
        }
        if let Some(number) = number {
            xml.raw(r#"<ExceptionCode xmlns="http://schemas.microsoft.com/exchange/services/2006/errors">"#);
            xml.number(number).raw("</ExceptionCode>");
        }
        if let Some(milliseconds) = fault::back_off(failure) {
            xml.raw(r#"<Value xmlns="http://schemas.microsoft.com/exchange/services/2006/types" Name="BackOffMilliseconds">"#);
            xml.number(milliseconds).raw("</Value>");
        }
        xml.raw("</MessageXml>");
    }
    xml.raw(r#"</ResponseMessage><FreeBusyView><FreeBusyViewType xmlns="http://schemas.microsoft.com/exchange/services/2006/types">None</FreeBusyViewType></FreeBusyView>"#);
}

const WEEK: [DayOfWeek; 7] = [
    DayOfWeek::Monday,
    DayOfWeek::Tuesday,
    DayOfWeek::Wednesday,
    DayOfWeek::Thursday,
    DayOfWeek::Friday,
    DayOfWeek::Saturday,
    DayOfWeek::Sunday,
];
