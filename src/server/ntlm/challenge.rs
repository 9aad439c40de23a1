//! The server's message: CHALLENGE_MESSAGE ([MS-NLMP] §2.2.1.2).
//!
//! Owns what is offered, and that a challenge is used once. Must not know who answers it.
//!
//! [MS-NLMP]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp/801a4681-8809-4be9-ab0d-61dcfe762786

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jiff::Timestamp;

use super::keys::utf16;

/// What every message begins with.
pub const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// What the server calls itself.
#[derive(Clone, Debug)]
pub struct Names {
    computer: String,
    domain: String,
    dns_computer: String,
    dns_domain: String,
}

/// A challenge that was given, until it is answered.
pub struct Challenge {
    pub(super) nonce: [u8; 8],
    /// The message that asked for it; a MIC covers both, and the answer.
    pub(super) negotiate: Vec<u8>,
    pub(super) message: Vec<u8>,
    is_used: AtomicBool,
}

impl Names {
    /// The names of a host under which clients know the server.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let (first, rest) = host.split_once('.').unwrap_or((host, host));
        let short = |label: &str| -> String {
            let label = label.split('.').next().unwrap_or_default();
            label.chars().take(LONGEST_NETBIOS_NAME).collect::<String>().to_uppercase()
        };
        Self { computer: short(first), domain: short(rest), dns_computer: host.to_owned(), dns_domain: rest.to_owned() }
    }

    /// The AV pairs of a challenge (§2.2.2.1). With the time in them, clients add a MIC.
    fn pairs(&self, now: Timestamp) -> Vec<u8> {
        let since_1601 = (now.as_nanosecond() / 100).saturating_add(TICKS_FROM_1601_TO_1970);
        let since_1601 = u64::try_from(since_1601).unwrap_or_default();
        let pairs = [
            (2, utf16(&self.domain)),
            (1, utf16(&self.computer)),
            (4, utf16(&self.dns_domain)),
            (3, utf16(&self.dns_computer)),
            (7, since_1601.to_le_bytes().to_vec()),
            (0, Vec::new()),
        ];
        let pair = |(id, value): (u16, Vec<u8>)| [id.to_le_bytes().to_vec(), length(&value).to_vec(), value].concat();
        pairs.into_iter().flat_map(pair).collect()
    }
}

impl Challenge {
    /// Challenges whoever sent a NEGOTIATE_MESSAGE. `nonce` comes from the system's random numbers.
    #[must_use]
    pub fn new(negotiate: &[u8], names: &Names, nonce: [u8; 8], now: Timestamp) -> Self {
        let (target, pairs) = (utf16(&names.domain), names.pairs(now));
        let field = |value: &[u8], offset: u32| [&length(value)[..], &length(value), &offset.to_le_bytes()].concat();
        let message = [
            SIGNATURE,
            &2_u32.to_le_bytes(),
            &field(&target, PAYLOAD),
            &FLAGS.to_le_bytes(),
            &nonce,
            &[0; 8],
            &field(&pairs, PAYLOAD + u32::from(u16::from_le_bytes(length(&target)))),
            &VERSION,
            &target,
            &pairs,
        ];
        Self::given(negotiate.to_vec(), message.concat(), nonce)
    }

    /// A challenge with this message.
    pub(super) fn given(negotiate: Vec<u8>, message: Vec<u8>, nonce: [u8; 8]) -> Self {
        Self { nonce, negotiate, message, is_used: AtomicBool::new(false) }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Uses the challenge up; whether it had not been used before.
    #[must_use]
    pub fn use_up(&self) -> bool {
        !self.is_used.swap(true, Relaxed)
    }
}

/// Without the bytes.
impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("is_used", &self.is_used).finish_non_exhaustive()
    }
}

/// The length of a name, of which none comes near the most.
fn length(value: &[u8]) -> [u8; 2] {
    u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes()
}

/// What IIS offers: UNICODE, REQUEST_TARGET, NTLM, ALWAYS_SIGN, TARGET_TYPE_DOMAIN,
/// EXTENDED_SESSIONSECURITY, TARGET_INFO, VERSION, 128, 56. No KEY_EXCH: no session follows, so that
/// nothing needs a key of its own.
const FLAGS: u32 = 0xa289_8205;
/// Windows Server 2019, NTLM revision 15; some clients want a version.
const VERSION: [u8; 8] = [10, 0, 0x63, 0x45, 0, 0, 0, 15];
/// Where the payload starts.
const PAYLOAD: u32 = 56;
const LONGEST_NETBIOS_NAME: usize = 15;
const TICKS_FROM_1601_TO_1970: i128 = 116_444_736_000_000_000;
