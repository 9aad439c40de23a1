//! Automatic replies of all tenants' mailboxes, and mail tips.
//!
//! Owns what is asked with which credential, and that the proof is one for it. Must not know JSON, nor what is
//! remembered.

use std::collections::{BTreeSet, HashMap};

use futures::future::join_all;
use futures::{StreamExt, stream};

use super::{Graph, Graphs};
use crate::calendar::out_of_office::{AutomaticReplies, Status, Tip};
use crate::calendar::{Capability, Mailbox};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::journal::Journal;

impl Graphs {
    /// A mailbox's automatic replies, remembered for a short while; what was set here is seen at once.
    ///
    /// # Errors
    /// [`Failure::NoSuchMailbox`], also for one outside every tenant and one without settings,
    /// [`Failure::Denied`] without a credential or with a proof for something else, and what failed for the
    /// moment (<https://learn.microsoft.com/graph/api/user-get-mailboxsettings>).
    pub async fn automatic_replies(&self, mailbox: &Permitted, journal: &Journal) -> Result<AutomaticReplies, Failure> {
        let (graph, _) = self.served(mailbox, Capability::OutOfOfficeRead)?;
        graph.absences.replies(mailbox.mailbox(), journal).await
    }

    /// Sets a mailbox's automatic replies. The language is not set: it is the mailbox's. Whatever comes of it,
    /// nothing that was asked before is told of the mailbox any more.
    ///
    /// # Errors
    /// As [`Self::automatic_replies`], and [`Failure::BadScheduledDuration`] for a window that Graph
    /// does not take (<https://learn.microsoft.com/graph/api/user-update-mailboxsettings>).
    pub async fn set_automatic_replies(
        &self,
        mailbox: &Permitted,
        replies: &AutomaticReplies,
        journal: &Journal,
    ) -> Result<(), Failure> {
        let (graph, credential) = self.served(mailbox, Capability::OutOfOfficeWrite)?;
        let window = replies.window.filter(|_| replies.status == Status::Scheduled);
        match graph.absences.set(credential, mailbox.mailbox(), replies, journal).await {
            // Graph takes future windows alone; with which code it refuses others is not documented.
            Err(Failure::BadValue) if window.is_some_and(|window| window.start() <= journal.now) => {
                Err(Failure::BadScheduledDuration)
            }
            outcome => outcome,
        }
    }

    /// What somebody who is about to write to each of the mailboxes is told, in their order: by
    /// Graph's mail tips where a credential may ask for them, else from their automatic replies. Whoever writes from
    /// a recipient's own tenant is inside, and so is who does not say; mail tips are always those for somebody inside,
    /// so that for somebody outside they are not asked. Nothing is told where nobody can tell: of a mailbox outside
    /// every tenant, and where Graph has no tip, as of a list or a contact.
    ///
    /// # Errors
    /// For each mailbox of a tenant as [`Self::automatic_replies`]
    /// (<https://learn.microsoft.com/graph/api/user-getmailtips>).
    pub async fn mail_tips(
        &self,
        mailboxes: &[Permitted],
        sender: Option<&Mailbox>,
        journal: &Journal,
    ) -> Vec<Result<Option<Tip>, Failure>> {
        let mut tips = HashMap::new();
        let readable = || mailboxes.iter().filter(|mailbox| is_for(mailbox, Capability::OutOfOfficeRead));
        let is_inside = |graph: &Graph| sender.is_none_or(|sender| self.is_of(sender, graph));
        let asked = self.graphs.iter().filter(|graph| is_inside(graph)).map(|graph| {
            let own = readable().map(Permitted::mailbox).filter(|mailbox| self.is_of(mailbox, graph));
            graph.absences.tips(own, journal)
        });
        join_all(asked).await.into_iter().for_each(|told| tips.extend(told));
        let tell = async |mailbox: &Permitted| {
            if !is_for(mailbox, Capability::OutOfOfficeRead) {
                return Err(Failure::Denied);
            }
            let Some(graph) = self.route(mailbox.mailbox()) else { return Ok(None) };
            if let Some(tip) = tips.get(mailbox.mailbox()) {
                return tip.clone();
            }
            let replies = self.automatic_replies(mailbox, journal).await?;
            Ok(Some(replies.tip(journal.now, is_inside(graph))))
        };
        stream::iter(mailboxes).map(tell).buffered(READ_AT_ONCE).collect().await
    }

    /// Automatic replies of up to [`MOST_AT_ONCE`] mailboxes of one tenant, in their order, asked for
    /// together and each once; nothing remembered is told. [`Failure::Busy`] says how long a
    /// mailbox is to be left alone. Their language is not asked for.
    ///
    /// # Errors
    /// For each mailbox as [`Self::automatic_replies`].
    pub async fn look_at_automatic_replies(
        &self,
        mailboxes: &[Permitted],
        journal: &Journal,
    ) -> Vec<Result<AutomaticReplies, Failure>> {
        let served: Vec<_> =
            mailboxes.iter().map(|mailbox| self.served(mailbox, Capability::OutOfOfficeRead)).collect();
        let mut told = HashMap::new();
        // More mailboxes, of several tenants, only take more calls.
        for graph in &self.graphs {
            let Some(credential) = graph.credential(Capability::OutOfOfficeRead) else { continue };
            let own = mailboxes.iter().zip(&served).filter(|(_, served)| served.is_ok());
            let own = own.map(|(mailbox, _)| mailbox.mailbox()).filter(|mailbox| self.is_of(mailbox, graph));
            let own = own.collect::<BTreeSet<_>>().into_iter().cloned().collect();
            told.extend(graph.absences.look(credential.into(), own, journal).await);
        }
        let of = |mailbox: &Permitted| told.get(mailbox.mailbox()).cloned().unwrap_or(Err(Failure::Internal));
        mailboxes.iter().zip(served).map(|(mailbox, served)| served.and_then(|_| of(mailbox))).collect()
    }

    /// The tenant of a mailbox and its credential for a capability, which the proof must be for.
    fn served(&self, permitted: &Permitted, capability: Capability) -> Result<(&Graph, usize), Failure> {
        if !is_for(permitted, capability) {
            return Err(Failure::Denied);
        }
        let mailbox = permitted.mailbox();
        let nobody = || Failure::NoSuchMailbox { address: mailbox.as_str().to_owned() };
        let graph = self.route(mailbox).ok_or_else(nobody)?;
        let Some(credential) = graph.credential(capability) else {
            graph.tell_missing(capability);
            return Err(Failure::Denied);
        };
        Ok((graph, credential.into()))
    }

    fn is_of(&self, mailbox: &Mailbox, graph: &Graph) -> bool {
        self.route(mailbox).is_some_and(|of| std::ptr::eq(of, graph))
    }
}

/// What one batch holds (<https://learn.microsoft.com/graph/json-batching>).
pub const MOST_AT_ONCE: usize = 20;
/// Mailboxes of one request whose settings are read at once.
const READ_AT_ONCE: usize = 8;

fn is_for(permitted: &Permitted, capability: Capability) -> bool {
    permitted.capability() == capability
}
