//! Channel bindings: an answer that holds for one server certificate alone ([RFC 5929] §4).
//!
//! Owns the hash of a certificate. Must not know how it is served.
//!
//! [RFC 5929]: https://www.rfc-editor.org/rfc/rfc5929#section-4

use md5::{Digest, Md5};
use sha2::{Sha256, Sha384, Sha512};

/// What an answer says that was made for one certificate: MD5 of the `gss_channel_bindings_struct`
/// with `tls-server-end-point` ([MS-NLMP] §2.2.2.1, MsvAvChannelBindings).
///
/// [MS-NLMP]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp/83f5e789-660d-4781-8491-5f8c6641f75e
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding(pub [u8; 16]);

impl Binding {
    /// Of a certificate in DER: its hash is that of its signature, or SHA-256 where that is weaker
    /// or not named.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        let algorithm = signature_algorithm(certificate).unwrap_or_default();
        let names = |oids: &[&[u8]]| oids.iter().any(|oid| algorithm.windows(oid.len()).any(|window| window == *oid));
        let hash = if names(WITH_SHA_384) {
            Sha384::digest(certificate).to_vec()
        } else if names(WITH_SHA_512) {
            Sha512::digest(certificate).to_vec()
        } else {
            Sha256::digest(certificate).to_vec()
        };
        let data = [b"tls-server-end-point:".as_slice(), &hash].concat();
        let length = u32::try_from(data.len()).unwrap_or_default();
        // No addresses: four zeros of four bytes.
        let whole = [[0; 16].as_slice(), &length.to_le_bytes(), &data].concat();
        Self(Md5::digest(whole).into())
    }
}

/// The `signatureAlgorithm` of a certificate (RFC 5280 §4.1), as DER.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(certificate)?;
    let (_to_be_signed, rest) = element(certificate)?;
    Some(element(rest)?.0)
}

/// The content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_tag, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        0..=0x7f => (length.into(), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// RSA, ECDSA, and the hash by itself, as RSASSA-PSS has it among its parameters.
const WITH_SHA_384: &[&[u8]] = &[
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
];
const WITH_SHA_512: &[&[u8]] = &[
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
    &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
];
