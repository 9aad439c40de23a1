//! GetUserAvailability, end to end: what callers of every kind are told about the small world.

mod bounds;
mod clients;
mod days;
mod groups;
mod mailboxes;
mod suggestions;
mod views;
mod zones;

use crate::harness::Gateway;
use crate::harness::answer::Element;

/// Each mailbox's FreeBusyResponse.
async fn responses(gateway: &Gateway, request: &str) -> Vec<Element> {
    let payload = gateway.ask(request).await;
    assert_eq!(payload.name, "GetUserAvailabilityResponse");
    payload.child("FreeBusyResponseArray").children.clone()
}

/// Digits of `length` intervals, nought but for these runs: first interval, length, digit.
fn digits(length: usize, runs: &[(usize, usize, char)]) -> String {
    let mut digits = vec!['0'; length];
    for (first, count, digit) in runs {
        digits[*first..first + count].fill(*digit);
    }
    digits.into_iter().collect()
}
