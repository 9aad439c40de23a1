//! `$orderby` of events. Knows stored events, neither mailboxes nor HTTP.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use super::error::Refusal;
use super::event::Occurrence;

/// What a collection is sorted by.
#[derive(Clone, Copy)]
pub(super) struct Order {
    by: Property,
    descending: bool,
}

#[derive(Clone, Copy)]
enum Property {
    Start,
    End,
    Subject,
    Created,
    Modified,
}

impl Order {
    /// Reads the option; without it events are sorted by their start.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = text else { return Ok(Self { by: Property::Start, descending: false }) };
        let (property, direction) = text.trim().split_once(' ').unwrap_or_else(|| (text.trim(), "asc"));
        let problem = || Refusal::bad("BadRequest", format!("Could not sort by '{text}'."));
        let descending = match direction.trim() {
            "asc" => false,
            "desc" => true,
            _ => return Err(problem()),
        };
        let by = match property {
            "start/dateTime" => Property::Start,
            "end/dateTime" => Property::End,
            "subject" => Property::Subject,
            "createdDateTime" => Property::Created,
            "lastModifiedDateTime" => Property::Modified,
            _ => return Err(problem()),
        };
        Ok(Self { by, descending })
    }

    pub(super) fn compare(self, a: &Occurrence<'_>, b: &Occurrence<'_>) -> Ordering {
        let instants = |one: &Occurrence<'_>| one.instants(&TimeZone::UTC);
        let found = match self.by {
            Property::Start => instants(a).0.cmp(&instants(b).0),
            Property::End => instants(a).1.cmp(&instants(b).1),
            Property::Subject => a.event.text("subject", "").cmp(b.event.text("subject", "")),
            Property::Created => a.series.created.cmp(&b.series.created),
            Property::Modified => a.series.modified.cmp(&b.series.modified),
        };
        // Equal ones keep one order, so that pages neither repeat nor lose any.
        let found = if self.descending { found.reverse() } else { found };
        found.then(a.series.number.cmp(&b.series.number)).then(a.day.cmp(&b.day))
    }
}
