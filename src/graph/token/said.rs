//! What the operator was told last of a credential's expiry.

use jiff::Timestamp;
use tokio::time::Instant;

/// What the operator was told last of an expiry, and when.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) at: Instant,
    pub(super) what: Saying,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    Soon(Timestamp),
    /// It has expired, or nothing of it can be used.
    Over,
}
