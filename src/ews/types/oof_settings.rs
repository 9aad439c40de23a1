//! `UserOofSettings`: automatic replies as clients set them and are told them.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/useroofsettings>
//!
//! Owns the names of states and audiences, and what is refused of what a client wants.

use jiff::Timestamp;

use super::time;
use super::value::{self, WireTime, missing, once, one_of, wrong};
use crate::calendar::Window;
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::ews::pull::Pull;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// What a client wants to be set, as it was sent.
#[derive(Clone, Debug)]
pub struct OofSettings {
    status: Status,
    audience: Audience,
    /// What was said of the schedule; nothing where none is asked for.
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    internal: Option<String>,
    external: Option<String>,
    /// An element by which more is asked for than replies.
    beyond: Option<String>,
}

impl OofSettings {
    /// Reads the element; the reader stands in it.
    ///
    /// # Errors
    /// [`Failure::Malformed`]; [`Failure::Schema`] without state or audience, for a name that is
    /// none, and for times of a schedule that cannot be read.
    pub fn read(reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let (mut status, mut audience, mut bounds, mut beyond) = (None, None, None, None);
        let (mut internal, mut external) = (None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "OofState" => once(&mut status, one_of(reader, "OofState", &STATES)?, "OofState")?,
                "ExternalAudience" => {
                    once(&mut audience, one_of(reader, "ExternalAudience", &AUDIENCES)?, "ExternalAudience")?;
                }
                "Duration" => once(&mut bounds, bounds_of(reader)?, "Duration")?,
                "InternalReply" => once(&mut internal, reply(reader)?, "InternalReply")?,
                "ExternalReply" => once(&mut external, reply(reader)?, "ExternalReply")?,
                wish if WISHES.contains(&wish) => {
                    if value::boolean(reader, wish)? {
                        beyond = Some(wish.to_owned());
                    }
                }
                "EventsToDeleteIDs" => {
                    while reader.child()?.is_some() {
                        reader.skip()?;
                        beyond = Some("EventsToDeleteIDs".to_owned());
                    }
                }
                // Among them are texts that mean nothing unless something is declined or created.
                _ => reader.skip()?,
            }
        }
        let status = status.ok_or_else(|| missing("OofState"))?;
        let audience = audience.ok_or_else(|| missing("ExternalAudience"))?;
        let [start, end] = bounds.filter(|_| status == Status::Scheduled).unwrap_or_default();
        let (start, end) = (instant(start, "StartTime")?, instant(end, "EndTime")?);
        Ok(Self { status, audience, start, end, internal, external, beyond })
    }

    /// What is to be set.
    ///
    /// # Errors
    /// [`Failure::ReplyMissing`] without both replies, [`Failure::BadScheduledDuration`] for a
    /// schedule without a window or with one that is over, [`Failure::Unsupported`] for anything to be
    /// done with the calendar: Graph sets replies alone.
    pub fn replies(self, now: Timestamp) -> Result<AutomaticReplies, Failure> {
        let (Some(internal), Some(external)) = (self.internal, self.external) else {
            return Err(Failure::ReplyMissing);
        };
        let window = match (self.status, self.start, self.end) {
            (Status::Disabled | Status::Enabled, _, _) => None,
            (Status::Scheduled, Some(start), Some(end)) if end > now => {
                Some(Window::new(start, end).ok_or(Failure::BadScheduledDuration)?)
            }
            (Status::Scheduled, _, _) => return Err(Failure::BadScheduledDuration),
        };
        match self.beyond {
            Some(what) => Err(Failure::Unsupported { what }),
            None => {
                let (status, audience) = (self.status, self.audience);
                Ok(AutomaticReplies { status, audience, window, internal, external, language: None })
            }
        }
    }
}

/// Writes `t:OofSettings`. Where no window is known it is today, in UTC, as Exchange has it: clients
/// want one. A schedule without a window is none: whoever writes back what was read would switch it on.
pub fn write(xml: &mut Xml, replies: &AutomaticReplies, now: Timestamp) {
    let today = now.as_second() - now.as_second().rem_euclid(DAY);
    let bounds = replies.window.map_or((today, today + DAY), |it| (it.start().as_second(), it.end().as_second()));
    let status =
        if replies.window.is_none() && replies.status == Status::Scheduled { Status::Disabled } else { replies.status };
    xml.raw("<t:OofSettings><t:OofState>").raw(name(&STATES, status));
    xml.raw("</t:OofState><t:ExternalAudience>").raw(name(&AUDIENCES, replies.audience)).raw("</t:ExternalAudience>");
    write_bounds(xml, bounds);
    write_reply(xml, "InternalReply", &replies.internal, replies.language.as_deref());
    write_reply(xml, "ExternalReply", &replies.external, replies.language.as_deref());
    xml.raw("</t:OofSettings>");
}

/// Writes `t:Duration`, in UTC.
pub fn write_window(xml: &mut Xml, window: Window) {
    write_bounds(xml, (window.start().as_second(), window.end().as_second()));
}

/// Writes a `ReplyBody` element; the message is HTML.
pub fn write_reply(xml: &mut Xml, element: &str, message: &str, language: Option<&str>) {
    xml.raw("<t:").raw(element);
    if let Some(language) = language.filter(|language| is_tag(language)) {
        xml.raw(r#" xml:lang=""#).text(language).raw(r#"""#);
    }
    xml.raw("><t:Message>").text(message).raw("</t:Message></t:").raw(element).raw(">");
}

fn write_bounds(xml: &mut Xml, (start, end): (i64, i64)) {
    xml.raw("<t:Duration><t:StartTime>");
    time::write(xml, start, None);
    xml.raw("</t:StartTime><t:EndTime>");
    time::write(xml, end, None);
    xml.raw("</t:EndTime></t:Duration>");
}

/// Whether a text is a language to XML Schema (`xs:language`).
fn is_tag(text: &str) -> bool {
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    text.split('-').all(fits) && text.split('-').next().is_some_and(|head| head.chars().all(char::is_alphabetic))
}

fn name<T: PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

/// The two times of a `Duration` as they are written: they are read only where they count.
fn bounds_of(reader: &mut Pull<'_>) -> Result<[Option<String>; 2], Failure> {
    let [mut start, mut end] = [None, None];
    while let Some(part) = reader.child()? {
        match part.local() {
            "StartTime" => once(&mut start, reader.text()?.into_owned(), "StartTime")?,
            "EndTime" => once(&mut end, reader.text()?.into_owned(), "EndTime")?,
            _ => reader.skip()?,
        }
    }
    Ok([start, end])
}

/// A time with an offset, or else in UTC.
fn instant(text: Option<String>, element: &str) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let bad = || wrong(element, "is no date and time");
    let (WireTime::Instant(second) | WireTime::Local(second)) = WireTime::parse(&text).ok_or_else(bad)?;
    Timestamp::from_second(second).map(Some).map_err(|_| bad())
}

/// A reply without a message is an empty one.
fn reply(reader: &mut Pull<'_>) -> Result<String, Failure> {
    let mut message = None;
    while let Some(part) = reader.child()? {
        match part.local() {
            "Message" => once(&mut message, reader.content()?.into_owned(), "Message")?,
            _ => reader.skip()?,
        }
    }
    Ok(message.unwrap_or_default())
}

const STATES: [(&str, Status); 3] =
    [("Disabled", Status::Disabled), ("Enabled", Status::Enabled), ("Scheduled", Status::Scheduled)];
const AUDIENCES: [(&str, Audience); 3] =
    [("None", Audience::Nobody), ("Known", Audience::Contacts), ("All", Audience::Everybody)];
/// What newer clients may wish to be done with the calendar.
const WISHES: [&str; 4] = [
    "DeclineEventsForScheduledOOF",
    "DeclineAllEventsForScheduledOOF",
    "CreateOOFEvent",
    "AutoDeclineFutureRequestsWhenOOF",
];
/// In seconds.
const DAY: i64 = 86_400;

#[cfg(test)]
mod tests;
