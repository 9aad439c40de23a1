//! Values that keys of several sections have: durations, and where secrets are.
//!
//! Owns how they are written. Must not know any section.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// Where a secret is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretReference {
    /// In a file; white space around it is left out.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

/// `"90s"`, `"5m"`, `"1h 30m"`.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no duration; write \"90s\", \"5m\" or \"1h\"")))
}

/// A duration of which there must be some.
pub(super) fn some_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let duration = duration(deserializer)?;
    if duration.is_zero() {
        return Err(serde::de::Error::custom("is no time at all; write \"90s\", \"5m\" or \"1h\""));
    }
    Ok(duration)
}

/// What is not, unless it is written.
pub(super) fn no() -> Spanned<bool> {
    Spanned::new(0..0, false)
}
