//! Who is told of a change.
//!
//! Graph has no word for "tell nobody": it tells attendees of what concerns them. Owns what it keeps
//! to itself, and what becomes of attendees who are not to be told: they stand on the item only, until
//! somebody wants them told.

use crate::calendar::event::{Event, EventChange};
use crate::failure::Failure;

/// Makes the change one that tells the attendees, or one that does not.
///
/// # Errors
/// [`Failure::WouldNotify`] if it is not to tell them and cannot but.
pub(super) fn tell(change: &mut EventChange, event: &Event, tells: bool) -> Result<(), Failure> {
    if tells {
        if event.is_held_back {
            change.attendees.get_or_insert_with(|| event.attendees.clone());
            change.held_back = Some(Vec::new());
        }
        return Ok(());
    }
    if !event.is_organizer {
        // Nobody is told of changes to one's own copy.
        return Ok(());
    }
    if event.is_meeting() && !event.is_held_back && concerns_attendees(change) {
        return Err(Failure::WouldNotify);
    }
    change.held_back = change.attendees.take();
    Ok(())
}

/// Whether a change concerns anything that attendees have on their own copies. What they have is said
/// in no document: what is not certainly the organizer's alone is taken for theirs.
pub(super) fn concerns_attendees(change: &EventChange) -> bool {
    let own = EventChange {
        categories: change.categories.clone(),
        is_reminder_on: change.is_reminder_on,
        reminder_minutes: change.reminder_minutes,
        properties: change.properties.clone(),
        ..EventChange::default()
    };
    *change != own
}
