//! Time zones as Graph names them (Windows and IANA names), and the texts of date-times.
//! Knows nothing of events or of HTTP.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use windows_timezones::WindowsTimezone;

/// A zone under the name by which somebody gave it.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) rules: TimeZone,
}

impl Zone {
    pub(super) fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// Windows names first, then IANA ones; `None` for a name that neither knows.
    pub(super) fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("utc") || name == "tzone://Microsoft/Utc" {
            return Some(Self { name: name.to_owned(), rules: TimeZone::UTC });
        }
        let id = name.parse::<WindowsTimezone>().map_or(name, |zone| zone.tzdb_id());
        let rules = TimeZone::get(id).ok()?;
        Some(Self { name: name.to_owned(), rules })
    }

    pub(super) fn instant(&self, local: DateTime) -> Timestamp {
        instant(&self.rules, local)
    }

    pub(super) fn local(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }
}

/// The instant of a wall-clock time; times in a gap move forward, ambiguous ones are the first.
/// Beyond the range of time it is the last instant there is.
pub(super) fn instant(rules: &TimeZone, local: DateTime) -> Timestamp {
    rules.to_timestamp(local).unwrap_or(Timestamp::MAX)
}

/// `2026-11-23T09:00:00.0000000`, as Graph writes every date-time without an offset.
pub(super) fn wire(local: DateTime) -> String {
    format!("{}.{:07}", local.strftime("%Y-%m-%dT%H:%M:%S"), local.subsec_nanosecond() / 100)
}

/// `{dateTime, timeZone}`.
pub(super) fn wire_in(local: DateTime, zone: &Zone) -> Value {
    json!({ "dateTime": wire(local), "timeZone": zone.name })
}

/// `2026-11-23T09:00:00Z`, with fractions where there are any.
pub(super) fn wire_instant(at: Timestamp) -> String {
    let local = TimeZone::UTC.to_datetime(at);
    format!("{}.{:07}Z", local.strftime("%Y-%m-%dT%H:%M:%S"), local.subsec_nanosecond() / 100)
}

/// `08:00:00.0000000`.
pub(super) fn wire_time(time: Time) -> String {
    format!("{}.0000000", time.strftime("%H:%M:%S"))
}

/// The zone's rules of the year around `now` as Graph's customTimeZone
/// (<https://learn.microsoft.com/graph/api/resources/customtimezone>): bias in minutes, UTC = local + bias.
pub(super) fn custom(rules: &TimeZone, now: Timestamp) -> Value {
    let changes: Vec<_> = rules.following(now).take(2).collect();
    let info = |at: Timestamp| rules.to_offset_info(at);
    let standard = match changes.first() {
        Some(change) if !info(change.timestamp()).dst().is_dst() => info(change.timestamp()).offset(),
        Some(_) | None => info(now).offset(),
    };
    let yearly =
        changes.iter().all(|change| change.timestamp().duration_since(now) < SignedDuration::from_hours(24 * 370));
    let mut zone = json!({
        "@odata.type": "#microsoft.graph.customTimeZone",
        "bias": -standard.seconds() / 60,
        "name": "Customized Time Zone",
        "standardOffset": never(),
        "daylightOffset": with_bias(never(), 0),
    });
    let [first, second] = changes.as_slice() else { return zone };
    if !yearly {
        return zone;
    }
    let (daylight, back) = if info(first.timestamp()).dst().is_dst() { (first, second) } else { (second, first) };
    let gain = info(daylight.timestamp()).offset().seconds() - standard.seconds();
    if let Some(fields) = zone.as_object_mut() {
        fields.insert("standardOffset".to_owned(), rule(rules, back.timestamp()));
        fields.insert("daylightOffset".to_owned(), with_bias(rule(rules, daylight.timestamp()), -gain / 60));
    }
    zone
}

/// A change as "the nth weekday of a month", 5 being the last, at the wall clock before the change.
fn rule(rules: &TimeZone, change: Timestamp) -> Value {
    let before = change - SignedDuration::from_nanos(1);
    let local = rules.to_offset(before).to_datetime(change);
    let last = local.date().days_in_month() - local.day() < 7;
    json!({
        "time": wire_time(local.time()),
        "dayOccurrence": if last { 5 } else { (local.day() - 1) / 7 + 1 },
        "dayOfWeek": day_name(local.weekday()),
        "month": local.month(),
        "year": 0,
    })
}

fn never() -> Value {
    json!({ "time": "00:00:00.0000000", "dayOccurrence": 0, "dayOfWeek": "sunday", "month": 0, "year": 0 })
}

fn with_bias(mut rule: Value, bias: i32) -> Value {
    if let Some(fields) = rule.as_object_mut() {
        fields.insert("daylightBias".to_owned(), json!(bias));
    }
    rule
}

/// Graph's name of a day of the week.
pub(super) fn day_name(day: jiff::civil::Weekday) -> &'static str {
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    match day {
        Monday => "monday",
        Tuesday => "tuesday",
        Wednesday => "wednesday",
        Thursday => "thursday",
        Friday => "friday",
        Saturday => "saturday",
        Sunday => "sunday",
    }
}

/// The day that Graph calls so, in any case of letters.
pub(super) fn day_named(name: &str) -> Option<jiff::civil::Weekday> {
    let mut day = jiff::civil::Weekday::Monday;
    for _ in 0..7 {
        if day_name(day).eq_ignore_ascii_case(name) {
            return Some(day);
        }
        day = day.next();
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn windows_and_iana_names_mean_the_same_rules() {
        let summer: DateTime = "2026-07-01T12:00:00".parse().unwrap();
        for (windows, iana) in [
            ("Eastern Standard Time", "America/New_York"),
            ("FLE Standard Time", "Europe/Helsinki"),
            ("AUS Eastern Standard Time", "Australia/Sydney"),
            ("E. South America Standard Time", "America/Sao_Paulo"),
        ] {
            assert_eq!(Zone::named(windows).unwrap().instant(summer), Zone::named(iana).unwrap().instant(summer));
        }
        assert!(Zone::named("Mars Standard Time").is_none());
    }

    #[test]
    fn rules_of_both_hemispheres_as_a_custom_zone() {
        for day in ["2026-01-15T00:00:00Z", "2026-07-15T00:00:00Z"] {
            let now = day.parse().unwrap();
            let york = custom(&TimeZone::get("America/New_York").unwrap(), now);
            assert_eq!(york["bias"], 300);
            assert_eq!(york["daylightOffset"]["daylightBias"], -60);
            assert_eq!(york["daylightOffset"]["month"], 3);
            assert_eq!(york["daylightOffset"]["dayOccurrence"], 2);
            assert_eq!(york["daylightOffset"]["time"], "02:00:00.0000000");
            assert_eq!(york["standardOffset"]["month"], 11);
            assert_eq!(york["standardOffset"]["dayOccurrence"], 1);
            let sydney = custom(&TimeZone::get("Australia/Sydney").unwrap(), now);
            assert_eq!(sydney["bias"], -600);
            assert_eq!(sydney["daylightOffset"]["month"], 10);
            assert_eq!(sydney["standardOffset"]["month"], 4);
            assert_eq!(sydney["standardOffset"]["time"], "03:00:00.0000000");
            let kolkata = custom(&TimeZone::get("Asia/Kolkata").unwrap(), now);
            assert_eq!(kolkata["bias"], -330);
            assert_eq!(kolkata["standardOffset"]["month"], 0);
        }
    }
}
