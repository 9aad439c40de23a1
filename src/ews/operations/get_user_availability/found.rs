//! What the request's addresses turn out to be: mailboxes, groups, or nobody.

use futures::future::join_all;

use crate::calendar::free_busy::FreeBusy;
use crate::calendar::{Capability, Window};
use crate::client::Permitted;
use crate::ews::operation::Context;
use crate::failure::Failure;
use crate::graph::Detail;

/// What an address turned out to be.
#[derive(Debug)]
pub(super) enum Found {
    /// A mailbox, or why there is nothing of it.
    One(Result<FreeBusy, Failure>),
    /// A group: each member's busy times, where the member has a mailbox.
    Group(Vec<Option<FreeBusy>>),
}

/// Looks everybody up, in the order of the request. An address that Graph knows no mailbox for may
/// be a group; then its members are looked up, all groups' together.
pub(super) async fn find(
    mailboxes: &[Result<Permitted, Failure>],
    window: Window,
    detail: Detail,
    context: &Context<'_>,
) -> Vec<Found> {
    let permitted: Vec<Permitted> = mailboxes.iter().filter_map(|mailbox| mailbox.as_ref().ok().cloned()).collect();
    let mut answers = context.graphs.free_busy(&permitted, window, detail, context.journal).await.into_iter();
    let mut found: Vec<Found> = mailboxes
        .iter()
        .map(|mailbox| match mailbox {
            Ok(_) => Found::One(answers.next().unwrap_or(Err(Failure::Internal))),
            Err(failure) => Found::One(Err(failure.clone())),
        })
        .collect();
    let groups = groups(mailboxes, &found, context).await;
    if groups.is_empty() {
        return found;
    }
    let members: Vec<Permitted> =
        groups.iter().filter_map(|(_, members)| members.as_ref().ok()).flatten().cloned().collect();
    let mut answers = context.graphs.free_busy(&members, window, Detail::Times, context.journal).await.into_iter();
    for (index, members) in groups {
        if let Some(place) = found.get_mut(index) {
            *place = match members {
                Ok(members) => of_members(answers.by_ref().take(members.len())),
                Err(failure) => Found::One(Err(failure)),
            };
        }
    }
    found
}

/// The groups among the addresses, by their place in the request: their members, each permitted.
async fn groups(
    mailboxes: &[Result<Permitted, Failure>],
    found: &[Found],
    context: &Context<'_>,
) -> Vec<(usize, Result<Vec<Permitted>, Failure>)> {
    let mut unknown = Vec::new();
    for (index, pair) in mailboxes.iter().zip(found).enumerate() {
        if let (Ok(mailbox), Found::One(Err(Failure::NoSuchMailbox { .. } | Failure::Denied))) = pair {
            unknown.push((index, mailbox));
        }
    }
    let mut groups = Vec::new();
    for some in unknown.chunks(AT_ONCE) {
        let answers = join_all(some.iter().map(|(_, mailbox)| members(mailbox, context))).await;
        for ((index, _), answer) in some.iter().zip(answers) {
            groups.extend(answer.map(|members| (*index, members)));
        }
    }
    let mut left = MOST_MEMBERS;
    for (_, group) in &mut groups {
        let count = group.as_ref().map_or(0, Vec::len);
        match left.checked_sub(count) {
            Some(rest) => left = rest,
            None => *group = Err(Failure::GroupTooLarge),
        }
    }
    groups
}

/// The members of a group, each permitted; `None` if the address is no group that may be looked
/// into.
async fn members(mailbox: &Permitted, context: &Context<'_>) -> Option<Result<Vec<Permitted>, Failure>> {
    let group = context.permit(mailbox.mailbox(), Capability::Directory).ok()?;
    if !context.graphs.serves(mailbox.mailbox(), Capability::Directory) {
        return None;
    }
    match context.graphs.members(&group, context.journal).await {
        Ok(members) => Some(members.iter().map(|member| context.permit(member, Capability::FreeBusy)).collect()),
        Err(Failure::NoSuchMailbox { .. }) => None,
        Err(failure) => Some(Err(failure)),
    }
}

/// A member without a mailbox, such as a contact, tells nothing; any other failure is the group's.
fn of_members(answers: impl Iterator<Item = Result<FreeBusy, Failure>>) -> Found {
    let members: Result<Vec<_>, Failure> = answers
        .map(|answer| match answer {
            Ok(free_busy) => Ok(Some(free_busy)),
            Err(Failure::NoSuchMailbox { .. }) => Ok(None),
            Err(failure) => Err(failure),
        })
        .collect();
    members.map_or_else(|failure| Found::One(Err(failure)), Found::Group)
}

/// Questions to the directory at once.
const AT_ONCE: usize = 8;
/// Members of all groups of a request together; Exchange's limit for one group.
const MOST_MEMBERS: usize = 100;
