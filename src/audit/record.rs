//! One line of the log.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::calendar::{Capability, Mailbox};

/// What is told of one request.
#[derive(Debug)]
pub struct Record<'a> {
    /// When it came.
    pub time: Timestamp,
    /// Its id in the gateway's log, and in Microsoft's.
    pub request_id: Uuid,
    /// The client's name in the configuration.
    pub client: &'a str,
    /// From where it came.
    pub address: IpAddr,
    /// The operation.
    pub operation: &'a str,
    /// `ok`, `told` for events of a stream, `abandoned` where the caller left before the answer was there, or the
    /// label of the failure of the whole.
    pub outcome: &'a str,
    /// Failures of parts that the answer tells of, by their labels.
    pub failures: BTreeMap<&'static str, u32>,
    /// Whether it wanted to be taken for somebody else.
    pub impersonates: bool,
    /// Entries of the directory that were found and not told.
    pub withheld: u32,
    /// Whom it was about, each but once; of more than 200 the line tells only how many more.
    pub mailboxes: Vec<Asked<'a>>,
}

/// A mailbox that a request was about.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Whose; none where no mailbox was looked at.
    pub mailbox: Option<Mailbox>,
    /// What for; none for being taken for somebody else.
    pub capability: Option<Capability>,
    /// The view that the policy gives, with `, masked` where parts of it are hidden, or the reason why it gives none.
    pub verdict: Result<&'static str, &'static str>,
    /// The tenant's name, and the application (client) id that serves this.
    pub credential: Option<(&'a str, &'a str)>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    request_id: String,
    client: &'a str,
    address: IpAddr,
    operation: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    failures: &'a BTreeMap<&'static str, u32>,
    #[serde(skip_serializing_if = "is_false")]
    impersonates: bool,
    #[serde(skip_serializing_if = "is_nought")]
    withheld: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mailboxes: Vec<AskedLine<'a>>,
    #[serde(skip_serializing_if = "is_nought")]
    more: usize,
}

#[derive(Serialize)]
struct AskedLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    capability: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// The line, with its end.
    pub(super) fn line(&self, name: impl Fn(&Mailbox) -> String) -> Vec<u8> {
        let asked = |it: &Asked<'a>| AskedLine {
            mailbox: it.mailbox.as_ref().map(&name),
            capability: it.capability.map_or("impersonation", Capability::name),
            view: it.verdict.ok(),
            denied: it.verdict.err(),
            tenant: it.credential.map(|(tenant, _)| tenant),
            credential: it.credential.map(|(_, credential)| credential),
        };
        let line = Line {
            time: self.time.to_string(),
            request_id: self.request_id.to_string(),
            client: self.client,
            address: self.address,
            operation: self.operation,
            outcome: self.outcome,
            failures: &self.failures,
            impersonates: self.impersonates,
            withheld: self.withheld,
            mailboxes: self.mailboxes.iter().take(MOST_MAILBOXES).map(asked).collect(),
            more: self.mailboxes.len().saturating_sub(MOST_MAILBOXES),
        };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        text
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_nought<N: Default + PartialEq>(value: &N) -> bool {
    *value == N::default()
}

const MOST_MAILBOXES: usize = 200;
