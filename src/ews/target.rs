//! Whose mailbox a request is about, permitted.
//!
//! Owns the order in which a request names one: the folder, the memory of ids that were given out,
//! impersonation, the client's own mailbox. Whatever names it, the policy decides.

use super::operation::Context;
use super::types::folder::Folder;
use crate::calendar::event::EventId;
use crate::calendar::{Capability, Mailbox};
use crate::client::Permitted;
use crate::failure::Failure;

/// The mailbox of a folder.
///
/// # Errors
/// [`Failure::BadAddress`], [`Failure::MailboxRequired`], [`Failure::Denied`].
pub fn folder(context: &Context<'_>, folder: Option<&Folder>, capability: Capability) -> Result<Permitted, Failure> {
    let named = folder.and_then(|folder| folder.mailbox.as_deref()).map(Mailbox::parse).transpose()?;
    let mailbox = named.or_else(|| caller(context)).ok_or(Failure::MailboxRequired)?;
    context.permit(&mailbox, capability)
}

/// The mailbox of a calendar.
///
/// # Errors
/// [`Failure::NotACalendar`] for any other folder; else as [`folder`].
pub fn calendar(context: &Context<'_>, named: Option<&Folder>, capability: Capability) -> Result<Permitted, Failure> {
    match named {
        Some(named) if !named.name.eq_ignore_ascii_case(CALENDAR) => Err(Failure::NotACalendar),
        named => folder(context, named, capability),
    }
}

/// The mailbox of an item. An id that was given out for a mailbox which the client may not even read is
/// taken for one that nobody knows, so that it does not tell that there is such an item.
///
/// # Errors
/// [`Failure::NoSuchItem`], [`Failure::Denied`].
pub fn item(context: &Context<'_>, id: &EventId, capability: Capability) -> Result<Permitted, Failure> {
    if let Some(owner) = context.items.owner(id) {
        let permitted = context.permit(&owner, capability);
        // Told that it is not there, a client that reads the item would take it for deleted.
        if permitted.is_ok() || may_read(context, &owner) {
            return permitted;
        }
    }
    context.permit(&caller(context).ok_or(Failure::NoSuchItem)?, capability)
}

/// Whether the client may read a mailbox's calendar.
#[must_use]
pub fn may_read(context: &Context<'_>, mailbox: &Mailbox) -> bool {
    context.client.permit(mailbox, Capability::CalendarRead, context.journal.now).is_ok()
}

/// Remembers whose an item is, if a later request with its id alone would be taken for another's.
pub fn remember(context: &Context<'_>, id: &EventId, mailbox: &Mailbox) {
    if caller(context).as_ref() != Some(mailbox) {
        context.items.note(id, mailbox);
    }
}

/// Who the caller is, as far as mailboxes go.
#[must_use]
pub fn caller(context: &Context<'_>) -> Option<Mailbox> {
    let impersonated = context.header.impersonation.as_ref().and_then(|header| header.address.as_deref());
    match impersonated {
        Some(address) => Mailbox::parse(address).ok(),
        None => context.client.mailbox.clone(),
    }
}

/// The distinguished name of the default calendar.
pub const CALENDAR: &str = "calendar";
