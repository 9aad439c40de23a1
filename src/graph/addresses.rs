//! All addresses of people and of groups' members, for whoever keeps policies up to date in the background.
//!
//! Nothing is remembered here: who asks keeps the answer. Owns which credential tells them, and that what is not the
//! whole is a failure. Must not know JSON, nor policies.

use super::calls::all_users::all_users;
use super::calls::group_people::group_people;
use super::fault::Trouble;
use super::{Graph, Graphs};
use crate::calendar::{Capability, Mailbox};
use crate::client::Entitled;
use crate::failure::Failure;
use crate::journal::Journal;

impl Graphs {
    /// Tells `each` all addresses of each user of a tenant, named as in the configuration. Who is told of when this
    /// fails is not everybody.
    ///
    /// # Errors
    /// [`Failure::Denied`] if nobody tells all of them: without a credential with `all_addresses`, and where it lacks
    /// `User.Read.All`; also if there is no such tenant; and what failed for the moment
    /// (<https://learn.microsoft.com/graph/api/user-list>).
    pub async fn all_people(
        &self,
        proof: &Entitled,
        tenant: &str,
        journal: &Journal,
        each: impl FnMut(Vec<Mailbox>) + Send,
    ) -> Result<(), Failure> {
        let graph = self.graphs.iter().find(|graph| graph.name == tenant).filter(|_| is_proof(proof));
        let graph = graph.ok_or(Failure::Denied)?;
        let credential = graph.rosters.0.ok_or(Failure::Denied)?;
        let told = all_users(&graph.client, credential, journal, each).await;
        told.map_err(|trouble| graph.note(trouble).failure)
    }

    /// The addresses of everybody in a group and in the groups in it, in order, each once. Where the credential that
    /// looks into groups is said to tell all addresses, it is all of theirs; else main addresses and principal names.
    ///
    /// # Errors
    /// [`Failure::NoSuchMailbox`] if no group has the address, [`Failure::GroupTooLarge`] above `most` members with
    /// addresses, [`Failure::Denied`] without a credential for the directory and where Graph keeps addresses back that
    /// it should tell; and what failed for the moment
    /// (<https://learn.microsoft.com/graph/api/group-list-transitivemembers>).
    pub async fn large_group(
        &self,
        proof: &Entitled,
        group: &Mailbox,
        most: usize,
        journal: &Journal,
    ) -> Result<Vec<Mailbox>, Failure> {
        let graph = self.listed(proof, group)?;
        let Some(credential) = graph.rosters.1 else {
            graph.tell_missing(Capability::Directory);
            return Err(Failure::Denied);
        };
        let all = graph.client.credentials.get(credential).is_some_and(|tokens| tokens.credential().all_addresses);
        let told = group_people(&graph.client, (credential, all), group, most, journal).await;
        told.map_err(|trouble| graph.note(trouble).about(group))
    }

    fn listed(&self, proof: &Entitled, mailbox: &Mailbox) -> Result<&Graph, Failure> {
        if !is_proof(proof) {
            return Err(Failure::Denied);
        }
        self.route(mailbox).ok_or_else(|| Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() })
    }
}

impl Graph {
    /// Tells the operator what Graph said, or what it kept back.
    fn note(&self, trouble: Trouble) -> Trouble {
        let (tenant, failure) = (&self.name, trouble.failure.label());
        let told = trouble.told.as_deref().unwrap_or_default();
        tracing::warn!(tenant, failure, told, "addresses are not known");
        trouble
    }
}

fn is_proof(proof: &Entitled) -> bool {
    proof.capability() == Capability::Directory
}
