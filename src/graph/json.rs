//! JSON that several calls share. Private to `graph`.

use std::borrow::Cow;

use jiff::civil::{self, DateTime};
use jiff::{Timestamp, tz::TimeZone};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use super::fault::Trouble;
use crate::calendar::Window;
use crate::calendar::free_busy::{BusyItem, BusyStatus};
use crate::calendar::zone::Zone;
use crate::failure::Failure;

/// One page of a collection
/// (<https://learn.microsoft.com/graph/paging>).
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next: Option<String>,
}

/// A `dateTimeTimeZone` that is sent, always in UTC.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SentTime {
    date_time: String,
    time_zone: &'static str,
}

/// A `dateTimeTimeZone` that was received, as an instant, in whichever zone it came.
/// <https://learn.microsoft.com/graph/api/resources/datetimetimezone>
#[derive(Clone, Copy, Debug)]
pub(super) struct Received(pub(super) Timestamp);

/// A clock's time with Graph's seven fractional digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock(DateTime);

/// Decodes an answer.
///
/// # Errors
/// [`Failure::Internal`], with the place that could not be read in the log and in the trouble.
pub(super) fn decode<'a, T: Deserialize<'a>>(call: &'static str, body: &'a [u8]) -> Result<T, Trouble> {
    if let Ok(decoded) = serde_json::from_slice(body) {
        return Ok(decoded);
    }
    // Read again for the path, which the fast way does not know.
    let error = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(body)).err();
    let told = error.map_or_else(
        || "trailing characters".to_owned(),
        |error| {
            let inner = error.inner();
            // The text of a serde error may quote the value, and a value may be somebody's subject.
            format!("undecodable at {} (line {} column {})", error.path(), inner.line(), inner.column())
        },
    );
    tracing::error!(call, told, "an answer of Graph's cannot be read");
    Err(Trouble { told: Some(told), ..Failure::Internal.into() })
}

/// Encodes a body.
///
/// # Errors
/// [`Failure::Internal`], which cannot happen for the types that are sent.
pub(super) fn encode(body: &impl Serialize) -> Result<bytes::Bytes, Failure> {
    serde_json::to_vec(body).map(Into::into).map_err(|_| Failure::Internal)
}

/// A window's bounds in whole seconds of UTC, rounded outwards, without offset.
pub(super) fn bounds(window: Window) -> (String, String) {
    let end = window.end().as_second() + i64::from(window.end().subsec_nanosecond() > 0);
    let text = |second: i64| {
        let at = Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    (text(window.start().as_second()), text(end))
}

/// How busy a name of Graph's `freeBusyStatus` is; a name that nobody knows counts as busy, because
/// a meeting too many does less harm than one that is missed.
/// <https://learn.microsoft.com/graph/api/resources/scheduleitem>
pub(super) fn status(name: Option<&str>) -> BusyStatus {
    let Some(name) = name else { return BusyStatus::Busy };
    match name.to_ascii_lowercase().as_str() {
        "free" => BusyStatus::Free,
        "tentative" => BusyStatus::Tentative,
        "oof" => BusyStatus::OutOfOffice,
        "workingelsewhere" => BusyStatus::WorkingElsewhere,
        "unknown" => BusyStatus::NoData,
        _ => BusyStatus::Busy,
    }
}

/// A busy time; one of whole UTC days is presumed to be an all-day item where nobody said.
pub(super) fn item(start: Timestamp, end: Timestamp, status: BusyStatus, all_day: Option<bool>) -> BusyItem {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let midnight = |at: Timestamp| at.as_second().rem_euclid(86_400) == 0 && at.subsec_nanosecond() == 0;
    let whole_days = start < end && midnight(start) && midnight(end);
    if whole_days && all_day != Some(false) {
        return BusyItem::all_day(day(start), day(end), status);
    }
    BusyItem::new(start, end, status)
}

/// A `dateTimeTimeZone` that may be missing, where one that cannot be read must not spoil the rest.
///
/// # Errors
/// [`Failure::Internal`] for one that cannot be read.
pub(super) fn received(given: Option<serde_json::Value>) -> Result<Option<Timestamp>, Failure> {
    let read = |given| serde_json::from_value::<Received>(given).map(|received| received.0);
    given.map(read).transpose().map_err(|_| Failure::Internal)
}

/// The tag of a `localeInfo`, if it looks like one (RFC 5646 §2.1, §4.4.1).
/// <https://learn.microsoft.com/graph/api/resources/localeinfo>
pub(super) fn language(locale: Option<&str>) -> Option<String> {
    let is_tag =
        |tag: &&str| (1..=35).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    locale.map(str::trim).filter(is_tag).map(str::to_owned)
}

/// A text worth keeping.
pub(super) fn text(given: Option<&str>) -> Option<Box<str>> {
    given.map(str::trim).filter(|text| !text.is_empty()).map(Into::into)
}

impl SentTime {
    /// A window's two bounds.
    pub(super) fn of(window: Window) -> (Self, Self) {
        let (start, end) = bounds(window);
        let utc = |date_time| Self { date_time, time_zone: "UTC" };
        (utc(start), utc(end))
    }
}

impl<'de> Deserialize<'de> for Received {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            date_time: Clock,
            #[serde(borrow, default)]
            time_zone: Cow<'a, str>,
        }
        let wire = Wire::deserialize(deserializer)?;
        let utc = wire.date_time.0.to_zoned(TimeZone::UTC).map_err(D::Error::custom)?.timestamp();
        if matches!(&*wire.time_zone, "UTC" | "" | "utc" | "Etc/UTC" | "tzone://Microsoft/Utc") {
            return Ok(Self(utc));
        }
        let zone = Zone::named(&wire.time_zone).map_err(D::Error::custom)?;
        let second = zone.second_of_local(utc.as_second());
        Timestamp::from_second(second).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Clock;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a date and a time without offset")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Clock, E> {
                text.trim_end_matches('Z').parse().map(Clock).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Minutes after midnight of a time of day such as `08:00:00.0000000`.
pub(super) fn minute_of_day(text: &str) -> Option<u16> {
    let time = time_of_day(text)?;
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).ok()
}

/// A time of day.
pub(super) fn time_of_day(text: &str) -> Option<civil::Time> {
    text.parse().ok()
}
