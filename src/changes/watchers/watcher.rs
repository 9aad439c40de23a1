//! What one watcher does: looks again and again what has changed in a calendar, and tells the hub.
//!
//! A look reads on from where the last one ended. Once a day, and when Graph has forgotten where that
//! was, everything is read afresh and compared with what is known, so that nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use super::{Handle, LINGERING, Watchers};
use crate::calendar::Window;
use crate::calendar::event::EventId;
use crate::changes::change::Change;
use crate::changes::diff::{self, Difference};
use crate::changes::hooks::{self, Todo};
use crate::changes::pace::{Pace, jittered};
use crate::client::Permitted;
use crate::failure::Failure;
use crate::graph::{Order, Round, Since};
use crate::journal::Journal;
use crate::metrics::OutcomeLabel;
use crate::store::{Hook, Watch, WatchChanges};

/// Where a watcher stands.
struct Place {
    permitted: Permitted,
    watch: Option<Watch>,
    /// When that was saved.
    saved: Instant,
    /// When making a subscription with Graph may be tried again.
    hook_after: Instant,
}

impl Watchers {
    /// Watches until nobody wants it any more, or all end.
    pub(super) async fn run(self: Arc<Self>, handle: Arc<Handle>, permitted: Permitted, watch: Option<Watch>) {
        let mailbox = permitted.mailbox().clone();
        let now = Instant::now();
        if let Some(hook) = watch.as_ref().and_then(|watch| watch.hook.as_ref()) {
            self.hooks.add(&hook.id, hook.proof, &handle.news);
        }
        let is_old = watch.is_some();
        let mut place = Place { permitted, watch, saved: now, hook_after: now };
        let mut pace = Pace::default();
        let mut wanted = now;
        if is_old {
            // After a restart not all at once.
            let first = pace.after_success(&self.hub.settings, self.company(&mailbox), false);
            self.wait(&handle, first.mul_f64(rand::random_range(0.0..1.0))).await;
        }
        while !self.end.is_cancelled() {
            let begun = Instant::now();
            let todo = handle.news.take();
            let looked = self.end.run_until_cancelled(self.look(&mut place, &handle, todo)).await;
            let Some(looked) = looked else { break };
            if looked.is_err() {
                // It failed before anything of that was done.
                handle.news.put_back(todo);
            }
            let outcome = match &looked {
                Ok(outcome) => *outcome,
                Err(failure) => failure.label(),
            };
            self.hub.metrics.rounds.get_or_create(&OutcomeLabel { outcome }).inc();
            let (settings, company) = (&self.hub.settings, self.company(&mailbox));
            let wait = match &looked {
                Ok(_) => pace.after_success(settings, company, self.is_told(&place)),
                Err(failure) => {
                    tracing::warn!(failure = failure.label(), "a calendar's changes cannot be read");
                    pace.after_failure(settings, company, failure)
                }
            };
            if place.watch.is_some() {
                handle.ready.send_if_modified(|ready| ready.replace(Ok(())) != Some(Ok(())));
            } else if let Err(failure) = looked {
                handle.ready.send_replace(Some(Err(failure)));
            }
            if self.hub.wants(&mailbox) {
                wanted = Instant::now();
            } else if wanted.elapsed() >= LINGERING && self.dismiss(&mailbox, &handle) {
                self.forget(place).await;
                return;
            }
            self.wait(&handle, jittered(wait)).await;
            // However often Graph tells of changes.
            sleep_until(begun + CLOSEST).await;
        }
    }

    async fn wait(&self, handle: &Handle, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = handle.news.bell.notified() => {}
            () = self.end.cancelled() => {}
        }
    }

    /// One look; gives what came of it, as a metric label.
    async fn look(&self, place: &mut Place, handle: &Handle, todo: Todo) -> Result<&'static str, Failure> {
        let now = (self.hub.clock)();
        let window = window(now).ok_or(Failure::Internal)?;
        let journal = Journal::new(Uuid::new_v4(), now, Instant::now() + LONGEST_LOOK);
        let mut outcome = "nothing";
        let mut afresh = place.watch.is_none();
        if let Some(watch) = &place.watch {
            let since = Since::Link(watch.link.clone());
            match self.graphs.round(&place.permitted, &since, &journal).await? {
                Some(round) => {
                    if self.read_on(place, round, now).await? {
                        outcome = "changes";
                    }
                }
                None => (afresh, outcome) = (true, "forgotten"),
            }
        }
        if afresh || place.watch.as_ref().is_some_and(|watch| is_old(watch, now)) {
            let since = Since::Beginning(window);
            let round = self.graphs.round(&place.permitted, &since, &journal).await?.ok_or(Failure::Internal)?;
            self.read_afresh(place, round, window, now).await?;
            outcome = if outcome == "forgotten" { outcome } else { "afresh" };
        }
        self.arrange(place, handle, todo, &journal).await;
        Ok(outcome)
    }

    /// Takes up what has happened since the last look; says whether anything has.
    async fn read_on(&self, place: &mut Place, round: Round, now: Timestamp) -> Result<bool, Failure> {
        let Some(watch) = &mut place.watch else { return Ok(false) };
        let (items, series) = diff::concerned(&round.told);
        let next = Watch { link: round.link, ..watch.clone() };
        if items.is_empty() {
            *watch = next;
            // The former link leads to the same place; only that Graph remembers none for ever.
            if place.saved.elapsed() >= SAVED_AT_LEAST {
                self.hub.save(Some((watch.clone(), WatchChanges::default()))).await?;
                place.saved = Instant::now();
            }
            return Ok(false);
        }
        let (known, series) = self.store.known(next.mailbox.clone(), items, series).await?;
        let difference = diff::since(round.told, known, &series);
        self.tell(place, next, difference, false, now).await
    }

    /// Takes up everything.
    async fn read_afresh(
        &self,
        place: &mut Place,
        round: Round,
        window: Window,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let mailbox = place.permitted.mailbox().as_str().to_owned();
        let (start, end) = (window.start().as_second(), window.end().as_second());
        let former = place.watch.as_ref();
        let known = match former {
            Some(_) => self.store.all_known(mailbox.clone()).await?,
            None => Vec::new(),
        };
        let before = former.and_then(|watch| {
            Window::new(Timestamp::from_second(watch.start).ok()?, Timestamp::from_second(watch.end).ok()?)
        });
        let difference = diff::afresh(round.told, known, before, window);
        let born = former.map_or_else(|| Uuid::new_v4().to_string(), |watch| watch.born.clone());
        let hook = former.and_then(|watch| watch.hook.clone());
        let next = Watch { mailbox, born, link: round.link, start, end, hook };
        self.tell(place, next, difference, true, now).await
    }

    /// Queues what has happened, saves all of it together, and only then moves on.
    async fn tell(
        &self,
        place: &mut Place,
        next: Watch,
        difference: Difference,
        afresh: bool,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let mailbox = place.permitted.mailbox().clone();
        let changes = difference.changes.into_iter().filter_map(|(item, (kind, change_key))| {
            let item = EventId::parse(&item).ok()?;
            Some(Change { kind, mailbox: mailbox.clone(), item, change_key, at: now })
        });
        let changes: Vec<Change> = changes.collect();
        self.hub.push(&changes);
        let Difference { known, gone, .. } = difference;
        let written = WatchChanges { known, gone, afresh, ..WatchChanges::default() };
        self.hub.save(Some((next.clone(), written))).await?;
        place.watch = Some(next);
        place.saved = Instant::now();
        if changes.is_empty() {
            return Ok(false);
        }
        self.graphs.changed(std::slice::from_ref(&mailbox));
        self.hub.ring(&mailbox);
        Ok(true)
    }

    /// Whether Graph tells of changes by itself.
    fn is_told(&self, place: &Place) -> bool {
        let hook = place.watch.as_ref().and_then(|watch| watch.hook.as_ref());
        hook.is_some_and(|hook| hook.end > (self.hub.clock)().as_second())
    }

    /// Has Graph tell of changes by itself, if that is configured, and go on with it.
    async fn arrange(&self, place: &mut Place, handle: &Handle, todo: Todo, journal: &Journal) {
        let Some(url) = &self.hub.settings.notification_url else { return };
        let Some(watch) = &mut place.watch else { return };
        if todo.removed
            && let Some(hook) = watch.hook.take()
        {
            self.hooks.remove(&hook.id);
        }
        let now = journal.now.as_second();
        let left = watch.hook.as_ref().map_or(0, |hook| hook.end - now);
        if left > HOOK_SECONDS / 2 && !todo.renew {
            return;
        }
        // One that is gone is made again in any case; that one is to be renewed has to be remembered.
        let left_to_do = Todo { renew: todo.renew && watch.hook.is_some(), removed: false };
        if Instant::now() < place.hook_after {
            handle.news.put_back(left_to_do);
            return;
        }
        let Ok(until) = journal.now.checked_add(HOOK_SECONDS.seconds()) else { return };
        let arranged = match &watch.hook {
            Some(hook) => {
                let prolonged = self.graphs.prolong(&place.permitted, &hook.id, until, journal).await;
                prolonged.map(|arranged| (arranged, hook.proof))
            }
            None => {
                let (secret, proof) = hooks::secret();
                let address = |path: &str| format!("{}{path}", url.as_str().trim_end_matches('/'));
                let (notification_url, lifecycle_url) = (address(NOTIFICATIONS), address(LIFECYCLE));
                let order = Order {
                    notification_url: &notification_url,
                    lifecycle_url: &lifecycle_url,
                    client_state: &secret,
                    until,
                };
                self.graphs.arrange(&place.permitted, &order, journal).await.map(|arranged| (arranged, proof))
            }
        };
        match arranged {
            Ok((arranged, proof)) => {
                self.hooks.add(&arranged.id, proof, &handle.news);
                let is_new = watch.hook.is_none();
                watch.hook = Some(Hook { id: arranged.id, proof, end: arranged.until.as_second() });
                // Graph would not make another while there is one that nobody here knows of. What cannot
                // be saved now is saved with the next link; the log has the reason.
                let _ = self.hub.save(Some((watch.clone(), WatchChanges::default()))).await;
                if is_new {
                    // What happened before Graph began to tell was not told.
                    handle.news.bell.notify_one();
                }
            }
            Err(failure) => {
                tracing::warn!(failure = failure.label(), "Graph does not tell of changes by itself: it is asked");
                if failure == Failure::NoSuchItem
                    && let Some(hook) = watch.hook.take()
                {
                    self.hooks.remove(&hook.id);
                } else {
                    place.hook_after = Instant::now() + HOOK_AGAIN;
                    handle.news.put_back(left_to_do);
                }
            }
        }
    }

    async fn forget(&self, place: Place) {
        let Some(watch) = place.watch else { return };
        if let Some(hook) = watch.hook {
            self.hooks.remove(&hook.id);
            let journal = Journal::new(Uuid::new_v4(), (self.hub.clock)(), Instant::now() + LONGEST_LOOK);
            // Graph ends it by itself in a few days.
            let _ = self.graphs.call_off(&place.permitted, &hook.id, &journal).await;
        }
        if self.store.forget_watch(watch.mailbox, watch.born).await.is_err() {
            tracing::warn!("a calendar that nobody watches any more stays in the store until the next start");
        }
    }
}

/// What is watched at a time.
fn window(now: Timestamp) -> Option<Window> {
    let hours = |days: i64| (24 * days).hours();
    Window::new(now.checked_sub(hours(BACK)).ok()?, now.checked_add(hours(AHEAD)).ok()?)
}

/// Whether a watch's window is to be moved on: once a day, some later than others.
fn is_old(watch: &Watch, now: Timestamp) -> bool {
    let spread = watch.born.bytes().map(i64::from).sum::<i64>() * 131 % SPREAD;
    window(now).is_some_and(|window| window.start().as_second() - watch.start >= 86_400 + spread)
}

/// Days of the past that are watched.
const BACK: i64 = 31;
/// Days of the future that are watched: thirteen months.
const AHEAD: i64 = 396;
/// Seconds over which the daily reading of all calendars is spread.
const SPREAD: i64 = 7200;
/// A first look at a large calendar takes many pages.
const LONGEST_LOOK: Duration = Duration::from_secs(120);
/// Between the beginnings of two looks at one calendar.
const CLOSEST: Duration = Duration::from_secs(1);
const SAVED_AT_LEAST: Duration = Duration::from_secs(600);
/// How long Graph is asked to tell of changes; it would do so for a week.
const HOOK_SECONDS: i64 = 2 * 86_400;
/// When Graph would not tell of changes by itself.
const HOOK_AGAIN: Duration = Duration::from_secs(900);
/// Where Graph posts changes, below the configured address.
const NOTIFICATIONS: &str = "/graph/notifications";
/// Where Graph posts what becomes of its subscriptions.
const LIFECYCLE: &str = "/graph/lifecycle";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_window_is_moved_on_once_a_day_and_not_all_at_the_same_time() {
        let now: Timestamp = "2027-03-10T12:00:00Z".parse().unwrap();
        let seen = window(now).unwrap();
        assert_eq!((now.as_second() - seen.start().as_second()) / 86_400, BACK);
        assert_eq!((seen.end().as_second() - now.as_second()) / 86_400, AHEAD);
        let watch = |born: &str| Watch {
            mailbox: "a@example.com".into(),
            born: born.into(),
            link: String::new(),
            start: seen.start().as_second(),
            end: seen.end().as_second(),
            hook: None,
        };
        let hours = |hours: i64| now.checked_add(hours.hours()).unwrap();
        for number in 0..50 {
            let watch = watch(&format!("{number}-born"));
            assert!(!is_old(&watch, now) && !is_old(&watch, hours(23)) && is_old(&watch, hours(27)));
        }
        let soon = hours(24) + 60.minutes();
        assert_eq!(is_old(&watch("a"), soon), is_old(&watch("a"), soon));
        let old = (0..50).filter(|number| is_old(&watch(&format!("{number}-born")), soon)).count();
        assert!((5..45).contains(&old), "{old}");
    }
}
