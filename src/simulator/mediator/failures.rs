//! Which request fails, and how: by lot, in a given order, or all of them. Knows nothing of what is asked.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;

/// Where requests come in.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Entrance {
    Root,
    Setup,
    SetStatus,
    Hook,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(super) enum Failure {
    /// From 300 to 599.
    Status(StatusCode),
    /// No answer, ever.
    Hang,
    /// 200 with JSON that breaks off.
    Garbage,
    /// The connection is closed without an answer.
    Cut,
}

/// Failures as the control takes them; everything absent is health.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Order {
    /// How many requests fail, from 0 to 1.
    share: f64,
    /// What they fail by, all equally often; 500 if there is none.
    kinds: Vec<Failure>,
    /// The same seed fails the same requests again.
    seed: u64,
    /// What becomes of the next requests, before the lot decides: `null` is served.
    next: VecDeque<Option<Failure>>,
    /// Every request, to whichever entrance, is cut.
    down: bool,
    /// Every answer comes so much later.
    delay_ms: u64,
    /// Which requests the others concern; what is told by the monitor when absent.
    on: Option<Vec<Entrance>>,
}

/// The failures that wait for requests.
pub(super) struct Failures {
    order: Order,
    random: StdRng,
}

/// What becomes of one request.
#[derive(Debug, PartialEq)]
pub(super) struct Fate {
    pub(super) failure: Option<Failure>,
    pub(super) delay: Duration,
}

impl Entrance {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Setup => "/api/setup",
            Self::SetStatus => "/api/setstatus",
            Self::Hook => "/hook",
        }
    }
}

impl Failures {
    /// The error says what is wrong with the order.
    pub(super) fn new(mut order: Order) -> Result<Self, String> {
        if !(0.0..=1.0).contains(&order.share) {
            return Err("share must be from 0 to 1".to_owned());
        }
        if order.kinds.is_empty() {
            order.kinds.push(Failure::Status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let random = StdRng::seed_from_u64(order.seed);
        Ok(Self { order, random })
    }

    /// Decides a request's fate.
    pub(super) fn next(&mut self, entrance: Entrance) -> Fate {
        let order = &mut self.order;
        if order.down {
            return Fate { failure: Some(Failure::Cut), delay: Duration::ZERO };
        }
        let concerned = order.on.as_deref().unwrap_or(&[Entrance::SetStatus, Entrance::Hook]);
        if !concerned.contains(&entrance) {
            return Fate { failure: None, delay: Duration::ZERO };
        }
        let failure = match order.next.pop_front() {
            Some(next) => next,
            None if self.random.random_bool(order.share) => order.kinds.choose(&mut self.random).copied(),
            None => None,
        };
        Fate { failure, delay: Duration::from_millis(order.delay_ms) }
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self { order: Order::default(), random: StdRng::seed_from_u64(0) }
    }
}

impl TryFrom<String> for Failure {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let status = || text.parse().ok().filter(|status| *status >= 300).and_then(|it| StatusCode::from_u16(it).ok());
        match text.as_str() {
            "hang" => Ok(Self::Hang),
            "garbage" => Ok(Self::Garbage),
            "cut" => Ok(Self::Cut),
            _ => match status() {
                Some(status) if status.as_u16() < 600 => Ok(Self::Status(status)),
                Some(_) | None => Err(format!("{text:?} is neither hang, garbage, cut nor a status from 300 to 599")),
            },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(formatter, "{}", status.as_u16()),
            Self::Hang => formatter.write_str("hang"),
            Self::Garbage => formatter.write_str("garbage"),
            Self::Cut => formatter.write_str("cut"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn drawn(order: &str) -> Vec<Option<Failure>> {
        let mut failures = Failures::new(serde_json::from_str(order).unwrap()).unwrap();
        (0..3000).map(|_| failures.next(Entrance::SetStatus).failure).collect()
    }

    #[test]
    fn a_share_fails_and_the_seed_repeats_it() {
        let order = r#"{"share":0.33,"kinds":["500","hang","cut"],"seed":1}"#;
        let lot = drawn(order);
        assert_eq!(lot, drawn(order));
        assert_ne!(lot, drawn(&order.replace("\"seed\":1", "\"seed\":2")));
        let failed = lot.iter().flatten().count();
        assert!((900..1080).contains(&failed), "{failed}");
        let hanging = lot.iter().flatten().filter(|failure| **failure == Failure::Hang).count();
        assert!((270..390).contains(&hanging), "{hanging}");
    }

    #[test]
    fn only_the_entrances_that_are_named_fail() {
        let mut failures = Failures::new(serde_json::from_str(r#"{"share":1,"on":["setup"]}"#).unwrap()).unwrap();
        assert_eq!(failures.next(Entrance::SetStatus).failure, None);
        assert_eq!(failures.next(Entrance::Setup).failure, Some(Failure::Status(StatusCode::INTERNAL_SERVER_ERROR)));
    }
}
