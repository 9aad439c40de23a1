//! Any bytes as a message of NTLM, and as a certificate. None is the answer to a challenge of the moment.
#![no_main]

use calendar_relay::server::ntlm::{Binding, Challenge, Message, Names};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Binding::of(bytes);
    let Ok(Message::Answer(answer)) = Message::parse(bytes) else { return };
    let challenge = Challenge::new(bytes, &Names::of("calendar.contoso.example"), [7; 8], jiff::Timestamp::UNIX_EPOCH);
    assert!(!answer.is_proven(&[7; 16], &challenge), "{answer:?}");
});
