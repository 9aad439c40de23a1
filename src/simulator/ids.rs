//! Identifiers: GUIDs that stay the same from run to run, and Exchange's item ids and change keys.
//! Knows nothing of what they name.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::Refusal;

/// The GUID of a name, always the same one.
pub(super) fn guid(name: &str) -> Uuid {
    uuid::Builder::from_random_bytes(short_hash(name.as_bytes())).into_uuid()
}

/// Ids begin so that they read `AAMk…`, as Exchange's do.
const PREFIX: [u8; 3] = [0, 3, 0x24];

/// A REST item id: base64url, case-sensitive, valid in its mailbox only.
pub(super) fn item(mailbox: Uuid, number: u64, day: Option<Date>) -> String {
    let mut bytes = Vec::with_capacity(PREFIX.len() + 16 + 8 + 4 + 5);
    bytes.extend(PREFIX);
    bytes.extend(mailbox.as_bytes());
    bytes.extend(number.to_be_bytes());
    let days = day.map_or(i32::MIN, |day| EPOCH.until(day).map_or(i32::MIN, |span| span.get_days()));
    bytes.extend(days.to_be_bytes());
    let check = short_hash(&bytes);
    bytes.extend(check.iter().take(CHECK));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Takes apart what [`item`] made.
///
/// # Errors
/// `ErrorInvalidIdMalformed` for what is no id at all, `ErrorItemNotFound` for an id of another mailbox
/// or one whose letters changed case.
pub(super) fn parse_item(text: &str, mailbox: Uuid) -> Result<(u64, Option<Date>), Refusal> {
    let malformed = || Refusal::bad("ErrorInvalidIdMalformed", "The Id is invalid.");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let (body, check) = bytes.split_last_chunk::<CHECK>().ok_or_else(malformed)?;
    if !short_hash(body).starts_with(check) {
        return Err(Refusal::no_such_item());
    }
    let rest = body.strip_prefix(&PREFIX).ok_or_else(malformed)?;
    let (owner, rest) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
    let (number, rest) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
    let (days, _) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
    if owner != mailbox.as_bytes() {
        return Err(Refusal::no_such_item());
    }
    let days = i32::from_be_bytes(*days);
    let day = if days == i32::MIN { None } else { EPOCH.checked_add(days.days()).ok() };
    Ok((u64::from_be_bytes(*number), day))
}

/// A change key; the ETag is `W/"<change key>"`.
pub(super) fn change_key(number: u64, change: u64) -> String {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend(change.to_be_bytes());
    STANDARD.encode(short_hash(&bytes))
}

const EPOCH: Date = date(2000, 1, 1);
/// Bytes of checksum in an id.
const CHECK: usize = 5;

fn short_hash(bytes: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn ids_are_case_sensitive_and_belong_to_one_mailbox() {
        let (a, b) = (guid("a"), guid("b"));
        let day = date(2026, 11, 23);
        let id = item(a, 7, Some(day));
        assert!(id.starts_with("AAMk"), "{id}");
        assert_eq!(parse_item(&id, a).unwrap(), (7, Some(day)));
        assert_eq!(parse_item(&item(a, 7, None), a).unwrap(), (7, None));
        assert_eq!(parse_item(&id, b).unwrap_err().code, "ErrorItemNotFound");
        assert_eq!(parse_item(&id.to_lowercase(), a).unwrap_err().status, 404);
        assert_eq!(parse_item("not an id", a).unwrap_err().code, "ErrorInvalidIdMalformed");
    }
}
