//! Automatic replies of a mailbox: as they are stored, changed, written, and what they mean at an instant.
//! Knows Graph's JSON of them, no call. <https://learn.microsoft.com/graph/api/resources/automaticrepliessetting>

use jiff::{Timestamp, ToSpan, Unit};
use serde_json::{Value, json};

use super::draft::local;
use super::error::Refusal;
use super::json::{known, object, one_of, text};
use super::world::EnumCase;
use super::zone::{Zone, wire_in};

const DISABLED: &str = "disabled";
const ENABLED: &str = "alwaysEnabled";
const SCHEDULED: &str = "scheduled";
pub(super) const STATUSES: [&str; 3] = [DISABLED, ENABLED, SCHEDULED];
pub(super) const AUDIENCES: [&str; 3] = ["none", "contactsOnly", "all"];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Replies {
    /// One of [`STATUSES`].
    pub(super) status: &'static str,
    /// One of [`AUDIENCES`].
    pub(super) audience: &'static str,
    /// There, and meaningless, when nothing is scheduled.
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// HTML.
    pub(super) internal: String,
    pub(super) external: String,
}

impl Replies {
    /// What a mailbox has before anybody sets anything: the day that begins with the next hour.
    pub(super) fn new(now: Timestamp) -> Self {
        let rounding = jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Ceil);
        let start = now.round(rounding).unwrap_or(now);
        let end = start.checked_add(24.hours()).unwrap_or(Timestamp::MAX);
        Self { status: DISABLED, audience: "all", start, end, internal: String::new(), external: String::new() }
    }

    /// With what a caller gives; what is left out or null stays.
    pub(super) fn changed(&self, given: &Value, now: Timestamp, strict: bool) -> Result<Self, Refusal> {
        const NAMES: [&str; 6] = [
            "status",
            "externalAudience",
            "scheduledStartDateTime",
            "scheduledEndDateTime",
            "internalReplyMessage",
            "externalReplyMessage",
        ];
        let fields = object(given, "automaticRepliesSetting")?;
        known(fields, &NAMES, "automaticRepliesSetting", strict)?;
        let mut changed = self.clone();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "status" => changed.status = member(value, name, &STATUSES)?,
                "externalAudience" => changed.audience = member(value, name, &AUDIENCES)?,
                "scheduledStartDateTime" => changed.start = instant(value, name, strict)?,
                "scheduledEndDateTime" => changed.end = instant(value, name, strict)?,
                "internalReplyMessage" => changed.internal = text(value, name)?.to_owned(),
                "externalReplyMessage" => changed.external = text(value, name)?.to_owned(),
                _ => {}
            }
        }
        changed.check(now)?;
        Ok(changed)
    }

    /// Only what is scheduled has to be a range of the future.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.status != SCHEDULED {
            return Ok(());
        }
        if self.end <= self.start {
            return Err(Refusal::bad("ErrorInvalidTimeSettings", "Start Time should occur before End Time."));
        }
        if self.end <= now {
            return Err(Refusal::bad("ErrorInvalidTimeSettings", "End Time should occur in the future."));
        }
        Ok(())
    }

    /// Whether somebody who writes at an instant gets a reply.
    pub(super) fn are_sent(&self, now: Timestamp) -> bool {
        match self.status {
            ENABLED => true,
            SCHEDULED => self.start <= now && now < self.end,
            _ => false,
        }
    }

    /// From when to when, if that is scheduled.
    pub(super) fn schedule(&self) -> Option<(Timestamp, Timestamp)> {
        (self.status == SCHEDULED).then_some((self.start, self.end))
    }

    /// As Graph writes them, times in a zone.
    pub(super) fn show(&self, zone: &Zone, case: EnumCase) -> Value {
        json!({
            "status": case.write(self.status),
            "externalAudience": case.write(self.audience),
            "scheduledStartDateTime": wire_in(zone.local(self.start), zone),
            "scheduledEndDateTime": wire_in(zone.local(self.end), zone),
            "internalReplyMessage": self.internal,
            "externalReplyMessage": self.external,
        })
    }
}

/// A member of an enumeration, in whatever case of letters; the page on mailbox settings has a code of its own for others.
fn member(value: &Value, what: &str, allowed: &[&'static str]) -> Result<&'static str, Refusal> {
    let given = text(value, what)?;
    one_of(value, what, allowed)
        .map_err(|_| Refusal::bad("InvalidArguments", format!("Requested value '{given}' was not found.")))
}

fn instant(value: &Value, what: &str, strict: bool) -> Result<Timestamp, Refusal> {
    let (time, zone) = local(value, what, strict).map_err(|refusal| {
        let is_zone = refusal.code == "TimeZoneNotSupportedException";
        if is_zone { invalid_zone() } else { refusal }
    })?;
    Ok(zone.instant(time))
}

/// What mailbox settings say to a zone that nobody knows.
pub(super) fn invalid_zone() -> Refusal {
    Refusal::bad("InvalidTimeZone", "Time Zone settings provided are invalid.")
}
