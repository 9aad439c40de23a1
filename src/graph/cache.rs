//! What one tenant's Graph told lately, by credential, mailbox and window.
//!
//! Owns keys, lifetimes and weight (moka, least recently used out first: the worth of an answer is
//! its freshness). Must not know where answers come from.

use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;

use super::generations::Generations;
use super::settings::CacheSettings;
use crate::calendar::Mailbox;
use crate::calendar::free_busy::{BusyItem, ItemDetails, Span};
use crate::failure::Failure;
use crate::metrics::{Metrics, TenantLabel};

/// A refusal is remembered so long, so that a calendar without permission is not asked for at
/// every turn, and yet works soon after it was given.
const DENIED_LIFETIME: Duration = Duration::from_secs(10);
/// Refusals remembered, so that nothing older stands in for an answer.
const MOST_REFUSALS: u64 = 20_000;
/// What moka spends on an entry besides key and value, in bytes.
const OVERHEAD: usize = 160;

/// All that is remembered of a tenant, in a share of its own: however busy another tenant is, it pushes nothing out.
#[derive(Debug)]
pub(super) struct Cache {
    entries: Option<moka::sync::Cache<Key, Entry>>,
    /// When Graph last said no.
    refusals: moka::sync::Cache<Refused, Instant>,
    /// What was asked before its mailbox's last change is not known any more.
    pub(super) generations: Generations,
    lifetime: Duration,
    negative_lifetime: Duration,
    stale: Duration,
    /// How much is remembered, for operators.
    count: Gauge,
    bytes: Gauge,
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
    pub(super) credential: u16,
    pub(super) source: Source,
}

/// What Graph said no to, in all windows: a source's mailbox, or all that a credential asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Refused {
    credential: u16,
    mailbox: Option<(Source, Mailbox)>,
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
    /// Past its lifetime, good only while Graph fails; Graph has not said no since.
    Old(Arc<Span>),
    /// Nothing.
    Nothing,
}

#[derive(Clone, Debug)]
struct Entry {
    kept: Kept,
    told: Asked,
}

/// When a question was asked: by the clock, and in which state of things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) at: Instant,
    generation: u64,
}

impl Cache {
    /// A cache of a share, in bytes, of what all tenants may remember.
    pub(super) fn new(settings: &CacheSettings, share: u64, tenant: &str, metrics: &Metrics) -> Self {
        let entries = (!settings.lifetime.is_zero()).then(|| {
            moka::sync::Cache::builder()
                .max_capacity(share)
                .weigher(|key: &Key, entry: &Entry| weight(key, &entry.kept))
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(settings.longest())
                .build()
        });
        let refusals = moka::sync::Cache::builder()
            .max_capacity(MOST_REFUSALS)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(settings.longest())
            .build();
        let label = TenantLabel { tenant: tenant.to_owned() };
        Self {
            entries,
            refusals,
            generations: Generations::default(),
            lifetime: settings.lifetime,
            negative_lifetime: settings.negative_lifetime,
            stale: settings.stale,
            count: metrics.cache_entries.get_or_create_owned(&label),
            bytes: metrics.cache_bytes.get_or_create_owned(&label),
        }
    }

    /// The time of a question that is asked now.
    pub(super) fn ask(&self) -> Asked {
        Asked { at: Instant::now(), generation: self.generations.now() }
    }

    /// What is known at `now`.
    pub(super) fn look(&self, key: &Key, now: Instant) -> Look {
        let Some(Entry { kept, told }) = self.entries.as_ref().and_then(|entries| entries.get(key)) else {
            return Look::Nothing;
        };
        if !self.generations.holds(&key.mailbox, told.generation) {
            return Look::Nothing;
        }
        let told = told.at;
        let age = now.saturating_duration_since(told);
        match kept {
            Kept::Span(span) if age < self.lifetime - self.lifetime / 5 => Look::Fresh(Kept::Span(span)),
            Kept::Span(span) if age < self.lifetime => Look::Ageing(span),
            Kept::Span(span) if age < self.lifetime + self.stale && !self.refused_since(key, told) => Look::Old(span),
            Kept::Nobody if age < self.negative_lifetime => Look::Fresh(kept),
            Kept::Denied if age < DENIED_LIFETIME.min(self.negative_lifetime) => Look::Fresh(kept),
            Kept::TooBig if age < self.lifetime => Look::Fresh(kept),
            Kept::Span(_) | Kept::Nobody | Kept::Denied | Kept::TooBig => Look::Nothing,
        }
    }

    /// Remembers busy times.
    pub(super) fn keep(&self, key: Key, span: Arc<Span>, told: Asked) {
        self.insert(key, Kept::Span(span), told);
    }

    /// Remembers, of a failure of one window, what may be remembered.
    pub(super) fn fail(&self, key: Key, failure: &Failure, told: Asked) {
        match failure {
            Failure::NoSuchMailbox { .. } => self.insert(key, Kept::Nobody, told),
            Failure::Denied => self.insert(key, Kept::Denied, told),
            Failure::ResultTooBig => self.insert(key, Kept::TooBig, told),
            _ => {}
        }
    }

    /// Remembers that Graph said no, if it did: whatever was told before must not be shown as old,
    /// be it of another window or, where the credential was refused, of another mailbox.
    pub(super) fn refuse(
        &self,
        (credential, source): (u16, Source),
        mailbox: &Mailbox,
        failure: &Failure,
        told: Instant,
    ) {
        let mailbox = match failure {
            Failure::NoSuchMailbox { .. } | Failure::Denied => Some((source, mailbox.clone())),
            Failure::CredentialRefused => None,
            _ => return,
        };
        later(&self.refusals, Refused { credential, mailbox }, told, |told| *told);
    }

    fn refused_since(&self, key: &Key, told: Instant) -> bool {
        let whom = [None, Some((key.source, key.mailbox.clone()))];
        whom.into_iter().any(|mailbox| {
            let refused = Refused { credential: key.credential, mailbox };
            self.refusals.get(&refused).is_some_and(|at| at >= told)
        })
    }

    fn insert(&self, key: Key, kept: Kept, told: Asked) {
        if !self.generations.holds(&key.mailbox, told.generation) {
            return;
        }
        if let Some(entries) = &self.entries {
            later(entries, key, Entry { kept, told }, |entry| entry.told.at);
            self.count.set(i64::try_from(entries.entry_count()).unwrap_or(i64::MAX));
            self.bytes.set(i64::try_from(entries.weighted_size()).unwrap_or(i64::MAX));
        }
    }
}

/// Keeps a value unless what is there was told later: a slow call does not undo a quick one.
fn later<K, V>(kept: &moka::sync::Cache<K, V>, key: K, value: V, told: impl Fn(&V) -> Instant)
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    kept.entry(key).and_compute_with(|known| match known {
        Some(known) if told(known.value()) > told(&value) => Op::Nop,
        _ => Op::Put(value),
    });
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use jiff::Timestamp;

    use super::*;
    use crate::calendar::Window;
    use crate::calendar::free_busy::BusyStatus;

    fn key(address: &str) -> Key {
        Key { mailbox: Mailbox::parse(address).unwrap(), window: 0, credential: 0, source: Source::Schedule }
    }

    fn cache(share: u64) -> Cache {
        Cache::new(&CacheSettings::default(), share, "t", &Metrics::new())
    }

    fn asked(at: Instant) -> Asked {
        Asked { at, generation: 0 }
    }

    fn span(items: usize) -> Arc<Span> {
        let (start, end) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(3600).unwrap());
        Arc::new(Span {
            covers: Window::new(start, end).unwrap(),
            items: vec![BusyItem::new(start, end, BusyStatus::Busy); items].into(),
            details: None,
            working_hours: None,
        })
    }

    #[test]
    fn twenty_items_without_texts_are_compact() {
        let weight = weight(&key("somebody.with.a.name@example.com"), &Kept::Span(span(20)));
        assert!((400..700).contains(&weight), "{weight}");
    }

    #[test]
    fn what_was_told_later_stays() {
        let cache = cache(128 * 1024 * 1024);
        let (key, begun) = (key("a@example.com"), Instant::now());
        let later = begun + Duration::from_secs(1);
        cache.keep(key.clone(), span(2), asked(later));
        cache.keep(key.clone(), span(1), asked(begun));
        cache.fail(key.clone(), &Failure::Denied, asked(begun));
        let Look::Fresh(Kept::Span(told)) = cache.look(&key, later) else { panic!("a span") };
        assert_eq!(told.items.len(), 2);
        cache.fail(key.clone(), &Failure::Denied, asked(later));
        assert!(matches!(cache.look(&key, later), Look::Fresh(Kept::Denied)));
    }

    #[test]
    fn a_refusal_ends_what_is_old_in_all_windows_and_a_refused_credential_of_all_mailboxes() {
        let (cache, begun) = (cache(128 * 1024 * 1024), Instant::now());
        let (a, b) = (key("a@example.com"), key("b@example.com"));
        let view = Key { source: Source::View, ..a.clone() };
        let other = Key { credential: 1, ..a.clone() };
        for key in [&a, &b, &view, &other] {
            cache.keep(key.clone(), span(1), asked(begun));
        }
        let old = |key| matches!(cache.look(key, begun + Duration::from_secs(400)), Look::Old(_));
        let refuse = |failure, seconds| {
            cache.refuse((0, Source::Schedule), &a.mailbox, &failure, begun + Duration::from_secs(seconds));
        };
        refuse(Failure::Unavailable, 9);
        assert!(old(&a) && old(&b));
        refuse(Failure::Denied, 10);
        assert!(!old(&a) && old(&b) && old(&view) && old(&other));
        refuse(Failure::CredentialRefused, 10);
        assert!(!old(&b) && !old(&view) && old(&other));
        cache.keep(b.clone(), span(1), asked(begun + Duration::from_secs(11)));
        assert!(old(&b), "told since");
    }

    #[test]
    fn the_cache_is_bounded_by_bytes_and_keeps_what_is_young() {
        let cache = cache(1024 * 1024);
        let now = Instant::now();
        for number in 0..5000 {
            cache.keep(key(&format!("m{number}@example.com")), span(20), asked(now));
        }
        let entries = cache.entries.as_ref().unwrap();
        entries.run_pending_tasks();
        assert!(entries.weighted_size() <= 1024 * 1024 && entries.entry_count() > 1000);
        assert!(matches!(cache.look(&key("m4999@example.com"), now), Look::Fresh(Kept::Span(_))));
        assert!(matches!(cache.look(&key("m0@example.com"), now), Look::Nothing));
        let other = Key { credential: 1, ..key("m4999@example.com") };
        assert!(matches!(cache.look(&other, now), Look::Nothing), "never shared between credentials");
    }
}
