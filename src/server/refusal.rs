//! Why nobody is let in.
//!
//! Owns the reasons. Must not know how they are found out or answered.

/// Why a request has no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credentials, or none that can be used.
    Missing,
    /// None yet: a handshake is under way.
    Challenged(Box<Leg>),
    /// A token of ours that holds no more: its time is over, or its client is gone; the answer to a
    /// challenge that waits for none.
    Outdated,
    /// Wrong ones.
    Wrong,
    /// Wrong ones, once too often from this address.
    TooOften,
    /// More passwords wait to be verified than can be in time.
    Busy,
}

/// What the client gets for the next leg of its handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    /// Scheme and message.
    pub(super) challenge: String,
    /// The cookie by which the challenge is found again, where the connection will not do.
    pub(super) cookie: Option<String>,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadToken {
    /// It is not ours.
    Forged,
    /// It is ours, and its time is over or has not come.
    Outdated,
}
