//! Time zones on the wire, in both of Exchange's forms: `SerializableTimeZone`, a bias and two
//! yearly changes, and `TimeZoneDefinition`, periods and transitions.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezone-availability>
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/timezonedefinition>

pub mod day;
mod definition;

use jiff::civil;

use super::value::{self, missing, once};
use crate::calendar::zone::{BiasRules, Change, DayOfWeek, Zone, ZoneDefinition};
use crate::ews::pull::{Pull, Start};
use crate::ews::xml::Xml;
use crate::failure::Failure;

pub use definition::write as write_definition;

/// The zone of the SOAP header: a whole definition, or an id alone. What it means is found out only
/// when it is needed, since a body may bring its own zone.
#[derive(Clone, Debug)]
pub struct TimeZoneContext(Result<ZoneDefinition, Failure>);

impl TimeZoneContext {
    /// Reads the element that the reader stands in. A definition that says nothing sensible is a
    /// failure only once its zone is asked for.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn parse(reader: &mut Pull<'_>) -> Result<Option<Self>, Failure> {
        let depth = reader.depth();
        let mut found = None;
        while let Some(part) = reader.child()? {
            match part.local() {
                "TimeZoneDefinition" => match definition::parse(&part, reader) {
                    Err(Failure::Malformed) => return Err(Failure::Malformed),
                    parsed => {
                        reader.leave_to(depth)?;
                        found = Some(Self(parsed));
                    }
                },
                _ => reader.skip()?,
            }
        }
        Ok(found)
    }

    /// Reads an element that is itself a definition, such as an item's `StartTimeZone`; the reader
    /// stands in it, `start` begins it.
    ///
    /// # Errors
    /// [`Failure::Malformed`].
    pub fn of(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let outside = reader.depth().saturating_sub(1);
        match definition::parse(start, reader) {
            Err(Failure::Malformed) => Err(Failure::Malformed),
            parsed => {
                reader.leave_to(outside)?;
                Ok(Self(parsed))
            }
        }
    }

    /// The zone's id, as the caller knows it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.as_ref().map_or("", |definition| definition.id.as_str())
    }

    /// The zone.
    ///
    /// # Errors
    /// [`Failure::UnknownTimeZone`]; [`Failure::Schema`].
    pub fn zone(&self) -> Result<Zone, Failure> {
        Zone::from_definition(self.0.as_ref().map_err(Clone::clone)?)
    }
}

/// Reads a `SerializableTimeZone`; the reader stands in the element.
///
/// # Errors
/// [`Failure::Malformed`]; [`Failure::Schema`] for what is missing or no number;
/// [`Failure::UnknownTimeZone`] for rules that no clock can follow.
pub fn serializable(reader: &mut Pull<'_>) -> Result<Zone, Failure> {
    let (mut bias, mut standard, mut daylight) = (None, None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "Bias" => once(&mut bias, value::number(reader, "Bias")?, "Bias")?,
            "StandardTime" => once(&mut standard, change(reader)?, "StandardTime")?,
            "DaylightTime" => once(&mut daylight, change(reader)?, "DaylightTime")?,
            _ => reader.skip()?,
        }
    }
    Zone::from_rules(BiasRules {
        bias: bias.ok_or_else(|| missing("Bias"))?,
        standard: standard.ok_or_else(|| missing("StandardTime"))?,
        daylight: daylight.ok_or_else(|| missing("DaylightTime"))?,
    })
}

/// Writes the children of a `SerializableTimeZone`, the types namespace being the default one.
pub fn write_serializable(xml: &mut Xml, rules: &BiasRules) {
    xml.raw("<Bias>").number(rules.bias).raw("</Bias><StandardTime>");
    write_change(xml, &rules.standard);
    xml.raw("</StandardTime><DaylightTime>");
    write_change(xml, &rules.daylight);
    xml.raw("</DaylightTime>");
}

fn change(reader: &mut Pull<'_>) -> Result<Change, Failure> {
    let (mut bias, mut time, mut day_order, mut month, mut day_of_week, mut year) =
        (None, None, None, None, None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "Bias" => once(&mut bias, value::number(reader, "Bias")?, "Bias")?,
            "Time" => once(&mut time, clock(&reader.text()?)?, "Time")?,
            "DayOrder" => once(&mut day_order, value::number(reader, "DayOrder")?, "DayOrder")?,
            "Month" => once(&mut month, value::number(reader, "Month")?, "Month")?,
            "DayOfWeek" => once(&mut day_of_week, day::parse(&reader.text()?)?, "DayOfWeek")?,
            "Year" => year = Some(value::number(reader, "Year")?).filter(|year| *year != 0),
            _ => reader.skip()?,
        }
    }
    Ok(Change {
        bias: bias.ok_or_else(|| missing("Bias"))?,
        time: time.ok_or_else(|| missing("Time"))?,
        day_order: day_order.ok_or_else(|| missing("DayOrder"))?,
        month: month.ok_or_else(|| missing("Month"))?,
        day_of_week: day_of_week.unwrap_or(DayOfWeek::Sunday),
        year,
    })
}

fn clock(text: &str) -> Result<civil::Time, Failure> {
    let plain = text.strip_suffix('Z').unwrap_or(text);
    plain.parse().map_err(|_| Failure::Schema { path: "Time".to_owned(), problem: "is no time of day".to_owned() })
}

fn write_change(xml: &mut Xml, change: &Change) {
    xml.raw("<Bias>").number(change.bias).raw("</Bias><Time>").clock(seconds_of_day(change.time));
    xml.raw("</Time><DayOrder>").number(change.day_order).raw("</DayOrder><Month>").number(change.month);
    xml.raw("</Month><DayOfWeek>").raw(day::name(change.day_of_week)).raw("</DayOfWeek>");
    if let Some(year) = change.year {
        xml.raw("<Year>").number(year).raw("</Year>");
    }
}

fn seconds_of_day(time: civil::Time) -> i64 {
    i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn parse(xml: &str) -> Result<Zone, Failure> {
        let mut reader = Pull::new(xml);
        reader.child()?;
        serializable(&mut reader)
    }

    const PACIFIC: &str = "<TimeZone><Bias>480</Bias><StandardTime><Bias>0</Bias><Time>02:00:00</Time><DayOrder>1</DayOrder><Month>11</Month><DayOfWeek>Sunday</DayOfWeek></StandardTime><DaylightTime><Bias>-60</Bias><Time>02:00:00</Time><DayOrder>2</DayOrder><Month>3</Month><DayOfWeek>Sunday</DayOfWeek></DaylightTime></TimeZone>";

    #[test]
    fn a_zone_reads_back_as_it_was_written() {
        let zone = parse(PACIFIC).unwrap();
        let winter = 1_767_268_800; // 2026-01-01T12:00:00Z
        assert_eq!(zone.local_of_second(winter), winter - 8 * 3600);
        let summer = 1_782_907_200; // 2026-07-01T12:00:00Z
        assert_eq!(zone.local_of_second(summer), summer - 7 * 3600);
        let mut xml = Xml::default();
        write_serializable(&mut xml, &zone.bias_rules(winter));
        assert_eq!(format!("<TimeZone>{}</TimeZone>", xml.finish()), PACIFIC);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let path = |xml: &str| match parse(xml) {
            Err(Failure::Schema { path, .. }) => path,
            other => format!("{other:?}"),
        };
        assert_eq!(path("<TimeZone><Bias>480</Bias></TimeZone>"), "StandardTime");
        assert_eq!(path(&PACIFIC.replace("480", "x")), "Bias");
        assert_eq!(path(&PACIFIC.replace("<Bias>480</Bias>", "<Bias>480</Bias><Bias>480</Bias>")), "Bias");
        assert_eq!(path(&PACIFIC.replace("Sunday", "Sonntag")), "DayOfWeek");
        assert_eq!(parse(&PACIFIC.replace("480", "99999")).unwrap_err(), Failure::UnknownTimeZone);
    }
}
