//! Whether an event is as a change wants it.
//!
//! Where a connection broke, the answer to a change may be lost and the change itself done. What
//! Graph stores in a form of its own is compared by what it says: texts without their markup, times
//! as instants. Must not know calls.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::names::role_name;
use crate::calendar::event::{Attendee, Body, Event, EventChange, When, ZonedTime};
use crate::calendar::plain_text;
use crate::calendar::recurrence::Recurrence;
use crate::calendar::zone::Zone;

/// Whether the change is made. The event was read with text and all properties that it names.
pub(in crate::graph) fn holds(event: &Event, change: &EventChange) -> bool {
    fn same<T: PartialEq>(wanted: Option<&T>, is: &T) -> bool {
        wanted.is_none_or(|wanted| wanted == is)
    }
    let times = change.start.as_ref().is_none_or(|start| begins(&event.when, start))
        && change.end.as_ref().is_none_or(|end| ends(&event.when, end))
        && same(change.is_all_day.as_ref(), &event.when.is_all_day());
    let people = match (&change.attendees, &change.held_back) {
        (_, Some(held_back)) if !held_back.is_empty() => event.is_held_back && are(&event.attendees, held_back),
        (Some(attendees), _) => !event.is_held_back && are(&event.attendees, attendees),
        (None, Some(_)) => !event.is_held_back,
        (None, None) => true,
    };
    let texts = same(change.subject.as_ref(), &event.subject)
        && same(change.location.as_ref(), &event.location)
        && same(change.categories.as_ref(), &event.categories)
        && change
            .body
            .as_ref()
            .is_none_or(|wanted| event.body.as_ref().is_some_and(|body| says_the_same(body, wanted)));
    let marks = same(change.show_as.as_ref(), &event.show_as)
        && same(change.sensitivity.as_ref(), &event.sensitivity)
        && same(change.importance.as_ref(), &event.importance)
        && same(change.is_reminder_on.as_ref(), &event.is_reminder_on)
        && same(change.reminder_minutes.as_ref(), &event.reminder_minutes)
        && same(change.is_response_requested.as_ref(), &event.is_response_requested)
        && same(change.allows_new_time.as_ref(), &event.allows_new_time)
        && same(change.is_online_meeting.as_ref(), &event.is_online_meeting);
    let recurrence = change.recurrence.as_ref().is_none_or(|wanted| {
        // The zone may come back by another name.
        let parts = |recurrence: &Recurrence| (recurrence.pattern.clone(), recurrence.range);
        wanted.as_ref().map(parts) == event.recurrence.as_ref().map(parts)
    });
    let properties = change.properties.iter().all(|(id, wanted)| {
        let is = event.properties.iter().find(|(known, _)| known == id).map(|(_, value)| value);
        is == wanted.as_ref()
    });
    times && people && texts && marks && recurrence && properties
}

fn begins(when: &When, wanted: &ZonedTime) -> bool {
    match when {
        When::Timed { start, .. } => instant(wanted) == Some(*start),
        When::Days { first, .. } => wanted.local.date() == *first,
    }
}

fn ends(when: &When, wanted: &ZonedTime) -> bool {
    match when {
        When::Timed { end, .. } => instant(wanted) == Some(*end),
        When::Days { after, .. } => wanted.local.date() == *after,
    }
}

fn instant(time: &ZonedTime) -> Option<Timestamp> {
    let utc = time.local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let Some(name) = &time.zone else { return Some(utc) };
    let zone = Zone::named(name).ok()?;
    Timestamp::new(zone.second_of_local(utc.as_second()), utc.subsec_nanosecond()).ok()
}

/// The same people in the same roles, in any order.
fn are(attendees: &[Attendee], wanted: &[Attendee]) -> bool {
    let who = |attendees: &[Attendee]| {
        let mut all: Vec<_> = attendees
            .iter()
            .map(|attendee| (attendee.person.address.to_lowercase(), role_name(attendee.role)))
            .collect();
        all.sort_unstable();
        all
    };
    who(attendees) == who(wanted)
}

/// Whether two bodies say the same: plain texts as they are but for the ends of lines; where one is HTML, by what is
/// left without markup.
fn says_the_same(is: &Body, wanted: &Body) -> bool {
    if is.is_html || wanted.is_html {
        return letters(is) == letters(wanted);
    }
    let lines = |body: &Body| body.content.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned();
    lines(is) == lines(wanted)
}

/// The letters and digits of a body; of HTML those that are shown.
fn letters(body: &Body) -> String {
    let text =
        if body.is_html { Cow::Owned(plain_text::of_html(&body.content)) } else { Cow::Borrowed(&*body.content) };
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(is: (&str, bool), wanted: (&str, bool)) -> bool {
        let body = |(content, is_html): (&str, bool)| Body { content: content.to_owned(), is_html };
        says_the_same(&body(is), &body(wanted))
    }

    #[test]
    fn plain_texts_are_compared_as_they_are() {
        assert!(same(("a\nb\n", false), ("a\r\nb", false)));
        assert!(!same(("a < b", false), ("a < c", false)), "what follows is no markup");
        assert!(!same(("R&D one", false), ("R&D two", false)) && !same(("1.5", false), ("15", false)));
    }

    #[test]
    fn html_is_compared_by_its_letters() {
        let html = "<html><body><p>a &lt; b</p><p>c</p></body></html>";
        assert!(same((html, true), ("<p>a &lt; b</p>c", true)) && same((html, true), ("a < b\nc", false)));
        assert!(!same((html, true), ("a < b\nd", false)));
        let (one, two) = ("<html><head><title>t</title><body>one", "<html><head><title>t</title><body>two");
        assert!(same((one, true), ("one", false)) && !same((one, true), (two, true)), "a head may be left open");
        assert!(!same(("<noscript>one", true), ("<noscript>two", true)));
        assert!(!same(("<template>one", true), ("<template>two", true)));
    }
}
