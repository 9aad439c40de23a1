//! NTLM against Microsoft's own example, recorded clients, and all that can be done to a message.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

use super::keys::{hmac, response_key};
use super::*;

/// A handshake of an unmodified client.
struct Recorded {
    client: String,
    user: String,
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    answer: Vec<u8>,
}

fn recorded() -> (Value, Vec<Recorded>, [u8; 16]) {
    let file: Value = serde_json::from_str(include_str!("../../../fixtures/ntlm/recorded.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = file["messages"].as_array().unwrap().iter().map(|it| Recorded {
        client: text(&it["client"]),
        user: text(&it["user"]),
        negotiate: bytes(&it["negotiate"]),
        challenge: bytes(&it["challenge"]),
        answer: bytes(&it["authenticate"]),
    });
    let hash = nt_hash(file["password"].as_str().unwrap());
    (file.clone(), messages.collect(), hash)
}

fn bytes(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

/// The challenge of a message that was recorded.
fn challenge(negotiate: &[u8], message: &[u8]) -> Challenge {
    let nonce = message[24..32].try_into().unwrap();
    Challenge::given(negotiate.to_vec(), message.to_vec(), nonce)
}

fn answer(bytes: &[u8]) -> Result<Answer<'_>, Unfit> {
    match Message::parse(bytes)? {
        Message::Answer(answer) => Ok(answer),
        Message::Negotiate => Err(Unfit::Malformed),
    }
}

/// Whom a message lets in, if anybody.
fn lets_in(bytes: &[u8], hash: &[u8; 16], challenge: &Challenge) -> Option<String> {
    let answer = answer(bytes).ok()?;
    answer.is_proven(hash, challenge).then(|| answer.user().to_lowercase())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// [MS-NLMP] §4.2.4: user `User`, domain `Domain`, password `Password`.
const EXAMPLE: &str = "4e544c4d5353500003000000180018006c00000054005400840000000c000c0048000000080008005400000010001000
    5c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e0055007300650072004300
    4f004d005000550054004500520086c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa68cd0ab851e51c96
    aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00
    610069006e0001000c005300650072007600650072000000000000000000c5dad2544fc9799094ce1ce90bc9d03e";
const EXAMPLE_NONCE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

#[test]
fn the_example_of_the_specification() {
    let hash = nt_hash("Password");
    assert_eq!(hash.to_vec(), unhex("a4f49c406510bdcab6824ee7c30fd852"));
    let key = response_key(&hash, "User", "Domain");
    assert_eq!(key.to_vec(), unhex("0c868a403bfd7a93a3001ef22ef02e3f"));
    let proof = unhex("68cd0ab851e51c96aabc927bebef6a1c");
    assert_eq!(hmac(&key, &[&proof]).to_vec(), unhex("8de40ccadbc14a82f15cb0ad0de95ca3"), "session base key");

    let (message, given) = (unhex(EXAMPLE), Challenge::given(Vec::new(), Vec::new(), EXAMPLE_NONCE));
    let answer = answer(&message).unwrap();
    assert_eq!((answer.user(), answer.binding()), ("User", None));
    assert!(answer.is_proven(&hash, &given));
    assert!(!answer.is_proven(&nt_hash("password"), &given));
    assert!(!answer.is_proven(&hash, &Challenge::given(Vec::new(), Vec::new(), [0; 8])));
}

#[test]
fn unmodified_clients_are_let_in() {
    let (file, recorded, hash) = recorded();
    let certificate = Binding::of(&bytes(&file["certificate"])).0;
    for it in &recorded {
        let given = challenge(&it.negotiate, &it.challenge);
        assert!(matches!(Message::parse(&it.negotiate), Ok(Message::Negotiate)), "{}", it.client);
        assert_eq!(lets_in(&it.answer, &hash, &given).as_deref(), Some(&*it.user), "{}", it.client);
        assert_eq!(lets_in(&it.answer, &nt_hash("Recorded-Password-2"), &given), None);
        let is_curl = it.client.starts_with("curl");
        assert_eq!(answer(&it.answer).unwrap().binding(), Some(&certificate).filter(|_| !is_curl), "{}", it.client);
    }
    assert_eq!(recorded.len(), 3);
}

#[test]
fn no_altered_message_is_somebody_elses_and_none_with_a_mic_is_anybodys() {
    let (_, recorded, hash) = recorded();
    for it in &recorded {
        let given = challenge(&it.negotiate, &it.challenge);
        for (at, bit) in (0..it.answer.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut altered = it.answer.clone();
            altered[at] ^= 1 << bit;
            if let Some(user) = lets_in(&altered, &hash, &given) {
                // What curl does not protect are the version, the workstation and their like.
                assert!(user == it.user && it.client.starts_with("curl"), "{} {at}", it.client);
            }
        }
        for length in 0..it.answer.len() {
            assert_eq!(lets_in(&it.answer[..length], &hash, &given), None, "{} cut at {length}", it.client);
        }
    }
}

#[test]
fn an_altered_handshake_is_seen_by_the_mic() {
    let (_, recorded, hash) = recorded();
    for it in recorded.iter().filter(|it| !it.client.starts_with("curl")) {
        for at in 0..it.negotiate.len() {
            let mut altered = it.negotiate.clone();
            altered[at] ^= 1;
            assert_eq!(lets_in(&it.answer, &hash, &challenge(&altered, &it.challenge)), None, "{} {at}", it.client);
        }
        for at in 0..it.challenge.len() {
            let mut altered = it.challenge.clone();
            altered[at] ^= 1;
            assert_eq!(lets_in(&it.answer, &hash, &challenge(&it.negotiate, &altered)), None, "{} {at}", it.client);
        }
    }
}

#[test]
fn what_cannot_let_anybody_in_is_told_apart() {
    let good = unhex(EXAMPLE);
    let with = |changes: &[(usize, &[u8])]| {
        let mut bytes = good.clone();
        changes.iter().for_each(|(at, new)| bytes[*at..*at + new.len()].copy_from_slice(new));
        answer(&bytes).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(&[(20, &[24, 0])]), Unfit::Version1);
    assert_eq!(with(&[(20, &[1, 0])]), Unfit::Version1);
    assert_eq!(with(&[(20, &[0, 0])]), Unfit::Anonymous);
    assert_eq!(with(&[(36, &[0, 0])]), Unfit::Anonymous);
    assert_eq!(with(&[(61, &[0x8a])]), Unfit::Anonymous);
    for (what, changes) in [
        ("another message", (8, &[2, 0, 0, 0][..])),
        ("another signature", (0, b"NTLMSSQ")),
        ("half a letter", (36, &[7, 0])),
        ("half a character", (84, &[0x00, 0xd8])),
        ("a field beyond the end", (24, &[0xff, 0xff, 0xff, 0xff])),
        ("another version of the response", (148, &[2])),
        ("a pair beyond the end", (178, &[0xff])),
        ("a response without a blob", (20, &[43, 0])),
    ] {
        assert_eq!(with(&[changes]), Unfit::Malformed, "{what}");
    }
}

#[test]
fn names_may_be_ascii_whatever_was_offered() {
    let mut message = unhex(EXAMPLE);
    message[60] &= !1;
    message[84..88].copy_from_slice(b"User");
    message[36..38].copy_from_slice(&[4, 0]);
    message[72..78].copy_from_slice(b"Domain");
    message[28..30].copy_from_slice(&[6, 0]);
    let given = Challenge::given(Vec::new(), Vec::new(), EXAMPLE_NONCE);
    assert_eq!(lets_in(&message, &nt_hash("Password"), &given).as_deref(), Some("user"));
    message[72] = 0xc4;
    assert_eq!(answer(&message).unwrap_err(), Unfit::Malformed);
}

#[test]
fn a_challenge_has_its_parts_where_it_says_and_is_used_once() {
    let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    let given = Challenge::new(b"negotiate", &Names::of("calendar.contoso.example"), [7; 8], now);
    let message = given.message();
    assert_eq!(&message[..12], b"NTLMSSP\0\x02\0\0\0");
    assert_eq!(&message[24..32], &[7; 8]);
    let field = |at: usize| {
        let start = usize::from(message[at + 4]);
        &message[start..start + usize::from(message[at])]
    };
    let text = |bytes: &[u8]| bytes.iter().step_by(2).map(|byte| char::from(*byte)).collect::<String>();
    assert_eq!(text(field(12)), "CONTOSO");
    let pairs = field(40);
    assert!(text(pairs).contains("CALENDAR") && text(pairs).contains("calendar.contoso.example"));
    // 2027-01-15T08:00:00Z, in tenths of microseconds since 1601.
    let time = [&[7, 0, 8, 0][..], &134_444_736_000_000_000_u64.to_le_bytes(), &[0; 4]].concat();
    assert!(pairs.ends_with(&time), "{pairs:?}");
    assert!(given.use_up() && !given.use_up());
    assert!(!format!("{given:?}").contains('7'), "{given:?}");
}

#[test]
fn bindings_are_of_the_certificates_own_hash() {
    let (file, ..) = recorded();
    let certificates = file["certificates"].as_array().unwrap();
    for it in certificates {
        let binding = unhex(it["binding"].as_str().unwrap());
        assert_eq!(Binding::of(&bytes(&it["certificate"])).0.to_vec(), binding, "{}", it["signature"]);
    }
    assert_eq!(certificates.len(), 8);
}

proptest! {
    #[test]
    fn nothing_that_is_sent_is_fatal(
        kind in 0_u8..5,
        body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let message = [SIGNATURE, &[kind, 0, 0, 0], &body].concat();
        let given = Challenge::given(Vec::new(), Vec::new(), [1; 8]);
        for bytes in [&body, &message] {
            prop_assert_eq!(lets_in(bytes, &[0; 16], &given), None);
            let _ = Binding::of(bytes);
        }
    }

    #[test]
    fn nor_what_is_put_into_a_good_one(
        which in 0_usize..3,
        at in 0_usize..400,
        new in prop::collection::vec(any::<u8>(), 1..8),
    ) {
        let (_, recorded, hash) = recorded();
        let it = &recorded[which];
        let mut altered = it.answer.clone();
        for (old, new) in altered.iter_mut().skip(at).zip(&new) {
            *old = *new;
        }
        let given = challenge(&it.negotiate, &it.challenge);
        if let Some(user) = lets_in(&altered, &hash, &given) {
            prop_assert_eq!(&user, &it.user);
        }
    }
}
