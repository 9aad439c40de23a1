//! The keyed digests of NTLMv2 ([MS-NLMP] §3.3.2).
//!
//! Owns MD4 and HMAC-MD5. Must not know where their input comes from.
//!
//! [MS-NLMP]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp/5e550938-91d4-459f-b67d-75d70009e3f3

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;

/// The NT hash of a password: MD4 of its UTF-16LE form. As good as the password itself.
#[must_use]
pub fn nt_hash(password: &str) -> [u8; 16] {
    Md4::digest(utf16(password)).into()
}

/// NTOWFv2: what a password is under one user name and domain.
pub(super) fn response_key(nt_hash: &[u8; 16], user: &str, domain: &str) -> [u8; 16] {
    hmac(nt_hash, &[&utf16(&user.to_uppercase()), &utf16(domain)])
}

/// HMAC-MD5 over the parts, one after the other.
pub(super) fn hmac(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    // Padding to a block is what HMAC does itself (RFC 2104 §2); a whole block cannot be refused.
    let mut block = [0; 64];
    block[..16].copy_from_slice(key);
    let mut mac = Hmac::<Md5>::new(&block.into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Text in UTF-16LE.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
