//! What recipients are told of.
//!
//! Must not know in which form.

use crate::calendar::Mailbox;
use crate::out_of_office::state::Standing;

/// What is to be told of a mailbox.
#[derive(Clone, Copy, Debug)]
pub(in crate::out_of_office) struct News<'a> {
    pub(in crate::out_of_office) mailbox: &'a Mailbox,
    pub(in crate::out_of_office) alias: &'a str,
    pub(in crate::out_of_office) now: &'a Standing,
}
