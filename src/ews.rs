//! The front wire: Exchange Web Services, as Exchange 2019 speaks them.
//!
//! Owns everything SOAP. Must not know HTTP, and nothing of `graph` but its handle.

pub mod fault;
pub mod occurrence;
pub mod operation;
mod operations;
pub mod pull;
pub mod sight;
pub mod soap;
pub mod target;
pub mod types;
pub mod xml;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub use operation::{Answer, Services};
pub use operations::OPERATIONS;

use operation::Context;
use operations::EXCHANGE_OPERATIONS;
use soap::{Body, Envelope, Header};

use crate::calendar::{Capability, Mailbox};
use crate::client::Client;
use crate::ews::fault::Family;
use crate::ews::operation::Entry;
use crate::failure::Failure;
use crate::journal::Journal;

/// An answer, and what became of the request.
#[derive(Debug)]
pub struct Reply {
    /// The operation's name, or `-` where the request did not get that far.
    pub operation: &'static str,
    /// The failure of the request as a whole, if the envelope holds a fault.
    pub failure: Option<Failure>,
    /// What goes out.
    pub answer: Answer,
}

impl Reply {
    /// A fault.
    #[must_use]
    pub fn fault(operation: &'static str, family: Family, failure: Failure) -> Self {
        Self { operation, answer: Answer::Whole(fault::fault(&failure, family)), failure: Some(failure) }
    }
}

/// Answers one request: envelope, operation, reply.
pub async fn dispatch(document: &str, client: &Arc<Client>, services: &Services, journal: &Journal) -> Reply {
    let Envelope { header, body } = match Envelope::parse(document) {
        Ok(envelope) => envelope,
        Err(failure) => return Reply::fault("-", Family::PerItem, failure),
    };
    journal.impersonation.store(header.impersonation.is_some(), Relaxed);
    let Some(entry) = entry(&body) else {
        return Reply::fault("-", Family::PerItem, unknown(body.name()));
    };
    // It is set but once: a journal is one request's.
    let _ = journal.operation.set(entry.name);
    if let Err(failure) = admit(entry, client, &header, journal) {
        return Reply::fault(entry.name, entry.family, failure);
    }
    let Services { graphs, writes, changes, items } = services;
    let context = Context { client, graphs, writes, changes, items, journal, header };
    match entry.answer(body, &context).await {
        Ok(answer) => Reply { operation: entry.name, failure: None, answer },
        Err(failure) => Reply::fault(entry.name, entry.family, failure),
    }
}

/// Reads one request as [`dispatch`] does, and does nothing with it; gives the operation's name.
///
/// # Errors
/// What [`dispatch`] would answer with a fault before it asks anybody.
pub fn check(document: &str) -> Result<&'static str, Failure> {
    let body = Envelope::parse(document)?.body;
    let entry = entry(&body).ok_or_else(|| unknown(body.name()))?;
    entry.check(body)?;
    Ok(entry.name)
}

/// What a client must be entitled to for an operation, by the local name of its body element; `Some(None)` if being a
/// client is enough, `None` if there is no such operation.
#[must_use]
pub fn capability_of(operation: &str) -> Option<Option<Capability>> {
    OPERATIONS.iter().find(|entry| entry.name == operation).map(|entry| entry.capability)
}

/// The names of all operations.
pub fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|entry| entry.name)
}

fn entry(body: &Body<'_>) -> Option<&'static Entry> {
    OPERATIONS.iter().find(|entry| entry.name == body.name())
}

/// What a client may not do at all is refused before the request is read.
fn admit(entry: &Entry, client: &Client, header: &Header, journal: &Journal) -> Result<(), Failure> {
    if let Some(capability) = entry.capability {
        operation::entitle(client, capability, journal)?;
    }
    let Some(impersonation) = &header.impersonation else { return Ok(()) };
    if entry.family == Family::Availability {
        // Google's role account need not exist; in free/busy the header changes nothing.
        return Ok(());
    }
    let address = impersonation.address.as_deref().ok_or(Failure::ImpersonationInvalid)?;
    let mailbox = Mailbox::parse(address).map_err(|_| Failure::ImpersonationInvalid)?;
    client.recognise(&mailbox).map_err(|denial| {
        journal.judge(Some(&mailbox), None, Err(denial.label()));
        Failure::ImpersonationDenied
    })
}

/// An operation of Exchange's that the gateway lacks is named; anything else is no request.
fn unknown(name: &str) -> Failure {
    match EXCHANGE_OPERATIONS.contains(&name.trim_end_matches("Request")) {
        true => Failure::Unsupported { what: name.to_owned() },
        false => Failure::Malformed,
    }
}
