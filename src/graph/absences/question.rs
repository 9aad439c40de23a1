//! A question for several recipients' mail tips: in whose name it is asked, and how it is asked again.
//!
//! Owns that one mailbox spoils no other's tip. Must not know JSON, nor what is remembered.

use tokio::time::Instant;

use crate::calendar::Mailbox;
use crate::failure::Failure;
use crate::graph::anchors::Anchors;
use crate::graph::calls::mail_tips::{Told, mail_tips};
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::graph::visit::Visit;
use crate::journal::Journal;

/// Whom a question goes to, and for whom.
pub(super) struct Question<'a> {
    pub(super) client: &'a Client,
    pub(super) anchors: &'a Anchors,
    pub(super) credential: usize,
    pub(super) journal: &'a Journal,
}

/// Recipients that share a call.
struct Part {
    recipients: Vec<Mailbox>,
    /// In whose name it is not asked again while it can be in another's.
    avoided: Option<Mailbox>,
    /// What a call about these and others came to.
    failed: Option<Failure>,
}

impl Question<'_> {
    /// Asks for recipients' tips; each has its own outcome, in any order.
    pub(super) async fn ask(&self, recipients: Vec<Mailbox>) -> Vec<(Mailbox, Told)> {
        let mut told = Vec::with_capacity(recipients.len());
        // Recipients may have tips without a mailbox, in whose name nothing can be asked.
        let mut ghosts = Vec::new();
        let mut parts = vec![Part { recipients, avoided: None, failed: None }];
        while let Some(part) = parts.pop() {
            let Some(host) = self.host(&part, &ghosts) else {
                let all = part.recipients.iter().all(|recipient| ghosts.contains(recipient));
                // That nobody can be asked in whose name it could be says nothing of them.
                let outcome = part.failed.filter(|_| !all).map_or(Ok(None), Err);
                told.extend(part.recipients.into_iter().map(|recipient| (recipient, outcome.clone())));
                continue;
            };
            let Self { client, credential, journal, .. } = *self;
            match mail_tips(Visit { client, credential, mailbox: &host, journal }, &part.recipients).await {
                Ok(answers) => {
                    self.anchors.served(credential, &host);
                    let is_alone = part.recipients.len() == 1;
                    for (recipient, answer) in part.recipients.into_iter().zip(answers) {
                        match answer {
                            Some(answer) => told.push((recipient, answer)),
                            None if is_alone => told.push((recipient, Err(Failure::Unavailable))),
                            // It may be there under another of its addresses.
                            None => {
                                parts.push(Part {
                                    recipients: vec![recipient],
                                    avoided: None,
                                    failed: Some(Failure::Unavailable),
                                });
                            }
                        }
                    }
                }
                Err(trouble) => {
                    self.anchors.failed(credential, &host);
                    if matches!(trouble.failure, Failure::NoSuchMailbox { .. } | Failure::NoSuchItem) {
                        ghosts.push(host);
                        parts.push(part);
                    } else {
                        match part.again(&host, &trouble) {
                            Ok(again) => parts.extend(again),
                            Err(part) => {
                                let failed = |recipient| (recipient, Err(trouble.failure.clone()));
                                told.extend(part.recipients.into_iter().map(failed));
                            }
                        }
                    }
                }
            }
        }
        told
    }

    /// In whose name to ask: that of a recipient who is not left alone, or of whoever was told last; when it is the
    /// first question, of any recipient.
    fn host(&self, part: &Part, ghosts: &[Mailbox]) -> Option<Mailbox> {
        let now = Instant::now();
        let is_open = |mailbox: &Mailbox| self.client.lanes.is_open(self.credential, mailbox, now);
        let living = || part.recipients.iter().filter(|recipient| !ghosts.contains(recipient));
        let open = |avoided: Option<&Mailbox>| {
            living().find(|recipient| Some(*recipient) != avoided && is_open(recipient)).cloned()
        };
        open(part.avoided.as_ref())
            .or_else(|| self.anchors.stand_in(self.credential, ghosts).filter(is_open))
            .or_else(|| open(None))
            .or_else(|| living().next().filter(|_| part.failed.is_none()).cloned())
    }
}

impl Part {
    /// What to ask instead, the last first, after a call in the host's name failed for what may be a single
    /// mailbox's fault: first all others without the host, then halves of them.
    fn again(self, host: &Mailbox, trouble: &Trouble) -> Result<[Self; 2], Self> {
        let is_one = trouble.may_be_one_mailbox() || trouble.is_throttled();
        if !is_one || self.recipients.len() < 2 {
            return Err(self);
        }
        let failed = Some(trouble.failure.clone());
        let part = |recipients, avoided| Self { recipients, avoided, failed: failed.clone() };
        if self.failed.is_none() && self.recipients.contains(host) {
            let (hosts, others) = self.recipients.into_iter().partition(|recipient| recipient == host);
            return Ok([part(hosts, Some(host.clone())), part(others, None)]);
        }
        // Graph throttles by the mailbox in whose name it is asked: that was another before.
        if trouble.is_throttled() {
            return Err(self);
        }
        let (left, right) = self.recipients.split_at(self.recipients.len() / 2);
        Ok([part(right.to_vec(), None), part(left.to_vec(), None)])
    }
}
