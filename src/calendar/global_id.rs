//! What MAPI calls a meeting by: `GlobalObjectId` and `CleanGlobalObjectId`, from a UID and back.
//!
//! A UID that Exchange made is the hex of such an id; any other is wrapped in one
//! (<https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxocal/1d3aac05-a7b9-45cc-a213-47f0a0a2c5c1>,
//! <https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxcical/ac8c1e68-de58-4230-a2e2-79aae754a055>).
//! Must not know events, nor which property holds an id.

use std::fmt::Write as _;

use jiff::civil::Date;

/// The `GlobalObjectId` of a meeting, or of the occurrence that a series has, or had, on a day.
///
/// Without an occurrence an encoded UID keeps the day that it may carry.
#[must_use]
pub fn global_object_id(uid: &str, occurrence: Option<Date>) -> Vec<u8> {
    let mut id = decode(uid).unwrap_or_else(|| wrap(uid));
    if let Some(day) = occurrence {
        set_day(&mut id, day_bytes(day));
    }
    id
}

/// The `CleanGlobalObjectId` of a meeting: the same for a series and all its occurrences.
#[must_use]
pub fn clean_global_object_id(uid: &str) -> Vec<u8> {
    let mut id = global_object_id(uid, None);
    set_day(&mut id, NO_DAY);
    id
}

/// The UID of a meeting by either of its ids, also by that of an occurrence: what was wrapped, else
/// upper-case hex without a day. Nothing for what is no such id.
#[must_use]
pub fn uid(id: &[u8]) -> Option<String> {
    if !id.starts_with(&CLASS) || id.len() < HEADER {
        return None;
    }
    if let Some(uid) = unwrap(id) {
        return Some(uid.to_owned());
    }
    let mut clean = id.to_vec();
    set_day(&mut clean, NO_DAY);
    Some(clean.iter().fold(String::with_capacity(clean.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02X}");
        hex
    }))
}

/// What every id begins with.
const CLASS: [u8; 16] =
    [0x04, 0x00, 0x00, 0x00, 0x82, 0x00, 0xE0, 0x00, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08];
/// Where the day stands: year (high byte first), month, day.
const DAY: std::ops::Range<usize> = 16..20;
const NO_DAY: [u8; 4] = [0; 4];
/// Where the size of the data stands; between it and the day, a time of creation and eight zeros.
const SIZE: std::ops::Range<usize> = 36..40;
/// Where the data begins.
const HEADER: usize = 40;
/// What a UID is wrapped by, with a zero byte behind it.
const WRAPPER: &[u8; 12] = b"vCal-Uid\x01\0\0\0";
/// The fewest hex digits of an encoded UID: a header and one byte.
const FEWEST_DIGITS: usize = 82;

fn decode(uid: &str) -> Option<Vec<u8>> {
    if uid.len() < FEWEST_DIGITS || !uid.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let id: Vec<u8> = uid.as_bytes().chunks(2).map(byte).collect::<Option<_>>()?;
    id.starts_with(&CLASS).then_some(id)
}

fn wrap(uid: &str) -> Vec<u8> {
    let size = WRAPPER.len() + uid.len() + 1;
    let mut id = Vec::with_capacity(HEADER + size);
    id.extend(CLASS);
    id.resize(SIZE.start, 0);
    id.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    id.extend(WRAPPER);
    id.extend(uid.as_bytes());
    id.push(0);
    id
}

fn unwrap(id: &[u8]) -> Option<&str> {
    let data = id.get(HEADER..)?;
    let size = u32::from_le_bytes(id.get(SIZE)?.try_into().ok()?);
    let data = usize::try_from(size).ok().and_then(|size| data.get(..size)).unwrap_or(data);
    let wrapped = data.strip_prefix(WRAPPER)?;
    std::str::from_utf8(wrapped.strip_suffix(&[0]).unwrap_or(wrapped)).ok()
}

fn day_bytes(day: Date) -> [u8; 4] {
    let [high, low] = u16::try_from(day.year()).unwrap_or(0).to_be_bytes();
    [high, low, day.month().unsigned_abs(), day.day().unsigned_abs()]
}

fn set_day(id: &mut [u8], day: [u8; 4]) {
    if let Some(bytes) = id.get_mut(DAY) {
        bytes.copy_from_slice(&day);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    /// Of MS-ASEMAIL §4.3, which also has the ids below.
    const ENCODED: &str = "040000008200E00074C5B7101A82E00800000000E040C9C12685C4010000000000000000100000000BF0ED4B6E4EE94E9E39E3867B378EF3";
    const FOREIGN: &str = "{81412D3C-2A24-4E9D-B20E-11F7BBE92799}";

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn what_exchange_made_is_hex() {
        let occurrence = hex(
            "040000008200E00074C5B7101A82E00807D40910E040C9C12685C4010000000000000000100000000BF0ED4B6E4EE94E9E39E3867B378EF3",
        );
        assert_eq!(uid(&occurrence).unwrap(), ENCODED);
        assert_eq!(global_object_id(ENCODED, Some(date(2004, 9, 16))), occurrence);
        assert_eq!(global_object_id(ENCODED, None), hex(ENCODED));
        assert_eq!(clean_global_object_id(&ENCODED.to_lowercase()), hex(ENCODED));
    }

    #[test]
    fn a_uid_with_a_day_keeps_it_unless_clean() {
        let with_day = ENCODED.replacen("E00800000000", "E00807D80319", 1);
        assert_eq!(global_object_id(&with_day, None)[DAY], [0x07, 0xD8, 3, 25]);
        assert_eq!(clean_global_object_id(&with_day), hex(ENCODED));
    }

    #[test]
    fn what_others_made_is_wrapped() {
        let id = hex(concat!(
            "040000008200E00074C5B7101A82E00800000000000000000000000000000000000000003300000",
            "07643616C2D556964010000007B38313431324433432D324132342D344539442D423230452D3131463742424539323739397D00"
        ));
        assert_eq!(uid(&id).unwrap(), FOREIGN);
        assert_eq!(global_object_id(FOREIGN, None), id);
        assert_eq!(clean_global_object_id(FOREIGN), id);
        assert_eq!(uid(&global_object_id(FOREIGN, Some(date(2027, 12, 31)))).unwrap(), FOREIGN);
    }

    #[test]
    fn a_wrapped_uid_needs_no_zero_at_its_end() {
        let mut id = global_object_id("a@b", None);
        id.pop();
        assert_eq!(uid(&id).unwrap(), "a@b");
        id[SIZE.start] -= 2;
        assert_eq!(uid(&id).unwrap(), "a@", "the size counts");
    }

    #[test]
    fn what_is_no_id_has_no_uid() {
        for bad in [&[][..], b"vCal-Uid", &CLASS, &hex(ENCODED)[..39], &hex(ENCODED)[1..]] {
            assert_eq!(uid(bad), None);
        }
    }

    #[test]
    fn what_only_looks_encoded_is_wrapped() {
        for odd in [&ENCODED[..80], &ENCODED[1..], &ENCODED.replace('F', "G"), &format!("{ENCODED}0")] {
            let id = global_object_id(odd, None);
            assert_eq!((uid(&id).unwrap().as_str(), &id[HEADER..HEADER + 12]), (odd, &WRAPPER[..]));
        }
    }

    proptest! {
        #[test]
        fn any_uid_comes_back(text in "\\PC{0,80}", day in 0..20_000i32) {
            let occurrence = date(1990, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
            prop_assert_eq!(uid(&clean_global_object_id(&text)), Some(text.clone()));
            let id = global_object_id(&text, Some(occurrence));
            prop_assert_eq!(uid(&id), Some(text.clone()));
            prop_assert_eq!(i16::from_be_bytes([id[16], id[17]]), occurrence.year());
            prop_assert_eq!([id[18], id[19]], [occurrence.month(), occurrence.day()].map(i8::unsigned_abs));
        }

        #[test]
        fn any_id_comes_back(time: [u8; 8], data in prop::collection::vec(any::<u8>(), 1..60)) {
            let mut id = CLASS.to_vec();
            id.extend(NO_DAY.iter().chain(&time).chain(&[0; 8]).chain(&u32::try_from(data.len()).unwrap().to_le_bytes()));
            id.extend(&data);
            prop_assert_eq!(clean_global_object_id(&uid(&id).unwrap()), id);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = uid(&bytes);
            let _ = uid(&[&CLASS[..], &bytes].concat());
        }
    }
}
