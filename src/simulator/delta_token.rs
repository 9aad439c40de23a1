//! The opaque tokens of deltas: what a caller knows already, sealed. Knows nothing of events.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Where a caller stands. The window stays what it was at the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) mailbox: Uuid,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// The last change of which the caller was told in full; none in the first round.
    pub(super) since: Option<u64>,
    /// The last change when this round began. `None` between rounds.
    pub(super) until: Option<u64>,
    /// The last thing that was given in this round.
    pub(super) given: Option<(u64, Option<Date>)>,
}

impl Mark {
    fn write(&self) -> String {
        let shown = |value: Option<String>| value.unwrap_or_default();
        let (number, day) = self.given.unzip();
        [
            self.mailbox.to_string(),
            self.from.to_string(),
            self.to.to_string(),
            shown(self.since.map(|since| since.to_string())),
            shown(self.until.map(|until| until.to_string())),
            shown(number.map(|number| number.to_string())),
            shown(day.flatten().map(|day| day.to_string())),
        ]
        .join("|")
    }

    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('|').collect();
        let [mailbox, from, to, since, until, number, day] = parts.as_slice() else { return None };
        let given = number.parse().ok().map(|number| (number, day.parse().ok()));
        Some(Self {
            mailbox: mailbox.parse().ok()?,
            from: from.parse().ok()?,
            to: to.parse().ok()?,
            since: since.parse().ok(),
            until: until.parse().ok(),
            given,
        })
    }
}

/// Seals and opens tokens, with a key that lives as long as the process.
pub(super) struct DeltaTokens {
    key: [u8; 32],
    generation: AtomicU64,
}

impl Default for DeltaTokens {
    fn default() -> Self {
        Self { key: rand::random(), generation: AtomicU64::new(0) }
    }
}

impl DeltaTokens {
    /// Makes every token that was given out so far unknown.
    pub(super) fn expire(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn seal(&self, mark: &Mark) -> String {
        let content = mark.write();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&content), URL_SAFE_NO_PAD.encode(self.mac(content.as_bytes())))
    }

    /// What a token says, if it is one of ours that has not expired.
    pub(super) fn open(&self, token: &str) -> Option<Mark> {
        let (content, mac) = token.split_once('.')?;
        let content = URL_SAFE_NO_PAD.decode(content).ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        bool::from(self.mac(&content).ct_eq(&mac)).then(|| Mark::read(&String::from_utf8(content).ok()?))?
    }

    fn mac(&self, content: &[u8]) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(&self.generation.load(Ordering::Relaxed).to_be_bytes());
        mac.update(content);
        mac.finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn tokens_hold_what_they_were_given_until_they_expire() {
        let tokens = DeltaTokens::default();
        let mut mark = Mark {
            mailbox: Uuid::new_v4(),
            from: Timestamp::UNIX_EPOCH,
            to: "2026-11-24T10:00:00.5Z".parse().unwrap(),
            since: None,
            until: Some(7),
            given: Some((3, None)),
        };
        assert_eq!(tokens.open(&tokens.seal(&mark)), Some(mark.clone()));
        (mark.since, mark.until, mark.given) = (Some(7), None, Some((3, Some("2026-11-24".parse().unwrap()))));
        let token = tokens.seal(&mark);
        assert_eq!(tokens.open(&token), Some(mark));
        assert_eq!(DeltaTokens::default().open(&token), None, "another process");
        tokens.expire();
        assert_eq!(tokens.open(&token), None);
    }
}
