//! `TimeZoneDefinition`, in and out.

use std::fmt::Write as _;

use jiff::{SignedDuration, Span, SpanRelativeTo, civil};

use super::day;
use crate::calendar::zone::{Period, Target, Transition, TransitionGroup, When, ZoneDefinition};
use crate::ews::pull::{Pull, Start};
use crate::ews::types::value;
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// Reads a `TimeZoneDefinition`; the reader stands in the element, which `start` begins.
///
/// # Errors
/// [`Failure::Malformed`]; [`Failure::Schema`].
pub(super) fn parse(start: &Start<'_>, reader: &mut Pull<'_>) -> Result<ZoneDefinition, Failure> {
    let mut definition = ZoneDefinition {
        id: start.attribute("Id")?.unwrap_or_default(),
        name: start.attribute("Name")?.unwrap_or_default(),
        periods: Vec::new(),
        groups: Vec::new(),
        transitions: Vec::new(),
    };
    while let Some(part) = reader.child()? {
        match part.local() {
            "Periods" => {
                while let Some(period) = reader.child()? {
                    definition.periods.push(parse_period(&period)?);
                    reader.skip()?;
                }
            }
            "TransitionsGroups" => {
                while let Some(group) = reader.child()? {
                    let id = required(&group, "Id")?;
                    definition.groups.push(TransitionGroup { id, transitions: transitions(reader)? });
                }
            }
            "Transitions" => definition.transitions = transitions(reader)?,
            _ => reader.skip()?,
        }
    }
    Ok(definition)
}

/// Writes a `TimeZoneDefinition`, the prefix `t:` being bound to the types namespace; without its
/// rules if they were not asked for.
pub fn write(xml: &mut Xml, definition: &ZoneDefinition, rules: bool) {
    xml.raw(r#"<t:TimeZoneDefinition Id=""#).text(&definition.id).raw(r#"" Name=""#).text(&definition.name);
    if !rules {
        xml.raw(r#""/>"#);
        return;
    }
    xml.raw(r#""><t:Periods>"#);
    for period in &definition.periods {
        xml.raw(r#"<t:Period Bias=""#).raw(&duration(period.bias)).raw(r#"" Name=""#).text(&period.name);
        xml.raw(r#"" Id=""#).text(&period.id).raw(r#""/>"#);
    }
    xml.raw("</t:Periods><t:TransitionsGroups>");
    for group in &definition.groups {
        xml.raw(r#"<t:TransitionsGroup Id=""#).text(&group.id).raw(r#"">"#);
        group.transitions.iter().for_each(|transition| write_transition(xml, transition));
        xml.raw("</t:TransitionsGroup>");
    }
    xml.raw("</t:TransitionsGroups><t:Transitions>");
    definition.transitions.iter().for_each(|transition| write_transition(xml, transition));
    xml.raw("</t:Transitions></t:TimeZoneDefinition>");
}

fn parse_period(start: &Start<'_>) -> Result<Period, Failure> {
    Ok(Period { id: required(start, "Id")?, name: required(start, "Name")?, bias: span(&required(start, "Bias")?)? })
}

fn transitions(reader: &mut Pull<'_>) -> Result<Vec<Transition>, Failure> {
    let mut transitions = Vec::new();
    while let Some(start) = reader.child()? {
        let kind = start.local().to_owned();
        transitions.push(transition(&kind, reader)?);
    }
    Ok(transitions)
}

fn transition(kind: &str, reader: &mut Pull<'_>) -> Result<Transition, Failure> {
    let (mut to, mut at, mut offset) = (None, None, SignedDuration::ZERO);
    let (mut month, mut day, mut day_of_week, mut occurrence) = (None, None, None, None);
    while let Some(part) = reader.child()? {
        match part.local() {
            "To" => {
                let group = part.attribute("Kind")?.is_some_and(|kind| kind == "Group");
                let id = reader.text()?.into_owned();
                to = Some(if group { Target::Group(id) } else { Target::Period(id) });
            }
            "DateTime" => {
                at = Some(
                    reader.text()?.trim_end_matches('Z').parse::<civil::DateTime>().map_err(|_| wrong("DateTime"))?,
                )
            }
            "TimeOffset" => offset = span(&reader.text()?)?,
            "Month" => month = Some(value::number(reader, "Month")?),
            "Day" => day = Some(value::number(reader, "Day")?),
            "DayOfWeek" => day_of_week = Some(day::parse(&reader.text()?)?),
            "Occurrence" => occurrence = Some(value::number(reader, "Occurrence")?),
            _ => reader.skip()?,
        }
    }
    let when = match kind {
        "Transition" => When::Always,
        "AbsoluteDateTransition" => When::Absolute(at.ok_or_else(|| value::missing("DateTime"))?),
        "RecurringDayTransition" => When::Day {
            month: month.ok_or_else(|| value::missing("Month"))?,
            day_of_week: day_of_week.ok_or_else(|| value::missing("DayOfWeek"))?,
            occurrence: occurrence.ok_or_else(|| value::missing("Occurrence"))?,
            time: offset,
        },
        "RecurringDateTransition" => When::Date {
            month: month.ok_or_else(|| value::missing("Month"))?,
            day: day.ok_or_else(|| value::missing("Day"))?,
            time: offset,
        },
        _ => return Err(wrong(kind)),
    };
    Ok(Transition { to: to.ok_or_else(|| value::missing("To"))?, when })
}

fn write_transition(xml: &mut Xml, transition: &Transition) {
    let name = match transition.when {
        When::Always => "Transition",
        When::Absolute(_) => "AbsoluteDateTransition",
        When::Day { .. } => "RecurringDayTransition",
        When::Date { .. } => "RecurringDateTransition",
    };
    let (kind, id) = match &transition.to {
        Target::Period(id) => ("Period", id),
        Target::Group(id) => ("Group", id),
    };
    xml.raw("<t:").raw(name).raw(r#"><t:To Kind=""#).raw(kind).raw(r#"">"#).text(id).raw("</t:To>");
    match transition.when {
        When::Always => {}
        When::Absolute(at) => {
            xml.raw("<t:DateTime>").number(at.strftime("%Y-%m-%dT%H:%M:%S")).raw("</t:DateTime>");
        }
        When::Day { month, day_of_week, occurrence, time } => {
            xml.raw("<t:TimeOffset>").raw(&duration(time)).raw("</t:TimeOffset><t:Month>").number(month);
            xml.raw("</t:Month><t:DayOfWeek>").raw(day::name(day_of_week)).raw("</t:DayOfWeek><t:Occurrence>");
            xml.number(occurrence).raw("</t:Occurrence>");
        }
        When::Date { month, day, time } => {
            xml.raw("<t:TimeOffset>").raw(&duration(time)).raw("</t:TimeOffset><t:Month>").number(month);
            xml.raw("</t:Month><t:Day>").number(day).raw("</t:Day>");
        }
    }
    xml.raw("</t:").raw(name).raw(">");
}

fn required(start: &Start<'_>, attribute: &str) -> Result<String, Failure> {
    start.attribute(attribute)?.ok_or_else(|| value::missing(attribute))
}

/// An `xs:duration`, such as `-PT5H30M`, or as .NET writes it `-P0DT5H30M0.0S`. A day has 24 hours.
fn span(text: &str) -> Result<SignedDuration, Failure> {
    let span: Span = text.parse().map_err(|_| wrong("duration"))?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong("duration"))
}

/// The same in Exchange's form: hours, minutes and seconds.
fn duration(span: SignedDuration) -> String {
    let mut text = String::from(if span.is_negative() { "-PT" } else { "PT" });
    let seconds = span.unsigned_abs().as_secs();
    for (count, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "{count}{unit}");
        }
    }
    let milliseconds = span.unsigned_abs().subsec_millis();
    match (seconds % 60, milliseconds) {
        (0, 0) if seconds > 0 => {}
        (rest, 0) => text.push_str(&format!("{rest}S")),
        (rest, thousandths) => text.push_str(&format!("{rest}.{thousandths:03}S")),
    }
    text
}

fn wrong(path: &str) -> Failure {
    Failure::Schema { path: path.to_owned(), problem: "the value is not valid".to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::calendar::zone;

    #[test]
    fn every_zone_of_windows_reads_back_as_it_was_written() {
        for windows in zone::windows_zones() {
            let definition = zone::definition(windows.id).unwrap();
            let mut xml = Xml::default();
            xml.raw(r#"<r xmlns:t="urn:t">"#);
            write(&mut xml, &definition, true);
            xml.raw("</r>");
            let text = xml.finish();
            let mut reader = Pull::new(&text);
            reader.child().unwrap();
            let start = reader.child().unwrap().unwrap();
            assert_eq!(parse(&start, &mut reader).unwrap(), *definition, "{text}");
        }
    }

    #[test]
    fn durations_are_read_in_the_forms_of_every_library() {
        for (text, seconds) in [
            ("PT5H", 18_000),
            ("-PT5H30M", -19_800),
            ("P0DT8H0M0.0S", 28_800),
            ("-P0DT1H0M0.0S", -3600),
            ("P0Y0M0DT2H0M0.000S", 7200),
            ("P0D", 0),
            ("P1D", 86_400),
        ] {
            assert_eq!(span(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "5H", "P1M", "PT", "PT99999999999999999999H"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_written_in_hours_minutes_and_seconds() {
        for (seconds, text) in [(18_000, "PT5H"), (-19_800, "-PT5H30M"), (0, "PT0S"), (86_399, "PT23H59M59S")] {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), text);
        }
        assert_eq!(duration(SignedDuration::from_millis(86_399_999)), "PT23H59M59.999S");
    }
}
