//! Identifiers: GUIDs that stay the same from run to run, and Exchange's item ids and change keys.
//! Knows nothing of what they name.
//!
//! Item ids have the lengths and the look of Exchange's: 152 characters for items, 168 for occurrences, padded
//! base64url, each half the mailbox's and half the item's. Immutable ones are shorter and begin otherwise.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::Refusal;

/// The GUID of a name, always the same one.
pub(super) fn guid(name: &str) -> Uuid {
    uuid::Builder::from_random_bytes(short_hash(name.as_bytes())).into_uuid()
}

/// The two forms of ids. <https://learn.microsoft.com/graph/outlook-immutable-id>
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Form {
    #[default]
    Usual,
    Immutable,
}

/// An event, or the occurrence of a series on a day of its pattern.
type Named = (u64, Option<Date>);

/// A REST item id: base64url, case-sensitive, valid in its mailbox only.
pub(super) fn item(form: Form, mailbox: Uuid, number: u64, day: Option<Date>) -> String {
    let mut bytes = Vec::new();
    match form {
        Form::Usual => {
            bytes.extend(USUAL);
            bytes.extend(store(mailbox).as_bytes());
            if let Some(day) = day {
                bytes.extend(OCCURRENCE);
                bytes.extend(ticks(day).to_be_bytes());
            }
            bytes.extend(ENTRY);
            bytes.extend(entry(mailbox, number));
            bytes.push(if day.is_some() { 0x10 } else { 0 });
        }
        Form::Immutable => {
            bytes.extend(IMMUTABLE);
            bytes.extend(mailbox.as_bytes());
            bytes.extend(counter(number));
            bytes.extend(short_hash(format!("immutable {mailbox}/{number}").as_bytes()));
            bytes.extend(day.map(ticks).unwrap_or_default().to_be_bytes());
        }
    }
    URL_SAFE.encode(bytes)
}

/// Takes apart what [`item`] made, of either form.
///
/// # Errors
/// `ErrorInvalidIdMalformed` for what is no id at all, `ErrorItemNotFound` for an id of another mailbox
/// or one that was never given out.
pub(super) fn parse_item(text: &str, mailbox: Uuid) -> Result<Named, Refusal> {
    let (form, number, day) = read(text).ok_or_else(|| Refusal::bad("ErrorInvalidIdMalformed", "Id is malformed."))?;
    if item(form, mailbox, number, day) == text { Ok((number, day)) } else { Err(Refusal::no_such_item()) }
}

/// A change key of 40 characters; the ETag is `W/"<change key>"`.
pub(super) fn change_key(mailbox: Uuid, change: u64) -> String {
    let mut bytes = vec![0x0f, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend(short_hash(format!("changes of {mailbox}").as_bytes()));
    bytes.extend(counter(change));
    STANDARD.encode(bytes)
}

/// The beginnings: a version and the length of the mailbox's moniker; a provider's entry id.
const USUAL: [u8; 4] = [0, 3, 0x24, 0];
const IMMUTABLE: [u8; 27] = [
    0, 9, 0, 0x2e, 0, 0, 0, 0, 0, 0x1d, 0x84, 0x03, 0x11, 0xaa, 0x66, 0x11, 0xcd, 0x9b, 0xc8, 0, 0xaa, 0, 0x2f, 0xc4,
    0x5a, 0x0d, 0,
];
/// What stands before an occurrence's date, and before an item's entry id of 70 bytes.
const OCCURRENCE: [u8; 3] = [0x51, 0, 8];
const ENTRY: [u8; 2] = [70, 0];
const MONIKER: usize = 36;
const EPOCH: Date = date(1, 1, 1);
const TICKS_PER_DAY: i64 = 864_000_000_000;

fn read(text: &str) -> Option<(Form, u64, Option<Date>)> {
    let bytes = URL_SAFE.decode(text).ok()?;
    if let Some(rest) = bytes.strip_prefix(&IMMUTABLE) {
        let (_, rest) = rest.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<6>()?;
        let ticks: [u8; 8] = rest.get(16..)?.try_into().ok()?;
        let ticks = i64::from_be_bytes(ticks);
        let day = if ticks == 0 { None } else { Some(date_of(ticks)?) };
        return Some((Form::Immutable, number_of(*number), day));
    }
    let rest = bytes.strip_prefix(&USUAL)?;
    let moniker = std::str::from_utf8(rest.get(..MONIKER)?).ok()?;
    Uuid::parse_str(moniker).ok()?;
    let rest = rest.get(MONIKER..)?;
    let (day, rest) = match rest.strip_prefix(&OCCURRENCE) {
        None => (None, rest),
        Some(rest) => {
            let (ticks, rest) = rest.split_first_chunk::<8>()?;
            (Some(date_of(i64::from_be_bytes(*ticks))?), rest)
        }
    };
    let entry = rest.strip_prefix(&ENTRY)?;
    let number: [u8; 6] = entry.get(62..68)?.try_into().ok()?;
    (entry.len() == 71).then(|| (Form::Usual, number_of(number), day))
}

/// The mailbox's moniker, a GUID as text; the first digit makes ids begin with `AAMkAD`.
fn store(mailbox: Uuid) -> String {
    let mut moniker = guid(&format!("store of {mailbox}")).to_string();
    moniker.replace_range(..1, "6");
    moniker
}

/// Store, folder and message: 70 bytes, in which the item's number is the last counter.
fn entry(mailbox: Uuid, number: u64) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend(short_hash(format!("provider of {mailbox}").as_bytes()));
    bytes.extend([7, 0]);
    bytes.extend(short_hash(format!("calendar of {mailbox}").as_bytes()));
    bytes.extend([0, 0, 0, 0, 1, 0x0d, 0, 0]);
    // Exchange has the database here; ours also proves that the id was given out by us.
    bytes.extend(short_hash(format!("item {mailbox}/{number}").as_bytes()));
    bytes.extend(counter(number));
    bytes.extend([0, 0]);
    bytes
}

/// Counters have 48 bits.
fn counter(number: u64) -> [u8; 6] {
    let [_, _, rest @ ..] = number.to_be_bytes();
    rest
}

fn number_of([a, b, c, d, e, f]: [u8; 6]) -> u64 {
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

fn ticks(day: Date) -> i64 {
    i64::from(EPOCH.until(day).map_or(0, |span| span.get_days())) * TICKS_PER_DAY
}

fn date_of(ticks: i64) -> Option<Date> {
    EPOCH.checked_add(i32::try_from(ticks / TICKS_PER_DAY).ok()?.days()).ok()
}

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
    fn ids_look_like_exchanges() {
        let a = guid("a");
        let (whole, day) =
            (item(Form::Usual, a, 7, None), item(Form::Usual, a, 7, Some("2026-11-23".parse().unwrap())));
        assert_eq!((whole.len(), day.len()), (152, 168));
        assert!(whole.starts_with("AAMkAD") && whole.ends_with('='), "{whole}");
        assert!(day.starts_with("AAMkAD") && day.ends_with("EA=="), "{day}");
        assert_eq!(whole[..52], day[..52], "the mailbox's part");
        assert_eq!(whole[..52], item(Form::Usual, a, 8, None)[..52]);
        let immutable = item(Form::Immutable, a, 7, None);
        assert!(immutable.starts_with("AAkALgAAAAAAHYQD") && immutable.len() < 152, "{immutable}");
        assert_eq!(change_key(a, 7).len(), 40);
        assert_ne!(change_key(a, 7), change_key(a, 8));
    }

    #[test]
    fn ids_are_case_sensitive_and_belong_to_one_mailbox() {
        let (a, b) = (guid("a"), guid("b"));
        let day = Some(date(2026, 11, 23));
        for form in [Form::Usual, Form::Immutable] {
            let id = item(form, a, 7, day);
            assert_eq!(parse_item(&id, a).unwrap(), (7, day));
            assert_eq!(parse_item(&item(form, a, 7, None), a).unwrap(), (7, None));
            assert_eq!(parse_item(&id, b).unwrap_err().code, "ErrorItemNotFound");
            let tail = id.len() - 40;
            let swapped: String = id[tail..]
                .chars()
                .map(
                    |letter| {
                        if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
                    },
                )
                .collect();
            assert!(parse_item(&format!("{}{swapped}", &id[..tail]), a).is_err());
        }
        for wrong in ["", "not an id", "AAMk", "AAMkAD==", &item(Form::Usual, a, 7, None)[..151]] {
            assert_eq!(parse_item(wrong, a).unwrap_err().code, "ErrorInvalidIdMalformed", "{wrong}");
        }
    }
}
