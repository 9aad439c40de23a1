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
    let permitted: Vec<&Permitted> = mailboxes.iter().filter_map(|mailbox| mailbox.as_ref().ok()).collect();
    let mut answers = look_up(&permitted, window, detail, context).await.into_iter();
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
    let members: Vec<&Permitted> = groups.iter().filter_map(|(_, members)| members.as_ref().ok()).flatten().collect();
    let mut answers = look_up(&members, window, Detail::Times, context).await.into_iter();
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

/// Busy times as far as the client may know of them; what lies beyond is not asked for. Of a mailbox of which it may
/// know nothing in the whole window nothing is known, whoever's it is.
async fn look_up(
    mailboxes: &[&Permitted],
    window: Window,
    detail: Detail,
    context: &Context<'_>,
) -> Vec<Result<FreeBusy, Failure>> {
    if mailboxes.iter().all(|mailbox| mailbox.view().horizon.is_endless()) {
        return context.graphs.free_busy(mailboxes, window, detail, context.journal).await;
    }
    let now = context.journal.now;
    let known = mailboxes.iter().map(|mailbox| {
        let horizon = mailbox.view().horizon;
        let range = horizon.range(now);
        (!horizon.is_endless()).then(|| range.start.as_second()..range.end.as_second())
    });
    let mut found: Vec<_> = known.map(|known| Ok(FreeBusy { spans: Vec::new(), known })).collect();
    // Mostly one: grants seldom differ in their horizons.
    let mut windows: Vec<(Window, Vec<usize>)> = Vec::new();
    for (place, mailbox) in mailboxes.iter().enumerate() {
        let Some(seen) = mailbox.view().horizon.within(window, now) else { continue };
        match windows.iter_mut().find(|(window, _)| *window == seen) {
            Some((_, places)) => places.push(place),
            None => windows.push((seen, vec![place])),
        }
    }
    let told = join_all(windows.iter().map(|(window, places)| async move {
        let asked: Vec<&Permitted> = places.iter().filter_map(|place| mailboxes.get(*place).copied()).collect();
        context.graphs.free_busy(&asked, *window, detail, context.journal).await
    }));
    for ((_, places), told) in windows.iter().zip(told.await) {
        for (place, told) in places.iter().zip(told) {
            let Some(found) = found.get_mut(*place) else { continue };
            let known = found.as_ref().ok().and_then(|unknown| unknown.known.clone());
            *found = told.map(|told| FreeBusy { known, ..told });
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
