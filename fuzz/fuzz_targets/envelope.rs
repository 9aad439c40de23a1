//! Any text as a SOAP envelope, its header's zone, and all elements of its body.
#![no_main]

use calendar_relay::ews::soap::Envelope;

libfuzzer_sys::fuzz_target!(|document: &str| {
    let Ok(mut envelope) = Envelope::parse(document) else { return };
    let _ = envelope.header.time_zone.map(|zone| zone.zone());
    let _ = envelope.body.reader().skip().and_then(|()| envelope.body.finish());
});
