//! What Graph told lately, by credential, mailbox and window.
//!
//! Owns keys, lifetimes and weight (moka, least recently used out first: the worth of an answer is
//! its freshness). Must not know where answers come from.

use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use super::settings::CacheSettings;
use crate::calendar::Mailbox;
use crate::calendar::free_busy::{BusyItem, ItemDetails, Span};
use crate::failure::Failure;

/// A refusal is remembered so long, so that a calendar without permission is not asked for at
/// every turn, and yet works soon after it was given.
const DENIED_LIFETIME: Duration = Duration::from_secs(10);
/// What moka spends on an entry besides key and value, in bytes.
const OVERHEAD: usize = 160;

/// All that is remembered.
#[derive(Debug)]
pub(super) struct Cache {
    entries: Option<moka::sync::Cache<Key, Entry>>,
    lifetime: Duration,
    negative_lifetime: Duration,
    stale: Duration,
}

/// Which call an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// getSchedule.
    Schedule,
    /// calendarView.
    View,
}

/// What an answer is kept under. Never shared between credentials, so that what one may see does
/// not leak through another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) mailbox: Mailbox,
    pub(super) window: i32,
    pub(super) tenant: u16,
    pub(super) credential: u16,
    pub(super) source: Source,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Busy times.
    Span(Arc<Span>),
    /// There is no such mailbox.
    Nobody,
    /// Graph may not show it.
    Denied,
    /// More items than a call may tell: smaller windows must be asked for.
    TooBig,
}

/// What is known.
#[derive(Debug)]
pub(super) enum Look {
    /// Fresh.
    Fresh(Kept),
    /// Fresh, but soon no more: time to ask again.
    Ageing(Arc<Span>),
    /// Past its lifetime, good only while Graph fails.
    Old(Arc<Span>),
    /// Nothing.
    Nothing,
}

#[derive(Clone, Debug)]
struct Entry {
    kept: Kept,
    told: Instant,
}

impl Cache {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let entries = (!settings.lifetime.is_zero()).then(|| {
            moka::sync::Cache::builder()
                .max_capacity(settings.megabytes.saturating_mul(1024 * 1024))
                .weigher(|key: &Key, entry: &Entry| weight(key, &entry.kept))
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(settings.lifetime.max(settings.negative_lifetime) + settings.stale)
                .build()
        });
        Self {
            entries,
            lifetime: settings.lifetime,
            negative_lifetime: settings.negative_lifetime,
            stale: settings.stale,
        }
    }

    /// What is known at `now`.
    pub(super) fn look(&self, key: &Key, now: Instant) -> Look {
        let Some(Entry { kept, told }) = self.entries.as_ref().and_then(|entries| entries.get(key)) else {
            return Look::Nothing;
        };
        let age = now.saturating_duration_since(told);
        match kept {
            Kept::Span(span) if age < self.lifetime - self.lifetime / 5 => Look::Fresh(Kept::Span(span)),
            Kept::Span(span) if age < self.lifetime => Look::Ageing(span),
            Kept::Span(span) if age < self.lifetime + self.stale => Look::Old(span),
            Kept::Nobody if age < self.negative_lifetime => Look::Fresh(kept),
            Kept::Denied if age < DENIED_LIFETIME.min(self.negative_lifetime) => Look::Fresh(kept),
            Kept::TooBig if age < self.lifetime => Look::Fresh(kept),
            Kept::Span(_) | Kept::Nobody | Kept::Denied | Kept::TooBig => Look::Nothing,
        }
    }

    /// Remembers busy times that were told at `told`.
    pub(super) fn keep(&self, key: Key, span: Arc<Span>, told: Instant) {
        self.insert(key, Kept::Span(span), told);
    }

    /// Remembers, of a failure, what may be remembered; and forgets what must not be shown after it.
    pub(super) fn refuse(&self, key: Key, failure: &Failure, told: Instant) {
        match failure {
            Failure::NoSuchMailbox { .. } => self.insert(key, Kept::Nobody, told),
            Failure::Denied => self.insert(key, Kept::Denied, told),
            Failure::ResultTooBig => self.insert(key, Kept::TooBig, told),
            Failure::CredentialRefused => {
                if let Some(entries) = &self.entries {
                    entries.invalidate(&key);
                }
            }
            _ => {}
        }
    }

    /// Entries, and their estimated bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        self.entries.as_ref().map_or((0, 0), |entries| (entries.entry_count(), entries.weighted_size()))
    }

    fn insert(&self, key: Key, kept: Kept, told: Instant) {
        if let Some(entries) = &self.entries {
            entries.insert(key, Entry { kept, told });
        }
    }
}

/// Estimated bytes of an entry. Working hours are shared, and so weigh nothing.
fn weight(key: &Key, kept: &Kept) -> u32 {
    let span = match kept {
        Kept::Nobody | Kept::Denied | Kept::TooBig => 0,
        Kept::Span(span) => {
            let texts = |details: &ItemDetails| {
                let length = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
                size_of::<ItemDetails>() + length(&details.id) + length(&details.subject) + length(&details.location)
            };
            let details = span.details.iter().flatten().map(texts).sum::<usize>();
            size_of::<Span>() + 16 + size_of::<BusyItem>() * span.items.len() + details
        }
    };
    let total = OVERHEAD + size_of::<Key>() + size_of::<Entry>() + key.mailbox.as_str().len() + span;
    u32::try_from(total).unwrap_or(u32::MAX)
}
