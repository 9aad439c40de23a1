//! What came of a request, without what is its own: names, ids, the moment.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::harness::answer::Element;
use crate::matrix::rows::{Told, Way};
use crate::matrix::world::Named;

/// What a request did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// Calls to Graph.
    pub(super) calls: Vec<String>,
    /// What was counted how often.
    pub(super) counted: BTreeMap<String, i64>,
}

impl Seen {
    /// What is the same whether there is a mailbox or not. That a client uses ids of a mailbox that it may not use is
    /// counted for the operator, who knows what there is.
    pub(super) fn told_of_nobody(&self, way: Way) -> Self {
        let mut seen = self.clone();
        if way.is_by_id() {
            seen.counted.retain(|name, _| !is_denial(name));
        }
        seen
    }

    /// What is the same for a mailbox of no tenant: why it is denied is another reason, which the operator is told.
    pub(super) fn told_of_strangers(&self, way: Way) -> Self {
        let mut seen = self.told_of_nobody(way);
        let mut counted = BTreeMap::new();
        for (name, more) in std::mem::take(&mut seen.counted) {
            let name = if is_denial(&name) { without_reason(&name) } else { name };
            *counted.entry(name).or_default() += more;
        }
        seen.counted = counted;
        seen
    }
}

fn is_denial(name: &str) -> bool {
    name.starts_with("calendar_relay_denied")
}

/// A denial's name without why it was denied.
fn without_reason(name: &str) -> String {
    let (before, rest) = name.split_once("reason=\"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before}{after}")
}

impl Told {
    /// Makes sure that it is what was told.
    #[track_caller]
    pub(super) fn check(self, seen: &Seen, what: &str) {
        let body = Element::parse(&seen.body);
        match self {
            Self::Fault(code) => {
                assert_eq!(seen.status, 500, "{what}: {}", seen.body);
                let fault = body.child("Body").child("Fault");
                assert_eq!(fault.at("faultcode"), format!("a:{code}"), "{what}");
            }
            Self::Codes(expected) => assert_eq!((seen.status, codes(&seen.body)), (200, owned(expected)), "{what}"),
            Self::Each(code) => {
                let codes = codes(&seen.body);
                assert!(!codes.is_empty() && codes.iter().all(|found| found == code), "{what}: {}", seen.body);
                assert_eq!(seen.status, 200, "{what}");
            }
        }
    }
}

/// Whom a call to Graph is about. Busy times are asked for in anybody's name who was asked about lately, whoever asks.
pub(super) fn about(call: &Value) -> String {
    match call["call"].as_str().unwrap() {
        "getSchedule" => call["schedules"].to_string(),
        _ => percent_decode_str(call["path"].as_str().unwrap()).decode_utf8().unwrap().into_owned(),
    }
}

pub(super) fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// The response codes, in their order.
pub(super) fn codes(body: &str) -> Vec<String> {
    Element::parse(body).all("ResponseCode").iter().map(|code| code.text.clone()).collect()
}

/// A text in which nobody is named, and no new item.
pub(super) fn anonymous(text: &str, named: &[&Named]) -> String {
    let mut plain = text.to_owned();
    for name in named.iter().flat_map(|named| named.texts()) {
        plain = plain.replace(name, "*");
    }
    for (begin, end) in [(" ChangeKey=\"", '"'), (" Id=\"AAMk", '"'), ("<m:SubscriptionId>", '<')] {
        let mut parts = plain.split(begin);
        let mut rest = parts.next().unwrap().to_owned();
        for part in parts {
            rest.push_str(begin);
            rest.push_str(&part[part.find(end).unwrap()..]);
        }
        plain = rest;
    }
    plain
}

/// All counters that are not of time.
pub(super) fn counters(metrics: &str) -> BTreeMap<String, i64> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    let counters = pairs.filter(|(name, _)| name.split('{').next().is_some_and(|name| name.ends_with("_total")));
    counters.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// What was counted in between, but for tokens, and for watched calendars where there are any.
pub(super) fn difference(
    before: &BTreeMap<String, i64>,
    after: &BTreeMap<String, i64>,
    watches: bool,
) -> BTreeMap<String, i64> {
    let of_the_moment = ["graph_tokens", "watch_rounds", "call=\"delta\""];
    let left_out = if watches { &of_the_moment[..] } else { &of_the_moment[..1] };
    let changed = after.iter().map(|(name, value)| (name.clone(), value - before.get(name).unwrap_or(&0)));
    changed.filter(|(name, more)| *more != 0 && !left_out.iter().any(|part| name.contains(part))).collect()
}
