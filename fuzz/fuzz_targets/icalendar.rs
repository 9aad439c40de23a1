//! Any text as iCalendar.
#![no_main]

use calendar_relay::calendar::icalendar;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = icalendar::read(text);
});
