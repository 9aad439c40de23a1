//! NTLMv2 as a server speaks it ([MS-NLMP]): messages, challenges, and whether an answer is right.
//!
//! Owns bytes and arithmetic. Must not know HTTP, connections or policies.
//!
//! [MS-NLMP]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp/

mod answer;
mod binding;
mod challenge;
mod keys;

pub use answer::{Answer, Unfit};
pub use binding::Binding;
pub use challenge::{Challenge, Names, SIGNATURE};
pub use keys::nt_hash;

/// One of the two messages that a client sends.
#[derive(Debug)]
pub enum Message<'a> {
    /// NEGOTIATE_MESSAGE: it wants to be challenged.
    Negotiate,
    /// AUTHENTICATE_MESSAGE: its answer.
    Answer(Answer<'a>),
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is none, or an answer that cannot let anybody in.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Unfit> {
        match bytes.strip_prefix(SIGNATURE).and_then(|rest| rest.first_chunk()) {
            // Its flags are not looked at: what is offered is all that there is.
            Some([1, 0, 0, 0]) if (SHORTEST_NEGOTIATE..=LONGEST_NEGOTIATE).contains(&bytes.len()) => {
                Ok(Self::Negotiate)
            }
            Some([3, 0, 0, 0]) => Answer::parse(bytes).map(Self::Answer),
            _ => Err(Unfit::Malformed),
        }
    }
}

/// Up to its flags, which some clients send alone.
const SHORTEST_NEGOTIATE: usize = 16;
/// It is kept for a while; names in it are short.
const LONGEST_NEGOTIATE: usize = 1024;

#[cfg(test)]
mod tests;
