//! People, rooms and groups of all tenants.
//!
//! Owns which tenants a query concerns. Must not know JSON.

use futures::future::join_all;

use super::{Graph, Graphs};
use crate::calendar::Capability;
use crate::calendar::person::{Entry, Query};
use crate::client::Entitled;
use crate::failure::Failure;
use crate::journal::Journal;

impl Graphs {
    /// People, rooms and groups that a query may mean, by name: as many as one page of each tenant's has, for whoever may
    /// not see some of them is told of the others. Only tenants that the proof is for are asked. An address is looked
    /// for in the tenant that has its domain; a name in the default tenant, and in all of them where none is the default;
    /// a legacy name, which is one mailbox's but does not tell whose, in all of them. A tenant that refuses is left out;
    /// one that fails for the moment fails the whole.
    ///
    /// # Errors
    /// [`Failure::Denied`] without a credential for the directory, and what failed for the moment.
    pub async fn people(&self, proof: &Entitled, query: &Query, journal: &Journal) -> Result<Vec<Entry>, Failure> {
        if proof.capability() != Capability::Directory {
            return Err(Failure::Denied);
        }
        let is_meant = |graph: &&Graph| proof.is_for(&graph.name);
        let concerned: Vec<_> = match query {
            Query::Address(mailbox) => self.route(mailbox).into_iter().filter(is_meant).collect(),
            Query::Beginning(text) | Query::LegacyName(text) if text.trim().is_empty() => Vec::new(),
            Query::Beginning(_) => match self.default.and_then(|place| self.graphs.get(place)).filter(is_meant) {
                Some(graph) => vec![graph],
                None => self.graphs.iter().filter(is_meant).collect(),
            },
            Query::LegacyName(_) => self.graphs.iter().filter(is_meant).collect(),
        };
        if concerned.is_empty() {
            return Ok(Vec::new());
        }
        let asked = concerned.into_iter().map(|graph| async move { graph.directory()?.people(query, journal).await });
        let mut entries = Vec::new();
        let mut refused = true;
        for told in join_all(asked).await {
            match told {
                Ok(more) => {
                    refused = false;
                    entries.extend(more);
                }
                Err(Failure::Denied | Failure::CredentialRefused) => {}
                Err(failure) => return Err(failure),
            }
        }
        if refused {
            return Err(Failure::Denied);
        }
        entries.sort_by(|a, b| (&a.name, &a.mailbox).cmp(&(&b.name, &b.mailbox)));
        Ok(entries)
    }
}
