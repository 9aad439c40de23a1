//! Who should be at a meeting.
//!
//! Must not know times.

use crate::calendar::free_busy::FreeBusy;

/// Somebody or something that should be there.
#[derive(Clone, Debug)]
pub struct Attendee<'a> {
    /// Who.
    pub who: Who<'a>,
    /// As what.
    pub role: Role,
    /// `ExcludeConflicts`: suggest nothing at which they are in conflict.
    pub exclude_conflicts: bool,
}

/// Whom an address stands for, and what is known of their time.
#[derive(Clone, Debug)]
pub enum Who<'a> {
    /// One mailbox; its busy times, unless they could not be had.
    Individual(Option<&'a FreeBusy>),
    /// A group, and the same of each member.
    Group(Vec<Option<&'a FreeBusy>>),
    /// Nobody that could be found.
    Unknown,
    /// A group of more members than may be asked about.
    TooBigGroup,
}

/// `AttendeeType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whose meeting it is; also whose working hours count.
    Organizer,
    /// Needed.
    Required,
    /// Not needed: told of, but not counted in the quality.
    Optional,
    /// A room.
    Room,
    /// A thing.
    Resource,
}
