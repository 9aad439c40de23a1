//! What Graph is asked for policies, and what an operator can do when it does not tell.
//!
//! Owns whose proof is shown: the gateway's own, since whose lists they are the configuration has decided. Must not
//! know when lists are read.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Everybody, Policy};
use crate::failure::Failure;
use crate::graph::Graphs;
use crate::journal::Journal;

/// The one who asks.
#[derive(Debug)]
pub(super) struct Asker {
    /// The gateway itself.
    own: Client,
    clock: fn() -> Timestamp,
}

impl Asker {
    pub(super) fn new(clock: fn() -> Timestamp) -> Self {
        let policy = Policy::unlimited(&[Capability::Directory], &["*"], Ceiling::Full);
        Self { own: Client::without_login("gateway", policy), clock }
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The addresses of everybody in a group and in the groups in it.
    pub(super) async fn group(&self, graphs: &Graphs, group: &Mailbox) -> Result<HashSet<Mailbox>, Failure> {
        let proof = self.own.entitle(Capability::Directory)?;
        let members = graphs.large_group(&proof, group, MOST_MEMBERS, &self.journal()).await?;
        Ok(members.into_iter().collect())
    }

    /// The addresses of a list's rooms.
    pub(super) async fn rooms(&self, graphs: &Graphs, list: &Mailbox) -> Result<HashSet<Mailbox>, Failure> {
        let list = self.own.permit(list, Capability::Directory, self.now())?;
        let rooms = graphs.rooms(&list, &self.journal()).await?;
        Ok(rooms.into_iter().map(|room| room.mailbox).collect())
    }

    /// Everybody in a tenant by all their addresses.
    pub(super) async fn people(&self, graphs: &Graphs, tenant: &str) -> Result<Everybody, Failure> {
        let proof = self.own.entitle(Capability::Directory)?;
        let mut everybody = Everybody::default();
        graphs.all_people(&proof, tenant, &self.journal(), |person| everybody.add(person)).await?;
        Ok(everybody)
    }

    fn journal(&self) -> Journal {
        Journal::new(Uuid::new_v4(), self.now(), Instant::now() + PATIENCE)
    }
}

/// What an operator can do about a failure.
pub(super) fn remedy(failure: &Failure) -> &'static str {
    match failure {
        Failure::NoSuchMailbox { .. } => {
            "no such list has this address: does it exist still, is it spelled as in the directory, and does the \
             application see it (GroupMember.Read.All for groups, Place.Read.All for room lists)? Correct it in the \
             configuration"
        }
        Failure::Denied => {
            "grant the application of the capability directory what `check --online` says that it lacks: \
             Place.Read.All, GroupMember.Read.All, User.ReadBasic.All, and User.Read.All for all_addresses"
        }
        Failure::CredentialRefused => "mend the application's secret or certificate, see `check --online`",
        Failure::GroupTooLarge => "policies take no group of more than 200,000 members: name a smaller one",
        failure if failure.allows_stale() => "nothing: it is asked again by itself",
        _ => "see `check --online`",
    }
}

/// For all pages of an answer: nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(300);
const MOST_MEMBERS: usize = 200_000;
