//! Any text as a request of an operation that the gateway knows.
#![no_main]

libfuzzer_sys::fuzz_target!(|document: &str| {
    let _ = calendar_relay::ews::check(document);
});
