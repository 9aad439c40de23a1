//! Why nobody is let in.
//!
//! Owns the reasons. Must not know how they are found out or answered.

/// Why a request has no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credentials.
    Missing,
    /// A token of ours that holds no more: its time is over, or its client is gone.
    Outdated,
    /// Wrong ones.
    Wrong,
    /// Wrong ones, once too often from this address.
    TooOften,
    /// More passwords wait to be verified than can be in time.
    Busy,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadToken {
    /// It is not ours.
    Forged,
    /// It is ours, and its time is over or has not come.
    Outdated,
}
