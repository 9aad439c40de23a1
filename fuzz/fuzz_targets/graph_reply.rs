//! Any bytes as an answer of Graph's.
#![no_main]

use calendar_relay::calendar::{Mailbox, Window};
use calendar_relay::graph;
use jiff::Timestamp;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let mailbox = Mailbox::parse("anna@contoso.example").expect("an address");
    let window = Window::new(Timestamp::UNIX_EPOCH, Timestamp::MAX).expect("a window");
    let _ = graph::check(&mailbox, window, body);
});
