//! Instants and stretches of time as answers have them.
//!
//! Owns the lexical forms, and when a zone's own clock is shown. Fractions of a second are never written.

use crate::calendar::zone::Zone;
use crate::ews::xml::Xml;

/// Writes an instant (seconds since 1970) as `xs:dateTime`: in UTC, or on the clock of the caller's
/// zone, with its offset. An offset of nothing is `Z`, since ews-javascript-api takes `+00:00` for
/// local time.
pub fn write(xml: &mut Xml, second: i64, zone: Option<&Zone>) {
    let offset = zone.map_or(0, |zone| zone.local_of_second(second) - second);
    // Local mean times of long ago have offsets that XML cannot write.
    if offset == 0 || offset % 60 != 0 {
        xml.local_time(second).raw("Z");
        return;
    }
    let minutes = offset.abs() / 60;
    xml.local_time(second + offset).raw(if offset < 0 { "-" } else { "+" });
    xml.number(format_args!("{:02}:{:02}", minutes / 60, minutes % 60));
}

/// A length in seconds as `xs:duration`: `PT1H`, `P1DT30M`.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut text = String::from("P");
    if days > 0 {
        text.push_str(&format!("{days}D"));
    }
    if rest > 0 || days == 0 {
        text.push('T');
        let parts = [(rest / 3600, 'H'), (rest / 60 % 60, 'M'), (rest % 60, 'S')];
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
            text.push_str(&format!("{count}{unit}"));
        }
        if rest == 0 {
            text.push_str("0S");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn written(second: i64, zone: Option<&str>) -> String {
        let mut xml = Xml::default();
        write(&mut xml, second, zone.map(|zone| Zone::named(zone).unwrap()).as_ref());
        xml.finish()
    }

    #[test]
    fn instants_are_utc_or_of_the_caller_s_clock() {
        let winter = 1_799_000_000; // 2027-01-03T18:13:20Z
        let summer = 1_815_000_000; // 2027-07-07T22:40:00Z
        assert_eq!(written(winter, None), "2027-01-03T18:13:20Z");
        assert_eq!(written(winter, Some("Romance Standard Time")), "2027-01-03T19:13:20+01:00");
        assert_eq!(written(summer, Some("Romance Standard Time")), "2027-07-08T00:40:00+02:00");
        assert_eq!(written(summer, Some("Newfoundland Standard Time")), "2027-07-07T20:10:00-02:30");
        assert_eq!(written(winter, Some("GMT Standard Time")), "2027-01-03T18:13:20Z");
        assert_eq!(written(summer, Some("GMT Standard Time")), "2027-07-07T23:40:00+01:00");
    }

    #[test]
    fn lengths() {
        for (seconds, expected) in [
            (0, "PT0S"),
            (-5, "PT0S"),
            (3600, "PT1H"),
            (5400, "PT1H30M"),
            (86_400, "P1D"),
            (88_215, "P1DT30M15S"),
            (45, "PT45S"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
