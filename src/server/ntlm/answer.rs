//! The client's answer: AUTHENTICATE_MESSAGE ([MS-NLMP] §2.2.1.3) with an NTLMv2 response.
//!
//! Owns what it says and whether it is right. Must not know whose hash it is tried with.
//!
//! [MS-NLMP]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp/033d32cc-88f9-4483-9bf2-b273055038ce

use subtle::{Choice, ConstantTimeEq};

use super::challenge::Challenge;
use super::keys::{hmac, response_key};

/// An answer whose parts can be told apart; nothing in it is proven yet.
#[derive(Debug)]
pub struct Answer<'a> {
    whole: &'a [u8],
    user: String,
    domain: String,
    proof: &'a [u8; 16],
    /// What the proof covers besides the challenge: NTLMv2_CLIENT_CHALLENGE (§2.2.2.7).
    blob: &'a [u8],
    mic: Option<&'a [u8; 16]>,
    binding: Option<[u8; 16]>,
}

/// Why a message cannot let anybody in, whatever the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is no message, or its parts are not where it says.
    #[error("it is malformed")]
    Malformed,
    /// It names nobody.
    #[error("it is anonymous")]
    Anonymous,
    /// Its response is of 24 bytes.
    #[error("it is NTLMv1: the client has to be set to NTLMv2")]
    Version1,
}

impl<'a> Answer<'a> {
    pub(super) fn parse(whole: &'a [u8]) -> Result<Self, Unfit> {
        let flags = u32::from_le_bytes(*chunk(whole, 60)?);
        let (response, user) = (field(whole, 20)?, field(whole, 36)?);
        if user.is_empty() || response.is_empty() || flags & ANONYMOUS != 0 {
            return Err(Unfit::Anonymous);
        }
        if response.len() <= NTLM_V1 {
            return Err(Unfit::Version1);
        }
        let (proof, blob) = response.split_first_chunk().ok_or(Unfit::Malformed)?;
        if !blob.starts_with(&[1, 1]) {
            return Err(Unfit::Malformed);
        }
        // What is not looked at has to be whole too: LM response, workstation and session key.
        for at in [12, 44, 52] {
            field(whole, at)?;
        }
        let pairs = Pairs::read(blob.get(PAIRS..).ok_or(Unfit::Malformed)?)?;
        Ok(Self {
            whole,
            user: text(user, flags)?,
            domain: text(field(whole, 28)?, flags)?,
            proof,
            blob,
            mic: if pairs.has_mic { Some(chunk(whole, MIC)?) } else { None },
            binding: pairs.binding,
        })
    }

    /// Who it is said to be; without the domain.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The channel binding, if the client sent one. Proven with the rest.
    #[must_use]
    pub fn binding(&self) -> Option<&[u8; 16]> {
        self.binding.as_ref()
    }

    /// Whether somebody with this NT hash has made it for this challenge. The time does not tell
    /// how near it came.
    #[must_use]
    pub fn is_proven(&self, nt_hash: &[u8; 16], challenge: &Challenge) -> bool {
        let key = response_key(nt_hash, &self.user, &self.domain);
        let proof = hmac(&key, &[&challenge.nonce, self.blob]);
        let is_whole = self.mic.map_or_else(
            || Choice::from(1),
            |mic| {
                // Without KEY_EXCH, the exported session key is the session base key.
                let session_key = hmac(&key, &[&proof]);
                let (before, rest) = self.whole.split_at_checked(MIC).unwrap_or_default();
                let after = rest.get(mic.len()..).unwrap_or_default();
                let parts = [&challenge.negotiate, &challenge.message, before, &[0; 16], after];
                hmac(&session_key, &parts).ct_eq(mic)
            },
        );
        (proof.ct_eq(self.proof) & is_whole).into()
    }
}

/// What counts of the AV pairs (§2.2.2.1).
#[derive(Default)]
struct Pairs {
    has_mic: bool,
    binding: Option<[u8; 16]>,
}

impl Pairs {
    fn read(mut rest: &[u8]) -> Result<Self, Unfit> {
        let mut pairs = Self::default();
        while let Some((&[low, high, length @ ..], after)) = rest.split_first_chunk::<4>() {
            let (value, next) = after.split_at_checked(u16::from_le_bytes(length).into()).ok_or(Unfit::Malformed)?;
            match u16::from_le_bytes([low, high]) {
                END => return Ok(pairs),
                FLAGS => pairs.has_mic |= value.first().is_some_and(|flags| flags & MIC_FLAG != 0),
                // Zeros say that there is none.
                BINDING => pairs.binding = value.try_into().ok().filter(|value| *value != [0; 16]),
                _ => {}
            }
            rest = next;
        }
        Ok(pairs)
    }
}

/// The value of a field whose length and offset stand at `at`.
fn field(whole: &[u8], at: usize) -> Result<&[u8], Unfit> {
    let &[low, high, _, _, offset @ ..] = chunk::<8>(whole, at)?;
    let start = usize::try_from(u32::from_le_bytes(offset)).map_err(|_| Unfit::Malformed)?;
    let end = start.checked_add(u16::from_le_bytes([low, high]).into()).ok_or(Unfit::Malformed)?;
    // What is empty may be said to be anywhere.
    if start == end { Ok(&[]) } else { whole.get(start..end).ok_or(Unfit::Malformed) }
}

fn chunk<const N: usize>(whole: &[u8], at: usize) -> Result<&[u8; N], Unfit> {
    whole.get(at..).and_then(<[u8]>::first_chunk).ok_or(Unfit::Malformed)
}

/// UTF-16LE, as is offered; what does not follow the offer can only be ASCII.
fn text(bytes: &[u8], flags: u32) -> Result<String, Unfit> {
    let text = if flags & UNICODE != 0 {
        let (units, []) = bytes.as_chunks() else { return Err(Unfit::Malformed) };
        String::from_utf16(&units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>()).ok()
    } else {
        std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(str::to_owned)
    };
    text.ok_or(Unfit::Malformed)
}

const UNICODE: u32 = 0x1;
const ANONYMOUS: u32 = 0x800;
/// As long as a response without a blob is.
const NTLM_V1: usize = 24;
/// Where the MIC is, behind flags and version.
const MIC: usize = 72;
/// Where the AV pairs begin in the blob.
const PAIRS: usize = 28;
/// Kinds of AV pairs, and what the flags say.
const END: u16 = 0;
const FLAGS: u16 = 6;
const BINDING: u16 = 10;
const MIC_FLAG: u8 = 2;
