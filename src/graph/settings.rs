//! How the gateway talks to Graph and how long it remembers, as the configuration has it.
//!
//! Must not know what any of it is used for.

use std::time::Duration;

use url::Url;

/// How the gateway talks to Graph.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is remembered, and how long.
    pub cache: CacheSettings,
    /// One call to Graph, from the first byte sent to the last received.
    pub timeout: Duration,
    /// Calls at once per tenant: the most that the adaptive limit may reach.
    pub concurrency: usize,
    /// Bytes of JSON that all pages of one collection may have together.
    pub collection_bytes: usize,
    /// A proxy for all calls; the environment's is never used.
    pub proxy: Option<Url>,
    /// `User-Agent` of all calls.
    pub user_agent: String,
}

/// What is remembered of Graph's answers, and how long.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// How long an answer is fresh; zero turns the cache off.
    pub lifetime: Duration,
    /// How long an unknown mailbox stays unknown.
    pub negative_lifetime: Duration,
    /// How long past its lifetime an answer may stand in while Graph fails.
    pub stale: Duration,
    /// How long automatic replies and mail tips are fresh; zero keeps none of them.
    pub out_of_office_lifetime: Duration,
    /// The most that the caches of all tenants may hold together.
    pub megabytes: u64,
    /// Answers are asked for and kept by windows of so many days, 1 to 30.
    pub days_per_window: u8,
}

/// What a caller needs to know of busy times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// When, and how busy: from getSchedule.
    Times,
    /// Also what and where: from calendarView where a credential serves `calendar_read`, else
    /// whatever getSchedule tells.
    Full,
}

impl CacheSettings {
    /// The same for automatic replies.
    pub(super) fn of_out_of_office(&self) -> Self {
        Self { lifetime: self.out_of_office_lifetime, ..self.clone() }
    }

    /// What each tenant's cache may hold, in bytes: its own share where it has one, and else an equal part of what
    /// those leave, so that no tenant pushes out what is remembered of another.
    pub(super) fn shares(&self, own: &[Option<u64>]) -> Vec<u64> {
        const MEGABYTE: u64 = 1024 * 1024;
        let taken = own.iter().flatten().fold(0, |sum: u64, share| sum.saturating_add(*share));
        let left = self.megabytes.saturating_sub(taken).saturating_mul(MEGABYTE);
        let others = u64::try_from(own.iter().filter(|share| share.is_none()).count()).unwrap_or(u64::MAX);
        let equal = left.checked_div(others).unwrap_or_default();
        own.iter().map(|share| share.map_or(equal, |share| share.saturating_mul(MEGABYTE))).collect()
    }

    /// How long anything can be of use.
    pub(super) fn longest(&self) -> Duration {
        const YEAR: Duration = Duration::from_secs(365 * 86_400);
        self.lifetime.max(self.negative_lifetime).saturating_add(self.stale).min(YEAR)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache: CacheSettings::default(),
            timeout: Duration::from_secs(10),
            concurrency: 32,
            collection_bytes: 64 * 1024 * 1024,
            proxy: None,
            user_agent: concat!("calendar-relay/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(300),
            negative_lifetime: Duration::from_secs(120),
            stale: Duration::from_secs(3600),
            out_of_office_lifetime: Duration::from_secs(30),
            megabytes: 128,
            days_per_window: 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_somebodys_own_is_divided_equally() {
        let shares = |own: &[Option<u64>]| CacheSettings { megabytes: 8, ..CacheSettings::default() }.shares(own);
        let megabyte = 1024 * 1024;
        assert_eq!(shares(&[None]), [8 * megabyte]);
        assert_eq!(shares(&[None, Some(2), None]), [3 * megabyte, 2 * megabyte, 3 * megabyte]);
        assert_eq!(shares(&[Some(1), Some(2)]), [megabyte, 2 * megabyte]);
        assert_eq!(shares(&[Some(9), None]), [9 * megabyte, 0]);
        assert_eq!(shares(&[None; 16]), [megabyte / 2; 16]);
        assert!(shares(&[]).is_empty());
    }
}
