//! Keys that sign what standard webhooks are told
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#symmetric>).
//!
//! Owns how they are written and what they do. Must not know what is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

/// A key of 24 to 64 bytes.
#[derive(Clone, Debug)]
pub struct SigningKey(SecretSlice<u8>);

impl SigningKey {
    /// Reads a key as it is written: `whsec_` and base64.
    ///
    /// # Errors
    /// What is wrong and the remedy, without the key.
    pub fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let encoded = text.expose_secret().trim().strip_prefix(PREFIX);
        let key = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
        let key = key.filter(|key| BYTES.contains(&key.len())).ok_or(REMEDY)?;
        Ok(Self(SecretSlice::from(key)))
    }

    /// The signature of a text; `None` never: HMAC takes keys of every length.
    pub(super) fn sign(&self, text: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(text.as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

const PREFIX: &str = "whsec_";
/// As the specification has it.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const REMEDY: &str = "is no whsec_ with base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_form_and_their_length() {
        let is_key = |text: &str| SigningKey::parse(&text.into()).is_ok();
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![b'A'; bytes]));
        for bytes in [24, 25, 32, 64] {
            assert!(is_key(&of(bytes)) && is_key(&format!(" {}\n", of(bytes))), "{bytes}");
        }
        for bytes in [0, 23, 65] {
            assert!(!is_key(&of(bytes)), "{bytes}");
        }
        for wrong in ["", "whsec_", of(32).trim_end_matches('='), of(32).trim_start_matches("whsec_"), "whsec_????"] {
            assert!(!is_key(wrong), "{wrong}");
        }
        assert!(!format!("{:?}", SigningKey::parse(&of(32).into())).contains("65"), "no key is shown");
    }
}
