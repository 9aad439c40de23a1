//! Items that the caller does not see whole: below the full ceiling, or with something hidden or replaced.
//!
//! Owns what callers may not do with them: take away what hides an item, invite somebody who would
//! then be sent all of it, guess at what is hidden, and find out whether others are invited.

use crate::calendar::event::{EventChange, PropertyId, PropertyName};
use crate::failure::Failure;

use super::notify;
use super::updates::Wanted;

/// Whether the updates may be made, by what they name alone: an answer that looked at the item would
/// tell of it.
///
/// # Errors
/// [`Failure::Denied`] for sensitivity and attendees, [`Failure::ReadOnlyProperty`] for the UID, the
/// right one too.
pub(super) fn check(wanted: &Wanted) -> Result<(), Failure> {
    let mut drafts = wanted.added.iter().chain([&wanted.draft]);
    if drafts.any(|draft| draft.all_attendees().is_some() || draft.change.sensitivity.is_some()) {
        return Err(Failure::Denied);
    }
    if wanted.properties().iter().any(is_sensitivity) {
        return Err(Failure::Denied);
    }
    match wanted.draft.change.uid {
        Some(_) => Err(Failure::ReadOnlyProperty { path: "calendar:UID".to_owned() }),
        None => Ok(()),
    }
}

/// Whether a change may be made that tells nobody: one that would concern attendees may not, be there any or none, since
/// the answer would tell.
///
/// # Errors
/// [`Failure::Denied`].
pub(super) fn check_quiet(change: &EventChange) -> Result<(), Failure> {
    if notify::concerns_attendees(change) { Err(Failure::Denied) } else { Ok(()) }
}

/// `PidTagSensitivity` and `PidLidPrivate` (MS-OXPROPS), which clients may also write
/// as extended properties.
fn is_sensitivity(id: &PropertyId) -> bool {
    matches!(id.name, PropertyName::Tag(0x36) | PropertyName::Number(_, 0x8506))
}
